/* SPDX-License-Identifier: MIT */
/* Parts of buffers in the host's hands for a while: mapped where the device shares the host's memory, else copied to
 * pinned memory and back. Neither waits but where it is said. */
#ifndef DUET_SRC_DEVICE_STAGING_H
#define DUET_SRC_DEVICE_STAGING_H

#include "device/device.h"

/** Memory of the host for `bytes` in all, which a device copies to and from at its full speed. */
typedef struct duet_staging duet_staging;
duet_status duet_staging_new(duet_staging **staging, duet_device *device, size_t bytes, duet_error *error);
void duet_staging_free(duet_staging **staging);
void *duet_staging_memory(const duet_staging *staging);

/** Whether the host reads and writes the device's buffers where they lie. */
bool duet_device_is_shared(const duet_device *device);

/** A part of a buffer that the host is to have. */
typedef struct duet_taken {
    cl_mem buffer;
    size_t offset, bytes;
    void *values;    /* where the host has it: mapped, or the staging memory that it was given */
    bool maps;       /* the buffer lies in the host's memory */
    cl_event event;  /* of the last command; NULL: none */
} duet_taken;

/** Behind what is enqueued, has the part brought to the host; `values` is set already unless it `maps`. */
duet_status duet_taken_fetch(duet_device *device, duet_taken *part, duet_error *error);
/** Waits until it is there. */
duet_status duet_taken_wait(duet_taken *part, duet_error *error);
/** Gives it back, changed, to where it came from, or (`to` not NULL, and it does not map) to another buffer. *last (may
 *  be NULL) receives the event. The values must stay until the queue has got there. */
duet_status duet_taken_give(duet_device *device, duet_taken *part, cl_mem to, size_t offset, cl_event *last,
                            duet_error *error);

#endif
