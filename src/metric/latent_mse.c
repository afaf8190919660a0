/* SPDX-License-Identifier: MIT */
/* How well an encoder inverts its decoder: the mean squared error, a number a latent, of the code of what a latent from
 * the prior decodes to, z -> x -> z. The way round, x -> z -> x, is the metric mse. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"

enum { SAMPLES = 1000 };

static bool applies(duet_run *run)
{
    size_t latent = duet_run_latent_features(run);
    return latent > 0 && duet_run_features(run, DUET_LATENT) == latent &&
           duet_run_features(run, DUET_DECODE) == duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
}

/* A model that is told classes is told the same both ways. */
static duet_status go_round(const duet_metric_task *task, float *latents, float *decoded, float *codes,
                            const uint8_t *classes, duet_error *error)
{
    const duet_wanted made[] = {{DUET_DECODE, decoded}, {DUET_PRIOR, latents}}, encoded = {DUET_LATENT, codes};
    const duet_request there = {
        .count = SAMPLES, .seed = task->seed, .classes = classes, .outputs = made, .output_count = 2};
    const duet_request back = {.count = SAMPLES,
                               .seed = task->seed,
                               .classes = classes,
                               .examples = decoded,
                               .outputs = &encoded,
                               .output_count = 1};
    DUET_TRY(duet_run_answer(task->run, &there, error));
    return duet_run_answer(task->run, &back, error);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t width = duet_run_latent_features(task->run), features = duet_run_features(task->run, DUET_DECODE);
    float *latents = malloc(SAMPLES * width * sizeof *latents), *codes = malloc(SAMPLES * width * sizeof *codes);
    float *decoded = malloc(SAMPLES * features * sizeof *decoded);
    double errors[SAMPLES] = {0};
    uint8_t classes[SAMPLES];
    const bool told = duet_run_has_classes(task->run);
    if (told) duet_metric_ask_classes(task, classes, SAMPLES);
    duet_status status = latents == NULL || codes == NULL || decoded == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d samples", SAMPLES)
                             : go_round(task, latents, decoded, codes, told ? classes : NULL, error);
    for (size_t i = 0; status == DUET_OK && i < SAMPLES * width; i++) {
        double away = (double)codes[i] - (double)latents[i];
        errors[i / width] += away * away / (double)width;
    }
    if (status == DUET_OK) duet_metric_add_mean_within(task, "latent-mse", errors, SAMPLES, 0, INFINITY);
    free(latents);
    free(codes);
    free(decoded);
    return status;
}

static const duet_metric_measure measures[] = {
    {"latent-mse", NULL, DUET_SMALLER, DUET_OF_LATENTS, 7},
    {NULL},
};

const duet_metric duet_metric_latent_mse = {
    .row = {"latent-mse", "squared units a latent",
            "mean squared error of the code of what a latent decodes to, 1,000 latents; for models that encode and "
            "decode",
            .measures = measures},
    .applies = applies,
    .finish = finish,
};
