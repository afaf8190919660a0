/* SPDX-License-Identifier: MIT */
/* Which columns follow from others: the rank of their correlations, by a Cholesky factorisation that takes the column
 * with most of its variance left first (Higham 2002, Accuracy and Stability of Numerical Algorithms, sec. 10.3). */
#include "data/dependence.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

#include "data/columns.h"

enum { SPARE = 10 /* rows beyond the columns, without which any numbers would be dependent */ };

static const double nothing_left = 1e-8; /* of a column's variance: the square of a ten-thousandth of its deviation */
static const double least_part = 1e-3;   /* that counts: deviations of the column for one of the other */
static const double one_length = 1e-6;   /* of the variance that independent columns' squares would have in sum */
static const double rounding = 1e-10;    /* of squares, of which such a part is no variance */
static const float widest = 1e4F;        /* an end may lie so many times as far out as the middle half is wide */
static const float widest_square = 100;  /* so few rows with large squares stand for all in several columns at once */

typedef struct correlation {
    size_t count, columns;   /* rows; columns that are looked at */
    size_t own;              /* columns before their powers, which lie behind them in the same order */
    size_t *places;          /* of those columns among all */
    double *values;          /* column after column, with mean 0 and length 1 */
    double *packed, *factor; /* [columns, columns], by columns; `packed` holds a half */
    double *weights;         /* [columns] */
    lapack_int *order, rank; /* columns as they were taken, counted from 1; how many of them say all */
} correlation;

/* Whether the values, which are sorted in place, spread. One that a tenth of the rows have, or one far out, would make
 * columns alike that are not. */
static bool is_spread(float *values, size_t count, float most)
{
    const duet_column it = duet_column_look(values, count);
    const float half = values[3 * count / 4] - values[count / 4];
    return 10 * it.common_times <= count && half > 0 && it.high.value - it.low.value <= most * half;
}

/* Takes a column as the next one. */
static void take_column(correlation *it, const float *rows, size_t features, size_t place)
{
    double *values = it->values + it->columns * it->count, mean = 0, squares = 0;
    for (size_t row = 0; row < it->count; row++) mean += (double)rows[row * features + place] / (double)it->count;
    for (size_t row = 0; row < it->count; row++) {
        values[row] = (double)rows[row * features + place] - mean;
        squares += values[row] * values[row];
    }
    for (size_t row = 0; row < it->count; row++) values[row] /= sqrt(squares);
    it->places[it->columns++] = place;
}

/* The correlations' factor. A half of a symmetric matrix, packed, is how LAPACK multiplies a matrix by itself. */
static duet_status factorise(correlation *it, duet_error *error)
{
    const lapack_int n = (lapack_int)it->columns, k = (lapack_int)it->count;
    int info = LAPACKE_dsfrk(LAPACK_COL_MAJOR, 'N', 'L', 'T', n, k, 1, it->values, k, 0, it->packed);
    if (info == 0) info = LAPACKE_dtfttr(LAPACK_COL_MAJOR, 'N', 'L', n, it->packed, it->factor, n);
    for (size_t i = 0; i < it->columns; i++) it->factor[i * (it->columns + 1)] = 1; /* equal ones in their order */
    if (info == 0) info = LAPACKE_dpstrf(LAPACK_COL_MAJOR, 'L', n, it->factor, n, it->order, &it->rank, nothing_left);
    if (info >= 0) return DUET_OK; /* above 0: the rank is less than n */
    return duet_fail(error, DUET_ERROR_NUMERIC, "the rank of columns' correlations was not found (LAPACK %d)", info);
}

/* Whether the weights give the column, or a power of it, a part. */
static bool has_part(const correlation *it, size_t column)
{
    for (size_t i = 0; i < (size_t)it->rank; i++)
        if (it->places[it->order[i] - 1] % it->own == column && fabs(it->weights[i]) >= least_part) return true;
    return false;
}

/* Of what the column that was taken as number `at`, behind those that say all, is made. */
static duet_status explain(correlation *it, size_t at, duet_dependence *found, duet_error *error)
{
    const lapack_int n = (lapack_int)it->columns;
    for (size_t i = 0; i < (size_t)it->rank; i++) it->weights[i] = it->factor[i * it->columns + at];
    int info = LAPACKE_dtrtrs(LAPACK_COL_MAJOR, 'L', 'T', 'N', it->rank, 1, it->factor, n, it->weights, it->rank);
    if (info != 0)
        return duet_fail(error, DUET_ERROR_NUMERIC, "what a column is made of was not found (LAPACK %d)", info);
    *found = (duet_dependence){.column = it->places[it->order[at] - 1] % it->own};
    for (size_t column = 0; column < it->own; column++) {
        if (column == found->column || !has_part(it, column)) continue;
        if (found->count < DUET_DEPENDENCE_SHOWN) found->others[found->count] = column;
        found->count++;
    }
    return DUET_OK;
}

