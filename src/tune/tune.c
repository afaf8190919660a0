/* SPDX-License-Identifier: MIT */
/* duet_tune, the parent: never touches OpenCL. It starts a child, writes down what the child finds, and starts another
 * where a driver took one down; the candidate that was being measured is then noted as what did it. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/status.h"
#include "tune/tune_work.h"

static const double planning_seconds = 300; /* outside of any candidate: a model's kernels may have to be compiled */

typedef struct tuning {
    const duet_tune_options *options;
    duet_tune_task task;
    char *path;
    json_t *current; /* the trial that is under way; NULL outside of any */
    bool restart;
    duet_lock lock; /* of the file */
    long holder;    /* the process that has it instead; DUET_LOCK_FREE: none */
    size_t measured, failed;
    char fault[512]; /* of the first that failed */
} tuning;

/* The document. */

enum { PRODUCT_KEYS = 5 };
static const char *const product_keys[PRODUCT_KEYS] = {"transpose", "m", "n", "k", "convolution"};

static bool same_product(const json_t *a, const json_t *b)
{
    bool same = true;
    for (size_t i = 0; i < PRODUCT_KEYS; i++) {
        const json_t *here = json_object_get(a, product_keys[i]), *there = json_object_get(b, product_keys[i]);
        same = same && (here == there || json_equal(here, there)); /* neither may have it */
    }
    return same;
}

/** Copies what is there of the keys. */
static int copy_keys(json_t *to, const json_t *from, const char *const *keys, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, keys[i]);
        if (value != NULL) failed |= json_object_set(to, keys[i], value);
    }
    return failed;
}

json_t *duet_tune_record(const json_t *document, const json_t *trial)
{
    const char *kernel = json_string_value(json_object_get(trial, "kernel"));
    json_t *record;
    size_t index;
    if (kernel != NULL) return json_object_get(json_object_get(document, "clblast"), kernel);
    json_array_foreach(json_object_get(document, "products"), index, record)
    {
        if (same_product(record, trial)) return record;
    }
    return NULL;
}

static json_t *make_record(json_t *document, const json_t *trial)
{
    const char *kernel = json_string_value(json_object_get(trial, "kernel"));
    json_t *record = json_pack("{s:[]}", "trials");
    if (kernel != NULL)
        (void)json_object_set_new(json_object_get(document, "clblast"), kernel, record);
    else if (copy_keys(record, trial, product_keys, PRODUCT_KEYS) == 0)
        (void)json_array_append_new(json_object_get(document, "products"), record);
    else
        json_decref(record);
    return duet_tune_record(document, trial);
}

json_t *duet_tune_trial(const json_t *record, const json_t *trial)
{
    static const char *const keys[] = {"provider", "parameters", "set"};
    json_t *other;
    size_t index;
    json_array_foreach(json_object_get(record, "trials"), index, other)
    {
        bool same = true;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            const json_t *here = json_object_get(trial, keys[i]), *there = json_object_get(other, keys[i]);
            same = same && (here == there || json_equal(here, there));
        }
        if (same) return other;
    }
    return NULL;
}

const char duet_verdict_failed[] = "failed", duet_verdict_late[] = "late";

const char *duet_tune_verdict(const json_t *trial)
{
    return json_string_value(json_object_get(trial, "verdict"));
}

bool duet_tune_is(const json_t *trial, const char *verdict)
{
    const char *has = duet_tune_verdict(trial);
    return has != NULL && strcmp(has, verdict) == 0;
}

double duet_tune_seconds(const duet_tune_options *options)
{
    static const double usual = 30;
    return options->seconds > 0 ? options->seconds : usual;
}

bool duet_tune_is_late(const json_t *trial, double seconds)
{
    return duet_tune_is(trial, duet_verdict_late) && json_number_value(json_object_get(trial, "seconds")) >= seconds;
}

