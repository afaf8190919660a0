/* SPDX-License-Identifier: MIT */
/* Bits that a lossless code by the model would take for each byte of an example: -log2 p(bytes) / features, or the
 * upper bound that a density of dequantised bytes gives (Theis et al. 2016, arXiv:1511.01844). The model computes it,
 * since it knows what its likelihood is of. */
#include <math.h>

#include "metric/metric.h"

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_BITS) == 1;
}

static const char *const *outputs(duet_run *run, duet_split split)
{
    static const char *const names[] = {DUET_BITS, NULL};
    (void)run;
    (void)split;
    return names;
}

/* The bits of each example. */
static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, duet_metric_examples(task) * sizeof(double), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    double *bits = task->state;
    for (size_t i = 0; i < piece->count; i++) bits[piece->first + i] = (double)piece->values[0][i];
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    (void)error;
    duet_metric_add_mean_within(task, "bits-per-dimension", task->state, duet_metric_examples(task), 0, INFINITY);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"bits-per-dimension", NULL, DUET_SMALLER, DUET_OF_LIKELIHOOD, 8},
    {NULL},
};

const duet_metric duet_metric_bits_per_dimension = {
    {"bits-per-dimension", "bits a feature", "code length of an example's bytes; for models with a likelihood of bytes",
     .measures = measures},
    applies,
    outputs,
    begin,
    take,
    finish,
    .refusal = duet_metric_why_no_likelihood,
};
