/* SPDX-License-Identifier: MIT */
/* FILE.npy and its note, FILE-judge.json. The note names the content of the array by its checksum: beside an array that
 * another program has written since, it says nothing. */
#include "run/features_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "data/data.h"
#include "data/known.h"
#include "data/same_rows.h"
#include "duet/report.h"
#include "run/run.h"

static const char *const sources[] = {[DUET_OF_SAMPLES] = "samples", [DUET_OF_EXAMPLES] = "examples"};

char *duet_features_note_path(const char *path)
{
    static const char *const endings[] = {".npy", ".npy.gz", ".npz"}; /* copies hold the same numbers */
    size_t length = strlen(path), left = length;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t end = strlen(endings[i]);
        if (length > end && strcmp(path + length - end, endings[i]) == 0) left = length - end;
    }
    char *note = malloc(left + sizeof "-judge.json");
    if (note != NULL) snprintf(note, left + sizeof "-judge.json", "%.*s-judge.json", (int)left, path);
    return note;
}

/* Whatever bytes a name has: NULL: out of memory. */
static json_t *name_json(const char *name)
{
    const size_t size = strlen(name) + 1;
    char *clean = malloc(size);
    if (clean == NULL) return NULL;
    duet_text_clean(name, clean, size);
    json_t *text = json_string(clean);
    free(clean);
    return text;
}

static json_t *samples_json(const duet_run *run, uint64_t seed)
{
    json_t *settings = json_array();
    for (size_t i = 0; i < run->setting_count; i++) duet_json_append(&settings, name_json(run->settings[i]));
    return json_pack("{s:o, s:I, s:s, s:I, s:o}", "run", name_json(run->name), "step", (json_int_t)run->from.steps,
                     "checksum", run->from.checksum, "seed", (json_int_t)seed, "settings", settings);
}

/* The checksum of the data, and, where a split of them is meant, how they are divided: of one file the last tenth and a
 * tenth by chance are other examples. */
static duet_status sum_examples(duet_data *data, const char *split, char sum[32], duet_error *error)
{
    const duet_data_info *info = duet_data_describe(data);
    if (info->checksum[0] == '\0') DUET_TRY(duet_data_checksum(data, error));
    const bool is_last = info->division == DUET_DIVISION_LAST && strcmp(split, "all") != 0;
    snprintf(sum, 32, "%s%s", info->checksum, is_last ? "-last" : "");
    return DUET_OK;
}

/* *made: NULL after an error. */
static duet_status origin_json(const duet_features_origin *origin, json_t **made, duet_error *error)
{
    char sum[32];
    *made = NULL;
    if (origin->run == NULL) DUET_TRY(sum_examples(origin->data, origin->split, sum, error));
    *made = origin->run != NULL
                ? samples_json(origin->run, origin->seed)
                : json_pack("{s:o, s:s, s:s}", "data", name_json(duet_data_describe(origin->data)->name), "checksum",
                            sum, "split", origin->split);
    return *made != NULL ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a note of features");
}

/* Takes `origin`; NULL: not said. */
static duet_status write_note(const char *path, const char *array, duet_feature_source of, json_t *origin,
                              const duet_features_identity *by, duet_error *error)
{
    json_t *note = json_pack("{s:i, s:s, s:o*, s:s, s:{s:o, s:s}}", "schema", 1, "of", sources[of], "origin", origin,
                             "array", array, "judge", "name", name_json(by->name), "checksum", by->checksum);
    char *text = note == NULL ? NULL : duet_json_write(note, JSON_INDENT(2));
    duet_status status = text == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s cannot be composed: out of memory", path)
                             : duet_file_replace(path, text, strlen(text), error);
    free(text);
    json_decref(note);
    return status;
}

/* Takes `origin`. */
static duet_status write_both(const char *path, const float *values, size_t count, size_t width, duet_feature_source of,
                              json_t *origin, const duet_features_identity *by, duet_error *error)
{
    duet_data *written = NULL;
    char *note = duet_features_note_path(path);
    duet_status status = note == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path")
                                      : duet_write_npy(path, values, DUET_SHAPE(count, width), error);
    if (status == DUET_OK) status = duet_data_open_for_use(&written, path, DUET_DIVISION_LAST, error);
    if (status == DUET_OK) status = duet_data_checksum(written, error);
    if (status == DUET_OK)
        status = write_note(note, duet_data_describe(written)->checksum, of, json_incref(origin), by, error);
    duet_data_close(&written);
    json_decref(origin);
    free(note);
    return status;
}

