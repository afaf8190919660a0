/* SPDX-License-Identifier: MIT */
/* Modes of a mixture that samples cover, and the share of good samples: those within three standard deviations of a
 * mode's centre, Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761), sec. 4.1. A mode with one good sample is covered.
 */
#include <math.h>
#include <stdlib.h>

#include "data/data.h"
#include "metric/metric.h"

enum { SAMPLES = 2500, MOST_MODES = 64, MOST_DIMENSIONS = 2 };

static bool applies(duet_run *run)
{
    const duet_generated *set = duet_run_data(run)->generated;
    return set != NULL && set->mixture != NULL && set->mixture->modes <= MOST_MODES &&
           set->shape.dims[0] <= MOST_DIMENSIONS && duet_run_features(run, DUET_SAMPLE) == set->shape.dims[0];
}

/* The mode whose centre is nearest, and in *distance how far it is: INFINITY if the sample is not finite. */
static size_t nearest_mode(const duet_generated *set, const float *sample, double *distance)
{
    size_t nearest = 0;
    *distance = INFINITY;
    for (size_t mode = 0; mode < set->mixture->modes; mode++) {
        double centre[MOST_DIMENSIONS], squares = 0;
        set->mixture->centre(mode, centre);
        for (size_t i = 0; i < set->shape.dims[0]; i++) squares += (sample[i] - centre[i]) * (sample[i] - centre[i]);
        if (!(sqrt(squares) < *distance)) continue;
        *distance = sqrt(squares);
        nearest = mode;
    }
    return nearest;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    const duet_generated *set = duet_run_data(task->run)->generated;
    bool covered[MOST_MODES] = {false};
    double modes = 0, *good = calloc(SAMPLES, sizeof *good);
    float *samples = NULL;
    if (good == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d samples", SAMPLES);
    duet_status status = duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error);
    for (size_t i = 0; status == DUET_OK && i < SAMPLES; i++) {
        double distance;
        size_t mode = nearest_mode(set, samples + i * set->shape.dims[0], &distance);
        good[i] = distance <= 3 * set->mixture->sigma;
        if (good[i] > 0) covered[mode] = true;
    }
    if (status == DUET_OK) {
        for (size_t mode = 0; mode < set->mixture->modes; mode++) modes += covered[mode];
        duet_metric_add(task, "modes", modes, NAN, NAN, SAMPLES);
        duet_metric_add_mean(task, "high-quality", good, SAMPLES);
    }
    free(samples);
    free(good);
    return status;
}

const duet_metric duet_metric_modes = {
    .row = {"modes", "modes",
            "modes of a generated mixture that 2,500 samples cover, and the share of samples within three "
            "standard deviations of one; for models that sample, on generated data",
            1},
    .applies = applies,
    .finish = finish,
};
