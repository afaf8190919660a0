/* SPDX-License-Identifier: MIT */
/* duet tune with drivers that crash, hang or compute nonsense (layer_fault.c): each costs what it spoils and no more.
 */
#include "tune_files.h"

#include <signal.h>
#include <time.h>

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
    set_fault("limit:"); /* as the system does at a soft limit of CPU time */
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

/* Without the preset there is nothing to compare with: its product waits, the others are decided, and what may pass is
 * not kept. */
static void late_preset_decides_nothing(void **state)
{
    (void)state;
    (void)unlink(file);
    set_fault("hang:gemm_panel_tn");
    result r = RUN(TUNE_MODEL, "--json", "--seconds", "1");
    set_fault(NULL);
    assert_non_null(strstr(r.err, "took longer than 1 seconds: it is tried again with 4"));
    assert_non_null(strstr(r.err, "took longer than 4 seconds: without it nothing is decided"));
    json_t *told = document(r), *whole = load(file), *product;
    size_t index, undecided = 0;
    json_array_foreach(json_object_get(told, "products"), index, product)
    {
        if (!json_is_null(json_object_get(product, "preset"))) continue;
        assert_true(json_is_null(json_object_get(product, "best")));
        undecided++;
    }
    assert_in_range(undecided, 1, json_array_size(json_object_get(told, "products")) - 1);
    json_array_foreach(json_object_get(whole, "products"), index, product)
    {
        if (json_object_get(product, "best") != NULL) continue;
        assert_int_equal(json_array_size(json_object_get(product, "trials")), 0);
        undecided--;
    }
    assert_int_equal(undecided, 0);
    json_decref(whole);
    json_decref(told);
    told = document(RUN(TUNE_MODEL, "--json"));
    assert_true(count_of(told, "measured") > 0);
    json_array_foreach(json_object_get(told, "products"), index, product)
        assert_true(json_is_string(json_object_get(product, "preset")));
    json_decref(told);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_costs_a_candidate),
        cmocka_unit_test(wrong_candidate_never_wins),
        cmocka_unit_test(wrong_provider_is_given_up),
        cmocka_unit_test(hang_can_be_interrupted),
        cmocka_unit_test(passing_trouble_is_not_kept),
        cmocka_unit_test(driver_that_compiles_nothing_is_said_to_be_that),
        cmocka_unit_test(doctor_tells_what_fails_from_what_is_wrong),
        cmocka_unit_test(late_preset_decides_nothing),
        cmocka_unit_test(hang_costs_a_candidate),
    };
    return RUN_TESTS("tune_faults", tests, begin, remove_folder);
}
