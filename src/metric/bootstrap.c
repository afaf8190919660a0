/* SPDX-License-Identifier: MIT */
/* Row k of repeat r is Philox's element k of step r, so an interval repeats to the bit. */
#include "metric/bootstrap.h"

#include <stdlib.h>

#include "base/philox.h"

enum { STREAM = 0x626f6f74 };

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The value below which a share of the sorted values lies, between its two neighbours. */
static double percentile(const double *sorted, size_t count, double share)
{
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    if (below + 1 >= count) return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

duet_status duet_bootstrap(duet_estimate estimate, const void *context, double value, size_t count, size_t repeats,
                           uint64_t seed, double *low, double *high, duet_error *error)
{
    size_t *rows = malloc(count * sizeof *rows);
    double *values = malloc(repeats * sizeof *values);
    if (rows == NULL || values == NULL) {
        free(rows);
        free(values);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu estimates", repeats);
    }
    for (size_t r = 0; r < repeats; r++) {
        for (size_t i = 0; i < count; i++) {
            double share = duet_philox_uniform(duet_philox_element(seed, STREAM, (uint32_t)r, (uint32_t)i));
            rows[i] = (size_t)(share * (double)count);
        }
        values[r] = estimate(context, rows, count);
    }
    qsort(values, repeats, sizeof *values, compare);
    *low = 2 * value - percentile(values, repeats, 0.975);
    *high = 2 * value - percentile(values, repeats, 0.025);
    free(rows);
    free(values);
    return DUET_OK;
}
