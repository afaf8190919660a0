/* SPDX-License-Identifier: MIT */
/* InfoGAN: its bound on the mutual information against closed forms, that Q's gradient reaches G, who moves in which
 * phase, and that codes come to be seen in samples. Most tests make all networks linear, so that G can show a code as
 * it is and Q can read it. */
#include "any_size.h"
#include "game_parts.h"
#include "model_parts.h"
#include "use.h"

#include "plan/plan.h"
#include "train/evaluator.h"
#include "train/trainer.h"

#define LINEAR "generator_hidden=", "discriminator_hidden=", "recognition_hidden=", "noise=1"

/* Writes value at one place of a parameter that is 0 elsewhere. */
static void set_at(duet_model *model, const char *name, size_t at, double value)
{
    duet_error error = {0};
    size_t count;
    float *values = test_get(model, device, name, &count);
    memset(values, 0, count * sizeof *values);
    assert_in_range(at, 0, count - 1);
    values[at] = (float)value;
    assert_ok(duet_store_write(duet_model_store(model), device, name, values, count * sizeof *values, &error), &error);
    free(values);
}

static const double log_two_pi = 1.8378770664093453;

/* z is one number of noise, then one continuous code c: G(z) = c + beta, and Q's mean is G(z) or 0. */
static void set_continuous(duet_model *model, double beta, double mean)
{
    set_at(model, "generator.output.weight", 1, 1);
    test_set(model, device, "generator.output.bias", beta);
    test_set(model, device, "recognition.mean.weight", mean);
}

/* A Q that reads c but for a constant beta knows -log N(beta; 0, sigma^2) less than log 2, the entropy of U(-1, 1); of
 * one that says 0 the error is c itself, with mean square 1/3. */
static void continuous_information_has_its_closed_form(void **state)
{
    (void)state;
    enum { BATCH = 4096 };
    const double sigma = 0.25, entropy = log(2), constant = -log_two_pi / 2 - log(sigma);
    test_graph it;
    test_graph_open(&it, device, DUET_BUILD_TRAIN, BATCH, "infogan", "two-peaks",
                    SETTINGS(LINEAR, "categories=0", "continuous=1", "sigma=0.25"));
    (void)test_graph_watch(&it, test_graph_report(&it, "continuous_information"));
    test_graphs_plan(&it, 1);
    for (double beta = -1; beta <= 1; beta += 0.5) {
        set_continuous(it.model, beta, 1);
        test_graph_run(&it);
        assert_close(test_graph_value(&it, 0), constant - beta * beta / 2 / sigma / sigma + entropy, 1e-4);
    }
    set_continuous(it.model, 0, 0);
    test_graph_run(&it);
    double four_errors = 4 * sqrt(4.0 / 45 / BATCH) / 2 / sigma / sigma; /* c^2 has variance 4/45 */
    assert_close(test_graph_value(&it, 0), constant - 1.0 / 6 / sigma / sigma + entropy, four_errors);
    test_graph_close(&it);
}

/* Where Q says how sure it is, it may say any sigma. */
static void a_learned_deviation_is_read_from_q(void **state)
{
    (void)state;
    test_graph it;
    test_graph_open(&it, device, DUET_BUILD_TRAIN, TEST_BATCH, "infogan", "two-peaks",
                    SETTINGS(LINEAR, "categories=0", "continuous=1", "sigma=0"));
    (void)test_graph_watch(&it, test_graph_report(&it, "continuous_information"));
    test_graphs_plan(&it, 1);
    test_set(it.model, device, "recognition.logvar.weight", 0);
    for (double logvar = -4; logvar <= 4; logvar += 2) {
        set_continuous(it.model, 0.1, 1);
        test_set(it.model, device, "recognition.logvar.bias", logvar);
        test_graph_run(&it);
        double known = -log_two_pi / 2 - logvar / 2 - 0.01 / 2 / exp(logvar);
        assert_close(test_graph_value(&it, 0), known + log(2), 1e-5);
    }
    test_graph_close(&it);
}

