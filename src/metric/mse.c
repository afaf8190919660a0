/* SPDX-License-Identifier: MIT */
/* Mean squared error of the reconstruction. Being a mean over features (pixels), it can be compared across sizes. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"

static size_t features_of(duet_run *run)
{
    return duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
}

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_RECONSTRUCTION) == features_of(run);
}

/* State: the error of each example. */
static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, duet_metric_examples(task) * sizeof(double), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    double *errors = task->state;
    size_t features = features_of(task->run);
    for (size_t i = 0; i < piece->count; i++) {
        double sum = 0;
        for (size_t k = i * features; k < (i + 1) * features; k++) {
            double away = (double)piece->values[0][k] - (double)piece->examples[k];
            sum += away * away;
        }
        errors[piece->first + i] = sum / (double)features;
    }
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    (void)error;
    duet_metric_add_mean_within(task, "mse", task->state, duet_metric_examples(task), 0, INFINITY);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"mse", NULL, DUET_SMALLER, DUET_OF_RECONSTRUCTION, 1},
    {NULL},
};

const duet_metric duet_metric_mse = {
    {"mse", "squared units a feature", "mean squared error of the reconstruction; for models that reconstruct",
     .measures = measures},
    applies,
    duet_metric_reconstruction,
    begin,
    take,
    finish,
};
