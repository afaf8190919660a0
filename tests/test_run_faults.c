/* SPDX-License-Identifier: MIT */
/* What is wrong with a run is refused in words: data, checkpoints and run files of others or damaged, places that
 * cannot be used. A full disk and a number that is not finite leave the last checkpoint whole. */
#include "run_recipes.h"

#include "duet/metric.h"

#include <signal.h>
#include <sys/resource.h>

/* likelihood=auto, for one, reads the decoder by the range of the data. */
static void data_of_another_range_or_shape_is_refused(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_run *run = NULL;
    char path[PATH], run_path[PATH];
    const duet_shape shape = DUET_SHAPE(TEST_EXAMPLES, 8, 8, 3);
    size_t count = duet_shape_elements(shape);
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    path_of(path, "other.npy", "");
    path_of(run_path, "first", "");
    assert_ok(duet_write_npy(path, values, shape, &error), &error);
    assert_ok(duet_run_open_with(&run, run_path, NULL, path, NULL, &error), &error);
    duet_run_close(&run);

    values[count - 1] = 2;
    assert_ok(duet_write_npy(path, values, shape, &error), &error);
    assert_status(duet_run_open_with(&run, run_path, NULL, path, NULL, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "values beyond [0, 1]");
    assert_null(run);

    values[count - 1] = 1;
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(TEST_EXAMPLES, 4, 16, 3), &error), &error);
    error = (duet_error){0};
    assert_status(duet_run_open_with(&run, run_path, NULL, path, NULL, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "[4, 16, 3]");
    free(values);

    /* The run's own file, changed since. */
    recipe part = vae;
    part.steps = 5;
    train_well(&part, "changed");
    edit("changed", "run.json", "\"unit_range\": true", "\"unit_range\": false");
    train(options_of(&vae), "changed", true, DUET_ERROR_DATA, &error);
    assert_message(&error, "values all in [0, 1]");
}