static duet_status list_them(correlation *it, duet_dependence *list, size_t room, size_t *found, duet_error *error)
{
    *found = it->columns - (size_t)it->rank;
    for (size_t column = 0, shown = 0; shown < room && column < it->columns; column++)
        for (size_t at = (size_t)it->rank; shown < room && at < it->columns; at++)
            if ((size_t)it->order[at] == column + 1) DUET_TRY(explain(it, at, &list[shown++], error));
    return DUET_OK;
}

static bool has_room(correlation *it, size_t features)
{
    it->places = calloc(features, sizeof *it->places);
    it->values = calloc(it->count, features * sizeof *it->values);
    it->packed = calloc(features, (features + 1) * sizeof *it->packed);
    it->factor = calloc(features, features * sizeof *it->factor);
    it->weights = calloc(features, sizeof *it->weights);
    it->order = calloc(features, sizeof *it->order);
    return it->places && it->values && it->packed && it->factor && it->weights && it->order;
}

static duet_status find(const float *rows, size_t count, size_t features, size_t own, duet_dependence *list,
                        size_t room, size_t *found, duet_error *error)
{
    correlation it = {.count = count, .own = own};
    *found = 0;
    if (features < 2 || count < features + SPARE) return DUET_OK;
    float *values = calloc(count, sizeof *values);
    duet_status status = values == NULL || !has_room(&it, features)
                             ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu columns", features)
                             : DUET_OK;
    for (size_t i = 0; status == DUET_OK && i < features; i++) {
        for (size_t row = 0; row < count; row++) values[row] = rows[row * features + i];
        if (is_spread(values, count, i < own ? widest : widest_square)) take_column(&it, rows, features, i);
    }
    if (status == DUET_OK && it.columns > 1) {
        status = factorise(&it, error);
        if (status == DUET_OK) status = list_them(&it, list, room, found, error);
    }
    free(values);
    free(it.places);
    free(it.values);
    free(it.packed);
    free(it.factor);
    free(it.weights);
    free(it.order);
    return status;
}

duet_status duet_find_dependence(const float *rows, size_t count, size_t features, duet_dependence *list, size_t room,
                                 size_t *found, duet_error *error)
{
    return find(rows, count, features, features, list, room, found, error);
}

static double mean_of(const float *rows, size_t count, size_t features, size_t column)
{
    double mean = 0;
    for (size_t row = 0; row < count; row++) mean += (double)rows[row * features + column] / (double)count;
    return mean;
}

/* Whether the sum of squares varies no more than rounding has it do. */
static bool have_one_length(const float *rows, size_t count, size_t features)
{
    double apart = 0, mean = 0, together = 0;
    for (size_t i = 0; i < features; i++) {
        double squares = 0, fourth = 0;
        for (size_t row = 0; row < count; row++) {
            const double square = (double)rows[row * features + i] * (double)rows[row * features + i];
            squares += square / (double)count;
            fourth += square * square / (double)count;
        }
        const double variance = fourth - squares * squares;
        if (variance > rounding * fourth) apart += variance; /* -1 and 1 alone have none */
        mean += squares;
    }
    for (size_t row = 0; row < count; row++) {
        double length = -mean;
        for (size_t i = 0; i < features; i++)
            length += (double)rows[row * features + i] * (double)rows[row * features + i];
        together += length * length / (double)count;
    }
    return together < one_length * apart;
}

duet_status duet_find_surface(const float *rows, size_t count, size_t features, duet_dependence *it, duet_error *error)
{
    const size_t both = 2 * features;
    size_t found;
    *it = (duet_dependence){0};
    if (features < 2 || count < SPARE) return DUET_OK;
    if (count < both + SPARE) {
        if (!have_one_length(rows, count, features)) return DUET_OK;
        *it = (duet_dependence){.column = features - 1, .others = {0, 1, 2}, .count = features - 1};
        return DUET_OK;
    }
    float *squared = calloc(count, both * sizeof *squared);
    if (squared == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu columns", both);
    for (size_t i = 0; i < features; i++) {
        const double mean = mean_of(rows, count, features, i);
        for (size_t row = 0; row < count; row++) {
            const double value = (double)rows[row * features + i] - mean;
            squared[row * both + i] = (float)value;
            squared[row * both + features + i] = (float)(value * value);
        }
    }
    const duet_status status = find(squared, count, both, features, it, 1, &found, error);
    free(squared);
    return status;
}
