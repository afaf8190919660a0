/* SPDX-License-Identifier: MIT */
/* Opening and closing a device: one context, one in-order queue, and what is asked of both by the layers above. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "device/discovery.h"
#include "device/record.h"

/** OpenCL 1.2's call. */
duet_status duet_queue_new(duet_device *device, bool profiling, cl_command_queue *queue, duet_error *error)
{
    cl_int code = CL_SUCCESS;
    *queue = NULL;
    DUET_TRY(duet_device_is_here(device, "timed or sent", error));
    *queue = clCreateCommandQueue(device->context, device->id, profiling ? CL_QUEUE_PROFILING_ENABLE : 0, &code);
    if (code == CL_SUCCESS) return DUET_OK;
    *queue = NULL;
    return duet_cl_fail(error, code, "cannot make a command queue on %s", device->info.name);
}

bool duet_bundles_wanted(void)
{
    const char *word = getenv("DUET_BUNDLES");
    return word == NULL || strcasecmp(word, "off") != 0;
}

void duet_bundles_say(const duet_device *device)
{
    const char *word = getenv("DUET_BUNDLES");
    if (word != NULL && word[0] != '\0' && strcasecmp(word, "off") != 0)
        duet_device_say(device, "warning: DUET_BUNDLES=%.100s says nothing: only 'off' does", word);
}

duet_status duet_device_on(duet_device **device, cl_context context, cl_device_id id, cl_command_queue queue,
                           const duet_device_info *info, duet_error *error)
{
    duet_device *made = calloc(1, sizeof *made);
    if (made == NULL) {
        if (queue != NULL) clReleaseCommandQueue(queue);
        clReleaseContext(context);
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory to open a device");
    }
    made->context = context;
    made->id = id;
    made->queue = queue;
    made->callers_queue = queue != NULL;
    made->info = *info;
    made->bundles = duet_bundles_wanted();
    duet_status status = queue != NULL ? DUET_OK : duet_queue_new(made, false, &made->queue, error);
    if (status != DUET_OK) {
        duet_device_close(&made);
        return status;
    }
    *device = made;
    return DUET_OK;
}

static duet_status open_found(duet_device **device, const duet_found_device *found, size_t place, duet_error *error)
{
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)found->platform, 0};
    cl_int code = CL_SUCCESS;
    cl_context context = clCreateContext(properties, 1, &found->id, NULL, NULL, &code);
    if (code != CL_SUCCESS) return duet_cl_fail(error, code, "cannot open %s", found->info.name);
    DUET_TRY(duet_device_on(device, context, found->id, NULL, &found->info, error));
    (*device)->place = place;
    return DUET_OK;
}

/** What a driver refuses before any work is a device that cannot be used. */
static duet_status without_device(duet_status status, duet_error *error)
{
    if (status != DUET_ERROR_DEVICE) return status;
    if (error != NULL && error->status == status) error->status = DUET_ERROR_NO_DEVICE;
    return DUET_ERROR_NO_DEVICE;
}

duet_status duet_device_open(duet_device **device, const char *selector, duet_error *error)
{
    return duet_device_open_turn(device, selector, 0, error);
}

duet_status duet_device_open_turn(duet_device **device, const char *selector, size_t turn, duet_error *error)
{
    *device = NULL;
    const char *origin = "";
    if (selector == NULL || selector[0] == '\0') {
        selector = getenv("DUET_DEVICE");
        origin = " (from the environment variable DUET_DEVICE)";
    }
    duet_found_device *found = NULL;
    size_t count = 0, chosen = 0;
    duet_drivers_lock();
    duet_status status = duet_discover(&found, &count, error);
    if (status == DUET_OK) status = duet_found_choose(found, count, selector, origin, &chosen, error);
    if (status == DUET_OK) chosen = duet_found_turn(found, count, selector, chosen, turn);
    if (status == DUET_OK) status = open_found(device, &found[chosen], chosen, error);
    duet_drivers_unlock();
    free(found);
    return without_device(status, error);
}

