/* SPDX-License-Identifier: MIT */
/* Metrics that compare features, with features from files: against closed forms, and what is refused. */
#include "folder.h"
#include "train_models.h"

#include "duet/metric.h"

#include <sys/stat.h>

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
    if (which == 2) return j == 0 ? 2 * b + 0.5 : a * a + 0.5;
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
    assert_true(frechet(run, "a.npy", "a.npy") == 0);
    assert_true(frechet(run, "b.npy", "b.npy") == 0);
    duet_run_close(&run);
}

/* Bytes are numbers like others: the distance of twins in bytes and in floats is the same. */
static void features_in_bytes_are_numbers(void **state)
{
    (void)state;
    char path[PATH];
    duet_error error = {0};
    uint8_t bytes[ROWS * 2];
    float floats[ROWS * 2];
    duet_run *run = open_run();
    for (size_t i = 0; i < ROWS * 2; i++) floats[i] = bytes[i] = (uint8_t)(i * 2654435761u >> 25);
    assert_ok(duet_write_npy_bytes(path_in("bytes.npy", path), bytes, DUET_SHAPE(ROWS, 2), &error), &error);
    assert_ok(duet_write_npy(path_in("floats.npy", path), floats, DUET_SHAPE(ROWS, 2), &error), &error);
    write_features("a.npy", 0, ROWS, 2);
    double expected = frechet(run, "floats.npy", "a.npy");
    assert_true(expected > 100);
    assert_close(frechet(run, "bytes.npy", "a.npy"), expected, 1e-6 * expected);
    assert_close(frechet(run, "bytes.npy", "floats.npy"), 0, 1e-6 * expected);
    duet_run_close(&run);
}

static double squared_gap(size_t which, size_t i, size_t other, size_t j)
{
    double sum = 0;
    for (size_t f = 0; f < 2; f++) {
        double gap = (float)feature(which, i, f) - (float)feature(other, j, f);
        sum += gap * gap;
    }
    return sum;
}

/* The squared distance to the fifth neighbour, by looking for the least again and again. */
static double fifth(size_t which, size_t row)
{
    double last = -1;
    size_t found = 0;
    while (found < 5) {
        double least = INFINITY;
        size_t equal = 0;
        for (size_t i = 0; i < ROWS; i++) {
            double gap = squared_gap(which, row, which, i);
            if (i == row || gap <= last || gap > least) continue;
            equal = gap < least ? 1 : equal + 1;
            least = gap;
        }
        found += equal;
        last = least;
    }
    return last;
}

static void compute(duet_run *run, const char *samples, const char *examples, const char *metric,
                    duet_metric_value *values, size_t expected)
{
    char paths[2][PATH];
    duet_error error = {0};
    size_t count;
    assert_ok(duet_run_set_features(run, path_in(samples, paths[0]), path_in(examples, paths[1]), &error), &error);
    assert_ok(duet_metric_compute(run, metric, DUET_TEST, 0, values, 4, &count, &error), &error);
    assert_int_equal(count, expected);
}

/* Wilson's interval of as many draws as have the variance of n and of the rows that are the only reason of some. */
static void assert_interval_of_both(const duet_metric_value *value, const size_t *reasons)
{
    const double z = 1.959964, p = value->value;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const double part = (double)reasons[i] / ROWS;
        sum += part;
        squares += part * part;
    }
    const double n = p * (1 - p) / (p * (1 - p) / ROWS + squares - sum * sum / ROWS);
    const double middle = (p + z * z / (2 * n)) / (1 + z * z / n),
                 reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    assert_close(value->low, middle - reach, 1e-9);
    assert_close(value->high, middle + reach, 1e-9);
    assert_in_range((size_t)n, 1, ROWS - 1);
}

