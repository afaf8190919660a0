/* Runs that are repeated, stopped, killed, damaged and resumed: equal bytes where equal bytes are promised, a message
 * where not. Killed trainings are processes of their own: this program started once more with arguments. */
#include "folder.h"
#include "train_models.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#ifndef KILLS
#define KILLS      3  /* of each model */
#define KILL_STEPS 80 /* of a run that is killed */
#endif

enum { PATH = TEST_PATH_SIZE + 64 };

static const char *program;
static char pictures[PATH];

static const char *const vae_settings[] = {"hidden=12", "latent=3"};
static const char *const toy_settings[] = {"hidden=4", "latent=2"};
static const char *const ae_settings[] = {"hidden=12", "latent=3"};
static const char *const gan_settings[] = {"generator_hidden=", "discriminator_hidden=4", "latent=2", "k=2"};

/* What a test trains. */
typedef struct recipe {
    const char *model, *data; /* data NULL: the pictures */
    const char *const *settings;
    size_t setting_count;
    uint64_t steps, checkpoint_every;
} recipe;

static const recipe vae = {"vae", NULL, vae_settings, 2, 23, 7};
static const recipe toy = {"vae", "ring8", toy_settings, 2, 120, 0}; /* too short for pictures */
static const recipe ae = {"ae", NULL, ae_settings, 2, 6, 0};
static const recipe gan = {"gan", "ring8", gan_settings, 4, 40, 7};

static void path_of(char path[PATH], const char *run, const char *file)
{
    assert_in_range(snprintf(path, PATH, "%s/%s%s%s", folder, run, *file ? "/" : "", file), 1, PATH - 1);
}

static duet_train_options options_of(const recipe *what)
{
    return (duet_train_options){
        .family = duet_family_find(what->model),
        .data = what->data != NULL ? what->data : pictures,
        .settings = what->settings,
        .setting_count = what->setting_count,
        .steps = what->steps,
        .checkpoint_every = what->checkpoint_every,
        .batch = TEST_BATCH,
        .seed = 11,
    };
}

/* Trains into folder/run, anew or by resuming, and expects that status. */
static void train(duet_train_options options, const char *run, bool resume, duet_status status, duet_error *error)
{
    char path[PATH];
    duet_train_summary summary;
    path_of(path, run, "");
    if (resume)
        options.resume = path;
    else
        options.out = path;
    *error = (duet_error){0};
    assert_status(duet_train(&options, &summary, NULL, error), status, error);
}

static void train_well(const recipe *what, const char *run)
{
    duet_error error;
    train(options_of(what), run, false, DUET_OK, &error);
}

static void resume_well(const recipe *what, const char *run)
{
    duet_error error;
    train(options_of(what), run, true, DUET_OK, &error);
}

/* metrics.jsonl without what may differ. The caller frees it. */
static char *read_metrics(const char *run)
{
    char path[PATH];
    path_of(path, run, "metrics.jsonl");
    char *text = test_file_read(path, NULL), *kept = calloc(1, strlen(text) + 1), *end;
    assert_non_null(kept);
    for (char *line = text; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end); /* no torn line */
        json_t *report = json_loadb(line, (size_t)(end - line), 0, NULL);
        assert_non_null(report);
        assert_int_equal(json_object_del(report, "seconds"), 0);
        assert_int_equal(json_object_del(report, "images_per_second"), 0);
        char *rest = json_dumps(report, JSON_COMPACT | JSON_REAL_PRECISION(9));
        assert_non_null(rest);
        strcat(strcat(kept, rest), "\n");
        free(rest);
        json_decref(report);
    }
    free(text);
    return kept;
}

static bool same_file(const char *run, const char *other, const char *file)
{
    char path[PATH];
    size_t count, other_count;
    path_of(path, run, file);
    char *bytes = test_file_read(path, &count);
    path_of(path, other, file);
    char *other_bytes = test_file_read(path, &other_count);
    bool same = count == other_count && memcmp(bytes, other_bytes, count) == 0;
    free(bytes);
    free(other_bytes);
    return same;
}

static void assert_same_run(const char *run, const char *other)
{
    char *metrics = read_metrics(run), *other_metrics = read_metrics(other);
    assert_string_equal(metrics, other_metrics);
    assert_true(strlen(metrics) > 40);
    free(metrics);
    free(other_metrics);
    if (!same_file(run, other, "checkpoint.safetensors")) fail_msg("the checkpoints of %s and %s differ", run, other);
}

static void copy_file(const char *from_run, const char *to_run, const char *file)
{
    char path[PATH];
    size_t count;
    path_of(path, from_run, file);
    char *bytes = test_file_read(path, &count);
    path_of(path, to_run, file);
    test_file_write(path, bytes, count);
    free(bytes);
}

