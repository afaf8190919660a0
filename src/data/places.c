/* SPDX-License-Identifier: MIT */
/* Going back in a compressed file means to unpack it again from its start: whatever the order in which examples are
 * wanted, they are read from the first to the last. */
#include "data/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/philox.h"

/* A place, and which row wants its example. */
typedef struct wish {
    size_t place, row;
} wish;

static int compare_wishes(const void *a, const void *b)
{
    size_t left = ((const wish *)a)->place, right = ((const wish *)b)->place;
    return (left > right) - (left < right);
}

static duet_status read_one(duet_data *data, size_t place, float *values, uint8_t *label, duet_error *error)
{
    const size_t training = data->info.count[DUET_TRAIN];
    const duet_split split = place < training ? DUET_TRAIN : DUET_TEST;
    const size_t example = place < training ? place : place - training;
    DUET_TRY(duet_data_read(data, split, example, 1, values, error));
    return label == NULL ? DUET_OK : duet_data_labels(data, split, example, 1, label, error);
}

duet_status duet_data_read_places(duet_data *data, size_t from, const size_t *places, size_t count, float *values,
                                  uint8_t *labels, duet_error *error)
{
    const size_t features = duet_shape_elements(data->info.shape);
    wish *wishes = calloc(count + 1, sizeof *wishes);
    if (wishes == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", count);
    for (size_t i = 0; i < count; i++) wishes[i] = (wish){from + places[i], i};
    qsort(wishes, count, sizeof *wishes, compare_wishes);
    duet_status status = DUET_OK;
    for (size_t i = 0; i < count && status == DUET_OK; i++) {
        const size_t row = wishes[i].row, before = wishes[i > 0 ? i - 1 : 0].row;
        if (i > 0 && wishes[i].place == wishes[i - 1].place) {
            memcpy(values + row * features, values + before * features, features * sizeof *values);
            if (labels != NULL) labels[row] = labels[before];
            continue;
        }
        status = read_one(data, wishes[i].place, values + row * features, labels == NULL ? NULL : labels + row, error);
    }
    free(wishes);
    return status;
}

size_t duet_data_place(size_t index, size_t count, size_t total)
{
    return count == 0 ? 0 : duet_philox_place(0, index, count, total);
}
