/* SPDX-License-Identifier: MIT */
/* What a monitor that watches a training keeps, when it stops it, and what it says that it cannot watch. */
#include "folder.h"
#include "train_models.h"

#include <unistd.h>

#include "duet/metric.h"
#include "metric/monitor.h"

enum { PATH = TEST_PATH_SIZE + 96, BEGUN = 400 }; /* BEGUN: steps before which nothing is called a collapse */

static char data[PATH], said[4096];

static const char *path_in(const char *name, char path[PATH])
{
    assert_in_range(snprintf(path, PATH, "%s/%s", folder, name), 1, PATH - 1);
    return path;
}

static void keep_lines(void *context, const char *line)
{
    size_t used = strlen(said);
    (void)context;
    (void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

/* w is the number of steps done; the likelihood is best at 3. */
static void build_passing(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node w = test_parameter(m, net, "w", 0), x = duet_model_batch(m);
    duet_phase(m, "climb", 1);
    duet_minimise(m, duet_negate(w), net);
    duet_node nll = duet_square(duet_shift(w, -3));
    duet_output(m, DUET_NLL, duet_add(duet_scale(duet_sum_features(x), 0), nll));
}
static const duet_family passing = {.name = "passing", .build = build_passing};

static bool refused; /* what watch() expects */

static duet_train_summary watch(const char *out, const char *resume, uint64_t epochs, duet_monitor_options wanted)
{
    static const char *const settings[] = {"optimiser=sgd", "lr=1"};
    char path[PATH];
    duet_error error = {0};
    duet_train_summary summary;
    duet_monitor *monitor;
    if (resume != NULL) wanted.resume = path_in(resume, path);
    assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
    const duet_train_options options = {.family = &passing,
                                        .data = data,
                                        .settings = settings,
                                        .setting_count = 2,
                                        .epochs = epochs,
                                        .batch = TEST_TRAINING,
                                        .out = out != NULL ? path_in(out, path) : NULL,
                                        .resume = resume != NULL ? path_in(resume, path) : NULL,
                                        .at_epoch = duet_monitor_look,
                                        .watcher = monitor};
    assert_status(duet_train(&options, &summary, NULL, &error), refused ? DUET_ERROR_USAGE : DUET_OK, &error);
    if (refused) assert_message(&error, "metrics.jsonl has no nll of it");
    duet_monitor_free(&monitor);
    return summary;
}

static float kept_w(const char *checkpoint)
{
    char path[PATH];
    float w = -1;
    duet_error error = {0};
    duet_run *run;
    assert_ok(duet_run_open_with(&run, path_in(checkpoint, path), NULL, NULL, &passing, &error), &error);
    duet_store *store = duet_model_store(duet_run_model(run));
    assert_ok(duet_store_read(store, duet_run_device(run), "net.w", &w, sizeof w, &error), &error);
    duet_run_close(&run);
    return w;
}

static void the_best_state_is_kept_and_a_plateau_ends(void **state)
{
    (void)state;
    char path[PATH];
    const duet_monitor_options wanted = {.best = "nll", .patience = 2};
    duet_train_summary whole = watch("whole", NULL, 20, wanted);
    assert_int_equal(whole.steps, 5);
    assert_false(whole.collapsed);
    assert_non_null(strstr(whole.stopped, "nll has not got better than 0 for 2 epochs"));
    assert_close(kept_w("whole/best.safetensors"), 3, 0);
    assert_close(kept_w("whole"), 5, 0);
    char *metrics = test_file_read(path_in("whole/metrics.jsonl", path), NULL);
    assert_non_null(strstr(metrics, "\"split\":\"test\""));
    assert_non_null(strstr(metrics, "\"nll\":4.0"));
    free(metrics);

    /* One that goes on knows what was measured before. */
    (void)watch("parts", NULL, 4, wanted);
    duet_train_summary rest = watch(NULL, "parts", 20, wanted);
    assert_int_equal(rest.steps, 5);
    assert_close(kept_w("parts/best.safetensors"), 3, 0);
}

static duet_status look_from_elsewhere(void *monitor, duet_run *run, uint64_t epoch, duet_verdict *verdict,
                                       duet_error *error)
{
    assert_int_equal(chdir("/"), 0);
    return duet_monitor_look(monitor, run, epoch, verdict, error);
}

/* Paths that are not whole lead from the folder that a training began in. */
static void a_program_may_change_its_folder(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimiser=sgd", "lr=1"};
    static const char *const files[] = {"checkpoint.safetensors", "best.safetensors", "metrics.jsonl", "report.html"};
    char here[PATH], path[PATH];
    assert_non_null(getcwd(here, sizeof here));
    for (size_t goes_on = 0; goes_on < 2; goes_on++) {
        duet_error error = {0};
        duet_train_summary summary;
        duet_monitor *monitor;
        const char *resume = goes_on ? "from-here" : NULL;
        const duet_monitor_options wanted = {.best = "nll", .resume = resume};
        assert_int_equal(chdir(folder), 0);
        assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
        said[0] = '\0';
        const duet_train_options options = {.family = &passing,
                                            .data = data,
                                            .settings = settings,
                                            .setting_count = goes_on ? 0 : 2,
                                            .epochs = goes_on ? 4 : 3,
                                            .batch = TEST_TRAINING,
                                            .out = goes_on ? NULL : "from-here",
                                            .resume = resume,
                                            .log = keep_lines,
                                            .at_epoch = look_from_elsewhere,
                                            .watcher = monitor,
                                            .watch = duet_monitor_watch(monitor)};
        assert_ok(duet_train(&options, &summary, NULL, &error), &error);
        duet_monitor_free(&monitor);
        assert_string_equal(said, "");
        assert_string_equal(summary.run, path_in("from-here", path));
        assert_int_equal(access(path_in("from-here/lock", path), F_OK), -1);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "from-here/%s", files[i]);
            assert_int_equal(access(path_in(name, path), F_OK), 0);
        }
        assert_close(kept_w("from-here/best.safetensors"), 3, 0);
    }
    assert_int_equal(chdir(here), 0);
}