/* Kills. They come first: a process that has used OpenCL had better not fork. */

static double now(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static const recipe *const killed[] = {&vae, &gan};

/* This program as a training of recipe `index` into `run`, resuming where there is one. */
static pid_t start_training(size_t index, const char *run, uint64_t steps)
{
    char number[8], total[24], path[PATH];
    (void)snprintf(number, sizeof number, "%zu", index);
    (void)snprintf(total, sizeof total, "%llu", (unsigned long long)steps);
    path_of(path, run, "");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl(program, program, "train", number, total, path, pictures, (char *)NULL);
        _exit(126);
    }
    return child;
}

static int train_as_process(char **arguments)
{
    size_t index = strtoul(arguments[0], NULL, 10);
    char file[PATH];
    duet_error error = {0};
    duet_train_options options = options_of(killed[index]);
    options.steps = strtoull(arguments[1], NULL, 10);
    if (killed[index]->data == NULL) options.data = arguments[3];
    (void)snprintf(file, sizeof file, "%s/run.json", arguments[2]);
    if (access(file, F_OK) == 0)
        options.resume = arguments[2];
    else
        options.out = arguments[2];
    if (duet_train(&options, NULL, NULL, &error) == DUET_OK) return 0;
    (void)fprintf(stderr, "%s\n", error.message);
    return 1;
}

