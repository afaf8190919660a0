/* SPDX-License-Identifier: MIT */
/* A mean of 0 and a deviation of 1 to many digits, or 0 and 1 as ends that one row each has, come of a split's own
 * numbers: by those of the training examples they would be near that. */
#include "data/alike.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "data/remedy.h"

enum { LEAST = 30 /* rows */, PIECE_BYTES = 64 * 1024 };

/* What the numbers of a column are like, or all numbers of what is no table. */
typedef struct extent {
    size_t count, lows, highs;
    double mean, squares; /* around the mean */
    float low, high;
    bool whole;
} extent;

static void add(extent *it, float value)
{
    const double step = (double)value - it->mean;
    if (it->count == 0) *it = (extent){.low = value, .high = value, .whole = true};
    it->count++;
    it->mean += step / (double)it->count;
    it->squares += step * ((double)value - it->mean);
    if (value < it->low) it->lows = 0;
    if (value > it->high) it->highs = 0;
    it->low = fminf(it->low, value);
    it->high = fmaxf(it->high, value);
    it->lows += value == it->low;
    it->highs += value == it->high;
    it->whole = it->whole && value == floorf(value);
}

/* Both conventions of a deviation, of n and of n - 1. */
static bool is_standard(const extent *it, double least)
{
    const double n = (double)it->count, close = fmax(least, 1e-3 / sqrt(n)), deviation = sqrt(it->squares / n);
    return fabs(it->mean) < close && (fabs(deviation - 1) < close || fabs(deviation * sqrt(n / (n - 1)) - 1) < close);
}

static bool is_between_ends(const extent *it)
{
    return (it->low == 0 || it->low == -1) && it->high == 1 && it->lows == 1 && it->highs == 1;
}

/* Of whole numbers, such as truths, each of these is no wonder. */
static bool are_all(const extent *all, size_t count, bool standard)
{
    size_t some = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].low == all[i].high) continue;
        if (all[i].whole || !(standard ? is_standard(&all[i], 1e-6) : is_between_ends(&all[i]))) return false;
        some++;
    }
    return some > 0;
}

/* *rows_are: each row has that mean and deviation itself, as far as the first one tells. */
static duet_status look(extent *all, size_t groups, duet_rows *rows, bool *rows_are, duet_error *error)
{
    const size_t bytes = duet_rows_row_bytes(rows), elements = rows->row_elements;
    size_t piece = bytes < PIECE_BYTES ? PIECE_BYTES / bytes : 1;
    if (piece > rows->count) piece = rows->count;
    float *values = calloc(piece, bytes);
    extent row_extent = {0};
    duet_status status =
        values == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path) : DUET_OK;
    for (size_t row = 0; status == DUET_OK && row < rows->count; row += piece) {
        const size_t count = rows->count - row < piece ? rows->count - row : piece;
        status = duet_rows_read(rows, row, count, values, error);
        for (size_t i = 0; status == DUET_OK && i < count * elements; i++) {
            add(&all[i % elements % groups], values[i]);
            if (row == 0 && i < elements) add(&row_extent, values[i]);
        }
    }
    free(values);
    *rows_are = elements > 1 && is_standard(&row_extent, 1e-2);
    return status;
}

/* `unless`: what else makes such numbers. */
static void tell(const duet_rows *rows, const char *what, const char *unless, const duet_data_options *options)
{
    duet_notes_add(options->notes, false,
                   "%s: %s, as of numbers that are scaled by their own%s: so a difference between the splits is lost; "
                   "scale both, from what they were, by the numbers of the training examples",
                   rows->path, what, unless);
}