/* Nobody has to look at what a run was watched by, but that nobody does is said. */
static void that_a_run_is_watched_no_more_is_told(void **state)
{
    (void)state;
    char path[PATH];
    static const duet_watch nothing;
    duet_error error = {0};
    duet_train_options options = {
        .family = &passing, .epochs = 5, .resume = path_in("from-here", path), .log = keep_lines};
    said[0] = '\0';
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_non_null(strstr(said, "warning: "));
    assert_non_null(strstr(said, "was watched by metrics, nll among them, and goes on without: at_epoch"));
    options.watch = &nothing;
    options.epochs = 6;
    said[0] = '\0';
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_string_equal(said, "");
}

/* Samples that are all alike at each look but that behind epoch `alive`; w counts the steps. */
static int alive;
static void build_stuck(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node w = test_parameter(m, net, "w", 0);
    duet_phase(m, "climb", 1);
    duet_minimise(m, duet_negate(w), net);
    duet_node far = duet_square(duet_shift(w, -alive * TEST_TRAINING)),
              awake = duet_relu(duet_shift(duet_negate(far), 1));
    duet_output(m, DUET_SAMPLE,
                duet_multiply(duet_normal(duet_model_graph(m), DUET_SHAPE(duet_model_batch_size(m), 4)), awake));
}
static const duet_family stuck = {.name = "stuck", .build = build_stuck};

/* How many epochs a training of `epochs` has that is to stop on a collapse. */
static uint64_t epochs_until_lost(const char *out, const char *resume, uint64_t epochs)
{
    static const char *const settings[] = {"optimiser=sgd", "lr=1"};
    char path[PATH];
    duet_error error = {0};
    duet_train_summary summary;
    duet_monitor *monitor;
    (void)path_in(out != NULL ? out : resume, path);
    const duet_monitor_options wanted = {.stop_on_collapse = true, .resume = resume != NULL ? path : NULL};
    assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
    said[0] = '\0';
    const duet_train_options options = {.family = &stuck,
                                        .data = data,
                                        .settings = settings,
                                        .setting_count = 2,
                                        .epochs = epochs,
                                        .batch = 1,
                                        .out = out != NULL ? path : NULL,
                                        .resume = resume != NULL ? path : NULL,
                                        .log = keep_lines,
                                        .stop_on_collapse = true,
                                        .at_epoch = duet_monitor_look,
                                        .watcher = monitor};
    assert_ok(duet_train(&options, &summary, NULL, &error), &error);
    assert_int_equal(summary.collapsed, summary.steps < epochs * TEST_TRAINING);
    if (summary.collapsed) assert_non_null(strstr(summary.stopped, "sample-collapse: samples lie twenty times nearer"));
    assert_null(strstr(said, "may help")); /* the family has none of the settings that might */
    duet_monitor_free(&monitor);
    return summary.steps / TEST_TRAINING;
}

