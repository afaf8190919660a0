/* SPDX-License-Identifier: MIT */
/* How far samples lie from each other: the mean distance of each of 500 samples to the nearest other one, over the same
 * of 500 examples. A generator that draws few things again and again is near 0 though each of them may be good; noise
 * is far from everything, so above 1 is no praise. It needs no labels and no judge. The interval is that of a ratio of
 * two means, by the delta method; it takes the distances of a set for independent, which neighbours are not quite.
 * Where each of these examples has a twin among them, as in tables of few discrete columns, there is no ratio. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"
#include "run/distances.h"

enum { ROWS = 500, LEAST = 2 };

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_SAMPLE) == duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    if (data->count[split] >= LEAST) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "neighbour-spread needs at least %d examples; %s has %zu", LEAST,
                     data->name, data->count[split]);
}

/* Of each row, the distance to the nearest other one. */
static duet_status find_nearest(const float *rows, size_t count, size_t features, double *nearest, duet_error *error)
{
    DUET_TRY(duet_neighbour_radii(rows, count, features, 1, nearest, error));
    for (size_t i = 0; i < count; i++) nearest[i] = sqrt(nearest[i]);
    return DUET_OK;
}

/* Of examples that lie evenly over the split. */
static duet_status spread_of_data(const duet_metric_task *task, float *rows, size_t count, double *nearest,
                                  duet_error *error)
{
    size_t places[ROWS], features = duet_run_features(task->run, DUET_SAMPLE);
    duet_metric_places(duet_metric_examples(task), count, places);
    DUET_TRY(duet_metric_read(task, task->split, places, count, rows, NULL, error));
    return find_nearest(rows, count, features, nearest, error);
}

static void add_ratio(duet_metric_task *task, const double *of_samples, const double *of_data, size_t count)
{
    bool apart = false;
    for (size_t i = 0; i < count; i++) apart = apart || of_data[i] > 0;
    if (apart)
        duet_metric_add_ratio(task, "neighbour-spread", of_samples, count, of_data, count);
    else
        duet_metric_add_unknown(task, "neighbour-spread",
                                "each of the examples that it looks at has a twin among them, so that no distance to "
                                "the nearest is left to compare with",
                                count);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t features = duet_run_features(task->run, DUET_SAMPLE), total = duet_metric_examples(task);
    size_t count = duet_metric_sample_count(task->run, total < ROWS ? total : ROWS);
    double of_samples[ROWS], of_data[ROWS];
    float *samples = NULL;
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, count, &samples, error));
    duet_status status = find_nearest(samples, count, features, of_samples, error);
    if (status == DUET_OK) status = spread_of_data(task, samples, count, of_data, error);
    free(samples);
    if (status == DUET_OK) add_ratio(task, of_samples, of_data, count);
    return status;
}

static const duet_metric_measure measures[] = {
    {"neighbour-spread", NULL, DUET_NEAREST_ONE, DUET_OF_VARIETY, 7},
    {NULL},
};

const duet_metric duet_metric_neighbour_spread = {
    .row = {"neighbour-spread", "ratio to the data",
            "mean distance of 500 samples to the nearest other, over that of as many examples, near 0 where all look "
            "alike; for models that sample",
            .measures = measures},
    .applies = applies,
    .finish = finish,
    .enough = enough,
    .samples = LEAST,
};
