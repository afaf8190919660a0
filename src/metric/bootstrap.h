/* SPDX-License-Identifier: MIT */
/* Intervals of estimates that are no means: the bootstrap, Efron & Tibshirani 1993 (An Introduction to the Bootstrap,
 * ch. 13). An estimate is made again and again from as many rows drawn with replacement; 95% of its values lie between
 * the ends of the interval. */
#ifndef DUET_SRC_METRIC_BOOTSTRAP_H
#define DUET_SRC_METRIC_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/** An estimate from rows, `count` of them named by `rows`; the same row may be named again. */
typedef double (*duet_estimate)(const void *context, const size_t *rows, size_t count);

/** *low, *high: percentiles 2.5 and 97.5 of `repeats` estimates. The draws follow from the seed. */
duet_status duet_bootstrap(duet_estimate estimate, const void *context, size_t count, size_t repeats, uint64_t seed,
                           double *low, double *high, duet_error *error);

#endif
