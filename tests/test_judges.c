/* SPDX-License-Identifier: MIT */
/* The judges judged: metrics by features against numpy and scipy (judges_reference.py), on sets that go wrong easily;
 * intervals that hold what they should; features that are known again; and too few examples refused. */
#include "metric_parts.h"

#include "duet/report.h"

enum { ROWS = 240, WIDTH = 6 };

typedef enum kind { PLAIN, CONSTANT, DUPLICATES } kind;

static double scatter(uint32_t i, uint32_t j, uint32_t which)
{
    uint32_t n = (i * 31 + j * 7919 + which * 104729) * 2654435761u;
    n = (n ^ n >> 16) * 2246822519u;
    return ((n ^ n >> 13) >> 8) % 997 / 997.0;
}

static double feature(uint32_t which, kind of, uint32_t i, uint32_t j)
{
    uint32_t row = of == DUPLICATES ? i / 2 : i;
    if (of == CONSTANT && j == 2) return 0.5;
    return scatter(row, j, which) + 0.5 * scatter(row, 0, which) + which * 0.05 * j;
}

static const char *write_rows(const char *name, const float *values, size_t rows, size_t width)
{
    duet_error error = {0};
    assert_ok(duet_write_npy(in_folder(name), values, DUET_SHAPE(rows, width), &error), &error);
    return in_folder(name);
}

static void write_features(const char *name, uint32_t which, kind of, size_t rows)
{
    float values[ROWS * WIDTH];
    for (uint32_t i = 0; i < rows * WIDTH; i++) values[i] = (float)feature(which, of, i / WIDTH, i % WIDTH);
    (void)write_rows(name, values, rows, WIDTH);
}

static void set_features(duet_run *run, const char *samples, const char *examples)
{
    duet_error error = {0};
    assert_ok(duet_run_set_features(run, in_folder(samples), in_folder(examples), &error), &error);
}

static duet_run *open_points(void)
{
    return open_run("points", "vae", "ring8", SETTINGS("hidden=4"));
}

static void features_are_compared_as_numpy_does(void **state)
{
    (void)state;
    static const char *const values[][2] = {{"frechet", "frechet"},
                                            {"kernel-distance", "kernel-distance"},
                                            {"kernel-distance", "kernel-distance-gaussian"},
                                            {"precision", "precision"},
                                            {"precision", "recall"},
                                            {"precision", "density"},
                                            {"precision", "coverage"}};
    static const double expected[][7] = {
        [PLAIN] = {0.1544713763, 0.3453501505, 0.06023828524, 0.9166666667, 0.8916666667, 0.8091666667, 0.9},
        [CONSTANT] = {0.1307289616, 0.256686766, 0.05810002863, 0.9041666667, 0.9125, 0.8091666667, 0.8916666667},
        [DUPLICATES] = {0.1292371406, 0.2607247537, 0.05217853063, 0.7333333333, 0.7, 0.6333333333, 0.6},
    };
    duet_run *run = open_points();
    for (kind of = PLAIN; of <= DUPLICATES; of++) {
        write_features("a.npy", 0, of, ROWS);
        write_features("b.npy", 1, of, ROWS);
        set_features(run, "a.npy", "b.npy");
        for (size_t i = 0; i < 7; i++) {
            duet_metric_value value = value_of(run, values[i][0], DUET_TEST, values[i][1]);
            if (!(fabs(value.value - expected[of][i]) <= 1e-4 * fabs(expected[of][i])))
                fail_msg("kind %d: %s is %.10g and numpy says %.10g", of, values[i][1], value.value, expected[of][i]);
            assert_true(value.low <= value.value && value.value <= value.high && value.low < value.high);
            assert_int_equal(value.n, ROWS);
        }
    }
    duet_run_close(&run);
}

/* The cubic kernel distance of a set from itself: each row meets itself between the sets and not within them, which
 * leaves -2 (k(x, x) - k(x, y)) / rows in the mean. */
