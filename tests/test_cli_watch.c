/* SPDX-License-Identifier: MIT */
/* Trainings that are watched, by the program: what is measured at the epochs' ends, which state is kept as the best,
 * and how both go on with a run. */
#include "program.h"

#include "duet/report.h"

/* The only look is at the end; a training that goes on past its first epoch is as if it had never ended before. */
static void a_best_is_kept_within_the_first_epoch(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    static const char look[] = "\"split\":\"test\"";
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "100", "--keep-best", "elbo", "-q", "--out", "@/short"), 0,
           NULL, NULL);
    expect(RUN("eval", "@/short/best.safetensors", "--metric", "elbo"), 0, "elbo",
           "/short/best.safetensors: its epoch was chosen by elbo on the test examples of its training");
    expect(RUN("report", "@/short/best.safetensors"), 0, "best-report.html", "its epoch was chosen by elbo");
    expect(RUN("train", "--resume", "@/short", "--steps", "110", "-q"), 0, NULL, NULL);
    expect(RUN("train", "--resume", "@/short", "--epochs", "1", "--keep-best", "elbo", "-q"), 0, NULL, NULL);
    char *metrics = test_file_read(inside("short/metrics.jsonl", path), NULL);
    const char *first = strstr(metrics, look);
    assert_non_null(first);
    assert_null(strstr(first + 1, look));
    assert_non_null(strstr(metrics, "\"epoch\":1.0,\"split\":\"test\""));
    free(metrics);
    json_t *older = json_load_file(inside("short/run.json", path), 0, NULL);
    assert_int_equal(json_object_del(older, "watch"), 0);
    assert_int_equal(json_dump_file(older, path, 0), 0);
    json_decref(older);
    expect(RUN("train", "--resume", "@/short", "--steps", "470"), 0, NULL,
           "goes on without; what it had is had again "
           "with --watch elbo\n");
}

/* Of a phase that is for one step in many, a report of steps without it says nothing. */
static void a_term_that_no_step_computed_is_left_out(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    result r = RUN("train", "gan", "--data", "ring8", "--set", "generator_hidden=4", "--set", "discriminator_hidden=4",
                   "--set", "penalty=r1", "--set", "penalty_every=250", "--steps", "200", "--out", "@/lazy");
    if (strstr(r.err, "nan") != NULL) print_error("%s\n", r.err);
    assert_int_equal(r.status, 0);
    assert_null(strstr(r.err, "nan"));
    assert_non_null(strstr(r.err, "g_loss"));
    result_free(&r);
    char *metrics = test_file_read(inside("lazy/metrics.jsonl", path), NULL);
    assert_non_null(strstr(metrics, "\"penalty\":null"));
    free(metrics);
}

static size_t count_looks(const char *metric)
{
    char path[PATH_SIZE], *text = test_file_read(inside("watched/metrics.jsonl", path), NULL);
    size_t count = 0;
    for (const char *line = text; (line = strstr(line, "\"split\":\"test\"")) != NULL; line++)
        count += strstr(line, metric) != NULL && strstr(line, metric) < strchr(line, '\n');
    free(text);
    return count;
}

static void assert_watch(const char *metric, const char *best, int patience)
{
    char path[PATH_SIZE];
    json_t *run_file = json_load_file(inside("watched/run.json", path), 0, NULL);
    json_t *watch = json_object_get(run_file, "watch"), *metrics = json_object_get(watch, "metrics");
    assert_int_equal(json_array_size(metrics), metric != NULL);
    if (metric != NULL) assert_string_equal(json_string_value(json_array_get(metrics, 0)), metric);
    const char *kept = json_string_value(json_object_get(watch, "best"));
    assert_true(best == NULL ? json_is_null(json_object_get(watch, "best")) : strcmp(kept, best) == 0);
    assert_int_equal(json_integer_value(json_object_get(watch, "patience")), patience);
    json_decref(run_file);
}

