/* SPDX-License-Identifier: MIT */
/* The kernel distance of features: the squared maximum mean discrepancy of samples and examples, unbiased, by the cubic
 * kernel of Binkowski et al. 2018 (KID, arXiv:1801.01401), sec. 4, and by a Gaussian one as in Jayasumana et al. 2024
 * (CMMD, arXiv:2401.09603), whose width here is the examples' mean squared distance. Unlike the Frechet distance it
 * needs no Gaussian, and its mean does not depend on the number of samples. Being unbiased it lies as often below 0 as
 * above where both come from one distribution: a negative value says that no difference is seen. */
#include <stdlib.h>

#include "metric/features.h"
#include "metric/kernel.h"

enum { LEAST = 200 };

static bool applies(duet_run *run)
{
    return duet_metric_has_features(run);
}

static void add_distance(duet_metric_task *task, const char *name, const duet_kernel *kernel,
                         const duet_feature_set *samples, const duet_feature_set *examples, size_t count)
{
    double value = duet_kernel_distance(kernel, samples->values, count, examples->values, count, samples->width);
    double reach = duet_kernel_reach(kernel, samples->values, examples->values, count, samples->width);
    duet_metric_add(task, name, value, value - reach, value + reach, count);
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    return duet_metric_enough_features(run, split, LEAST, "kernel-distance", error);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    duet_feature_set samples = {0}, examples = {0};
    duet_status status = duet_metric_feature_pair(task, &samples, &examples, error);
    if (status == DUET_OK) {
        const duet_kernel cubic = {DUET_KERNEL_CUBIC, 0};
        const duet_kernel gaussian = {DUET_KERNEL_GAUSSIAN,
                                      duet_mean_squared_distance(examples.values, examples.count, examples.width)};
        add_distance(task, "kernel-distance", &cubic, &samples, &examples, samples.count);
        if (gaussian.scale > 0)
            add_distance(task, "kernel-distance-gaussian", &gaussian, &samples, &examples, samples.count);
        else
            duet_metric_add_unknown(task, "kernel-distance-gaussian",
                                    "the features of all examples are alike, so that its kernel has no width",
                                    samples.count);
    }
    free(samples.values);
    free(examples.values);
    return status;
}

static const duet_metric_measure measures[] = {
    {"kernel-distance", NULL, DUET_SMALLER, DUET_OF_QUALITY, 3},
    {"kernel-distance-gaussian", NULL, DUET_SMALLER, DUET_OF_QUALITY, 4},
    {NULL},
};

const duet_metric duet_metric_kernel_distance = {
    .row = {"kernel-distance", "squared, of a kernel",
            "unbiased squared maximum mean discrepancy of the features of up to 2,500 samples and as many examples, by "
            "a cubic and by a Gaussian kernel; below 0: no difference is seen; for models that sample, with a judge or "
            "with --features",
            .by_features = DUET_BY_FEATURES, .measures = measures},
    .applies = applies,
    .finish = finish,
    .enough = enough,
    .refusal = duet_metric_why_no_features,
};
