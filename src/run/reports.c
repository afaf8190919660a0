/* SPDX-License-Identifier: MIT */
/* What a checkpoint says of its reports, and metrics.jsonl as it stands. */
#include "run/reports.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "duet/run.h"
#include "run/place.h"
#include "run/run_file.h"
#include "run/safetensors.h"

bool duet_reports_fall_short(uint64_t counted, uint64_t told, char *words, size_t size)
{
    if (told >= counted) return false;
    (void)snprintf(words, size,
                   "the checkpoint counts on reports up to step %" PRIu64
                   ", and metrics.jsonl has them up to step %" PRIu64 ": what was between is lost",
                   counted, told);
    return true;
}

bool duet_reports_differ(const json_t *last, const char *const *terms, size_t count, double due, char *words,
                         size_t size)
{
    const uint64_t step = (uint64_t)json_integer_value(json_object_get(last, "step"));
    const double is = json_number_value(json_object_get(last, "epoch"));
    if (last == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        if (json_object_get(last, terms[i]) != NULL) continue;
        (void)duet_text_print(words, size,
                              "metrics.jsonl has no %s at step %" PRIu64
                              ", which is a loss of this run: are these the reports of another one?",
                              terms[i], step);
        return true;
    }
    if (isnan(due) || fabs(is - due) <= 1e-6 * fmax(1, due)) return false;
    (void)duet_text_print(words, size,
                          "metrics.jsonl has epoch %.6g at step %" PRIu64
                          ", which is epoch %.6g of this run: are these the reports of another one?",
                          is, step, due);
    return true;
}

/* What a checkpoint says; what it does not say is 0 or NULL. */
typedef struct counted {
    uint64_t steps, reported, draws;
    json_t *terms; /* names */
} counted;

static uint64_t number_of(const duet_safetensors *file, const char *key)
{
    const char *text = duet_safetensors_metadata(file, key);
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static bool read_checkpoint(const duet_run_place *place, counted *it)
{
    duet_safetensors *file = NULL;
    char *path = duet_path_join(place->directory, place->checkpoint);
    const bool there = path != NULL && duet_safetensors_open(&file, path, NULL) == DUET_OK;
    const char *terms = there ? duet_safetensors_metadata(file, "duet.terms") : NULL;
    if (there)
        *it = (counted){number_of(file, "duet.step"), number_of(file, "duet.reported"), number_of(file, "duet.draws"),
                        terms == NULL ? NULL : duet_json_read(terms, strlen(terms), 0, NULL)};
    duet_safetensors_close(&file);
    free(path);
    return there;
}

/* The epoch at a step, where each step draws one batch of the data that run.json names; else NAN. */
static double epoch_at(const counted *it, const duet_run_file *file, uint64_t step)
{
    json_t *earlier;
    size_t i;
    if (it->draws != it->steps || file->choice.batch == 0) return NAN;
    json_array_foreach(json_object_get(file->document, "resumed"), i, earlier)
    {
        if (json_object_get(json_object_get(earlier, "changed"), "data") != NULL) return NAN;
    }
    const uint64_t batches = file->data.info.count[DUET_TRAIN] / file->choice.batch;
    return batches == 0 ? NAN : (double)step / (double)batches;
}

/* What the lines say: the last report of the training, and the last step up to which the checkpoint may count on one.
 */
typedef struct told {
    json_t *last;
    uint64_t step;
} told;

static void take(told *it, const counted *by, const char *line, size_t length)
{
    json_t *report = line[length - 1] == '\n' ? duet_json_read(line, length, 0, NULL) : NULL; /* else it is torn */
    const json_t *step = json_object_get(report, "step");
    const char *split = json_string_value(json_object_get(report, "split"));
    if (json_is_integer(step) && (uint64_t)json_integer_value(step) <= by->reported)
        it->step = (uint64_t)json_integer_value(step);
    const bool trains = split != NULL && strcmp(split, "train") == 0;
    json_decref(trains ? it->last : report);
    if (trains) it->last = report;
}

static bool judge(const counted *by, const duet_run_file *file, FILE *stream, char *words, size_t size)
{
    const char *terms[64];
    char *line = NULL;
    size_t room = 0, count = json_array_size(by->terms);
    told it = {0};
    for (ssize_t length; (length = getline(&line, &room, stream)) > 0;) take(&it, by, line, (size_t)length);
    if (count > sizeof terms / sizeof *terms) count = 0;
    for (size_t i = 0; i < count; i++) {
        terms[i] = json_string_value(json_array_get(by->terms, i));
        if (terms[i] == NULL) count = 0;
    }
    const uint64_t step = (uint64_t)json_integer_value(json_object_get(it.last, "step"));
    const bool doubted = duet_reports_differ(it.last, terms, count, epoch_at(by, file, step), words, size) ||
                         duet_reports_fall_short(by->reported, it.step, words, size);
    json_decref(it.last);
    free(line);
    return doubted;
}

/* Without the file nothing is doubted: that it is missing is another's word. */
static bool look(const duet_run_place *place, const counted *by, const duet_run_file *file, char *words, size_t size)
{
    const char *fault = "";
    struct stat about;
    char *path = duet_path_join(place->directory, "metrics.jsonl");
    FILE *stream = path == NULL ? NULL : duet_file_open(path, &fault);
    bool doubted = false;
    if (stream != NULL) doubted = judge(by, file, stream, words, size);
    if (path != NULL && stream == NULL && (errno != ENOENT || lstat(path, &about) == 0))
        doubted = snprintf(words, size, "metrics.jsonl cannot be read: %s", fault) > 0;
    if (stream != NULL) (void)fclose(stream); /* only read from */
    free(path);
    return doubted;
}

bool duet_run_doubts_reports(const char *run, char *words, size_t size)
{
    duet_run_place place = {0};
    duet_run_file file = {NULL};
    counted by = {0};
    bool doubted = false;
    if (duet_run_place_find(&place, run, NULL) == DUET_OK &&
        duet_run_file_read(&file, place.directory, NULL) == DUET_OK) {
        doubted = read_checkpoint(&place, &by) && look(&place, &by, &file, words, size);
        duet_run_file_free(&file);
    }
    json_decref(by.terms);
    free(place.directory);
    return doubted;
}