/* Waits for the process to end; true if it did so by itself, and then well. */
static bool finish(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return false;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

static void remove_run(const char *run)
{
    char path[PATH];
    path_of(path, run, "");
    test_folder_remove(path);
}

/* Starts the run again and again, each time killing it after a random part of the time that it takes, until it ends by
 * itself or *kills are used up; then lets it end. */
static void torment(size_t index, const char *run, double whole, unsigned *random, int *kills)
{
    for (; *kills > 0; --*kills) {
        pid_t child = start_training(index, run, KILL_STEPS);
        *random = *random * 1103515245u + 12345u;
        double wait = whole * (double)(*random >> 16 & 0x7FFF) / 0x7FFF;
        struct timespec pause = {(time_t)wait, (long)((wait - floor(wait)) * 1e9)};
        assert_int_equal(nanosleep(&pause, NULL), 0);
        assert_int_equal(kill(child, SIGKILL), 0);
        if (finish(child)) return;
    }
    assert_true(finish(start_training(index, run, KILL_STEPS)));
}

static void killed_runs_end_as_if_left_alone(void **state)
{
    (void)state;
    unsigned random = (unsigned)getpid(); /* other moments each time the test is run: any should do */
    for (size_t i = 0; i < sizeof killed / sizeof *killed; i++) {
        /* Once to compile, once more to see how long it takes then: twice the same, too. */
        assert_true(finish(start_training(i, "alone", KILL_STEPS)));
        double began = now();
        assert_true(finish(start_training(i, "again", KILL_STEPS)));
        double whole = now() - began;
        assert_same_run("alone", "again");
        for (int kills = KILLS; kills > 0;) {
            torment(i, "killed", whole, &random, &kills);
            assert_same_run("alone", "killed");
            remove_run("killed");
        }
        remove_run("alone");
        remove_run("again");
    }
}

/* In this process from here on. */

static void equal_settings_give_equal_bytes(void **state)
{
    (void)state;
    char path[PATH];
    train_well(&vae, "first");
    train_well(&vae, "second");
    assert_same_run("first", "second");
    for (const char *const *name = (const char *const[]){"samples/epoch-0001.png", "samples/epoch-0004.png",
                                                         "samples/epoch-0004-reconstruction.png", NULL};
         *name != NULL; name++)
        assert_true(same_file("first", "second", *name));
    path_of(path, "first", "samples/epoch-0005.png");
    assert_int_not_equal(access(path, F_OK), 0); /* 23 steps are four epochs of five, and three steps */

    duet_error error;
    duet_train_options other = options_of(&vae);
    other.seed = 12;
    train(other, "other-seed", false, DUET_OK, &error);
    assert_false(same_file("first", "other-seed", "checkpoint.safetensors"));
    char *metrics = read_metrics("first"), *other_metrics = read_metrics("other-seed");
    assert_string_not_equal(metrics, other_metrics);
    free(metrics);
    free(other_metrics);
}

/* Asks for a stop at the report of that step. */
typedef struct stopping {
    uint64_t at;
    volatile int stop;
    bool warned;
} stopping;

static void stop_at(void *context, const duet_progress *progress)
{
    stopping *plan = context;
    if (progress->step >= plan->at) plan->stop = 1;
}

static void a_stopped_run_goes_on_to_the_same_bytes(void **state)
{
    (void)state;
    duet_error error;
    stopping plan = {.at = 10};
    duet_train_options options = options_of(&vae);
    options.stop = &plan.stop;
    options.progress = stop_at;
    options.context = &plan;
    train(options, "stopped", false, DUET_ERROR_INTERRUPTED, &error);
    assert_message(&error, "of 23");
    resume_well(&vae, "stopped");
    assert_same_run("first", "stopped");
}

static void a_larger_total_gives_the_bytes_of_that_total(void **state)
{
    (void)state;
    recipe part = vae;
    part.steps = 12; /* within the third epoch: its last report is taken back */
    train_well(&part, "grown");
    char *metrics = read_metrics("grown");
    assert_non_null(strstr(metrics, "{\"step\":12,"));
    free(metrics);
    resume_well(&vae, "grown");
    assert_same_run("first", "grown");
}

static void a_torn_metrics_file_is_cut_back(void **state)
{
    (void)state;
    char path[PATH];
    recipe part = vae;
    part.steps = 14;
    train_well(&part, "torn");
    path_of(path, "torn", "metrics.jsonl");
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    assert_true(fputs("{\"step\":15,\"epoch\":3.0,\"seconds\":1}\n{\"step\":16,\"ep", file) >= 0);
    assert_int_equal(fclose(file), 0);
    resume_well(&vae, "torn");
    assert_same_run("first", "torn");
}

static void a_run_without_a_checkpoint_begins_again(void **state)
{
    (void)state;
    char path[PATH];
    recipe part = vae;
    part.steps = 5;
    train_well(&part, "early");
    path_of(path, "early", "checkpoint.safetensors");
    assert_int_equal(remove(path), 0);
    resume_well(&vae, "early");
    assert_same_run("first", "early");
}

static void listen(void *context, const char *line)
{
    stopping *heard = context;
    if (strncmp(line, "warning:", 8) == 0) heard->warned = true;
    if (strstr(line, "steps already") != NULL) heard->stop = 1;
}

static void a_finished_run_is_left_alone(void **state)
{
    (void)state;
    stopping heard = {.at = 0};
    duet_error error;
    duet_train_options options = options_of(&vae);
    options.log = listen;
    options.context = &heard;
    char path[PATH];
    path_of(path, "first", "run.json");
    char *before = test_file_read(path, NULL);
    train(options, "first", true, DUET_OK, &error);
    char *after = test_file_read(path, NULL);
    assert_string_equal(before, after);
    assert_int_equal(heard.stop, 1);
    assert_false(heard.warned);
    assert_same_run("first", "second");
    free(before);
    free(after);
}

/* Replaces the first `from` in a file by `to`. */
static void edit(const char *run, const char *file, const char *from, const char *to)
{
    char path[PATH];
    size_t count;
    path_of(path, run, file);
    char *text = test_file_read(path, &count), *at = strstr(text, from);
    assert_non_null(at);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_true(fprintf(stream, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    assert_int_equal(fclose(stream), 0);
    free(text);
}

static void another_driver_is_warned_of(void **state)
{
    (void)state;
    stopping heard = {.at = 0};
    duet_error error;
    recipe part = vae;
    part.steps = 5;
    train_well(&part, "moved");
    edit("moved", "run.json", "\"driver\": \"", "\"driver\": \"older than ");
    duet_train_options options = options_of(&vae);
    options.log = listen;
    options.context = &heard;
    train(options, "moved", true, DUET_OK, &error);
    assert_true(heard.warned);
    assert_same_run("first", "moved");
    char path[PATH];
    path_of(path, "moved", "run.json");
    json_t *run = json_load_file(path, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(run, "resumed")), 1);
    json_decref(run);
}

static void assert_gemm(const char *run_name, const char *chosen, const char *used)
{
    char path[PATH];
    path_of(path, run_name, "run.json");
    json_t *run = json_load_file(path, 0, NULL), *providers = json_object_get(run, "providers");
    assert_non_null(run);
    assert_string_equal(json_string_value(json_object_get(run, "gemm")), chosen);
    assert_string_equal(json_string_value(json_object_get(providers, "gemm")), used);
    json_decref(run);
}

/* The preset stays the preset on resuming, wherever that is; what somebody forced stays forced. */
static void a_resumed_run_keeps_the_choice_of_its_products(void **state)
{
    (void)state;
    duet_error error;
    recipe part = toy;
    duet_device *device = test_device_open();
    const char *preset = duet_device_gemm(device); /* static, as providers are */
    duet_device_close(&device);
    part.steps = 5;
    train_well(&part, "preset");
    assert_gemm("preset", "auto", preset);
    edit("preset", "run.json", "\"providers\": {\n    \"gemm\": \"", "\"providers\": {\n    \"gemm\": \"another ");
    part.steps = 6;
    resume_well(&part, "preset");
    assert_gemm("preset", "auto", preset);

    duet_train_options options = options_of(&part);
    options.gemm = "plain";
    train(options, "forced", false, DUET_OK, &error);
    assert_gemm("forced", "plain", "plain");
    part.steps = 7;
    resume_well(&part, "forced");
    assert_gemm("forced", "plain", "plain");
    options.gemm = "auto";
    options.steps = 8;
    train(options, "forced", true, DUET_OK, &error);
    assert_gemm("forced", "auto", preset);
}

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
    assert_message(&error, "all values in [0, 1]");
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
    assert_message(&error, "is [3, 12], the model's is [4, 12]");
    assert_null(run);
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
        {"\"schema\": 1", "\"schema\": 2", "schema 2"},          {"\"batch\": 8", "\"batch\": \"8\"", "\"batch\""},
        {"\"model\": \"vae\"", "\"model\": \"eva\"", "\"eva\""}, {"\"driver\"", "\"diver\"", "\"driver\""},
        {"\"unit_range\"", "\"range\"", "\"unit_range\""},       {"\"shape\": [", "\"shape\": [0,", "\"shape\""},
        {"\"gemm\": \"auto\"", "\"gemm\": null", "\"gemm\""},    {"{", "[", "line"},
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
        train(options, "broken", true, DUET_ERROR_DATA, &error);
        assert_message(&error, rows[i].message);
    }
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

static void run_json_says_what_the_run_is(void **state)
{
    (void)state;
    char path[PATH];
    path_of(path, "first", "run.json");
    json_t *run = json_load_file(path, 0, NULL), *data = json_object_get(run, "data");
    assert_non_null(run);
    assert_string_equal(json_string_value(json_object_get(run, "model")), "vae");
    assert_string_equal(json_string_value(json_object_get(json_object_get(run, "settings"), "hidden")), "12");
    assert_string_equal(json_string_value(json_object_get(json_object_get(run, "settings"), "beta")), "1");
    assert_string_equal(json_string_value(json_object_get(data, "name")), pictures);
    assert_int_equal(json_integer_value(json_object_get(data, "train")), TEST_TRAINING);
    assert_int_equal(json_array_size(json_object_get(data, "shape")), 3);
    assert_true(json_is_true(json_object_get(data, "unit_range")));
    assert_int_equal(json_integer_value(json_object_get(run, "seed")), 11);
    assert_int_equal(json_integer_value(json_object_get(run, "steps")), 23);
    assert_true(json_is_null(json_object_get(run, "epochs")));
    /* 192 x 12 + 12, then 3 outputs each for mean and logvar */
    json_t *groups = json_object_get(run, "parameters");
    assert_int_equal(json_integer_value(json_object_get(groups, "encoder")), 193 * 12 + 2 * 13 * 3);
    assert_int_equal(json_integer_value(json_object_get(groups, "decoder")), 4 * 12 + 13 * 192);
    assert_non_null(json_string_value(json_object_get(json_object_get(run, "providers"), "gemm")));
    assert_non_null(json_string_value(json_object_get(json_object_get(run, "device"), "driver")));
    json_decref(run);
}

static int begin(void **state)
{
    (void)make_folder(state);
    path_of(pictures, "pictures.npy", "");
    test_write_examples(pictures, DUET_SHAPE(8, 8, 3));
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_runs_end_as_if_left_alone), /* before any OpenCL in this process */
        cmocka_unit_test(equal_settings_give_equal_bytes),
        cmocka_unit_test(run_json_says_what_the_run_is),
        cmocka_unit_test(a_stopped_run_goes_on_to_the_same_bytes),
        cmocka_unit_test(a_larger_total_gives_the_bytes_of_that_total),
        cmocka_unit_test(a_torn_metrics_file_is_cut_back),
        cmocka_unit_test(a_run_without_a_checkpoint_begins_again),
        cmocka_unit_test(a_finished_run_is_left_alone),
        cmocka_unit_test(another_driver_is_warned_of),
        cmocka_unit_test(a_resumed_run_keeps_the_choice_of_its_products),
        cmocka_unit_test(data_of_another_range_or_shape_is_refused),
        cmocka_unit_test(checkpoints_of_others_are_refused),
        cmocka_unit_test(damaged_checkpoints_are_refused),
        cmocka_unit_test(a_full_disk_leaves_the_checkpoint_whole),
        cmocka_unit_test(places_that_cannot_be_used_are_refused),
        cmocka_unit_test(a_damaged_run_json_is_refused),
        cmocka_unit_test(a_number_that_is_not_finite_keeps_the_last_checkpoint),
    };
    program = argv[0];
    if (argc == 6 && strcmp(argv[1], "train") == 0) _exit(train_as_process(argv + 2));
    return RUN_TESTS("resume", tests, begin, remove_folder);
}
