/* SPDX-License-Identifier: MIT */
/* The Jensen-Shannon divergence of a generated mixture and what a model makes of it (Lin 1991, IEEE Trans. Inf. Theory
 * 37), in nats, 0 to log 2, by quadrature: the mixture's density is known, the model's is estimated from 10,000
 * samples. Both are blurred by a normal of half a mode's deviation, of which the estimate is a mean of normals around
 * samples (Silverman 1986, sec. 4.2); blurring takes from both the same way, so that it never adds to the divergence,
 * and what is between equal ones is chance alone: jensen-shannon-floor, of as many examples, says how much. Known
 * failure: differences finer than the blur are not seen, such as a thread of samples in place of a mode. Where the
 * model's density is exact, jensen-shannon-exact takes both as they are; its interval is what halving the grid changes.
 */
#include <math.h>
#include <stdlib.h>

#include "metric/bootstrap.h"
#include "metric/density.h"
#include "metric/metric.h"

enum { SAMPLES = 10000, REPEATS = 200 };

static const double blur_share = 0.5, exact_step = 0.25; /* of a mode's deviation */

static bool applies(duet_run *run)
{
    const duet_generated *set = duet_run_data(run)->generated;
    return set != NULL && set->mixture != NULL && set->shape.dims[0] <= 2 &&
           duet_run_features(run, DUET_SAMPLE) == set->shape.dims[0];
}

static bool is_exact(duet_run *run)
{
    return duet_run_features(run, DUET_NLL) == 1 && duet_run_features(run, DUET_KL) == 0 &&
           duet_run_features(run, DUET_SAMPLE_LOGIT) == 0;
}

/* Densities on a grid, and the samples of which the second is. */
typedef struct pair {
    duet_density_grid grid;
    double *p, *q;
    const float *samples;
} pair;

static duet_status new_pair(pair *it, duet_density_grid grid, duet_error *error)
{
    *it = (pair){.grid = grid, .p = malloc(grid.points * sizeof(double)), .q = malloc(grid.points * sizeof(double))};
    if (it->p != NULL && it->q != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a grid of %zu points", grid.points);
}

static double estimate(const void *context, const size_t *rows, size_t count)
{
    const pair *it = context;
    duet_density_of_samples(&it->grid, it->samples, rows, count, it->q);
    return duet_jensen_shannon(&it->grid, it->p, it->q, 1);
}

/* Estimates from rows drawn again lie higher by about as much as the estimate does for chance: the interval is theirs,
 * mirrored at the estimate ("basic", Davison & Hinkley 1997, sec. 5.2), and holds the estimate. */
static duet_status add_estimate(duet_metric_task *task, pair *it, const char *name, duet_error *error)
{
    double low, high, value = estimate(it, NULL, SAMPLES);
    DUET_TRY(duet_bootstrap(estimate, it, SAMPLES, REPEATS, task->seed, &low, &high, error));
    duet_metric_add(task, name, value, fmax(fmin(2 * value - high, value), 0), fmax(2 * value - low, value), SAMPLES);
    return DUET_OK;
}

static duet_status by_samples(duet_metric_task *task, pair *it, duet_error *error)
{
    float *samples = NULL, *examples = malloc(SAMPLES * it->grid.dimensions * sizeof *examples);
    if (examples == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", SAMPLES);
    duet_density_of_mixture(&it->grid, it->p);
    duet_status status = duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error);
    it->samples = samples;
    if (status == DUET_OK) status = add_estimate(task, it, "jensen-shannon", error);
    if (status == DUET_OK) status = duet_data_read(duet_run_data(task->run), DUET_TEST, 0, SAMPLES, examples, error);
    it->samples = examples;
    if (status == DUET_OK) status = add_estimate(task, it, "jensen-shannon-floor", error);
    free(samples);
    free(examples);
    return status;
}

static duet_status ask_densities(const duet_metric_task *task, pair *it, float *points, float *values,
                                 duet_error *error)
{
    size_t dimensions = it->grid.dimensions;
    for (size_t i = 0; i < it->grid.points; i++) {
        double at[2];
        duet_density_point(&it->grid, i, at);
        for (size_t d = 0; d < dimensions; d++) points[i * dimensions + d] = (float)at[d];
    }
    const duet_wanted wanted = {DUET_NLL, values};
    const duet_request request = {.count = it->grid.points,
                                  .seed = task->seed,
                                  .examples = points,
                                  .outputs = &wanted,
                                  .output_count = 1,
                                  .batch = 2000};
    DUET_TRY(duet_run_use(task->run, &request, error));
    for (size_t i = 0; i < it->grid.points; i++) it->q[i] = exp(-(double)values[i]);
    return DUET_OK;
}

static duet_status by_density(duet_metric_task *task, pair *it, duet_error *error)
{
    float *points = malloc(it->grid.points * it->grid.dimensions * sizeof *points);
    float *values = malloc(it->grid.points * sizeof *values);
    duet_status status = points != NULL && values != NULL
                             ? ask_densities(task, it, points, values, error)
                             : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu points", it->grid.points);
    free(points);
    free(values);
    if (status != DUET_OK) return status;
    duet_density_of_mixture(&it->grid, it->p);
    double value = duet_jensen_shannon(&it->grid, it->p, it->q, 1);
    double reach = fabs(value - duet_jensen_shannon(&it->grid, it->p, it->q, 2));
    duet_metric_add(task, "jensen-shannon-exact", value, fmax(value - reach, 0), value + reach, it->grid.points);
    return DUET_OK;
}

static duet_status with(duet_metric_task *task, duet_density_grid grid,
                        duet_status (*add)(duet_metric_task *task, pair *it, duet_error *error), duet_error *error)
{
    pair it;
    duet_status status = new_pair(&it, grid, error);
    if (status == DUET_OK) status = add(task, &it, error);
    free(it.p);
    free(it.q);
    return status;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    const duet_generated *set = duet_run_data(task->run)->generated;
    double blur = blur_share * set->mixture->sigma;
    DUET_TRY(with(task, duet_density_grid_over(set, blur, blur), by_samples, error));
    if (!is_exact(task->run)) return DUET_OK;
    return with(task, duet_density_grid_over(set, 0, exact_step * set->mixture->sigma), by_density, error);
}

const duet_metric duet_metric_jensen_shannon = {
    .row = {"jensen-shannon", "nats",
            "Jensen-Shannon divergence of a generated mixture and 10,000 samples, both blurred by half a mode's width, "
            "and what examples have by chance; of flows also exact; only where it is named; on generated data",
            .better = -1, .on_request = true},
    .applies = applies,
    .finish = finish,
};
