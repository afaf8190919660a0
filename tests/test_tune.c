/* SPDX-License-Identifier: MIT */
/* duet tune as a person meets it, and what trainings make of its file. */
#include "tune_files.h"

#include <time.h>

#include "conv_model.h"
#include "product/trial/gemm_trial.h"
#include "train_models.h"

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

/** Marks a trial of the first product that its preset was not in as one that took longer than a second. */
static void make_one_late(void)
{
    json_t *whole = load(file), *record = json_array_get(json_object_get(whole, "products"), 0), *trial;
    const json_t *preset = json_object_get(json_object_get(record, "preset"), "parameters");
    size_t index, late = 0;
    json_array_foreach(json_object_get(record, "trials"), index, trial)
    {
        if (late > 0 || json_equal(json_object_get(trial, "parameters"), preset)) continue;
        late++;
        (void)json_object_set_new(trial, "verdict", json_string("late"));
        (void)json_object_set_new(trial, "seconds", json_real(1));
        (void)json_object_del(trial, "gflops");
    }
    assert_int_equal(late, 1);
    (void)json_object_set_new(record, "seconds", json_real(1));
    store(whole);
    json_decref(whole);
}

/* What took too long on a busy machine is left out by that limit, and no longer than that. */
static void larger_limit_measures_what_was_late(void **state)
{
    (void)state;
    make_one_late();
    json_t *told = document(RUN(TUNE_MODEL, "--json", "--seconds", "1"));
    assert_int_equal(count_of(told, "measured"), 0);
    assert_int_equal(sum_of(told, "late"), 1);
    json_decref(told);
    for (long long expected = 1; expected >= 0; expected--) {
        told = document(RUN(TUNE_MODEL, "--json", "--seconds", "60"));
        assert_int_equal(count_of(told, "measured"), expected);
        assert_int_equal(sum_of(told, "late"), 0);
        json_decref(told);
    }
    json_t *whole = load(file), *record = json_array_get(json_object_get(whole, "products"), 0);
    assert_null(json_object_get(record, "seconds"));
    json_decref(whole);
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
    expect(RUN("train", "--resume", "@/untuned", "--steps", "4", "--quiet"), 0, NULL,
           "keeps its tuning, which is none");
    assert_int_equal(setenv("DUET_TUNING", "/nowhere/x", 1), 0);
    expect(RUN("train", "--resume", "@/part", "--steps", "9"), 0, NULL, "DUET_TUNING=/nowhere/x has no effect");
    assert_int_equal(setenv("DUET_TUNING", "OFF", 1), 0);
    expect(RUN("train", "--resume", "@/part", "--steps", "10"), 0, NULL, "DUET_TUNING=OFF has no effect");
    result r = RUN("train", "--resume", "@/untuned", "--steps", "5", "--quiet");
    assert_null(strstr(r.err, "has no effect")); /* it has none already */
    expect(r, 0, NULL, NULL);
    assert_int_equal(setenv("DUET_TUNING", file, 1), 0);
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
    assert_int_equal(setenv("DUET_TUNING", "/tmp/\xff.json", 1), 0);
    expect(RUN(TUNE_MODEL), 1, NULL, "the tuning file's name is not UTF-8");
    assert_int_equal(setenv("DUET_TUNING", "/proc/nowhere/tuning.json", 1), 0);
    expect(RUN(TUNE_MODEL), 1, NULL, "/proc/nowhere");

    char thesis[TEST_PATH_SIZE + 96], *kept;
    (void)snprintf(thesis, sizeof thesis, "%s.txt", file);
    test_file_write(thesis, "my thesis", 9);
    assert_int_equal(setenv("DUET_TUNING", thesis, 1), 0);
    expect(RUN(TUNE_MODEL), 2, NULL, "is no tuning file, and 'duet tune' does not replace it");
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
        cmocka_unit_test(larger_limit_measures_what_was_late),
        cmocka_unit_test(two_take_turns),
        cmocka_unit_test(training_uses_the_file_and_resumes_with_it),
        cmocka_unit_test(what_is_unfit_is_never_used),
    };
    return RUN_TESTS("tune", tests, begin, remove_folder);
}