/* Set 0 are the samples, set 2, which lies half beside them, the examples. */
static void balls_are_counted(void **state)
{
    (void)state;
    double radius[2][ROWS], precise = 0, recalled = 0, dense = 0, covered = 0;
    size_t reasons[3][ROWS] = {{0}};
    duet_metric_value values[4];
    duet_run *run = open_run();
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < 2; k++) radius[k][i] = fifth(2 * k, i);
    for (size_t i = 0; i < ROWS; i++) {
        size_t around = 0, in_samples = 0, visitors = 0, last[3] = {0};
        for (size_t j = 0; j < ROWS; j++) {
            const bool met[] = {squared_gap(0, i, 2, j) <= radius[1][j], squared_gap(0, j, 2, i) <= radius[0][j],
                                squared_gap(0, j, 2, i) <= radius[1][i]};
            for (size_t k = 0; k < 3; k++) last[k] = met[k] ? j : last[k];
            around += met[0];
            in_samples += met[1];
            visitors += met[2];
        }
        reasons[0][last[0]] += around == 1;
        reasons[1][last[1]] += in_samples == 1;
        reasons[2][last[2]] += visitors == 1;
        precise += (around > 0) / (double)ROWS;
        dense += (double)around / 5 / ROWS;
        recalled += (in_samples > 0) / (double)ROWS;
        covered += (visitors > 0) / (double)ROWS;
    }
    write_features("a.npy", 0, ROWS, 2);
    write_features("c.npy", 2, ROWS, 2);
    compute(run, "a.npy", "c.npy", "precision", values, 4);
    const double expected[] = {precise, recalled, dense, covered};
    for (size_t i = 0; i < 4; i++) {
        assert_close(values[i].value, expected[i], 1e-9);
        assert_true(values[i].low < values[i].value && values[i].value < values[i].high);
    }
    assert_true(precise > 0.01 && precise < 0.99 && covered > 0.01 && covered < 0.99);
    assert_interval_of_both(&values[0], reasons[0]);
    assert_interval_of_both(&values[1], reasons[1]);
    assert_interval_of_both(&values[3], reasons[2]);
    compute(run, "a.npy", "a.npy", "precision", values, 4);
    for (size_t i = 0; i < 4; i++)
        if (i != 2) assert_close(values[i].value, 1, 0); /* all but the density */
    duet_run_close(&run);
}

/* Of two sets of three bits, each of the eight values about as often: no example's ball holds just five others. */
static void density_of_discrete_features_is_about_1(void **state)
{
    (void)state;
    char path[PATH];
    float bits[2][ROWS * 3];
    duet_error error = {0};
    duet_metric_value values[4];
    duet_run *run = open_run();
    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; i < ROWS * 3; i++) bits[set][i] = (float)((uint32_t)(i + 9999 * set) * 2654435761u >> 31);
    assert_ok(duet_write_npy(path_in("bits-a.npy", path), bits[0], DUET_SHAPE(ROWS, 3), &error), &error);
    assert_ok(duet_write_npy(path_in("bits-b.npy", path), bits[1], DUET_SHAPE(ROWS, 3), &error), &error);
    compute(run, "bits-a.npy", "bits-b.npy", "precision", values, 4);
    assert_close(values[2].value, 1, 0.1);
    for (size_t i = 0; i < 4; i++)
        if (i != 2) assert_close(values[i].value, 1, 0);
    const char *note = NULL;
    bool question, told = false;
    for (size_t i = 0; (note = duet_data_note(duet_run_data(run), i, &question)) != NULL; i++)
        told = told || strstr(note, "300 of 300 examples equal 5 others or more by their features") != NULL;
    assert_true(told);
    duet_run_close(&run);
}

/* The cubic kernel of two features. */
static double cubic(size_t which, size_t i, size_t other, size_t j)
{
    double dot = 0;
    for (size_t f = 0; f < 2; f++) dot += (double)(float)feature(which, i, f) * (float)feature(other, j, f);
    return pow(dot / 2 + 1, 3);
}

