/* SPDX-License-Identifier: MIT */
/* What a training that goes on was worth before: read from the lines of metrics.jsonl that have test values, and from
 * the step of best.safetensors. */
#include "metric/monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "device/device.h"
#include "run/checkpoint.h"
#include "run/run_folder.h"

/* The lines of a run's metrics.jsonl that say what was measured on the test split. */
typedef struct past {
    FILE *file;
    char *line;
    size_t room;
    bool short_memory; /* they ended for that */
} past;

static past open_past(const char *directory)
{
    char *path = duet_path_join(directory, "metrics.jsonl");
    const char *fault;
    past it = {.file = path == NULL ? NULL : duet_file_open(path, &fault), .short_memory = path == NULL};
    free(path);
    return it;
}

/* What is there and cannot be read is not what was never measured. */
static duet_status check_readable(const char *directory, duet_error *error)
{
    const char *fault = NULL;
    char *path = duet_path_join(directory, "metrics.jsonl");
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    FILE *file = duet_run_folder_holds(directory, "metrics.jsonl") ? duet_file_open(path, &fault) : NULL;
    duet_status status = DUET_OK;
    if (fault != NULL) status = duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", path, fault);
    if (file != NULL) (void)fclose(file);
    free(path);
    return status;
}

/* The next line, which the caller drops; NULL: there is none. */
static json_t *next_of_past(past *it)
{
    while (it->file != NULL && getline(&it->line, &it->room, it->file) > 0) {
        json_t *report = duet_json_read(it->line, strlen(it->line), 0, NULL);
        it->short_memory = report == NULL && errno == ENOMEM;
        if (it->short_memory) return NULL;
        const char *split = json_string_value(json_object_get(report, "split"));
        if (split != NULL && strcmp(split, "test") == 0) return report;
        json_decref(report);
    }
    return NULL;
}

static duet_status close_past(past *it, duet_error *error)
{
    if (it->file != NULL) (void)fclose(it->file);
    free(it->line);
    return it->short_memory ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what a run was worth before")
                            : DUET_OK;
}

/* The checksum of what gave the features of a line's values; "": nothing did. */
static const char *features_of(const json_t *report)
{
    const char *checksum = json_string_value(json_object_get(report, "features"));
    return checksum == NULL ? "" : checksum;
}

/* Epochs done; under 1 for a training that ended within its first. */
static double epoch_of(const json_t *report)
{
    return json_number_value(json_object_get(report, "epoch")) + 1e-6;
}

/* *found: the value of the best in the line of that step, by the same features; NaN: there is none. *lines: how many
 * lines have that metric. */
static duet_status find_value(const duet_monitor *monitor, uint64_t step, const char *features, double *found,
                              uint64_t *epoch, size_t *lines, duet_error *error)
{
    const char *best = monitor->watch.best;
    bool by_features = duet_metric_find(best)->by_features != DUET_BY_NO_FEATURES;
    past it = open_past(monitor->options.resume);
    json_t *report;
    *found = NAN;
    *lines = 0;
    while ((report = next_of_past(&it)) != NULL) {
        json_t *value = json_object_get(report, best), *at = json_object_get(report, "step");
        double when = epoch_of(report);
        bool compares = !by_features || strcmp(features_of(report), features) == 0;
        *lines += json_is_number(value);
        if (json_is_number(value) && compares && when >= 1 && (uint64_t)json_integer_value(at) == step) {
            *found = json_number_value(value);
            *epoch = (uint64_t)when;
        }
        json_decref(report);
    }
    return close_past(&it, error);
}

/* The last step after which the resumed run went on with other data. */
static uint64_t changed_data_at(const duet_monitor *monitor)
{
    size_t i;
    uint64_t step = 0;
    json_t *entry;
    json_array_foreach(json_object_get(monitor->before.document, "resumed"), i, entry)
    {
        if (json_object_get(json_object_get(entry, "changed"), "data") != NULL)
            step = (uint64_t)json_integer_value(json_object_get(entry, "step"));
    }
    return step;
}

/* The step of best.safetensors, once it is known to be whole and of this run. */
static duet_status find_kept(const char *directory, const char *metric, uint64_t *step, duet_error *error)
{
    duet_checkpoint_facts facts = {0};
    duet_error own = {0};
    char *path = duet_path_join(directory, "best.safetensors");
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    const duet_status status = duet_checkpoint_check(path, &facts, &own);
    free(path);
    *step = facts.step;
    if (status == DUET_OK) return DUET_OK;
    return duet_fail(error, status,
                     "the best by %s so far cannot be gone on from: %s; move best.safetensors away to keep the best "
                     "from here on, or say --keep-best none",
                     metric, own.message);
}