duet_status duet_features_write(const char *path, const float *values, size_t count, size_t width,
                                duet_feature_source of, const duet_features_identity *by, duet_error *error)
{
    return write_both(path, values, count, width, of, NULL, by, error);
}

duet_status duet_features_write_of(const char *path, const float *values, size_t count, size_t width,
                                   const duet_features_origin *origin, const duet_features_identity *by,
                                   duet_error *error)
{
    json_t *made;
    DUET_TRY(origin_json(origin, &made, error));
    return write_both(path, values, count, width, origin->run != NULL ? DUET_OF_SAMPLES : DUET_OF_EXAMPLES, made, by,
                      error);
}

static const char *text_of(const json_t *note, const char *key)
{
    const char *text = json_string_value(json_object_get(note, key));
    return text == NULL ? "" : text;
}

/* Whether it says what write_note does: what is cut or emptied may have been of any judge. */
static bool is_sound(const json_t *note)
{
    return *text_of(note, "array") != '\0' && *text_of(json_object_get(note, "judge"), "checksum") != '\0';
}

/* *note: what the file says, which the caller drops; NULL: there is none. */
static duet_status read_file(const char *path, json_t **note, duet_error *error)
{
    const char *fault;
    struct stat found;
    FILE *file = duet_file_open(path, &fault);
    if (file == NULL && errno == ENOENT && lstat(path, &found) != 0) return DUET_OK;
    if (file == NULL)
        return duet_fail(error, DUET_ERROR_FILE, "%s, the note of these features, cannot be read: %s", path, fault);
    *note = duet_json_read_file(file, 0, NULL);
    const bool short_memory = *note == NULL && errno == ENOMEM;
    (void)fclose(file); /* only read from */
    if (short_memory) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the note of these features");
    if (is_sound(*note)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_FILE,
                     "%s, the note of these features, is damaged or no such note, so that nothing says which judge "
                     "they are by: make them again ('duet features'), or remove it if another encoder made them",
                     path);
}

/* *note: that of an array, which the caller drops, also on failure; NULL: it has none, or one of other numbers. */
static duet_status read_note(duet_data *data, json_t **note, duet_error *error)
{
    char *path = duet_features_note_path(duet_data_describe(data)->source);
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    duet_status status = read_file(path, note, error);
    free(path);
    if (status != DUET_OK || *note == NULL) return status;
    status = duet_data_checksum(data, error);
    if (status == DUET_OK && strcmp(text_of(*note, "array"), duet_data_describe(data)->checksum) == 0) return DUET_OK;
    json_decref(*note);
    *note = NULL;
    return status;
}

/* Of what the features are, into the run's words. */
static void put_samples(duet_run *run, duet_feature_source place, const json_t *origin)
{
    duet_text settings = {0};
    json_t *setting;
    size_t i;
    json_array_foreach(json_object_get(origin, "settings"), i, setting)
    {
        if (json_is_string(setting)) duet_text_add(&settings, ", %s", json_string_value(setting));
    }
    (void)duet_text_print(run->given_origin[place], sizeof run->given_origin[place],
                          "samples of %s at step %lld, seed %lld%s", text_of(origin, "run"),
                          (long long)json_integer_value(json_object_get(origin, "step")),
                          (long long)json_integer_value(json_object_get(origin, "seed")), duet_text_get(&settings));
    duet_text_free(&settings);
}

static void put_examples(duet_run *run, duet_feature_source place, const json_t *origin)
{
    const char *split = text_of(origin, "split");
    const char *words = strcmp(split, "all") == 0     ? "both splits"
                        : strcmp(split, "train") == 0 ? "the training split"
                                                      : "the test split";
    (void)duet_text_print(run->given_origin[place], sizeof run->given_origin[place], "examples of %s of %s", words,
                          text_of(origin, "data"));
}

static duet_status check_samples(duet_run *run, const json_t *origin, duet_error *error)
{
    const char *file = run->given[DUET_OF_SAMPLES]->info.name, *sum = text_of(origin, "checksum");
    const long long step = (long long)json_integer_value(json_object_get(origin, "step"));
    if (run->directory == NULL || run->from.checksum[0] == '\0' || strcmp(sum, run->from.checksum) == 0) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s holds features of samples of %s at step %lld (checkpoint %s), and %s is at step %lld (%s): "
                     "make them again: duet features %s --judge JUDGE --seed %lld --out %s",
                     file, text_of(origin, "run"), step, sum, run->path, (long long)run->from.steps, run->from.checksum,
                     DUET_WORD("%s", run->path), (long long)json_integer_value(json_object_get(origin, "seed")),
                     DUET_WORD("%s", file));
}

