/* SPDX-License-Identifier: MIT */
/* Active units, Burda et al. 2016 (arXiv:1509.00519), sec. 5.2: latents whose posterior mean varies over the data with
 * a variance above 0.01. The others carry nothing. */
#include <math.h>

#include "metric/metric.h"

static const double least_variance = 0.01;

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_LATENT) > 0 && duet_run_features(run, DUET_KL) == 1;
}

static const char *const *outputs(duet_run *run)
{
    static const char *const names[] = {DUET_LATENT, NULL};
    (void)run;
    return names;
}

/* State, by Welford's method: the running mean of each latent, then the sum of squared deviations of each latent. */
static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, 2 * duet_run_features(task->run, DUET_LATENT) * sizeof(double), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    size_t units = duet_run_features(task->run, DUET_LATENT);
    double *mean = task->state, *squares = mean + units;
    for (size_t i = 0; i < piece->count; i++)
        for (size_t k = 0; k < units; k++) {
            double value = (double)piece->values[0][i * units + k], away = value - mean[k];
            mean[k] += away / (double)(piece->first + i + 1);
            squares[k] += away * (value - mean[k]);
        }
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t units = duet_run_features(task->run, DUET_LATENT), n = duet_metric_examples(task), active = 0;
    const double *squares = (const double *)task->state + units;
    (void)error;
    for (size_t k = 0; k < units; k++) active += squares[k] / (double)n > least_variance;
    duet_metric_add(task, "active-units", (double)active, NAN, NAN, n);
    return DUET_OK;
}

const duet_metric duet_metric_active_units = {
    {"active-units", "latents",
     "latents that carry something: posterior means vary by more than 0.01; for models with "
     "a posterior",
     1},
    applies,
    outputs,
    begin,
    take,
    finish,
};
