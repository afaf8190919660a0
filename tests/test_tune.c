/* SPDX-License-Identifier: MIT */
/* duet tune as a person meets it, also with drivers that crash, hang or compute nonsense (layer_fault.c), and what
 * trainings make of its file. */
#include "tune_files.h"

#include <signal.h>
#include <time.h>

#include "conv_model.h"
#include "product/trial/gemm_trial.h"
#include "train_models.h"
#include "tune/tuning_file.h"

#define TUNE_MODEL  "tune", "ae", "--data", "ring8", "--set", "hidden=33", "--set", "latent=2"
#define TRAIN_MODEL "train", "ae", "--data", "ring8", "--set", "hidden=33", "--set", "latent=2", "--quiet", "--out"

static long long count_of(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    assert_true(json_is_integer(number));
    return json_integer_value(number);
}

/** Sum of a count over all products of a --json document. */
static long long sum_of(const json_t *document, const char *key)
{
    long long sum = 0;
    size_t index;
    const json_t *product;
    json_array_foreach(json_object_get(document, "products"), index, product) sum += count_of(product, key);
    return sum;
}

/** The table as trainings read it. */
static void assert_readable(void)
{
    duet_error error = {0};
    duet_device *device = test_device_open();
    json_t *read = NULL;
    assert_ok(duet_tuning_document_read(file, device, &read, &error), &error);
    assert_non_null(read);
    json_decref(read);
    duet_device_close(&device);
}

static void second_call_goes_on(void **state)
{
    (void)state;
    json_t *first = document(RUN(TUNE_MODEL, "--json"));
    const json_t *products = json_object_get(first, "products");
    assert_true(json_array_size(products) >= 4);
    assert_true(count_of(first, "measured") > (long long)json_array_size(products));
    assert_int_equal(sum_of(first, "wrong") + sum_of(first, "crashed"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "file")), file);
    assert_readable();
    json_t *second = document(RUN(TUNE_MODEL, "--json"));
    assert_int_equal(count_of(second, "measured"), 0);
    assert_true(json_equal(products, json_object_get(second, "products")));
    json_decref(second);

    /* half of it lost: that half is measured */
    json_t *whole = load(file);
    json_t *record = json_array_get(json_object_get(whole, "products"), 0);
    (void)json_object_del(record, "best");
    (void)json_array_clear(json_object_get(record, "trials"));
    store(whole);
    json_decref(whole);
    second = document(RUN(TUNE_MODEL, "--json"));
    whole = load(file); /* how many it now takes may differ: it hangs on what was fast before */
    record = json_array_get(json_object_get(whole, "products"), 0);
    assert_non_null(json_object_get(record, "best"));
    assert_true(json_array_size(json_object_get(record, "trials")) >= 1);
    assert_int_equal(count_of(second, "measured"), json_array_size(json_object_get(record, "trials")));
    json_decref(second);
    json_decref(whole);
    json_decref(first);
}

/* Two at a time take turns, so that neither spoils the other's times nor its part of the file. */
static void two_take_turns(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    const struct timespec moment = {0, 20000000};
    (void)unlink(file);
    pid_t first = start((const char *const[]){TUNE_MODEL, NULL});
    for (int i = 0; i < 3000 && access(inside("tuning.json.lock", path), F_OK) != 0; i++)
        (void)nanosleep(&moment, NULL);
    result second = RUN("tune", "ae", "--data", "ring8", "--set", "hidden=9", "--set", "latent=2");
    char words[64];
    (void)snprintf(words, sizeof words, "(process %ld): waiting for its end", (long)first);
    expect(second, 0, NULL, words);
    expect(finish(first), 0, NULL, NULL);
    assert_int_equal(access(path, F_OK), -1);
    json_t *both[] = {document(RUN(TUNE_MODEL, "--json")), document(RUN("tune", "ae", "--data", "ring8", "--set",
                                                                        "hidden=9", "--set", "latent=2", "--json"))};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(count_of(both[i], "measured"), 0);
        json_decref(both[i]);
    }
}

/* Convolutions. */

/** A model of convolutions, in a file of its own. The first test: duet_tune forks, which no driver survives
 *  that this process has used. */
