/* SPDX-License-Identifier: MIT */
/* A discriminator in one dimension, point by point, beside the best one there is, D* = p / (p + q) (Goodfellow et al.
 * 2014, arXiv:1406.2661, proposition 1). p, the mixture's density, is known; q is estimated from samples, so both are
 * blurred alike, by a quarter of a mode's deviation. */
#include <math.h>
#include <stdlib.h>

#include "metric/density.h"
#include "metric/metric.h"

enum { SAMPLES = 20000 };

static const double blur_share = 0.25;
static const double least = 1e-4; /* of (p + q) blurred: below, D* is chance */

/* Draws samples, and asks D at the points. */
static duet_status ask(duet_run *run, uint64_t seed, float *samples, float *places, float *logits, size_t count,
                       duet_error *error)
{
    const duet_wanted made = {DUET_SAMPLE, samples}, said = {DUET_LOGIT, logits};
    DUET_TRY(duet_run_answer(run, &(duet_request){.count = SAMPLES, .seed = seed, .outputs = &made, .output_count = 1},
                             error));
    return duet_run_answer(
        run, &(duet_request){.count = count, .seed = seed, .examples = places, .outputs = &said, .output_count = 1},
        error);
}

static void fill(const duet_density_grid *grid, const float *samples, const float *logits, double *p, double *q,
                 duet_curve_point *points)
{
    duet_density_of_mixture(grid, p);
    duet_density_of_samples(grid, samples, NULL, SAMPLES, q);
    for (size_t i = 0; i < grid->points; i++) {
        bool enough = p[i] + q[i] > least;
        points[i].p = p[i];
        points[i].q = q[i];
        points[i].best = enough ? p[i] / (p[i] + q[i]) : NAN;
        points[i].discriminator = 1 / (1 + exp(-(double)logits[i]));
    }
}

static duet_status refuse(duet_run *run, duet_error *error)
{
    const duet_generated *set = duet_run_data(run)->generated;
    const char *why = duet_metric_why_no_odds(run);
    if (why == NULL && (set == NULL || set->mixture == NULL || set->shape.dims[0] != 1))
        why = "it is drawn over generated data of one dimension, two-peaks, whose density is known";
    if (why == NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "no curve of a discriminator for a run of \"%s\" on %s: %s",
                     duet_model_family(duet_run_model(run))->name, duet_data_describe(duet_run_data(run))->name, why);
}

duet_status duet_discriminator_curve(duet_run *run, double low, double high, uint64_t seed, duet_curve_point *points,
                                     size_t count, duet_error *error)
{
    DUET_TRY(refuse(run, error));
    if (count < 2 || !(low < high)) return duet_fail(error, DUET_ERROR_USAGE, "a curve needs two points or more");
    const duet_mixture *mixture = duet_run_data(run)->generated->mixture;
    const duet_density_grid grid = {.mixture = mixture,
                                    .dimensions = 1,
                                    .blur = blur_share * mixture->sigma,
                                    .low = {low},
                                    .step = (high - low) / (double)(count - 1),
                                    .side = {count, 1},
                                    .points = count};
    float *samples = malloc(SAMPLES * sizeof *samples), *places = malloc(2 * count * sizeof *places);
    double *densities = malloc(2 * count * sizeof *densities);
    duet_status status = DUET_OK;
    if (samples == NULL || places == NULL || densities == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a curve of %zu points", count);
    for (size_t i = 0; status == DUET_OK && i < count; i++) {
        points[i].x = low + grid.step * (double)i;
        places[i] = (float)points[i].x;
    }
    if (status == DUET_OK) status = ask(run, seed, samples, places, places + count, count, error);
    if (status == DUET_OK) fill(&grid, samples, places + count, densities, densities + count, points);
    free(samples);
    free(places);
    free(densities);
    return status;
}
