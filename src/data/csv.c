/* SPDX-License-Identifier: MIT */
/* CSV (RFC 4180) with a line of names on top: columns of numbers, and one of labels, numbers or words. The numbers are
 * kept in memory, as float32. */
#include "data/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/data.h"
#include "data/foreign.h"
#include "data/memory.h"
#include "data/picture.h"
#include "data/rounding.h"

duet_status duet_csv_fail_memory(const duet_csv *it, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", it->path);
}

long duet_csv_column(const duet_csv *it, const char *name)
{
    for (size_t i = 0; i < it->columns; i++)
        if (strcmp(it->names[i], name) == 0) return (long)i;
    for (size_t i = 0; i < it->columns; i++)
        if (strcasecmp(it->names[i], name) == 0) return (long)i;
    return DUET_CSV_NONE;
}

/* A name is one line, whatever its quotes hold. Of "# a" it is "a": so numpy.savetxt marks the line of names. */
static char *name_of(duet_csv *it, const char *field)
{
    if (it->columns == 0 && field[0] == '#' && field[1] != '\0') {
        it->hashed = true;
        field += 1 + strspn(field + 1, " #");
    }
    char *name = strdup(field);
    if (name != NULL) duet_csv_make_one_line(name);
    return name;
}

/* Whether the record has nothing behind so many columns. */
static bool ends_behind(const duet_csv *it, size_t columns)
{
    for (size_t i = columns; i < it->records.count; i++)
        if (it->records.fields[i][0] != '\0') return false;
    return true;
}

/* Whether the record has a field for each column, and in all others that the first line has nothing; but in a file of
 * labels, where what stands beside them is not read. */
static bool fits(const duet_csv *it)
{
    if (it->records.count < it->columns || it->records.count > it->columns + it->ends) return false;
    return (duet_csv_only_labels(it) && it->columns > 1) || ends_behind(it, it->columns);
}

/* Columns at the end without a name, of which the first example has nothing, are none, if they do not name pictures. */
static duet_status drop_ends(duet_csv *it, bool *more, duet_error *error)
{
    size_t named = it->columns;
    while (named > 1 && it->names[named - 1][0] == '\0') named--;
    if (named == it->columns || (duet_csv_only_labels(it) && it->options->key > named)) return DUET_OK;
    DUET_TRY(duet_records_next(&it->records, more, error));
    it->ahead = true;
    if (!*more || it->records.count < named || it->records.count > it->columns || !ends_behind(it, named))
        return DUET_OK;
    it->ends = it->columns - named;
    while (it->columns > named) free(it->names[--it->columns]);
    return DUET_OK;
}

/* Whether the first line is numbers, and so an example, unless it counts its columns from 0, as pandas names those that
 * nobody named: of a few columns that could be an example too. */
static bool is_unnamed(const duet_csv *it)
{
    enum { SURE = 4 };
    double number;
    bool numbers = true, counts = it->columns >= SURE;
    for (size_t i = 0; i < it->columns; i++) {
        numbers = numbers && duet_number_read(it->names[i], &number);
        counts = counts && numbers && number == (double)i;
    }
    return numbers && !counts;
}

static duet_status read_header(duet_csv *it, bool *more, duet_error *error)
{
    DUET_TRY(duet_records_next(&it->records, more, error));
    if (!*more) return duet_fail(error, DUET_ERROR_DATA, "%s: holds no examples", it->path);
    it->names = calloc(it->records.count, sizeof *it->names);
    it->ranges = calloc(it->records.count, sizeof *it->ranges);
    it->points = calloc(it->records.count, sizeof *it->points);
    if (it->names == NULL || it->ranges == NULL || it->points == NULL) return duet_csv_fail_memory(it, error);
    for (; it->columns < it->records.count; it->columns++) {
        it->names[it->columns] = name_of(it, it->records.fields[it->columns]);
        if (it->names[it->columns] == NULL) return duet_csv_fail_memory(it, error);
    }
    const char *words = duet_foreign_by_start((const unsigned char *)it->names[0], strlen(it->names[0]));
    if (words != NULL) return duet_fail(error, DUET_ERROR_DATA, "%s: %s", it->path, words);
    DUET_TRY(drop_ends(it, more, error));
    const bool given = it->hashed; /* "# 0,1" are names that numpy.savetxt was given */
    if (!given && is_unnamed(it)) return duet_csv_fail_names(it, error);
    for (size_t i = 0; duet_csv_only_labels(it) && i < it->columns; i++)
        if (duet_picture_name_is(it->names[i])) return duet_csv_fail_example(it, i, error);
    return duet_csv_find_labels(it, error);
}

bool duet_csv_is_truth(const char *text, bool *truth)
{
    *truth = strcasecmp(text, "true") == 0;
    return *truth || strcasecmp(text, "false") == 0;
}

static duet_status add_value(duet_csv *it, size_t column, duet_error *error)
{
    const char *text = it->records.fields[column];
    duet_csv_points *points = &it->points[column];
    double number;
    bool truth, is_truth = duet_csv_is_truth(text, &truth);
    if (is_truth) number = truth;
    if (points->truths != (is_truth ? it->rows : 0) || (!is_truth && !duet_number_read(text, &number)) ||
        !isfinite((float)number))
        return duet_csv_fail_cell(it, column, text, error);
    if (!duet_array_grow(&it->values, it->count, &it->capacity, sizeof *it->values))
        return duet_csv_fail_memory(it, error);
    it->values[it->count++] = (float)number;
    duet_reach_widen(&it->ranges[column], it->rows == 0, number);
    size_t marks;
    points->truths += is_truth;
    if (duet_csv_has_thousands(text, '.', &marks)) *(marks == 0 ? &points->small : &points->marked) += 1;
    return DUET_OK;
}

