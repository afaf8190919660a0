/* SPDX-License-Identifier: MIT */
/* What metrics rest on: a run opened, its outputs for any number of rows, noise that follows from a seed; and what they
 * say where they do not apply. */
#include "metric_parts.h"

static void metrics_say_what_they_cannot_do(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_metric_value values[8];
    size_t count = 0, rows = 0;
    duet_run *run = open_run("ring-vae", "vae", "ring8", SETTINGS("hidden=4", "latent=2"));
    assert_status(duet_metric_compute(run, "fid", DUET_TEST, 0, values, 8, &count, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "\"fid\"");
    error = (duet_error){0};
    assert_false(duet_metric_applies(run, "accuracy"));
    assert_status(duet_metric_compute(run, "accuracy", DUET_TEST, 0, values, 8, &count, &error), DUET_ERROR_USAGE,
                  &error);
    assert_message(&error, "it is for models that judge single examples");
    assert_int_equal(count, 0);
    error = (duet_error){0};
    assert_status(duet_metric_check(run, "classes", DUET_TEST, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "modes counts them exactly");
    assert_non_null(duet_metric_refusal(run, "classes"));
    assert_null(duet_metric_refusal(run, "accuracy")); /* for what it is says the summary */
    assert_null(duet_metric_refusal(run, "modes"));
    for (const duet_metric_row *row; (row = duet_metric_at(rows)) != NULL; rows++)
        assert_true(row->name[0] != '\0' && row->unit[0] != '\0' && row->summary[0] != '\0');
    assert_true(rows >= 8);
    /* Values past the room for them are left out. */
    error = (duet_error){0};
    assert_ok(duet_metric_compute(run, "elbo", DUET_TEST, 0, values, 2, &count, &error), &error);
    assert_int_equal(count, 2);
    duet_run_close(&run);
}

/* A name speaks of one value, but for the nll of elbo, a term of the bound, which is shown as "nll of elbo". The
 * unit of a metric is that of the first of its values; cost has many units. */
static void measures_agree_with_their_metrics(void **state)
{
    (void)state;
    const duet_metric_row *row, *other;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++) {
        const duet_metric_measure *first = row->measures;
        bool is_cost = strcmp(row->name, "cost") == 0;
        if (!is_cost && strcmp(first->name, row->name) != 0) fail_msg("%s begins with %s", row->name, first->name);
        if (!is_cost && first->unit != NULL) fail_msg("%s has two units", row->name);
        for (const duet_metric_measure *it = first; it->name != NULL; it++) {
            if (duet_metric_measure_find(row, it->name) != it) fail_msg("%s gives %s twice", row->name, it->name);
            for (size_t j = 0; (other = duet_metric_at(j)) != NULL; j++)
                if (other != row && duet_metric_measure_find(other, it->name) != NULL && strcmp(it->name, "nll") != 0)
                    fail_msg("%s and %s both give %s", row->name, other->name, it->name);
        }
    }
}

/* What is best by a metric follows from its first value alone: a best is kept by it where one of two values is better.
 */
static void a_best_is_kept_where_one_is_better(void **state)
{
    (void)state;
    const duet_metric_row *row;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++) {
        duet_error error = {0};
        duet_monitor *monitor;
        bool has_best =
            row->measures[0].better != DUET_NEITHER || strcmp(row->name, "accuracy") == 0; /* of a classifier */
        duet_status status = duet_monitor_new(&monitor, &(duet_monitor_options){.best = row->name}, &error);
        if (status != (has_best ? DUET_OK : DUET_ERROR_USAGE)) fail_msg("a best of %s: %s", row->name, error.message);
        duet_monitor_free(&monitor);
    }
    assert_int_equal(duet_metric_find("latent-mmd")->measures[0].better, DUET_SMALLER);
    assert_int_equal(duet_metric_find("active-units")->measures[0].better, DUET_NEITHER);

    const duet_metric_row *ais = duet_metric_find("ais");
    assert_null(duet_metric_measure_find(ais, "ais-gap")->unit); /* nats, as the metric's */
    assert_string_equal(duet_metric_measure_find(ais, "ais-chains")->unit, "chains");
    assert_string_equal(duet_metric_measure_find(ais, "ais-acceptance")->unit, "share");
}

