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

/* The `kept` smallest distances of each row, [count, kept]; the caller frees them. */
static duet_status find_smallest(const float *rows, size_t count, size_t features, size_t kept, double **made,
                                 duet_error *error)
{
    double *smallest = *made = malloc(count * kept * sizeof *smallest);
    if (smallest == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu neighbours", count * kept);
    for (size_t i = 0; i < count * kept; i++) smallest[i] = INFINITY;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            double distance = duet_squared_distance(rows + i * features, rows + j * features, features);
            insert(smallest + i * kept, kept, distance);
            insert(smallest + j * kept, kept, distance);
        }
    return DUET_OK;
}

duet_status duet_neighbour_radii(const float *rows, size_t count, size_t features, size_t k, double *radii,
                                 duet_error *error)
{
    double *smallest;
    DUET_TRY(find_smallest(rows, count, features, k, &smallest, error));
    for (size_t i = 0; i < count; i++) radii[i] = smallest[i * k + k - 1];
    free(smallest);
    return DUET_OK;
}

/* Other rows that lie no further from row `at` than its radius. */
static size_t count_within(const float *rows, size_t count, size_t features, size_t at, double radius)
{
    size_t within = 0;
    for (size_t i = 0; i < count; i++)
        within += i != at && duet_squared_distance(rows + at * features, rows + i * features, features) <= radius;
    return within;
}

duet_status duet_neighbour_shares(const float *rows, size_t count, size_t features, size_t k, double *radii,
                                  double *shares, duet_error *error)
{
    double *smallest;
    DUET_TRY(find_smallest(rows, count, features, k + 1, &smallest, error));
    for (size_t i = 0; i < count; i++) {
        const double *own = smallest + i * (k + 1);
        size_t within = k;
        radii[i] = own[k - 1];
        if (own[k] == radii[i]) within = count_within(rows, count, features, i, radii[i]);
        shares[i] = within > k ? (double)k / (double)within : 1;
    }
    free(smallest);
    return DUET_OK;
}
