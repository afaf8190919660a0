/* SPDX-License-Identifier: MIT */
/* Examples spread over the whole training split, as many as fit a million numbers. */
#include "model/looked_at.h"

#include <stdlib.h>

#include "data/data.h"
#include "data/plausible.h"

enum { MOST_ROWS = 4096, MOST_NUMBERS = 1 << 20 };

static duet_status read_examples(duet_looked_at *it, duet_data *data, duet_error *error)
{
    const size_t total = it->info->count[DUET_TRAIN];
    size_t wanted = it->features < MOST_NUMBERS / MOST_ROWS ? MOST_ROWS : MOST_NUMBERS / it->features, first, piece;
    if (wanted < 1) wanted = 1;
    if (wanted > total) wanted = total;
    it->rows = calloc(wanted, it->features * sizeof *it->rows);
    it->column = calloc(wanted, sizeof *it->column);
    if (it->rows == NULL || it->column == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", wanted);
    for (size_t i = 0; duet_rows_spread(total, wanted, i, &first, &piece); i++) {
        DUET_TRY(duet_data_read(data, DUET_TRAIN, first, piece, it->rows + it->count * it->features, error));
        it->count += piece;
    }
    return DUET_OK;
}

void duet_looked_at_free(duet_looked_at *it)
{
    free(it->rows);
    free(it->column);
    free(it->deviations);
}

bool duet_look_at_examples(duet_model *model, duet_looked_at *it)
{
    duet_data *data = duet_model_data(model);
    duet_error error = {0};
    *it = (duet_looked_at){.info = duet_data_describe(data)};
    it->features = duet_shape_elements(it->info->shape);
    if (!duet_model_training(model) || data->owner != NULL || data->asked || it->info->generated) return false;
    if (read_examples(it, data, &error) == DUET_OK) return true;
    duet_graph_refuse(duet_model_graph(model), error.status, "%s", error.message);
    duet_looked_at_free(it);
    return false;
}

bool duet_looked_at_is_told(const duet_looked_at *it)
{
    const size_t seen = it->deviations != NULL ? it->measured : it->count;
    return seen == it->info->count[DUET_TRAIN] && it->features < DUET_PICTURE_NUMBERS && it->info->shape.rank == 1;
}
