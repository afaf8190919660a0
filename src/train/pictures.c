/* Samples of fixed latents and reconstructions of fixed examples, drawn as what the data is. */
#include "train/pictures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "duet/report.h"

enum { GRID_COLUMNS = 8, GRID_PICTURES = 64, POINTS = 1000 };

/* One epoch's drawing. `shown` counts samples, or examples beside their reconstructions. */
typedef struct drawing {
    duet_evaluator *evaluator;
    duet_data *data;
    const duet_data_info *info;
    size_t features, shown, columns;
    uint64_t seed;
    const char *path;
    float *values, *rows; /* shown x features each; rows: latents or examples */
} drawing;

static duet_status draw(const drawing *to, const float *values, size_t count, const float *reference, duet_error *error)
{
    if (to->info->picture) return duet_write_png_grid(to->path, values, count, to->info->shape, to->columns, error);
    return duet_write_png_points(to->path, values, count, to->features, reference, to->shown, error);
}

static duet_split shown_split(const duet_data_info *info)
{
    return info->count[DUET_TEST] > 0 ? DUET_TEST : DUET_TRAIN;
}

static duet_status read_examples(const drawing *to, float *values, duet_error *error)
{
    return duet_data_read(to->data, shown_split(to->info), 0, to->shown, values, error);
}

static duet_status draw_samples(drawing *to, duet_error *error)
{
    size_t latent = duet_evaluator_latent_features(to->evaluator);
    float *latents = malloc(to->shown * latent * sizeof *latents);
    if (latents == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a picture");
    duet_prior_latents(to->seed, to->shown, latent, latents);
    duet_status status = duet_evaluator_compute(to->evaluator, DUET_FROM_LATENTS, "sample", latents, to->shown,
                                                to->seed, to->values, error);
    free(latents);
    if (status == DUET_OK && !to->info->picture) status = read_examples(to, to->rows, error);
    return status != DUET_OK ? status : draw(to, to->values, to->shown, to->rows, error);
}

/* Pictures: a row of examples above the row of their reconstructions, and so on. */
static duet_status draw_pairs(const drawing *to, duet_error *error)
{
    size_t row = to->columns * to->features, rows = to->shown / to->columns;
    float *pairs = malloc(2 * rows * row * sizeof *pairs);
    if (pairs == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a picture");
    for (size_t i = 0; i < rows; i++) {
        memcpy(pairs + 2 * i * row, to->rows + i * row, row * sizeof *pairs);
        memcpy(pairs + (2 * i + 1) * row, to->values + i * row, row * sizeof *pairs);
    }
    duet_status status = draw(to, pairs, 2 * rows * to->columns, NULL, error);
    free(pairs);
    return status;
}

static duet_status draw_reconstructions(drawing *to, duet_error *error)
{
    DUET_TRY(read_examples(to, to->rows, error));
    DUET_TRY(duet_evaluator_compute(to->evaluator, DUET_FROM_EXAMPLES, "reconstruction", to->rows, to->shown, to->seed,
                                    to->values, error));
    if (to->info->picture) return draw_pairs(to, error);
    return draw(to, to->values, to->shown, to->rows, error);
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
    size_t examples = info->count[shown_split(info)];

    to.columns = GRID_COLUMNS;
    to.shown = info->picture ? GRID_PICTURES : examples < POINTS ? examples : POINTS;
    if (duet_evaluator_features(evaluator, "sample") == to.features)
        DUET_TRY(draw_output(&to, folder, epoch, true, error));
    if (info->picture) {
        to.shown = examples < GRID_PICTURES / 2 ? examples : GRID_PICTURES / 2;
        if (to.shown < GRID_COLUMNS) to.columns = to.shown;
        if (to.shown > 0) to.shown -= to.shown % to.columns;
    }
    if (to.shown > 0 && duet_evaluator_features(evaluator, "reconstruction") == to.features)
        DUET_TRY(draw_output(&to, folder, epoch, false, error));
    return DUET_OK;
}
