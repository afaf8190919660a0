/* SPDX-License-Identifier: MIT */
/* What the tests of metrics share: tiny runs whose weights are set by hand, and what a metric says of them. */
#ifndef DUET_TESTS_METRIC_PARTS_H
#define DUET_TESTS_METRIC_PARTS_H

#include "folder.h"
#include "train_models.h"
#include "use.h"

#include "duet/metric.h"
#include "graph/variable.h"
#include "train/evaluator.h"

enum { PATH = TEST_PATH_SIZE + 64, PIXELS = 8 * 8 * 3 };

static char pictures[PATH], labelled[PATH];

#define SETTINGS(...) (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

/* Sets all parameters to 0, in memory. */
static inline void clear_parameters(duet_run *run)
{
    duet_error error = {0};
    duet_store *store = duet_model_store(duet_run_model(run));
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(store, i)) != NULL; i++) {
        if (!variable->optimised) continue;
        float *zeros = calloc(variable->elements, sizeof *zeros);
        assert_non_null(zeros);
        assert_ok(duet_variable_write(variable, zeros, &error), &error);
        free(zeros);
    }
}

/* A run of one step (made if it is not there), all parameters then set to 0 in memory. */
static inline duet_run *open_run(const char *name, const char *model, const char *data, const char *const *settings,
                                 size_t count)
{
    duet_error error = {0};
    duet_run *run = NULL;
    char path[PATH];
    assert_in_range(snprintf(path, sizeof path, "%s/%s", folder, name), 1, PATH - 1);
    duet_train_options options = {.family = duet_family_find(model),
                                  .data = data,
                                  .settings = settings,
                                  .setting_count = count,
                                  .steps = 1,
                                  .batch = TEST_BATCH,
                                  .out = path};
    if (access(path, F_OK) != 0) assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_ok(duet_run_open(&run, path, NULL, &error), &error);
    clear_parameters(run);
    return run;
}

/* Writes `count` numbers from element `at` on. */
static inline void set(duet_run *run, const char *name, size_t at, const float *values, size_t count)
{
    duet_error error = {0};
    duet_variable *variable = duet_store_find(duet_model_store(duet_run_model(run)), name);
    if (variable == NULL) fail_msg("no parameter %s", name);
    assert_in_range(at + count, 1, variable->elements);
    float *all = malloc(variable->elements * sizeof *all);
    assert_non_null(all);
    assert_ok(duet_variable_read(variable, all, &error), &error);
    memcpy(all + at, values, count * sizeof *values);
    assert_ok(duet_variable_write(variable, all, &error), &error);
    free(all);
}

static inline void set_one(duet_run *run, const char *name, size_t at, double value)
{
    const float number = (float)value;
    set(run, name, at, &number, 1);
}

/* The value `name` that the metric gives. */
static inline duet_metric_value value_of(duet_run *run, const char *metric, duet_split split, const char *name)
{
    duet_error error = {0};
    duet_metric_value values[16];
    size_t count;
    assert_true(duet_metric_applies(run, metric));
    assert_ok(duet_metric_compute(run, metric, split, 5, values, 16, &count, &error), &error);
    for (size_t i = 0; i < count; i++)
        if (duet_metric_measure_find(values[i].row, values[i].name) == NULL)
            fail_msg("%s does not list %s", metric, values[i].name);
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i].name, name) == 0) return values[i];
    fail_msg("%s gives no %s", metric, name);
    return values[0];
}

/* Checks a value and the ends of its interval; NAN: it has none. */
static inline void check_interval(duet_metric_value it, double value, double low, double high)
{
    bool same = isnan(low) ? isnan(it.low) && isnan(it.high) : fabs(it.low - low) < 1e-6 && fabs(it.high - high) < 1e-6;
    if (!(fabs(it.value - value) <= 1e-6) || !same)
        fail_msg("%s is %g (%g to %g), not %g (%g to %g)", it.name, it.value, it.low, it.high, value, low, high);
}

/* The upper end of Wilson's interval of none of n. */
static inline double wilson_of_none(double n)
{
    return 1.959964 * 1.959964 / (n + 1.959964 * 1.959964);
}

static inline void write_labelled(void)
{
    enum { N = 40 };
    static const unsigned char grey[] = {0, 85, 170, 255};
    unsigned char images[16 + 4 * N] = {0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, 2, 0, 0, 0, 2};
    unsigned char labels[8 + N] = {0, 0, 8, 1, 0, 0, 0, N};
    char path[PATH];
    for (size_t i = 0; i < N; i++) {
        labels[8 + i] = (unsigned char)(i % 4);
        memset(images + 16 + 4 * i, grey[i % 4], 4);
    }
    (void)snprintf(labelled, sizeof labelled, "%s/train-images-idx3-ubyte", folder);
    (void)snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
    test_file_write(labelled, images, sizeof images);
    test_file_write(path, labels, sizeof labels);
}

static inline int begin(void **state)
{
    (void)make_folder(state);
    (void)snprintf(pictures, sizeof pictures, "%s/pictures.npy", folder);
    test_write_examples(pictures, DUET_SHAPE(8, 8, 3));
    write_labelled();
    return 0;
}

#endif