/* However many are asked for, and none is lost in silence: what a verdict has no room for is refused. */
static void no_metric_is_one_too_many(void **state)
{
    (void)state;
    enum { TIMES = 70 };
    const char *names[TIMES];
    const duet_metric_row *row;
    duet_error error = {0};
    duet_metric_value values[3 * TIMES];
    size_t count = 0, all = 0;
    duet_run *run = open_run("ring-vae", "vae", "ring8", SETTINGS("hidden=4", "latent=2"));
    for (size_t i = 0; i < TIMES; i++) names[i] = "elbo";
    assert_ok(duet_metric_compute_all(run, names, TIMES, DUET_TEST, 0, values, 3 * TIMES, &count, &error), &error);
    assert_int_equal(count, 3 * TIMES);
    while ((row = duet_metric_at(all)) != NULL && all < TIMES) names[all++] = row->name;
    assert_null(row);
    duet_monitor *monitor;
    const duet_monitor_options options = {.metrics = names, .metric_count = all};
    assert_ok(duet_monitor_new(&monitor, &options, &error), &error);
    assert_status(duet_monitor_check(monitor, run, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "at most 32 values can be watched");
    duet_monitor_free(&monitor);
    duet_run_close(&run);
}

/* Rows do not see each other, nor how many there are. */
static void outputs_do_not_depend_on_the_number_of_rows(void **state)
{
    (void)state;
    enum { ROWS = 250, FEW = 37 };
    duet_error error = {0};
    char path[PATH];
    duet_run *run = NULL;
    (void)snprintf(path, sizeof path, "%s/vae", folder);
    assert_ok(duet_run_open(&run, path, NULL, &error), &error);
    size_t features = duet_run_features(run, "sample"), latent = duet_run_latent_features(run);
    assert_int_equal(features, PIXELS);
    assert_int_equal(latent, 3);
    assert_int_equal(duet_run_features(run, "nll"), 1);
    assert_int_equal(duet_run_features(run, "picture"), 0);
    float *latents = malloc(ROWS * latent * sizeof *latents), *values = malloc(ROWS * features * sizeof *values);
    float *few = malloc(FEW * features * sizeof *few), few_latents[FEW * 3];
    assert_true(latents != NULL && values != NULL && few != NULL);
    test_prior(run, ROWS, 9, latents);
    test_prior(run, FEW, 9, few_latents);
    assert_memory_equal(latents, few_latents, sizeof few_latents);
    assert_ok(test_use(run, TEST_FROM_LATENTS, "sample", latents, ROWS, 0, values, &error), &error);
    assert_ok(test_use(run, TEST_FROM_LATENTS, "sample", few_latents, FEW, 0, few, &error), &error);
    assert_memory_equal(values, few, FEW * features * sizeof *few);
    assert_memory_not_equal(values, values + 200 * features, features * sizeof *values);

    /* The same of latents that are drawn, in batches of another size, or in pieces. */
    const duet_wanted all = {DUET_SAMPLE, values}, some = {DUET_SAMPLE, few};
    assert_ok(duet_run_use(run, &(duet_request){.count = ROWS, .seed = 9, .outputs = &all, .output_count = 1}, &error),
              &error);
    const duet_request piece = {.count = FEW, .first = 120, .seed = 9, .outputs = &some, .output_count = 1, .batch = 7};
    assert_ok(duet_run_use(run, &piece, &error), &error);
    for (size_t i = 0; i < FEW * features; i++) assert_close(few[i], values[120 * features + i], 1e-6);
    free(latents);
    free(values);
    free(few);

    float number;
    assert_status(test_use(run, TEST_FROM_LATENTS, "picture", &number, 1, 0, &number, &error), DUET_ERROR_USAGE,
                  &error);
    assert_message(&error, "\"picture\"");
    duet_run_close(&run);
}

/* One example, over and over: each row has noise of its own, which the seed alone decides. */
static void noise_follows_from_the_seed(void **state)
{
    (void)state;
    enum { ROWS = 250 };
    duet_error error = {0};
    char path[PATH];
    duet_run *run = NULL;
    (void)snprintf(path, sizeof path, "%s/vae", folder);
    assert_ok(duet_run_open(&run, path, NULL, &error), &error);
    float *examples = malloc(ROWS * PIXELS * sizeof *examples), first[ROWS], second[ROWS], other[ROWS];
    assert_non_null(examples);
    for (size_t i = 0; i < ROWS * PIXELS; i++) examples[i] = 0.25f;
    assert_ok(test_use(run, TEST_FROM_EXAMPLES, "nll", examples, ROWS, 3, first, &error), &error);
    assert_ok(test_use(run, TEST_FROM_EXAMPLES, "nll", examples, ROWS, 3, second, &error), &error);
    assert_ok(test_use(run, TEST_FROM_EXAMPLES, "nll", examples, ROWS, 4, other, &error), &error);
    assert_memory_equal(first, second, sizeof first);
    size_t same = 0, same_as_other = 0;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < i; k++) same += first[i] == first[k];
        same_as_other += first[i] == other[i];
    }
    assert_in_range(same, 0, ROWS / 10); /* of 31,125 pairs some agree by rounding */
    assert_in_range(same_as_other, 0, 3);
    free(examples);
    duet_run_close(&run);
}

