/* SPDX-License-Identifier: MIT */
/* What a caller brings along: a context, a queue, buffers, memory of the host. All of it is looked at before it is
 * used, as a driver's word for a mistake in it would come late and say little. */
#include "device/discovery.h"
#include "device/record.h"

/** The caller's device, if it can be used. */
static duet_status ask_given(cl_device_id id, duet_device_info *info, duet_error *error)
{
    duet_device_ask(id, info);
    if (info->refusal[0] == '\0') return DUET_OK;
    return duet_fail(error, DUET_ERROR_NO_DEVICE, "%s cannot be used: %s", info->name, info->refusal);
}

duet_status duet_device_from(duet_device **device, cl_context context, cl_device_id id, duet_error *error)
{
    *device = NULL;
    duet_device_info info;
    DUET_TRY(ask_given(id, &info, error));
    cl_int code = clRetainContext(context);
    if (code != CL_SUCCESS) return duet_cl_fail(error, code, "cannot use the given context");
    return duet_device_on(device, context, id, NULL, &info, error);
}

static duet_status ask_queue(cl_command_queue queue, cl_command_queue_info what, size_t size, void *answer,
                             duet_error *error)
{
    cl_int code = clGetCommandQueueInfo(queue, what, size, answer, NULL);
    return code == CL_SUCCESS ? DUET_OK : duet_cl_fail(error, code, "cannot use the given queue");
}

duet_status duet_device_from_queue(duet_device **device, cl_command_queue queue, duet_error *error)
{
    *device = NULL;
    duet_device_info info;
    cl_context context = NULL;
    cl_device_id id = NULL;
    cl_command_queue_properties properties = 0;
    DUET_TRY(ask_queue(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, error));
    DUET_TRY(ask_queue(queue, CL_QUEUE_CONTEXT, sizeof context, &context, error));
    DUET_TRY(ask_queue(queue, CL_QUEUE_DEVICE, sizeof id, &id, error));
    if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "the given queue runs its commands out of order, and Duet's rely on their order: make one "
                         "without CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE on the same context for Duet");
    DUET_TRY(ask_given(id, &info, error));
    cl_int code = clRetainContext(context);
    if (code != CL_SUCCESS) return duet_cl_fail(error, code, "cannot use the context of the given queue");
    code = clRetainCommandQueue(queue);
    if (code == CL_SUCCESS) return duet_device_on(device, context, id, queue, &info, error);
    clReleaseContext(context);
    return duet_cl_fail(error, code, "cannot use the given queue");
}

duet_status duet_queue_check_stamps(const duet_device *device, duet_error *error)
{
    cl_command_queue_properties properties = 0;
    DUET_TRY(ask_queue(device->queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, error));
    if (properties & CL_QUEUE_PROFILING_ENABLE) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "the queue that was given keeps no time stamps: to time kernels, make it with "
                     "CL_QUEUE_PROFILING_ENABLE");
}

bool duet_buffer_is_on(const duet_device *device, cl_mem buffer)
{
    cl_context context = NULL;
    return device->paper.row != NULL ||
           (clGetMemObjectInfo(buffer, CL_MEM_CONTEXT, sizeof context, &context, NULL) == CL_SUCCESS &&
            context == device->context);
}

duet_status duet_buffer_check(const duet_device *device, cl_mem buffer, size_t offset, size_t bytes, bool in_place,
                              duet_error *error)
{
    cl_context context = NULL;
    cl_mem_flags flags = 0;
    size_t size = 0;
    DUET_TRY(duet_device_is_here(device, "copied", error));
    cl_int code = clGetMemObjectInfo(buffer, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    if (code == CL_SUCCESS) code = clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof size, &size, NULL);
    if (code == CL_SUCCESS) code = clGetMemObjectInfo(buffer, CL_MEM_FLAGS, sizeof flags, &flags, NULL);
    if (code != CL_SUCCESS) return duet_cl_fail(error, code, "cannot use the given buffer");
    if (context != device->context)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "the given buffer is of another context than the device: open the device on the buffer's "
                         "context, or on a queue of it");
    if (offset > size || bytes > size - offset)
        return duet_fail(error, DUET_ERROR_USAGE, "the given buffer has %zu bytes, and %zu from byte %zu on are needed",
                         size, bytes, offset);
    if (in_place && (flags & (CL_MEM_READ_ONLY | CL_MEM_WRITE_ONLY)) != 0)
        return duet_fail(error, DUET_ERROR_USAGE,
                         "kernels may only %s the given buffer: make it with CL_MEM_READ_WRITE",
                         flags & CL_MEM_READ_ONLY ? "read" : "write");
    return DUET_OK;
}

duet_status duet_buffer_retain(cl_mem buffer, duet_error *error)
{
    cl_int code = clRetainMemObject(buffer);
    return code == CL_SUCCESS ? DUET_OK : duet_cl_fail(error, code, "cannot use the given buffer");
}

duet_status duet_buffer_copy(duet_device *device, cl_mem from, size_t from_offset, cl_mem to, size_t to_offset,
                             size_t bytes, duet_error *error)
{
    if (bytes == 0) return DUET_OK;
    cl_int code = clEnqueueCopyBuffer(device->queue, from, to, from_offset, to_offset, bytes, 0, NULL, NULL);
    if (code == CL_SUCCESS) code = clFlush(device->queue);
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "cannot copy %zu bytes from buffer to buffer on %s", bytes, device->info.name);
}

/** GPUs reach whole pages and whole cache lines of the host; drivers copy anything else for themselves. */
static bool shares(const duet_device *device, const void *memory, size_t bytes, size_t element)
{
    enum { PAGE = 4096, LINE = 64 };
    const uintptr_t at = (uintptr_t)memory;
    if (device->info.kind == DUET_DEVICE_CPU) return at % element == 0;
    return device->info.kind == DUET_DEVICE_INTEGRATED && at % PAGE == 0 && bytes % LINE == 0;
}

cl_mem duet_buffer_over(duet_device *device, const void *memory, size_t bytes, size_t element)
{
    if (device->paper.row != NULL || bytes == 0 || bytes > device->info.allocation_bytes ||
        !shares(device, memory, bytes, element))
        return NULL;
    cl_int code = CL_SUCCESS;
    const cl_mem_flags flags = CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR;
    cl_mem made = clCreateBuffer(device->context, flags, bytes, (void *)(uintptr_t)memory, &code);
    return code == CL_SUCCESS ? made : NULL;
}
