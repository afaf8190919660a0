/* SPDX-License-Identifier: MIT */
/* Maximum mean discrepancy, Gretton et al. 2012 (JMLR 13): how far two sets of rows are apart in the mean of a kernel's
 * features. */
#ifndef DUET_SRC_METRIC_KERNEL_H
#define DUET_SRC_METRIC_KERNEL_H

#include <stddef.h>

typedef enum duet_kernel_kind {
    DUET_KERNEL_GAUSSIAN,               /**< exp(-|x - y|^2 / scale) */
    DUET_KERNEL_INVERSE_MULTIQUADRATIC, /**< scale / (scale + |x - y|^2), with heavier tails */
    DUET_KERNEL_CUBIC,                  /**< (x . y / features + 1)^3, which needs no scale */
} duet_kernel_kind;

typedef struct duet_kernel {
    duet_kernel_kind kind;
    double scale; /**< a squared length */
} duet_kernel;

/** The squared discrepancy of a, [a_count, features], and b, unbiased (eq. 3): 0 in the mean where both come from one
 *  distribution, then as often below as above. NaN for less than two rows of either. */
double duet_kernel_distance(const duet_kernel *kernel, const float *a, size_t a_count, const float *b, size_t b_count,
                            size_t features);

/** Half of that distance's interval of 95%, of two sets of `count` rows: both are cut into ten blocks, each with a
 *  distance of its own; the standard error of their mean, which is at least that of the distance over all rows, times
 *  Student's t. NaN for less than 20 rows. Blocks are neighbours in the sets: rows in an order make it too wide. */
double duet_kernel_reach(const duet_kernel *kernel, const float *a, const float *b, size_t count, size_t features);

/** The mean of |x - y|^2 over all pairs of rows: a scale at which a kernel tells near from far. */
double duet_mean_squared_distance(const float *rows, size_t count, size_t features);

#endif