static void convolutions_are_tuned(void **state)
{
    char own[TEST_PATH_SIZE + 32], pictures[TEST_PATH_SIZE + 32];
    duet_error error = {0};
    duet_tune_summary summary;
    size_t convolutions = 0, measured = 0;
    (void)state;
    (void)snprintf(own, sizeof own, "%s/convolutions.json", folder);
    (void)snprintf(pictures, sizeof pictures, "%s/pictures.npy", folder);
    test_write_examples(pictures, DUET_SHAPE(TEST_CONV_SIDE, TEST_CONV_SIDE, 1));
    assert_int_equal(setenv("DUET_TUNING", own, 1), 0);
    const duet_tune_options options = {.family = &test_conv_family, .data = pictures, .batch = 8};
    for (int call = 0; call < 2; call++) {
        convolutions = 0;
        assert_ok(duet_tune(&options, &summary, &error), &error);
        for (size_t i = 0; i < summary.count; i++) {
            const duet_tune_row *row = &summary.rows[i];
            convolutions += row->convolution.use != DUET_NO_CONVOLUTION;
            assert_true(row->tried >= 1);
            assert_int_equal(row->wrong + row->crashed, 0);
        }
        assert_true(convolutions >= 8); /* three layers, each with its gradients, but for that of the data */
        measured = summary.measured;
        assert_true(call == 0 ? measured > convolutions : measured == 0);
        duet_tune_summary_free(&summary);
    }
    json_t *whole = load(own), *product;
    size_t index;
    json_array_foreach(json_object_get(whole, "products"), index, product)
    {
        duet_gemm_shape shape;
        assert_null(duet_product_from_json(product, &shape));
        json_t *again = duet_product_to_json(&shape);
        if (json_object_get(product, "convolution") != NULL)
            assert_true(json_equal(json_object_get(again, "convolution"), json_object_get(product, "convolution")));
        json_decref(again);
    }
    json_decref(whole);
    assert_int_equal(setenv("DUET_TUNING", file, 1), 0);
}

/* Training. */

/** A file in which `provider` is the best for every product. Needs the file of second_call_goes_on. */
static void prefer(const char *provider)
{
    json_t *whole = load(file), *product;
    size_t index;
    json_array_foreach(json_object_get(whole, "products"), index, product)
    {
        json_t *best = provider == NULL
                           ? json_null()
                           : json_pack("{s:s, s:{}, s:f}", "provider", provider, "parameters", "gflops", 1.0);
        assert_int_equal(json_object_set_new(product, "best", best), 0);
    }
    store(whole);
    json_decref(whole);
}

/** Which products of a run went to a provider. */
static size_t count_products(const json_t *run, const char *provider, size_t *all)
{
    const json_t *products = json_object_get(json_object_get(run, "providers"), "products"), *product;
    size_t index, count = 0;
    *all = json_array_size(products);
    json_array_foreach(products, index, product)
    {
        count += strcmp(json_string_value(json_object_get(product, "provider")), provider) == 0;
    }
    return count;
}

static void assert_all_products(const char *run, const char *provider)
{
    size_t all;
    json_t *written = run_file(run);
    const size_t count = count_products(written, provider, &all);
    assert_int_equal(count, all);
    assert_true(all >= 4);
    json_decref(written);
}

static void training_uses_the_file_and_resumes_with_it(void **state)
{
    (void)state;
    char *whole, *resumed, path[PATH_SIZE];
    size_t whole_bytes, resumed_bytes;
    prefer("plain");
    expect(RUN(TRAIN_MODEL, "@/whole", "--steps", "8"), 0, "/whole", NULL);
    assert_all_products("whole", "plain");
    json_t *written = run_file("whole");
    const json_t *tuning = json_object_get(written, "tuning");
    assert_string_equal(json_string_value(json_object_get(tuning, "file")), file);
    assert_true(json_array_size(json_object_get(tuning, "products")) >= 4);
    json_decref(written);

    expect(RUN(TRAIN_MODEL, "@/part", "--steps", "4"), 0, "/part", NULL);
    prefer("clblast");
    expect(RUN("train", "--resume", "@/part", "--steps", "8", "--quiet"), 0, "/part", NULL);
    assert_all_products("part", "plain");
    whole = test_file_read(inside("whole/checkpoint.safetensors", path), &whole_bytes);
    resumed = test_file_read(inside("part/checkpoint.safetensors", path), &resumed_bytes);
    assert_int_equal(whole_bytes, resumed_bytes);
    assert_memory_equal(whole, resumed, whole_bytes);
    free(whole);
    free(resumed);

    /* a run without tuning goes on without */
    assert_int_equal(setenv("DUET_TUNING", "off", 1), 0);
    expect(RUN(TRAIN_MODEL, "@/untuned", "--steps", "2"), 0, NULL, NULL);
    assert_int_equal(setenv("DUET_TUNING", file, 1), 0);
    expect(RUN("train", "--resume", "@/untuned", "--steps", "4", "--quiet"), 0, NULL, NULL);
    written = run_file("untuned");
    size_t all;
    assert_int_equal(count_products(written, "clblast", &all), 0);
    assert_true(json_is_null(json_object_get(written, "tuning")));
    json_decref(written);
}