static void say(duet_model *model, double on_real, double on_fake)
{
    double fake = 0.8, slope = (on_real - on_fake) / (0.5 - test_sigmoid(fake));
    test_set(model, device, "generator.output.weight", 0);
    test_set(model, device, "generator.output.bias", fake);
    test_set(model, device, "discriminator.logit.weight", slope);
    test_set(model, device, "discriminator.logit.bias", on_real - slope / 2);
}

static void it_knows_where_each_loss_says_real(void **state)
{
    (void)state;
    test_boundaries("infogan", SETTINGS(LINEAR), say);
}

/* G shows category k as the number k. Q knows nothing of it, all of it, or what a softmax of given logits knows. */
static void category_information_goes_from_0_to_log_categories(void **state)
{
    (void)state;
    enum { K = 4 };
    test_graph it;
    test_graph_open(&it, device, DUET_BUILD_TRAIN, 64, "infogan", "two-peaks",
                    SETTINGS(LINEAR, "categories=4", "continuous=0"));
    (void)test_graph_watch(&it, test_graph_report(&it, "category_information"));
    test_graphs_plan(&it, 1);
    test_set_row(it.model, device, "generator.output.weight", -1, 1); /* noise has -1: set to 0 below */
    float weights[1 + K] = {0, 0, 1, 2, 3}, bias[K];
    duet_error error = {0};
    duet_store *store = duet_model_store(it.model);
    assert_ok(duet_store_write(store, device, "generator.output.weight", weights, sizeof weights, &error), &error);
    test_set(it.model, device, "generator.output.bias", 0);
    for (double sharpness = 0; sharpness <= 100; sharpness += 50) { /* logit k: sharpness (2 k x - k^2) */
        test_set_row(it.model, device, "recognition.category.weight", 0, 2 * sharpness);
        for (size_t k = 0; k < K; k++) bias[k] = (float)(-sharpness * (double)(k * k));
        assert_ok(duet_store_write(store, device, "recognition.category.bias", bias, sizeof bias, &error), &error);
        test_graph_run(&it);
        assert_close(test_graph_value(&it, 0), sharpness > 0 ? log(K) : 0, 1e-6);
    }
    test_graph_close(&it);
}

/* Q's gradient reaches G: with a D that says the same of everything, what is left of G's loss is info_weight times
 * beta^2 / (2 sigma^2), whose slope by beta, the bias of G, is info_weight beta / sigma^2. */
static void the_gradient_of_q_reaches_the_generator(void **state)
{
    (void)state;
    static const double weights[] = {0, 1, 2.5};
    static const char *const settings[] = {"info_weight=0", "info_weight=1", "info_weight=2.5"};
    test_graph graphs[3];
    for (size_t i = 0; i < 3; i++) {
        test_graph *it = &graphs[i];
        test_graph_open(it, device, DUET_BUILD_TRAIN, TEST_BATCH, "infogan", "two-peaks",
                        SETTINGS(LINEAR, "categories=0", "continuous=1", "sigma=0.5", settings[i]));
        duet_node loss = it->build->procedures[0].phases[1].objectives[0].loss;
        (void)test_graph_watch(it, test_graph_gradient(it, loss, "generator.output.bias"));
        (void)test_graph_watch(it, test_graph_gradient(it, test_graph_report(it, "g_loss"), "generator.output.bias"));
    }
    test_graphs_plan(graphs, 3);
    for (size_t i = 0; i < 3; i++) {
        test_set(graphs[i].model, device, "discriminator.logit.weight", 0);
        for (double beta = -1; beta <= 1; beta += 0.5) {
            set_continuous(graphs[i].model, beta, 1);
            test_graph_run(&graphs[i]);
            assert_close(test_graph_value(&graphs[i], 0), weights[i] * beta / 0.25, 1e-5);
            assert_close(test_graph_value(&graphs[i], 1), 0, 0);
        }
        test_graph_close(&graphs[i]);
    }
}

