/* SPDX-License-Identifier: MIT */
/* Distances between rows of features, and how far each row's k-th neighbour is. */
#ifndef DUET_SRC_RUN_DISTANCES_H
#define DUET_SRC_RUN_DISTANCES_H

#include <stddef.h>

#include "base/status.h"

/** |x - y|^2 of two rows. Sums in double, so that equal rows have distance 0 and no other. */
double duet_squared_distance(const float *x, const float *y, size_t features);

/** radii [count]: the squared distance from each row to its k-th nearest other row, k from 1 to 32. Rows that lie at
 * the same place are neighbours at distance 0. count > k. */
duet_status duet_neighbour_radii(const float *rows, size_t count, size_t features, size_t k, double *radii,
                                 duet_error *error);
/** The same, and shares [count]: k over how many other rows lie no further than that, 1 unless several lie as far as
 * the k-th. */
duet_status duet_neighbour_shares(const float *rows, size_t count, size_t features, size_t k, double *radii,
                                  double *shares, duet_error *error);

#endif
