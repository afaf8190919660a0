/* SPDX-License-Identifier: MIT */
/* Sets that hold the same rows, where one is to be compared with the other: each figure would be perfect. Rows are
 * counted through both splits, training first. */
#include <stdlib.h>

#include "data/same_rows.h"

size_t duet_data_rows(const duet_data *data)
{
    return data->info.count[DUET_TRAIN] + data->info.count[DUET_TEST];
}

static duet_status read_row(duet_data *data, size_t row, float *values, duet_error *error)
{
    const size_t first = data->info.count[DUET_TRAIN];
    return row < first ? duet_data_read(data, DUET_TRAIN, row, 1, values, error)
                       : duet_data_read(data, DUET_TEST, row - first, 1, values, error);
}

static bool is_same(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i]) return false;
    return true;
}

/* Whether row r of the one is row `stride` r of the other, for all rows. Ends at one that is not. */
static duet_status compare(duet_data *data, duet_data *other, size_t stride, bool *same, duet_error *error)
{
    const size_t width = duet_shape_elements(data->info.shape), rows = duet_data_rows(data);
    float *pair = calloc(width, 2 * sizeof *pair);
    if (pair == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", data->info.name);
    duet_status status = DUET_OK;
    *same = true;
    for (size_t row = 0; row < rows && *same && status == DUET_OK; row++) {
        status = read_row(data, row, pair, error);
        if (status == DUET_OK) status = read_row(other, stride * row, pair + width, error);
        *same = status == DUET_OK && is_same(pair, pair + width, width);
    }
    free(pair);
    return status;
}

duet_status duet_data_are_rows_equal(duet_data *data, bool *equal, duet_error *error)
{
    *equal = false;
    return duet_data_rows(data) > 1 ? compare(data, data, 0, equal, error) : DUET_OK;
}

duet_status duet_data_are_rows_same(duet_data *data, duet_data *other, bool *same, duet_error *error)
{
    *same = false;
    return duet_data_rows(data) == duet_data_rows(other) ? compare(data, other, 1, same, error) : DUET_OK;
}

/* Rows asked about, `count` of them and no two alike, and which have been found. */
typedef struct asked {
    float *rows, *one;
    size_t count, width, left;
    bool found[DUET_ROWS_ASKED];
} asked;

static void look(asked *it)
{
    for (size_t i = 0; i < it->count; i++) {
        if (it->found[i] || !is_same(it->rows + i * it->width, it->one, it->width)) continue;
        it->found[i] = true;
        it->left--;
    }
}

duet_status duet_data_are_rows_among(duet_data *data, duet_data *other, bool *among, duet_error *error)
{
    enum { MOST_SEARCHED = 1 << 14 };
    const size_t all = duet_data_rows(other), rows = all < MOST_SEARCHED ? all : MOST_SEARCHED;
    asked it = {.count = duet_data_rows(data), .width = duet_shape_elements(data->info.shape)};
    if (it.count > DUET_ROWS_ASKED) it.count = DUET_ROWS_ASKED;
    it.left = it.count;
    it.rows = calloc(it.width, (it.count + 1) * sizeof *it.rows);
    if (it.rows == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", data->info.name);
    it.one = it.rows + it.count * it.width;
    duet_status status = DUET_OK;
    bool alike = false;
    for (size_t row = 0; row < it.count && status == DUET_OK; row++) {
        status = read_row(data, row, it.rows + row * it.width, error);
        for (size_t i = 0; i < row; i++)
            alike = alike || is_same(it.rows + i * it.width, it.rows + row * it.width, it.width);
    }
    const size_t searched = alike ? 0 : rows; /* of few different rows others are the same by chance */
    for (size_t row = 0; row < searched && it.left > 0 && status == DUET_OK; row++) {
        status = read_row(other, row, it.one, error);
        if (status == DUET_OK) look(&it);
    }
    *among = status == DUET_OK && it.left == 0;
    free(it.rows);
    return status;
}
