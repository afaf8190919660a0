/* SPDX-License-Identifier: MIT */
/* What latents say, against closed forms and against the definitions counted out; and the combinations of factors that
 * samples of known pictures show. */
#include "judge_parts.h"

#include "data/shapes.h"
#include "metric/probe.h"

/* The probe itself. */

/* Fits to points and tests on the same. */
static size_t probe(const float *codes, const uint8_t *labels, size_t count, size_t width, size_t classes)
{
    const duet_probe_set set = {codes, labels, count};
    duet_error error = {0};
    size_t hits;
    assert_ok(duet_probe(&set, &set, width, classes, &hits, &error), &error);
    return hits;
}

/* With each point of one class its mirror image is one of the other: the boundary goes through the middle. */
static void mirrored_classes_are_parted_in_the_middle(void **state)
{
    (void)state;
    enum { N = 400 };
    float codes[2 * N];
    uint8_t labels[N];
    size_t right = 0;
    for (size_t i = 0; i < N; i += 2) {
        float x = (float)(i * 2654435761u >> 9 & 1023) / 1023 - 0.3f, y = (float)(i * 40503u >> 3 & 255) / 255 - 0.5f;
        for (size_t k = 0; k < 2; k++) {
            codes[2 * (i + k)] = k == 0 ? x + 5 : -x + 5;
            codes[2 * (i + k) + 1] = k == 0 ? y : -y;
            labels[i + k] = (uint8_t)k;
        }
        right += x > 0 ? 2 : 0;
    }
    /* y is noise of little weight: a point near the boundary may fall to either side, with its image. */
    assert_in_range(probe(codes, labels, N, 2, 2), right - N / 50, right + N / 50);
}

/* Classes in a row, which regression on one-hot rows would hide behind the outer ones. */
static void classes_in_a_row_are_told_apart(void **state)
{
    (void)state;
    enum { N = 40 };
    float codes[N];
    uint8_t labels[N];
    for (size_t i = 0; i < N; i++) {
        labels[i] = (uint8_t)(i % 4);
        codes[i] = (float)(i % 4);
    }
    assert_int_equal(probe(codes, labels, N, 1, 4), N);
}

/* Codes that do not vary: the commonest class is all that can be said. */
static void still_codes_say_nothing(void **state)
{
    (void)state;
    enum { N = 50 };
    float codes[2 * N];
    uint8_t labels[N];
    for (size_t i = 0; i < N; i++) {
        labels[i] = (uint8_t)(i % 5 < 3 ? 1 : i % 5 - 3);
        codes[2 * i] = codes[2 * i + 1] = 7;
    }
    size_t ones = 0;
    for (size_t i = 0; i < N; i++) ones += labels[i] == 1;
    assert_int_equal(probe(codes, labels, N, 2, 3), ones);
}

/* The metrics. */

static void a_linear_probe_reads_codes(void **state)
{
    (void)state;
    duet_run *run = open_run("labelled", "vae", labelled, SETTINGS("hidden=4", "latent=2"));
    /* All codes alike: the first of four classes, of which there are as many examples. */
    duet_metric_value value = value_of(run, "linear-probe", DUET_TEST, "linear-probe");
    assert_close(value.value, 0.25, 1e-9);
    assert_int_equal(value.n, 4);
    set_one(run, "encoder.hidden1.weight", 0, 1); /* hidden 0 is pixel 0: the grey level, one a class */
    set_one(run, "encoder.mean.weight", 0, 3);
    value = value_of(run, "linear-probe", DUET_TEST, "linear-probe");
    assert_close(value.value, 1, 0);
    assert_close(value.low, 4 / (4 + 1.96 * 1.96), 1e-5); /* Wilson, all of four */
    assert_close(value_of(run, "linear-probe", DUET_TRAIN, "linear-probe").value, 1, 0);
    duet_run_close(&run);
    run = open_run("unlabelled", "vae", pictures, SETTINGS("hidden=4", "latent=2"));
    assert_false(duet_metric_applies(run, "linear-probe"));
    assert_false(duet_metric_applies(run, "mutual-information-gap"));
    assert_false(duet_metric_applies(run, "latent-probe"));
    assert_false(duet_metric_applies(run, "combinations"));
    duet_run_close(&run);
}

