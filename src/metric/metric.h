/* A metric is a row: what it is called, whether a run can give it, and how it is computed. */
#ifndef DUET_SRC_METRIC_METRIC_H
#define DUET_SRC_METRIC_METRIC_H

#include "base/status.h"
#include "duet/metric.h"

/** One computation: what was asked, and the values so far. */
typedef struct duet_metric_task {
    duet_run *run;
    duet_split split;
    uint64_t seed;
    duet_metric_value *values;
    size_t capacity, count;
} duet_metric_task;

typedef struct duet_metric {
    duet_metric_row row;
    bool (*applies)(duet_run *run);
    duet_status (*compute)(duet_metric_task *task, duet_error *error);
} duet_metric;

extern const duet_metric duet_metric_elbo, duet_metric_active_units, duet_metric_mse, duet_metric_accuracy,
    duet_metric_classes, duet_metric_modes;

/** Examples of the split in question. */
size_t duet_metric_examples(const duet_metric_task *task);
/** Adds a value, past the capacity only to the count. */
void duet_metric_add(duet_metric_task *task, const char *name, double value, double low, double high, size_t n);
/** Adds the mean of n numbers with its interval of 95%, mean +- 1.96 standard errors. */
void duet_metric_add_mean(duet_metric_task *task, const char *name, const double *numbers, size_t n);

/** Called with a piece of the split: examples first .. first + count - 1, [count, features of the data], and the
 *  output's rows for them. */
typedef void (*duet_metric_visitor)(void *context, size_t first, size_t count, const float *examples,
                                    const float *values);
/** Applies an output to the whole split, piece by piece. */
duet_status duet_metric_visit(const duet_metric_task *task, const char *output, duet_metric_visitor visit,
                              void *context, duet_error *error);
/** Output `output` of `count` latents from the prior: [count, features]; the caller frees it. */
duet_status duet_metric_sample(const duet_metric_task *task, const char *output, size_t count, float **values,
                               duet_error *error);

#endif
