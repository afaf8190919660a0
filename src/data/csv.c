/* SPDX-License-Identifier: MIT */
/* CSV (RFC 4180) with a line of names on top: columns of numbers, and one of labels, numbers or words. The separator is
 * the one that the first line has most of. The numbers are kept in memory, as float32. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/number.h"
#include "base/size.h"
#include "base/status.h"
#include "base/text.h"
#include "data/class_names.h"
#include "data/memory.h"

enum { MOST_CLASSES = 256, LONGEST_LINE = 64 << 20, SHOWN = 40, FEW_ROWS = 10, NONE = -1 };

/* A file on its way in: the line being read, cut into fields, and what the lines before gave. */
typedef struct reader {
    duet_stream *stream;
    const duet_data_options *options;
    const char *path;
    unsigned char buffer[64 * 1024];
    size_t filled, used;
    char *line; /* with NULs between its fields */
    size_t line_capacity, number;
    char **fields;
    size_t field_count, field_capacity;
    char separator;
    char **names; /* of the columns */
    size_t columns;
    long label; /* the column of labels; NONE */
    float *values;
    size_t count, capacity; /* of values */
    size_t *classes;        /* by row, numbers of `words` */
    size_t rows, class_capacity;
    char **words;
    size_t word_count, word_capacity;
} reader;

static duet_status fail_memory(const reader *it, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", it->path);
}

/* The next byte; -1 at the end, -2 after an error. */
static int next_byte(reader *it, duet_error *error)
{
    if (it->used == it->filled) {
        it->used = 0;
        if (duet_stream_read_some(it->stream, it->buffer, sizeof it->buffer, &it->filled, error) != DUET_OK) return -2;
        bool more;
        if (it->filled == 0) return duet_stream_more(it->stream, it->stream->place, &more, error) == DUET_OK ? -1 : -2;
    }
    return it->buffer[it->used++];
}

static bool keep(reader *it, size_t *length, char c)
{
    if (*length + 1 >= it->line_capacity) {
        size_t larger = it->line_capacity == 0 ? 256 : 2 * it->line_capacity;
        char *line = larger > LONGEST_LINE ? NULL : realloc(it->line, larger);
        if (line == NULL) return false;
        it->line = line;
        it->line_capacity = larger;
    }
    it->line[(*length)++] = c;
    return true;
}

/* A carriage return ends a line, with a line feed behind it or, as old programs write it, alone. */
static int end_of_line(reader *it, duet_error *error)
{
    int next = next_byte(it, error);
    if (next == -2) return next;
    if (next != -1 && next != '\n') it->used--;
    return '\n';
}

/* The next line that is not empty; *more: there is one. */
static duet_status read_line(reader *it, bool *more, duet_error *error)
{
    size_t length = 0;
    for (int c; (c = next_byte(it, error)) != -1;) {
        if (c == '\r') c = end_of_line(it, error);
        if (c == -2) return error != NULL ? error->status : DUET_ERROR_FILE;
        if (c == 0)
            return duet_fail(error, DUET_ERROR_DATA, "%s: is no text: there is a zero byte in line %zu", it->path,
                             it->number + 1);
        if (c == '\n' && it->number++ + 1 > 0 && length == 0) continue;
        if (c == '\n') break;
        if (!keep(it, &length, (char)c))
            return duet_fail(error, DUET_ERROR_DATA, "%s: line %zu is longer than %d MiB", it->path, it->number + 1,
                             LONGEST_LINE >> 20);
    }
    *more = length > 0;
    if (*more) it->line[length] = '\0';
    return DUET_OK;
}

/* Without the spaces around it. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) text++;
    for (size_t length = strlen(text); length > 0 && isspace((unsigned char)text[length - 1]);) text[--length] = '\0';
    return text;
}

/* Takes a field that begins at `from`, in quotes or not, and returns where the next one begins; NULL: it was the last.
 * Two quotes within quotes are one. */
