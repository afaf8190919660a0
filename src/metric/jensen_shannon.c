/* SPDX-License-Identifier: MIT */
/* The Jensen-Shannon divergence of a generated mixture and what a model makes of it (Lin 1991, IEEE Trans. Inf. Theory
 * 37), in nats, 0 to log 2, by quadrature: the mixture's density is known, the model's is estimated from 10,000
 * samples. Both are blurred by a normal of half a mode's deviation, of which the estimate is a mean of normals around
 * samples (Silverman 1986, sec. 4.2); blurring takes from both the same way, so that it never adds to the divergence,
 * and what is between equal ones is chance alone: jensen-shannon-floor, of as many examples, says how much. Known
 * failure: differences finer than the blur are not seen, such as a thread of samples in place of a mode. Where the
 * model's density is exact, jensen-shannon-exact takes both as they are, log 2 + E_p log(p / (p + q)) / 2 + E_q log(q /
 * (p + q)) / 2, over examples and samples: no grid is fine enough for a flow that puts its mass on threads. */
#include <math.h>
#include <stdlib.h>

#include "metric/bootstrap.h"
#include "metric/density.h"
#include "metric/metric.h"

enum { SAMPLES = 10000, REPEATS = 200 };

static const double blur_share = 0.5; /* of a mode's deviation */

static bool applies(duet_run *run)
{
    const duet_generated *set = duet_run_data(run)->generated;
    return set != NULL && set->mixture != NULL && set->shape.dims[0] <= 2 &&
           duet_run_features(run, DUET_SAMPLE) == set->shape.dims[0];
}

/* Of samples that are given the model's density says nothing. */
static bool is_exact(duet_run *run)
{
    return duet_run_features(run, DUET_NLL) == 1 && duet_run_features(run, DUET_KL) == 0 &&
           duet_run_features(run, DUET_SAMPLE_LOGIT) == 0 && duet_run_given_samples(run) == NULL;
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
    return duet_jensen_shannon(&it->grid, it->p, it->q);
}

static duet_status add_estimate(duet_metric_task *task, pair *it, const char *name, duet_error *error)
{
    double low, high, value = estimate(it, NULL, SAMPLES);
    DUET_TRY(duet_bootstrap(estimate, it, value, SAMPLES, REPEATS, task->seed, &low, &high, error));
    duet_metric_add_within(task, name, value, low, high, 0, log(2), SAMPLES);
    return DUET_OK;
}

static duet_status by_estimates(duet_metric_task *task, const float *samples, const float *examples, duet_error *error)
{
    const duet_generated *set = duet_run_data(task->run)->generated;
    double blur = blur_share * set->mixture->sigma;
    pair it;
    duet_status status = new_pair(&it, duet_density_grid_over(set, blur, blur), error);
    if (status == DUET_OK) duet_density_of_mixture(&it.grid, it.p);
    it.samples = samples;
    if (status == DUET_OK) status = add_estimate(task, &it, "jensen-shannon", error);
    it.samples = examples;
    if (status == DUET_OK) status = add_estimate(task, &it, "jensen-shannon-floor", error);
    free(it.p);
    free(it.q);
    return status;
}

/* The mean over draws of one density of log(own / (own + other)), and its squared standard error. */
static duet_status measure(const duet_metric_task *task, const float *points, double sign, double *mean,
                           double *variance, duet_error *error)
{
    const duet_generated *set = duet_run_data(task->run)->generated;
    float *nll = malloc(SAMPLES * sizeof *nll);
    double sum = 0, squares = 0;
    if (nll == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", SAMPLES);
    const duet_wanted wanted = {DUET_NLL, nll};
    const duet_request request = {
        .count = SAMPLES, .seed = task->seed, .examples = points, .outputs = &wanted, .output_count = 1};
    duet_status status = duet_run_answer(task->run, &request, error);
    for (size_t i = 0; status == DUET_OK && i < SAMPLES; i++) {
        double ahead = sign * (duet_log_density(set, points + i * set->shape.dims[0]) + (double)nll[i]);
        double term = fmin(ahead, 0) - log1p(exp(-fabs(ahead)));
        sum += term / SAMPLES;
        squares += term * term / SAMPLES;
    }
    free(nll);
    *mean = sum;
    *variance = (squares - sum * sum) / SAMPLES;
    return status;
}

static duet_status by_density(duet_metric_task *task, const float *samples, const float *examples, duet_error *error)
{
    double of_p, of_q, p_variance, q_variance;
    DUET_TRY(measure(task, examples, 1, &of_p, &p_variance, error));
    DUET_TRY(measure(task, samples, -1, &of_q, &q_variance, error));
    double value = log(2) + (of_p + of_q) / 2, reach = 1.96 * sqrt(p_variance + q_variance) / 2;
    duet_metric_add_within(task, "jensen-shannon-exact", value, value - reach, value + reach, 0, log(2), SAMPLES);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    float *samples = NULL, *examples = malloc(SAMPLES * duet_run_features(task->run, DUET_SAMPLE) * sizeof *examples);
    if (examples == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", SAMPLES);
    duet_status status = duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error);
    if (status == DUET_OK) status = duet_data_read(duet_run_data(task->run), DUET_TEST, 0, SAMPLES, examples, error);
    if (status == DUET_OK) status = by_estimates(task, samples, examples, error);
    if (status == DUET_OK && is_exact(task->run)) status = by_density(task, samples, examples, error);
    free(samples);
    free(examples);
    return status;
}

static const duet_metric_measure measures[] = {
    {"jensen-shannon", NULL, DUET_SMALLER, DUET_OF_QUALITY, 12},
    {"jensen-shannon-floor", NULL, DUET_NEITHER, DUET_OF_MORE, 0},
    {"jensen-shannon-exact", NULL, DUET_SMALLER, DUET_OF_QUALITY, 13},
    {NULL},
};

const duet_metric duet_metric_jensen_shannon = {
    .row = {"jensen-shannon", "nats",
            "Jensen-Shannon divergence of a generated mixture and 10,000 samples, both blurred by half a mode's width, "
            "and what examples have by chance; of flows also exact; only where it is named; for models that sample, on "
            "ring8, "
            "grid25 and two-peaks",
            .on_request = true, .measures = measures},
    .applies = applies,
    .finish = finish,
    .samples = SAMPLES,
};
