/* SPDX-License-Identifier: MIT */
/* An open device as the layers above use it: buffers, programs and the queue. OpenCL calls are made in this folder
 * and in no other. */
#ifndef DUET_SRC_DEVICE_DEVICE_H
#define DUET_SRC_DEVICE_DEVICE_H

#include "base/status.h"
#include "device/opencl.h"
#include "duet/device.h"

/** DUET_ERROR_DEVICE (or MEMORY, for the codes that mean it) with "what: CL_NAME (code)" and a hint where one helps. */
duet_status duet_cl_fail(duet_error *error, cl_int code, const char *format, ...) DUET_PRINTF(3, 4);

/* What the device is. */
typedef enum duet_gpu_family {
    DUET_GPU_NONE, /**< no GPU */
    DUET_GPU_OTHER,
    DUET_GPU_GCN,  /**< AMD's, up to Vega: 256 registers for each lane of a SIMD */
    DUET_GPU_CDNA, /**< from MI200 on: 512 */
    DUET_GPU_RDNA, /**< 1024 or more, for waves of 32 */
    DUET_GPU_NVIDIA,
    DUET_GPU_INTEL,
    DUET_GPU_APPLE,
} duet_gpu_family;
duet_gpu_family duet_device_family(const duet_device_info *info);
bool duet_device_is_checking(const duet_device *device);
/** Whether plans put steps side by side into one launch: they do unless DUET_BUNDLES is "off" when the device is
 *  opened. */
bool duet_device_bundles(const duet_device *device);
cl_device_id duet_device_id(const duet_device *device);
enum { DUET_IDENTITY = 64 };
/** The same text for the same chip of this machine, whichever process asks: the driver's number of it where it has one,
 *  since a process may be shown a part of the devices only. */
void duet_device_identity(const duet_device *device, char text[DUET_IDENTITY]);
/** Has the device begin with all that is enqueued. */
duet_status duet_device_flush(duet_device *device, duet_error *error);
/** For calls into a library that enqueues by itself. */
cl_command_queue *duet_device_queue(duet_device *device);
void duet_device_say(const duet_device *device, const char *format, ...) DUET_PRINTF(2, 3);

/** A record of the layer above, freed by `release` when the device closes, after its queue is done and before its
 * context goes. One a device. */
void duet_device_keep(duet_device *device, void *record, void (*release)(void *record));
/** NULL: none is kept. */
void *duet_device_kept(const duet_device *device);

/* Buffers. Sizes in bytes; 0 is rounded up to 4. A buffer over the device's allocation limit is DUET_ERROR_MEMORY with
 * both numbers. All calls below wait until the bytes are there. */
duet_status duet_buffer_new(duet_device *device, size_t bytes, bool zeroed, cl_mem *buffer, duet_error *error);
/** Zeros in the first `bytes`. */
duet_status duet_buffer_clear(duet_device *device, cl_mem buffer, size_t bytes, duet_error *error);
void duet_buffer_free(cl_mem *buffer);
/** A part of a buffer, as one of its own; `offset` is a multiple of the device's base alignment. Freed before the
 *  whole. */
duet_status duet_buffer_part(duet_device *device, cl_mem whole, size_t offset, size_t bytes, cl_mem *part,
                             duet_error *error);
duet_status duet_buffer_write(duet_device *device, cl_mem buffer, size_t offset, const void *values, size_t bytes,
                              duet_error *error);
duet_status duet_buffer_read(duet_device *device, cl_mem buffer, size_t offset, void *values, size_t bytes,
                             duet_error *error);
/** Copies bytes from one buffer to another behind what is enqueued; does not wait. */
duet_status duet_buffer_copy(duet_device *device, cl_mem from, size_t from_offset, cl_mem to, size_t to_offset,
                             size_t bytes, duet_error *error);
/** Whether the buffer is of the device's context: one of a closed device, in whose place another lies now, is not. */
bool duet_buffer_is_on(const duet_device *device, cl_mem buffer);
/** DUET_ERROR_USAGE unless a caller's buffer is of the device's context and has `bytes` from `offset` on. `in_place`:
 *  and unless kernels may read and write it. */
duet_status duet_buffer_check(const duet_device *device, cl_mem buffer, size_t offset, size_t bytes, bool in_place,
                              duet_error *error);
/** One more reference, which duet_buffer_free gives back. */
duet_status duet_buffer_retain(cl_mem buffer, duet_error *error);
/** A buffer that is `bytes` of the host's memory itself, for reading alone; elements of it have `element` bytes. NULL
 *  where the device does not share the host's memory, or not memory that lies so. The memory must stay
 *  until the buffer is freed and what reads it is done. */
cl_mem duet_buffer_over(duet_device *device, const void *memory, size_t bytes, size_t element);
/** Maps the range for writing, lets `fill` put the bytes there, unmaps. */
duet_status duet_buffer_fill(duet_device *device, cl_mem buffer, size_t offset, size_t bytes,
                             duet_status (*fill)(void *context, void *destination, size_t bytes, duet_error *error),
                             void *context, duet_error *error);

/* Programs. */

/** The text of a file of cl/ ("philox.cl"): from the folder $DUET_CL_PATH where it has the file, else built in. The
 *  caller frees it. NULL with an error set if there is none or memory is short. */
char *duet_cl_source(const char *file, duet_error *error);
/** `text`, each of whose lines #include "FILE" is replaced by that file's text: what a program is made of that pastes
 *  kernel files. The caller frees it. NULL with an error set as above. */
char *duet_cl_expand(const char *text, duet_error *error);
/** Builds `source`; announces a build that takes long through the device's log. On a compiler error the message holds
 *  the first lines of the build log, and the file $DUET_CL_LOG gets the source and all of it. DUET_ERROR_NO_DEVICE
 * where the driver compiles nothing at all. */
duet_status duet_program_build(duet_device *device, const char *name, const char *source, const char *options,
                               cl_program *program, duet_error *error);
void duet_program_free(cl_program *program);
/** The program of one file of cl/ with these options, built once a device and kept until it closes. Borrowed. */
duet_status duet_device_program(duet_device *device, const char *file, const char *options, cl_program *program,
                                duet_error *error);
duet_status duet_kernel_new(cl_program program, const char *name, cl_kernel *kernel, duet_error *error);
/** How many parameters it has. */
duet_status duet_kernel_arguments(cl_kernel kernel, size_t *count, duet_error *error);
duet_status duet_kernel_set(cl_kernel kernel, cl_uint index, size_t bytes, const void *value, duet_error *error);

#endif