static const char *const groups[3] = {"generator", "discriminator", "recognition"};

static void replay_and_compare(test_parts *parts, size_t phase, bool moved[3])
{
    duet_error error = {0};
    float *before[3];
    size_t count;
    for (size_t round = 0; round < 2; round++) {
        for (size_t g = 0; g < 3; g++) {
            char name[64];
            (void)snprintf(name, sizeof name, "%s.flat", groups[g]);
            float *values = test_get(parts->model, device, name, &count);
            if (round == 0) {
                before[g] = values;
                continue;
            }
            moved[g] = memcmp(before[g], values, count * sizeof *values) != 0;
            free(before[g]);
            free(values);
        }
        if (round == 0) assert_ok(duet_plan_replay(parts->trainer->schedule.plans[phase], &error), &error);
    }
}

/* Q learns with D, and G alone; with a D that is blind G still moves, by Q, unless Q's word weighs nothing. */
static void phases_move_their_players(void **state)
{
    (void)state;
    static const char *const settings[] = {"info_weight=1", "info_weight=0"};
    for (size_t i = 0; i < 2; i++) {
        test_parts parts;
        bool moved[3];
        test_parts_open(&parts, device, duet_family_find("infogan"), "ring8",
                        SETTINGS("generator_hidden=6,5", "discriminator_hidden=6", "recognition_hidden=5", "noise=3",
                                 "categories=3", "continuous=2", settings[i]));
        replay_and_compare(&parts, 0, moved);
        assert_false(moved[0]);
        assert_true(moved[1]);
        assert_int_equal(moved[2], i == 0);
        replay_and_compare(&parts, 1, moved);
        assert_true(moved[0]);
        assert_false(moved[1] || moved[2]);
        test_parts_close(&parts);

        test_parts_open(&parts, device, duet_family_find("infogan"), "ring8",
                        SETTINGS("generator_hidden=6,5", "discriminator_hidden=6", "recognition_hidden=5", "noise=3",
                                 "categories=3", "continuous=2", settings[i]));
        test_set(parts.model, device, "discriminator.logit.weight", 0);
        replay_and_compare(&parts, 1, moved);
        assert_int_equal(moved[0], i == 0);
        test_parts_close(&parts);
    }
}