bool duet_tune_is_done(const json_t *record, const duet_tune_options *options)
{
    const json_t *limit = json_object_get(record, "seconds");
    const bool patient = limit == NULL || json_number_value(limit) >= duet_tune_seconds(options);
    const bool full = !options->full || json_is_true(json_object_get(record, "full"));
    return json_object_get(record, "best") != NULL && json_object_get(record, "incomplete") == NULL && full && patient;
}

/* Whether it may have been the hour's fault, such as a busy machine's: it is not kept. What no product waits for is
 * kept with its limit. */
static bool may_pass(const json_t *trial)
{
    const bool preset = json_is_true(json_object_get(trial, "preset"));
    return duet_tune_is(trial, duet_verdict_failed) || (preset && duet_tune_is(trial, duet_verdict_late));
}

static bool is_unfit(const json_t *trial)
{
    return duet_tune_is(trial, "wrong") || duet_tune_is(trial, "crashed");
}

static int merge_trial(json_t *document, json_t *record, const json_t *trial)
{
    static const char *const keys[] = {"provider", "parameters", "set", "verdict", "gflops", "words"};
    static const char *const late_keys[] = {"seconds", "preset"};
    json_t *known = duet_tune_trial(record, trial);
    int failed = 0;
    if (known == NULL) {
        known = json_object();
        failed = json_array_append_new(json_object_get(record, "trials"), known);
    }
    if (failed == 0) failed = json_object_clear(known); /* of a trial before that took too long */
    if (failed == 0) failed = copy_keys(known, trial, keys, sizeof keys / sizeof *keys);
    if (failed == 0 && duet_tune_is(trial, duet_verdict_late)) failed = copy_keys(known, trial, late_keys, 2);
    if (failed != 0 || !is_unfit(trial) || json_object_get(trial, "provider") == NULL) return failed;
    json_t *choice = json_object();
    failed = copy_keys(choice, trial, keys, json_is_true(json_object_get(trial, "whole")) ? 1 : 2);
    return json_array_append_new(json_object_get(document, "unfit"), choice) | failed;
}

static int merge_best(json_t *record, const json_t *trial)
{
    static const char *const keys[] = {"provider", "parameters", "gflops"}, *const more[] = {"preset", "full",
                                                                                             "seconds"};
    json_t *set = json_object_get(trial, "set");
    (void)json_object_del(record, "incomplete");
    (void)json_object_del(record, "seconds");
    if (copy_keys(record, trial, more, sizeof more / sizeof *more) != 0) return -1;
    if (set != NULL) return json_object_set(record, "best", json_object_size(set) > 0 ? set : json_null());
    if (!json_is_string(json_object_get(trial, "provider"))) return json_object_set_new(record, "best", json_null());
    json_t *best = json_object();
    const int failed = copy_keys(best, trial, keys, sizeof keys / sizeof *keys);
    return json_object_set_new(record, "best", best) | failed;
}

duet_status duet_tune_merge(json_t *document, const char *kind, const json_t *trial, duet_error *error)
{
    json_t *record = duet_tune_record(document, trial);
    int failed = -1;
    if (record == NULL) record = make_record(document, trial);
    if (record != NULL && strcmp(kind, "tried") == 0) failed = merge_trial(document, record, trial);
    if (record != NULL && strcmp(kind, "best") == 0) failed = merge_best(record, trial);
    return failed == 0 ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what was measured");
}

/* The file. */

