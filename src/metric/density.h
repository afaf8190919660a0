/* SPDX-License-Identifier: MIT */
/* Densities on a grid of points, of generated mixtures, which are known, and of samples, which are estimated; and the
 * Jensen-Shannon divergence of two by quadrature. */
#ifndef DUET_SRC_METRIC_DENSITY_H
#define DUET_SRC_METRIC_DENSITY_H

#include "base/status.h"
#include "data/data.h"

/** Points `step` apart over a mixture's modes and a border around them, `side` in each of one or two dimensions, the
 *  last one's the quickest. */
typedef struct duet_density_grid {
    const duet_mixture *mixture;
    size_t dimensions;
    double blur; /**< deviation of the normal that both densities are blurred by; 0: none */
    double low[2], step;
    size_t side[2], points; /* side[1]: 1 in one dimension */
} duet_density_grid;

/** A grid over a set that is a mixture, with points `step` apart (in two dimensions at least a fifth of what is
 *  narrowest on it) and a border of six deviations. */
duet_density_grid duet_density_grid_over(const duet_generated *set, double blur, double step);
/** The mixture's density, blurred, at each point. */
void duet_density_of_mixture(const duet_density_grid *grid, double *density);
/** That of samples, [.., dimensions], blurred: the mean of normals of deviation `blur` around them. `rows`: those that
 *  count, `count` of them; NULL: the first. Samples off the grid count as mass that lies elsewhere. */
void duet_density_of_samples(const duet_density_grid *grid, const float *samples, const size_t *rows, size_t count,
                             double *density);
/** 1/2 KL(p | m) + 1/2 KL(q | m), m = (p + q) / 2, in nats, 0 to log 2: the sum over the points, and what q has off the
 *  grid, where p has nothing. */
double duet_jensen_shannon(const duet_density_grid *grid, const double *p, const double *q);
/** log of a mixture's density at one point, not blurred. */
double duet_log_density(const duet_generated *set, const float *at);

#endif
