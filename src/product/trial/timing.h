/* SPDX-License-Identifier: MIT */
/* Timing of launches. By the wall clock around finished work, since an event covers only the last kernel of a library
 * call. Many at once, since waiting for a launch takes longer than many kernels. */
#ifndef DUET_SRC_PRODUCT_TRIAL_TIMING_H
#define DUET_SRC_PRODUCT_TRIAL_TIMING_H

#include "device/launch.h"

/** Of one replay of a list. */
typedef struct duet_timing {
    double median, least; /**< seconds */
    size_t samples;
} duet_timing;

/** Replays the list once to warm up, then again and again for `patience` seconds, at least once. A sample is as many
 *  replays, enqueued together, as last a few milliseconds. */
duet_status duet_timing_take(duet_device *device, const duet_launch_list *list, double patience, duet_timing *timing,
                             duet_error *error);
/** Seconds of `replays` replays enqueued together, waited for. */
duet_status duet_time_replays(duet_device *device, const duet_launch_list *list, size_t replays, double *seconds,
                              duet_error *error);

#endif
