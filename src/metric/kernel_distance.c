/* SPDX-License-Identifier: MIT */
/* The kernel distance of features: the squared maximum mean discrepancy of samples and examples, unbiased, by the cubic
 * kernel of Binkowski et al. 2018 (KID, arXiv:1801.01401), sec. 4, and by a Gaussian one as in Jayasumana et al. 2024
 * (CMMD, arXiv:2401.09603), whose width here is the examples' mean squared distance. Unlike the Frechet distance it
 * needs no Gaussian, and its mean does not depend on the number of samples. Being unbiased it lies as often below 0 as
 * above where both come from one distribution: a negative value says that no difference is seen. */
#include <math.h>

#include "metric/features.h"
#include "metric/kernel.h"

enum { LEAST = 200, BLOCKS = 10 };

static const double student = 2.262; /* percentile 97.5 of Student's t with BLOCKS - 1 degrees of freedom */

static bool applies(duet_run *run)
{
    return duet_metric_has_features(run);
}

/* Both sets cut into blocks, each with a distance of its own: the deviation of their mean, which is at least that of
 * the distance over all rows. */
static double deviation(const duet_kernel *kernel, const duet_feature_set *a, const duet_feature_set *b, size_t count)
{
    double values[BLOCKS], mean = 0, squares = 0;
    size_t rows = count / BLOCKS;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t at = i * rows * a->width;
        values[i] = duet_kernel_distance(kernel, a->values + at, rows, b->values + at, rows, a->width);
        mean += values[i] / BLOCKS;
    }
    for (size_t i = 0; i < BLOCKS; i++) squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (BLOCKS - 1) / BLOCKS);
}

static void add_distance(duet_metric_task *task, const char *name, const duet_kernel *kernel,
                         const duet_feature_set *samples, const duet_feature_set *examples, size_t count)
{
    double value = duet_kernel_distance(kernel, samples->values, count, examples->values, count, samples->width);
    double reach = student * deviation(kernel, samples, examples, count);
    duet_metric_add(task, name, value, value - reach, value + reach, count);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    duet_feature_set samples = {0}, examples = {0};
    duet_status status = duet_metric_sample_features(task, &samples, error);
    if (status == DUET_OK) status = duet_metric_example_features(task, &examples, error);
    if (status == DUET_OK) status = duet_metric_check_features(&samples, &examples, LEAST, "kernel-distance", error);
    if (status == DUET_OK) {
        size_t count = samples.count < examples.count ? samples.count : examples.count;
        if (count > DUET_FEATURE_SAMPLES) count = DUET_FEATURE_SAMPLES;
        const duet_kernel cubic = {DUET_KERNEL_CUBIC, 0};
        const duet_kernel gaussian = {DUET_KERNEL_GAUSSIAN,
                                      duet_mean_squared_distance(examples.values, count, examples.width)};
        add_distance(task, "kernel-distance", &cubic, &samples, &examples, count);
        add_distance(task, "kernel-distance-gaussian", &gaussian, &samples, &examples, count);
    }
    return status;
}

const duet_metric duet_metric_kernel_distance = {
    .row = {"kernel-distance", "squared, of a kernel",
            "unbiased squared maximum mean discrepancy of the features of up to 2,500 samples and as many examples, by "
            "a cubic and by a Gaussian kernel; below 0: no difference is seen; for models that sample, with a judge or "
            "with --features",
            -1},
    .applies = applies,
    .finish = finish,
};