static void looking_at_a_model_does_not_change_its_training(void **state)
{
    (void)state;
    duet_error error = {0};
    char paths[2][PATH];
    duet_device *device = test_device_open();
    for (size_t look = 0; look < 2; look++) {
        test_parts parts;
        duet_evaluator *evaluator = NULL;
        float rows[5 * PIXELS] = {0.5f}, values[5 * PIXELS];
        (void)snprintf(paths[look], PATH, "%s/looked-%zu.safetensors", folder, look);
        test_parts_open(&parts, device, duet_family_find("vae"), pictures, SETTINGS("hidden=12", "latent=3"));
        test_steps(&parts, 3);
        if (look == 1) {
            assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
            assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, "nll", rows, 5, 1, values, &error), &error);
            assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, "sample", rows, 5, 1, values, &error), &error);
        }
        test_steps(&parts, 3);
        assert_ok(duet_trainer_save(parts.trainer, paths[look], &error), &error);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
    size_t count, other_count;
    char *bytes = test_file_read(paths[0], &count), *other = test_file_read(paths[1], &other_count);
    assert_int_equal(count, other_count);
    assert_memory_equal(bytes, other, count);
    free(bytes);
    free(other);
    duet_device_close(&device);
}

/* A program that looks at the status alone takes no nonsense for an answer. */
static void requests_are_looked_at(void **state)
{
    (void)state;
    enum { COUNT = 4, LATENT = 3 };
    static const struct {
        test_source source;
        const char *output;
        float value;
        duet_status status;
        const char *message;
    } rows[] = {
        {TEST_FROM_LATENTS, DUET_DECODE, NAN, DUET_ERROR_NUMERIC, "latent 2 of the request holds nan"},
        {TEST_FROM_LATENTS, DUET_SAMPLE, -INFINITY, DUET_ERROR_NUMERIC, "latent 2 of the request holds -inf"},
        {TEST_FROM_EXAMPLES, DUET_NLL, NAN, DUET_ERROR_NUMERIC, "example 2 of the request holds nan"},
        {TEST_FROM_EXAMPLES, DUET_RECONSTRUCTION, 200, DUET_ERROR_DATA, "holds 200, and the model has learnt"},
        {TEST_FROM_EXAMPLES, DUET_NLL, -3, DUET_ERROR_DATA, "holds -3, and the model has learnt values in [0, 1]"},
        {TEST_FROM_EXAMPLES, DUET_NLL, 1, DUET_OK, NULL},
        {TEST_FROM_LATENTS, DUET_DECODE, 1, DUET_OK, NULL},
    };
    duet_error error = {0};
    duet_run *run;
    assert_ok(duet_run_open(&run, in_folder("vae"), NULL, &error), &error);
    const size_t features = duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
    float *inputs = calloc(COUNT * features, sizeof *inputs), *values = calloc(COUNT * features, sizeof *values);
    assert_true(inputs != NULL && values != NULL && duet_run_latent_features(run) == LATENT);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t width = rows[i].source == TEST_FROM_LATENTS ? LATENT : features;
        for (size_t k = 0; k < width; k++) inputs[2 * width + k] = rows[i].value;
        error = (duet_error){0};
        duet_status status = test_use(run, rows[i].source, rows[i].output, inputs, COUNT, 0, values, &error);
        if (status != rows[i].status) fail_msg("row %zu: %d, %s", i, (int)status, error.message);
        if (rows[i].message != NULL) assert_message(&error, rows[i].message);
        memset(inputs, 0, COUNT * features * sizeof *inputs);
    }
    /* A judge is shown samples, which lie where they lie. */
    inputs[0] = -0.5F;
    const duet_wanted likelihood = {DUET_NLL, values};
    duet_request shown = test_request(TEST_FROM_EXAMPLES, inputs, COUNT, 0, &likelihood);
    shown.any_range = true;
    assert_ok(duet_run_use(run, &shown, &error), &error);
    inputs[0] = 0;

    /* What comes out is looked at too, unless the program asks how many are not finite. */
    size_t wrong = 0;
    const duet_wanted wanted = {DUET_DECODE, values};
    duet_request request = test_request(TEST_FROM_LATENTS, inputs, COUNT, 0, &wanted);
    float *bias = calloc(features, sizeof *bias);
    duet_store *store = duet_model_store(duet_run_model(run));
    assert_non_null(bias);
    bias[0] = NAN;
    assert_ok(
        duet_store_write(store, duet_run_device(run), "decoder.output.bias", bias, features * sizeof *bias, &error),
        &error);
    free(bias);
    error = (duet_error){0};
    assert_status(duet_run_use(run, &request, &error), DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "4 numbers that the model gives are not finite, the first of \"decode\"");
    request.not_finite = &wrong;
    assert_ok(duet_run_use(run, &request, &error), &error);
    assert_int_equal(wrong, COUNT);
    assert_true(isnan(values[0]) && isfinite(values[1]));

    const uint8_t classes[COUNT] = {0};
    request.latents = NULL;
    request.classes = classes;
    error = (duet_error){0};
    assert_status(duet_run_use(run, &request, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "the request gives classes, and the model \"vae\" reads none");

    double ranks[1];
    inputs[0] = NAN;
    error = (duet_error){0};
    assert_status(duet_latent_rank(run, inputs, NULL, 1, ranks, &error), DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "holds nan");
    duet_metric_value found[8];
    size_t count;
    error = (duet_error){0};
    assert_status(duet_metric_compute(run, "mse", (duet_split)7, 0, found, 8, &count, &error), DUET_ERROR_USAGE,
                  &error);
    assert_message(&error, "there is no split 7");
    error = (duet_error){0};
    assert_status(duet_data_read(duet_run_data(run), (duet_split)7, 0, 1, inputs, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "there is no split 7");
    free(inputs);
    free(values);
    duet_run_close(&run);
}

/* A run whose weights are those of its step. */
static int begin_use(void **state)
{
    (void)begin(state);
    duet_run *run = open_run("vae", "vae", pictures, SETTINGS("hidden=12", "latent=3"));
    duet_run_close(&run);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_say_what_they_cannot_do),
        cmocka_unit_test(measures_agree_with_their_metrics),
        cmocka_unit_test(a_best_is_kept_where_one_is_better),
        cmocka_unit_test(no_metric_is_one_too_many),
        cmocka_unit_test(outputs_do_not_depend_on_the_number_of_rows),
        cmocka_unit_test(noise_follows_from_the_seed),
        cmocka_unit_test(requests_are_looked_at),
        cmocka_unit_test(looking_at_a_model_does_not_change_its_training),
    };
    return RUN_TESTS("metric use", tests, begin_use, remove_folder);
}
