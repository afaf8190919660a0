/* SPDX-License-Identifier: MIT */
/* Metrics that compare features, with features from files: against closed forms, and what is refused. */
#include "folder.h"
#include "train_models.h"

#include "duet/metric.h"

enum { PATH = TEST_PATH_SIZE + 64, ROWS = 300 };

static const char *path_in(const char *name, char path[PATH])
{
    assert_in_range(snprintf(path, PATH, "%s/%s", folder, name), 1, PATH - 1);
    return path;
}

static duet_run *open_run(void)
{
    char path[PATH];
    duet_error error = {0};
    duet_run *run = NULL;
    const duet_train_options options = {
        .family = duet_family_find("vae"), .data = "ring8", .steps = 1, .batch = 8, .out = path_in("run", path)};
    if (access(path, F_OK) != 0) assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_ok(duet_run_open(&run, path, NULL, &error), &error);
    return run;
}

/* Row i, feature j of set `which`: scattered numbers, correlated in another way in each set. */
static double feature(size_t which, size_t i, size_t j)
{
    double a = (double)((i * 2654435761u >> 9) % 997) / 997, b = (double)((i * 40503u >> 3) % 1009) / 1009;
    if (which == 0) return j == 0 ? 3 * a : a + b;
    return j == 0 ? b - 1 : 2 * a - 3 * b;
}

static void write_features(const char *name, size_t which, size_t rows, size_t width)
{
    char path[PATH];
    duet_error error = {0};
    float *values = malloc(rows * width * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < rows * width; i++) values[i] = (float)feature(which, i / width, i % width % 2);
    assert_ok(duet_write_npy(path_in(name, path), values, DUET_SHAPE(rows, width), &error), &error);
    free(values);
}

/* Means and covariances in double of the numbers that were written. */
static void measure(size_t which, double mean[2], double covariance[3])
{
    static const size_t pairs[3][2] = {{0, 0}, {0, 1}, {1, 1}};
    for (size_t j = 0; j < 2; j++) {
        mean[j] = 0;
        for (size_t i = 0; i < ROWS; i++) mean[j] += (float)feature(which, i, j) / ROWS;
    }
    for (size_t k = 0; k < 3; k++) {
        covariance[k] = 0;
        for (size_t i = 0; i < ROWS; i++)
            covariance[k] += ((float)feature(which, i, pairs[k][0]) - mean[pairs[k][0]]) *
                             ((float)feature(which, i, pairs[k][1]) - mean[pairs[k][1]]) / (ROWS - 1);
    }
}

/* Of two features, tr (C D)^(1/2) = (tr CD + 2 (det C det D)^(1/2))^(1/2). */
static double distance_in_the_plane(void)
{
    double m[2], n[2], c[3], d[3];
    measure(0, m, c);
    measure(1, n, d);
    double product = c[0] * d[0] + 2 * c[1] * d[1] + c[2] * d[2];
    double determinants = (c[0] * c[2] - c[1] * c[1]) * (d[0] * d[2] - d[1] * d[1]);
    double gap = (m[0] - n[0]) * (m[0] - n[0]) + (m[1] - n[1]) * (m[1] - n[1]);
    return gap + c[0] + c[2] + d[0] + d[2] - 2 * sqrt(product + 2 * sqrt(determinants));
}

static double frechet(duet_run *run, const char *samples, const char *examples)
{
    char paths[2][PATH];
    duet_error error = {0};
    duet_metric_value value;
    size_t count;
    assert_ok(duet_run_set_features(run, path_in(samples, paths[0]), path_in(examples, paths[1]), &error), &error);
    assert_true(duet_metric_applies(run, "frechet"));
    assert_ok(duet_metric_compute(run, "frechet", DUET_TEST, 0, &value, 1, &count, &error), &error);
    return value.value;
}

static void the_frechet_distance_is_its_closed_form(void **state)
{
    (void)state;
    duet_run *run = open_run();
    assert_false(duet_metric_applies(run, "frechet")); /* no judge, no features */
    write_features("a.npy", 0, ROWS, 2);
    write_features("b.npy", 1, ROWS, 2);
    double expected = distance_in_the_plane();
    assert_true(expected > 1);
    assert_close(frechet(run, "a.npy", "b.npy"), expected, 1e-5 * expected);
    assert_close(frechet(run, "b.npy", "a.npy"), expected, 1e-5 * expected);
    assert_close(frechet(run, "a.npy", "a.npy"), 0, 1e-6);
    duet_run_close(&run);
}

static void features_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *samples, *examples, *message;
        bool when_set;
    } rows[] = {
        {"wide.npy", "b.npy", "not of one encoder", true},
        {"none.npy", "b.npy", "none.npy", true},
        {"few.npy", "wide.npy", "needs over 160 samples and as many examples", false},
    };
    char paths[2][PATH];
    duet_run *run = open_run();
    write_features("b.npy", 1, ROWS, 2);
    write_features("wide.npy", 1, ROWS, 80);
    write_features("few.npy", 1, 160, 80);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_metric_value value;
        size_t count;
        duet_status status =
            duet_run_set_features(run, path_in(rows[i].samples, paths[0]), path_in(rows[i].examples, paths[1]), &error);
        assert_true((status != DUET_OK) == rows[i].when_set);
        if (status == DUET_OK) status = duet_metric_compute(run, "frechet", DUET_TEST, 0, &value, 1, &count, &error);
        assert_int_not_equal(status, DUET_OK);
        assert_message(&error, rows[i].message);
    }
    duet_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frechet_distance_is_its_closed_form),
        cmocka_unit_test(features_are_checked),
    };
    return RUN_TESTS("features", tests, make_folder, remove_folder);
}