static void what_is_unfit_is_never_used(void **state)
{
    (void)state;
    prefer(NULL);
    duet_device *device = test_device_open();
    json_t *whole = load(file), *product, *unfit = json_array();
    const duet_gemm_provider *clblast = duet_gemm_provider_find("clblast");
    size_t index;
    json_array_foreach(json_object_get(whole, "products"), index, product)
    {
        duet_gemm_shape shape;
        const duet_gemm_provider *provider;
        assert_null(duet_product_from_json(product, &shape));
        for (size_t i = 0; (provider = duet_gemm_provider_at(i)) != NULL; i++) {
            if (provider->convolves) continue;
            const duet_gemm_choice preset = {provider, provider->preset(device, &shape)};
            if (provider != duet_gemm_provider_find("plain") && provider != clblast)
                (void)json_array_append_new(unfit, duet_choice_to_json(&preset));
        }
    }
    (void)json_array_append_new(unfit, json_pack("{s:s}", "provider", clblast->name)); /* all of it */
    (void)json_object_set_new(whole, "unfit", unfit);
    store(whole);
    json_decref(whole);
    duet_device_close(&device);
    expect(RUN(TRAIN_MODEL, "@/unfit", "--steps", "2"), 0, NULL, NULL);
    assert_all_products("unfit", "plain");
    assert_int_equal(unlink(file), 0);
}

/* Bad drivers. */

#ifdef TEST_FAULT_LAYER
static void set_fault(const char *fault)
{
    if (fault != NULL) {
        assert_int_equal(setenv("OPENCL_LAYERS", TEST_FAULT_LAYER, 1), 0);
        assert_int_equal(setenv("LAYER_FAULT", fault, 1), 0);
    } else {
        assert_int_equal(unsetenv("OPENCL_LAYERS"), 0);
        assert_int_equal(unsetenv("LAYER_FAULT"), 0);
    }
}

/** Tunes anew under a fault in the kernels that copy slabs, which some candidates of "panel" need. Each set of such
 *  parameters costs one fault, whatever the product; the rest is measured. */
static void tune_with(const char *fault, const char *verdict, bool unfit)
{
    set_fault(fault);
    result r = RUN(TUNE_MODEL, "--again", "--json", "--seconds", "60");
    set_fault(NULL);
    if (strstr(r.err, "left out") == NULL) fail_msg("no word of a fault in:\n%s", r.err);
    json_t *told = document(r), *whole = load(file), *product;
    const json_t *products = json_object_get(whole, "products"), *trial;
    assert_true(sum_of(told, verdict) > 0);
    assert_true(sum_of(told, "tried") > 2 * sum_of(told, verdict));
    size_t index, inner, faults = 0;
    json_array_foreach(products, index, product)
    {
        const json_t *best = json_object_get(product, "best");
        assert_non_null(best); /* every product was decided */
        assert_int_equal(json_integer_value(json_object_get(json_object_get(best, "parameters"), "slabs")), 0);
        json_array_foreach(json_object_get(product, "trials"), inner, trial)
        {
            const bool slabs = json_integer_value(json_object_get(json_object_get(trial, "parameters"), "slabs")) != 0;
            const bool faulty = strcmp(json_string_value(json_object_get(trial, "verdict")), verdict) == 0;
            const bool slow = strcmp(json_string_value(json_object_get(trial, "verdict")), "slow") == 0;
            if (slabs) assert_true(faulty || slow); /* on a busy machine a smaller product may say so already */
            faults += faulty;
        }
    }
    assert_true(faults > 0);
    if (unfit) assert_int_equal(json_array_size(json_object_get(whole, "unfit")), faults);
    json_decref(whole);
    json_decref(told);
    assert_readable();
}

static void crash_costs_a_candidate(void **state)
{
    (void)state;
    tune_with("crash:gemm_panel_slabs", "crashed", true);
}

static void wrong_candidate_never_wins(void **state)
{
    (void)state;
    tune_with("skip:gemm_panel_slabs", "wrong", true);
}

