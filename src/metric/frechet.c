/* SPDX-License-Identifier: MIT */
/* The Frechet distance between Gaussians that are fitted to features of samples and of data, Heusel et al. 2017
 * (arXiv:1706.08500), eq. 6: |m - n|^2 + tr(C + D - 2 (C D)^(1/2)), squared units of the features. Its bias, about
 * width / samples, falls with the number of samples, so that number is fixed. Distances of different features cannot be
 * compared, and differences beyond mean and covariance are not seen. */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

#include "metric/features.h"

/* A Gaussian fitted to features; the covariance is [width, width]. */
typedef struct fit {
    size_t width;
    double *mean, *covariance;
} fit;

static bool applies(duet_run *run)
{
    return duet_metric_has_features(run);
}

static void fit_clear(fit *made)
{
    free(made->mean);
    free(made->covariance);
}

static duet_status fit_features(fit *made, const duet_feature_set *set, duet_error *error)
{
    size_t width = set->width;
    double *centred = malloc(width * sizeof *centred);
    *made = (fit){width, calloc(width, sizeof(double)), calloc(width * width, sizeof(double))};
    if (made->mean == NULL || made->covariance == NULL || centred == NULL) {
        free(centred);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a covariance of %zu features", width);
    }
    for (size_t i = 0; i < set->count * width; i++) made->mean[i % width] += set->values[i] / (double)set->count;
    for (size_t row = 0; row < set->count; row++) {
        for (size_t i = 0; i < width; i++) centred[i] = set->values[row * width + i] - made->mean[i];
        for (size_t i = 0; i < width; i++)
            for (size_t j = 0; j < width; j++)
                made->covariance[i * width + j] += centred[i] * centred[j] / (double)(set->count - 1);
    }
    free(centred);
    return DUET_OK;
}

/* c = a b, all [width, width]. */
static void multiply(const double *a, const double *b, double *c, size_t width)
{
    for (size_t i = 0; i < width * width; i++) c[i] = 0;
    for (size_t i = 0; i < width; i++)
        for (size_t k = 0; k < width; k++)
            for (size_t j = 0; j < width; j++) c[i * width + j] += a[i * width + k] * b[k * width + j];
}

/* *values: the eigenvalues of a symmetric matrix, which is overwritten, by its eigenvectors as columns if asked. */
static duet_status decompose(double *matrix, double *values, size_t width, bool vectors, duet_error *error)
{
    int info = LAPACKE_dsyevd(LAPACK_ROW_MAJOR, vectors ? 'V' : 'N', 'U', (lapack_int)width, matrix, (lapack_int)width,
                              values);
    if (info == 0) return DUET_OK;
    return duet_fail(error, DUET_ERROR_NUMERIC,
                     "the eigenvalues of a covariance of features were not found (LAPACK %d)", info);
}

/* Replaces a covariance by its symmetric square root. Eigenvalues that rounding has made negative count as 0. `room`:
 * for two matrices and a row. */
static duet_status take_root(double *covariance, double *room, size_t width, duet_error *error)
{
    double *vectors = room, *scaled = room + width * width, *values = room + 2 * width * width;
    for (size_t i = 0; i < width * width; i++) vectors[i] = covariance[i];
    DUET_TRY(decompose(vectors, values, width, true, error));
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j < width; j++) scaled[j * width + i] = vectors[i * width + j] * sqrt(fmax(values[j], 0));
    multiply(vectors, scaled, covariance, width);
    return DUET_OK;
}

/* *trace: tr (C D)^(1/2), by the eigenvalues of C^(1/2) D C^(1/2), which C D has too. Overwrites C. */
static duet_status trace_of_root(double *c, const double *d, size_t width, double *trace, duet_error *error)
{
    double *room = malloc((2 * width * width + width) * sizeof *room);
    if (room == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for covariances");
    double *left = room, *middle = room + width * width, *values = room + 2 * width * width;
    duet_status status = take_root(c, room, width, error);
    if (status == DUET_OK) {
        multiply(c, d, left, width);
        multiply(left, c, middle, width);
        status = decompose(middle, values, width, false, error);
    }
    *trace = 0;
    for (size_t i = 0; i < width && status == DUET_OK; i++) *trace += sqrt(fmax(values[i], 0));
    free(room);
    return status;
}

static duet_status distance(fit *samples, const fit *examples, double *squared, duet_error *error)
{
    size_t width = samples->width;
    double root = 0;
    *squared = 0;
    for (size_t i = 0; i < width; i++) {
        double gap = samples->mean[i] - examples->mean[i];
        *squared += gap * gap + samples->covariance[i * width + i] + examples->covariance[i * width + i];
    }
    DUET_TRY(trace_of_root(samples->covariance, examples->covariance, width, &root, error));
    *squared -= 2 * root;
    return DUET_OK;
}

/* A covariance of fewer rows than features is singular, and a distance by it says little. */
static duet_status check_counts(const duet_feature_set *samples, const duet_feature_set *examples, duet_error *error)
{
    size_t least = samples->count < examples->count ? samples->count : examples->count, width = examples->width;
    if (samples->width == width && least > 2 * width) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "the Frechet distance of %zu features needs over %zu samples and as many examples; there are %zu "
                     "samples of %zu features and %zu examples",
                     width, 2 * width, samples->count, samples->width, examples->count);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    duet_feature_set samples = {0}, examples = {0};
    fit fits[2] = {{0}};
    double squared = NAN;
    duet_status status = duet_metric_sample_features(task, &samples, error);
    if (status == DUET_OK) status = duet_metric_example_features(task, &examples, error);
    if (status == DUET_OK) status = check_counts(&samples, &examples, error);
    if (status == DUET_OK) status = fit_features(&fits[0], &samples, error);
    if (status == DUET_OK) status = fit_features(&fits[1], &examples, error);
    if (status == DUET_OK) status = distance(&fits[0], &fits[1], &squared, error);
    if (status == DUET_OK) duet_metric_add(task, "frechet", squared, NAN, NAN, samples.count);
    fit_clear(&fits[0]);
    fit_clear(&fits[1]);
    return status;
}

const duet_metric duet_metric_frechet = {
    .row = {"frechet", "squared features",
            "Frechet distance between the features of 2,500 samples and of the split; for models that sample, with a "
            "judge or with --features",
            .better = -1, .by_features = DUET_BY_FEATURES},
    .applies = applies,
    .finish = finish,
};