static void the_kernel_distance_is_a_sum_over_pairs(void **state)
{
    (void)state;
    double expected = 0;
    duet_metric_value values[4];
    duet_run *run = open_run();
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < ROWS; j++) {
            if (i != j) expected += (cubic(0, i, 0, j) + cubic(1, i, 1, j)) / (ROWS * (ROWS - 1.0));
            expected -= 2 * cubic(0, i, 1, j) / ((double)ROWS * ROWS);
        }
    compute(run, "a.npy", "b.npy", "kernel-distance", values, 2);
    assert_close(values[0].value, expected, 1e-6 * fabs(expected));
    assert_true(values[0].low < expected && expected < values[0].high);
    assert_true(values[1].value > values[1].low && values[1].low > 0);
    compute(run, "a.npy", "a.npy", "kernel-distance", values, 2);
    assert_true(values[0].value < 0 && values[0].high > 0); /* no difference is seen */
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
        {"few.npy", "wide.npy",
         "frechet by 80 features needs at least 161 samples and as many examples; there are 160 and 300", false},
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
    write_features("a.npy", 0, ROWS, 2);
    assert_int_equal(mkfifo(path_in("a-judge.json", paths[0]), 0666), 0); /* not waited for */
    duet_error error = {0};
    assert_int_equal(duet_run_set_features(run, path_in("a.npy", paths[0]), path_in("b.npy", paths[1]), &error),
                     DUET_ERROR_FILE);
    assert_message(&error, "a-judge.json, the note of these features, cannot be read: it is a pipe");
    assert_int_equal(remove(path_in("a-judge.json", paths[0])), 0);
    duet_run_close(&run);
}

/* A note that leads nowhere, is cut or emptied is not none: it may be of another judge. */
static void damaged_notes_are_told_of(void **state)
{
    (void)state;
    static const char *const notes[] = {NULL, "{", "{}", "{\"array\": \"1\"}", ""};
    char path[PATH], paths[2][PATH];
    duet_run *run = open_run();
    write_features("a.npy", 0, ROWS, 2);
    write_features("b.npy", 1, ROWS, 2);
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        duet_error error = {0};
        (void)remove(path_in("b-judge.json", path));
        if (notes[i] == NULL)
            assert_int_equal(symlink("/nowhere", path), 0);
        else
            test_file_write(path, notes[i], strlen(notes[i]));
        assert_int_equal(duet_run_set_features(run, path_in("a.npy", paths[0]), path_in("b.npy", paths[1]), &error),
                         DUET_ERROR_FILE);
        assert_message(&error, "b-judge.json, the note of these features, ");
    }
    assert_int_equal(remove(path), 0);
    duet_run_close(&run);
}

/* The first note about files of features, or none. */
static void assert_told(duet_run *run, const char *samples, const char *examples, const char *piece)
{
    char paths[2][PATH];
    duet_error error = {0};
    assert_ok(duet_run_set_features(run, path_in(samples, paths[0]), path_in(examples, paths[1]), &error), &error);
    const char *note = duet_data_note(duet_run_given_features(run, DUET_OF_SAMPLES), 0, NULL);
    if (note == NULL) note = duet_data_note(duet_run_given_features(run, DUET_OF_EXAMPLES), 0, NULL);
    if (piece == NULL) assert_null(note);
    if (piece != NULL) assert_non_null(note);
    if (piece != NULL && strstr(note, piece) == NULL) fail_msg("\"%s\"", note);
}

/* Rows of which any figure would be perfect. */
static void features_of_nothing_are_told_of(void **state)
{
    (void)state;
    char path[PATH];
    duet_error error = {0};
    duet_run *run = open_run();
    float one[60];
    for (size_t i = 0; i < 60; i++) one[i] = (float)(i % 2) + 1;
    write_features("a.npy", 0, ROWS, 2);
    write_features("same.npy", 0, ROWS, 2);
    write_features("b.npy", 1, ROWS, 2);
    assert_ok(duet_write_npy(path_in("one.npy", path), one, DUET_SHAPE(30, 2), &error), &error);
    assert_told(run, "a.npy", "b.npy", NULL);
    assert_told(run, "one.npy", "b.npy", "one.npy: all its 30 rows are equal");
    assert_told(run, "a.npy", "one.npy", "one.npy: all its 30 rows are equal");
    assert_told(run, "a.npy", "same.npy", "same.npy hold the same rows");
    assert_told(run, "a.npy", "a.npy", "a.npy hold the same rows");
    duet_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frechet_distance_is_its_closed_form),
        cmocka_unit_test(balls_are_counted),
        cmocka_unit_test(density_of_discrete_features_is_about_1),
        cmocka_unit_test(the_kernel_distance_is_a_sum_over_pairs),
        cmocka_unit_test(features_in_bytes_are_numbers),
        cmocka_unit_test(features_are_checked),
        cmocka_unit_test(damaged_notes_are_told_of),
        cmocka_unit_test(features_of_nothing_are_told_of),
    };
    return RUN_TESTS("features", tests, make_folder, remove_folder);
}
