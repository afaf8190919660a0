/* SPDX-License-Identifier: MIT */
/* Samples of fixed latents and reconstructions of fixed examples, drawn as a grid, points or a histogram, as the data
 * is. */
#include "run/pictures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/size.h"
#include "data/places.h"
#include "duet/report.h"

enum { GRID_COLUMNS = 8, GRID_PICTURES = 64, POINTS = 1000 };

/* One picture of an epoch. `shown`: how many samples, or examples with their reconstructions. */
typedef struct drawing {
    duet_evaluator *evaluator;
    duet_data *data;
    const duet_data_info *info;
    size_t features, shown;
    uint64_t seed;
    const char *path;
    float *values, *rows; /* shown x features each; rows: latents or examples */
} drawing;

static duet_status draw(const drawing *to, const float *originals, duet_error *error)
{
    const duet_drawing picture = {.shape = to->info->shape,
                                  .unit_range = to->info->unit_range,
                                  .values = to->values,
                                  .count = to->shown,
                                  .originals = originals,
                                  .original_count = originals != NULL ? to->shown : 0,
                                  .columns = GRID_COLUMNS};
    return duet_write_png_examples(to->path, &picture, error);
}

/* The test split, unless there is none, or the model reads labels and only the training split has any. */
static duet_split shown_split(const drawing *to)
{
    if (to->info->count[DUET_TEST] == 0) return DUET_TRAIN;
    bool asks = duet_evaluator_has_classes(to->evaluator) && to->info->classes > 0;
    return asks && !duet_data_has_labels(to->data, DUET_TEST) ? DUET_TRAIN : DUET_TEST;
}

/* Of all parts of the split, which may be sorted by class. labels: NULL: not wanted. */
static duet_status read_examples(const drawing *to, uint8_t *labels, duet_error *error)
{
    const duet_split split = shown_split(to);
    size_t places[GRID_PICTURES > POINTS ? GRID_PICTURES : POINTS];
    for (size_t i = 0; i < to->shown; i++) places[i] = duet_data_place(i, to->shown, to->info->count[split]);
    return duet_data_read_places(to->data, split == DUET_TRAIN ? 0 : to->info->count[DUET_TRAIN], places, to->shown,
                                 to->rows, labels, error);
}

static duet_status draw_samples(drawing *to, duet_error *error)
{
    const duet_wanted sample = {DUET_SAMPLE, to->values};
    const duet_request request = {.count = to->shown, .seed = to->seed, .outputs = &sample, .output_count = 1};
    DUET_TRY(duet_evaluator_use(to->evaluator, &request, error));
    if (!to->info->picture) DUET_TRY(read_examples(to, NULL, error));
    return draw(to, to->info->picture ? NULL : to->rows, error);
}

static duet_status draw_reconstructions(drawing *to, duet_error *error)
{
    uint8_t labels[GRID_PICTURES > POINTS ? GRID_PICTURES : POINTS];
    const duet_wanted reconstruction = {DUET_RECONSTRUCTION, to->values};
    duet_request request = {
        .count = to->shown, .seed = to->seed, .examples = to->rows, .outputs = &reconstruction, .output_count = 1};
    if (duet_evaluator_has_classes(to->evaluator) && to->info->classes > 0) request.classes = labels;
    DUET_TRY(read_examples(to, request.classes == NULL ? NULL : labels, error));
    DUET_TRY(duet_evaluator_use(to->evaluator, &request, error));
    return draw(to, to->rows, error);
}

static duet_status draw_output(drawing *to, const char *folder, uint64_t epoch, bool samples, duet_error *error)
{
    char name[64];
    snprintf(name, sizeof name, "epoch-%04" PRIu64 "%s.png", epoch, samples ? "" : "-reconstruction");
    char *path = duet_path_join(folder, name);
    size_t bytes = to->shown * to->features * sizeof *to->values;
    to->path = path;
    to->values = malloc(bytes);
    to->rows = malloc(bytes);
    duet_status status = DUET_OK;
    if (path == NULL || to->values == NULL || to->rows == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a picture");
    if (status == DUET_OK) status = samples ? draw_samples(to, error) : draw_reconstructions(to, error);
    free(to->values);
    free(to->rows);
    free(path);
    return status;
}

duet_status duet_pictures_write(const char *folder, duet_evaluator *evaluator, duet_data *data, uint64_t epoch,
                                uint64_t seed, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(data);
    drawing to = {.evaluator = evaluator, .data = data, .info = info, .seed = seed};
    to.features = duet_shape_elements(info->shape);
    if (!info->picture && to.features > 2) return DUET_OK; /* nothing to draw it as */
    size_t examples = info->count[shown_split(&to)];

    to.shown = info->picture ? GRID_PICTURES : examples < POINTS ? examples : POINTS;
    if (duet_evaluator_features(evaluator, DUET_SAMPLE) == to.features)
        DUET_TRY(draw_output(&to, folder, epoch, true, error));
    if (info->picture) to.shown = examples < GRID_PICTURES / 2 ? examples : GRID_PICTURES / 2;
    if (to.shown > 0 && duet_evaluator_features(evaluator, DUET_RECONSTRUCTION) == to.features)
        DUET_TRY(draw_output(&to, folder, epoch, false, error));
    return DUET_OK;
}
