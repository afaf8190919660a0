/* SPDX-License-Identifier: MIT */
/* Active units, Burda et al. 2016 (arXiv:1509.00519), sec. 5.2: latents whose posterior mean varies over the data with
 * a variance above 0.01. The others carry nothing. The ends of the interval count the latents whose variance is above
 * it at the lower, and at the upper, end of an interval of its own, 1.96 standard errors each way; one that did not
 * vary at all counts at the upper end, since that says nothing of examples where it may. Below 20 examples, where such
 * an error is itself unknown, there is none. */
#include <math.h>

#include "base/status.h"
#include "metric/metric.h"

enum { LEAST = 20 };

static const double least_variance = 0.01;

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_LATENT) > 0 && duet_run_features(run, DUET_KL) == 1;
}

/* Nothing varies over one example. */
static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    if (data->count[split] >= 2) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "active-units needs at least 2 examples, over which latents may vary; %s has %zu", data->name,
                     data->count[split]);
}

static const char *const *outputs(duet_run *run, duet_split split)
{
    static const char *const names[] = {DUET_LATENT, NULL};
    (void)run;
    (void)split;
    return names;
}

/* Sums of powers of a latent, less its first value. */
typedef struct powers {
    double first, sums[4];
} powers;

static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, duet_run_features(task->run, DUET_LATENT) * sizeof(powers), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    size_t units = duet_run_features(task->run, DUET_LATENT);
    powers *all = task->state;
    for (size_t i = 0; i < piece->count; i++)
        for (size_t k = 0; k < units; k++) {
            double value = (double)piece->values[0][i * units + k], power = 1;
            if (piece->first + i == 0) all[k].first = value;
            for (size_t p = 0; p < 4; p++) all[k].sums[p] += power *= value - all[k].first;
        }
}

/* The variance, and the standard error that it has by the fourth central moment: Var s^2 = (m4 - s^4) / n. */
static double variance_of(const powers *it, double n, double *deviation)
{
    double a = it->sums[0] / n, b = it->sums[1] / n, c = it->sums[2] / n, d = it->sums[3] / n;
    double variance = b - a * a, fourth = d - 4 * a * c + 6 * a * a * b - 3 * a * a * a * a;
    *deviation = sqrt(fmax(fourth - variance * variance, 0) / n);
    return variance;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t units = duet_run_features(task->run, DUET_LATENT), n = duet_metric_examples(task);
    size_t active = 0, surely = 0, perhaps = 0;
    const powers *all = task->state;
    (void)error;
    for (size_t k = 0; k < units; k++) {
        double deviation, variance = variance_of(&all[k], (double)n, &deviation);
        active += variance > least_variance;
        surely += variance - 1.96 * deviation > least_variance;
        perhaps += variance + 1.96 * deviation > least_variance || variance == 0;
    }
    bool known = n >= LEAST;
    duet_metric_add_count(task, "active-units", (double)active, known ? (double)surely : NAN,
                          known ? (double)perhaps : NAN, n);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"active-units", NULL, DUET_NEITHER, DUET_OF_LATENTS, 8},
    {NULL},
};

const duet_metric duet_metric_active_units = {
    {"active-units", "latents",
     "latents that carry something: posterior means vary by more than 0.01; for models with "
     "a posterior and a KL term",
     .measures = measures},
    applies,
    outputs,
    begin,
    take,
    finish,
    enough,
};
