/* SPDX-License-Identifier: MIT */
/* The nearest training examples, as programs ask for them. */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "duet/metric.h"
#include "run/search.h"

duet_status duet_nearest_training(duet_run *run, const float *rows, size_t count, size_t *places, double *distances,
                                  duet_error *error)
{
    duet_neighbour *found = malloc((count + 1) * sizeof *found);
    if (found == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu neighbours", count);
    const duet_status status = duet_run_nearest(run, rows, count, false, NULL, found, error);
    for (size_t i = 0; status == DUET_OK && i < count; i++) {
        places[i] = (size_t)found[i].number;
        distances[i] = sqrt(found[i].distance);
    }
    free(found);
    return status;
}