/* Latents are noise, one 1 among zeros, and numbers in [-1, 1], side by side. */
static void latents_are_noise_and_codes(void **state)
{
    (void)state;
    enum { N = 600, NOISE = 2, K = 3, WIDTH = NOISE + K + 1 };
    duet_error error = {0};
    test_parts parts;
    duet_evaluator *evaluator = NULL;
    static float z[N * WIDTH];
    size_t counts[K] = {0};
    double most = 0;
    test_parts_open(&parts, device, duet_family_find("infogan"), "ring8",
                    SETTINGS("generator_hidden=4", "discriminator_hidden=4", "recognition_hidden=", "noise=2",
                             "categories=3", "continuous=1"));
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    assert_int_equal(duet_evaluator_latent_features(evaluator), WIDTH);
    assert_int_equal(duet_evaluator_features(evaluator, DUET_CODE_LOGITS), K);
    assert_int_equal(duet_evaluator_features(evaluator, "code_mean"), 1);
    const duet_wanted wanted = {DUET_PRIOR, z};
    const duet_request request = {.count = N, .seed = 3, .outputs = &wanted, .output_count = 1};
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    for (size_t n = 0; n < N; n++) {
        const float *row = z + n * WIDTH;
        size_t ones = 0;
        for (size_t k = 0; k < K; k++) {
            assert_true(row[NOISE + k] == 0 || row[NOISE + k] == 1);
            ones += row[NOISE + k] == 1;
            counts[k] += row[NOISE + k] == 1;
        }
        assert_int_equal(ones, 1);
        assert_in_range(row[NOISE + K] * 1000 + 1000, 0, 2000);
        most = fmax(most, fabs((double)row[0]));
    }
    for (size_t k = 0; k < K; k++) assert_in_range(counts[k], 150, 250); /* 200 +- 4 deviations of 11.5 */
    assert_true(most > 2);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

static void codes_may_be_of_one_kind_but_not_of_none(void **state)
{
    (void)state;
    static const struct {
        const char *categories, *continuous;
    } rows[] = {{"categories=0", "continuous=0"}, {"categories=0", "continuous=2"}, {"categories=3", "continuous=0"}};
    for (size_t i = 0; i < 3; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        duet_build *build;
        assert_ok(duet_data_open(&data, "ring8", &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find("infogan"), data,
                                 SETTINGS("noise=0", rows[i].categories, rows[i].continuous), 1, &error),
                  &error);
        if (i == 0) {
            assert_status(duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error), DUET_ERROR_USAGE, &error);
            assert_message(&error, "categories or continuous above 0");
        } else {
            assert_ok(duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error), &error);
            assert_int_equal(duet_build_output(build, DUET_CODE_LOGITS) != NULL, i == 2);
            assert_int_equal(duet_build_output(build, "code_mean") != NULL, i == 1);
            duet_build_free(&build);
        }
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

static void it_trains_on_any_size(void **state)
{
    (void)state;
    test_trains_on_any_size("infogan", SETTINGS("generator_hidden=9,7", "discriminator_hidden=9",
                                                "recognition_hidden=5", "noise=3", "categories=3", "continuous=2"));
}

/* After some training the category of a sample is seen in it: nearly log 3 of information. */
static void samples_show_their_codes(void **state)
{
    (void)state;
    enum { STEPS = 400, LAST = 20, D_LOSS = 0, INFORMATION = 3 };
    duet_error error = {0};
    test_parts parts;
    double means[4];
    test_parts_open_batch(&parts, device, duet_family_find("infogan"), "ring8", 64,
                          SETTINGS("generator_hidden=32,32", "discriminator_hidden=32,32", "recognition_hidden=16",
                                   "noise=4", "categories=3", "continuous=0"));
    assert_string_equal(duet_trainer_term(parts.trainer, INFORMATION), "category_information");
    test_steps(&parts, 1);
    assert_ok(duet_trainer_losses(parts.trainer, means, 4, &error), &error);
    double before = means[INFORMATION];
    test_steps(&parts, STEPS);
    assert_ok(duet_trainer_losses(parts.trainer, means, 4, &error), &error);
    test_steps(&parts, LAST);
    assert_ok(duet_trainer_losses(parts.trainer, means, 4, &error), &error);
    if (!(before < 0.3 && means[INFORMATION] > 0.9))
        fail_msg("from %g to %g nats of %g", before, means[INFORMATION], log(3));
    test_parts_close(&parts);
}

static void gates_let_players_rest(void **state)
{
    (void)state;
    test_gates("infogan", "ring8", SETTINGS(LINEAR), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(continuous_information_has_its_closed_form),
        cmocka_unit_test(it_knows_where_each_loss_says_real),
        cmocka_unit_test(a_learned_deviation_is_read_from_q),
        cmocka_unit_test(category_information_goes_from_0_to_log_categories),
        cmocka_unit_test(the_gradient_of_q_reaches_the_generator),
        cmocka_unit_test(phases_move_their_players),
        cmocka_unit_test(latents_are_noise_and_codes),
        cmocka_unit_test(codes_may_be_of_one_kind_but_not_of_none),
        cmocka_unit_test(it_trains_on_any_size),
        cmocka_unit_test(samples_show_their_codes),
        cmocka_unit_test(gates_let_players_rest),
    };
    return RUN_TESTS("infogan", tests, open_all, close_all);
}
