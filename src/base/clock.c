/* SPDX-License-Identifier: MIT */
/* The wall clock, for rates and timings. */
#include <time.h>

#include "duet/base.h"

double duet_seconds(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
