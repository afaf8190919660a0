/* SPDX-License-Identifier: MIT */
/* Which columns follow from others: the rank of their correlations, by a Cholesky factorisation that takes the column
 * with most of its variance left first (Higham 2002, Accuracy and Stability of Numerical Algorithms, sec. 10.3). */
#include "data/dependence.h"

#include <lapacke.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/columns.h"

enum {
    SPARE = 10,          /* rows beyond the columns, without which any numbers would be dependent */
    MOST_CROSSED = 20,   /* columns whose products with each other are looked at: 230 then, of some thousand rows */
    MOST_DOUBTED = 32,   /* of what seems to follow from others by squares and products */
    MOST_PAIRED = 64,    /* columns of which each is looked at beside each other one */
    LEAST_OF_CURVE = 100 /* points: the closer neighbours lie, the less a curve bends between them */
};

static const double nothing_left = 1e-8; /* of a column's variance: the square of a ten-thousandth of its deviation */
static const double least_part = 1e-3;   /* that counts: deviations of the column for one of the other */
static const double one_length = 1e-6;   /* of the variance that independent columns' squares would have in sum */
static const double rounding = 1e-10;    /* of squares, of which such a part is no variance */
static const double off_curve = 1e-4;    /* of a column's middle half: how far its values may lie off */
static const float widest = 1e4F;        /* an end may lie so many times as far out as the middle half is wide */
static const float widest_square = 100;  /* so few rows with large squares stand for all in several columns at once */

