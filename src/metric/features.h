/* SPDX-License-Identifier: MIT */
/* Features by which metrics compare samples with data: a judge's, or those of any other encoder, read from files. */
#ifndef DUET_SRC_METRIC_FEATURES_H
#define DUET_SRC_METRIC_FEATURES_H

#include "metric/metric.h"

/** How many samples metrics by features ask for. */
enum { DUET_FEATURE_SAMPLES = 2500 };

/** Whether there are features of the run's samples and of its data. */
bool duet_metric_has_features(duet_run *run);
/** All rows of a file of features, both splits of it: it is one list. The caller frees set->values. */
duet_status duet_metric_read_given(duet_data *given, duet_feature_set *set, duet_error *error);
/** The features of DUET_FEATURE_SAMPLES samples, or of all that are given; if features come from a file, all that it
 * has. The stock of the pass keeps them, and the values are its. */
duet_status duet_metric_sample_features(const duet_metric_task *task, duet_feature_set *set, duet_error *error);
/** The same of all examples of the split. */
duet_status duet_metric_example_features(const duet_metric_task *task, duet_feature_set *set, duet_error *error);
/** How many features a row has. */
size_t duet_metric_feature_width(duet_run *run);
/** Refuses, in the metric's name, fewer than `least` samples or examples. */
duet_status duet_metric_enough_features(duet_run *run, duet_split split, size_t least, const char *metric,
                                        duet_error *error);
/** *drawn: `count` rows of the set in an order that the seed draws, since examples may lie by class in their file. The
 *  caller frees drawn->values. */
duet_status duet_metric_shuffle(const duet_feature_set *set, size_t count, uint64_t seed, duet_feature_set *drawn,
                                duet_error *error);

/** As many of both, at most DUET_FEATURE_SAMPLES, each in such an order. The caller frees the values of both, also
 *  after an error. */
duet_status duet_metric_feature_pair(const duet_metric_task *task, duet_feature_set *samples,
                                     duet_feature_set *examples, duet_error *error);

#endif
