/* SPDX-License-Identifier: MIT */
/* From rows to a set of two splits, whatever format they come from: shapes and classes must agree, and without test
 * rows the last tenth of the examples is the test split. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/data.h"
#include "graph/node.h"

enum { TEST_SHARE = 10 };

static duet_type type_of(const duet_rows *rows)
{
    return rows->element == DUET_ELEMENT_UINT8 ? DUET_UINT8 : DUET_FLOAT32;
}

static duet_status check_alike(const duet_rows *train, const duet_rows *test, duet_error *error)
{
    if (type_of(train) == type_of(test) && duet_shape_equal(train->shape, test->shape)) return DUET_OK;
    char has[96], had[96];
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: its examples differ in shape or type from those of %s: %s of shape %s, and %s of shape %s",
                     test->path, train->path, type_of(test) == DUET_UINT8 ? "bytes" : "floats",
                     duet_shape_text(test->shape, has), type_of(train) == DUET_UINT8 ? "bytes" : "floats",
                     duet_shape_text(train->shape, had));
}

/* Divides the training rows between the splits: each reads them on its own. */
static duet_status divide(duet_data_part *parts, duet_error *error)
{
    duet_data_part *train = &parts[DUET_TRAIN], *test = &parts[DUET_TEST];
    size_t total = train->count, share = total / TEST_SHARE > 0 ? total / TEST_SHARE : 1;
    if (total < 2)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: one example; at least two are expected, to train and to test with", train->rows.path);
    DUET_TRY(duet_rows_share(&test->rows, &train->rows, error));
    train->count = total - share;
    test->count = share;
    test->first = total - share;
    if (train->labels == NULL) return DUET_OK;
    test->labels = malloc(share);
    if (test->labels == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu labels", share);
    memcpy(test->labels, train->labels + test->first, share);
    return DUET_OK;
}

/* [height, width] is a picture of one channel. */
static duet_shape example_shape(duet_shape row)
{
    if (row.rank == 2) row.dims[row.rank++] = 1;
    return row;
}

static void describe(duet_data *data)
{
    duet_data_info *info = &data->info;
    const duet_rows *rows = &data->parts[DUET_TRAIN].rows;
    info->shape = example_shape(rows->shape);
    info->type = type_of(rows);
    info->picture = info->shape.rank == 3 && (info->shape.dims[2] == 1 || info->shape.dims[2] == 3);
    for (size_t split = 0; split < 2; split++) {
        const duet_data_part *part = &data->parts[split];
        info->count[split] = part->count;
        for (size_t i = 0; part->labels != NULL && i < part->count; i++)
            if (part->labels[i] >= info->classes) info->classes = (size_t)part->labels[i] + 1;
    }
}

static void take_labels(duet_data_part *part)
{
    part->count = part->rows.count;
    part->labels = part->rows.labels.values;
    part->rows.labels.values = NULL;
}

duet_status duet_data_open_set(duet_data *data, const char *path, const duet_data_options *options, duet_error *error)
{
    duet_data_part *parts = data->parts;
    duet_rows rows[2] = {{0}};
    duet_status status = duet_files_open(rows, path, options, error);
    for (size_t split = 0; split < 2; split++) {
        parts[split].rows = rows[split];
        take_labels(&parts[split]);
    }
    if (status != DUET_OK) return status;
    bool divided = parts[DUET_TEST].count == 0;
    if (divided) DUET_TRY(divide(parts, error));
    DUET_TRY(check_alike(&parts[DUET_TRAIN].rows, &parts[DUET_TEST].rows, error));
    data->info.unit_range = true;
    for (size_t split = 0; split < (divided ? 1u : 2u) && parts[split].rows.element != DUET_ELEMENT_UINT8; split++) {
        duet_range range;
        DUET_TRY(duet_rows_scan(&parts[split].rows, &range, error));
        data->info.unit_range = data->info.unit_range && range.low >= 0 && range.high <= 1;
    }
    describe(data);
    return DUET_OK;
}
