/* SPDX-License-Identifier: MIT */
/* Metrics: numbers that judge a trained run. One row a metric. */
#ifndef DUET_METRIC_H
#define DUET_METRIC_H

#include "run.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A metric's value; low and high are NaN unless it has an interval, n the examples it was taken over. */
typedef struct duet_metric_value {
    const char *name; /**< static */
    double value, low, high;
    size_t n;
} duet_metric_value;

typedef struct duet_metric_row {
    const char *name;
    const char *unit;
    const char *summary;
    bool on_request; /**< it takes long: computed only where it is named */
} duet_metric_row;

DUET_API const duet_metric_row *duet_metric_at(size_t index); /**< NULL past the end */
/** Whether the run's model has what the metric needs. */
DUET_API bool duet_metric_applies(duet_run *run, const char *metric);
/** Computes one metric on a split. It may write several values (at most `capacity`); returns through *count. Errors:
 *  DUET_ERROR_USAGE for an unknown metric or one the model cannot give. */
DUET_API duet_status duet_metric_compute(duet_run *run, const char *metric, duet_split split, uint64_t seed,
                                         duet_metric_value *values, size_t capacity, size_t *count, duet_error *error);

/** Several metrics in one pass over the split; their values follow each other in the order of the names. */
DUET_API duet_status duet_metric_compute_all(duet_run *run, const char *const *metrics, size_t metric_count,
                                             duet_split split, uint64_t seed, duet_metric_value *values,
                                             size_t capacity, size_t *count, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
