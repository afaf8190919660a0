/* SPDX-License-Identifier: MIT */
/* Models that know their likelihood exactly: MADE and NICE, held to enumeration, to numeric derivatives and to their
 * own samples. */
#include "use.h"

#include "train_models.h"
#include "workshop.h"

#include "model/model.h"

enum { FEATURES = 8, VECTORS = 1 << FEATURES };

static char bits[TEST_PATH_SIZE + 16];

/* A graph of a model for `batch` rows. */
typedef struct use {
    duet_data *data;
    duet_model *model;
    duet_build *build;
} use;

static use use_open(const char *family, const char *data, const char *setting, size_t batch)
{
    duet_error error = {0};
    use it = {0};
    assert_ok(duet_data_open(&it.data, data, &error), &error);
    assert_ok(duet_model_new(&it.model, duet_family_find(family), it.data, &setting, 1, 7, &error), &error);
    assert_ok(duet_model_build(it.model, DUET_BUILD_EVAL, batch, &it.build, &error), &error);
    return it;
}

static void use_close(use *it)
{
    duet_build_free(&it->build);
    duet_model_free(&it->model);
    duet_data_close(&it->data);
}

/* Row r + 1 of the batch is row 0 with all inputs from r on changed: outputs up to r must not notice, later ones must.
 */
static void outputs_of_made_see_earlier_inputs_only(void **state)
{
    (void)state;
    float x[FEATURES + 1][FEATURES], logits[FEATURES + 1][FEATURES];
    use it = use_open("made", bits, "hidden=200", FEATURES + 1);
    for (size_t r = 0; r <= FEATURES; r++)
        for (size_t i = 0; i < FEATURES; i++) x[r][i] = (float)((i % 3 == 0) ^ (r > 0 && i + 1 >= r));
    const duet_node root = duet_build_output(it.build, "pixel_logits");
    const test_feed feed = {it.build->batch, x};
    test_compute(device, &root, 1, &feed, 1, (void *[]){logits});
    for (size_t r = 0; r < FEATURES; r++) {
        size_t changed = 0;
        for (size_t o = 0; o < FEATURES; o++) {
            if (o <= r && logits[r + 1][o] != logits[0][o]) fail_msg("output %zu sees input %zu or a later one", o, r);
            changed += o > r && logits[r + 1][o] != logits[0][o];
        }
        assert_true(changed > 0 || r + 1 == FEATURES);
    }
    use_close(&it);
}

/* A trained MADE and its evaluator. */
static void open_made(test_parts *parts, duet_evaluator **evaluator, size_t steps)
{
    static const char *const settings[] = {"hidden=24", "lr=0.01"};
    duet_error error = {0};
    test_parts_open(parts, device, duet_family_find("made"), bits, settings, 2);
    test_steps(parts, steps);
    assert_ok(duet_evaluator_new(evaluator, device, parts->model, &error), &error);
}

/* p(x) of all vectors of bits, by the number whose bits they are. */
static void enumerate(duet_evaluator *evaluator, double probability[VECTORS])
{
    static float all[VECTORS][FEATURES], nll[VECTORS];
    duet_error error = {0};
    for (size_t v = 0; v < VECTORS; v++)
        for (size_t i = 0; i < FEATURES; i++) all[v][i] = (float)(v >> i & 1);
    assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_NLL, all[0], VECTORS, 1, nll, &error), &error);
    for (size_t v = 0; v < VECTORS; v++) probability[v] = exp(-(double)nll[v]);
}

