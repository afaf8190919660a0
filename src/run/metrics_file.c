/* SPDX-License-Identifier: MIT */
/* Lines are only added. What a crash leaves behind, half a line or lines past the checkpoint, is cut off at the next
 * opening. */
#include "run/metrics_file.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"

static duet_status fail_file(const duet_metrics_file *file, const char *verb, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_FILE, "%s cannot be %s: %s", file->path, verb, strerror(errno));
}

static bool is_look(const json_t *report)
{
    const char *split = json_string_value(json_object_get(report, "split"));
    return split != NULL && strcmp(split, "test") == 0;
}

/* Whether the line is whole, newline included, and of a step up to `steps`; and no look at a training that ended within
 * its first epoch, which one that was never interrupted would not have had. *seconds: its time, if so. */
static bool stays(const char *line, size_t length, uint64_t steps, double *seconds)
{
    if (length == 0 || line[length - 1] != '\n') return false;
    json_t *report = json_loadb(line, length, 0, NULL);
    json_t *step = json_object_get(report, "step");
    bool keep = json_is_integer(step) && json_integer_value(step) >= 0 && (uint64_t)json_integer_value(step) <= steps;
    if (is_look(report) && json_number_value(json_object_get(report, "epoch")) < 1) keep = false;
    if (keep) *seconds = json_number_value(json_object_get(report, "seconds"));
    json_decref(report);
    return keep;
}

/* Cuts the file after the last line that stays, and leaves the stream's position there. */
static duet_status cut(duet_metrics_file *file, uint64_t steps, double *seconds, duet_error *error)
{
    char *line = NULL;
    size_t room = 0;
    long end = 0;
    ssize_t length;
    while ((length = getline(&line, &room, file->stream)) > 0 && stays(line, (size_t)length, steps, seconds))
        end += length;
    free(line);
    if (ferror(file->stream)) return fail_file(file, "read", error);
    if (fseek(file->stream, end, SEEK_SET) != 0 || ftruncate(fileno(file->stream), end) != 0)
        return fail_file(file, "cut back to the checkpoint", error);
    return DUET_OK;
}

duet_status duet_metrics_open(duet_metrics_file *file, const char *directory, uint64_t steps, double *seconds,
                              duet_error *error)
{
    *seconds = 0;
    *file = (duet_metrics_file){NULL, duet_path_join(directory, "metrics.jsonl")};
    if (file->path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    file->stream = fopen(file->path, "ab"); /* makes it where there is none */
    if (file->stream != NULL) file->stream = freopen(file->path, "r+b", file->stream);
    duet_status status =
        file->stream == NULL ? fail_file(file, "opened for writing", error) : cut(file, steps, seconds, error);
    if (status != DUET_OK) duet_metrics_close(file);
    return status;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* A line with the keys that all lines have. The caller owns it; NULL: out of memory. */
static json_t *begin_line(const duet_progress *at, const char *split)
{
    return json_pack("{s:I, s:f, s:s, s:f, s:o}", "step", (json_int_t)at->step, "epoch", at->epoch, "split", split,
                     "seconds", at->seconds, "images_per_second", real_or_null(at->images_per_second));
}

/* Adds the numbers, writes the line and frees it. */
static duet_status write_line(duet_metrics_file *file, json_t *line, const char *const *names, const double *values,
                              size_t count, const char *health, duet_error *error)
{
    bool whole = line != NULL;
    for (size_t i = 0; whole && i < count; i++)
        whole = json_object_set_new(line, names[i], real_or_null(values[i])) == 0;
    if (whole && health != NULL) whole = json_object_set_new(line, "health", json_string(health)) == 0;
    char *text = whole ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(line);
    if (text == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "a report cannot be composed: out of memory");
    bool written = fprintf(file->stream, "%s\n", text) > 0 && fflush(file->stream) == 0;
    free(text);
    return written ? DUET_OK : fail_file(file, "written", error);
}

duet_status duet_metrics_append(duet_metrics_file *file, const duet_progress *report, duet_error *error)
{
    return write_line(file, begin_line(report, "train"), report->names, report->means, report->terms, report->health,
                      error);
}

duet_status duet_metrics_append_verdict(duet_metrics_file *file, const duet_progress *at, const duet_verdict *verdict,
                                        duet_error *error)
{
    if (verdict->count == 0) return DUET_OK;
    json_t *line = begin_line(at, "test");
    if (verdict->features[0] != '\0') (void)json_object_set_new(line, "features", json_string(verdict->features));
    return write_line(file, line, verdict->names, verdict->values, verdict->count, NULL, error);
}

duet_status duet_metrics_sync(duet_metrics_file *file, duet_error *error)
{
    return fsync(fileno(file->stream)) == 0 ? DUET_OK : fail_file(file, "synced", error);
}

void duet_metrics_close(duet_metrics_file *file)
{
    if (file->stream != NULL) (void)fclose(file->stream); /* every line was flushed and checked */
    free(file->path);
    *file = (duet_metrics_file){NULL, NULL};
}