/* One bad moment ends no training, two looks running do, also where the run went on between them, and once there are
 * steps enough: the tenth epoch is the first with BEGUN. */
static void a_collapse_shows_in_two_looks_running(void **state)
{
    (void)state;
    alive = 11;
    assert_int_equal(epochs_until_lost("blurred", NULL, 12), 12);
    assert_non_null(strstr(said, "sample-collapse"));
    assert_int_equal(epochs_until_lost(NULL, "blurred", 18), 13);
    alive = -9;
    assert_int_equal(epochs_until_lost("early", NULL, 9), 9);
    assert_null(strstr(said, "sample-collapse"));
    assert_int_equal(epochs_until_lost("stuck", NULL, 18), 11);
}

/* What it draws is no number, whatever is learnt. */
static void build_undrawn(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(4);
    duet_group *net = duet_model_group(m, "net");
    duet_phase(m, "climb", 1);
    duet_minimise(m, duet_square(test_parameter(m, net, "w", 0)), net);
    duet_node drawn = duet_log(duet_shift(duet_negate(duet_square(duet_latent(m, &prior, 1))), -1));
    duet_output(m, DUET_DECODE, drawn);
    duet_output(m, DUET_SAMPLE, drawn);
}
static const duet_family undrawn = {.name = "undrawn", .build = build_undrawn};

/* A metric that fails is null with its reason, once, and costs no other; what is never finite is never the best. */
static void a_metric_that_fails_ends_no_training(void **state)
{
    (void)state;
    static const char *const metrics[] = {"latent-rank"};
    static const char null[] = "note: latent-rank is null: 32 numbers that the model gives are not finite",
                      best[] = "warning: neighbour-spread is no finite number after epoch 1: there is no best";
    char path[PATH];
    duet_error error = {0};
    duet_train_summary summary;
    duet_monitor *monitor;
    const duet_monitor_options wanted = {.metrics = metrics, .metric_count = 1, .best = "neighbour-spread"};
    assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
    said[0] = '\0';
    const duet_train_options options = {.family = &undrawn,
                                        .data = data,
                                        .epochs = 3,
                                        .batch = TEST_TRAINING,
                                        .out = path_in("undrawn", path),
                                        .log = keep_lines,
                                        .at_epoch = duet_monitor_look,
                                        .watcher = monitor};
    assert_ok(duet_train(&options, &summary, NULL, &error), &error);
    duet_monitor_free(&monitor);
    assert_int_equal(summary.steps, 3);
    assert_non_null(strstr(said, null));
    assert_null(strstr(strstr(said, null) + 1, null)); /* once */
    assert_non_null(strstr(said, best));
    assert_null(strstr(strstr(said, best) + 1, best));
    char *text = test_file_read(path_in("undrawn/metrics.jsonl", path), NULL);
    assert_non_null(strstr(text, "\"latent-rank\":null,\"neighbour-spread\":null"));
    free(text);
    assert_int_equal(access(path_in("undrawn/best.safetensors", path), F_OK), -1);
}

/* Judges files in the model's place: another one from the third epoch on. */
static duet_status look_at_files(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    char path[PATH];
    if (duet_run_set_samples(run, path_in(epoch < 3 ? "few.npy" : "others.npy", path), error) != DUET_OK)
        return error->status;
    const duet_status status = duet_monitor_look(watcher, run, epoch, verdict, error);
    return duet_run_set_samples(run, NULL, NULL), status;
}

