/* SPDX-License-Identifier: MIT */
/* Runs of earlier versions (tests/fixtures) load, evaluate to what their version said, and go on as they did there. */
#include "program.h"

#include "duet/metric.h"
#include "duet/run.h"

#include <jansson.h>

static const char *const families[] = {"ae", "vae", "gan", "vae-conv", "gan-conv", "classifier"};
#define VERSION "0.1.0"

/* What no noise enters that has changed since: draws of use follow other counters than they did in 0.1.0. */
static const char *const exact_metrics[] = {"mse", "kl", "active-units", "accuracy-real"};

/* A copy of the family's run whose data is found; its path. */
static void copy_run(const char *family, char run[PATH_SIZE])
{
    char command[4 * PATH_SIZE], file[PATH_SIZE + 16];
    (void)snprintf(command, sizeof command, "cp -r '%s/tests/fixtures/%s/%s' '%s' && chmod -R u+w '%s'",
                   TEST_SOURCE_ROOT, VERSION, family, inside(family, run), run);
    assert_int_equal(system(command), 0);
    (void)snprintf(file, sizeof file, "%s/run.json", run);
    (void)snprintf(command, sizeof command, "sed -i 's#\"DATA\"#\"%s/tests/fixtures/%s/set\"#' '%s'", TEST_SOURCE_ROOT,
                   VERSION, file);
    assert_int_equal(system(command), 0);
}

static json_t *load(const char *run, const char *name)
{
    char path[PATH_SIZE + 32];
    json_error_t error;
    (void)snprintf(path, sizeof path, "%s/%s", run, name);
    json_t *document = json_load_file(path, 0, &error);
    if (document == NULL) fail_msg("%s: %s", path, error.text);
    return document;
}

static bool is_exact(const char *family, const char *name)
{
    bool exact = strcmp(family, "classifier") == 0 && strcmp(name, "accuracy") == 0;
    for (size_t i = 0; i < sizeof exact_metrics / sizeof *exact_metrics; i++)
        exact = exact || strcmp(exact_metrics[i], name) == 0;
    return exact;
}

static void compare_metrics(duet_run *run, const char *family, const json_t *metrics)
{
    duet_metric_value values[16];
    size_t found = 0;
    const duet_metric_row *row;
    for (size_t m = 0; (row = duet_metric_at(m)) != NULL; m++) {
        size_t count = 0;
        duet_error error = {0};
        if (row->on_request || !duet_metric_applies(run, row->name)) continue;
        assert_ok(duet_metric_compute(run, row->name, DUET_TEST, 0, values, 16, &count, &error), &error);
        for (size_t i = 0; i < count; i++) {
            if (duet_metric_measure_find(row, values[i].name) == NULL)
                fail_msg("%s has no measure of its value %s", row->name, values[i].name);
            const json_t *said = json_object_get(metrics, values[i].name); /* NULL: the metric came later */
            if (!is_exact(family, values[i].name)) continue;
            assert_non_null(said);
            double number = json_number_value(json_is_object(said) ? json_object_get(said, "value") : said);
            if (!(fabs(values[i].value - number) <= 1e-4 * (1 + fabs(number))))
                fail_msg("%s: %s is %g and was %g", family, values[i].name, values[i].value, number);
            found++;
        }
    }
    assert_true(found > 0);
}

static void evaluate(const char *family)
{
    char path[PATH_SIZE];
    duet_error error = {0};
    duet_run *run = NULL;
    copy_run(family, path);
    assert_ok(duet_run_open(&run, path, NULL, &error), &error);
    json_t *document = load(path, "eval.json");
    compare_metrics(run, family, json_object_get(document, "metrics"));
    json_decref(document);
    duet_run_close(&run);
}

/* Every number of a line but the clock's. */
static void compare_lines(const char *family, const char *now, const char *then)
{
    json_t *a = json_loads(now, JSON_DISABLE_EOF_CHECK, NULL), *b = json_loads(then, JSON_DISABLE_EOF_CHECK, NULL),
           *value;
    const char *key;
    assert_true(a != NULL && b != NULL);
    size_t later = json_object_get(a, "health") != NULL; /* which says what the numbers show */
    assert_int_equal(json_object_size(a), json_object_size(b) + later);
    json_object_foreach(b, key, value)
    {
        if (strcmp(key, "seconds") == 0 || strcmp(key, "images_per_second") == 0 || json_is_string(value)) continue;
        double is = json_number_value(json_object_get(a, key)), was = json_number_value(value);
        if (!(fabs(is - was) <= 1e-3 * (1 + fabs(was)))) fail_msg("%s: %s is %g and was %g", family, key, is, was);
    }
    json_decref(a);
    json_decref(b);
}

static void go_on(const char *family)
{
    char path[PATH_SIZE], file[PATH_SIZE + 32];
    duet_error error = {0};
    inside(family, path);
    const duet_train_options options = {.resume = path, .steps = 20};
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    (void)snprintf(file, sizeof file, "%s/metrics.jsonl", path);
    char *now = test_file_read(file, NULL);
    (void)snprintf(file, sizeof file, "%s/resumed.jsonl", path);
    char *then = test_file_read(file, NULL), *a = now, *b = then;
    size_t lines = 0;
    for (; *b != '\0'; lines++) {
        compare_lines(family, a, b);
        a += strcspn(a, "\n") + 1;
        b += strcspn(b, "\n") + 1;
    }
    assert_true(lines >= 3);
    free(now);
    free(then);
}

static void old_run_evaluates_and_goes_on(void **state)
{
    evaluate(*state);
    go_on(*state);
}

int main(void)
{
    enum { FAMILIES = sizeof families / sizeof *families };
    struct CMUnitTest tests[FAMILIES];
    for (size_t i = 0; i < FAMILIES; i++) tests[i] = TEST_ROW(families[i], old_run_evaluates_and_goes_on, families[i]);
    return RUN_TESTS("fixtures", tests, make_folder, remove_folder);
}
