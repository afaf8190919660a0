/* SPDX-License-Identifier: MIT */
/* How fast a run was trained, by its own reports: metrics.jsonl, read as it stands. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "duet/run.h"

typedef struct speeds {
    duet_run_speed *rows;
    size_t count, capacity;
    double step, seconds; /* of the report before */
} speeds;

/* False: memory is short. A line that is no report of the training is passed over. */
static bool take(speeds *it, const char *line)
{
    json_t *report = duet_json_read(line, strlen(line), 0, NULL);
    if (report == NULL && errno == ENOMEM) return false;
    json_t *step = json_object_get(report, "step");
    json_t *seconds = json_object_get(report, "seconds"), *images = json_object_get(report, "images_per_second");
    bool taken = true;
    if (json_is_integer(step) && json_is_number(seconds)) {
        double steps = (double)json_integer_value(step) - it->step, time = json_number_value(seconds) - it->seconds;
        if (steps > 0 && time > 0 && json_is_number(images)) {
            taken = duet_array_grow(&it->rows, it->count, &it->capacity, sizeof *it->rows);
            if (taken) it->rows[it->count++] = (duet_run_speed){time / steps, json_number_value(images)};
        }
        it->step += steps;
        it->seconds += time;
    }
    json_decref(report);
    return taken;
}

/* *stream is NULL where there are no reports: of a training under way, and without the file. */
static duet_status open_reports(const char *directory, FILE **stream, duet_error *error)
{
    *stream = NULL;
    if (directory[0] == '\0') return DUET_OK;
    char *path = duet_path_join(directory, "metrics.jsonl");
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    const char *fault = NULL;
    *stream = duet_file_open(path, &fault);
    duet_status status =
        *stream != NULL || errno == ENOENT ? DUET_OK : duet_fail(error, DUET_ERROR_FILE, "%s: %s", path, fault);
    free(path);
    return status;
}

duet_status duet_run_speeds(duet_run *run, duet_run_speed **rows, size_t *count, duet_error *error)
{
    speeds it = {0};
    char *line = NULL;
    size_t room = 0;
    bool fits = true;
    FILE *stream;
    *rows = NULL;
    *count = 0;
    DUET_TRY(open_reports(duet_run_directory(run), &stream, error));
    while (stream != NULL && fits && getline(&line, &room, stream) > 0) fits = take(&it, line);
    const int code = errno;
    const bool whole = stream == NULL || !ferror(stream);
    if (stream != NULL) fclose(stream);
    free(line);
    *rows = it.rows;
    *count = it.count;
    if (fits && whole) return DUET_OK;
    free(it.rows);
    *rows = NULL;
    *count = 0;
    if (fits)
        return duet_fail(error, DUET_ERROR_FILE, "%s/metrics.jsonl: cannot be read: %s", duet_run_directory(run),
                         strerror(code));
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the reports of a run");
}
