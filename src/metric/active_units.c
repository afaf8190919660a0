/* Active units, Burda et al. 2016 (arXiv:1509.00519), sec. 5.2: latents whose posterior mean varies over the data with
 * a variance above 0.01. The others carry nothing. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"

static const double least_variance = 0.01;

/* Welford's running mean and sum of squared deviations of each latent. */
typedef struct moments {
    size_t units, seen;
    double *mean, *squares;
} moments;

static bool applies(duet_run *run)
{
    return duet_run_features(run, "latent") > 0 && duet_run_features(run, "kl") == 1;
}

static void take_in(void *context, size_t first, size_t count, const float *examples, const float *values)
{
    moments *all = context;
    (void)first;
    (void)examples;
    for (size_t i = 0; i < count; i++) {
        all->seen++;
        for (size_t k = 0; k < all->units; k++) {
            double value = values[i * all->units + k], away = value - all->mean[k];
            all->mean[k] += away / (double)all->seen;
            all->squares[k] += away * (value - all->mean[k]);
        }
    }
}

static duet_status compute(duet_metric_task *task, duet_error *error)
{
    moments all = {.units = duet_run_features(task->run, "latent")};
    size_t active = 0;
    duet_status status = DUET_OK;
    all.mean = calloc(all.units, sizeof *all.mean);
    all.squares = calloc(all.units, sizeof *all.squares);
    if (all.mean == NULL || all.squares == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu latents", all.units);
    if (status == DUET_OK) status = duet_metric_visit(task, "latent", take_in, &all, error);
    if (status == DUET_OK) {
        for (size_t k = 0; k < all.units; k++) active += all.squares[k] / (double)all.seen > least_variance;
        duet_metric_add(task, "active-units", (double)active, NAN, NAN, all.seen);
    }
    free(all.mean);
    free(all.squares);
    return status;
}

const duet_metric duet_metric_active_units = {
    {"active-units", "latents",
     "latents that carry something: posterior means vary by more than 0.01; for models with "
     "a posterior"},
    applies,
    compute,
};
