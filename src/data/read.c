/* SPDX-License-Identifier: MIT */
/* Examples and labels for the host: a piece of a file, or draws of a generated set. */
#include <string.h>

#include "data/data.h"
#include "data/known.h"

static duet_status check_range(const duet_data *data, duet_split split, size_t first, size_t count, duet_error *error)
{
    if (split != DUET_TRAIN && split != DUET_TEST)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: there is no split %d: DUET_TRAIN or DUET_TEST was expected",
                         data->name, (int)split);
    size_t there = data->info.count[split];
    if (data->generated != NULL || (first <= there && count <= there - first)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "%s: %zu examples from number %zu on were asked for; the %s split holds %zu", data->name, count,
                     first, split == DUET_TRAIN ? "training" : "test", there);
}

duet_status duet_data_read(duet_data *data, duet_split split, size_t first, size_t count, float *values,
                           duet_error *error)
{
    DUET_TRY(duet_data_ready(data, error));
    DUET_TRY(check_range(data, split, first, count, error));
    const size_t elements = duet_shape_elements(data->info.shape);
    for (size_t i = 0; data->generated != NULL && i < count; i++)
        (void)data->generated->draw(data, split, first + i, values + i * elements, NULL);
    if (data->generated != NULL || count == 0) return DUET_OK;
    duet_data_part *part = &data->parts[split];
    duet_ahead_end(&part->ahead); /* its thread may be reading the file */
    DUET_TRY(duet_rows_read(&part->rows, part->first + first, count, values, error));
    if (data->info.type != DUET_UINT8) return DUET_OK;
    /* The bytes lie at the front of the memory of their floats: going from the last to the first overwrites none. */
    const uint8_t *bytes = (const uint8_t *)values;
    for (size_t i = count * part->rows.row_elements; i-- > 0;) values[i] = (float)bytes[i] * (1.0f / 255);
    return DUET_OK;
}

duet_status duet_data_labels(duet_data *data, duet_split split, size_t first, size_t count, uint8_t *labels,
                             duet_error *error)
{
    DUET_TRY(duet_data_ready(data, error));
    DUET_TRY(check_range(data, split, first, count, error));
    const uint8_t *own = data->parts[split].labels;
    if (data->generated == NULL && own == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: the %s split has no labels", data->name,
                         split == DUET_TRAIN ? "training" : "test");
    if (own != NULL) memcpy(labels, own + first, count);
    for (size_t i = 0; data->generated != NULL && i < count; i++)
        labels[i] = (uint8_t)data->generated->draw(data, split, first + i, NULL, NULL);
    return DUET_OK;
}

duet_status duet_data_count_labels(duet_data *data, duet_split split, size_t counts[256], duet_error *error)
{
    uint8_t labels[4096];
    const size_t total = data->info.count[split];
    for (size_t first = 0, count; first < total; first += count) {
        count = total - first < sizeof labels ? total - first : sizeof labels;
        DUET_TRY(duet_data_labels(data, split, first, count, labels, error));
        for (size_t i = 0; i < count; i++) counts[labels[i]]++;
    }
    return DUET_OK;
}

duet_status duet_data_factors(duet_data *data, duet_split split, size_t first, size_t count, float *factors,
                              duet_error *error)
{
    const size_t each = data->info.factor_count;
    if (each == 0)
        return duet_fail(error, DUET_ERROR_USAGE, "%s: what its examples are made of is not known; of shapes it is",
                         data->name);
    for (size_t i = 0; i < count; i++) (void)data->generated->draw(data, split, first + i, NULL, factors + i * each);
    return DUET_OK;
}

bool duet_data_has_labels(const duet_data *data, duet_split split)
{
    return data->info.labelled[split];
}