static size_t notes_of_told_codes(duet_run *run)
{
    const char *note;
    size_t found = 0;
    for (size_t i = 0; (note = duet_data_note(duet_run_data(run), i, NULL)) != NULL; i++)
        found += strstr(note, "the codes of cvae are made of examples and their classes") != NULL;
    return found;
}

/* An encoder that is told classes may say them: what is read from its codes is a number, and no better one. */
static void codes_that_are_told_classes_are_noted(void **state)
{
    (void)state;
    duet_run *run = open_run("told", "cvae", labelled, SETTINGS("hidden=4", "latent=2"));
    assert_int_equal(notes_of_told_codes(run), 0);
    (void)value_of(run, "nearest-neighbour", DUET_TEST, "nearest-neighbour");
    (void)value_of(run, "linear-probe", DUET_TEST, "linear-probe");
    assert_int_equal(notes_of_told_codes(run), 1); /* once for both */
    assert_int_equal(duet_metric_better(run, "linear-probe"), DUET_NEITHER);
    assert_int_equal(duet_metric_better(run, "nearest-neighbour"), DUET_NEITHER);
    duet_run_close(&run);
    run = open_run("untold", "vae", labelled, SETTINGS("hidden=4", "latent=2"));
    (void)value_of(run, "linear-probe", DUET_TEST, "linear-probe");
    assert_int_equal(duet_metric_better(run, "linear-probe"), DUET_LARGER);
    duet_run_close(&run);
}

static void a_latent_probe_reads_what_the_judge_will_say(void **state)
{
    (void)state;
    enum { HALF = 2500 };
    static float latents[2 * 2 * HALF];
    duet_error error = {0};
    write_flat();
    duet_run *run = open_run("game", "gan", flat, SETTINGS("generator_hidden=", "discriminator_hidden=4", "latent=2"));
    assert_false(duet_metric_applies(run, "latent-probe")); /* nobody judges */
    duet_run *judge = open_judge(run);
    assert_ok(duet_run_set_judge(run, judge, &error), &error);

    /* Grey all over: one class, as can be said beforehand. */
    assert_close(value_of(run, "latent-probe", DUET_TEST, "latent-probe").value, 1, 0);
    assert_close(value_of(run, "latent-probe", DUET_TEST, "commonest-class").value, 1, 0);

    /* Black or white by which side of a plane the latent lies on. */
    for (size_t pixel = 0; pixel < SIDE * SIDE; pixel++) {
        set_one(run, "generator.output.weight", 2 * pixel, 1e6);
        set_one(run, "generator.output.weight", 2 * pixel + 1, 0.5e6);
        set_one(run, "generator.output.bias", pixel, 0.4e6);
    }
    test_prior(run, 2 * HALF, 5, latents);
    size_t white = 0;
    for (size_t i = HALF; i < 2 * HALF; i++) white += latents[2 * i] + 0.5f * latents[2 * i + 1] + 0.4f > 0;
    duet_metric_value value = value_of(run, "latent-probe", DUET_TEST, "latent-probe");
    assert_in_range((size_t)(value.value * 1000), 985, 1000); /* with a few latents near the plane */
    assert_int_equal(value.n, HALF);
    size_t most = white > HALF - white ? white : HALF - white;
    assert_close(value_of(run, "latent-probe", DUET_TEST, "commonest-class").value, (double)most / HALF, 0.001);
    assert_ok(duet_run_set_judge(run, NULL, &error), &error);
    duet_run_close(&judge);
    duet_run_close(&run);
}

/* The gap by its definition: joint shares, one pair of code and factor after the other. */

enum { N = 10000, LATENTS = 3, BINS = 20 };

