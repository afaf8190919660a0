/* SPDX-License-Identifier: MIT */
/* A column in front of the others, or behind them, that is none of the examples' numbers: the number of the row, which
 * a table's writer adds, or the label. Columns with names are told of by these. */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "data/columns.h"
#include "data/plausible.h"
#include "data/remedy.h"

enum {
    ROWS = 4096 /* that are looked at */,
    NUMBERS = 1 << 20,
    LEAST = 30 /* rows */,
    FEW = 2 /* values, as of a truth */,
    MANY = 100,
    OFTEN = 3 /* times that each value is there */,
    WIDE = 16 /* columns, of which one is like a label by no chance */
};

/* Rows that are looked at, and the number of each in its file. */
typedef struct sample {
    float *values, *column;
    size_t *rows, count, elements;
} sample;

static duet_status draw(sample *it, duet_rows *rows, size_t first, size_t total, duet_error *error)
{
    size_t at, piece, wanted = NUMBERS / rows->row_elements;
    if (wanted > ROWS) wanted = ROWS;
    if (wanted < LEAST) wanted = LEAST;
    it->elements = rows->row_elements;
    it->values = calloc(wanted, it->elements * sizeof *it->values);
    it->column = calloc(wanted, sizeof *it->column);
    it->rows = calloc(wanted, sizeof *it->rows);
    if (it->values == NULL || it->column == NULL || it->rows == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    for (size_t i = 0; duet_rows_spread(total, wanted, i, &at, &piece); i++) {
        float *to = it->values + it->count * it->elements;
        DUET_TRY(duet_rows_read(rows, first + at, piece, to, error));
        if (rows->element == DUET_ELEMENT_UINT8) /* from the last on: each lies before what it becomes */
            for (size_t k = piece * it->elements; k-- > 0;) to[k] = ((const uint8_t *)(const void *)to)[k];
        for (size_t k = 0; k < piece; k++)
            it->rows[it->count + k] = rows->numbers != NULL ? rows->numbers[first + at + k] : first + at + k;
        it->count += piece;
    }
    return DUET_OK;
}

/* Counted from 0 or from 1. */
static bool numbers_rows(const sample *it, size_t column)
{
    const float from = it->values[column] - (float)it->rows[0];
    if (from != 0 && from != 1) return false;
    for (size_t i = 0; i < it->count; i++)
        if (it->values[i * it->elements + column] != (float)it->rows[i] + from) return false;
    return true;
}

static bool has_fractions(const sample *it, size_t column)
{
    for (size_t i = 0; i < it->count; i++) {
        const float value = it->values[i * it->elements + column];
        if (value != floorf(value)) return true;
    }
    return false;
}

/* Classes are numbers from 0 or 1 on, each of which many rows have. *classes: how many. */
static bool holds_classes(const sample *it, size_t column, size_t *classes)
{
    for (size_t i = 0; i < it->count; i++) it->column[i] = it->values[i * it->elements + column];
    const duet_column found = duet_column_look(it->column, it->count);
    *classes = found.distinct;
    return found.whole && (found.low.value == 0 || found.low.value == 1) && found.distinct >= FEW &&
           found.distinct <= MANY && found.distinct * OFTEN <= it->count &&
           found.high.value - found.low.value == (float)(found.distinct - 1);
}

/* Most columns have about as many classes, as truths and answers have: then this is one of them. */
static bool are_alike(const sample *it, size_t column, size_t classes)
{
    size_t alike = 0, others = 0, own;
    for (size_t i = 0; i < it->elements; i++) {
        if (i == column) continue;
        const bool hold = holds_classes(it, i, &own);
        others += own > 1;
        alike += hold && own * 8 <= classes * 9 + 8 && classes * 8 <= own * 9 + 8;
    }
    return alike * 2 > others;
}

/* The only column of whole numbers, or one more than the numbers of a picture. */
static bool is_label(const sample *it, size_t column, size_t *classes)
{
    const bool beside_picture = it->elements > DUET_PICTURE_NUMBERS && !duet_numbers_are_square(it->elements) &&
                                duet_numbers_are_square(it->elements - 1);
    if (!holds_classes(it, column, classes)) return false;
    if (beside_picture) return !are_alike(it, column, *classes);
    for (size_t i = 0; i < it->elements; i++)
        if (i != column && !has_fractions(it, i)) return false;
    return *classes > FEW || it->elements >= WIDE;
}

static void tell(const sample *it, size_t column, size_t classes, const duet_rows *rows,
                 const duet_data_options *options)
{
    const char *others = column == 0 ? "array[:, 1:]" : "array[:, :-1]", *save = options->own ? "pass" : "save";
    if (classes == 0)
        duet_notes_add(options->notes, false,
                       "%s: column %zu of %zu is the number of the row, and would be learnt as one of the examples' "
                       "numbers: %s %s in its place, of both splits",
                       rows->path, column + 1, it->elements, save, others);
    else
        duet_notes_add(options->notes, false,
                       "%s: column %zu of %zu holds %zu whole numbers, as labels are, and would be learnt as one of "
                       "the examples' numbers: if these are labels, %s %s as examples and array[:, %d] as labels, of "
                       "both splits",
                       rows->path, column + 1, it->elements, classes, save, others, column == 0 ? 0 : -1);
}

static void look(const sample *it, bool labelled, const duet_rows *rows, const duet_data_options *options)
{
    const size_t places[] = {0, it->elements - 1};
    size_t classes = 0;
    for (size_t i = 0; i < 2; i++) {
        if (numbers_rows(it, places[i])) {
            tell(it, places[i], 0, rows, options);
            return;
        }
        if (labelled || !is_label(it, places[i], &classes)) continue;
        tell(it, places[i], classes, rows, options);
        return;
    }
}

duet_status duet_tell_of_marks(duet_rows *rows, size_t first, size_t count, bool labelled, const char *names,
                               const duet_data_options *options, duet_error *error)
{
    sample it = {NULL};
    if (names != NULL || rows->shape.rank != 1 || rows->row_elements <= FEW || count < LEAST) return DUET_OK;
    duet_status status = draw(&it, rows, first, count, error);
    if (status == DUET_OK) look(&it, labelled, rows, options);
    free(it.values);
    free(it.column);
    free(it.rows);
    return status;
}
