/* SPDX-License-Identifier: MIT */
/* Device memory: made against the limit the device states, written and read whole. */
#include <inttypes.h>

#include "device/record.h"

duet_status duet_buffer_clear(duet_device *device, cl_mem buffer, size_t bytes, duet_error *error)
{
    if (device->paper.row != NULL) return DUET_OK;
    const cl_uchar zero = 0;
    cl_int code = clEnqueueFillBuffer(device->queue, buffer, &zero, sizeof zero, 0, bytes, 0, NULL, NULL);
    if (code == CL_SUCCESS) return duet_device_finish(device, error);
    return duet_cl_fail(error, code, "cannot clear a buffer of %zu bytes on %s", bytes, device->info.name);
}

duet_status duet_buffer_new(duet_device *device, size_t bytes, bool zeroed, cl_mem *buffer, duet_error *error)
{
    *buffer = NULL;
    if (bytes == 0) bytes = 4;
    if (bytes > device->info.allocation_bytes)
        return duet_fail(error, DUET_ERROR_MEMORY,
                         "a buffer of %zu bytes is over the %" PRIu64
                         " bytes that %s gives at once: use a smaller batch, model or data set",
                         bytes, device->info.allocation_bytes, device->info.name);
    if (device->paper.row != NULL) {
        *buffer = duet_paper_memory();
        return DUET_OK;
    }
    cl_int code = CL_SUCCESS;
    cl_mem made = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (code != CL_SUCCESS)
        return duet_cl_fail(error, code, "cannot make a buffer of %zu bytes on %s", bytes, device->info.name);
    duet_status status = zeroed ? duet_buffer_clear(device, made, bytes, error) : DUET_OK;
    if (status != DUET_OK)
        clReleaseMemObject(made);
    else
        *buffer = made;
    return status;
}

void duet_buffer_free(cl_mem *buffer)
{
    if (*buffer != NULL && !duet_is_paper(*buffer)) clReleaseMemObject(*buffer);
    *buffer = NULL;
}

duet_status duet_buffer_part(duet_device *device, cl_mem whole, size_t offset, size_t bytes, cl_mem *part,
                             duet_error *error)
{
    const cl_buffer_region region = {offset, bytes};
    cl_int code = CL_SUCCESS;
    *part = NULL;
    DUET_TRY(duet_device_is_here(device, "made", error));
    cl_mem made = clCreateSubBuffer(whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (code != CL_SUCCESS)
        return duet_cl_fail(error, code, "cannot make a buffer of %zu bytes within another on %s", bytes,
                            device->info.name);
    *part = made;
    return DUET_OK;
}

duet_status duet_buffer_write(duet_device *device, cl_mem buffer, size_t offset, const void *values, size_t bytes,
                              duet_error *error)
{
    if (bytes == 0 || device->paper.row != NULL) return DUET_OK;
    cl_int code = clEnqueueWriteBuffer(device->queue, buffer, CL_TRUE, offset, bytes, values, 0, NULL, NULL);
    if (code != CL_SUCCESS)
        return duet_cl_fail(error, code, "cannot write %zu bytes to %s at offset %zu", bytes, device->info.name,
                            offset);
    return DUET_OK;
}

duet_status duet_buffer_read(duet_device *device, cl_mem buffer, size_t offset, void *values, size_t bytes,
                             duet_error *error)
{
    if (bytes == 0) return DUET_OK;
    DUET_TRY(duet_device_is_here(device, "read", error));
    cl_int code = clEnqueueReadBuffer(device->queue, buffer, CL_TRUE, offset, bytes, values, 0, NULL, NULL);
    if (code != CL_SUCCESS)
        return duet_cl_fail(error, code, "cannot read %zu bytes from %s at offset %zu", bytes, device->info.name,
                            offset);
    return DUET_OK;
}

duet_status duet_buffer_fill(duet_device *device, cl_mem buffer, size_t offset, size_t bytes,
                             duet_status (*fill)(void *context, void *destination, size_t bytes, duet_error *error),
                             void *context, duet_error *error)
{
    if (bytes == 0 || device->paper.row != NULL) return DUET_OK;
    cl_int code = CL_SUCCESS;
    void *destination = clEnqueueMapBuffer(device->queue, buffer, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, offset,
                                           bytes, 0, NULL, NULL, &code);
    if (code != CL_SUCCESS)
        return duet_cl_fail(error, code, "cannot map %zu bytes of %s at offset %zu", bytes, device->info.name, offset);
    duet_status status = fill(context, destination, bytes, error);
    code = clEnqueueUnmapMemObject(device->queue, buffer, destination, 0, NULL, NULL);
    if (code != CL_SUCCESS && status == DUET_OK)
        status = duet_cl_fail(error, code, "cannot unmap %zu bytes of %s", bytes, device->info.name);
    return status == DUET_OK ? duet_device_finish(device, error) : status;
}