static char *cut_field(char *from, char separator, char **field, bool *sound)
{
    char *start = from + strspn(from, " "), *to, *end;
    *sound = true;
    if (*start != '"') {
        end = strchr(from, separator);
        if (end != NULL) *end = '\0';
        *field = trim(from);
        return end == NULL ? NULL : end + 1;
    }
    *field = to = ++start;
    for (; *start != '\0' && (*start != '"' || start[1] == '"'); start++) {
        if (*start == '"') start++;
        *to++ = *start;
    }
    *sound = *start == '"';
    end = *sound ? start + 1 + strspn(start + 1, " ") : start;
    *sound = *sound && (*end == separator || *end == '\0');
    bool last = *end == '\0';
    *to = '\0';
    return last || !*sound ? NULL : end + 1;
}

static duet_status cut(reader *it, duet_error *error)
{
    bool sound = true;
    it->field_count = 0;
    for (char *at = it->line; at != NULL;) {
        if (!duet_array_grow(&it->fields, it->field_count, &it->field_capacity, sizeof *it->fields))
            return fail_memory(it, error);
        at = cut_field(at, it->separator, &it->fields[it->field_count++], &sound);
    }
    if (sound) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "%s, line %zu: a quote that is not closed, or text behind one", it->path,
                     it->number);
}

static char find_separator(const char *line)
{
    static const char candidates[] = ",;\t";
    char best = ',';
    size_t most = 0;
    for (const char *c = candidates; *c != '\0'; c++) {
        size_t count = 0;
        for (const char *at = line; (at = strchr(at, *c)) != NULL; at++) count++;
        if (count > most) {
            most = count;
            best = *c;
        }
    }
    return best;
}

static long find_column(const reader *it, const char *name)
{
    for (size_t i = 0; i < it->columns; i++)
        if (strcasecmp(it->names[i], name) == 0) return (long)i;
    return NONE;
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

static duet_status find_labels(reader *it, duet_error *error)
{
    static const char *const usual[] = {"label", "labels", "class", "target"};
    const char *asked = it->options == NULL ? NULL : it->options->labels;
    it->label = asked == NULL ? NONE : find_column(it, asked);
    for (size_t i = 0; asked == NULL && it->label == NONE && i < sizeof usual / sizeof *usual; i++)
        it->label = find_column(it, usual[i]);
    bool only = it->options != NULL && it->options->only_labels;
    for (size_t i = 0; asked == NULL && !only && it->label != NONE && i < sizeof usual / sizeof *usual; i++) {
        long other = find_column(it, usual[i]);
        if (other != NONE && other != it->label && it->options != NULL && it->options->notes != NULL)
            duet_notes_add(
                it->options->notes, false,
                "%s: \"%s\" holds the labels, and \"%s\" is read as one of the numbers: if it tells the same, "
                "take it out; if it is the labels, name it with --labels",
                it->path, it->names[it->label], it->names[other]);
    }
    if (only && it->label == NONE) it->label = (long)it->columns - 1;
    if (asked == NULL || it->label != NONE || is_file(asked)) return DUET_OK;
    duet_text names = {0};
    for (size_t i = 0; i < it->columns && i < 12; i++) duet_text_add(&names, "%s%s", i > 0 ? ", " : "", it->names[i]);
    duet_status status = duet_fail(error, DUET_ERROR_DATA, "%s: has no column \"%s\", nor is that a file; it has %s%s",
                                   it->path, asked, duet_text_get(&names), it->columns > 12 ? ", ..." : "");
    duet_text_free(&names);
    return status;
}

static duet_status read_header(reader *it, duet_error *error)
{
    bool more, numbers = true;
    double number;
    DUET_TRY(read_line(it, &more, error));
    if (!more) return duet_fail(error, DUET_ERROR_DATA, "%s: holds no examples", it->path);
    if (strncmp(it->line, "\xEF\xBB\xBF", 3) == 0) memmove(it->line, it->line + 3, strlen(it->line) - 2);
    it->separator = find_separator(it->line);
    DUET_TRY(cut(it, error));
    it->names = calloc(it->field_count, sizeof *it->names);
    if (it->names == NULL) return fail_memory(it, error);
    for (; it->columns < it->field_count; it->columns++) {
        numbers = numbers && duet_number_read(it->fields[it->columns], &number);
        it->names[it->columns] = strdup(it->fields[it->columns]);
        if (it->names[it->columns] == NULL) return fail_memory(it, error);
    }
    if (numbers)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: its first line holds numbers, and the names of its %zu columns are expected: put a line "
                         "such as label,x1,x2,... on top",
                         it->path, it->columns);
    return find_labels(it, error);
}