/* As it was said to the first training, until something else is said. */
static void a_training_that_goes_on_is_watched_as_before(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    float points[2 * ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i * 7919 % 991) / 500 - 1;
    assert_ok(duet_write_npy(inside("few.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    expect(RUN("train", "vae", "--data", "@/few.npy", "--batch", "9", "--epochs", "1", "--watch", "mse", "--keep-best",
               "elbo", "--patience", "50", "--out", "@/watched"),
           0, NULL, NULL);
    assert_watch("mse", "elbo", 50);
    expect(RUN("train", "--resume", "@/watched", "--epochs", "2"), 0, NULL,
           "watched as before: --watch mse --keep-best elbo --patience 50");
    assert_watch("mse", "elbo", 50);
    assert_int_equal(count_looks("\"mse\""), 2);
    assert_int_equal(count_looks("\"elbo\""), 2);
    result changed =
        RUN("train", "--resume", "@/watched", "--epochs", "3", "--watch", "active-units", "--patience", "60");
    assert_non_null(strstr(changed.err, "watched as before: --keep-best elbo; "));
    assert_null(strstr(changed.err, "--watch active-units"));
    expect(changed, 0, NULL, NULL);
    assert_watch("active-units", "elbo", 60);
    assert_int_equal(count_looks("\"mse\""), 2);
    assert_int_equal(count_looks("\"active-units\""), 1);
    expect(RUN("train", "--resume", "@/watched", "--epochs", "4", "--keep-best", "none"), 0, NULL,
           "watched as before: --watch active-units;");
    assert_watch("active-units", NULL, 0);
    expect(RUN("train", "--resume", "@/watched", "--epochs", "5", "--watch", "none"), 0, NULL, NULL);
    assert_watch(NULL, NULL, 0);
    assert_int_equal(count_looks("\"active-units\""), 2);
    expect(RUN("train", "--resume", "@/watched", "--epochs", "6", "--patience", "3"), 2, NULL, "waits for a metric");
    expect(RUN("train", "--resume", "@/watched", "--epochs", "6", "--judge", "@/vae"), 2, NULL, "--watch METRIC");
    expect(RUN("train", "--resume", "@/watched", "--epochs", "6", "--judge", "@/vae", "--watch", "elbo"), 2, NULL,
           "none of the metrics that are watched asks the judge");
    expect(RUN("train", "--resume", "@/watched", "--epochs", "6", "--watch", "nonsense"), 2, NULL, "no metric");
    expect(RUN("train", "vae", "--data", "@/few.npy", "--watch", "none"), 2, NULL, "no metric 'none'");
}

/* What is kept as the best, and what is there, must not be taken for something else. */
static void a_best_is_of_its_own_run_data_and_metric(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    float points[2 * ROWS];
    char path[PATH_SIZE], other[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i * 7919 % 991) / 500 - 1;
    assert_ok(duet_write_npy(inside("shifting.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    expect(RUN("train", "vae", "--data", "@/shifting.npy", "--batch", "9", "--epochs", "2", "--keep-best", "elbo",
               "--out", "@/kept-elbo"),
           0, NULL, NULL);
    expect(RUN("train", "--resume", "@/kept-elbo", "--epochs", "3", "--keep-best", "mse"), 1, NULL,
           "metrics.jsonl has no mse of it");
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = -points[i];
    assert_ok(duet_write_npy(inside("shifting.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    expect(RUN("train", "--resume", "@/kept-elbo", "--epochs", "3", "--other-data"), 0, NULL,
           "the best of elbo so far is forgotten");

    assert_int_equal(unlink(inside("kept-elbo/best.safetensors", path)), 0);
    expect(RUN("train", "--resume", "@/kept-elbo", "--epochs", "4"), 0, NULL, "the best of elbo begins anew");
    assert_int_equal(access(path, F_OK), 0);

    assert_int_equal(mkdir(inside("strange", other), 0700), 0);
    assert_int_equal(rename(path, inside("strange/best.safetensors", other)), 0);
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "1", "--out", "@/strange"), 1, NULL,
           "holds a best.safetensors, but no run.json");
    const char *const evaluations[] = {"strange/evaluation.json", "strange/best-evaluation.json"};
    for (size_t i = 0; i < 2; i++) { /* its metrics would be the new run's */
        assert_int_equal(rename(other, inside(evaluations[i], path)), 0);
        (void)inside(evaluations[i], other);
        expect(RUN("train", "vae", "--data", "ring8", "--steps", "1", "--out", "@/strange"), 1, NULL,
               i == 0 ? "holds an evaluation.json, but no run.json" : "holds a best-evaluation.json, but no run.json");
    }

    static const char *const made[][2] = {{"used/samples", "codes.npy"}, {"bare/report", "samples.png"}};
    for (size_t i = 0; i < 2; i++) { /* as rm of all files but no folders leaves them */
        char file[PATH_SIZE], *end;
        (void)snprintf(file, sizeof file, "%s/%s", made[i][0], made[i][1]);
        inside(made[i][0], path);
        end = strrchr(path, '/');
        *end = '\0';
        assert_int_equal(mkdir(path, 0700), 0);
        *end = '/';
        assert_int_equal(mkdir(path, 0700), 0);
        test_file_write(inside(file, other), "x", 1);
        *end = '\0';
        expect(RUN("train", "vae", "--data", "ring8", "--steps", "1", "--out", path), 1, NULL, made[i][1]);
        (void)snprintf(file, sizeof file, "%s away, or choose", made[i][0]); /* with all that is in it */
        expect(RUN("train", "vae", "--data", "ring8", "--steps", "1", "--out", path), 1, NULL, file);
    }
    assert_int_equal(symlink("/nowhere/at/all", inside("dangling", other)), 0);
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "1", "--out", "@/dangling"), 1, NULL,
           "a link in its place that leads nowhere");
}