static size_t bin_of(double value, double low, double high, size_t bins)
{
    for (size_t b = 0; b + 1 < bins; b++)
        if (value < low + (high - low) * (double)(b + 1) / (double)bins) return b;
    return bins - 1;
}

static double information(const float *codes, size_t latent, const float *values, size_t factor, double *entropy)
{
    static double joint[BINS][BINS];
    const duet_factor *about = &duet_shapes_factors[factor];
    double low = INFINITY, high = -INFINITY, sum = 0, rows[BINS] = {0}, columns[BINS] = {0};
    memset(joint, 0, sizeof joint);
    for (size_t i = 0; i < N; i++) {
        low = fmin(low, codes[i * LATENTS + latent]);
        high = fmax(high, codes[i * LATENTS + latent]);
    }
    for (size_t i = 0; i < N; i++) {
        double value = values[i * SHAPES_FACTORS + factor];
        size_t b = about->continuous ? bin_of(value, about->low, about->high, 10) : (size_t)value;
        size_t a = bin_of(codes[i * LATENTS + latent], low, high, BINS);
        joint[a][b] += 1.0 / N;
        rows[a] += 1.0 / N;
        columns[b] += 1.0 / N;
    }
    *entropy = 0;
    for (size_t b = 0; b < BINS; b++) *entropy -= columns[b] > 0 ? columns[b] * log(columns[b]) : 0;
    for (size_t a = 0; a < BINS; a++)
        for (size_t b = 0; b < BINS; b++)
            if (joint[a][b] > 0) sum += joint[a][b] * log(joint[a][b] / (rows[a] * columns[b]));
    return sum;
}

static double gap(const float *codes, const float *values)
{
    double sum = 0;
    for (size_t factor = 0; factor < SHAPES_FACTORS; factor++) {
        double known[LATENTS], entropy = 1;
        size_t best = 0;
        for (size_t j = 0; j < LATENTS; j++) {
            known[j] = information(codes, j, values, factor, &entropy);
            if (known[j] > known[best]) best = j;
        }
        double others = 0;
        for (size_t j = 0; j < LATENTS; j++)
            if (j != best) others = fmax(others, known[j]);
        sum += (known[best] - others) / entropy / SHAPES_FACTORS;
    }
    return sum;
}

static void the_gap_is_counted_by_its_definition(void **state)
{
    (void)state;
    static float weights[2 * SHAPES_NUMBERS];
    duet_error error = {0};
    duet_run *run = open_run("shapes", "vae", "shapes", SETTINGS("hidden=2", "latent=3", "activation=relu"));
    check_interval(value_of(run, "mutual-information-gap", DUET_TEST, "mutual-information-gap"), 0, NAN, NAN);

    /* Hidden 0 sums pixels by their column, hidden 1 the blue of all; codes are each, and both together. */
    for (size_t i = 0; i < SHAPES_NUMBERS; i++) {
        weights[i] = (float)(i / 3 % SHAPES_SIDE) / 1000;
        weights[SHAPES_NUMBERS + i] = i % 3 == 2 ? 0.1f : 0;
    }
    set(run, "encoder.hidden1.weight", 0, weights, sizeof weights / sizeof *weights);
    const float mean[] = {1, 0, 0, 1, 1, 0.5f};
    set(run, "encoder.mean.weight", 0, mean, 6);
    float *pixels = malloc((size_t)N * SHAPES_NUMBERS * sizeof *pixels), *codes = malloc(N * LATENTS * sizeof *codes);
    float *values = malloc(N * SHAPES_FACTORS * sizeof *values);
    assert_true(pixels != NULL && codes != NULL && values != NULL);
    assert_ok(duet_data_read(duet_run_data(run), DUET_TEST, 0, N, pixels, &error), &error);
    assert_ok(duet_data_factors(duet_run_data(run), DUET_TEST, 0, N, values, &error), &error);
    const duet_wanted wanted = {DUET_LATENT, codes};
    const duet_request request = {.count = N, .examples = pixels, .outputs = &wanted, .output_count = 1};
    assert_ok(duet_run_use(run, &request, &error), &error);
    double expected = gap(codes, values);
    duet_metric_value value = value_of(run, "mutual-information-gap", DUET_TEST, "mutual-information-gap");
    (void)printf("gap %.4f, %.4f to %.4f\n", value.value, value.low, value.high);
    assert_true(expected > 0.02);
    assert_close(value.value, expected, 1e-3); /* a code may lie on the border of a bin */
    assert_true(value.low < value.high && value.high - value.low < 0.02 && value.n == N);
    free(pixels);
    free(codes);
    free(values);
    duet_run_close(&run);
}

