/* SPDX-License-Identifier: MIT */
/* How many directions a decoder or generator G has at a latent: the numerical rank of dG/dz, by central differences of
 * a hundredth and singular values above a hundredth of the largest. Far fewer than latents: some say nothing, and G
 * draws a thinner set than its latents promise. Differences in float32 hide directions under a thousandth or so. */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "metric/metric.h"

enum { SAMPLES = 16 };

static const double step = 0.01, share = 0.01;

/* Room for one latent's differences. */
typedef struct room {
    size_t latent, features;
    float *latents, *decodes;  /* [2 latent, latent], [2 latent, features] */
    double *jacobian, *values; /* [latent, features]; singular values */
    uint8_t *classes;
} room;

static void free_room(room *it)
{
    free(it->latents);
    free(it->decodes);
    free(it->jacobian);
    free(it->values);
    free(it->classes);
}

static duet_status make_room(room *it, duet_run *run, duet_error *error)
{
    size_t rows, numbers;
    *it = (room){.latent = duet_run_latent_features(run), .features = duet_run_features(run, DUET_DECODE)};
    bool fits = duet_size_multiply(2, it->latent, &rows) && duet_size_multiply(rows, it->features, &numbers) &&
                duet_size_multiply(numbers, sizeof(double), &numbers);
    if (fits) {
        it->latents = malloc(rows * it->latent * sizeof *it->latents);
        it->decodes = malloc(rows * it->features * sizeof *it->decodes);
        it->jacobian = malloc(it->latent * it->features * sizeof *it->jacobian);
        it->values = malloc((it->latent + 1) * sizeof *it->values);
        it->classes = malloc(rows);
    }
    if (it->latents != NULL && it->decodes != NULL && it->jacobian != NULL && it->values != NULL && it->classes != NULL)
        return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a Jacobian of %zu by %zu", it->features, it->latent);
}

/* The Jacobian at z, a column a latent, one after the other: what G's outputs gain along it. */
static duet_status differentiate(room *it, duet_run *run, const float *z, const uint8_t *class, duet_error *error)
{
    size_t rows = 2 * it->latent;
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < it->latent; k++) it->latents[r * it->latent + k] = z[k];
        it->latents[r * it->latent + r / 2] += (float)(r % 2 == 0 ? -step : step);
        it->classes[r] = class == NULL ? 0 : *class;
    }
    const duet_wanted wanted = {DUET_DECODE, it->decodes};
    const duet_request request = {.count = rows,
                                  .latents = it->latents,
                                  .classes = class == NULL ? NULL : it->classes,
                                  .outputs = &wanted,
                                  .output_count = 1};
    DUET_TRY(duet_run_use(run, &request, error));
    for (size_t i = 0; i < it->latent; i++)
        for (size_t k = 0; k < it->features; k++)
            it->jacobian[i * it->features + k] =
                ((double)it->decodes[(2 * i + 1) * it->features + k] - (double)it->decodes[2 * i * it->features + k]) /
                (2 * step);
    return DUET_OK;
}

/* Overwrites the Jacobian. */
static duet_status count_directions(room *it, double *rank, duet_error *error)
{
    size_t most = it->latent < it->features ? it->latent : it->features;
    lapack_int rows = (lapack_int)it->features; /* by columns, the transpose is the Jacobian */
    int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', rows, (lapack_int)it->latent, it->jacobian, rows, it->values, NULL,
                              1, NULL, 1);
    if (info != 0)
        return duet_fail(error, DUET_ERROR_NUMERIC, "the singular values of a Jacobian were not found (LAPACK %d)",
                         info);
    *rank = 0;
    for (size_t i = 0; i < most; i++) *rank += it->values[i] > share * it->values[0];
    return DUET_OK;
}

duet_status duet_latent_rank(duet_run *run, const float *latents, const uint8_t *classes, size_t count, double *ranks,
                             duet_error *error)
{
    room it;
    duet_status status = make_room(&it, run, error);
    for (size_t i = 0; i < count && status == DUET_OK; i++) {
        status = differentiate(&it, run, latents + i * it.latent, classes == NULL ? NULL : classes + i, error);
        if (status == DUET_OK) status = count_directions(&it, &ranks[i], error);
    }
    free_room(&it);
    return status;
}

static bool applies(duet_run *run)
{
    const duet_prior *part;
    for (size_t i = 0; (part = duet_run_prior(run, i)) != NULL; i++)
        if (part->kind == DUET_PRIOR_CATEGORICAL) return false; /* no differences between categories */
    return duet_run_latent_features(run) > 0 && duet_run_latent_features(run) <= 256 &&
           duet_run_features(run, DUET_DECODE) > 0;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t classes_known = duet_run_has_classes(task->run) ? duet_run_classes(task->run) : 0;
    uint8_t classes[SAMPLES];
    double ranks[SAMPLES];
    float *latents = NULL;
    size_t most = duet_run_latent_features(task->run), features = duet_run_features(task->run, DUET_DECODE);
    if (features < most) most = features;
    if (classes_known > 0) duet_metric_ask_classes(task, classes, SAMPLES);
    latents = malloc(SAMPLES * duet_run_latent_features(task->run) * sizeof *latents);
    if (latents == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d latents", SAMPLES);
    const duet_wanted wanted = {DUET_PRIOR, latents};
    const duet_request request = {.count = SAMPLES, .seed = task->seed, .outputs = &wanted, .output_count = 1};
    duet_status status = duet_run_answer(task->run, &request, error);
    if (status == DUET_OK)
        status = duet_latent_rank(task->run, latents, classes_known > 0 ? classes : NULL, SAMPLES, ranks, error);
    if (status == DUET_OK) duet_metric_add_mean_within(task, "latent-rank", ranks, SAMPLES, 0, (double)most);
    free(latents);
    return status;
}

static const duet_metric_measure measures[] = {
    {"latent-rank", NULL, DUET_NEITHER, DUET_OF_LATENTS, 9},
    {NULL},
};

const duet_metric duet_metric_latent_rank = {
    .row =
        {"latent-rank", "directions",
         "numerical rank of d decode / d latent at 16 draws of the prior; for models that decode up to 256 continuous "
         "latents",
         .measures = measures},
    .applies = applies,
    .finish = finish,
};
