/* SPDX-License-Identifier: MIT */
/* CSV (RFC 4180) with a line of names on top: columns of numbers, and one of labels, numbers or words. The numbers are
 * kept in memory, as float32. */
#include "data/csv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/data.h"
#include "data/memory.h"
#include "data/picture.h"

enum { MOST_CLASSES = 256 };

static duet_status fail_memory(const duet_csv *it, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", it->path);
}

static bool only_labels(const duet_csv *it)
{
    return it->options != NULL && it->options->only_labels;
}

/* The column of that name, in capitals or not; DUET_CSV_NONE. */
static long column_named(const duet_csv *it, const char *name)
{
    for (size_t i = 0; i < it->columns; i++)
        if (strcasecmp(it->names[i], name) == 0) return (long)i;
    return DUET_CSV_NONE;
}

static const char *const label_names[] = {"label", "labels", "class", "target", NULL};
static const char *const key_names[] = {"file", "filename", "file_name", "filepath", "path", "image", "image_name",
                                        "img",  "name",     "id",        "image_id", "key",  "index", NULL};

/* The first column that is called as one of the list, but for `without`. */
static long find_named(const duet_csv *it, const char *const *list, long without)
{
    for (; *list != NULL; list++) {
        long column = column_named(it, *list);
        if (column != DUET_CSV_NONE && column != without) return column;
    }
    return DUET_CSV_NONE;
}

bool duet_csv_is_label_name(const char *name)
{
    for (size_t i = 0; label_names[i] != NULL; i++)
        if (strcasecmp(name, label_names[i]) == 0) return true;
    return false;
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

static duet_status find_labels(duet_csv *it, duet_error *error)
{
    const char *asked = it->options == NULL ? NULL : it->options->labels;
    it->key = DUET_CSV_NONE;
    it->label = asked == NULL ? find_named(it, label_names, DUET_CSV_NONE) : column_named(it, asked);
    if (only_labels(it) && it->label == DUET_CSV_NONE) it->label = (long)it->columns - 1;
    if (only_labels(it)) it->key = find_named(it, key_names, it->label);
    if (asked == NULL || it->label != DUET_CSV_NONE || is_file(asked)) return DUET_OK;
    duet_text names = {0};
    for (size_t i = 0; i < it->columns && i < 12; i++) duet_text_add(&names, "%s%s", i > 0 ? ", " : "", it->names[i]);
    duet_status status = duet_fail(error, DUET_ERROR_DATA, "%s: has no column \"%s\", nor is that a file; it has %s%s",
                                   it->path, asked, duet_text_get(&names), it->columns > 12 ? ", ..." : "");
    duet_text_free(&names);
    return status;
}

static void make_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\n') *text = ' ';
}

/* A name is one line, whatever its quotes hold. Of "# a" it is "a": so numpy.savetxt marks the line of names. */
static char *name_of(duet_csv *it, const char *field)
{
    if (it->columns == 0 && field[0] == '#' && field[1] != '\0') {
        it->hashed = true;
        field += 1 + strspn(field + 1, " #");
    }
    char *name = strdup(field);
    if (name != NULL) make_one_line(name);
    return name;
}

static duet_status read_header(duet_csv *it, duet_error *error)
{
    bool more, numbers = true;
    double number;
    DUET_TRY(duet_records_next(&it->records, &more, error));
    if (!more) return duet_fail(error, DUET_ERROR_DATA, "%s: holds no examples", it->path);
    it->names = calloc(it->records.count, sizeof *it->names);
    it->ranges = calloc(it->records.count, sizeof *it->ranges);
    if (it->names == NULL || it->ranges == NULL) return fail_memory(it, error);
    for (; it->columns < it->records.count; it->columns++) {
        numbers = numbers && duet_number_read(it->records.fields[it->columns], &number);
        it->names[it->columns] = name_of(it, it->records.fields[it->columns]);
        if (it->names[it->columns] == NULL) return fail_memory(it, error);
    }
    if (numbers)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: its first line holds numbers, and the names of its %zu columns are expected: put a line "
                         "such as label,x1,x2,... on top",
                         it->path, it->columns);
    return find_labels(it, error);
}

/* Without spaces around it, which nobody means: "cat " is "cat". */
static duet_status add_label(duet_csv *it, char *text, duet_error *error)
{
    char *word = text + strspn(text, " \t");
    for (size_t length = strlen(word); length > 0 && isspace((unsigned char)word[length - 1]);) word[--length] = '\0';
    make_one_line(word);
    size_t k = it->rows > 0 ? it->classes[it->rows - 1] : 0; /* most often that of the row before */
    if (word[0] == '\0') return duet_csv_fail_cell(it, (size_t)it->label, word, error);
    if (it->rows == 0 || strcmp(it->words[k], word) != 0)
        for (k = 0; k < it->word_count && strcmp(it->words[k], word) != 0;) k++;
    if (k == it->word_count) {
        if (k == MOST_CLASSES)
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s: the column \"%s\" holds more than %d different values; %d classes are possible: name "
                             "the column of labels with --labels NAME",
                             it->path, it->names[it->label], MOST_CLASSES, MOST_CLASSES);
        if (!duet_array_grow(&it->words, k, &it->word_capacity, sizeof *it->words) ||
            (it->words[k] = strdup(word)) == NULL)
            return fail_memory(it, error);
        it->word_count++;
    }
    if (!duet_array_grow(&it->classes, it->rows, &it->class_capacity, sizeof *it->classes))
        return fail_memory(it, error);
    it->classes[it->rows] = k;
    return DUET_OK;
}

