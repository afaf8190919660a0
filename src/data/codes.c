/* SPDX-License-Identifier: MIT */
/* Numbers far from all others: one alone, which may be a mistake, and those that are there again and again and stand
 * for what nobody knows, -999 and the like. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/text.h"
#include "data/columns.h"
#include "data/data.h"
#include "data/plausible.h"
#include "data/remedy.h"

enum {
    ROWS = 4096 /* that are looked at */,
    NUMBERS = 1 << 20,
    OFTEN = 3,
    FAR = 1000 /* times all others */,
    FEW = 3 /* values of which none is far from the others by chance */,
    USUAL = 10 /* one in so many rows */
};

static bool is_among(float value, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (value == values[i]) return true;
    return false;
}

static bool is_nines(float value)
{
    static const float codes[] = {99, 999, 9999, 99999, 999999};
    return is_among(fabsf(value), codes, sizeof codes / sizeof *codes);
}

/* The ends of whole numbers of 16 and 32 bits. */
static bool is_least(float value)
{
    static const float codes[] = {-32767, -32768, -2147483648.0F};
    return is_among(value, codes, sizeof codes / sizeof *codes);
}

/* What NetCDF, GeoTIFF and others fill with: 9.96921e36, -3.4e38, 1e20, 1e30. */
static bool is_fill(float value)
{
    return fabsf(value) >= 1e20F;
}

/* Whether what is at an end is a code, by how far the others reach. */
static bool is_code(const duet_column *it, const duet_column_end *end, bool known_alone)
{
    const double far = end == &it->low ? it->high.value : it->low.value;
    const double others = fabs(far - end->next), gap = fabs((double)end->value - end->next);
    if (end->times < OFTEN || end->times == it->count) return false;
    if (is_nines(end->value)) return gap > others / 2;
    if (is_fill(end->value) && gap > FAR * others) return true;
    return ((!known_alone && it->distinct > FEW) || is_least(end->value)) && gap > 3 * others;
}

static const duet_column_end *find_code(const duet_column *it, bool known_alone)
{
    if (is_code(it, &it->low, known_alone)) return &it->low;
    return is_code(it, &it->high, known_alone) ? &it->high : NULL;
}

/* A table, whose columns have a meaning each; of other data all numbers are alike. */
static bool is_table(const duet_rows *rows)
{
    return rows->shape.rank == 1 && rows->row_elements < DUET_PICTURE_NUMBERS;
}

/* "; if it is meant so, say PATH:values=numbers", which a program does not say. */
static const char *answer(char text[1024], const duet_rows *rows, const duet_data_options *options)
{
    text[0] = '\0';
    if (!options->own)
        (void)snprintf(text, 1024, "; if it is meant so, say %s",
                       DUET_WORD("%s:values=numbers", options->name != NULL ? options->name : rows->path));
    return text;
}

/* What many rows have is no mistake in one of them; of a table of one row or two, what each has. */
static bool is_usual(const duet_rows *rows, const duet_range *range)
{
    if (is_table(rows) && range->times >= range->rows) return true;
    return range->times >= OFTEN && range->times > range->rows / USUAL;
}

bool duet_tell_of_outlier(const duet_rows *rows, duet_split split, const duet_range *range, const char *names,
                          const duet_data_options *options)
{
    char name[256] = "", where[48] = "value", text[1024];
    if (options->values == DUET_VALUES_NUMBERS || range->most <= FAR || range->most / FAR <= range->next ||
        range->next == 0 || is_usual(rows, range))
        return false;
    if (is_table(rows)) {
        (void)snprintf(where, sizeof where, "column");
        (void)duet_column_name(names, range->element, name, sizeof name);
    }
    duet_notes_add(options->notes, false,
                   "%s: row %zu of the %s examples, counted from 0, has a number of size %g in %s %zu of %zu%s, and "
                   "those that are not of that size are %g at most: look at that row first; if it is a mistake, mend "
                   "it or take it and its label out, as by numpy.delete(array, %zu, 0): scaled with it, all others are "
                   "next to nothing%s",
                   rows->path, range->row, split == DUET_TRAIN ? "training" : "test", (double)range->most, where,
                   range->element + 1, rows->row_elements, name, (double)range->next, range->row,
                   answer(text, rows, options));
    return true;
}

/* Rows that were looked at, and a column of theirs, or all their numbers, in order. */
typedef struct sample {
    size_t count, elements;
    float *values, *sorted;
} sample;

static size_t count_rows_with(const sample *it, float value)
{
    size_t rows = 0;
    for (size_t row = 0; row < it->count; row++) {
        const float *values = it->values + row * it->elements;
        size_t i = 0;
        while (i < it->elements && values[i] != value) i++;
        rows += i < it->elements;
    }
    return rows;
}

/* Along which axes of an array a mean is that of numbers of one kind: of a column, of a channel, or of all. */
static const char *axes_of_mean(const duet_rows *rows, const duet_data_options *options)
{
    if (rows->shape.rank == 1) return "0";
    if (rows->shape.rank == 2) return "";
    return options->channels == DUET_CHANNELS_FIRST ? "(0, 2, 3), 'f8', keepdims=True" : "(0, 1, 2), 'f8'";
}

/* Most rows stay; where few would, the others' mean takes its place. A number that float32 has rounded is compared as
 * such. */
