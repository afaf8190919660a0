/* SPDX-License-Identifier: MIT */
/* Numbers far from all others: one alone, which may be a mistake, and those that are there again and again and stand
 * for what nobody knows, -999 and the like. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/text.h"
#include "data/columns.h"
#include "data/plausible.h"

enum {
    ROWS = 4096 /* that are looked at */,
    NUMBERS = 1 << 20,
    OFTEN = 3,
    FAR = 1000 /* times all others */,
    FEW = 3 /* values of which none is far from the others by chance */,
    USUAL = 10 /* one in so many rows */
};

static bool is_nines(float value)
{
    static const float codes[] = {99, 999, 9999, 99999, 999999};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (fabsf(value) == codes[i]) return true;
    return false;
}

/* Whether what is at an end is a code, by how far the others reach. */
static bool is_code(const duet_column *it, const duet_column_end *end, bool nines_alone)
{
    const float others = it->high.value - it->low.value - end->gap;
    if (end->times < OFTEN || end->times == it->count) return false;
    if (is_nines(end->value)) return end->gap > others / 2;
    return !nines_alone && it->distinct > FEW && end->gap > 3 * others;
}

static const duet_column_end *find_code(const duet_column *it, bool nines_alone)
{
    if (is_code(it, &it->low, nines_alone)) return &it->low;
    return is_code(it, &it->high, nines_alone) ? &it->high : NULL;
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

/* Where the others lie. */
static void tell_of_code(const duet_rows *rows, size_t place, const duet_column *it, const duet_column_end *end,
                         const char *names, const duet_data_options *options)
{
    char where[320] = "its numbers", name[256], text[1024];
    const bool low = end == &it->low;
    if (is_table(rows))
        (void)snprintf(where, sizeof where, "column %zu of %zu%s", place + 1, rows->row_elements,
                       duet_column_name(names, place, name, sizeof name));
    duet_notes_add(
        options->notes, false,
        "%s: of %zu values of %s that were looked at %zu are %.9g, and the others lie in [%.6g, %.6g]: if it "
        "stands for what is missing, take such examples and their labels out: (array != "
        "%.9g).reshape(len(array), -1).all(1) is true for the others%s",
        rows->path, it->count, where, end->times, (double)end->value,
        (double)(low ? end->value + end->gap : it->low.value), (double)(low ? it->high.value : end->value - end->gap),
        (double)end->value, answer(text, rows, options));
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

duet_status duet_look_for_codes(duet_rows *rows, size_t first, size_t total, const char *names,
                                const duet_data_options *options, duet_error *error)
{
    const size_t elements = rows->row_elements;
    const bool table = is_table(rows);
    size_t wanted = elements < NUMBERS / ROWS ? ROWS : NUMBERS / elements, count = 0;
    if (rows->element == DUET_ELEMENT_UINT8 || options->values == DUET_VALUES_NUMBERS || total == 0) return DUET_OK;
    if (wanted == 0) wanted = 1;
    if (wanted > total) wanted = total;
    float *room = calloc(wanted, elements * sizeof *room), *column = calloc(wanted, sizeof *column);
    duet_status status = room == NULL || column == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path)
                             : read_sample(rows, first, total, wanted, room, &count, error);
    for (size_t i = 0; status == DUET_OK && i < (table ? elements : 1); i++) {
        for (size_t row = 0; table && row < count; row++) column[row] = room[row * elements + i];
        const duet_column it = table ? duet_column_look(column, count) : duet_column_look(room, count * elements);
        const duet_column_end *end = find_code(&it, !table);
        if (end == NULL) continue;
        tell_of_code(rows, i, &it, end, names, options);
        break; /* what is done about one shows the others */
    }
    free(column);
    free(room);
    return status;
}
