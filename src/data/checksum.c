/* SPDX-License-Identifier: MIT */
/* What tells a data set from others under the same name or path: a checksum of its counts, shapes, types, rows and
 * labels. Rows count by the CRC-32 that gzip keeps of them, so that compressed files need not be inflated. */
#include <string.h>
#include <zlib.h>

#include "base/checksum.h"
#include "data/data.h"
#include "data/known.h"

/* Adds one file of examples, and its labels as they lie in it. */
static duet_status add_part(duet_data_part *part, uint64_t *sum, duet_error *error)
{
    const duet_rows *rows = &part->rows;
    uint32_t examples, labels = 0;
    duet_ahead_end(&part->ahead); /* its thread may be reading the file */
    DUET_TRY(duet_rows_checksum(&part->rows, &examples, error));
    if (part->labels != NULL) labels = (uint32_t)crc32_z(0, part->labels, rows->count);
    uint64_t facts[DUET_MAX_RANK + 6] = {rows->count, rows->element, examples, part->labels != NULL, labels};
    for (size_t i = 0; i < rows->shape.rank; i++) facts[5 + i] = rows->shape.dims[i];
    *sum = duet_checksum_add(*sum, facts, sizeof facts);
    return DUET_OK;
}

duet_status duet_data_checksum(duet_data *data, duet_error *error)
{
    uint64_t sum = DUET_CHECKSUM_BEGIN;
    DUET_TRY(duet_data_ready(data, error));
    /* one file for both splits, or for those that are still to be made of it */
    bool divided = data->parts[DUET_TEST].first > 0 || data->parts[DUET_TEST].rows.source == NULL;
    if (data->info.checksum[0] != '\0') return DUET_OK;
    if (data->generated != NULL) {
        sum = duet_checksum_add(sum, data->name, strlen(data->name));
    } else {
        if (!data->all_test) DUET_TRY(add_part(&data->parts[DUET_TRAIN], &sum, error));
        if (!divided) DUET_TRY(add_part(&data->parts[DUET_TEST], &sum, error));
    }
    duet_checksum_text(sum, data->info.checksum);
    return DUET_OK;
}
