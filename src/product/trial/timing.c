/* SPDX-License-Identifier: MIT */
/* Samples of a list of launches, each long enough for the clock. Their median is what is usual, the least what is
 * possible. */
#include "product/trial/timing.h"

#include <stdlib.h>

#include "base/number.h"

enum { MOST_SAMPLES = 256, MOST_REPLAYS = 4096 };
static const double sample_seconds = 0.005;

duet_status duet_time_replays(duet_device *device, const duet_launch_list *list, size_t replays, double *seconds,
                              duet_error *error)
{
    const double begin = duet_seconds();
    for (size_t i = 0; i < replays; i++) DUET_TRY(duet_launch_replay(device, list, NULL, error));
    DUET_TRY(duet_device_finish(device, error));
    *seconds = duet_seconds() - begin;
    return DUET_OK;
}

duet_status duet_timing_take(duet_device *device, const duet_launch_list *list, double patience, duet_timing *timing,
                             duet_error *error)
{
    double samples[MOST_SAMPLES], once = 0;
    *timing = (duet_timing){0};
    DUET_TRY(duet_time_replays(device, list, 1, &once, error)); /* drivers compile and allocate at a first launch */
    const double begin = duet_seconds();
    DUET_TRY(duet_time_replays(device, list, 1, &once, error));
    const double wanted = once > 0 ? sample_seconds / once : MOST_REPLAYS;
    const size_t replays = wanted <= 1 ? 1 : wanted >= MOST_REPLAYS ? MOST_REPLAYS : (size_t)wanted;
    do {
        double seconds = 0;
        DUET_TRY(duet_time_replays(device, list, replays, &seconds, error));
        samples[timing->samples++] = seconds / (double)replays;
    } while (timing->samples < MOST_SAMPLES && duet_seconds() - begin < patience);
    timing->median = duet_median(samples, timing->samples); /* sorts */
    timing->least = samples[0];
    return DUET_OK;
}