static void probabilities_of_made_sum_to_1(void **state)
{
    (void)state;
    for (size_t steps = 0; steps <= 100; steps += 100) {
        test_parts parts;
        duet_evaluator *evaluator;
        double probability[VECTORS], sum = 0, least = 1, most = 0;
        open_made(&parts, &evaluator, steps);
        enumerate(evaluator, probability);
        for (size_t v = 0; v < VECTORS; v++) {
            sum += probability[v];
            least = fmin(least, probability[v]);
            most = fmax(most, probability[v]);
        }
        assert_close(sum, 1, 1e-5);
        assert_true(steps == 0 || most > 2 * least);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

/* Pearson's statistic of N samples against the enumerated probabilities: mean `cells - 1`, deviation sqrt(2 (cells -
 * 1)) where each is expected five times; rarer vectors share one cell. */
static void samples_of_made_follow_its_probabilities(void **state)
{
    (void)state;
    enum { N = 20000, SEEDS = 5 };
    test_parts parts;
    duet_evaluator *evaluator;
    double probability[VECTORS];
    float *samples = malloc(N * FEATURES * sizeof *samples);
    assert_non_null(samples);
    open_made(&parts, &evaluator, 100);
    enumerate(evaluator, probability);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        size_t counts[VECTORS] = {0}, cells = 0, rare = 0;
        double statistic = 0, rare_expected = 0;
        const duet_wanted wanted = {DUET_SAMPLE, samples};
        duet_error error = {0};
        const duet_request request = {.count = N, .seed = seed, .outputs = &wanted, .output_count = 1, .batch = 3000};
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
        for (size_t n = 0; n < N; n++) {
            size_t vector = 0;
            for (size_t i = 0; i < FEATURES; i++) {
                float bit = samples[n * FEATURES + i];
                assert_true(bit == 0 || bit == 1);
                vector |= (size_t)bit << i;
            }
            counts[vector]++;
        }
        for (size_t v = 0; v < VECTORS; v++) {
            double expected = N * probability[v], away = (double)counts[v] - expected;
            if (expected >= 5) {
                statistic += away * away / expected;
                cells++;
            } else {
                rare_expected += expected;
                rare += counts[v];
            }
        }
        if (rare_expected >= 5) {
            double away = (double)rare - rare_expected;
            statistic += away * away / rare_expected;
            cells++;
        }
        double freedom = (double)cells - 1;
        if (!(fabs(statistic - freedom) < 5 * sqrt(2 * freedom)))
            fail_msg("seed %d: chi-square %g with %g degrees of freedom", (int)seed, statistic, freedom);
    }
    free(samples);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

/* What a row draws does not depend on the batch it lies in. */
static void samples_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    enum { N = 70 };
    test_parts parts;
    duet_evaluator *evaluator;
    float samples[4][N * FEATURES];
    static const size_t batches[4] = {0, 70, 32, 1};
    duet_error error = {0};
    open_made(&parts, &evaluator, 20);
    for (size_t i = 0; i < 4; i++) {
        const duet_wanted wanted = {DUET_SAMPLE, samples[i]};
        const duet_request request = {
            .count = N, .seed = 3, .outputs = &wanted, .output_count = 1, .batch = batches[i]};
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
        assert_memory_equal(samples[i], samples[0], sizeof samples[0]);
    }
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

/* Couplings keep volumes, so the Jacobian's determinant is that of the scale; the density follows from both. */
static void nice_scales_volumes_by_its_scale(void **state)
{
    (void)state;
    const float scale[2] = {0.3f, -0.2f}, step = 0.01f;
    const float x[3][2] = {{0.4f, -0.3f}, {0.4f + step, -0.3f}, {0.4f, -0.3f + step}};
    float h[3][2], nll[3];
    duet_error error = {0};
    duet_plan *plan = NULL;
    use it = use_open("nice", "ring8", "hidden=6,6", 3);
    const duet_node roots[] = {duet_build_output(it.build, "latent"), duet_build_output(it.build, "nll")};
    assert_ok(duet_plan_new(&plan, device, "nice", roots, 2, &error), &error);
    assert_ok(duet_store_write(duet_model_store(it.model), device, "scale.log", scale, sizeof scale, &error), &error);
    assert_ok(duet_plan_write(plan, it.build->batch, x, sizeof x, &error), &error);
    assert_ok(duet_plan_replay(plan, &error), &error);
    assert_ok(duet_plan_read(plan, roots[0], h, sizeof h, &error), &error);
    assert_ok(duet_plan_read(plan, roots[1], nll, sizeof nll, &error), &error);
    duet_plan_free(&plan);
    use_close(&it);

    double derivative[2][2], expected = -(double)scale[0] - (double)scale[1];
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++) derivative[i][j] = ((double)h[1 + j][i] - (double)h[0][i]) / (double)step;
    assert_close(derivative[0][0] * derivative[1][1] - derivative[0][1] * derivative[1][0],
                 exp((double)scale[0] + (double)scale[1]), 2e-3);
    assert_true(fabs(derivative[0][1]) > 1e-3 && fabs(derivative[1][0]) > 1e-3); /* each half moves the other */
    for (size_t i = 0; i < 2; i++) expected += log1p(exp((double)h[0][i])) + log1p(exp(-(double)h[0][i]));
    assert_close(nll[0], expected, 1e-5);
}

/* The inverse is met where it was trained and far from it. */
static void nice_is_undone_by_its_inverse(void **state)
{
    (void)state;
    enum { N = 40 };
    static const char *const settings[] = {"hidden=40,40", "lr=0.002"};
    test_parts parts;
    duet_evaluator *evaluator;
    duet_error error = {0};
    float x[N * FEATURES], latents[N * FEATURES], gaps[N], again[N * FEATURES], codes[N * FEATURES];
    test_parts_open(&parts, device, duet_family_find("nice"), bits, settings, 2);
    test_steps(&parts, 200);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    for (size_t i = 0; i < N * FEATURES; i++) x[i] = (float)(i * 37 % 101) / 100;
    assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, "inverse_gap", x, N, 1, gaps, &error), &error);
    for (size_t i = 0; i < N; i++) assert_true(gaps[i] >= 0 && gaps[i] < 1e-4f);

    /* From latents to examples and back: decode, then encode without dequantisation's noise, which is below 1/256. */
    test_normals(5, N, FEATURES, latents);
    assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, DUET_DECODE, latents, N, 1, again, &error), &error);
    for (size_t i = 0; i < N * FEATURES; i++) assert_true(isfinite(again[i]));
    assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_LATENT, x, N, 1, codes, &error), &error);
    assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, DUET_DECODE, codes, N, 1, again, &error), &error);
    for (size_t i = 0; i < N * FEATURES; i++) assert_close(again[i], x[i], 1.0 / 256 + 1e-4);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