/* Each cause is told once, and a metric that fails no longer has all of them measured twice. */
static void another_cause_is_told_as_well(void **state)
{
    (void)state;
    static const char *const metrics[] = {"neighbour-spread"}, *const notes[] = {"few.npy has", "others.npy has"};
    static const float row[4] = {0.5f};
    char path[PATH];
    duet_error error = {0};
    duet_monitor *monitor;
    const duet_monitor_options wanted = {.metrics = metrics, .metric_count = 1};
    assert_ok(duet_write_npy(path_in("few.npy", path), row, DUET_SHAPE(1, 4), &error), &error);
    assert_ok(duet_write_npy(path_in("others.npy", path), row, DUET_SHAPE(1, 4), &error), &error);
    assert_ok(duet_monitor_new(&monitor, &wanted, &error), &error);
    said[0] = '\0';
    const duet_train_options options = {.family = &stuck,
                                        .data = data,
                                        .epochs = 4,
                                        .batch = TEST_TRAINING,
                                        .out = path_in("causes", path),
                                        .log = keep_lines,
                                        .at_epoch = look_at_files,
                                        .watcher = monitor};
    assert_ok(duet_train(&options, NULL, NULL, &error), &error);
    assert_true(monitor->singly);
    duet_monitor_free(&monitor);
    for (size_t i = 0; i < 2; i++) {
        const char *note = strstr(said, notes[i]);
        if (note == NULL) fail_msg("\"%s\" is missing from \"%s\"", notes[i], said);
        assert_null(strstr(note + 1, notes[i]));
    }
}

/* What run.json says that a training was watched by somebody looked at. */
static void watching_needs_a_watcher(void **state)
{
    (void)state;
    static const char *const metrics[] = {"nll"};
    static const duet_watch watches[] = {{.metrics = metrics, .metric_count = 1}, {.best = "nll"}, {.patience = 2}};
    char path[PATH];
    duet_train_options options = {.family = &passing, .data = data, .epochs = 1, .out = path_in("unwatched", path)};
    for (size_t i = 0; i <= sizeof watches / sizeof *watches; i++) {
        duet_error error = {0};
        options.watch = i < 3 ? &watches[i] : NULL;
        options.judge = i < 3 ? NULL : "judge";
        assert_status(duet_train(&options, NULL, NULL, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, i == 2 ? "say which" : "at_epoch, such as duet_monitor_look");
        assert_int_equal(access(path, F_OK), -1);
    }
}

/* The lines that say what the kept state is worth are gone: a worse one must not take its place without a word. */
static void a_best_that_no_report_knows_of_is_not_replaced(void **state)
{
    (void)state;
    char path[PATH];
    const duet_monitor_options wanted = {.best = "nll"};
    (void)watch("lost", NULL, 3, wanted);
    char *text = test_file_read(path_in("lost/metrics.jsonl", path), NULL);
    for (char *at = text; (at = strstr(at, "\"test\"")) != NULL;) memcpy(at, "\"none\"", 6);
    test_file_write(path, text, strlen(text));
    free(text);
    refused = true;
    (void)watch(NULL, "lost", 5, wanted);
    refused = false;
    assert_close(kept_w("lost/best.safetensors"), 3, 0);

    /* Moved away, as the message says, the next one is the best. */
    assert_int_equal(unlink(path_in("lost/best.safetensors", path)), 0);
    (void)watch(NULL, "lost", 6, wanted);
    assert_int_equal(access(path, F_OK), 0);
}

static void monitors_say_what_they_cannot_watch(void **state)
{
    (void)state;
    static const struct {
        duet_monitor_options options;
        const char *message;
    } rows[] = {
        {{.best = "fridge"}, "no metric \"fridge\""},
        {{.patience = 3}, "say which"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_monitor *monitor;
        assert_status(duet_monitor_new(&monitor, &rows[i].options, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].message);
    }
}

static int begin(void **state)
{
    (void)make_folder(state);
    test_write_examples(path_in("data.npy", data), DUET_SHAPE(4));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_state_is_kept_and_a_plateau_ends),
        cmocka_unit_test(a_program_may_change_its_folder),
        cmocka_unit_test(that_a_run_is_watched_no_more_is_told),
        cmocka_unit_test(a_metric_that_fails_ends_no_training),
        cmocka_unit_test(another_cause_is_told_as_well),
        cmocka_unit_test(watching_needs_a_watcher),
        cmocka_unit_test(a_collapse_shows_in_two_looks_running),
        cmocka_unit_test(a_best_that_no_report_knows_of_is_not_replaced),
        cmocka_unit_test(monitors_say_what_they_cannot_watch),
    };
    return RUN_TESTS("watching", tests, begin, remove_folder);
}
