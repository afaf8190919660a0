/* SPDX-License-Identifier: MIT */
/* Runs that are repeated, stopped, cut short and resumed: equal bytes where equal bytes are promised. Trainings that
 * are killed are those of test_kills.c, and what cannot be resumed is refused in test_run_faults.c. */
#include "run_recipes.h"

static void equal_settings_give_equal_bytes(void **state)
{
    (void)state;
    char path[PATH];
    train_well(&vae, "first");
    train_well(&vae, "second");
    assert_same_run("first", "second");
    for (const char *const *name = (const char *const[]){"samples/epoch-0001.png", "samples/epoch-0004.png",
                                                         "samples/epoch-0004-reconstruction.png", NULL};
         *name != NULL; name++)
        assert_true(same_file("first", "second", *name));
    path_of(path, "first", "samples/epoch-0005.png");
    assert_int_not_equal(access(path, F_OK), 0); /* 23 steps are four epochs of five, and three steps */

    duet_error error;
    duet_train_options other = options_of(&vae);
    other.seed = 12;
    train(other, "other-seed", false, DUET_OK, &error);
    assert_false(same_file("first", "other-seed", "checkpoint.safetensors"));
    char *metrics = read_metrics("first"), *other_metrics = read_metrics("other-seed");
    assert_string_not_equal(metrics, other_metrics);
    free(metrics);
    free(other_metrics);
}

/* Asks for a stop at the report of that step. */
typedef struct stopping {
    uint64_t at;
    volatile int stop;
    bool warned;
} stopping;

static void stop_at(void *context, const duet_progress *progress)
{
    stopping *plan = context;
    if (progress->step >= plan->at) plan->stop = 1;
}

static void a_stopped_run_goes_on_to_the_same_bytes(void **state)
{
    (void)state;
    duet_error error;
    stopping plan = {.at = 10};
    duet_train_options options = options_of(&vae);
    options.stop = &plan.stop;
    options.progress = stop_at;
    options.context = &plan;
    train(options, "stopped", false, DUET_ERROR_INTERRUPTED, &error);
    assert_message(&error, "of 23");
    resume_well(&vae, "stopped");
    assert_same_run("first", "stopped");
}

static void a_larger_total_gives_the_bytes_of_that_total(void **state)
{
    (void)state;
    recipe part = vae;
    part.steps = 12; /* within the third epoch: its last report is taken back */
    train_well(&part, "grown");
    char *metrics = read_metrics("grown");
    assert_non_null(strstr(metrics, "{\"step\":12,"));
    free(metrics);
    resume_well(&vae, "grown");
    assert_same_run("first", "grown");
}

static void a_torn_metrics_file_is_cut_back(void **state)
{
    (void)state;
    char path[PATH];
    recipe part = vae;
    part.steps = 14;
    train_well(&part, "torn");
    path_of(path, "torn", "metrics.jsonl");
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    assert_true(fputs("{\"step\":15,\"epoch\":3.0,\"seconds\":1}\n{\"step\":16,\"ep", file) >= 0);
    assert_int_equal(fclose(file), 0);
    resume_well(&vae, "torn");
    assert_same_run("first", "torn");
}

/* As one is that was killed after its first report and before the checkpoint of that step. */
static void a_run_without_a_checkpoint_begins_again(void **state)
{
    (void)state;
    char path[PATH];
    recipe part = vae;
    part.steps = 5;
    train_well(&part, "early");
    path_of(path, "early", "checkpoint.safetensors");
    assert_int_equal(remove(path), 0);
    edit("early", "run.json", "\"checkpointed\": true", "\"checkpointed\": false");
    resume_well(&vae, "early");
    assert_same_run("first", "early");
}

static void listen(void *context, const char *line)
{
    stopping *heard = context;
    if (strncmp(line, "warning:", 8) == 0) heard->warned = true;
    if (strstr(line, "steps already") != NULL) heard->stop = 1;
}

static void a_finished_run_is_left_alone(void **state)
{
    (void)state;
    stopping heard = {.at = 0};
    duet_error error;
    duet_train_options options = options_of(&vae);
    options.log = listen;
    options.context = &heard;
    char path[PATH];
    path_of(path, "first", "run.json");
    char *before = test_file_read(path, NULL);
    train(options, "first", true, DUET_OK, &error);
    char *after = test_file_read(path, NULL);
    assert_string_equal(before, after);
    assert_int_equal(heard.stop, 1);
    assert_false(heard.warned);
    assert_same_run("first", "second");
    free(before);
    free(after);
}