static duet_status add_value(duet_csv *it, size_t column, duet_error *error)
{
    const char *text = it->records.fields[column];
    double number;
    if (!duet_number_read(text, &number) || !isfinite((float)number))
        return duet_csv_fail_cell(it, column, text, error);
    if (!duet_array_grow(&it->values, it->count, &it->capacity, sizeof *it->values)) return fail_memory(it, error);
    it->values[it->count++] = (float)number;
    duet_csv_range *range = &it->ranges[column];
    if (it->rows == 0 || number < range->low) range->low = number;
    if (it->rows == 0 || number > range->high) range->high = number;
    range->rounded |= number != (double)(float)number;
    return DUET_OK;
}

/* A column is known for one of file names by its first one. */
static void find_key(duet_csv *it)
{
    for (size_t i = 0; it->rows == 0 && it->key == DUET_CSV_NONE && i < it->columns; i++)
        if ((long)i != it->label && duet_picture_name_is(it->records.fields[i])) it->key = (long)i;
}

static duet_status add_key(duet_csv *it, duet_error *error)
{
    find_key(it);
    if (it->key == DUET_CSV_NONE) return DUET_OK;
    if (!duet_array_grow(&it->keys, it->rows, &it->key_capacity, sizeof *it->keys)) return fail_memory(it, error);
    it->keys[it->rows] = strdup(it->records.fields[it->key]);
    if (it->keys[it->rows] == NULL) return fail_memory(it, error);
    it->key_count++;
    return DUET_OK;
}

static duet_status add_row(duet_csv *it, duet_error *error)
{
    if (it->records.count != it->columns) return duet_csv_fail_width(it, error);
    if (only_labels(it)) DUET_TRY(add_key(it, error));
    for (size_t i = 0; i < it->columns; i++) {
        if ((long)i == it->label)
            DUET_TRY(add_label(it, it->records.fields[i], error));
        else if (!only_labels(it))
            DUET_TRY(add_value(it, i, error));
    }
    it->rows++;
    return DUET_OK;
}

/* Whether the words are all whole numbers that do for labels: then they are these numbers. */
static bool are_numbers(const duet_csv *it, uint8_t numbers[MOST_CLASSES])
{
    for (size_t i = 0; i < it->word_count; i++) {
        double number;
        if (!duet_number_read(it->words[i], &number) || number < 0 || number > 255 || number != floor(number))
            return false;
        numbers[i] = (uint8_t)number;
    }
    return true;
}

static duet_status take_labels(duet_csv *it, duet_labels *labels, duet_error *error)
{
    uint8_t numbers[MOST_CLASSES];
    if (it->label == DUET_CSV_NONE) return DUET_OK;
    labels->values = malloc(it->rows);
    if (labels->values == NULL) return fail_memory(it, error);
    labels->asked_for =
        it->options != NULL && it->options->labels != NULL && column_named(it, it->options->labels) == it->label;
    bool named = !are_numbers(it, numbers);
    for (size_t i = 0; i < it->rows; i++) labels->values[i] = named ? (uint8_t)it->classes[i] : numbers[it->classes[i]];
    if (!named) return DUET_OK;
    labels->names = it->words;
    labels->name_count = it->word_count;
    it->words = NULL;
    it->word_count = 0;
    duet_labels_sort(labels, it->rows);
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
    rows->rounding_said = duet_csv_tell_of_rows(it, features);
    DUET_TRY(take_labels(it, &rows->labels, error));
    if ((rows->columns = feature_names(it)) == NULL) return fail_memory(it, error);
    rows->element = DUET_ELEMENT_FLOAT32;
    float *values = it->values;
    it->values = NULL;
    return duet_rows_lie_in_memory(rows, values, true, error);
}

/* What names each example, and the column that does. */
static duet_status take_keys(duet_csv *it, duet_rows *rows, duet_error *error)
{
    if (it->keys == NULL) return DUET_OK;
    rows->key_column = strdup(it->names[it->key]);
    if (rows->key_column == NULL) return fail_memory(it, error);
    rows->keys = it->keys;
    it->keys = NULL;
    it->key_count = 0;
    return DUET_OK;
}

static duet_status read_all(duet_csv *it, duet_rows *rows, duet_error *error)
{
    bool more;
    DUET_TRY(read_header(it, error));
    duet_csv_tell_of_names(it);
    for (;;) {
        DUET_TRY(duet_records_next(&it->records, &more, error));
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
    return take_keys(it, rows, error);
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

static bool ends_as_csv(const char *path)
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
    return ends_as_csv(stream->path);
}

static bool has_column(const char *path, const char *name)
{
    duet_stream stream = {0};
    bool has = false;
    if (!ends_as_csv(path) || duet_stream_open(&stream, path, NULL) != DUET_OK) return false;
    duet_csv *it = csv_new(&stream, path, NULL);
    if (it != NULL) has = read_header(it, NULL) == DUET_OK && column_named(it, name) != DUET_CSV_NONE;
    if (it != NULL) csv_free(it);
    duet_stream_close(&stream);
    return has;
}

bool duet_csv_has_column(const char *path, const char *name)
{
    duet_data_files files;
    const char *first = NULL;
    if (duet_data_files_find(&files, path, true, NULL) == DUET_OK)
        first = files.examples[files.examples[DUET_TRAIN] != NULL ? DUET_TRAIN : DUET_TEST];
    bool has = first != NULL && has_column(first, name);
    duet_data_files_free(&files);
    return has;
}

const duet_format duet_format_csv = {"CSV", NULL, ".csv", {0}, 0, is_csv, open_csv};