static duet_status look_at_test(extent *all, size_t groups, duet_rows *const rows[2], const duet_data_options *options,
                                duet_error *error)
{
    bool rows_are;
    const bool table = groups > 1;
    DUET_TRY(look(all, groups, rows[DUET_TEST], &rows_are, error));
    if (are_all(all, groups, true) && !rows_are)
        tell(rows[DUET_TEST],
             table ? "each column of the test examples has a mean of 0 and a deviation of 1 to many digits"
                   : "the test examples have a mean of 0 and a deviation of 1 to many digits",
             "", options);
    if (!table || !are_all(all, groups, false)) return DUET_OK;
    for (size_t i = 0; i < groups; i++) all[i] = (extent){0};
    DUET_TRY(look(all, groups, rows[DUET_TRAIN], &rows_are, error));
    if (are_all(all, groups, false))
        tell(rows[DUET_TEST], "each column has the same ends in both splits, in one row of each", "", options);
    return DUET_OK;
}

/* Numbers in [0, 1] that are bytes / 255 in one split alone. */
static bool are_bytes_of_one(const duet_range ranges[2])
{
    for (size_t i = 0; i < 2; i++)
        if (ranges[i].low < 0 || ranges[i].high > 1) return false;
    return ranges[0].levels != ranges[1].levels;
}

/* *most: of the numbers between the ends most are no k / 255. Of few others, such as one that stands for what is
 * missing, all the rest are by chance: fifths and thirds are k / 255 too. */
static duet_status look_at_levels(duet_rows *rows, bool *most, duet_error *error)
{
    const size_t bytes = duet_rows_row_bytes(rows);
    const size_t fits = bytes < PIECE_BYTES ? PIECE_BYTES / bytes : 1, piece = fits < rows->count ? fits : rows->count;
    size_t between = 0, levels = 0;
    float *values = calloc(piece, bytes);
    duet_status status =
        values == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path) : DUET_OK;
    for (size_t row = 0; status == DUET_OK && row < rows->count; row += piece) {
        const size_t count = rows->count - row < piece ? rows->count - row : piece;
        status = duet_rows_read(rows, row, count, values, error);
        for (size_t i = 0; status == DUET_OK && i < count * rows->row_elements; i++) {
            between += values[i] > 0 && values[i] < 1;
            levels += values[i] > 0 && values[i] < 1 && duet_is_level(values[i]);
        }
    }
    free(values);
    *most = levels * 2 < between;
    return status;
}

static duet_status tell_of_bytes(duet_rows *const rows[2], const duet_range ranges[2], const duet_data_options *options,
                                 duet_error *error)
{
    const size_t bytes = ranges[DUET_TRAIN].levels ? DUET_TRAIN : DUET_TEST;
    bool most;
    DUET_TRY(look_at_levels(rows[1 - bytes], &most, error));
    if (most)
        duet_notes_add(options->notes, false,
                       "%s: all numbers of the %s examples are k / 255, as of bytes, and those of the others are not: "
                       "were they divided by another number?",
                       rows[DUET_TEST]->path, bytes == DUET_TRAIN ? "training" : "test");
    return DUET_OK;
}

/* Divided by what is greatest in each. */
static bool have_one_greatest(const duet_range ranges[2])
{
    for (size_t i = 0; i < 2; i++)
        if (ranges[i].most != 1 || ranges[i].times > 1 || ranges[i].levels || ranges[i].whole) return false;
    return true;
}

duet_status duet_tell_of_own_scale(duet_rows *const rows[2], const duet_range ranges[2],
                                   const duet_data_options *options, duet_error *error)
{
    const duet_rows *test = rows[DUET_TEST];
    const size_t groups = duet_shape_is_table(test->shape) ? test->row_elements : 1;
    if (test->element == DUET_ELEMENT_UINT8 || rows[DUET_TRAIN]->count < LEAST || test->count < LEAST) return DUET_OK;
    if (have_one_greatest(ranges)) {
        tell(test, "the greatest number of either split is 1, and one alone is that",
             " (if none of the test examples was cut at 1)", options);
        return DUET_OK;
    }
    if (are_bytes_of_one(ranges)) return tell_of_bytes(rows, ranges, options, error);
    extent *all = calloc(groups, sizeof *all);
    if (all == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", test->path);
    duet_status status = look_at_test(all, groups, rows, options, error);
    free(all);
    return status;
}
