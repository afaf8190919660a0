/* SPDX-License-Identifier: MIT */
/* Bytes on their way to the device beside its work: a ring of pieces of pinned host memory, copied by a queue of their
 * own, so that the next piece travels while the last one is used. */
#ifndef DUET_SRC_DEVICE_UPLOAD_H
#define DUET_SRC_DEVICE_UPLOAD_H

#include "device/device.h"

typedef struct duet_upload duet_upload;

/** Where a part of a piece goes: `bytes` of it from `from` on, to `offset` in a buffer. */
typedef struct duet_upload_part {
    cl_mem buffer;
    size_t from, offset, bytes;
} duet_upload_part;

/** `slots` pieces of `bytes` each, which begin where memory is aligned for any type. The device must outlive it. */
duet_status duet_upload_new(duet_upload **upload, duet_device *device, size_t slots, size_t bytes, duet_error *error);
/** Waits for what is on its way, and sets *upload to NULL, which it may be already. */
void duet_upload_free(duet_upload **upload);

/** The host's memory of a slot. It may be written by any thread, but not between duet_upload_send and
 *  duet_upload_wait. */
void *duet_upload_memory(const duet_upload *upload, size_t slot);
/** Enqueues the copying of a slot's parts (one or more), which begins when what was enqueued before the slot's last
 *  duet_upload_used is done; what is enqueued on the device from now on begins when it ends. Returns at once. */
duet_status duet_upload_send(duet_upload *upload, size_t slot, const duet_upload_part *parts, size_t count,
                             duet_error *error);
/** What has been enqueued on the device so far is all that reads what the slot sent. */
duet_status duet_upload_used(duet_upload *upload, size_t slot, duet_error *error);
/** Waits until the slot's memory has been copied; nothing if it was not sent. */
duet_status duet_upload_wait(duet_upload *upload, size_t slot, duet_error *error);

#endif
