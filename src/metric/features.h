/* SPDX-License-Identifier: MIT */
/* What metrics compare samples and data by: the features that a judge gives to both, or those of any other encoder,
 * read from files. */
#ifndef DUET_SRC_METRIC_FEATURES_H
#define DUET_SRC_METRIC_FEATURES_H

#include "metric/metric.h"

/** Rows of features, [count, width]; free() the values. */
typedef struct duet_feature_set {
    float *values;
    size_t count, width;
} duet_feature_set;

/** Whether there are features of the run's samples and of its data. */
bool duet_metric_has_features(duet_run *run);
/** Of `count` new samples; of as many as there are where they come from a file. */
duet_status duet_metric_sample_features(const duet_metric_task *task, size_t count, duet_feature_set *set,
                                        duet_error *error);
/** Of all examples of the split; of all there are where they come from a file. */
duet_status duet_metric_example_features(const duet_metric_task *task, duet_feature_set *set, duet_error *error);

#endif
