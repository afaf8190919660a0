/* SPDX-License-Identifier: MIT */
/* For programs that have OpenCL already: Duet on their context, their queue and their buffers. Needs OpenCL's own
 * headers, so duet.h leaves it out. What the caller gives stays the caller's: Duet retains it for as long as is said.
 */
#ifndef DUET_OPENCL_H
#define DUET_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#ifdef __APPLE__
#include <OpenCL/opencl.h>
#else
#include <CL/cl.h>
#endif

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct duet_node_record; /* what duet_node points to */
struct duet_plan;
struct duet_request;
struct duet_run;
struct duet_store;

/** A device on the caller's context, which is retained until duet_device_close. Duet makes a queue of its own. */
DUET_API duet_status duet_device_from(duet_device **device, cl_context context, cl_device_id id, duet_error *error);

/** A device on the caller's queue, and on its context and device: queue and context are retained until
 *  duet_device_close. All that Duet computes, writes and reads is enqueued there, so the caller's commands before and
 *  after are ordered with it and no wait is needed between; what waits (duet_plan_read, duet_device_close) waits for
 *  the caller's commands too. Of examples that are streamed the bytes travel by a queue of Duet's own, whose events
 *  this one waits for. The queue may be without time stamps; duet_device_set_profiling then is DUET_ERROR_USAGE. It is
 *  used by one thread at a time, as all of the device. Errors: DUET_ERROR_USAGE for a queue that runs its commands out
 *  of order, DUET_ERROR_NO_DEVICE as duet_device_open. */
DUET_API duet_status duet_device_from_queue(duet_device **device, cl_command_queue queue, duet_error *error);

/* Buffers of the caller's, of the same context. Bytes lie in them as in arrays of the host: float32, uint32 or bytes,
 * the last dimension side by side. What touches them on another queue than the device's waits by duet_device_finish. */

/** Fills an input from `bytes` bytes, its size, of a buffer from `offset` on: as duet_plan_write, but by a copy on the
 *  device, which is enqueued; returns at once. The buffer may be changed by what is enqueued on the device's queue
 *  afterwards. Errors: DUET_ERROR_USAGE for a buffer of another context or too small. */
DUET_API duet_status duet_plan_write_buffer(struct duet_plan *plan, struct duet_node_record *input, cl_mem buffer,
                                            size_t offset, size_t bytes, duet_error *error);
/** Puts the first `bytes` bytes of a root's value into a buffer from `offset` on: as duet_plan_read, but by a copy on
 *  the device, which is enqueued behind the replays so far; returns at once. Errors as above. */
DUET_API duet_status duet_plan_read_buffer(struct duet_plan *plan, struct duet_node_record *root, cl_mem buffer,
                                           size_t offset, size_t bytes, duet_error *error);

/** Has the state `name` (duet_state) lie in a buffer, without a copy: plans read what the buffer holds when they run,
 *  in place of the state's first value, and duet_assign writes there. Call it before a plan that uses the state is
 *  made. The buffer is retained until the store is freed. Errors: DUET_ERROR_USAGE for a name that is no state, one
 *  that has memory already, a buffer of another context, too small, or that kernels may not both read and write. */
DUET_API duet_status duet_store_bind(struct duet_store *store, duet_device *device, const char *name, cl_mem buffer,
                                     duet_error *error);

/** As duet_run_use, but output i goes to buffers[i], its rows one after the other from the buffer's beginning, where
 *  that is not NULL; outputs[i].values may be NULL then. Copies on the device, which are enqueued. Whether numbers are
 * finite is looked at in outputs on the host alone. */
DUET_API duet_status duet_run_use_buffers(struct duet_run *run, const struct duet_request *request,
                                          const cl_mem *buffers, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