static void their_losses_fall(void **state)
{
    (void)state;
    static const char *const names[] = {"made", "nice"}, *const hidden[] = {"hidden=20", "hidden=16,16"};
    enum { STEPS = 20, BLOCKS = 10 };
    for (size_t i = 0; i < 2; i++) {
        test_parts parts;
        duet_error error = {0};
        double first = NAN, last = NAN;
        test_parts_open(&parts, device, duet_family_find(names[i]), bits, &hidden[i], 1);
        for (size_t block = 0; block < BLOCKS; block++) {
            test_steps(&parts, STEPS);
            assert_ok(duet_trainer_losses(parts.trainer, block == 0 ? &first : &last, 1, &error), &error);
        }
        test_parts_close(&parts);
        if (!(isfinite(last) && last < first)) fail_msg("%s: the loss went from %g to %g", names[i], first, last);
    }
}

static int begin(void **state)
{
    (void)open_all(state);
    (void)snprintf(bits, sizeof bits, "%s/bits.npy", folder);
    test_write_examples(bits, DUET_SHAPE(FEATURES));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_of_made_see_earlier_inputs_only),
        cmocka_unit_test(probabilities_of_made_sum_to_1),
        cmocka_unit_test(samples_of_made_follow_its_probabilities),
        cmocka_unit_test(samples_do_not_depend_on_the_batch),
        cmocka_unit_test(nice_scales_volumes_by_its_scale),
        cmocka_unit_test(nice_is_undone_by_its_inverse),
        cmocka_unit_test(their_losses_fall),
    };
    return RUN_TESTS("exact", tests, begin, close_all);
}