/* Combinations. */

/* Makes the decoder draw this picture whatever the latent. */
static void draw_always(duet_run *run, const float *factors)
{
    float picture[SHAPES_NUMBERS];
    duet_shapes_render(factors, picture);
    for (size_t i = 0; i < SHAPES_NUMBERS; i++) {
        double p = fmin(fmax(picture[i], 1e-6), 1 - 1e-6);
        picture[i] = (float)log(p / (1 - p));
    }
    set(run, "decoder.output.bias", 0, picture, SHAPES_NUMBERS);
}

/* seen: how many of the data's combinations. */
static void check_shares(duet_run *run, double seen, double there, double invented, double unreadable)
{
    duet_error error = {0};
    duet_metric_value values[3];
    size_t count;
    assert_ok(duet_metric_compute(run, "combinations", DUET_TEST, 5, values, 3, &count, &error), &error);
    assert_int_equal(count, 3);
    double unseen = wilson_of_none(2500); /* samples of combinations that showed none may have that share */
    check_interval(values[0], seen / there, seen / there, (seen + 2500 * unseen) / there);
    check_interval(values[1], invented, invented > 0 ? 1 - unseen : 0, invented > 0 ? 1 : unseen);
    check_interval(values[2], unreadable, unreadable > 0 ? 1 - unseen : 0, unreadable > 0 ? 1 : unseen);
}

static void combinations_are_counted(void **state)
{
    (void)state;
    const float red_square[] = {0, 0, 14, 15, 4.5f, 10}, green_disc[] = {1, 1, 9, 18, 3.5f, -20},
                border[] = {0, 0, 12.2f, 14, 4.5f, 5}, outside[] = {0, 1, 5, 14, 3.5f, 0};
    duet_run *run = open_run("shapes", "vae", "shapes", SETTINGS("hidden=2", "latent=3", "activation=relu"));
    check_shares(run, 0, 216, 0, 1); /* grey all over */
    draw_always(run, red_square);
    check_shares(run, 1, 216, 0, 0);
    draw_always(run, outside); /* readable, and further left than any example */
    check_shares(run, 0, 216, 1, 0);
    duet_run_close(&run);

    run = open_run("dropped", "vae", "shapes:drop=square-red-centre,triangle", SETTINGS("hidden=2", "latent=3"));
    assert_string_equal(duet_data_describe(duet_run_data(run))->name, "shapes:drop=square-red-centre,triangle");
    draw_always(run, red_square);
    check_shares(run, 0, 216 - 72 - 6, 1, 0);
    draw_always(run, green_disc);
    check_shares(run, 1, 216 - 72 - 6, 0, 0);
    draw_always(run, border); /* in the centre by less than half a pixel: it may be a left one */
    check_shares(run, 1, 216 - 72 - 6, 0, 0);
    duet_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mirrored_classes_are_parted_in_the_middle),
        cmocka_unit_test(classes_in_a_row_are_told_apart),
        cmocka_unit_test(still_codes_say_nothing),
        cmocka_unit_test(a_linear_probe_reads_codes),
        cmocka_unit_test(codes_that_are_told_classes_are_noted),
        cmocka_unit_test(a_latent_probe_reads_what_the_judge_will_say),
        cmocka_unit_test(the_gap_is_counted_by_its_definition),
        cmocka_unit_test(combinations_are_counted),
    };
    return RUN_TESTS("probes", tests, begin, remove_folder);
}
