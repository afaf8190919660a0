/* SPDX-License-Identifier: MIT */
/* Sharpness: the mean energy of the 3 x 3 Laplacian (4 at the centre, -1 beside, above and below) of pictures that a
 * model makes, over that of the data: a ratio, 1 for the data themselves, below 1 for a blur. Energy is the mean square
 * over all channels of the pixels that have four neighbours. It cannot tell an edge from noise, which is sharp too: 1
 * is what to reach, more is grain, and only a look at the pictures says whether the sharpness is in the right places.
 * The intervals are those of ratios of means by the delta method, of pairs where reconstructions meet their originals.
 */
#include <stdlib.h>

#include "metric/metric.h"

enum { SAMPLES = 1000, PIECE = 1000 };

static bool applies(duet_run *run)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    size_t features = duet_shape_elements(data->shape);
    return data->shape.rank == 3 && data->shape.dims[0] >= 3 && data->shape.dims[1] >= 3 &&
           (duet_run_features(run, DUET_SAMPLE) == features || duet_run_features(run, DUET_RECONSTRUCTION) == features);
}

/* Whether reconstructions are made of classes that the split does not tell. */
static bool lacks_classes(const duet_metric_task *task)
{
    const duet_wanted wanted = {DUET_RECONSTRUCTION, NULL};
    const duet_request request = {.outputs = &wanted, .output_count = 1};
    unsigned inputs;
    return !duet_data_has_labels(duet_run_data(task->run), task->split) &&
           duet_run_inputs(task->run, &request, &inputs, NULL) == DUET_OK && (inputs & DUET_READS_CLASSES) != 0;
}

/* Samples, which need nothing of the split, are looked at without them. */
static bool reconstructs(const duet_metric_task *task)
{
    return duet_run_features(task->run, DUET_RECONSTRUCTION) > 0 &&
           !(duet_run_features(task->run, DUET_SAMPLE) > 0 && lacks_classes(task));
}

static const char *const *outputs(const duet_metric_task *task)
{
    static const char *const names[] = {DUET_RECONSTRUCTION, NULL}, *const none[] = {NULL};
    return reconstructs(task) ? names : none;
}

static double energy(duet_shape shape, const float *picture)
{
    size_t height = shape.dims[0], row = shape.dims[1] * shape.dims[2], channels = shape.dims[2];
    double sum = 0;
    for (size_t y = 1; y + 1 < height; y++)
        for (size_t i = y * row + channels; i < (y + 1) * row - channels; i++) {
            double around = (double)picture[i - channels] + (double)picture[i + channels] + (double)picture[i - row] +
                            (double)picture[i + row];
            double laplacian = 4 * (double)picture[i] - around;
            sum += laplacian * laplacian;
        }
    return sum / (double)((height - 2) * (row - 2 * channels));
}

/* The energy of each reconstruction, then of each example. */
static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, 2 * duet_metric_examples(task) * sizeof(double), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    duet_shape shape = duet_data_describe(duet_run_data(task->run))->shape;
    double *energies = task->state;
    if (piece->values[0] == NULL) return;
    for (size_t i = 0; i < piece->count; i++)
        energies[piece->first + i] = energy(shape, piece->values[0] + i * duet_shape_elements(shape));
}

/* The energy of each example of the split. */
static duet_status data_energies(const duet_metric_task *task, double *energies, duet_error *error)
{
    duet_data *data = duet_run_data(task->run);
    duet_shape shape = duet_data_describe(data)->shape;
    size_t features = duet_shape_elements(shape), total = duet_metric_examples(task);
    float *examples = malloc(PIECE * features * sizeof *examples);
    if (examples == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", PIECE);
    duet_status status = DUET_OK;
    for (size_t first = 0; status == DUET_OK && first < total; first += PIECE) {
        size_t count = total - first < PIECE ? total - first : PIECE;
        status = duet_data_read(data, task->split, first, count, examples, error);
        for (size_t i = 0; status == DUET_OK && i < count; i++)
            energies[first + i] = energy(shape, examples + i * features);
    }
    free(examples);
    return status;
}

static bool all_are_flat(const double *energies, size_t count)
{
    bool flat = true;
    for (size_t i = 0; i < count; i++) flat = flat && energies[i] == 0;
    return flat;
}

/* All pictures of the data are flat. */
static void add_unknown(duet_metric_task *task)
{
    static const char reason[] = "all pictures of the split are flat, so that no energy is left to compare with";
    const size_t n = duet_metric_examples(task);
    if (duet_run_features(task->run, DUET_SAMPLE) > 0) duet_metric_add_unknown(task, "sharpness", reason, n);
    if (duet_run_features(task->run, DUET_RECONSTRUCTION) > 0)
        duet_metric_add_unknown(task, "sharpness-reconstruction", reason, n);
}

static duet_status add_samples(duet_metric_task *task, const double *of_data, duet_error *error)
{
    duet_shape shape = duet_data_describe(duet_run_data(task->run))->shape;
    size_t count = duet_metric_sample_count(task->run, SAMPLES);
    double energies[SAMPLES];
    float *samples;
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, count, &samples, error));
    for (size_t i = 0; i < count; i++) energies[i] = energy(shape, samples + i * duet_shape_elements(shape));
    free(samples);
    duet_metric_add_ratio(task, "sharpness", energies, count, of_data, duet_metric_examples(task));
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    double *reconstructed = task->state, *of_data = reconstructed + n;
    DUET_TRY(data_energies(task, of_data, error));
    if (all_are_flat(of_data, n)) return add_unknown(task), DUET_OK;
    if (duet_run_features(task->run, DUET_SAMPLE) > 0) DUET_TRY(add_samples(task, of_data, error));
    if (reconstructs(task))
        duet_metric_add_paired_ratio(task, "sharpness-reconstruction", reconstructed, of_data, n);
    else if (duet_run_features(task->run, DUET_RECONSTRUCTION) > 0)
        duet_metric_add_unknown(task, "sharpness-reconstruction",
                                "reconstructions are made of examples and their classes, and the split has no labels",
                                n);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"sharpness", NULL, DUET_NEAREST_ONE, DUET_OF_QUALITY, 11},
    {"sharpness-reconstruction", NULL, DUET_NEAREST_ONE, DUET_OF_RECONSTRUCTION, 4},
    {NULL},
};

const duet_metric duet_metric_sharpness = {
    .row = {"sharpness", "ratio to the data",
            "energy of the 3 x 3 Laplacian of 1,000 samples, and of reconstructions, over that of the data; for models "
            "of pictures of at least 3 x 3 that sample or reconstruct",
            .measures = measures},
    .applies = applies,
    .outputs = outputs,
    .begin = begin,
    .take = take,
    .finish = finish,
};