static void checkpoints_of_others_are_refused(void **state)
{
    (void)state;
    duet_error error;
    duet_run *run = NULL;
    char path[PATH];
    recipe part = vae;
    part.steps = 5;
    train_well(&ae, "ae");
    train_well(&part, "mixed");
    path_of(path, "mixed", "");
    edit("mixed", "run.json", "\"latent\": \"3\"", "\"latent\": \"4\"");
    error = (duet_error){0};
    assert_status(duet_run_open(&run, path, NULL, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "latent=3, and the run.json beside it says latent=4");
    assert_null(run);
    duet_checkpoint_facts facts; /* what pages are made of without a device */
    error = (duet_error){0};
    assert_status(duet_checkpoint_check(path, &facts, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "latent=3, and the run.json beside it says latent=4");
    edit("mixed", "run.json", "\"batch\": 8", "\"batch\": 9");
    edit("mixed", "run.json", "\"latent\": \"4\"", "\"latent\": \"3\"");
    error = (duet_error){0};
    assert_status(duet_checkpoint_check(path, &facts, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "batch=8, and the run.json beside it says batch=9");
    edit("mixed", "run.json", "\"batch\": 9", "\"batch\": 8");
    error = (duet_error){0};
    assert_ok(duet_checkpoint_check(path, &facts, &error), &error);
    edit("mixed", "run.json", "\"latent\": \"3\"", "\"latent\": \"4\"");
    edit("mixed", "run.json", "\"latent\": \"4\"", "\"latent\": \"3\"");

    copy_file("ae", "mixed", "checkpoint.safetensors");
    train(options_of(&vae), "mixed", true, DUET_ERROR_DATA, &error);
    assert_message(&error, "checkpoint of the model \"ae\", not of \"vae\"");
    error = (duet_error){0};
    assert_status(duet_run_open(&run, path, NULL, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "\"ae\"");
    assert_null(run);

    train(options_of(&vae), "ae", true, DUET_ERROR_FILE, &error);
    assert_message(&error, "is a run of \"ae\"");
}

static void damaged_checkpoints_are_refused(void **state)
{
    (void)state;
    duet_error error;
    duet_run *run = NULL;
    char path[PATH], run_path[PATH];
    recipe part = vae;
    size_t count;
    part.steps = 5;
    train_well(&part, "damaged");
    path_of(run_path, "damaged", "");
    path_of(path, "damaged", "checkpoint.safetensors");
    char *bytes = test_file_read(path, &count);
    for (size_t i = 0; i < 3; i++) {
        size_t at = count * (i + 1) / 4;
        bytes[at] = (char)(bytes[at] ^ 4);
        test_file_write(path, bytes, count);
        train(options_of(&vae), "damaged", true, DUET_ERROR_DATA, &error);
        assert_message(&error, "checkpoint.safetensors");
        bytes[at] = (char)(bytes[at] ^ 4);
    }
    test_file_write(path, bytes, count / 2);
    error = (duet_error){0};
    assert_status(duet_run_open(&run, run_path, NULL, &error), DUET_ERROR_DATA, &error);
    test_file_write(path, bytes, count);
    free(bytes);
    resume_well(&vae, "damaged");
    assert_same_run("first", "damaged");
}

/* The limit comes with the first report, when everything is compiled and cached. */
static void fill_the_disk(void *context, const duet_progress *progress)
{
    struct rlimit limit;
    (void)context;
    if (!progress->report || getrlimit(RLIMIT_FSIZE, &limit) != 0) return;
    limit.rlim_cur = 4 * 1024; /* room for metrics, not for a checkpoint */
    (void)setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_full_disk_leaves_the_checkpoint_whole(void **state)
{
    (void)state;
    duet_error error = {0};
    char path[PATH];
    struct rlimit whole;
    recipe part = toy;
    part.steps = 5;
    train_well(&toy, "roomy");
    train_well(&part, "full");
    train_well(&part, "full-before");

    path_of(path, "full", "");
    duet_train_options options = options_of(&toy);
    options.resume = path;
    options.progress = fill_the_disk;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    duet_status status = duet_train(&options, NULL, NULL, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
    (void)signal(SIGXFSZ, old);
    assert_status(status, DUET_ERROR_FILE, &error);
    assert_message(&error, "checkpoint.safetensors");
    assert_true(same_file("full", "full-before", "checkpoint.safetensors"));
    resume_well(&toy, "full");
    assert_same_run("roomy", "full");
}

static void places_that_cannot_be_used_are_refused(void **state)
{
    (void)state;
    duet_error error = {0};
    char path[PATH];
    duet_train_options options = options_of(&vae);
    train(options, "first", false, DUET_ERROR_FILE, &error);
    assert_message(&error, "already holds a run");
    train(options, "nowhere", true, DUET_ERROR_FILE, &error);
    assert_message(&error, "not a run directory");

    char other[PATH];
    path_of(other, "nowhere", "");
    options.out = other;
    train(options, "first", true, DUET_ERROR_USAGE, &error);
    assert_message(&error, "has its directory");
    options.epochs = 2;
    train(options, "nowhere", false, DUET_ERROR_USAGE, &error);
    assert_message(&error, "give one of them");
    options.epochs = 0;

    options.out = "/proc/duet/run";
    error = (duet_error){0};
    assert_status(duet_train(&options, NULL, NULL, &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "/proc/duet");

    /* A training that never began leaves no folder. */
    static const char *const unknown[] = {"colour=blue"};
    recipe wrong = vae;
    wrong.settings = unknown;
    wrong.setting_count = 1;
    train(options_of(&wrong), "never", false, DUET_ERROR_USAGE, &error);
    assert_message(&error, "colour");
    path_of(path, "never", "");
    assert_int_not_equal(access(path, F_OK), 0);
    options = options_of(&vae);
    options.batch = 45;
    train(options, "never", false, DUET_ERROR_DATA, &error);
    assert_message(&error, "44 training examples");
    assert_int_not_equal(access(path, F_OK), 0);
    /* But a folder that was there stays. */
    assert_int_equal(mkdir(path, 0777), 0);
    train(options, "never", false, DUET_ERROR_DATA, &error);
    assert_int_equal(access(path, F_OK), 0);

    /* Weights and losses of an unknown run are not taken over. */
    static const char *const parts[] = {"checkpoint.safetensors", "metrics.jsonl"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char part[PATH];
        copy_file("first", "never", parts[i]);
        train(options_of(&vae), "never", false, DUET_ERROR_FILE, &error);
        assert_message(&error, parts[i]);
        assert_true(same_file("first", "never", parts[i]));
        path_of(part, "never", parts[i]);
        assert_int_equal(remove(part), 0);
    }
}

static void a_damaged_run_json_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } rows[] = {
        {"\"schema\": 1", "\"schema\": 2", "use the version that wrote it"},
        {"\"batch\": 8", "\"batch\": \"8\"", "\"batch\""},
        {"\"model\": \"vae\"", "\"model\": \"eva\"", "\"eva\""},
        {"\"driver\"", "\"diver\"", "\"driver\""},
        {"\"unit_range\"", "\"unit\"", "\"unit_range\""},
        {"\"shape\": [", "\"shape\": [0,", "\"shape\""},
        {"\"gemm\": \"auto\"", "\"gemm\": null", "\"gemm\""},
        {"{", "[", "line"},
        {"\"hidden\"", "\"hiden\"", "broken/run.json is not as it was written: "},
    };
    duet_error error;
    char path[PATH];
    path_of(path, "broken", "");
    assert_int_equal(mkdir(path, 0777), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        copy_file("first", "broken", "run.json");
        edit("broken", "run.json", rows[i].from, rows[i].to);
        duet_train_options options = options_of(&vae);
        options.family = NULL;
        options.setting_count = 0;
        train(options, "broken", true, DUET_ERROR_DATA, &error);
        assert_message(&error, rows[i].message);
    }
}

static void nothing_is_asked_for_in_words(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_run *run = NULL;
    char path[PATH];
    path_of(path, "first", "");
    assert_ok(duet_run_open(&run, path, NULL, &error), &error);
    assert_ok(duet_nearest_training(run, NULL, 0, NULL, NULL, &error), &error);
    assert_status(duet_run_set_features(run, NULL, path, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "two files");
    duet_run_close(&run);
}

/* ln(3 - step) in the fourth step, as in test_train; here what a run directory makes of it. */
static void build_failing(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node q = test_parameter(model, net, "q", 0);
    duet_node left = duet_subtract(duet_constant(duet_model_graph(model), 3), duet_model_step(model));
    duet_phase(model, "rotten", 1);
    duet_minimise(model, q, net);
    duet_report(model, "sound", q);
    duet_report(model, "logarithm", duet_log(left));
}
static const duet_family failing = {.name = "failing", .build = build_failing};

static void a_number_that_is_not_finite_keeps_the_last_checkpoint(void **state)
{
    (void)state;
    duet_error error;
    duet_train_options options = {.family = &failing, .data = "ring8", .steps = 50, .batch = 8, .checkpoint_every = 2};
    train(options, "rotten", false, DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "step 4");
    assert_message(&error, "\"logarithm\"");
    options.steps = 2;
    train(options, "sound", false, DUET_OK, &error);
    assert_true(same_file("rotten", "sound", "checkpoint.safetensors"));

    /* A run of a family of the program's own is opened with it, and not without. */
    char path[PATH];
    float q = 0;
    duet_run *run = NULL;
    path_of(path, "sound", "");
    assert_status(duet_run_open(&run, path, NULL, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "\"failing\"");
    error = (duet_error){0};
    assert_status(duet_run_open_with(&run, path, NULL, NULL, duet_family_find("ae"), &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "not of \"ae\"");
    error = (duet_error){0};
    assert_ok(duet_run_open_with(&run, path, NULL, NULL, &failing, &error), &error);
    duet_store *store = duet_model_store(duet_run_model(run));
    assert_ok(duet_store_read(store, duet_run_device(run), "net.q", &q, sizeof q, &error), &error);
    assert_close(q, -0.002, 1e-5); /* two steps of Adam at a rate of 0.001 */
    duet_run_close(&run);

    options.steps = 50;
    options.checkpoint_every = 1000; /* now the last report finds it, and its line says null */
    train(options, "sound", true, DUET_ERROR_NUMERIC, &error);
    char *metrics = read_metrics("sound");
    assert_non_null(strstr(metrics, "\"logarithm\":null"));
    free(metrics);
    assert_true(same_file("rotten", "sound", "checkpoint.safetensors"));
}

static uint64_t step_of(const char *run)
{
    char path[PATH];
    duet_checkpoint_facts facts;
    duet_error error = {0};
    path_of(path, run, "");
    assert_ok(duet_checkpoint_check(path, &facts, &error), &error);
    return facts.step;
}

/* What a training writes into a file without a name is lost without an error of any call's. */
static void take_away(void *context, const duet_progress *progress)
{
    char path[PATH];
    if (!progress->report || progress->step < progress->steps) return;
    path_of(path, context, "metrics.jsonl");
    assert_int_equal(remove(path), 0);
}

static void a_run_that_is_taken_away_is_an_error(void **state)
{
    (void)state;
    duet_error error = {0};
    char path[PATH], name[] = "taken";
    duet_train_options options = options_of(&toy);
    path_of(path, name, "");
    options.out = path;
    options.progress = take_away;
    options.context = name;
    assert_status(duet_train(&options, NULL, NULL, &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "metrics.jsonl: was removed, moved or replaced");
    assert_int_equal(step_of(name), options.steps); /* its lines are, what it learnt is not */
}

/* The pictures of an epoch that cannot be written, or what watches it fails: the epoch's training is not lost, and
 * going on begins with what failed. */
static duet_status fail_at_two(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    const bool *fails = watcher;
    (void)run;
    if (epoch == 2 && *fails) {
        error->status = DUET_ERROR_NUMERIC;
        (void)snprintf(error->message, sizeof error->message, "nothing to be seen");
        return error->status;
    }
    verdict->names[0] = "mse";
    verdict->values[0] = (double)epoch;
    verdict->count = 1;
    return DUET_OK;
}

static void an_epoch_outlives_its_pictures_and_its_watcher(void **state)
{
    (void)state;
    duet_error error;
    char path[PATH];
    bool fails = false;
    recipe part = vae;
    part.steps = 0;
    part.checkpoint_every = 0;
    duet_train_options options = options_of(&part);
    options.epochs = 2;
    options.at_epoch = fail_at_two;
    options.watcher = &fails;
    train(options, "undisturbed", false, DUET_OK, &error);

    options.epochs = 1;
    train(options, "disturbed", false, DUET_OK, &error);
    options.epochs = 2;
    path_of(path, "disturbed", "samples/epoch-0002.png");
    assert_int_equal(mkdir(path, 0700), 0);
    train(options, "disturbed", true, DUET_ERROR_FILE, &error);
    assert_message(&error, "epoch-0002.png");
    assert_int_equal(step_of("disturbed"), step_of("undisturbed"));
    assert_int_equal(rmdir(path), 0);
    fails = true;
    train(options, "disturbed", true, DUET_ERROR_NUMERIC, &error); /* with all its steps, and still not done */
    assert_int_equal(step_of("disturbed"), step_of("undisturbed"));
    fails = false;
    train(options, "disturbed", true, DUET_OK, &error);
    assert_same_run("undisturbed", "disturbed");
    assert_true(same_file("undisturbed", "disturbed", "samples/epoch-0002.png"));
}

/* What a program's verdict may say, and must not. */
typedef struct answer {
    duet_status status, said;
    size_t count;
    const char *names[2];
    duet_status expected;
    const char *message; /* NULL: the training goes well */
} answer;

static duet_status give_answer(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    const answer *it = watcher;
    (void)run;
    (void)epoch;
    verdict->count = it->count;
    for (size_t i = 0; i < 2; i++) verdict->names[i] = it->names[i];
    error->status = it->said;
    if (it->said != DUET_OK) snprintf(error->message, sizeof error->message, "the lens is dirty");
    return it->status;
}

static void verdicts_are_checked(void **state)
{
    (void)state;
    static const answer rows[] = {
        {DUET_OK, DUET_OK, 2, {"one", "other"}, DUET_OK, NULL},
        {DUET_ERROR_DATA, DUET_OK, 0, {NULL}, DUET_ERROR_DATA, "at_epoch failed, and did not say why"},
        {DUET_ERROR_DATA, DUET_ERROR_DATA, 0, {NULL}, DUET_ERROR_DATA, "the lens is dirty"},
        {DUET_OK, DUET_ERROR_DATA, 0, {NULL}, DUET_ERROR_DATA, "the lens is dirty"},
        {DUET_OK, DUET_OK, 33, {"one", "other"}, DUET_ERROR_USAGE, "counts 33 values, and a verdict has room for 32"},
        {DUET_OK, DUET_OK, 2, {"one", NULL}, DUET_ERROR_USAGE, "gives value 1 no name"},
        {DUET_OK, DUET_OK, 1, {"gr\xf6sse"}, DUET_ERROR_USAGE, "a name that is not UTF-8"},
        {DUET_OK, DUET_OK, 1, {"step"}, DUET_ERROR_USAGE, "calls value 0 \"step\""},
        {DUET_OK, DUET_OK, 1, {"split"}, DUET_ERROR_USAGE, "calls value 0 \"split\""},
        {DUET_OK, DUET_OK, 2, {"one", "one"}, DUET_ERROR_USAGE, "calls value 1 \"one\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        recipe part = vae;
        part.steps = 0;
        duet_train_options options = options_of(&part);
        char name[32];
        snprintf(name, sizeof name, "answer-%zu", i);
        answer row = rows[i];
        options.epochs = 1;
        options.at_epoch = give_answer;
        options.watcher = &row;
        train(options, name, false, row.expected, &error);
        if (row.message != NULL) assert_message(&error, row.message);
    }
}

/* What run.json cannot keep as a number would lose the run when it is to be opened. */
static void numbers_that_no_file_keeps_are_refused(void **state)
{
    (void)state;
    static const duet_watch never = {.best = "elbo", .patience = UINT64_MAX};
    const duet_train_options rows[] = {{.seed = UINT64_MAX},
                                       {.steps = UINT64_MAX},
                                       {.epochs = UINT64_MAX},
                                       {.checkpoint_every = UINT64_MAX},
                                       {.watch = &never}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        recipe part = vae;
        duet_train_options options = options_of(&part);
        answer nothing = {DUET_OK, DUET_OK, 0, {NULL}, DUET_OK, NULL};
        options.steps = rows[i].epochs > 0 ? 0 : rows[i].steps > 0 ? rows[i].steps : options.steps;
        options.epochs = rows[i].epochs;
        options.seed = rows[i].seed;
        options.checkpoint_every = rows[i].checkpoint_every;
        options.watch = rows[i].watch;
        options.at_epoch = give_answer;
        options.watcher = &nothing;
        train(options, "numbers", false, DUET_ERROR_USAGE, &error);
        assert_message(&error, "go up to 2^63 - 1");
    }
}

/* Seconds of watching are none of training: without the mend, four looks would count three times and once more. */
static duet_status look_for_long(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error)
{
    const double began = duet_seconds();
    double *spent = watcher;
    (void)run;
    (void)epoch;
    (void)verdict;
    (void)error;
    while (duet_seconds() < began + 0.4) continue;
    *spent += duet_seconds() - began;
    return DUET_OK;
}

static void seconds_are_of_training_alone(void **state)
{
    (void)state;
    duet_error error;
    double spent = 0, reported = 0;
    char path[PATH];
    recipe part = vae;
    part.steps = 0;
    duet_train_options options = options_of(&part);
    options.epochs = 4;
    options.at_epoch = look_for_long;
    options.watcher = &spent;
    const double began = duet_seconds();
    train(options, "long-looks", false, DUET_OK, &error);
    const double whole = duet_seconds() - began;
    path_of(path, "long-looks", "metrics.jsonl");
    char *text = test_file_read(path, NULL);
    for (const char *at = text; (at = strstr(at, "\"seconds\":")) != NULL; at++) reported = strtod(at + 10, NULL);
    free(text);
    assert_true(spent >= 1.6);
    assert_true(reported > 0);
    assert_true(reported + spent <= whole);
}

/* All of them have the run "first" to look at. */
static int begin_with_run(void **state)
{
    (void)begin(state);
    train_well(&vae, "first");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_of_another_range_or_shape_is_refused),
        cmocka_unit_test(checkpoints_of_others_are_refused),
        cmocka_unit_test(damaged_checkpoints_are_refused),
        cmocka_unit_test(a_full_disk_leaves_the_checkpoint_whole),
        cmocka_unit_test(places_that_cannot_be_used_are_refused),
        cmocka_unit_test(a_damaged_run_json_is_refused),
        cmocka_unit_test(nothing_is_asked_for_in_words),
        cmocka_unit_test(a_number_that_is_not_finite_keeps_the_last_checkpoint),
        cmocka_unit_test(a_run_that_is_taken_away_is_an_error),
        cmocka_unit_test(an_epoch_outlives_its_pictures_and_its_watcher),
        cmocka_unit_test(seconds_are_of_training_alone),
        cmocka_unit_test(verdicts_are_checked),
        cmocka_unit_test(numbers_that_no_file_keeps_are_refused),
    };
    return RUN_TESTS("run faults", tests, begin_with_run, remove_folder);
}