/* Words that programs write for what they do not know. */
static bool is_missing(const char *text)
{
    static const char *const words[] = {"", "?", "-", "na", "n/a", "nan", "null", "none", "inf", "-inf"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) return true;
    return false;
}

static bool has_decimal_comma(const char *text)
{
    size_t before = strspn(text, "+-0123456789");
    return text[before] == ',' && text[before + 1] != '\0' &&
           strspn(text + before + 1, "0123456789eE+-") == strlen(text + before + 1);
}

static duet_status fail_cell(const reader *it, size_t column, const char *text, duet_error *error)
{
    char shown[SHOWN];
    double number;
    bool is_number = duet_number_read(text, &number);
    const char *what = "is no number", *remedy = "take the column out, or name it as the labels with --labels NAME";
    if ((long)column == it->label) what = "is no label";
    if (is_missing(text)) {
        remedy = "fill such places or take the line out";
    } else if (is_number) {
        what = "is beyond what float32 holds";
        remedy = "scale the column, or take it or the line out";
    } else if (has_decimal_comma(text)) {
        remedy = "numbers are expected with a point, such as 0.5, and without marks between thousands";
    }
    duet_text_clean(text, shown, sizeof shown);
    return duet_fail(error, DUET_ERROR_DATA, "%s, line %zu: \"%s\" in the column \"%s\" %s; %s", it->path, it->number,
                     shown, it->names[column], what, remedy);
}