static const char *remedy_of_code(char text[512], const sample *it, float code, const char *axes)
{
    const bool exact = code == floorf(code) && fabsf(code) < 1 << 24;
    const char *as = exact ? "" : ".astype('<f4')";
    const size_t rows = count_rows_with(it, code);
    if (rows <= it->count / 2)
        (void)duet_text_print(text, 512,
                              "take such examples and their labels out: (array%s != %.9g).reshape(len(array), "
                              "-1).all(1) is true for the others",
                              as, (double)code);
    else
        (void)duet_text_print(text, 512,
                              "which %zu of %zu examples have, put the mean of the others in its place: "
                              "numpy.where(array%s == %.9g, numpy.ma.masked_equal(train%s, %.9g).mean(%s), "
                              "array)" DUET_REMEDY_OF_TRAIN,
                              rows, it->count, as, (double)code, as, (double)code, axes);
    return text;
}

/* Where the others lie. */
static void tell_of_code(const duet_rows *rows, duet_split split, size_t place, const duet_column *it,
                         const duet_column_end *end, const char *remedy, const char *names,
                         const duet_data_options *options)
{
    char where[320] = "its numbers", name[256], text[1024];
    const bool low = end == &it->low;
    if (is_table(rows))
        (void)snprintf(where, sizeof where, "column %zu of %zu%s", place + 1, rows->row_elements,
                       duet_column_name(names, place, name, sizeof name));
    duet_notes_add(options->notes, false,
                   "%s: of %zu values of %s%s that were looked at %zu are %.9g, and the others lie in [%.6g, %.6g]: if "
                   "it " DUET_NOTE_OF_CODES ", %s%s",
                   rows->path, it->count, where, split == DUET_TEST ? " in the test examples" : "", end->times,
                   (double)end->value, (double)(low ? end->next : it->low.value),
                   (double)(low ? it->high.value : end->next), remedy, answer(text, rows, options));
}

static duet_status read_sample(duet_rows *rows, size_t first, size_t total, size_t wanted, float *room, size_t *count,
                               duet_error *error)
{
    size_t at, piece;
    *count = 0;
    for (size_t i = 0; duet_rows_spread(total, wanted, i, &at, &piece); i++) {
        DUET_TRY(duet_rows_read(rows, first + at, piece, room + *count * rows->row_elements, error));
        *count += piece;
    }
    return DUET_OK;
}

/* Rows that are looked at, and room for a column of theirs. */
static duet_status take(sample *it, duet_rows *rows, size_t first, size_t total, duet_error *error)
{
    const size_t elements = rows->row_elements;
    size_t wanted = elements < NUMBERS / ROWS ? ROWS : NUMBERS / elements;
    if (wanted == 0) wanted = 1;
    if (wanted > total) wanted = total;
    it->elements = elements;
    it->values = calloc(wanted, elements * sizeof *it->values);
    it->sorted = calloc(wanted, (is_table(rows) ? 1 : elements) * sizeof *it->sorted);
    if (it->values == NULL || it->sorted == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    return read_sample(rows, first, total, wanted, it->values, &it->count, error);
}

static void free_sample(sample *it)
{
    free(it->sorted);
    free(it->values);
}

/* In the first column that has one: what is done about it shows the others. In the few examples of a test split a value
 * may be far by chance. NULL: none has. */
static const duet_column_end *find_first(sample *it, const duet_rows *rows, duet_split split, duet_column *column,
                                         size_t *place)
{
    const bool table = is_table(rows);
    const size_t columns = table ? it->elements : 1, numbers = table ? it->count : it->count * it->elements;
    for (*place = 0; *place < columns; ++*place) {
        for (size_t k = 0; k < numbers; k++) it->sorted[k] = it->values[k * columns + *place];
        *column = duet_column_look(it->sorted, numbers);
        const duet_column_end *end = find_code(column, !table || split == DUET_TEST);
        if (end != NULL) return end;
    }
    return NULL;
}

static void look_at_sample(sample *it, const duet_rows *rows, duet_split split, const char *names,
                           const duet_data_options *options)
{
    duet_column column;
    size_t place;
    char remedy[512];
    const duet_column_end *end = find_first(it, rows, split, &column, &place);
    if (end == NULL) return;
    (void)remedy_of_code(remedy, it, end->value, axes_of_mean(rows, options));
    tell_of_code(rows, split, place, &column, end, remedy, names, options);
}

duet_status duet_look_for_codes(duet_data_part *part, duet_split split, const char *names,
                                const duet_data_options *options, duet_error *error)
{
    duet_rows *rows = &part->rows;
    sample it = {0};
    if (rows->element == DUET_ELEMENT_UINT8 || options->values == DUET_VALUES_NUMBERS || part->count == 0)
        return DUET_OK;
    duet_status status = take(&it, rows, part->first, part->count, error);
    if (status == DUET_OK) look_at_sample(&it, rows, split, names, options);
    free_sample(&it);
    return status;
}

duet_status duet_rows_hold_code(duet_rows *rows, bool *hold, duet_error *error)
{
    sample it = {0};
    duet_column column;
    size_t place;
    duet_status status = take(&it, rows, 0, rows->count, error);
    *hold = status == DUET_OK && find_first(&it, rows, DUET_TRAIN, &column, &place) != NULL;
    free_sample(&it);
    return status;
}
