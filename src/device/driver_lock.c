/* SPDX-License-Identifier: MIT */
/* Drivers set themselves up when they are first asked anything, and not all do so safely from two threads at once. So
 * the process asks for devices from one thread at a time. The lock is the process's own, since the drivers are. */
#include <pthread.h>

#include "device/record.h"

static pthread_mutex_t drivers = PTHREAD_MUTEX_INITIALIZER;

void duet_drivers_lock(void)
{
    (void)pthread_mutex_lock(&drivers); /* of a plain mutex that its thread does not hold: it cannot fail */
}

void duet_drivers_unlock(void)
{
    (void)pthread_mutex_unlock(&drivers);
}