static double bias_with_itself(kind of)
{
    double same = 0, different = 0;
    for (uint32_t i = 0; i < ROWS; i++)
        for (uint32_t k = 0; k < ROWS; k++) {
            double dot = 0;
            for (uint32_t j = 0; j < WIDTH; j++)
                dot += (double)(float)feature(0, of, i, j) * (double)(float)feature(0, of, k, j);
            *(i == k ? &same : &different) += pow(dot / WIDTH + 1, 3);
        }
    return -2 * (same / ROWS - different / (ROWS * (ROWS - 1.0))) / ROWS;
}

static void a_set_is_no_way_from_itself(void **state)
{
    (void)state;
    duet_run *run = open_points();
    for (kind of = PLAIN; of <= DUPLICATES; of++) {
        write_features("a.npy", 0, of, ROWS);
        set_features(run, "a.npy", "a.npy");
        assert_close(value_of(run, "frechet", DUET_TEST, "frechet").value, 0, 0);
        assert_close(value_of(run, "frechet", DUET_TEST, "frechet-infinity").value, 0, 1e-6);
        assert_true(isnan(value_of(run, "frechet", DUET_TEST, "frechet").high)); /* without width */
        double kernel = value_of(run, "kernel-distance", DUET_TEST, "kernel-distance").value;
        assert_true(kernel < 0);
        assert_close(kernel, bias_with_itself(of), 1e-6);
        assert_close(value_of(run, "precision", DUET_TEST, "coverage").value, 1, 0);
        assert_close(value_of(run, "precision", DUET_TEST, "coverage").high, 1, 0);
    }
    duet_run_close(&run);
}

/* Samples of N(0, I) and examples of N(shift, spread^2 I): d (shift^2 + (1 - spread)^2). */
static void intervals_hold_the_distance(void **state)
{
    (void)state;
    enum { REPEATS = 150, D = 4, SAMPLES = 240, EXAMPLES = 480 };
    static const double cases[][2] = {{0, 1}, {0.2, 1.1}, {1, 0.6}};
    duet_run *run = open_points();
    for (size_t c = 0; c < 3; c++) {
        static float a[SAMPLES * D], b[EXAMPLES * D];
        static duet_metric_value found[REPEATS], limits[REPEATS];
        double truth = D * (cases[c][0] * cases[c][0] + (1 - cases[c][1]) * (1 - cases[c][1]));
        double mean = 0, limit = 0, squares = 0;
        size_t held = 0, limits_held = 0;
        for (size_t r = 0; r < REPEATS; r++) {
            test_normals(2 * (c * REPEATS + r), SAMPLES, D, a);
            test_normals(2 * (c * REPEATS + r) + 1, EXAMPLES, D, b);
            for (size_t i = 0; i < EXAMPLES * D; i++) b[i] = (float)(cases[c][0] + cases[c][1] * (double)b[i]);
            (void)write_rows("normal-a.npy", a, SAMPLES, D);
            (void)write_rows("normal-b.npy", b, EXAMPLES, D);
            set_features(run, "normal-a.npy", "normal-b.npy");
            found[r] = value_of(run, "frechet", DUET_TEST, "frechet");
            limits[r] = value_of(run, "frechet", DUET_TEST, "frechet-infinity");
            mean += found[r].value / REPEATS;
            limit += limits[r].value / REPEATS;
        }
        for (size_t r = 0; r < REPEATS; r++) {
            squares += (limits[r].value - limit) * (limits[r].value - limit);
            held += found[r].low <= mean && mean <= found[r].high;
            limits_held += limits[r].low <= truth && truth <= limits[r].high;
        }
        double error_of_mean = sqrt(squares / (REPEATS - 1) / REPEATS);
        print_message("distance %g: mean %g, at infinity %g +- %g; held by %zu and %zu of %d\n", truth, mean, limit,
                      error_of_mean, held, limits_held, REPEATS);
        if (c < 2) assert_true(mean > truth + 3 * error_of_mean); /* too large, as of all finite sets */
        assert_close(limit, truth, 3.5 * error_of_mean);
        assert_true(held >= 0.88 * REPEATS && limits_held >= 0.88 * REPEATS);
    }
    duet_run_close(&run);
}