void duet_device_close(duet_device **device)
{
    duet_device *closed = *device;
    if (closed == NULL) return;
    *device = NULL;
    if (closed->queue != NULL) {
        duet_device_finish(closed, NULL);
        clReleaseCommandQueue(closed->queue);
    }
    duet_device_programs_clear(closed);
    if (closed->kept != NULL) closed->release_kept(closed->kept);
    if (closed->context != NULL) clReleaseContext(closed->context);
    duet_paper_clear(&closed->paper);
    free(closed->profile.rows);
    free(closed);
}

duet_status duet_device_flush(duet_device *device, duet_error *error)
{
    cl_int code = clFlush(device->queue);
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "cannot start work on %s", device->info.name);
}

/** By waiting for a marker: clFinish of Mesa 22.3's rusticl forgets what was flushed before it. */
duet_status duet_device_finish(duet_device *device, duet_error *error)
{
    if (device->paper.row != NULL) return DUET_OK;
    cl_event marker = NULL;
    cl_int code = clEnqueueMarkerWithWaitList(device->queue, 0, NULL, &marker);
    if (code == CL_SUCCESS) {
        code = clWaitForEvents(1, &marker);
        clReleaseEvent(marker);
    }
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "work on %s failed", device->info.name);
}

void duet_device_identity(const duet_device *device, char text[DUET_IDENTITY])
{
    const bool is_processor = device->info.kind == DUET_DEVICE_CPU;
    snprintf(text, DUET_IDENTITY, is_processor ? "processor" : "place %zu", device->place);
#ifdef CL_DEVICE_UUID_KHR
    unsigned char uuid[CL_UUID_SIZE_KHR];
    if (is_processor || device->id == NULL) return;
    if (clGetDeviceInfo(device->id, CL_DEVICE_UUID_KHR, sizeof uuid, uuid, NULL) != CL_SUCCESS) return;
    for (size_t i = 0; i < sizeof uuid; i++) snprintf(text + 2 * i, 3, "%02x", uuid[i]);
#endif
}

duet_status duet_device_is_here(const duet_device *device, const char *what, duet_error *error)
{
    if (device->paper.row == NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_NO_DEVICE,
                     "%s is a device on paper: nothing can be %s there; open one of 'duet devices' for that",
                     device->info.name, what);
}

const duet_device_info *duet_device_describe(const duet_device *device)
{
    return &device->info;
}

cl_device_id duet_device_id(const duet_device *device)
{
    return device->id;
}

cl_command_queue *duet_device_queue(duet_device *device)
{
    return &device->queue;
}

void duet_device_keep(duet_device *device, void *record, void (*release)(void *record))
{
    device->kept = record;
    device->release_kept = release;
}

void *duet_device_kept(const duet_device *device)
{
    return device->kept;
}

void duet_device_set_log(duet_device *device, duet_log_function log, void *context)
{
    device->log = log;
    device->log_context = context;
}

void duet_device_say(const duet_device *device, const char *format, ...)
{
    if (device->log == NULL) return;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)duet_text_vprint(line, sizeof line, format, arguments);
    va_end(arguments);
    duet_text_plain(line);
    device->log(device->log_context, line);
}

void duet_device_set_checking(duet_device *device, bool checking)
{
    device->checking = checking;
}

bool duet_device_bundles(const duet_device *device)
{
    return device->bundles;
}

bool duet_device_is_checking(const duet_device *device)
{
    return device->checking;
}

duet_status duet_device_set_profiling(duet_device *device, bool profiling, duet_error *error)
{
    if (device->profiling == profiling) return DUET_OK;
    if (device->callers_queue) {
        if (profiling) DUET_TRY(duet_queue_check_stamps(device, error));
        device->profiling = profiling;
        return DUET_OK;
    }
    DUET_TRY(duet_device_finish(device, error));
    cl_command_queue queue = NULL;
    DUET_TRY(duet_queue_new(device, profiling, &queue, error));
    clReleaseCommandQueue(device->queue);
    device->queue = queue;
    device->profiling = profiling;
    return DUET_OK;
}