static duet_status check_examples(duet_run *run, const json_t *origin, duet_error *error)
{
    const char *file = run->given[DUET_OF_EXAMPLES]->info.name, *split = text_of(origin, "split");
    char own[32];
    if (run->directory == NULL) return DUET_OK;
    DUET_TRY(sum_examples(run->data, split, own, error));
    if (strcmp(own, text_of(origin, "checksum")) == 0) return DUET_OK;
    const char *data = run->given_data;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s holds features of examples of %s (checksum %s), and %s is judged on %s (%s): make them again: "
                     "duet features %s --judge JUDGE --split %s%s%s --out %s",
                     file, text_of(origin, "data"), text_of(origin, "checksum"), run->path, run->data->info.name, own,
                     DUET_WORD("%s", run->path), split, data != NULL ? " --data " : "",
                     data != NULL ? DUET_WORD("%s", data) : "", DUET_WORD("%s", file));
}

/* What a file's note says of its rows, and whether it is of this run. Features of examples may stand for samples, as
 * those of a program without a run. */
static duet_status take_origin(duet_run *run, duet_feature_source place, const json_t *note, duet_error *error)
{
    const json_t *origin = json_object_get(note, "origin");
    const bool of_samples = strcmp(text_of(note, "of"), sources[DUET_OF_SAMPLES]) == 0;
    if (!json_is_object(origin)) return DUET_OK;
    if (of_samples)
        put_samples(run, place, origin);
    else
        put_examples(run, place, origin);
    if (place == DUET_OF_SAMPLES) return of_samples ? check_samples(run, origin, error) : DUET_OK;
    return of_samples ? DUET_OK : check_examples(run, origin, error);
}

static duet_status check(json_t *a, json_t *b, duet_data *of_samples, duet_data *of_examples, duet_error *error)
{
    const char *first = duet_data_describe(of_samples)->name, *second = duet_data_describe(of_examples)->name;
    json_t *by_a = json_object_get(a, "judge"), *by_b = json_object_get(b, "judge");
    if (strcmp(text_of(a, "of"), sources[DUET_OF_EXAMPLES]) == 0 &&
        strcmp(text_of(b, "of"), sources[DUET_OF_SAMPLES]) == 0)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s holds features of examples and %s of samples: those of samples are named first", first,
                         second);
    if (strcmp(text_of(by_a, "checksum"), text_of(by_b, "checksum")) == 0) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s holds features by the judge %s (%s) and %s by %s (%s): distances between them say nothing; "
                     "make both with one judge ('duet features')",
                     first, text_of(by_a, "name"), text_of(by_a, "checksum"), second, text_of(by_b, "name"),
                     text_of(by_b, "checksum"));
}

duet_status duet_features_check_notes(duet_run *run, duet_error *error)
{
    duet_data *of_samples = run->given[DUET_OF_SAMPLES], *of_examples = run->given[DUET_OF_EXAMPLES];
    json_t *a = NULL, *b = NULL;
    duet_status status = read_note(of_samples, &a, error);
    if (status == DUET_OK) status = read_note(of_examples, &b, error);
    if (status == DUET_OK && a != NULL && b != NULL) status = check(a, b, of_samples, of_examples, error);
    if (status == DUET_OK) status = take_origin(run, DUET_OF_SAMPLES, a, error);
    if (status == DUET_OK) status = take_origin(run, DUET_OF_EXAMPLES, b, error);
    json_decref(a);
    json_decref(b);
    return status;
}

duet_status duet_features_look(duet_data *of_samples, duet_data *of_examples, duet_error *error)
{
    duet_data *const both[] = {of_samples, of_examples};
    bool same;
    for (size_t i = 0; i < 2; i++) {
        duet_notes_free(&both[i]->notes); /* of examples: these are none */
        DUET_TRY(duet_data_are_rows_equal(both[i], &same, error));
        if (same)
            duet_notes_add(&both[i]->notes, false,
                           "%s: all its %zu rows are equal, so that metrics of them say nothing: look at what the "
                           "encoder was given",
                           both[i]->info.name, duet_data_rows(both[i]));
    }
    DUET_TRY(duet_data_are_rows_same(of_samples, of_examples, &same, error));
    if (same)
        duet_notes_add(&of_samples->notes, false,
                       "%s and %s hold the same rows: features of samples are compared with features of the data's "
                       "examples, and these are one of both",
                       of_samples->info.name, of_examples->info.name);
    return DUET_OK;
}