static void another_driver_is_warned_of(void **state)
{
    (void)state;
    stopping heard = {.at = 0};
    duet_error error;
    recipe part = vae;
    part.steps = 5;
    train_well(&part, "moved");
    edit("moved", "run.json", "\"driver\": \"", "\"driver\": \"older than ");
    duet_train_options options = options_of(&vae);
    options.log = listen;
    options.context = &heard;
    train(options, "moved", true, DUET_OK, &error);
    assert_true(heard.warned);
    assert_same_run("first", "moved");
    char path[PATH];
    path_of(path, "moved", "run.json");
    json_t *run = json_load_file(path, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(run, "resumed")), 1);
    json_decref(run);
}

static void assert_gemm(const char *run_name, const char *chosen, const char *used)
{
    char path[PATH];
    path_of(path, run_name, "run.json");
    json_t *run = json_load_file(path, 0, NULL), *providers = json_object_get(run, "providers");
    assert_non_null(run);
    assert_string_equal(json_string_value(json_object_get(run, "gemm")), chosen);
    assert_string_equal(json_string_value(json_object_get(providers, "gemm")), used);
    json_decref(run);
}

/* The preset stays the preset on resuming, wherever that is; what somebody forced stays forced. */
static void a_resumed_run_keeps_the_choice_of_its_products(void **state)
{
    (void)state;
    duet_error error;
    recipe part = toy;
    duet_device *device = test_device_open();
    const char *preset = duet_device_gemm(device); /* static, as providers are */
    duet_device_close(&device);
    part.steps = 5;
    train_well(&part, "preset");
    assert_gemm("preset", "auto", preset);
    edit("preset", "run.json", "\"providers\": {\n    \"gemm\": \"", "\"providers\": {\n    \"gemm\": \"another ");
    part.steps = 6;
    resume_well(&part, "preset");
    assert_gemm("preset", "auto", preset);

    duet_train_options options = options_of(&part);
    options.gemm = "plain";
    train(options, "forced", false, DUET_OK, &error);
    assert_gemm("forced", "plain", "plain");
    part.steps = 7;
    resume_well(&part, "forced");
    assert_gemm("forced", "plain", "plain");
    options.gemm = "auto";
    options.steps = 8;
    train(options, "forced", true, DUET_OK, &error);
    assert_gemm("forced", "auto", preset);
}

static void run_json_says_what_the_run_is(void **state)
{
    (void)state;
    char path[PATH];
    path_of(path, "first", "run.json");
    json_t *run = json_load_file(path, 0, NULL), *data = json_object_get(run, "data");
    assert_non_null(run);
    assert_string_equal(json_string_value(json_object_get(run, "model")), "vae");
    assert_string_equal(json_string_value(json_object_get(json_object_get(run, "settings"), "hidden")), "12");
    assert_string_equal(json_string_value(json_object_get(json_object_get(run, "settings"), "beta")), "1");
    assert_string_equal(json_string_value(json_object_get(data, "name")), pictures);
    assert_int_equal(json_integer_value(json_object_get(data, "train")), TEST_TRAINING);
    assert_int_equal(json_array_size(json_object_get(data, "shape")), 3);
    assert_true(json_is_true(json_object_get(data, "unit_range")));
    assert_int_equal(json_integer_value(json_object_get(run, "seed")), 11);
    assert_int_equal(json_integer_value(json_object_get(run, "steps")), 23);
    assert_true(json_is_null(json_object_get(run, "epochs")));
    /* 192 x 12 + 12, then 3 outputs each for mean and logvar */
    json_t *groups = json_object_get(run, "parameters");
    assert_int_equal(json_integer_value(json_object_get(groups, "encoder")), 193 * 12 + 2 * 13 * 3);
    assert_int_equal(json_integer_value(json_object_get(groups, "decoder")), 4 * 12 + 13 * 192);
    assert_non_null(json_string_value(json_object_get(json_object_get(run, "providers"), "gemm")));
    assert_non_null(json_string_value(json_object_get(json_object_get(run, "device"), "driver")));
    json_decref(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_settings_give_equal_bytes),
        cmocka_unit_test(run_json_says_what_the_run_is),
        cmocka_unit_test(a_stopped_run_goes_on_to_the_same_bytes),
        cmocka_unit_test(a_larger_total_gives_the_bytes_of_that_total),
        cmocka_unit_test(a_torn_metrics_file_is_cut_back),
        cmocka_unit_test(a_run_without_a_checkpoint_begins_again),
        cmocka_unit_test(a_finished_run_is_left_alone),
        cmocka_unit_test(another_driver_is_warned_of),
        cmocka_unit_test(a_resumed_run_keeps_the_choice_of_its_products),
    };
    return RUN_TESTS("resume", tests, begin, remove_folder);
}
