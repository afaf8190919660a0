/* SPDX-License-Identifier: MIT */
/* The mean of the test rows is compared with that of the training rows, as it is and turned round, in units of what
 * chance moves it by. Rows of another kind fit neither. */
#include "data/inverse.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "data/plausible.h"

enum { ROWS = 256 /* that are looked at */, DECODED = 64, NUMBERS = 1 << 20, LEAST = 30 };

/* How far a mean may be off where it is the same, and is at least where it is another; of differences in units of
 * chance their mean square, of which no number counts for more than `most`. Where pictures have a light of their own,
 * or come from others than those of training do, what was turned round is further off, and many times nearer than it
 * lies; numbers around zero that go on as they began, by a half as many rows, are 25 times. */
static const double same = 1.5, other = 10, most = 100, opposite = -0.25, least_share = 0.02;
static const double nearer = 300, quite_opposite = -0.9;

/* What numbers of the rows are like, each by its place. */
typedef struct means {
    double *mean, *square; /* [elements]; the sum of squares around the mean */
    size_t count;
} means;

static double value_at(const duet_rows *rows, const void *values, size_t i)
{
    return rows->element == DUET_ELEMENT_UINT8 ? ((const uint8_t *)values)[i] : (double)((const float *)values)[i];
}

static duet_status look(means *it, duet_rows *rows, duet_error *error)
{
    const size_t elements = rows->row_elements, fits = NUMBERS / elements, limit = rows->pictures ? DECODED : ROWS;
    const size_t wanted = fits < LEAST ? LEAST : fits < limit ? fits : limit;
    size_t first, piece;
    void *values = calloc(wanted, duet_rows_row_bytes(rows));
    it->mean = calloc(elements, sizeof *it->mean);
    it->square = calloc(elements, sizeof *it->square);
    bool sound = values != NULL && it->mean != NULL && it->square != NULL;
    duet_status status =
        sound ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", rows->path);
    for (size_t i = 0; status == DUET_OK && duet_rows_spread(rows->count, wanted, i, &first, &piece); i++) {
        status = duet_rows_read(rows, first, piece, values, error);
        for (size_t k = 0; status == DUET_OK && k < piece * elements; k++) {
            const size_t place = k % elements, row = it->count + k / elements + 1;
            const double step = value_at(rows, values, k) - it->mean[place];
            it->mean[place] += step / (double)row;
            it->square[place] += step * (value_at(rows, values, k) - it->mean[place]);
        }
        it->count += piece;
    }
    free(values);
    return status;
}

static double variance(const means *it, size_t i)
{
    return it->square[i] / (double)(it->count - 1);
}

/* The mean square of what lies between the training rows' mean and the other one, which is turned round in `sum` where
 * that is not NaN; of no number more than the limit. */
static double distance(const means *train, const means *test, size_t elements, double span, double sum, double limit)
{
    double total = 0;
    for (size_t i = 0; i < elements; i++) {
        const double there = isnan(sum) ? test->mean[i] : sum - test->mean[i], step = there - train->mean[i];
        const double spread = fmax(variance(train, i) + variance(test, i), pow(least_share * span, 2)) / 2;
        total += fmin(step * step / (spread * (1 / (double)train->count + 1 / (double)test->count)), limit);
    }
    return total / (double)elements;
}

static double correlation(const means *a, const means *b, size_t elements)
{
    double mean[2] = {0}, product = 0, squares[2] = {0};
    for (size_t i = 0; i < elements; i++) {
        mean[0] += a->mean[i] / (double)elements;
        mean[1] += b->mean[i] / (double)elements;
    }
    for (size_t i = 0; i < elements; i++) {
        const double one = a->mean[i] - mean[0], two = b->mean[i] - mean[1];
        product += one * two;
        squares[0] += one * one;
        squares[1] += two * two;
    }
    return squares[0] > 0 && squares[1] > 0 ? product / sqrt(squares[0] * squares[1]) : 0;
}

static bool are_turned(const means of[2], size_t elements, double span, double sum)
{
    const double alike = correlation(&of[0], &of[1], elements);
    if (!(alike < opposite)) return false;
    if (!(distance(&of[0], &of[1], elements, span, NAN, most) > other)) return false;
    if (distance(&of[0], &of[1], elements, span, sum, most) < same) return true;
    return alike < quite_opposite && distance(&of[0], &of[1], elements, span, NAN, INFINITY) >
                                         nearer * distance(&of[0], &of[1], elements, span, sum, INFINITY);
}

/* Least and greatest number together, by which pictures are turned round; false: nobody knows. */
static bool find_sum(const duet_rows *rows, const duet_range ranges[2], double *sum, double *span)
{
    const bool bytes = rows->element == DUET_ELEMENT_UINT8;
    const float low = fminf(ranges[0].low, ranges[1].low), high = fmaxf(ranges[0].high, ranges[1].high);
    const bool unit = low >= 0 && high <= 1, both = low >= -1 && high <= 1 && low < -0.5F;
    *sum = bytes ? 255 : unit ? 1 : 0;
    *span = bytes ? 255 : unit ? 1 : 2;
    return bytes || unit || both;
}

duet_status duet_tell_of_inverse(duet_rows *train, duet_rows *test, const duet_range ranges[2],
                                 const duet_data_options *options, duet_error *error)
{
    means of[2] = {{NULL}};
    double sum, span;
    const size_t elements = train->row_elements;
    if (elements < DUET_PICTURE_NUMBERS || train->count < LEAST || test->count < LEAST ||
        !find_sum(train, ranges, &sum, &span))
        return DUET_OK;
    duet_status status = look(&of[0], train, error);
    if (status == DUET_OK) status = look(&of[1], test, error);
    if (status == DUET_OK && are_turned(of, elements, span, sum))
        duet_notes_add(
            options->notes, false,
            "%s: the test examples look like training examples with light for dark: are their numbers turned "
            "round? Of an array %s %s in its place",
            test->path, options->own ? "pass" : "save",
            train->element == DUET_ELEMENT_UINT8 ? "255 - array"
            : sum > 0                            ? "1 - array"
                                                 : "-array");
    for (size_t i = 0; i < 2; i++) {
        free(of[i].mean);
        free(of[i].square);
    }
    return status;
}
