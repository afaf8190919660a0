/* SPDX-License-Identifier: MIT */
/* Each pair of rows is looked at once, for both of its rows. */
#include "run/distances.h"

#include <math.h>
#include <stdlib.h>

double duet_squared_distance(const float *x, const float *y, size_t features)
{
    double sums[4] = {0}; /* apart, so that one addition need not wait for the last */
    size_t i = 0;
    for (; i + 4 <= features; i += 4)
        for (size_t lane = 0; lane < 4; lane++) {
            double away = (double)x[i + lane] - (double)y[i + lane];
            sums[lane] += away * away;
        }
    for (; i < features; i++) sums[0] += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sums[0] + sums[1] + sums[2] + sums[3];
}

/* Puts a distance among the k smallest of a row, sorted, if it is one. */
static void insert(double *smallest, size_t k, double distance)
{
    if (!(distance < smallest[k - 1])) return;
    size_t at = k - 1;
    for (; at > 0 && smallest[at - 1] > distance; at--) smallest[at] = smallest[at - 1];
    smallest[at] = distance;
}

duet_status duet_neighbour_radii(const float *rows, size_t count, size_t features, size_t k, double *radii,
                                 duet_error *error)
{
    double *smallest = malloc(count * k * sizeof *smallest);
    if (smallest == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu neighbours", count * k);
    for (size_t i = 0; i < count * k; i++) smallest[i] = INFINITY;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            double distance = duet_squared_distance(rows + i * features, rows + j * features, features);
            insert(smallest + i * k, k, distance);
            insert(smallest + j * k, k, distance);
        }
    for (size_t i = 0; i < count; i++) radii[i] = smallest[i * k + k - 1];
    free(smallest);
    return DUET_OK;
}