static duet_status add_label(reader *it, const char *word, duet_error *error)
{
    size_t k = it->rows > 0 ? it->classes[it->rows - 1] : 0; /* most often that of the row before */
    if (word[0] == '\0') return fail_cell(it, (size_t)it->label, word, error);
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

static duet_status add_value(reader *it, size_t column, duet_error *error)
{
    const char *text = it->fields[column];
    double number;
    if (!duet_number_read(text, &number) || !isfinite((float)number)) return fail_cell(it, column, text, error);
    if (!duet_array_grow(&it->values, it->count, &it->capacity, sizeof *it->values)) return fail_memory(it, error);
    it->values[it->count++] = (float)number;
    return DUET_OK;
}

static duet_status add_row(reader *it, duet_error *error)
{
    DUET_TRY(cut(it, error));
    if (it->field_count != it->columns)
        return duet_fail(error, DUET_ERROR_DATA, "%s, line %zu: %zu fields, but the first line names %zu columns",
                         it->path, it->number, it->field_count, it->columns);
    bool only = it->options != NULL && it->options->only_labels;
    for (size_t i = 0; i < it->columns; i++) {
        if ((long)i == it->label)
            DUET_TRY(add_label(it, it->fields[i], error));
        else if (!only)
            DUET_TRY(add_value(it, i, error));
    }
    it->rows++;
    return DUET_OK;
}

/* Whether the words are all whole numbers that do for labels: then they are these numbers. */
static bool are_numbers(const reader *it, uint8_t numbers[MOST_CLASSES])
{
    for (size_t i = 0; i < it->word_count; i++) {
        double number;
        if (!duet_number_read(it->words[i], &number) || number < 0 || number > 255 || number != floor(number))
            return false;
        numbers[i] = (uint8_t)number;
    }
    return true;
}

static duet_status take_labels(reader *it, duet_labels *labels, duet_error *error)
{
    uint8_t numbers[MOST_CLASSES];
    if (it->label == NONE) return DUET_OK;
    labels->values = malloc(it->rows);
    if (labels->values == NULL) return fail_memory(it, error);
    labels->asked_for =
        it->options != NULL && it->options->labels != NULL && find_column(it, it->options->labels) == it->label;
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

/* Whether the feature of that place is the number of its row, from 0 or from 1. */
static bool counts_rows(const reader *it, size_t place, size_t features)
{
    float first = it->values[place];
    if (it->rows < FEW_ROWS || (first != 0 && first != 1)) return false;
    for (size_t i = 0; i < it->rows; i++)
        if (it->values[i * features + place] != first + (float)i) return false;
    return true;
}

/* A program's index of the rows would be learnt like a measurement. */
static void tell_of_index(const reader *it, size_t features)
{
    for (size_t i = 0, place = 0; it->options != NULL && it->options->notes != NULL && i < it->columns; i++) {
        if ((long)i == it->label) continue;
        if (counts_rows(it, place, features))
            duet_notes_add(it->options->notes, false,
                           "%s: the column \"%s\" counts the rows: if it is no more than their index, take it out (of "
                           "pandas: to_csv(..., index=False))",
                           it->path, it->names[i]);
        place++;
    }
}

/* The features' names, a line each, by which two files are known to have the same columns. */
static char *feature_names(const reader *it)
{
    duet_text text = {0};
    for (size_t i = 0; i < it->columns; i++)
        if ((long)i != it->label) duet_text_add(&text, "%s\n", it->names[i]);
    char *names = text.failed ? NULL : strdup(duet_text_get(&text));
    duet_text_free(&text);
    return names;
}

static duet_status take_rows(reader *it, duet_rows *rows, duet_error *error)
{
    rows->count = it->rows;
    size_t features = it->count / it->rows;
    rows->shape = features == 0 ? (duet_shape){0} : DUET_SHAPE(features);
    rows->row_elements = features == 0 ? 1 : features;
    if (features > 0) tell_of_index(it, features);
    DUET_TRY(take_labels(it, &rows->labels, error));
    if ((rows->columns = feature_names(it)) == NULL) return fail_memory(it, error);
    rows->element = DUET_ELEMENT_FLOAT32;
    float *values = it->values;
    it->values = NULL;
    return duet_rows_lie_in_memory(rows, values, true, error);
}

static duet_status read_all(reader *it, duet_rows *rows, duet_error *error)
{
    bool more;
    DUET_TRY(read_header(it, error));
    for (;;) {
        DUET_TRY(read_line(it, &more, error));
        if (!more) break;
        DUET_TRY(add_row(it, error));
    }
    if (it->rows == 0) return duet_fail(error, DUET_ERROR_DATA, "%s: holds no examples", it->path);
    return take_rows(it, rows, error);
}

static duet_status open_csv(duet_rows *rows, duet_stream *stream, const duet_data_options *options, duet_error *error)
{
    reader *it = calloc(1, sizeof *it);
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    it->stream = stream;
    it->options = options;
    it->path = rows->path;
    duet_error own = {0};
    duet_status status = read_all(it, rows, &own);
    duet_class_names_free(it->names, it->columns);
    duet_class_names_free(it->words, it->word_count);
    free(it->line);
    free(it->fields);
    free(it->classes);
    free(it->values);
    free(it);
    return status == DUET_OK ? DUET_OK : duet_fail(error, status, "%s", own.message);
}

static bool is_csv(const duet_stream *stream)
{
    static const char *const endings[] = {".csv", ".csv.gz"};
    size_t length = strlen(stream->path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t end = strlen(endings[i]);
        if (length > end && strcasecmp(stream->path + length - end, endings[i]) == 0) return true;
    }
    return false;
}

const duet_format duet_format_csv = {"CSV", NULL, ".csv", {0}, 0, is_csv, open_csv};
