/* SPDX-License-Identifier: MIT */
/* Staging: a buffer that the driver keeps in the host's memory, mapped as long as it lives. */
#include "device/staging.h"

#include <stdlib.h>

#include "device/launch.h"
#include "device/record.h"

struct duet_staging {
    duet_device *device;
    cl_mem pinned;
    void *memory;
};

duet_status duet_staging_new(duet_staging **staging, duet_device *device, size_t bytes, duet_error *error)
{
    cl_int code = CL_SUCCESS;
    duet_staging *made = *staging = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory");
    made->device = device;
    if (device->paper.row != NULL) return DUET_OK;
    if (bytes > device->info.allocation_bytes)
        return duet_fail(error, DUET_ERROR_MEMORY, "%zu bytes are more than %s takes at once", bytes,
                         device->info.name);
    made->pinned =
        clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, bytes > 0 ? bytes : 1, NULL, &code);
    if (code == CL_SUCCESS)
        made->memory = clEnqueueMapBuffer(device->queue, made->pinned, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0,
                                          bytes > 0 ? bytes : 1, 0, NULL, NULL, &code);
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "cannot make %zu bytes of pinned memory for %s", bytes, device->info.name);
}

void duet_staging_free(duet_staging **staging)
{
    duet_staging *old = *staging;
    *staging = NULL;
    if (old == NULL) return;
    if (old->memory != NULL) {
        cl_event unmapped = NULL;
        if (clEnqueueUnmapMemObject(old->device->queue, old->pinned, old->memory, 0, NULL, &unmapped) == CL_SUCCESS)
            (void)duet_event_wait(&unmapped, NULL);
    }
    duet_buffer_free(&old->pinned);
    free(old);
}

void *duet_staging_memory(const duet_staging *staging)
{
    return staging->memory;
}

bool duet_device_is_shared(const duet_device *device)
{
    return device->info.kind == DUET_DEVICE_CPU || device->info.kind == DUET_DEVICE_INTEGRATED;
}

duet_status duet_taken_fetch(duet_device *device, duet_taken *part, duet_error *error)
{
    cl_int code = CL_SUCCESS;
    if (part->maps)
        part->values = clEnqueueMapBuffer(device->queue, part->buffer, CL_FALSE, CL_MAP_READ | CL_MAP_WRITE,
                                          part->offset, part->bytes, 0, NULL, &part->event, &code);
    else
        code = clEnqueueReadBuffer(device->queue, part->buffer, CL_FALSE, part->offset, part->bytes, part->values, 0,
                                   NULL, &part->event);
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "cannot have %zu bytes of %s at offset %zu", part->bytes, device->info.name,
                        part->offset);
}

duet_status duet_taken_wait(duet_taken *part, duet_error *error)
{
    return duet_event_wait(&part->event, error);
}

duet_status duet_taken_give(duet_device *device, duet_taken *part, cl_mem to, size_t offset, cl_event *last,
                            duet_error *error)
{
    cl_int code;
    if (part->maps)
        code = clEnqueueUnmapMemObject(device->queue, part->buffer, part->values, 0, NULL, last);
    else
        code = clEnqueueWriteBuffer(device->queue, to != NULL ? to : part->buffer, CL_FALSE,
                                    to != NULL ? offset : part->offset, part->bytes, part->values, 0, NULL, last);
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "cannot give back %zu bytes to %s", part->bytes, device->info.name);
}