static bool find_reached(const char *directory, uint64_t *step)
{
    char *path = duet_path_join(directory, "checkpoint.safetensors");
    bool known = path != NULL && duet_checkpoint_step(path, step);
    free(path);
    return known;
}

/* What a resumed run's best is worth: the value in the line of the step of best.safetensors, so that the file and the
 * value are of one state. Where the file is gone, its value was measured on other data or by another judge, or it is
 * of steps that are taken again, the best begins anew; where the line is gone nobody knows whether the next is better.
 */
duet_status duet_monitor_recall(duet_monitor *monitor, duet_run *run, const char *features, duet_error *error)
{
    const char *directory = monitor->options.resume, *best = monitor->watch.best;
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    uint64_t kept = 0, reached = 0, batch = monitor->before.choice.batch;
    size_t lines;
    char words[DUET_DIFFERENCE_SIZE];
    bool same = true, is_there = duet_run_folder_holds(directory, "best.safetensors");
    monitor->recalled = true;
    if (monitor->before.document == NULL) return DUET_OK;
    DUET_TRY(duet_data_record_compare(&monitor->before.data, duet_run_data(run), &same, words, error));
    if (is_there) DUET_TRY(find_kept(directory, best, &kept, error));
    if (is_there) DUET_TRY(check_readable(directory, error));
    bool is_known = is_there && find_reached(directory, &reached);
    double value;
    DUET_TRY(find_value(monitor, kept, features, &value, &monitor->best_epoch, &lines, error));
    if (!is_there && lines > 0)
        duet_device_say(duet_run_device(run),
                        "warning: %s/best.safetensors is not there: the best of %s begins anew, by the next value",
                        directory, best);
    if (!is_there) return DUET_OK;
    if (!same)
        duet_device_say(duet_run_device(run),
                        "warning: the data are others: the best of %s so far is forgotten, and best.safetensors is "
                        "replaced at the next value",
                        best);
    if (!same || (is_known && (kept <= changed_data_at(monitor) || kept > reached))) return DUET_OK;
    if (isfinite(value)) {
        monitor->best = value;
        return DUET_OK;
    }
    bool early = batch > 0 && kept<data->count[DUET_TRAIN] / batch, by_other = lines> 0 && features[0] != '\0';
    if (is_known && (early || by_other)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "%s/best.safetensors is of step %" PRIu64 ", and metrics.jsonl has no %s of it, so that nobody "
                     "knows what is better: move it away to keep the best from here on, or say --keep-best none",
                     directory, kept, best);
}

duet_status duet_monitor_find_past(const char *directory, const char *metric, bool *found, char checksum[24],
                                   duet_error *error)
{
    past it = open_past(directory);
    json_t *report;
    *found = false;
    while ((report = next_of_past(&it)) != NULL) {
        if (json_object_get(report, metric) != NULL) {
            *found = true;
            snprintf(checksum, 24, "%s", features_of(report));
        }
        json_decref(report);
    }
    return close_past(&it, error);
}

duet_status duet_monitor_check_past(const duet_monitor *monitor, duet_run *run, const char *metric, duet_error *error)
{
    const duet_monitor_options *options = &monitor->options;
    duet_features_identity now;
    char then[24];
    bool found;
    DUET_TRY(duet_metric_features(run, metric, &now, error));
    DUET_TRY(duet_monitor_find_past(options->resume, metric, &found, then, error));
    if (!found || strcmp(then, now.checksum) == 0) return DUET_OK;
    char was[64];
    snprintf(was, sizeof was, "%s%s", then[0] == '\0' ? "no judge" : "a judge with the checksum ", then);
    if (options->judge != NULL) {
        duet_device_say(duet_run_device(run),
                        "warning: the judge is another one: %s of this run was by %s, from here on it is by %s with "
                        "%s: values before and after cannot be compared",
                        metric, was, now.name, now.checksum);
        return DUET_OK;
    }
    if (now.checksum[0] == '\0')
        return duet_fail(error, DUET_ERROR_USAGE,
                         "%s of this run was by %s, and run.json names none: --judge RUN says which", metric, was);
    return duet_fail(error, DUET_ERROR_USAGE,
                     "%s of this run was by %s, and %s has %s by now, so that values before and after could not be "
                     "compared: --judge %s goes on all the same",
                     metric, was, monitor->recorded, now.checksum, DUET_WORD("%s", monitor->recorded));
}

json_t *duet_monitor_last_past(const char *directory)
{
    past it = open_past(directory);
    json_t *report, *last = NULL;
    while ((report = next_of_past(&it)) != NULL) {
        if (epoch_of(report) >= 1) {
            json_decref(last);
            last = json_incref(report);
        }
        json_decref(report);
    }
    (void)close_past(&it, NULL);
    return last;
}