typedef struct correlation {
    size_t count, columns;   /* rows; columns that are looked at */
    size_t own; /* columns before their squares, which lie behind them in the same order, and products of two */
    size_t *places;          /* of those columns among all */
    size_t *taken;           /* [own]: which of those columns it is, counted from 1; 0: none */
    double *values;          /* column after column, with mean 0 and length 1 */
    double *lengths;         /* which they had */
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
    it->lengths[it->columns] = sqrt(squares);
    it->places[it->columns++] = place;
    if (place < it->own) it->taken[place] = it->columns;
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

/* The two columns whose product lies at a place; of a column or its square the same one twice. */
typedef struct factors {
    size_t first, second;
} factors;

static factors factors_at(const correlation *it, size_t place)
{
    factors made = {place % it->own, place % it->own};
    if (place < 2 * it->own) return made;
    for (made.first = 0, place -= 2 * it->own; place >= it->own - 1 - made.first; made.first++)
        place -= it->own - 1 - made.first;
    made.second = made.first + 1 + place;
    return made;
}

static bool is_made_of(const correlation *it, lapack_int taken, size_t column)
{
    const factors two = factors_at(it, it->places[taken - 1]);
    return two.first == column || two.second == column;
}

/* Whether the weights give the column, or a square or product of it, a part. */
static bool has_part(const correlation *it, size_t column)
{
    for (size_t i = 0; i < (size_t)it->rank; i++)
        if (is_made_of(it, it->order[i], column) && fabs(it->weights[i]) >= least_part) return true;
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
    *found = (duet_dependence){.column = factors_at(it, it->places[it->order[at] - 1]).second};
    for (size_t column = 0; column < it->own; column++) {
        const bool part = is_made_of(it, it->order[at], column) || has_part(it, column);
        if (column == found->column || !part) continue;
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

/* Adds a term's value in a row, and its slope along each column, of deviations. */
static void add_term(const correlation *it, size_t term, double weight, size_t row, double *value, double *slope)
{
    const factors two = factors_at(it, it->places[term]);
    const size_t first = it->taken[two.first] - 1, second = it->taken[two.second] - 1;
    const double part = weight / it->lengths[term];
    *value += weight * it->values[term * it->count + row];
    if (it->places[term] < it->own) {
        slope[two.first] += part;
        return;
    }
    slope[two.first] += part * it->values[second * it->count + row] * it->lengths[second];
    slope[two.second] += part * it->values[first * it->count + row] * it->lengths[first];
}

/* Whether nearly all rows lie so near to the surface of what was explained as they would have to lie to a sum. What is
 * left of squares says less: that of a near sum is all but nothing, and so is its slope; and one row far out may stand
 * for all in it. */
static bool is_near(const correlation *it, size_t at, double *slope)
{
    size_t far = 0;
    for (size_t row = 0; row < it->count && 10 * far <= it->count; row++) {
        double rest = 0, steep = 0;
        for (size_t i = 0; i < it->own; i++) slope[i] = 0;
        add_term(it, (size_t)it->order[at] - 1, -1, row, &rest, slope);
        for (size_t i = 0; i < (size_t)it->rank; i++)
            add_term(it, (size_t)it->order[i] - 1, it->weights[i], row, &rest, slope);
        for (size_t i = 0; i < it->own; i++) steep += slope[i] * slope[i];
        far += !(rest * rest <= nothing_left * steep);
    }
    return 10 * far <= it->count;
}

static duet_status pick_surface(correlation *it, duet_dependence *picked, size_t *found, duet_error *error)
{
    double *slope = calloc(it->own, sizeof *slope);
    if (slope == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu columns", it->own);
    const size_t most = (size_t)it->rank + MOST_DOUBTED < it->columns ? (size_t)it->rank + MOST_DOUBTED : it->columns;
    duet_status status = DUET_OK;
    for (size_t at = (size_t)it->rank; status == DUET_OK && *found == 0 && at < most; at++) {
        status = explain(it, at, picked, error);
        if (status == DUET_OK && is_near(it, at, slope)) *found = 1;
    }
    free(slope);
    if (*found == 0) *picked = (duet_dependence){0};
    return status;
}

static bool has_room(correlation *it, size_t features)
{
    it->places = calloc(features, sizeof *it->places);
    it->taken = calloc(it->own, sizeof *it->taken);
    it->lengths = calloc(features, sizeof *it->lengths);
    it->values = calloc(it->count, features * sizeof *it->values);
    it->packed = calloc(features, (features + 1) * sizeof *it->packed);
    it->factor = calloc(features, features * sizeof *it->factor);
    it->weights = calloc(features, sizeof *it->weights);
    it->order = calloc(features, sizeof *it->order);
    return it->places && it->taken && it->lengths && it->values && it->packed && it->factor && it->weights && it->order;
}

/* Whether the columns of a square or product were taken. One of two values would say all of a product with it. */
static bool has_factors(const correlation *it, size_t place)
{
    const factors two = factors_at(it, place);
    return place < it->own || (it->taken[two.first] > 0 && it->taken[two.second] > 0);
}

static duet_status find(const float *rows, size_t count, size_t features, size_t own, duet_dependence *list,
                        size_t room, size_t *found, duet_error *error)
{
    correlation it = {.count = count, .own = own};
    *found = 0;
    float *values = calloc(count, sizeof *values);
    duet_status status = values == NULL || !has_room(&it, features)
                             ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu columns", features)
                             : DUET_OK;
    for (size_t i = 0; status == DUET_OK && i < features; i++) {
        for (size_t row = 0; row < count; row++) values[row] = rows[row * features + i];
        if (has_factors(&it, i) && is_spread(values, count, i < own ? widest : widest_square))
            take_column(&it, rows, features, i);
    }
    if (status == DUET_OK && it.columns > 1) {
        status = factorise(&it, error);
        if (status == DUET_OK)
            status = own < features ? pick_surface(&it, list, found, error) : list_them(&it, list, room, found, error);
    }
    free(values);
    free(it.places);
    free(it.taken);
    free(it.lengths);
    free(it.values);
    free(it.packed);
    free(it.factor);
    free(it.weights);
    free(it.order);
    return status;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* How many rows there are but for copies: these add nothing to what tells columns apart. By FNV-1a of their numbers. */
static duet_status count_distinct(const float *rows, size_t count, size_t features, size_t *distinct, duet_error *error)
{
    uint64_t *sums = calloc(count, sizeof *sums);
    *distinct = 0;
    if (sums == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu rows", count);
    for (size_t row = 0; row < count; row++) {
        const unsigned char *bytes = (const unsigned char *)(rows + row * features);
        sums[row] = 0xcbf29ce484222325u;
        for (size_t i = 0; i < features * sizeof *rows; i++) sums[row] = (sums[row] ^ bytes[i]) * 0x100000001b3u;
    }
    qsort(sums, count, sizeof *sums, compare_numbers);
    for (size_t row = 0; row < count; row++) *distinct += row == 0 || sums[row] != sums[row - 1];
    free(sums);
    return DUET_OK;
}

duet_status duet_find_dependence(const float *rows, size_t count, size_t features, duet_dependence *list, size_t room,
                                 size_t *found, duet_error *error)
{
    size_t distinct;
    *found = 0;
    if (features < 2 || count < features + SPARE) return DUET_OK;
    DUET_TRY(count_distinct(rows, count, features, &distinct, error));
    if (distinct < features + SPARE) return DUET_OK;
    return find(rows, count, features, features, list, room, found, error);
}

typedef struct scaling {
    double mean, deviation;
} scaling;

static scaling scaling_of(const float *rows, size_t count, size_t features, size_t column)
{
    double mean = 0, squares = 0;
    for (size_t row = 0; row < count; row++) mean += (double)rows[row * features + column] / (double)count;
    for (size_t row = 0; row < count; row++)
        squares += pow((double)rows[row * features + column] - mean, 2) / (double)count;
    return (scaling){mean, squares > 0 ? sqrt(squares) : 1};
}

static double scaled(scaling it, float value)
{
    return ((double)value - it.mean) / it.deviation;
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

/* [columns, with mean 0 and deviation 1, their squares and, if `crossed`, the products of each two]; NULL: out of
 * memory. */
static float *multiply_out(const float *rows, size_t count, size_t features, bool crossed, size_t *columns)
{
    *columns = 2 * features + (crossed ? features * (features - 1) / 2 : 0);
    float *made = calloc(count, *columns * sizeof *made);
    scaling *scales = calloc(features, sizeof *scales);
    for (size_t i = 0; made != NULL && scales != NULL && i < features; i++)
        scales[i] = scaling_of(rows, count, features, i);
    for (size_t row = 0; made != NULL && scales != NULL && row < count; row++) {
        float *to = made + row * *columns, *products = to + 2 * features;
        for (size_t i = 0; i < features; i++) {
            const double value = scaled(scales[i], rows[row * features + i]);
            to[i] = (float)value;
            to[features + i] = (float)(value * value);
            for (size_t j = i + 1; crossed && j < features; j++)
                *products++ = (float)(value * scaled(scales[j], rows[row * features + j]));
        }
    }
    if (scales == NULL) {
        free(made);
        made = NULL;
    }
    free(scales);
    return made;
}

duet_status duet_find_surface(const float *rows, size_t count, size_t features, duet_dependence *it, duet_error *error)
{
    const size_t both = 2 * features, all = both + features * (features - 1) / 2;
    size_t found, columns, distinct;
    *it = (duet_dependence){0};
    if (features < 2 || count < SPARE) return DUET_OK;
    DUET_TRY(count_distinct(rows, count, features, &distinct, error));
    const bool crossed = features <= MOST_CROSSED && distinct >= 4 * all;
    if (distinct < both + SPARE) {
        if (!have_one_length(rows, count, features)) return DUET_OK;
        *it = (duet_dependence){.column = features - 1, .others = {0, 1, 2}, .count = features - 1};
        return DUET_OK;
    }
    float *made = multiply_out(rows, count, features, crossed, &columns);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu columns", columns);
    const duet_status status = find(made, count, columns, features, it, 1, &found, error);
    free(made);
    return status;
}

/* A row's place among those of a column in ascending order. */
typedef struct ranked {
    float value;
    size_t row;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *left = a, *right = b;
    if (left->value != right->value) return left->value > right->value ? 1 : -1;
    return left->row > right->row ? 1 : -1;
}

/* Whether the middle value of three lies on the line between the others. One place with two values is on none. */
static bool is_on_line(const ranked *x, const float *y, double most)
{
    if (x[0].value == x[1].value || x[1].value == x[2].value) return false;
    const double share = ((double)x[1].value - (double)x[0].value) / ((double)x[2].value - (double)x[0].value);
    return fabs((double)y[x[1].row] - (1 - share) * (double)y[x[0].row] - share * (double)y[x[2].row]) < most;
}

/* Whether half of the values, or more, lie on the line between those of their neighbours by the other column. Rows with
 * the same two values are one point, and values that stay the same say nothing: else whatever copies of rows have in
 * common, or groups of them, would be a curve. */
static bool is_on_curve(const ranked *order, const float *y, size_t count, double half)
{
    ranked last[3] = {{0}};
    size_t points = 0, looked = 0, on = 0;
    for (size_t i = 0; i < count; i++) {
        const bool again = y[order[i].row] == y[last[2].row];
        if (points > 0 && again && order[i].value == last[2].value) continue;
        const bool constant = again && y[last[1].row] == y[last[2].row];
        last[0] = last[1];
        last[1] = last[2];
        last[2] = order[i];
        if (++points < 3 || constant) continue;
        looked++;
        on += is_on_line(last, y, off_curve * half);
    }
    return looked + 2 >= LEAST_OF_CURVE && 2 * on >= looked;
}

/* Columns one after the other, and the width of each one's middle half; 0: it does not spread. */
static void turn(const float *rows, size_t count, size_t features, float *columns, double *halves)
{
    for (size_t i = 0; i < features; i++) {
        float *values = columns + (i + 1) * count; /* the place behind it is used and written over */
        for (size_t row = 0; row < count; row++) values[row] = columns[i * count + row] = rows[row * features + i];
        const bool spread = is_spread(values, count, widest);
        halves[i] = spread ? (double)values[3 * count / 4] - (double)values[count / 4] : 0;
    }
}

duet_status duet_find_curve(const float *rows, size_t count, size_t features, duet_dependence *it, duet_error *error)
{
    *it = (duet_dependence){0};
    if (features < 2 || features > MOST_PAIRED || count < LEAST_OF_CURVE) return DUET_OK;
    float *columns = calloc(count, (features + 1) * sizeof *columns);
    double *halves = calloc(features, sizeof *halves);
    ranked *order = calloc(count, sizeof *order);
    const bool there = columns != NULL && halves != NULL && order != NULL;
    if (there) turn(rows, count, features, columns, halves);
    for (size_t by = 0; there && it->count == 0 && by < features; by++) {
        if (halves[by] == 0) continue;
        for (size_t row = 0; row < count; row++) order[row] = (ranked){columns[by * count + row], row};
        qsort(order, count, sizeof *order, compare_ranked);
        for (size_t i = 0; it->count == 0 && i < features; i++)
            if (i != by && halves[i] > 0 && is_on_curve(order, columns + i * count, count, halves[i]))
                *it = (duet_dependence){.column = i, .others = {by}, .count = 1};
    }
    free(order);
    free(halves);
    free(columns);
    return there ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu columns", features);
}