/** The folders that lead to the file. */
static duet_status make_folders(const char *path, duet_error *error)
{
    char *folder = strdup(path);
    if (folder == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    duet_status status = DUET_OK;
    for (char *slash = folder; status == DUET_OK && (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            status = duet_fail(error, DUET_ERROR_FILE,
                               "%s: the folder cannot be made: %s; set DUET_TUNING to a file that can be written",
                               folder, strerror(errno));
        *slash = '/';
    }
    free(folder);
    return status;
}

/** Takes out of a record the trials that are not kept. What was decided without them is decided again when it is next
 * asked for. */
static void strip_record(json_t *record)
{
    json_t *trials = json_object_get(record, "trials");
    const size_t count = json_array_size(trials);
    for (size_t i = count; i > 0; i--)
        if (may_pass(json_array_get(trials, i - 1))) (void)json_array_remove(trials, i - 1);
    if (json_array_size(trials) == count) return;
    (void)json_object_set_new(record, "incomplete", json_true());
    if (json_is_null(json_object_get(record, "best"))) (void)json_object_del(record, "best");
}

/** The document as the file has it: what failed is not in it, as it may have been the hour's fault. */
static json_t *document_to_keep(const json_t *document)
{
    json_t *kept = json_deep_copy(document), *record;
    size_t index;
    const char *key;
    json_array_foreach(json_object_get(kept, "products"), index, record) strip_record(record);
    json_object_foreach(json_object_get(kept, "clblast"), key, record) strip_record(record);
    return kept;
}

static duet_status save(const tuning *it, duet_error *error)
{
    json_t *kept = document_to_keep(it->task.document);
    char *text = kept == NULL ? NULL : json_dumps(kept, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    json_decref(kept);
    if (text == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %s", it->path);
    duet_status status = duet_file_replace(it->path, text, strlen(text), error);
    free(text);
    return status;
}

/* Words. */

static void append(char *text, size_t size, const char *more)
{
    const size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", more);
}

/** "panel rows=12 lanes=16 ..." */
static void write_choice(const json_t *choice, char *text, size_t size)
{
    const json_t *value, *parameters = json_object_get(choice, "parameters");
    const char *name = json_string_value(json_object_get(choice, "provider")), *key;
    if (name == NULL) name = json_string_value(json_object_get(choice, "kernel"));
    if (parameters == NULL) parameters = json_object_get(choice, "set");
    snprintf(text, size, "%s", name != NULL ? name : "");
    json_object_foreach((json_t *)parameters, key, value)
    {
        char pair[48];
        snprintf(pair, sizeof pair, " %s=%lld", key, (long long)json_integer_value(value));
        append(text, size, pair);
    }
}

static size_t count_done(const tuning *it)
{
    size_t index, done = 0;
    const json_t *shape;
    json_array_foreach(it->task.shapes, index, shape) done +=
        duet_tune_is_done(duet_tune_record(it->task.document, shape), it->options);
    return done;
}

static void show(const tuning *it)
{
    char what[DUET_PRODUCT_WORDS], candidate[192];
    duet_gemm_shape shape;
    if (it->options->progress == NULL) return;
    const bool clblast = duet_product_from_json(it->current, &shape) != NULL;
    if (clblast)
        snprintf(what, sizeof what, "CLBlast");
    else
        duet_gemm_words(&shape, what);
    write_choice(it->current, candidate, sizeof candidate);
    const duet_tune_progress progress = {clblast ? 0 : count_done(it), clblast ? 0 : json_array_size(it->task.shapes),
                                         what, candidate};
    it->options->progress(it->options->context, &progress);
}

/* A line may name what stands in a tuning file. */
static void say(const tuning *it, const char *line)
{
    char text[1200];
    snprintf(text, sizeof text, "%s", line);
    duet_text_plain(text);
    if (it->options->log != NULL) it->options->log(it->options->context, text);
}

/* Who else measures on the device spoils the times of both, and the file holds what one of them knows. */

static duet_status take_lock(tuning *it, duet_error *error)
{
    static const char suffix[] = ".lock";
    size_t room = strlen(it->path) + sizeof suffix;
    it->holder = DUET_LOCK_FREE;
    if (it->lock.stream != NULL) return DUET_OK;
    char *path = malloc(room);
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    snprintf(path, room, "%s%s", it->path, suffix);
    duet_status status = duet_lock_take(&it->lock, path, &it->holder, error);
    free(path);
    return status;
}

/* Until the other one ends. The next child reads what that has left in the file. */
static duet_status wait_for_lock(tuning *it, duet_error *error)
{
    const struct timespec pause = {.tv_nsec = 200000000};
    char line[160], who[40] = "its number is not known";
    if (it->holder > 0) snprintf(who, sizeof who, "process %ld", it->holder);
    snprintf(line, sizeof line, "another 'duet tune' measures on this device (%s): waiting for its end", who);
    say(it, line);
    it->restart = true;
    while (it->holder != DUET_LOCK_FREE) {
        if (it->options->stop != NULL && *it->options->stop != 0)
            return duet_fail(error, DUET_ERROR_INTERRUPTED, "stopped while waiting for another 'duet tune'");
        (void)nanosleep(&pause, NULL);
        DUET_TRY(take_lock(it, error));
    }
    json_decref(it->task.document);
    it->task.document = NULL;
    return DUET_OK;
}

/* What the child says. */

static duet_status take_file(tuning *it, const json_t *content, duet_error *error)
{
    const char *path = json_string_value(json_object_get(content, "path"));
    free(it->path);
    json_decref(it->task.document);
    it->path = strdup(path != NULL ? path : "");
    it->task.document = json_incref(json_object_get(content, "document"));
    if (it->path == NULL || it->task.document == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a tuning file");
    DUET_TRY(make_folders(it->path, error));
    DUET_TRY(take_lock(it, error));
    return it->holder == DUET_LOCK_FREE ? save(it, error) : DUET_OK;
}

static void set_current(tuning *it, json_t *trial)
{
    json_decref(it->current);
    it->current = json_incref(trial);
}

static void count_trial(tuning *it, const json_t *trial)
{
    const char *words = json_string_value(json_object_get(trial, "words"));
    it->measured += !may_pass(trial);
    if (may_pass(trial) && it->failed++ == 0)
        snprintf(it->fault, sizeof it->fault, "%s", words != NULL ? words : "without words");
}

static duet_status take_message(tuning *it, json_t *message, duet_error *error)
{
    const char *kind = json_object_iter_key(json_object_iter(message));
    json_t *content = json_object_iter_value(json_object_iter(message));
    if (kind == NULL) return duet_fail(error, DUET_ERROR_DEVICE, "the process that tunes said nothing that is known");
    if (strcmp(kind, "open") == 0) return take_file(it, content, error);
    if (strcmp(kind, "log") == 0) {
        say(it, json_string_value(content));
    } else if (strcmp(kind, "shapes") == 0) {
        json_decref(it->task.shapes);
        it->task.shapes = json_incref(content);
    } else if (strcmp(kind, "restart") == 0) {
        it->restart = true;
    } else if (strcmp(kind, "try") == 0) {
        set_current(it, content);
        show(it);
    } else {
        set_current(it, NULL);
        if (strcmp(kind, "tried") == 0) count_trial(it, content);
        DUET_TRY(duet_tune_merge(it->task.document, kind, content, error));
        return save(it, error);
    }
    return DUET_OK;
}

/** A signal that no fault of a driver sends: the system's, for want of memory, a person's, or that of the alarm that
 *  goes off where both processes were stopped for long. */
static bool is_from_outside(int signal)
{
    return signal == SIGKILL || signal == SIGTERM || signal == SIGHUP || signal == SIGINT || signal == SIGALRM;
}

/** What a child was at when it ended badly, and what comes of it. */
static void describe_end(const tuning *it, bool again, char *line, size_t size)
{
    const double seconds = json_number_value(json_object_get(it->current, "seconds"));
    char candidate[192];
    write_choice(it->current, candidate, sizeof candidate);
    if (!duet_tune_is(it->current, duet_verdict_late))
        snprintf(line, size, "%s %s: it is left out here", candidate,
                 duet_tune_is(it->current, duet_verdict_failed)
                     ? "was ended by a signal from outside, perhaps for want of memory"
                     : "crashed the driver");
    else if (again)
        snprintf(line, size, "%s, the preset, took longer than %g seconds: it is tried again with %g", candidate,
                 seconds, DUET_PATIENCE * seconds);
    else if (may_pass(it->current))
        snprintf(line, size, "%s, the preset, took longer than %g seconds: without it nothing is decided here",
                 candidate, seconds);
    else
        snprintf(line, size, "%s took longer than %g seconds: it is left out here, until a larger limit is set",
                 candidate, seconds);
}

/** Notes what a child was at when it ended badly. */
static duet_status blame(tuning *it, const char *verdict, int signal, duet_error *error)
{
    char line[320];
    if (strcmp(verdict, "crashed") == 0 && is_from_outside(signal)) verdict = duet_verdict_failed;
    if (it->current == NULL && is_from_outside(signal))
        return duet_fail(
            error, DUET_ERROR_DEVICE,
            "the process that tunes was ended by signal %d, from outside, perhaps for want of memory: what is "
            "measured is kept, and the same command goes on from there",
            signal);
    if (it->current == NULL)
        return duet_fail(error, DUET_ERROR_DEVICE,
                         "the process that tunes %s (signal %d), most likely in the driver: 'duet devices' and 'duet "
                         "doctor' may say more",
                         strcmp(verdict, duet_verdict_late) == 0 ? "did not go on in time" : "ended without a word",
                         signal);
    (void)json_object_set_new(it->current, "verdict", json_string(verdict));
    (void)json_object_del(it->current, "gflops");
    const bool again = may_pass(it->current) && duet_tune_is(it->current, duet_verdict_late) &&
                       !duet_tune_is_late(it->current, DUET_PATIENCE * duet_tune_seconds(it->options));
    describe_end(it, again, line, sizeof line);
    say(it, line);
    if (may_pass(it->current)) (void)json_object_set_new(it->current, "words", json_string(line));
    if (!again) count_trial(it, it->current);
    duet_status status = duet_tune_merge(it->task.document, "tried", it->current, error);
    set_current(it, NULL);
    it->restart = true;
    return status == DUET_OK ? save(it, error) : status;
}

/** One child, from its start to its end. */
static duet_status run_child(tuning *it, duet_error *error)
{
    const double most = fmax(DUET_PATIENCE * duet_tune_seconds(it->options), planning_seconds);
    duet_worker worker;
    duet_worker_event event;
    json_t *message;
    int signal = 0;
    it->restart = false;
    DUET_TRY(duet_worker_start(&worker, duet_tune_work, &it->task, most, error));
    duet_status status = DUET_OK;
    do {
        worker.seconds = it->current != NULL ? json_number_value(json_object_get(it->current, "seconds")) : most;
        event = duet_worker_next(&worker, it->options->stop, &message, error);
        if (event == DUET_WORKER_MESSAGE) status = take_message(it, message, error);
        json_decref(message);
    } while (event == DUET_WORKER_MESSAGE && status == DUET_OK && it->holder == DUET_LOCK_FREE);
    duet_worker_end(&worker, &signal);
    if (status != DUET_OK) return status;
    if (it->holder != DUET_LOCK_FREE) return wait_for_lock(it, error);
    switch (event) {
    case DUET_WORKER_CRASHED: return blame(it, "crashed", signal, error);
    case DUET_WORKER_LATE: return blame(it, duet_verdict_late, signal, error);
    case DUET_WORKER_STOPPED:
        return duet_fail(error, DUET_ERROR_INTERRUPTED,
                         "stopped; what is measured is kept, and the same command goes on from there");
    default: return error != NULL ? error->status : DUET_OK;
    }
}

/* The summary. */

static double gflops_of(const json_t *object)
{
    const json_t *gflops = json_object_get(object, "gflops");
    return json_is_number(gflops) ? json_number_value(gflops) : NAN;
}

static void count_verdicts(const json_t *record, duet_tune_row *row)
{
    size_t index;
    const json_t *trial;
    json_array_foreach(json_object_get(record, "trials"), index, trial)
    {
        row->tried++;
        row->wrong += duet_tune_is(trial, "wrong");
        row->crashed += duet_tune_is(trial, "crashed");
        row->late += duet_tune_is(trial, duet_verdict_late);
        row->failed += duet_tune_is(trial, duet_verdict_failed);
    }
}

static duet_status summarise(const tuning *it, duet_tune_summary *summary, duet_error *error)
{
    const json_t *key = json_object_get(it->task.document, "measured_on"), *shape;
    size_t index;
    snprintf(summary->file, sizeof summary->file, "%s", it->path != NULL ? it->path : "");
    if (key == NULL) return DUET_OK;
    snprintf(summary->device, sizeof summary->device, "%s", json_string_value(json_object_get(key, "name")));
    snprintf(summary->driver, sizeof summary->driver, "%s", json_string_value(json_object_get(key, "driver")));
    summary->measured = it->measured;
    summary->rows = calloc(json_array_size(it->task.shapes) + 1, sizeof *summary->rows);
    if (summary->rows == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a summary");
    json_array_foreach(it->task.shapes, index, shape)
    {
        const json_t *record = duet_tune_record(it->task.document, shape), *best = json_object_get(record, "best");
        const json_t *preset = json_object_get(record, "preset");
        duet_gemm_shape read;
        if (duet_product_from_json(shape, &read) != NULL) continue;
        duet_tune_row *row = &summary->rows[summary->count++];
        *row = (duet_tune_row){.m = read.m,
                               .n = read.n,
                               .k = read.k,
                               .transpose_a = read.transpose_a,
                               .transpose_b = read.transpose_b,
                               .convolution = duet_convolution_told(&read.convolution)};
        row->preset_gflops = gflops_of(preset);
        row->best_gflops = gflops_of(best);
        if (preset != NULL) write_choice(preset, row->preset, sizeof row->preset);
        if (json_is_object(best)) write_choice(best, row->best, sizeof row->best);
        count_verdicts(record, row);
    }
    return DUET_OK;
}

/** What failed is said; where nothing else happened it is the result. */
static duet_status tell_of_failures(const tuning *it, duet_error *error)
{
    char line[700];
    if (it->failed == 0) return DUET_OK;
    if (it->measured == 0)
        return duet_fail(error, DUET_ERROR_DEVICE,
                         "nothing could be measured: all %zu candidates failed, the first with: %s", it->failed,
                         it->fault);
    snprintf(line, sizeof line, "%zu candidates failed and are tried again by the next 'duet tune'; the first: %s",
             it->failed, it->fault);
    say(it, line);
    return DUET_OK;
}

void duet_tune_summary_free(duet_tune_summary *summary)
{
    free(summary->rows);
    summary->rows = NULL;
    summary->count = 0;
}

duet_status duet_tune(const duet_tune_options *options, duet_tune_summary *summary, duet_error *error)
{
    duet_error own = {0};
    if (error == NULL) error = &own;
    error->status = DUET_OK; /* of an earlier call */
    *summary = (duet_tune_summary){{0}};
    if (options->family == NULL && !options->full)
        return duet_fail(error, DUET_ERROR_USAGE, "there is nothing to tune: name a model, or ask for all products");
    tuning it = {.options = options, .task = {.options = options}};
    duet_status status;
    do {
        status = run_child(&it, error);
    } while (status == DUET_OK && it.restart);
    if (status == DUET_OK) status = tell_of_failures(&it, error);
    duet_status told = summarise(&it, summary, error);
    json_decref(it.task.document);
    json_decref(it.task.shapes);
    json_decref(it.current);
    duet_lock_release(&it.lock);
    free(it.path);
    return status != DUET_OK ? status : told;
}
