/* SPDX-License-Identifier: MIT */
/* Opening the files of a data set: shapes and counts must agree, labels must fit, and without a test file the last
 * tenth of the examples is the test split. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

enum { TEST_SHARE = 10 };

static duet_type type_of(const duet_rows *rows)
{
    return rows->element == DUET_ELEMENT_UINT8 ? DUET_UINT8 : DUET_FLOAT32;
}

static bool is_alike(const duet_rows *a, const duet_rows *b)
{
    return type_of(a) == type_of(b) && a->shape.rank == b->shape.rank &&
           memcmp(a->shape.dims, b->shape.dims, a->shape.rank * sizeof *a->shape.dims) == 0;
}

static duet_status open_examples(duet_rows *rows, const char *path, duet_error *error)
{
    DUET_TRY(duet_rows_open(rows, path, error));
    if (rows->shape.rank >= 1 && rows->shape.rank <= 3) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: an array of %zu extents; [n, features], [n, height, width] or [n, height, width, channels] "
                     "is expected%s",
                     path, rows->shape.rank + 1, rows->shape.rank == 0 ? " (is it a file of labels?)" : "");
}

/* The labels of a part from `path`: one byte for each row of its file. */
static duet_status read_labels(duet_data_part *part, const char *path, duet_error *error)
{
    duet_rows rows = {0};
    DUET_TRY(duet_rows_open(&rows, path, error));
    duet_status status = DUET_OK;
    if (rows.shape.rank != 0 || rows.element != DUET_ELEMENT_UINT8)
        status = duet_fail(error, DUET_ERROR_DATA, "%s: labels are expected: one extent, unsigned bytes", path);
    else if (rows.count != part->rows.count)
        status = duet_fail(error, DUET_ERROR_DATA, "%s: %zu labels, but %s holds %zu examples", path, rows.count,
                           part->rows.path, part->rows.count);
    else if ((part->labels = malloc(rows.count)) == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for %zu labels", path, rows.count);
    else
        status = duet_rows_read(&rows, 0, rows.count, part->labels, error);
    duet_rows_close(&rows);
    return status;
}

static duet_status open_part(duet_data_part *part, const char *examples, const char *labels, duet_error *error)
{
    DUET_TRY(open_examples(&part->rows, examples, error));
    part->count = part->rows.count;
    return labels == NULL ? DUET_OK : read_labels(part, labels, error);
}

/* Divides one file between the splits: each reads it on its own. */
static duet_status split_file(duet_data_part *parts, const duet_data_files *files, duet_error *error)
{
    size_t total = parts[DUET_TRAIN].count, test = total / TEST_SHARE > 0 ? total / TEST_SHARE : 1;
    if (total < 2)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: one example; at least two are expected, to train and to test with",
                         files->examples[DUET_TRAIN]);
    DUET_TRY(open_part(&parts[DUET_TEST], files->examples[DUET_TRAIN], files->labels[DUET_TRAIN], error));
    parts[DUET_TRAIN].count = total - test;
    parts[DUET_TEST].count = test;
    parts[DUET_TEST].first = total - test;
    if (parts[DUET_TEST].labels != NULL) memmove(parts[DUET_TEST].labels, parts[DUET_TEST].labels + total - test, test);
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

duet_status duet_data_open_files(duet_data *data, const duet_data_files *files, duet_error *error)
{
    duet_data_part *parts = data->parts;
    const char *test = files->examples[DUET_TEST];
    DUET_TRY(open_part(&parts[DUET_TRAIN], files->examples[DUET_TRAIN], files->labels[DUET_TRAIN], error));
    if (test == NULL)
        DUET_TRY(split_file(parts, files, error));
    else
        DUET_TRY(open_part(&parts[DUET_TEST], test, files->labels[DUET_TEST], error));
    if (!is_alike(&parts[DUET_TRAIN].rows, &parts[DUET_TEST].rows))
        return duet_fail(error, DUET_ERROR_DATA, "%s: its examples differ in shape or type from those of %s", test,
                         files->examples[DUET_TRAIN]);
    data->info.unit_range = true;
    for (size_t split = 0; split < (test == NULL ? 1u : 2u); split++) {
        bool unit;
        DUET_TRY(duet_rows_scan(&parts[split].rows, &unit, error));
        data->info.unit_range = data->info.unit_range && unit;
    }
    describe(data);
    return DUET_OK;
}