static void too_few_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *metric;
        size_t rows;
        const char *message;
    } rows[] = {
        {"frechet", 12, "frechet by 6 features needs at least 13 samples and as many examples; there are 12 and 240"},
        {"kernel-distance", 199, "needs at least 200 samples and as many examples; there are 199 and 240"},
        {"precision", 99, "needs at least 100 samples and as many examples; there are 99 and 240"},
    };
    duet_run *run = open_points();
    write_features("b.npy", 1, PLAIN, ROWS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_metric_value values[8];
        size_t count;
        write_features("few.npy", 0, PLAIN, rows[i].rows);
        set_features(run, "few.npy", "b.npy");
        assert_status(duet_metric_compute(run, rows[i].metric, DUET_TEST, 0, values, 8, &count, &error),
                      DUET_ERROR_DATA, &error);
        assert_message(&error, rows[i].message);
        write_features("few.npy", 0, PLAIN, rows[i].rows + 1);
        set_features(run, "few.npy", "b.npy");
        error = (duet_error){0};
        assert_ok(duet_metric_compute(run, rows[i].metric, DUET_TEST, 0, values, 8, &count, &error), &error);
    }
    duet_run_close(&run);
}

/* Of sets of one distribution: an interval of 95% holds 1. */
static void spreads_of_one_distribution_are_one(void **state)
{
    (void)state;
    enum { MANY = 400, WIDE = 32, SETS = 20 };
    static float rows[2 * MANY * WIDE];
    duet_error error = {0};
    size_t held = 0;
    for (uint32_t i = 0; i < 2 * MANY * WIDE; i++) rows[i] = (float)scatter(i / WIDE, i % WIDE, 99);
    (void)write_rows("wide.npy", rows, 2 * MANY, WIDE);
    duet_run *run = open_run("wide", "vae", in_folder("wide.npy"), SETTINGS("hidden=4"));
    for (uint32_t set = 0; set < SETS; set++) {
        for (uint32_t i = 0; i < MANY * WIDE; i++) rows[i] = (float)scatter(i / WIDE, i % WIDE, set);
        assert_ok(duet_run_set_samples(run, write_rows("drawn.npy", rows, MANY, WIDE), &error), &error);
        const duet_metric_value spread = value_of(run, "neighbour-spread", DUET_TRAIN, "neighbour-spread");
        assert_int_equal(spread.n, MANY);
        held += spread.low <= 1 && 1 <= spread.high;
    }
    printf("held by %zu of %d\n", held, SETS);
    assert_in_range(held, SETS - 1, SETS);
    duet_run_close(&run);
}

/* Examples of a file in place of the model's samples. The last tenth of a file is its test split: here both count, in
 * an order in which few are of the whole file. */
