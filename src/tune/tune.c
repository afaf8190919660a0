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

#include "base/json.h"
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
    duet_tune_choice_words(it->current, candidate, sizeof candidate);
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
    return it->holder == DUET_LOCK_FREE ? duet_tune_keep(it->task.document, it->path, error) : DUET_OK;
}

static void set_current(tuning *it, json_t *trial)
{
    json_decref(it->current);
    it->current = json_incref(trial);
}

static void count_trial(tuning *it, const json_t *trial)
{
    const char *words = json_string_value(json_object_get(trial, "words"));
    it->measured += !duet_tune_may_pass(trial);
    if (duet_tune_may_pass(trial) && it->failed++ == 0)
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
        return duet_tune_keep(it->task.document, it->path, error);
    }
    return DUET_OK;
}

/** A signal that no fault of a driver sends: the system's, for want of memory or of CPU time, a person's, or that of
 * the alarm that goes off where both processes were stopped for long. */
static bool is_from_outside(int signal)
{
    return signal == SIGKILL || signal == SIGXCPU || signal == SIGTERM || signal == SIGHUP || signal == SIGINT ||
           signal == SIGALRM;
}

/** What a child was at when it ended badly, and what comes of it. */
static void describe_end(const tuning *it, bool again, char *line, size_t size)
{
    const double seconds = json_number_value(json_object_get(it->current, "seconds"));
    char candidate[192], product[DUET_PRODUCT_WORDS] = "CLBlast";
    duet_gemm_shape shape;
    duet_tune_choice_words(it->current, candidate, sizeof candidate);
    if (duet_product_from_json(it->current, &shape) == NULL) duet_gemm_words(&shape, product);
    if (!duet_tune_is(it->current, duet_verdict_late))
        snprintf(line, size, "%s %s: it is left out here", candidate,
                 duet_tune_is(it->current, duet_verdict_failed)
                     ? "was ended by a signal from outside, perhaps for want of memory"
                     : "crashed the driver");
    else if (again)
        snprintf(line, size, "%s by %s, the preset, took longer than %g seconds: it is tried again with %g", product,
                 candidate, seconds, DUET_PATIENCE * seconds);
    else if (duet_tune_may_pass(it->current))
        snprintf(line, size,
                 "%s by %s, the preset, took longer than %g seconds: without it nothing is decided, until the next "
                 "'duet tune'",
                 product, candidate, seconds);
    else
        snprintf(line, size, "%s took longer than %g seconds: it is left out here, until a larger limit is set",
                 candidate, seconds);
}

/** Notes what a child was at when it ended badly. */
static duet_status blame(tuning *it, const char *verdict, int signal, duet_error *error)
{
    const double patience = DUET_PATIENCE * duet_tune_seconds(it->options);
    char line[400];
    if (strcmp(verdict, "crashed") == 0 && is_from_outside(signal)) verdict = duet_verdict_failed;
    if (it->current == NULL && strcmp(verdict, duet_verdict_failed) == 0)
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
    duet_json_set(&it->current, "verdict", json_string(verdict));
    (void)json_object_del(it->current, "gflops");
    const bool again = duet_tune_may_pass(it->current) && duet_tune_is(it->current, duet_verdict_late) &&
                       !duet_tune_is_late(it->current, patience) &&
                       !duet_tune_was_late(it->task.document, it->current, patience);
    describe_end(it, again, line, sizeof line);
    if (duet_tune_may_pass(it->current)) duet_json_set(&it->current, "words", duet_json_text(line, strlen(line)));
    if (it->current == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what was measured");
    say(it, line);
    if (!again) count_trial(it, it->current);
    duet_status status = duet_tune_merge(it->task.document, "tried", it->current, error);
    set_current(it, NULL);
    it->restart = true;
    return status == DUET_OK ? duet_tune_keep(it->task.document, it->path, error) : status;
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
    duet_status told = duet_tune_summarise(&it.task, it.path, summary, error);
    summary->measured = it.measured;
    json_decref(it.task.document);
    json_decref(it.task.shapes);
    json_decref(it.current);
    duet_lock_release(&it.lock);
    free(it.path);
    return status != DUET_OK ? status : told;
}
