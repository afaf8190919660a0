/* SPDX-License-Identifier: MIT */
/* A linear probe: softmax regression from codes to classes, which tells how much of the classes lies in codes openly.
 */
#ifndef DUET_SRC_METRIC_PROBE_H
#define DUET_SRC_METRIC_PROBE_H

#include "base/status.h"

/** Codes, [count, width], and their classes. */
typedef struct duet_probe_set {
    const float *codes;
    const uint8_t *labels;
    size_t count;
} duet_probe_set;

/** Fits to one set and counts in *hits how many of another one's classes the probe says. Labels are below `classes`. */
duet_status duet_probe(const duet_probe_set *fit, const duet_probe_set *test, size_t width, size_t classes,
                       size_t *hits, duet_error *error);

#endif