static void samples_come_from_a_file(void **state)
{
    (void)state;
    enum { COUNT = 600, FEW = 60, PARTS = 6 };
    float points[COUNT * 2], all[COUNT * 2];
    bool seen[COUNT] = {false};
    size_t parts[PARTS] = {0};
    duet_error error = {0};
    duet_run *run = open_points();
    for (size_t i = 0; i < COUNT * 2; i++) points[i] = i % 2 ? (float)scatter((uint32_t)i, 1, 0) : (float)i / 2;
    assert_ok(duet_run_set_samples(run, write_rows("points.npy", points, COUNT, 2), &error), &error);
    float rows[20];
    const duet_wanted every = {DUET_SAMPLE, all}, wanted = {DUET_SAMPLE, rows};
    assert_ok(duet_run_use(run, &(duet_request){.count = COUNT, .outputs = &every, .output_count = 1}, &error), &error);
    for (size_t i = 0; i < COUNT; i++) {
        const size_t row = (size_t)all[2 * i];
        assert_true(row < COUNT && !seen[row]);
        assert_memory_equal(all + 2 * i, points + 2 * row, 2 * sizeof *all);
        seen[row] = true;
        if (i < FEW) parts[row * PARTS / COUNT]++;
    }
    for (size_t i = 0; i < PARTS; i++) assert_in_range(parts[i], 3, 20); /* 10 are expected of each */
    duet_request request = {.count = 10, .first = 535, .outputs = &wanted, .output_count = 1};
    assert_ok(duet_run_use(run, &request, &error), &error);
    assert_memory_equal(rows, all + 535 * 2, sizeof rows);
    assert_true(value_of(run, "neighbour-spread", DUET_TEST, "neighbour-spread").value > 0);
    duet_metric_value values[4];
    size_t count;
    assert_status(duet_metric_compute(run, "modes", DUET_TEST, 0, values, 4, &count, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "modes needs at least 2500 samples; ");
    assert_message(&error, "has 600");
    assert_int_equal(value_of(run, "memorisation", DUET_TEST, "memorisation").n, COUNT); /* others do with fewer */
    error = (duet_error){0};
    request.first = COUNT - 9;
    assert_status(duet_run_use(run, &request, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "holds 600 of them: 601 are needed");
    error = (duet_error){0};
    assert_status(duet_run_set_samples(run, write_rows("wide.npy", points, COUNT / 2, 4), &error), DUET_ERROR_DATA,
                  &error);
    assert_message(&error, "examples of shape [2] were expected, it has [4]");
    error = (duet_error){0};
    assert_ok(duet_run_set_samples(run, NULL, &error), &error);
    assert_null(duet_run_given_samples(run));
    duet_run_close(&run);
}

/* Rows of a file sorted by cluster, and the same ones in an order of their own, are the same samples. */
static void the_order_of_samples_does_not_matter(void **state)
{
    (void)state;
    enum { MANY = 4000, CLUSTERS = 4 };
    static float rows[2 * MANY], mixed[2 * MANY];
    duet_error error = {0};
    for (uint32_t i = 0; i < MANY; i++)
        for (uint32_t j = 0; j < 2; j++) rows[2 * i + j] = (float)(4 * (i * CLUSTERS / MANY) + scatter(i, j, 3));
    for (size_t i = 0; i < MANY; i++) memcpy(mixed + 2 * i, rows + 2 * (i * 1237 % MANY), 2 * sizeof *rows);
    (void)write_rows("learnt.npy", mixed, MANY, 2);
    duet_run *run = open_run("clusters", "vae", in_folder("learnt.npy"), SETTINGS("hidden=4"));
    for (size_t i = 0; i < 2; i++) {
        const float *given = i == 0 ? rows : mixed;
        assert_ok(duet_run_set_samples(run, write_rows("given.npy", given, MANY, 2), &error), &error);
        const duet_metric_value spread = value_of(run, "neighbour-spread", DUET_TRAIN, "neighbour-spread");
        printf("%s: %g (%g to %g)\n", i == 0 ? "sorted" : "mixed", spread.value, spread.low, spread.high);
        assert_close(spread.value, 1, 0.25); /* of one cluster alone it would be a half */
        assert_true(spread.low <= 1 && 1 <= spread.high);
    }
    duet_run_close(&run);
}

/* A set with a test split of its own: what is compared with that split is not of it, as long as there are others. */
static void samples_are_training_examples_first(void **state)
{
    (void)state;
    enum { TRAINING = 60, TEST = 40, ALL = TRAINING + TEST };
    float points[2 * ALL], all[2 * ALL];
    duet_error error = {0};
    bool sorted = true;
    assert_int_equal(mkdir(in_folder("splits"), 0777), 0);
    for (size_t i = 0; i < ALL; i++) points[2 * i] = points[2 * i + 1] = (float)i;
    (void)write_rows("splits/x_train.npy", points, TRAINING, 2);
    (void)write_rows("splits/x_test.npy", points + 2 * TRAINING, TEST, 2);
    duet_run *run = open_points();
    assert_ok(duet_run_set_samples(run, in_folder("splits"), &error), &error);
    const duet_wanted every = {DUET_SAMPLE, all};
    assert_ok(duet_run_use(run, &(duet_request){.count = ALL, .outputs = &every, .output_count = 1}, &error), &error);
    bool seen[ALL] = {false};
    for (size_t i = 0; i < ALL; i++) {
        const size_t row = (size_t)all[2 * i];
        assert_true(row < ALL && !seen[row] && (row < TRAINING) == (i < TRAINING));
        seen[row] = true;
        sorted = sorted && row == i;
    }
    assert_false(sorted);
    duet_run_close(&run);
}

/* ---- judges ---- */

enum { SIDE = 4, PICTURES = 40 };

static char small[PATH];

static void write_small(void)
{
    unsigned char images[16 + PICTURES * SIDE * SIDE] = {0, 0, 8, 3, 0, 0, 0, PICTURES, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    unsigned char labels[8 + PICTURES] = {0, 0, 8, 1, 0, 0, 0, PICTURES};
    for (size_t i = 0; i < PICTURES; i++) {
        labels[8 + i] = i % 2;
        memset(images + 16 + i * SIDE * SIDE, i % 2 ? 200 : 40, SIDE * SIDE);
    }
    (void)snprintf(small, sizeof small, "%s/small-images-idx3-ubyte", folder);
    test_file_write(small, images, sizeof images);
    test_file_write(in_folder("small-labels-idx1-ubyte"), labels, sizeof labels);
}

/* A judge's directory, trained by that seed. */
static void train_judge(const char *name, uint64_t seed)
{
    char path[PATH];
    duet_error error = {0};
    (void)snprintf(path, sizeof path, "%s", in_folder(name));
    const duet_train_options options = {.family = duet_family_find("classifier"),
                                        .data = small,
                                        .steps = 1,
                                        .batch = TEST_BATCH,
                                        .seed = seed,
                                        .out = path};
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
}

static duet_features_identity identity_by(duet_run *run, const char *name, const char *metric)
{
    duet_error error = {0};
    duet_run *judge;
    duet_features_identity identity;
    assert_ok(duet_run_open_beside(&judge, in_folder(name), run, &error), &error);
    assert_ok(duet_run_set_judge(run, judge, &error), &error);
    assert_ok(duet_metric_features(run, metric, &identity, &error), &error);
    assert_ok(duet_run_set_judge(run, NULL, &error), &error);
    duet_run_close(&judge);
    return identity;
}

static void judges_are_known_by_their_weights(void **state)
{
    (void)state;
    duet_error error = {0};
    write_small();
    train_judge("one", 1);
    train_judge("same", 1);
    train_judge("other", 2);
    duet_run *run = open_run("judged", "vae", small, SETTINGS("hidden=4", "latent=2"));
    duet_features_identity one = identity_by(run, "one", "frechet"), same = identity_by(run, "same", "classes"),
                           other = identity_by(run, "other", NULL), none = identity_by(run, "one", "mse");
    assert_string_equal(one.name, "one");
    assert_string_equal(same.name, "same");
    assert_string_equal(none.name, "");
    assert_ok(duet_features_check(&one, &same, "frechet", &error), &error);
    assert_status(duet_features_check(&one, &other, "frechet", &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "frechet by the features of one (");
    assert_message(&error, "cannot be compared");
    error = (duet_error){0};
    assert_status(duet_features_check(&none, &other, "classes", &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "that of the other by none");
    duet_run_close(&run);
}

static char said[2048];
static bool guesses; /* a judge was said to */
static const char *watched = "classes";

static void keep_words(void *context, const char *line)
{
    (void)context;
    if (strstr(line, "is right about 0.5: the judge may be guessing") != NULL)
        guesses = true;
    else if (strstr(line, "judge") != NULL)
        (void)snprintf(said, sizeof said, "%s", line);
}

/* judge: NULL: the one that the run has. */
static duet_status watch(const char *judge, bool resume, uint64_t epochs, duet_error *error)
{
    static const char *const settings[] = {"hidden=4", "latent=2"};
    char judge_path[PATH], path[PATH];
    duet_monitor *monitor;
    said[0] = '\0';
    guesses = false;
    *error = (duet_error){0};
    (void)snprintf(judge_path, sizeof judge_path, "%s", in_folder(judge == NULL ? "" : judge));
    (void)snprintf(path, sizeof path, "%s", in_folder("watched"));
    const char *given = judge == NULL ? NULL : judge_path;
    const duet_monitor_options wanted = {
        .metrics = &watched, .metric_count = 1, .best = watched, .judge = given, .resume = resume ? path : NULL};
    assert_ok(duet_monitor_new(&monitor, &wanted, error), error);
    const duet_train_options options = {.family = duet_family_find("vae"),
                                        .data = small,
                                        .settings = settings,
                                        .setting_count = 2,
                                        .epochs = epochs,
                                        .batch = TEST_BATCH,
                                        .out = resume ? NULL : path,
                                        .resume = resume ? path : NULL,
                                        .at_start = duet_monitor_check,
                                        .at_epoch = duet_monitor_look,
                                        .watcher = monitor,
                                        .judge = given,
                                        .log = keep_words};
    duet_status status = duet_train(&options, NULL, NULL, error);
    duet_monitor_free(&monitor);
    return status;
}

/* How many lines of metrics.jsonl have what is told apart by the judge's checksum, and in *last the last one's. */
static size_t count_looks(char last[24])
{
    char *text = test_file_read(in_folder("watched/metrics.jsonl"), NULL);
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, "\"features\":\"")) != NULL; count++) {
        at += strlen("\"features\":\"");
        (void)snprintf(last, 24, "%.16s", at);
    }
    free(text);
    return count;
}

/* A training that goes on asks the judge that it had, and no other one unless it is told to. */
static void a_watched_training_keeps_its_judge(void **state)
{
    (void)state;
    duet_error error;
    char first[24], last[24], moved[PATH];
    assert_ok(watch("one", false, 1, &error), &error);
    assert_int_equal(count_looks(first), 1);
    assert_ok(watch(NULL, true, 2, &error), &error);
    assert_int_equal(count_looks(last), 2);
    assert_string_equal(first, last);
    assert_ok(watch("same", true, 3, &error), &error);
    assert_string_equal(said, "");
    assert_true(guesses);

    assert_int_equal(unlink(in_folder("watched/best.safetensors")), 0);
    assert_ok(watch("other", true, 4, &error), &error);
    assert_int_equal(access(in_folder("watched/best.safetensors"), F_OK), 0); /* what was better was so by "one" */
    assert_non_null(strstr(said, "the judge is another one: classes of this run was by a judge with the checksum "));
    assert_int_equal(count_looks(last), 4);
    assert_string_not_equal(first, last);
    assert_ok(watch(NULL, true, 5, &error), &error); /* by the other one from here on */
    assert_string_equal(said, "");

    (void)snprintf(moved, sizeof moved, "%s", in_folder("moved"));
    assert_int_equal(rename(in_folder("other"), moved), 0);
    assert_status(watch(NULL, true, 6, &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "the judge of this run cannot be opened");
    train_judge("other", 3); /* another one in its place */
    assert_status(watch(NULL, true, 6, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "could not be compared: --judge ");
    assert_int_equal(count_looks(last), 5);
    assert_ok(watch("other", true, 6, &error), &error);

    /* What asks no judge does not need the one of before, whose worth is nothing to it. */
    watched = "mse";
    assert_int_equal(unlink(in_folder("watched/best.safetensors")), 0);
    assert_ok(watch(NULL, true, 7, &error), &error);
    assert_false(guesses);
    (void)snprintf(moved, sizeof moved, "%s", in_folder("moved-too"));
    assert_int_equal(rename(in_folder("other"), moved), 0);
    assert_ok(watch(NULL, true, 8, &error), &error);
    watched = "classes";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_are_compared_as_numpy_does),  cmocka_unit_test(a_set_is_no_way_from_itself),
        cmocka_unit_test(intervals_hold_the_distance),          cmocka_unit_test(too_few_are_refused),
        cmocka_unit_test(spreads_of_one_distribution_are_one),  cmocka_unit_test(samples_come_from_a_file),
        cmocka_unit_test(the_order_of_samples_does_not_matter), cmocka_unit_test(samples_are_training_examples_first),
        cmocka_unit_test(judges_are_known_by_their_weights),    cmocka_unit_test(a_watched_training_keeps_its_judge),
    };
    return RUN_TESTS("judges", tests, make_folder, remove_folder);
}