/* A model that has only begun to learn draws what looks like one class: that is told, and ends a game alone. */
static void early_samples_end_no_training(void **state)
{
    (void)state;
    enum { ROWS = 100 };
    float points[2 * ROWS];
    uint8_t labels[ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < ROWS; i++) {
        labels[i] = (uint8_t)(i % 5);
        points[2 * i] = 5.0F * ((float)labels[i] - 2) + (float)(i % 7) / 20;
        points[2 * i + 1] = (float)(i % 11) / 10 - 0.5F;
    }
    assert_int_equal(mkdir(inside("five", path), 0777), 0);
    assert_ok(duet_write_npy(inside("five/train.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    assert_ok(duet_write_npy_bytes(inside("five/train-labels.npy", path), labels, DUET_SHAPE(ROWS), &error), &error);
    result r = RUN("train", "vae", "--data", "@/five", "--set", "hidden=16", "--set", "lr=1e-6", "--batch", "1",
                   "--epochs", "7", "--stop-on-collapse", "--out", "@/blurred");
    expect(r, 0, "/blurred", "mode-drop: half of the classes or more get no sample\n");
}

/* A class without an example is none that samples could be of: it is neither missed nor asked for. */
static void labels_with_gaps_are_no_collapse(void **state)
{
    (void)state;
    enum { ROWS = 60, PIXELS = 64 };
    uint8_t pixels[PIXELS * ROWS], labels[ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < ROWS; i++) labels[i] = (uint8_t)(8 + i % 2);
    for (size_t i = 0; i < PIXELS * ROWS; i++) pixels[i] = (uint8_t)(i / PIXELS % 2 * 128 + (i * i + i / 7) % 128);
    assert_int_equal(mkdir(inside("gaps", path), 0777), 0);
    assert_ok(duet_write_npy_bytes(inside("gaps/train.npy", path), pixels, DUET_SHAPE(ROWS, 8, 8), &error), &error);
    assert_ok(duet_write_npy_bytes(inside("gaps/train-labels.npy", path), labels, DUET_SHAPE(ROWS), &error), &error);
    result r = RUN("train", "cgan", "--data", "@/gaps", "--batch", "9", "--epochs", "3", "--stop-on-collapse", "--out",
                   "@/gapped");
    assert_null(strstr(r.err, "four fifths"));
    expect(r, 0, "/gapped", "classes without an example: 0, 1, 2");
    expect(RUN("train", "classifier", "--data", "@/gaps", "--batch", "9", "--steps", "1", "--out", "@/eight"), 0,
           "/eight", NULL);
    expect(RUN("eval", "@/gapped", "--metric", "agreement", "--judge", "@/eight"), 0, "agreement",
           "2 of 10 classes have a training example: samples are asked of those alone");
    /* of the run, whatever others it is asked of */
    for (size_t i = 0; i < ROWS; i++) labels[i] = (uint8_t)(i % 10);
    assert_int_equal(mkdir(inside("full", path), 0777), 0);
    assert_ok(duet_write_npy_bytes(inside("full/train.npy", path), pixels, DUET_SHAPE(ROWS, 8, 8), &error), &error);
    assert_ok(duet_write_npy_bytes(inside("full/train-labels.npy", path), labels, DUET_SHAPE(ROWS), &error), &error);
    expect(RUN("eval", "@/gapped", "--data", "@/full", "--metric", "agreement", "--judge", "@/eight"), 0, "agreement",
           "/gaps: 2 of 10 classes have a training example");
    /* of an autoencoder that draws no samples no metric shows a collapse, and none would ask a judge */
    expect(RUN("train", "ae", "--data", "@/gaps", "--set", "hidden=8", "--batch", "9", "--steps", "1",
               "--stop-on-collapse", "--out", "@/ae"),
           0, "/ae",
           "note: to stop on a collapse has no effect: of a model of \"ae\" on such data no metric shows one\n");
    expect(RUN("train", "ae", "--data", "@/gaps", "--set", "hidden=8", "--batch", "9", "--steps", "1",
               "--stop-on-collapse", "--judge", "@/eight", "--out", "@/no"),
           2, "", "none of the metrics that are watched asks the judge");
}

/* Of classes that examples seldom have a thousand samples hold few, however good they are. */
static void rare_classes_are_no_collapse(void **state)
{
    (void)state;
    enum { ROWS = 1000, WIDTH = 5 };
    static float points[WIDTH * ROWS];
    uint8_t labels[ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < ROWS; i++) {
        labels[i] = (uint8_t)(i % 200 < 4 ? 1 + i % 200 : 0);
        for (size_t k = 0; k < WIDTH; k++)
            points[WIDTH * i + k] = (labels[i] == k ? 5.0F : 0.0F) + (float)(i * (k + 3) % 13) / 20;
    }
    assert_int_equal(mkdir(inside("rare", path), 0777), 0);
    assert_ok(duet_write_npy(inside("rare/train.npy", path), points, DUET_SHAPE(ROWS, WIDTH), &error), &error);
    assert_ok(duet_write_npy_bytes(inside("rare/train-labels.npy", path), labels, DUET_SHAPE(ROWS), &error), &error);
    result r = RUN("train", "cgan", "--data", "@/rare", "--batch", "90", "--epochs", "3", "--stop-on-collapse", "--out",
                   "@/rarely");
    assert_null(strstr(r.err, "mode-drop"));
    expect(r, 0, "/rarely", NULL);
}

static int begin(void **state)
{
    (void)make_folder(state);
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "4", "--out", "@/vae"), 0, "/vae", NULL);
    return 0;
}

/* Files of another run that were put beside are not taken for the run's own where something tells. */
static void files_of_other_runs_are_noticed(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    static const char *const runs[][4] = {{"@/one", "vae", "1", "9"},
                                          {"@/two", "vae", "2", "9"},
                                          {"@/three", "vae", "1", "12"},
                                          {"@/four", "ae", "1", "9"}};
    float points[2 * ROWS];
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i * 7919 % 991) / 500 - 1;
    assert_ok(duet_write_npy(inside("own.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        expect(RUN("train", runs[i][1], "--data", "@/own.npy", "--seed", runs[i][2], "--batch", runs[i][3], "--epochs",
                   "1", "--keep-best", "mse", "--out", runs[i][0]),
               0, NULL, NULL);
    copy_file("two/best.safetensors", "one/best.safetensors");
    expect(RUN("train", "--resume", "@/one", "--epochs", "2"), 1, NULL, "was made with seed=2, and the run.json");
    assert_int_equal(unlink(inside("one/best.safetensors", path)), 0);
    assert_int_equal(symlink("/nowhere/at/all", path), 0);
    expect(RUN("train", "--resume", "@/one", "--epochs", "2"), 1, NULL,
           "it is a link that leads nowhere; move best.safetensors away");
    assert_int_equal(unlink(path), 0);
    copy_file("three/metrics.jsonl", "one/metrics.jsonl");
    expect(RUN("train", "--resume", "@/one", "--epochs", "2"), 0, NULL, "are these the reports of another one?");
    copy_file("four/metrics.jsonl", "two/metrics.jsonl");
    expect(RUN("train", "--resume", "@/two", "--epochs", "2", "--keep-best", "none"), 0, NULL,
           "which is a loss of this run: are these the reports of another one?");
    result own = RUN("train", "--resume", "@/three", "--epochs", "2");
    assert_null(strstr(own.err, "are these"));
    expect(own, 0, NULL, NULL);
    assert_int_equal(unlink(inside("four/metrics.jsonl", path)), 0);
    assert_int_equal(symlink("/nowhere/at/all", path), 0);
    expect(RUN("train", "--resume", "@/four", "--epochs", "2"), 1, NULL,
           "metrics.jsonl: cannot be opened: it is a link");
}

/* Tables in which each row has a twin, and flat pictures, leave some metrics nothing to compare with. */
static void data_of_which_a_metric_says_nothing_end_no_training(void **state)
{
    (void)state;
    enum { ROWS = 80, PIXELS = 16 };
    static const struct {
        const char *data, *out, *metric, *reason;
    } rows[] = {
        {"@/twins.npy", "@/twins", "neighbour-spread", "each of the examples that it looks at has a twin"},
        {"@/flat.npy", "@/plain", "sharpness", "all pictures of the split are flat"},
    };
    float points[2 * ROWS], pictures[ROWS * PIXELS];
    char path[PATH_SIZE], expected[160];
    duet_error error = {0};
    for (size_t i = 0; i < 2 * ROWS; i++) points[i] = (float)(i / 2 % 2);
    for (size_t i = 0; i < ROWS * PIXELS; i++) pictures[i] = (float)(i / PIXELS) / ROWS;
    assert_ok(duet_write_npy(inside("twins.npy", path), points, DUET_SHAPE(ROWS, 2), &error), &error);
    assert_ok(duet_write_npy(inside("flat.npy", path), pictures, DUET_SHAPE(ROWS, 4, 4, 1), &error), &error);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(expected, sizeof expected, "note: %s is null: %s", rows[i].metric, rows[i].reason);
        result r = RUN("train", "vae", "--data", rows[i].data, "--batch", "9", "--epochs", "2", "--watch",
                       rows[i].metric, "--keep-best", rows[i].metric, "--watch", "elbo", "--out", rows[i].out);
        assert_non_null(strstr(r.err, "is no finite number after epoch 1: there is no best.safetensors"));
        expect(r, 0, NULL, expected);
        (void)snprintf(expected, sizeof expected, "note: %s has no value: %s", rows[i].metric, rows[i].reason);
        expect(RUN("eval", rows[i].out, "--metric", rows[i].metric), 0, rows[i].metric, expected);
        r = RUN("eval", rows[i].out, "--json");
        (void)snprintf(expected, sizeof expected, "\"reason\": \"%s", rows[i].reason);
        assert_non_null(strstr(r.out, expected));
        expect(r, 0, "\"value\": null", NULL);
        (void)snprintf(path, sizeof path, "%s/metrics.jsonl", rows[i].out + 2);
        char name[PATH_SIZE], *text = test_file_read(inside(path, name), NULL);
        (void)snprintf(expected, sizeof expected, "\"%s\":null", rows[i].metric);
        assert_non_null(strstr(text, expected));
        assert_non_null(strstr(text, "\"elbo\":-"));
        free(text);
    }
    expect(RUN("train", "vae", "--data", "@/twins.npy", "--set", "hidden=8", "--set", "latent=2", "--batch", "9",
               "--epochs", "3", "--stop-on-collapse"),
           0, NULL, "note: neighbour-spread is null");
    expect(RUN("compare", "@/twins", "@/plain"), 0, "neighbour-spread (twins): each of the examples", NULL);
    expect(RUN("train", "gan", "--data", "@/twins.npy", "--batch", "9", "--steps", "1", "--watch", "ais"), 2, NULL,
           "a generator has no likelihood");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_best_is_kept_within_the_first_epoch),
        cmocka_unit_test(a_term_that_no_step_computed_is_left_out),
        cmocka_unit_test(a_training_that_goes_on_is_watched_as_before),
        cmocka_unit_test(a_best_is_of_its_own_run_data_and_metric),
        cmocka_unit_test(files_of_other_runs_are_noticed),
        cmocka_unit_test(early_samples_end_no_training),
        cmocka_unit_test(labels_with_gaps_are_no_collapse),
        cmocka_unit_test(rare_classes_are_no_collapse),
        cmocka_unit_test(data_of_which_a_metric_says_nothing_end_no_training),
    };
    return RUN_TESTS("cli watch", tests, begin, remove_folder);
}
