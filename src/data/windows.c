/* SPDX-License-Identifier: MIT */
/* Numbers that are equal to the bit, at one distance in most rows, are of one series. What stays where it is, such as
 * the background of pictures, is in the row after the next one too. */
#include "data/windows.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum {
    ROWS = 256 /* that are looked at */,
    WIDEST = 4096 /* numbers of a row */,
    LEAST = 8 /* rows that are so */,
    DOUBTED = 4 /* rows that are not, of which there may be a few where two series meet */,
    VALUES = 3 /* that what rows have in common has at least */,
    SHARED = 4 /* a part of so many is in common at least */
};

/* Rows in pieces, of which each holds neighbours. */
typedef struct sample {
    unsigned char *rows;
    size_t count, piece, elements, size; /* bytes of a number */
} sample;

static const unsigned char *row_of(const sample *it, size_t row)
{
    return it->rows + row * it->elements * it->size;
}

/* Whether there are several values, of which a row of zeros, or of truths, is none. */
static bool are_several(const unsigned char *values, size_t count, size_t size)
{
    const unsigned char *known[VALUES] = {NULL};
    size_t distinct = 0;
    for (size_t i = 0; i < count && distinct < VALUES; i++) {
        size_t at = 0;
        while (at < distinct && memcmp(known[at], values + i * size, size) != 0) at++;
        if (at == distinct) known[distinct++] = values + i * size;
    }
    return distinct == VALUES;
}

/* Whether the second row is the first one moved on. */
static bool is_moved(const sample *it, const unsigned char *row, const unsigned char *next, size_t by)
{
    return memcmp(row + by * it->size, next, (it->elements - by) * it->size) == 0 &&
           are_several(next, it->elements - by, it->size);
}

static bool is_window(const sample *it, size_t row, size_t by, bool back)
{
    const unsigned char *one = row_of(it, row), *next = row_of(it, row + 1), *after = row_of(it, row + 2);
    return back ? is_moved(it, next, one, by) && !is_moved(it, after, one, by)
                : is_moved(it, one, next, by) && !is_moved(it, one, after, by);
}

/* Whether most rows are so; what is not ends soon. */
static bool are_windows(const sample *it, size_t by, bool back)
{
    size_t are = 0, others = 0;
    for (size_t row = 0; row + 2 < it->count && (others <= DOUBTED || others <= are); row++) {
        if (row % it->piece + 2 >= it->piece) continue;
        const bool is = is_window(it, row, by, back);
        are += is;
        others += !is;
    }
    return are >= LEAST && are > others;
}

/* By how many numbers each row goes on; 0: they are no windows. */
static size_t find_step(const sample *it)
{
    const size_t least = it->elements / SHARED > VALUES ? it->elements / SHARED : VALUES;
    for (size_t by = 1; by + least <= it->elements; by++)
        if (are_windows(it, by, false) || are_windows(it, by, true)) return by;
    return 0;
}

static duet_status draw(sample *it, duet_rows *rows, duet_error *error)
{
    size_t first, count;
    for (size_t i = 0; duet_rows_spread(rows->count, ROWS, i, &first, &count); i++) {
        DUET_TRY(duet_rows_read(rows, first, count, it->rows + it->count * duet_rows_row_bytes(rows), error));
        it->count += count;
        it->piece = count;
    }
    return DUET_OK;
}

/* One class after the other, as of a series each: the last rows are of the last class alone. */
static bool are_sorted(const uint8_t *labels, size_t count)
{
    bool there[256] = {false};
    size_t classes = 0, pieces = 0;
    for (size_t i = 0; labels != NULL && i < count; i++) {
        pieces += i == 0 || labels[i] != labels[i - 1];
        classes += !there[labels[i]];
        there[labels[i]] = true;
    }
    return classes > 1 && pieces == classes;
}

static void tell(const duet_rows *rows, const uint8_t *labels, size_t step, const duet_data_options *options)
{
    const char *last = options->own
                           ? "take the last for the test (split=\"last\", in C .division = DUET_DIVISION_LAST), or "
                           : "take the last for the test (split=last), or ";
    duet_notes_add(options->notes, false,
                   "%s: its rows are overlapping windows of one series, %zu of %zu numbers in common with the next "
                   "one: divided by chance, test examples are nearly those that were learnt from; %sgive test examples "
                   "of a part of %s that is cut off before there are windows",
                   rows->path, rows->row_elements - step, rows->row_elements,
                   are_sorted(labels, rows->count) ? "" : last,
                   are_sorted(labels, rows->count) ? "each class's series" : "the series");
}

duet_status duet_tell_of_windows(duet_data_part *part, const duet_data_options *options, duet_error *error)
{
    duet_rows *rows = &part->rows;
    sample it = {.elements = rows->row_elements, .size = duet_element_bytes_read(rows->element)};
    if (rows->pictures || rows->shape.rank != 1 || it.elements > WIDEST || rows->count < LEAST) return DUET_OK;
    it.rows = calloc(ROWS, duet_rows_row_bytes(rows));
    duet_status status = it.rows == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path)
                             : draw(&it, rows, error);
    const size_t step = status == DUET_OK ? find_step(&it) : 0;
    if (step > 0) tell(rows, part->labels, step, options);
    free(it.rows);
    return status;
}
