/* SPDX-License-Identifier: MIT */
/* One pinned buffer, mapped as long as it lives; two events a slot order the two queues. */
#include "device/upload.h"

#include <stdlib.h>

#include "base/size.h"
#include "device/launch.h"
#include "device/record.h"
#include "device/staging.h"

/* Every piece begins at a cache line, which is aligned for whatever the one who writes it puts there. */
enum { LINE = 64 };

typedef struct upload_slot {
    cl_event sent, used; /* NULL: nothing to wait for */
} upload_slot;

struct duet_upload {
    duet_device *device;
    cl_command_queue queue;
    duet_staging *pinned;
    size_t slot_count, slot_bytes;
    upload_slot slots[];
};

static duet_status map_pinned(duet_upload *upload, size_t slot_bytes, duet_error *error)
{
    const duet_device *device = upload->device;
    const size_t lines = duet_size_pieces(slot_bytes, LINE);
    size_t bytes;
    if (!duet_size_multiply(lines, LINE, &upload->slot_bytes) ||
        !duet_size_multiply(upload->slot_count, upload->slot_bytes, &bytes) || bytes > device->info.allocation_bytes)
        return duet_fail(error, DUET_ERROR_MEMORY,
                         "%zu pieces of %zu bytes are more than %s takes at once: use a smaller batch",
                         upload->slot_count, slot_bytes, device->info.name);
    return duet_staging_new(&upload->pinned, upload->device, bytes, error);
}

duet_status duet_upload_new(duet_upload **upload, duet_device *device, size_t slots, size_t bytes, duet_error *error)
{
    *upload = NULL;
    duet_upload *made = calloc(1, sizeof *made + slots * sizeof made->slots[0]);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory to send data to %s", device->info.name);
    made->device = device;
    made->slot_count = slots;
    duet_status status = duet_queue_new(device, false, &made->queue, error);
    if (status == DUET_OK) status = map_pinned(made, bytes, error);
    if (status != DUET_OK) {
        duet_upload_free(&made);
        return status;
    }
    *upload = made;
    return DUET_OK;
}

static void release_event(cl_event *event)
{
    if (*event != NULL) clReleaseEvent(*event);
    *event = NULL;
}

void duet_upload_free(duet_upload **upload)
{
    duet_upload *old = *upload;
    if (old == NULL) return;
    *upload = NULL;
    for (size_t i = 0; i < old->slot_count; i++) {
        (void)duet_event_wait(&old->slots[i].sent, NULL);
        release_event(&old->slots[i].used);
    }
    duet_staging_free(&old->pinned);
    if (old->queue != NULL) clReleaseCommandQueue(old->queue);
    free(old);
}

void *duet_upload_memory(const duet_upload *upload, size_t slot)
{
    return (unsigned char *)duet_staging_memory(upload->pinned) + slot * upload->slot_bytes;
}

duet_status duet_upload_send(duet_upload *upload, size_t index, const duet_upload_part *parts, size_t count,
                             duet_error *error)
{
    upload_slot *it = &upload->slots[index];
    const unsigned char *from = duet_upload_memory(upload, index);
    cl_int code = CL_SUCCESS;
    DUET_TRY(duet_event_wait(&it->sent, error));
    for (size_t i = 0; i < count && code == CL_SUCCESS; i++) {
        bool waits = i == 0 && it->used != NULL, last = i + 1 == count;
        code = clEnqueueWriteBuffer(upload->queue, parts[i].buffer, CL_FALSE, parts[i].offset, parts[i].bytes,
                                    from + parts[i].from, waits, waits ? &it->used : NULL, last ? &it->sent : NULL);
    }
    if (code == CL_SUCCESS) code = clFlush(upload->queue);
    release_event(&it->used);
    if (code == CL_SUCCESS) code = clEnqueueBarrierWithWaitList(upload->device->queue, 1, &it->sent, NULL);
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "cannot send a batch to %s", upload->device->info.name);
}

duet_status duet_upload_used(duet_upload *upload, size_t index, duet_error *error)
{
    upload_slot *it = &upload->slots[index];
    release_event(&it->used);
    cl_int code = clEnqueueMarkerWithWaitList(upload->device->queue, 0, NULL, &it->used);
    if (code == CL_SUCCESS) return DUET_OK;
    it->used = NULL;
    return duet_cl_fail(error, code, "cannot follow the work on %s", upload->device->info.name);
}

duet_status duet_upload_wait(duet_upload *upload, size_t index, duet_error *error)
{
    return duet_event_wait(&upload->slots[index].sent, error);
}