static duet_status add_row(duet_csv *it, duet_error *error)
{
    if (!fits(it)) return duet_csv_fail_width(it, error);
    if (duet_csv_only_labels(it)) {
        DUET_TRY(duet_csv_add_label_line(it, error));
    } else {
        for (size_t i = 0; i < it->columns; i++)
            DUET_TRY((long)i == it->label ? duet_csv_add_label(it, it->records.fields[i], error)
                                          : add_value(it, i, error));
    }
    it->rows++;
    return DUET_OK;
}

/* The features' names, a line each, by which two files are known to have the same columns. */
static char *feature_names(const duet_csv *it)
{
    duet_text text = {0};
    for (size_t i = 0; i < it->columns; i++)
        if ((long)i != it->label) duet_text_add(&text, "%s\n", it->names[i]);
    char *names = text.failed ? NULL : strdup(duet_text_get(&text));
    duet_text_free(&text);
    return names;
}

static duet_status take_rows(duet_csv *it, duet_rows *rows, duet_error *error)
{
    rows->count = it->rows;
    size_t features = it->count / it->rows;
    rows->shape = features == 0 ? (duet_shape){0} : DUET_SHAPE(features);
    rows->row_elements = features == 0 ? 1 : features;
    rows->rounding_said = duet_csv_tell_of_rows(it);
    DUET_TRY(duet_csv_take_labels(it, &rows->labels, error));
    if ((rows->columns = feature_names(it)) == NULL) return duet_csv_fail_memory(it, error);
    rows->element = DUET_ELEMENT_FLOAT32;
    float *values = it->values;
    it->values = NULL;
    return duet_rows_lie_in_memory(rows, values, true, error);
}

static duet_status read_all(duet_csv *it, duet_rows *rows, duet_error *error)
{
    bool more;
    DUET_TRY(read_header(it, &more, error));
    DUET_TRY(duet_csv_check_names(it, error));
    duet_csv_tell_of_names(it);
    for (;;) {
        if (!it->ahead) DUET_TRY(duet_records_next(&it->records, &more, error));
        it->ahead = false;
        if (!more) break;
        if (it->records.empty > 0 && it->columns == 1)
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s, line %zu: is empty, which in a file of one column is a place without a value: fill "
                             "it or take the line out",
                             it->path, it->records.empty);
        DUET_TRY(add_row(it, error));
    }
    if (it->rows == 0) return duet_fail(error, DUET_ERROR_DATA, "%s: holds no examples", it->path);
    DUET_TRY(take_rows(it, rows, error));
    return duet_csv_take_keys(it, rows, error);
}

static duet_csv *csv_new(duet_stream *stream, const char *path, const duet_data_options *options)
{
    duet_csv *it = calloc(1, sizeof *it);
    if (it == NULL) return NULL;
    it->records.stream = stream;
    it->records.path = it->path = path;
    it->options = options;
    return it;
}

static void csv_free(duet_csv *it)
{
    duet_class_names_free(it->names, it->columns);
    duet_class_names_free(it->words, it->word_count);
    duet_class_names_free(it->keys, it->key_count);
    duet_records_free(&it->records);
    free(it->ranges);
    free(it->points);
    free(it->hot);
    free(it->contents);
    free(it->classes);
    free(it->values);
    free(it);
}

static duet_status open_csv(duet_rows *rows, duet_stream *stream, const duet_data_options *options, duet_error *error)
{
    duet_csv *it = csv_new(stream, rows->path, options);
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    duet_error own = {0};
    duet_status status = read_all(it, rows, &own);
    csv_free(it);
    return status == DUET_OK ? DUET_OK : duet_fail(error, status, "%s", own.message);
}

bool duet_csv_is_file_name(const char *path)
{
    static const char *const endings[] = {".csv", ".csv.gz"};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t end = strlen(endings[i]);
        if (length > end && strcasecmp(path + length - end, endings[i]) == 0) return true;
    }
    return false;
}

static bool is_csv(const duet_stream *stream)
{
    return duet_csv_is_file_name(stream->path);
}

static bool has_column(const char *path, const char *name)
{
    duet_stream stream = {0};
    bool has = false, more;
    if (!duet_csv_is_file_name(path) || duet_stream_open(&stream, path, NULL) != DUET_OK) return false;
    duet_csv *it = csv_new(&stream, path, NULL);
    if (it != NULL) has = read_header(it, &more, NULL) == DUET_OK && duet_csv_column(it, name) != DUET_CSV_NONE;
    if (it != NULL) csv_free(it);
    duet_stream_close(&stream);
    return has;
}

bool duet_csv_has_column(const char *path, const char *name)
{
    duet_data_files files;
    const char *first = NULL;
    if (duet_data_files_find(&files, path, &(duet_data_options){.for_use = true}, NULL) == DUET_OK)
        first = files.examples[files.examples[DUET_TRAIN] != NULL ? DUET_TRAIN : DUET_TEST];
    bool has = first != NULL && has_column(first, name);
    duet_data_files_free(&files);
    return has;
}

const duet_format duet_format_csv = {"CSV", NULL, ".csv", {0}, 0, is_csv, open_csv};
