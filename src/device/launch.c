/* SPDX-License-Identifier: MIT */
/* Launch lists: everything is decided when a list is made; a replay is a loop of enqueues and nothing else. */
#include "device/launch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "device/record.h"

static void free_kernel(cl_kernel kernel)
{
    if (kernel != NULL && !duet_is_paper(kernel)) clReleaseKernel(kernel);
}

static void free_launch(const duet_launch *launch)
{
    free_kernel(launch->kernel);
    if (launch->call.release != NULL)
        launch->call.release(launch->call.arguments);
    else
        free(launch->call.arguments);
}

duet_status duet_launch_append(duet_launch_list *list, const duet_launch *launch, duet_error *error)
{
    if (!duet_array_grow(&list->items, list->count, &list->capacity, sizeof *list->items)) {
        free_launch(launch);
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory for %zu launches", list->count + 1);
    }
    list->items[list->count++] = *launch;
    return DUET_OK;
}

duet_status duet_launch_append_kernel(duet_launch_list *list, cl_program program, const char *name,
                                      const duet_argument *arguments, size_t count, duet_launch *launch,
                                      duet_error *error)
{
    DUET_TRY(duet_kernel_new(program, name, &launch->kernel, error));
    snprintf(launch->function, sizeof launch->function, "%s", name);
    for (size_t i = 0; i < count; i++) {
        duet_status status = duet_kernel_set(launch->kernel, (cl_uint)i, arguments[i].bytes, arguments[i].value, error);
        if (status != DUET_OK) {
            free_kernel(launch->kernel);
            return status;
        }
    }
    return duet_launch_append(list, launch, error);
}

size_t duet_launch_paper_program(const duet_launch *launch)
{
    return duet_is_paper(launch->kernel) ? duet_paper_program_of(launch->kernel) : 0;
}

void duet_launch_list_clear(duet_launch_list *list)
{
    for (size_t i = 0; i < list->count; i++) free_launch(&list->items[i]);
    free(list->items);
    *list = (duet_launch_list){0};
}

static duet_status enqueue(duet_device *device, const duet_launch *launch, cl_event *event, duet_error *error)
{
    if (launch->kernel == NULL) return launch->call.enqueue(device, launch->call.arguments, event, error);
    cl_int code = clEnqueueNDRangeKernel(device->queue, launch->kernel, launch->dimensions, NULL, launch->global,
                                         launch->local[0] != 0 ? launch->local : NULL, 0, NULL, event);
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "cannot launch %s on %s (global %zu x %zu x %zu, local %zu x %zu x %zu)",
                        launch->name, device->info.name, launch->global[0], launch->global[1], launch->global[2],
                        launch->local[0], launch->local[1], launch->local[2]);
}

/** A library's event covers only the last of its kernels, so its calls are timed by the clock on the wall around an
 *  empty queue; our kernels by the device's own stamps. */
static duet_status enqueue_timed(duet_device *device, const duet_launch *launch, cl_event *event, duet_error *error)
{
    double begin = duet_seconds();
    DUET_TRY(enqueue(device, launch, event, error));
    DUET_TRY(duet_device_finish(device, error));
    double seconds = duet_seconds() - begin;
    cl_int code = CL_SUCCESS;
    if (launch->kernel != NULL) {
        cl_ulong start = 0, end = 0;
        code = clGetEventProfilingInfo(*event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
        if (code == CL_SUCCESS)
            code = clGetEventProfilingInfo(*event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
        seconds = end > start ? 1e-9 * (double)(end - start) : 0;
    }
    if (code != CL_SUCCESS) return duet_cl_fail(error, code, "cannot time %s", launch->name);
    return duet_profile_add(&device->profile, launch->name, seconds, launch->flops, launch->bytes, error);
}

static duet_status replay_timed(duet_device *device, const duet_launch_list *list, cl_event *last, duet_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        cl_event event = NULL;
        duet_status status = enqueue_timed(device, &list->items[i], &event, error);
        if (status == DUET_OK && last != NULL && i + 1 == list->count)
            *last = event;
        else if (event != NULL)
            clReleaseEvent(event);
        DUET_TRY(status);
    }
    return DUET_OK;
}

duet_status duet_launch_replay(duet_device *device, const duet_launch_list *list, cl_event *last, duet_error *error)
{
    if (last != NULL) *last = NULL;
    DUET_TRY(duet_device_is_here(device, "run", error));
    if (device->profiling) return replay_timed(device, list, last, error);
    for (size_t i = 0; i < list->count; i++)
        DUET_TRY(enqueue(device, &list->items[i], i + 1 == list->count ? last : NULL, error));
    return duet_device_flush(device, error);
}

duet_status duet_event_wait(cl_event *event, duet_error *error)
{
    if (*event == NULL) return DUET_OK;
    cl_int code = clWaitForEvents(1, event);
    clReleaseEvent(*event);
    *event = NULL;
    if (code != CL_SUCCESS) return duet_cl_fail(error, code, "work on the device failed");
    return DUET_OK;
}
