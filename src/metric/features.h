/* SPDX-License-Identifier: MIT */
/* Features by which metrics compare samples with data: a judge's, or those of any other encoder, read from files. */
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
/** The features of `count` new samples; if they come from a file, all that it has. */
duet_status duet_metric_sample_features(const duet_metric_task *task, size_t count, duet_feature_set *set,
                                        duet_error *error);
/** The features of all examples of the split; if they come from a file, all that it has. */
duet_status duet_metric_example_features(const duet_metric_task *task, duet_feature_set *set, duet_error *error);
/** Refuses sets of different widths, or of fewer than `least` rows, in the metric's name. */
duet_status duet_metric_check_features(const duet_feature_set *samples, const duet_feature_set *examples, size_t least,
                                       const char *metric, duet_error *error);

#endif
