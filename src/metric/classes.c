/* SPDX-License-Identifier: MIT */
/* Which classes the samples fall into: 1,000 samples, each labelled by the judge or, without one, by its nearest
 * training example in raw pixels. A class counts as covered by over 1% of the samples. Distances are one matrix product
 * a piece, on the device. */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "duet/op.h"
#include "duet/plan.h"
#include "metric/metric.h"

enum { SAMPLES = 1000, PIECE = 2000, CLASSES = 256 };

/* The search for the nearest training example of each sample. Distances to a piece of the examples are squared and
 * leave out the sample's own square, which does not change which one is nearest. */
typedef struct nearest {
    duet_store *store;
    duet_graph *graph;
    duet_plan *plan;
    duet_node samples, piece, distances;
    float *examples, *values; /* PIECE examples; [SAMPLES, PIECE] distances */
    float best[SAMPLES];
    uint8_t label[SAMPLES];
} nearest;

static bool applies(duet_run *run)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    return data->classes > 1 && !data->generated &&
           duet_run_features(run, DUET_SAMPLE) == duet_shape_elements(data->shape);
}

static duet_status plan_distances(nearest *search, duet_device *device, size_t features, duet_error *error)
{
    search->store = duet_store_new(0);
    search->graph = search->store == NULL ? NULL : duet_graph_new(search->store);
    search->examples = calloc(PIECE * features, sizeof *search->examples);
    search->values = malloc(sizeof(float) * SAMPLES * PIECE);
    if (search->graph == NULL || search->examples == NULL || search->values == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for distances to %d examples", PIECE);
    search->samples = duet_input(search->graph, "samples", DUET_FLOAT32, DUET_SHAPE(SAMPLES, features));
    search->piece = duet_input(search->graph, "examples", DUET_FLOAT32, DUET_SHAPE(PIECE, features));
    duet_node squares = duet_sum_features(duet_square(search->piece));
    duet_node products = duet_matmul(search->samples, search->piece, false, true);
    search->distances = duet_subtract(squares, duet_scale(products, 2));
    return duet_plan_new(&search->plan, device, "nearest", &search->distances, 1, error);
}

static void free_search(nearest *search)
{
    duet_plan_free(&search->plan);
    duet_graph_free(&search->graph);
    duet_store_free(&search->store);
    free(search->examples);
    free(search->values);
    free(search);
}

static duet_status search_piece(nearest *search, duet_data *data, size_t features, size_t first, size_t count,
                                duet_error *error)
{
    uint8_t labels[PIECE];
    DUET_TRY(duet_data_read(data, DUET_TRAIN, first, count, search->examples, error));
    DUET_TRY(duet_data_labels(data, DUET_TRAIN, first, count, labels, error));
    DUET_TRY(duet_plan_write(search->plan, search->piece, search->examples, PIECE * features * sizeof(float), error));
    DUET_TRY(duet_plan_replay(search->plan, error));
    DUET_TRY(duet_plan_read(search->plan, search->distances, search->values, sizeof(float) * SAMPLES * PIECE, error));
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t k = 0; k < count; k++) { /* columns beyond `count` are of an earlier piece */
            float distance = search->values[i * PIECE + k];
            if (!(distance < search->best[i])) continue;
            search->best[i] = distance;
            search->label[i] = labels[k];
        }
    return DUET_OK;
}

static duet_status label_samples(nearest *search, duet_metric_task *task, const float *samples, duet_error *error)
{
    duet_data *data = duet_run_data(task->run);
    size_t features = duet_run_features(task->run, DUET_SAMPLE);
    size_t total = duet_data_describe(data)->count[DUET_TRAIN];
    DUET_TRY(plan_distances(search, duet_run_device(task->run), features, error));
    DUET_TRY(duet_plan_write(search->plan, search->samples, samples, SAMPLES * features * sizeof(float), error));
    for (size_t i = 0; i < SAMPLES; i++) search->best[i] = INFINITY;
    for (size_t first = 0; first < total; first += PIECE) {
        size_t count = total - first < PIECE ? total - first : PIECE;
        DUET_TRY(search_piece(search, data, features, first, count, error));
    }
    return DUET_OK;
}

static void count_classes(const uint8_t *labels, const bool *known, duet_metric_task *task)
{
    size_t counts[CLASSES] = {0}, covered = 0, most = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        if (known[i]) counts[labels[i]]++;
    for (size_t i = 0; i < CLASSES; i++) {
        covered += counts[i] * 100 > SAMPLES;
        if (counts[i] > most) most = counts[i];
    }
    duet_metric_add(task, "classes", (double)covered, NAN, NAN, SAMPLES);
    duet_metric_add(task, "largest-share", (double)most / SAMPLES, NAN, NAN, SAMPLES);
}

/* Labels each sample by its nearest training example; a sample of NaNs is near none. */
static duet_status label_by_neighbours(duet_metric_task *task, const float *samples, uint8_t *labels, bool *known,
                                       duet_error *error)
{
    nearest *search = calloc(1, sizeof *search);
    if (search == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for distances");
    duet_status status = label_samples(search, task, samples, error);
    for (size_t i = 0; i < SAMPLES; i++) {
        labels[i] = search->label[i];
        known[i] = search->best[i] < INFINITY;
    }
    free_search(search);
    return status;
}

static duet_status label_by_judge(duet_metric_task *task, const float *samples, uint8_t *labels, bool *known,
                                  duet_error *error)
{
    size_t features = duet_run_features(task->run, DUET_SAMPLE);
    for (size_t i = 0; i < SAMPLES; i++) {
        known[i] = true;
        for (size_t k = 0; k < features; k++) known[i] = known[i] && isfinite(samples[i * features + k]);
    }
    return duet_metric_judge(task, samples, SAMPLES, labels, error);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    float *samples = NULL;
    uint8_t labels[SAMPLES];
    bool known[SAMPLES];
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error));
    duet_status status = duet_run_judge(task->run) != NULL ? label_by_judge(task, samples, labels, known, error)
                                                           : label_by_neighbours(task, samples, labels, known, error);
    free(samples);
    if (status == DUET_OK) count_classes(labels, known, task);
    return status;
}

const duet_metric duet_metric_classes = {
    .row = {"classes", "classes",
            "classes with over 1% of 1,000 samples, labelled by the judge or the nearest training example; for models "
            "that sample, on data "
            "with labels",
            1},
    .applies = applies,
    .finish = finish,
};
