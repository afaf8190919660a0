/* SPDX-License-Identifier: MIT */
/* Whether samples copy training examples, by distances between their numbers, of 1,000 samples and 1,000 test examples:
 *   memorisation: how often a sample lies nearer to its nearest training example than a test example does to its own, a
 *     share of all pairs, ties half; the statistic of Meehan et al. 2020 (arXiv:2004.05675), eq. 4, as a share. 1/2: no
 *     nearer than unseen data; towards 1: copies; below 1/2: samples lie off the data, or the model underfits.
 *   authenticity: samples further from their nearest training example than that is from its own nearest one (Alaa et
 *     al. 2022, arXiv:2102.08921, sec. 3). It falls to 0 with copies, and where values come again, as in discrete
 *     tables. Of training examples as near one is drawn. In numbers of pixels a shifted copy is far away:
 * neither sees it.
 * Intervals: that of an area under a curve (separation.c) over samples and test examples, and Wilson's; the
 * training examples count as given. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "metric/metric.h"
#include "run/search.h"

enum { ROWS = 1000, LEAST = 50 };

static bool applies(duet_run *run)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    return data->count[DUET_TEST] > 0 && duet_run_features(run, DUET_SAMPLE) == duet_shape_elements(data->shape);
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    bool own;
    (void)split;
    DUET_TRY(duet_run_data_is_own(run, &own, error));
    if (!own)
        return duet_fail(error, DUET_ERROR_DATA,
                         "memorisation asks whether the run's own training examples were copied, and %s has others: "
                         "leave --data out, or let it say where the run's own are",
                         data->name);
    if (data->count[DUET_TEST] >= LEAST && data->count[DUET_TRAIN] >= LEAST) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "memorisation needs at least %d training and as many test examples; %s has %zu and %zu", LEAST,
                     data->name, data->count[DUET_TRAIN], data->count[DUET_TEST]);
}

/* Of rows, the squared distance to the nearest training example and its number. skip: those that are training examples
 * themselves, by their numbers; NULL: none is. */
static duet_status search(const duet_metric_task *task, const float *rows, size_t count, const size_t *skip,
                          float *distances, size_t *found, duet_error *error)
{
    duet_neighbour nearest[ROWS];
    DUET_TRY(duet_run_nearest(task->run, rows, count, true, skip, nearest, error));
    for (size_t i = 0; i < count; i++) {
        distances[i] = (float)nearest[i].distance;
        found[i] = isinf(nearest[i].distance) ? 0 : (size_t)nearest[i].number; /* a sample of NaNs, infinitely far */
    }
    return DUET_OK;
}

/* Squared distances of samples, of test examples, and of the samples' nearest training examples to their own. */
typedef struct distances {
    size_t count;
    float sample[ROWS], test[ROWS], neighbour[ROWS];
} distances;

static duet_status fill(const duet_metric_task *task, distances *it, float *rows, duet_error *error)
{
    size_t places[ROWS], found[ROWS], beyond[ROWS];
    size_t features = duet_run_features(task->run, DUET_SAMPLE);
    float *samples = NULL;
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, it->count, &samples, error));
    memcpy(rows, samples, it->count * features * sizeof *rows);
    free(samples);
    DUET_TRY(search(task, rows, it->count, NULL, it->sample, found, error));
    DUET_TRY(duet_metric_read(task, DUET_TRAIN, found, it->count, rows, NULL, error));
    DUET_TRY(search(task, rows, it->count, found, it->neighbour, beyond, error));
    duet_metric_places(duet_data_describe(duet_run_data(task->run))->count[DUET_TEST], it->count, places);
    DUET_TRY(duet_metric_read(task, DUET_TEST, places, it->count, rows, NULL, error));
    return search(task, rows, it->count, NULL, it->test, beyond, error);
}

/* A row that is a value of a discrete table is met again by chance, and counts as a copy all the same. */
static void tell_of_twins(const duet_metric_task *task, const distances *it)
{
    duet_data *data = duet_run_data(task->run);
    size_t twins = 0;
    for (size_t i = 0; i < it->count; i++) twins += it->sample[i] == 0 && it->neighbour[i] == 0;
    if (task->run->live || twins * 100 <= it->count) return;
    duet_notes_add(&data->notes, false,
                   "authenticity: %zu of %zu samples equal a training example that is there several times; they count "
                   "as copies, and may be values that come again by chance",
                   twins, it->count);
}

static duet_status add_values(duet_metric_task *task, const distances *it, duet_error *error)
{
    duet_separation nearer; /* the share of pairs in which the test example is the further one */
    size_t authentic = 0;
    for (size_t i = 0; i < it->count; i++) authentic += it->sample[i] > it->neighbour[i];
    DUET_TRY(duet_separate(it->sample, it->count, it->test, it->count, &nearer, error));
    duet_metric_add(task, "memorisation", nearer.auroc, nearer.low, nearer.high, it->count);
    duet_metric_add_share(task, "authenticity", authentic, it->count);
    tell_of_twins(task, it);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t total = duet_data_describe(duet_run_data(task->run))->count[DUET_TEST];
    distances *it = calloc(1, sizeof *it);
    float *rows = malloc(ROWS * duet_run_features(task->run, DUET_SAMPLE) * sizeof *rows);
    duet_status status = DUET_OK;
    if (it == NULL || rows == NULL) status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d rows", ROWS);
    if (status == DUET_OK) it->count = duet_metric_sample_count(task->run, total < ROWS ? total : ROWS);
    if (status == DUET_OK) status = fill(task, it, rows, error);
    if (status == DUET_OK) status = add_values(task, it, error);
    free(rows);
    free(it);
    return status;
}

static const duet_metric_measure measures[] = {
    {"memorisation", NULL, DUET_NEITHER, DUET_OF_COPIES, 1},
    {"authenticity", NULL, DUET_NEITHER, DUET_OF_COPIES, 2},
    {NULL},
};

const duet_metric duet_metric_memorisation = {
    .row = {"memorisation", "share",
            "how often a sample lies nearer to the training data than a test example does, 1/2 where nothing is "
            "copied, and authenticity, the share of samples that are no copies; for models that sample, on data with a "
            "test split",
            .measures = measures},
    .applies = applies,
    .finish = finish,
    .enough = enough,
    .samples = LEAST,
};
