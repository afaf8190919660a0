/* SPDX-License-Identifier: MIT */
/* Lines are only added. What a crash leaves behind, half a line or reports past the checkpoint, is cut off at the next
 * opening; lines that are no reports of Duet's are somebody's, and stay. */
#include "run/metrics_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "base/text.h"

static duet_status fail_file(const duet_metrics_file *file, const char *verb, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_FILE, "%s cannot be %s: %s", file->path, verb, strerror(errno));
}

/* Whether a line is the beginning of a report without its end, or has the zeros that a power cut leaves where blocks
 * were not written: in the middle too, and then it has an end. */
static bool is_torn(const char *line, size_t length)
{
    static const char head[] = "{\"step\":";
    size_t compared = length < sizeof head - 1 ? length : sizeof head - 1;
    bool ends = line[length - 1] == '\n';
    return (!ends && memcmp(line, head, compared) == 0) || memchr(line, '\0', length) != NULL;
}

/* What a watcher saw of a training that ended within its first epoch: one that was never interrupted would not have
 * it. */
static bool is_early_look(const json_t *report)
{
    const char *split = json_string_value(json_object_get(report, "split"));
    return split != NULL && strcmp(split, "test") == 0 && json_number_value(json_object_get(report, "epoch")) < 1;
}

/* *keep: whether the line stays. If it is a report that does, `told` learns of it. False: memory is short. */
static bool judge(const char *line, size_t length, uint64_t steps, duet_metrics_past *told, bool *keep)
{
    bool ends = line[length - 1] == '\n';
    json_t *report = duet_json_read(line, length, 0, NULL);
    if (report == NULL && errno == ENOMEM) return false;
    json_t *step = json_object_get(report, "step");
    bool is_report = json_is_integer(step) && json_integer_value(step) >= 0;
    *keep = is_report ? ends && (uint64_t)json_integer_value(step) <= steps && !is_early_look(report)
                      : !is_torn(line, length);
    if (is_report && *keep) {
        told->step = (uint64_t)json_integer_value(step);
        told->seconds = json_number_value(json_object_get(report, "seconds"));
    }
    json_decref(report);
    return true;
}

/* The lines that stay of `text`, moved to its beginning; a last one without an end gets one, for which there is room.
 * *front: how much of the file stays as it is. */
static duet_status sift(char *text, size_t *size, uint64_t steps, duet_metrics_past *told, size_t *front,
                        duet_error *error)
{
    size_t kept = 0, length;
    *front = 0;
    for (size_t at = 0; at < *size; at += length) {
        const char *end = memchr(text + at, '\n', *size - at);
        bool keep;
        length = end == NULL ? *size - at : (size_t)(end - text) - at + 1;
        if (!judge(text + at, length, steps, told, &keep))
            return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a line of metrics.jsonl");
        if (!keep) continue;
        memmove(text + kept, text + at, length);
        kept += length;
        if (end == NULL) text[kept++] = '\n';
        if (kept == at + length) *front = kept;
    }
    *size = kept;
    return DUET_OK;
}

/* The whole file, with room for one byte more. The caller frees *text. */
static duet_status read_all(duet_metrics_file *file, char **text, size_t *size, duet_error *error)
{
    struct stat about;
    if (fstat(fileno(file->stream), &about) != 0) return fail_file(file, "read", error);
    *text = malloc((size_t)about.st_size + 2);
    if (*text == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %lld bytes", file->path,
                         (long long)about.st_size);
    *size = fread(*text, 1, (size_t)about.st_size, file->stream);
    return ferror(file->stream) ? fail_file(file, "read", error) : DUET_OK;
}

/* Cuts the file after what stays at its front. Where lines behind stay too, or it lies in another folder too, as after
 * cp -al, another one takes its place. */
static duet_status put_back(duet_metrics_file *file, const char *text, size_t size, size_t front, duet_error *error)
{
    if (size != front || duet_file_has_other_names(file->stream)) {
        DUET_TRY(duet_file_replace(file->path, text, size, error));
        (void)fclose(file->stream); /* only read from */
        DUET_TRY(duet_file_open_own(file->path, &file->stream, error));
    } else if (ftruncate(fileno(file->stream), (off_t)front) != 0 || fsync(fileno(file->stream)) != 0) {
        return fail_file(file, "cut back to the checkpoint",
                         error); /* synced, else old lines may come back in new ones */
    }
    return fseek(file->stream, 0, SEEK_END) == 0 ? DUET_OK : fail_file(file, "read", error);
}

static duet_status cut(duet_metrics_file *file, uint64_t steps, duet_metrics_past *told, duet_error *error)
{
    char *text = NULL;
    size_t size = 0, front = 0;
    duet_status status = read_all(file, &text, &size, error);
    if (status == DUET_OK) status = sift(text, &size, steps, told, &front, error);
    if (status == DUET_OK) status = put_back(file, text, size, front, error);
    free(text);
    return status;
}

