/* SPDX-License-Identifier: MIT */
/* Modes of a mixture that samples cover, and the share of good samples: those within three standard deviations of a
 * mode's centre, Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761), sec. 4.1. A mode with one good sample is covered.
 * The interval of the share is Wilson's; that of the modes is duet_metric_add_covered's. */
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
    size_t seen[MOST_MODES] = {0}, good = 0;
    float *samples = NULL;
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error));
    for (size_t i = 0; i < SAMPLES; i++) {
        double distance;
        size_t mode = nearest_mode(set, samples + i * set->shape.dims[0], &distance);
        if (!(distance <= 3 * set->mixture->sigma)) continue;
        seen[mode]++;
        good++;
    }
    free(samples);
    duet_metric_add_covered(task, "modes", seen, set->mixture->modes, 1, SAMPLES);
    duet_metric_add_share(task, "high-quality", good, SAMPLES);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"modes", NULL, DUET_LARGER, DUET_OF_VARIETY, 4},
    {"high-quality", "share", DUET_LARGER, DUET_OF_QUALITY, 14},
    {NULL},
};

const duet_metric duet_metric_modes = {
    .row = {"modes", "modes",
            "modes of a generated mixture that 2,500 samples cover, and the share of samples within three "
            "standard deviations of one; for models that sample, on ring8, grid25 and two-peaks",
            .measures = measures},
    .applies = applies,
    .finish = finish,
    .samples = SAMPLES,
};
