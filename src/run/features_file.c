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

static duet_status write_note(const char *path, const char *array, duet_feature_source of,
                              const duet_features_identity *by, duet_error *error)
{
    char name[sizeof by->name]; /* whatever bytes the judge's directory is called by */
    duet_text_clean(by->name, name, sizeof name);
    json_t *note = json_pack("{s:i, s:s, s:s, s:{s:s, s:s}}", "schema", 1, "of", sources[of], "array", array, "judge",
                             "name", name, "checksum", by->checksum);
    char *text = note == NULL ? NULL : duet_json_write(note, JSON_INDENT(2));
    duet_status status = text == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s cannot be composed: out of memory", path)
                             : duet_file_replace(path, text, strlen(text), error);
    free(text);
    json_decref(note);
    return status;
}

duet_status duet_features_write(const char *path, const float *values, size_t count, size_t width,
                                duet_feature_source of, const duet_features_identity *by, duet_error *error)
{
    duet_data *written = NULL;
    char *note = duet_features_note_path(path);
    if (note == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    duet_status status = duet_write_npy(path, values, DUET_SHAPE(count, width), error);
    if (status == DUET_OK) status = duet_data_open_for_use(&written, path, DUET_DIVISION_LAST, error);
    if (status == DUET_OK) status = duet_data_checksum(written, error);
    if (status == DUET_OK) status = write_note(note, duet_data_describe(written)->checksum, of, by, error);
    duet_data_close(&written);
    free(note);
    return status;
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

duet_status duet_features_check_notes(duet_data *of_samples, duet_data *of_examples, duet_error *error)
{
    json_t *a = NULL, *b = NULL;
    duet_status status = read_note(of_samples, &a, error);
    if (status == DUET_OK) status = read_note(of_examples, &b, error);
    if (status == DUET_OK && a != NULL && b != NULL) status = check(a, b, of_samples, of_examples, error);
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