/** A provider whose preset is wrong is given up with all its parameters, also by trainings. */
static void wrong_provider_is_given_up(void **state)
{
    (void)state;
    size_t all, index;
    bool whole = false;
    const json_t *row;
    set_fault("skip:gemm_panel_n");
    json_t *told = document(RUN(TUNE_MODEL, "--again", "--json"));
    set_fault(NULL);
    assert_true(sum_of(told, "wrong") > 0);
    json_decref(told);
    json_t *written = load(file);
    json_array_foreach(json_object_get(written, "unfit"), index, row)
    {
        const bool panel = strcmp(json_string_value(json_object_get(row, "provider")), "panel") == 0;
        whole = whole || (panel && json_object_get(row, "parameters") == NULL);
    }
    assert_true(whole);
    json_decref(written);
    expect(RUN(TRAIN_MODEL, "@/given-up", "--steps", "2"), 0, NULL, NULL);
    written = run_file("given-up");
    assert_int_equal(count_products(written, "panel", &all), 0);
    json_decref(written);
}

/** A hang, until the limit ends it, or Ctrl-C. What was measured before is kept. */
static void hang_can_be_interrupted(void **state)
{
    (void)state;
    const struct timespec moment = {0, 50000000};
    const char *const words[] = {TUNE_MODEL, "--again", "--seconds", "600", NULL};
    (void)unlink(file);
    set_fault("hang:gemm_panel_slabs");
    pid_t child = start(words);
    set_fault(NULL);
    size_t trials = 0;
    for (int i = 0; i < 2000 && trials == 0; i++) {
        json_t *whole = access(file, F_OK) == 0 ? load(file) : NULL;
        const json_t *first = json_array_get(json_object_get(whole, "products"), 0);
        trials = json_array_size(json_object_get(first, "trials"));
        json_decref(whole);
        (void)nanosleep(&moment, NULL);
    }
    assert_true(trials > 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    expect(finish(child), 143, NULL, "kept");
    assert_readable();
    json_t *whole = load(file);
    assert_in_range(json_array_size(json_object_get(whole, "products")), 1, 1);
    json_decref(whole);
}

static void assert_nothing_is_kept(void)
{
    json_t *whole = load(file), *product;
    size_t index;
    assert_int_equal(json_array_size(json_object_get(whole, "unfit")), 0);
    json_array_foreach(json_object_get(whole, "products"), index, product)
    {
        assert_int_equal(json_array_size(json_object_get(product, "trials")), 0);
        assert_null(json_object_get(product, "best"));
    }
    json_decref(whole);
}

/** A device that is short of resources for an hour: nothing is measured, nothing of it is kept, and the next call
 *  measures all. */
static void passing_trouble_is_not_kept(void **state)
{
    (void)state;
    (void)unlink(file);
    set_fault("refuse:");
    expect(RUN(TUNE_MODEL), 1, "", "nothing could be measured");
    assert_nothing_is_kept();
    set_fault("kill:"); /* as the system does for want of memory */
    expect(RUN(TUNE_MODEL), 1, "", "nothing could be measured");
    assert_nothing_is_kept();

    /* some fail: the others are measured, and the next call makes up for it */
    set_fault("refuse:gemm_panel_slabs");
    result r = RUN(TUNE_MODEL, "--json");
    set_fault(NULL);
    assert_non_null(strstr(r.err, "are tried again by the next"));
    json_t *first = document(r), *second = document(RUN(TUNE_MODEL, "--json"));
    assert_true(sum_of(first, "failed") > 0);
    assert_true(count_of(first, "measured") >= (long long)json_array_size(json_object_get(first, "products")));
    assert_true(count_of(second, "measured") > 0);
    assert_int_equal(sum_of(second, "failed"), 0);
    assert_true(sum_of(second, "tried") >= sum_of(first, "tried") - sum_of(first, "failed"));
    json_decref(first);
    json_decref(second);
    second = document(RUN(TUNE_MODEL, "--json"));
    assert_int_equal(count_of(second, "measured"), 0);
    json_decref(second);
    assert_readable();
}

/** A driver that compiles nothing is no fault of candidates, and is said once. */
static void driver_that_compiles_nothing_is_said_to_be_that(void **state)
{
    (void)state;
    (void)unlink(file);
    set_fault("unable:");
    result tuned = RUN(TUNE_MODEL), trained = RUN(TRAIN_MODEL, "@/unable", "--steps", "1"), examined = RUN("doctor");
    set_fault(NULL);
    const char *words = strstr(examined.err, "cannot compile anything");
    assert_non_null(words);
    assert_null(strstr(words + 1, "cannot compile anything"));
    expect(tuned, 3, "", "cannot compile anything");
    expect(trained, 3, "", "cannot compile anything");
    expect(examined, 3, "", "cannot compile anything");
}

/** The doctor, too: what could not be run says nothing of the numbers. */
static void doctor_tells_what_fails_from_what_is_wrong(void **state)
{
    (void)state;
    set_fault("refuse:");
    result failing = RUN("doctor");
    set_fault("skip:");
    result wrong = RUN("doctor");
    set_fault(NULL);
    assert_null(strstr(failing.out, "FAULT"));
    assert_null(strstr(failing.out, "do not trust"));
    expect(failing, 1, "not run", "checks could not be run, the first, ");
    expect(wrong, 4, "do not trust", NULL);
}

static void hang_costs_a_candidate(void **state)
{
    (void)state;
    set_fault("hang:gemm_panel_slabs");
    result r = RUN(TUNE_MODEL, "--again", "--json", "--seconds", "8");
    set_fault(NULL);
    json_t *told = document(r);
    assert_true(sum_of(told, "late") > 0);
    assert_true(sum_of(told, "tried") > sum_of(told, "late"));
    json_decref(told);
    assert_readable();
}
#endif

/* Words. */

static void mistakes_are_named(void **state)
{
    (void)state;
    expect(RUN("tune"), 2, NULL, "--full");
    expect(RUN("tune", "vea"), 2, NULL, "vae");
    expect(RUN("tune", "vae", "--set", "hiden=3"), 2, NULL, "hidden");
    expect(RUN("tune", "vae", "--data", "/nowhere"), 1, NULL, "/nowhere");
    assert_int_equal(setenv("DUET_TUNING", "off", 1), 0);
    expect(RUN(TUNE_MODEL), 2, NULL, "DUET_TUNING");
    assert_int_equal(setenv("DUET_TUNING", "/proc/nowhere/tuning.json", 1), 0);
    expect(RUN(TUNE_MODEL), 1, NULL, "/proc/nowhere");

    char thesis[TEST_PATH_SIZE + 96], *kept;
    (void)snprintf(thesis, sizeof thesis, "%s.txt", file);
    test_file_write(thesis, "my thesis", 9);
    assert_int_equal(setenv("DUET_TUNING", thesis, 1), 0);
    expect(RUN(TUNE_MODEL), 2, NULL, "is no tuning file, and is not replaced");
    kept = test_file_read(thesis, NULL);
    assert_string_equal(kept, "my thesis");
    free(kept);
    assert_int_equal(unlink(thesis), 0);
    assert_int_equal(setenv("DUET_TUNING", file, 1), 0);
}

static void file_lies_in_the_cache(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device_info info = {.name = "Radeon (TM) 9", .platform = "One"};
    char *first = NULL, *second = NULL, *third = NULL, *home = strdup(getenv("HOME") ? getenv("HOME") : "/");
    const char *cache = getenv("XDG_CACHE_HOME");
    char *kept = cache ? strdup(cache) : NULL;
    assert_int_equal(unsetenv("DUET_TUNING"), 0);
    assert_int_equal(setenv("XDG_CACHE_HOME", "/cache", 1), 0);
    assert_ok(duet_tuning_path(&info, &first, &error), &error);
    (void)snprintf(info.platform, sizeof info.platform, "Two");
    assert_ok(duet_tuning_path(&info, &second, &error), &error);
    assert_int_equal(strncmp(first, "/cache/duet/radeon-tm-9-", 24), 0);
    assert_string_not_equal(first, second);
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
    assert_int_equal(setenv("HOME", "/somebody", 1), 0);
    assert_ok(duet_tuning_path(&info, &third, &error), &error);
    assert_int_equal(strncmp(third, "/somebody/.cache/duet/radeon-tm-9-", 34), 0);
    assert_int_equal(setenv("HOME", home, 1), 0);
    if (kept) assert_int_equal(setenv("XDG_CACHE_HOME", kept, 1), 0);
    assert_int_equal(setenv("DUET_TUNING", file, 1), 0);
    free(first);
    free(second);
    free(third);
    free(home);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_tuned),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(file_lies_in_the_cache),
        cmocka_unit_test(second_call_goes_on),
        cmocka_unit_test(two_take_turns),
        cmocka_unit_test(training_uses_the_file_and_resumes_with_it),
        cmocka_unit_test(what_is_unfit_is_never_used),
#ifdef TEST_FAULT_LAYER
        cmocka_unit_test(crash_costs_a_candidate),
        cmocka_unit_test(wrong_candidate_never_wins),
        cmocka_unit_test(wrong_provider_is_given_up),
        cmocka_unit_test(hang_can_be_interrupted),
        cmocka_unit_test(passing_trouble_is_not_kept),
        cmocka_unit_test(driver_that_compiles_nothing_is_said_to_be_that),
        cmocka_unit_test(doctor_tells_what_fails_from_what_is_wrong),
        cmocka_unit_test(hang_costs_a_candidate),
#endif
    };
    return RUN_TESTS("tune", tests, begin, remove_folder);
}