duet_status duet_metrics_open(duet_metrics_file *file, const char *directory, uint64_t steps, duet_metrics_past *told,
                              duet_error *error)
{
    *told = (duet_metrics_past){0};
    *file = (duet_metrics_file){NULL, duet_path_join(directory, "metrics.jsonl")};
    if (file->path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    duet_status status = duet_file_open_own(file->path, &file->stream, error);
    if (status == DUET_OK) status = cut(file, steps, told, error);
    if (status == DUET_OK)
        duet_file_sync_name(file->path); /* it may be new, and a checkpoint is to count on it */
    else
        duet_metrics_close(file);
    return status;
}

duet_status duet_metrics_last(duet_metrics_file *file, json_t **report, duet_error *error)
{
    char *line = NULL, *last = NULL;
    size_t room = 0;
    rewind(file->stream);
    while (getline(&line, &room, file->stream) > 0) {
        if (strstr(line, "\"split\":\"train\"") == NULL) continue;
        free(last);
        last = line;
        line = NULL;
        room = 0;
    }
    *report = last == NULL ? NULL : duet_json_read(last, strlen(last), 0, NULL);
    const bool short_memory = last != NULL && *report == NULL && errno == ENOMEM;
    free(line);
    free(last);
    (void)fseek(file->stream, 0, SEEK_END);
    return short_memory ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a line of metrics.jsonl") : DUET_OK;
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
    for (size_t i = 0; i < count; i++) duet_json_set(&line, names[i], real_or_null(values[i]));
    if (health != NULL) duet_json_set(&line, "health", json_string(health));
    char *text = duet_json_write(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
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

/* A program names its values: of each name one, and none that a line has already. */
static duet_status check_names(const duet_verdict *verdict, json_t *line, duet_error *error)
{
    if (verdict->count > DUET_VERDICT_VALUES)
        return duet_fail(error, DUET_ERROR_USAGE, "at_epoch counts %zu values, and a verdict has room for %d",
                         verdict->count, DUET_VERDICT_VALUES);
    for (size_t i = 0; i < verdict->count; i++) {
        const char *name = verdict->names[i];
        if (name == NULL || name[0] == '\0' || !duet_text_is_utf8(name))
            return duet_fail(error, DUET_ERROR_USAGE, "at_epoch gives value %zu %s: a text in UTF-8 was expected", i,
                             name == NULL || name[0] == '\0' ? "no name" : "a name that is not UTF-8");
        bool taken = json_object_get(line, name) != NULL;
        for (size_t before = 0; before < i && !taken; before++) taken = strcmp(verdict->names[before], name) == 0;
        if (taken)
            return duet_fail(error, DUET_ERROR_USAGE,
                             "at_epoch calls value %zu \"%s\", and the line of metrics.jsonl has that name already", i,
                             name);
    }
    return DUET_OK;
}

duet_status duet_metrics_append_verdict(duet_metrics_file *file, const duet_progress *at, const duet_verdict *verdict,
                                        duet_error *error)
{
    if (verdict->count == 0) return DUET_OK;
    json_t *line = begin_line(at, "test");
    if (verdict->features[0] != '\0') duet_json_set(&line, "features", json_string(verdict->features));
    duet_status status = check_names(verdict, line, error);
    if (status != DUET_OK) json_decref(line);
    if (status != DUET_OK) return status;
    return write_line(file, line, verdict->names, verdict->values, verdict->count, NULL, error);
}

/* Lines that are written into a file without a name are lost, and no call says so. Where the name cannot be looked at,
 * as on a network file system for a moment, nothing is known to be lost: fsync, and what is written beside, will tell.
 */
duet_status duet_metrics_check_place(const duet_metrics_file *file, duet_error *error)
{
    struct stat there, own;
    if (fstat(fileno(file->stream), &own) != 0) return DUET_OK;
    if (stat(file->path, &there) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) return DUET_OK;
    } else if (there.st_ino == own.st_ino && there.st_dev == own.st_dev) {
        return DUET_OK;
    }
    return duet_fail(error, DUET_ERROR_FILE,
                     "%s: was removed, moved or replaced while the training wrote into it, and its lines with it",
                     file->path);
}

duet_status duet_metrics_sync(duet_metrics_file *file, duet_error *error)
{
    DUET_TRY(duet_metrics_check_place(file, error));
    return fsync(fileno(file->stream)) == 0 ? DUET_OK : fail_file(file, "synced", error);
}

void duet_metrics_close(duet_metrics_file *file)
{
    if (file->stream != NULL) (void)fclose(file->stream); /* every line was flushed and checked */
    free(file->path);
    *file = (duet_metrics_file){NULL, NULL};
}
