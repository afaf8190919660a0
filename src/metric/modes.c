/* SPDX-License-Identifier: MIT */
/* Modes of a mixture that samples cover, and the share of good samples: those within three standard deviations of a
 * mode's centre, Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761), sec. 4.1. A mode with one good sample is covered.
 * The interval of the share is Wilson's; that of the modes is by bootstrap: as many samples anew would cover so many.
 * It knows no mode that these samples have missed. */
#include <math.h>
#include <stdlib.h>

#include "data/data.h"
#include "metric/bootstrap.h"
#include "metric/metric.h"

enum { SAMPLES = 2500, REPEATS = 200, MOST_MODES = 64, MOST_DIMENSIONS = 2 };

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

/* The mode of each sample; MOST_MODES: it is not good. */
typedef struct found {
    size_t mode[SAMPLES];
} found;

static double count_modes(const void *context, const size_t *rows, size_t count)
{
    const found *it = context;
    bool covered[MOST_MODES + 1] = {false};
    double modes = 0;
    for (size_t i = 0; i < count; i++) covered[it->mode[rows[i]]] = true;
    for (size_t mode = 0; mode < MOST_MODES; mode++) modes += covered[mode];
    return modes;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    const duet_generated *set = duet_run_data(task->run)->generated;
    found it;
    size_t all[SAMPLES], good = 0;
    double low, high;
    float *samples = NULL;
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error));
    for (size_t i = 0; i < SAMPLES; i++) {
        double distance;
        size_t mode = nearest_mode(set, samples + i * set->shape.dims[0], &distance);
        bool is_good = distance <= 3 * set->mixture->sigma;
        it.mode[i] = is_good ? mode : MOST_MODES;
        good += is_good;
        all[i] = i;
    }
    free(samples);
    DUET_TRY(duet_bootstrap(count_modes, &it, SAMPLES, REPEATS, task->seed, &low, &high, error));
    duet_metric_add(task, "modes", count_modes(&it, all, SAMPLES), low, high, SAMPLES);
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
            "standard deviations of one; for models that sample, on generated data",
            1, .measures = measures},
    .applies = applies,
    .finish = finish,
};
