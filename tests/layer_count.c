/* SPDX-License-Identifier: MIT */
/* An OpenCL layer that counts: the ICD loader puts it between a program and the driver ($OPENCL_LAYERS). Calls are told
 * apart by who makes them, since CLBlast makes objects of its own. Entries left NULL go straight to the driver. */
#define _GNU_SOURCE              /* dladdr */
#define CL_TARGET_OPENCL_VERSION 300
#include "layer.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "layer_count.h"

static struct _cl_icd_dispatch counting;
static const struct _cl_icd_dispatch *next;
static layer_tally tally;

/* Events of ours that may still be waited for, with the step they were made in. */
enum { REMEMBERED = 64 };
static struct {
    cl_event event;
    uint64_t step;
} remembered[REMEMBERED];
static size_t made;

layer_tally *layer_counts(void);
layer_tally *layer_counts(void)
{
    return &tally;
}

static layer_caller caller_of(const void *address)
{
    Dl_info info;
    bool clblast = dladdr(address, &info) != 0 && info.dli_fname && strstr(info.dli_fname, "clblast");
    return clblast ? LAYER_CLBLAST : LAYER_OURS;
}

static void note(layer_kind kind, const void *address)
{
    tally.count[caller_of(address)][kind]++;
}

static void note_wait(uint64_t steps_back, const void *address)
{
    note(LAYER_WAITS, address);
    if (caller_of(address) == LAYER_OURS && steps_back < tally.nearest_wait) tally.nearest_wait = steps_back;
}

static void note_event(const cl_event *event, const void *address)
{
    if (!event) return;
    note(LAYER_EVENTS, address);
    if (caller_of(address) != LAYER_OURS) return;
    remembered[made % REMEMBERED].event = *event;
    remembered[made++ % REMEMBERED].step = tally.step;
}

/* The driver may use a released event's address again: the newest entry is meant. */
static uint64_t steps_since(cl_event event)
{
    for (size_t i = made; i > 0 && made - i < REMEMBERED; i--) {
        if (remembered[(i - 1) % REMEMBERED].event == event) return tally.step - remembered[(i - 1) % REMEMBERED].step;
    }
    return 0;
}

/* Calls that only make or set something. */
#define COUNT(kind, type, name, parameters, arguments)                                                                 \
    static type CL_API_CALL count_##name parameters                                                                    \
    {                                                                                                                  \
        note(kind, __builtin_return_address(0));                                                                       \
        return next->name arguments;                                                                                   \
    }

COUNT(LAYER_BUFFERS, cl_mem, clCreateBuffer,
      (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code),
      (context, flags, size, host, code))
COUNT(LAYER_BUFFERS, cl_mem, clCreateSubBuffer,
      (cl_mem buffer, cl_mem_flags flags, cl_buffer_create_type type, const void *info, cl_int *code),
      (buffer, flags, type, info, code))
COUNT(LAYER_BUFFERS, cl_mem, clCreateImage,
      (cl_context context, cl_mem_flags flags, const cl_image_format *format, const cl_image_desc *about, void *host,
       cl_int *code),
      (context, flags, format, about, host, code))
COUNT(LAYER_BUFFERS, void *, clSVMAlloc, (cl_context context, cl_svm_mem_flags flags, size_t size, cl_uint alignment),
      (context, flags, size, alignment))
COUNT(LAYER_OBJECTS, cl_context, clCreateContext,
      (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
       void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *code),
      (properties, count, devices, notify, user, code))
COUNT(LAYER_OBJECTS, cl_command_queue, clCreateCommandQueue,
      (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *code),
      (context, device, properties, code))
COUNT(LAYER_OBJECTS, cl_command_queue, clCreateCommandQueueWithProperties,
      (cl_context context, cl_device_id device, const cl_queue_properties *properties, cl_int *code),
      (context, device, properties, code))
COUNT(LAYER_OBJECTS, cl_program, clCreateProgramWithSource,
      (cl_context context, cl_uint count, const char **strings, const size_t *lengths, cl_int *code),
      (context, count, strings, lengths, code))
COUNT(LAYER_OBJECTS, cl_program, clCreateProgramWithBinary,
      (cl_context context, cl_uint count, const cl_device_id *devices, const size_t *lengths,
       const unsigned char **binaries, cl_int *status, cl_int *code),
      (context, count, devices, lengths, binaries, status, code))
COUNT(LAYER_OBJECTS, cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *code),
      (program, name, code))
COUNT(LAYER_OBJECTS, cl_int, clCreateKernelsInProgram,
      (cl_program program, cl_uint count, cl_kernel *kernels, cl_uint *count_ret), (program, count, kernels, count_ret))
COUNT(LAYER_OBJECTS, cl_event, clCreateUserEvent, (cl_context context, cl_int *code), (context, code))
COUNT(LAYER_ARGUMENTS, cl_int, clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t size, const void *value),
      (kernel, index, size, value))

static cl_int CL_API_CALL count_clFinish(cl_command_queue queue)
{
    note_wait(0, __builtin_return_address(0));
    return next->clFinish(queue);
}

static cl_int CL_API_CALL count_clWaitForEvents(cl_uint count, const cl_event *events)
{
    for (cl_uint i = 0; i < count; i++) note_wait(steps_since(events[i]), __builtin_return_address(0));
    return next->clWaitForEvents(count, events);
}

/* Calls that enqueue: all end in a wait list and an event. */
#define WAITS           cl_uint waits, const cl_event *wait, cl_event *event
#define PARAMETERS(...) (cl_command_queue queue, __VA_ARGS__, WAITS)
#define ARGUMENTS(...)  (queue, __VA_ARGS__, waits, wait, event)
#define ENQUEUE(kind, blocking, name, parameters, arguments)                                                           \
    static cl_int CL_API_CALL count_##name parameters                                                                  \
    {                                                                                                                  \
        note(kind, __builtin_return_address(0));                                                                       \
        if (blocking) note_wait(0, __builtin_return_address(0));                                                       \
        cl_int code = next->name arguments;                                                                            \
        note_event(event, __builtin_return_address(0));                                                                \
        return code;                                                                                                   \
    }

ENQUEUE(LAYER_LAUNCHES, false, clEnqueueNDRangeKernel,
        PARAMETERS(cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
                   const size_t *local),
        ARGUMENTS(kernel, dimensions, offset, global, local))
ENQUEUE(LAYER_LAUNCHES, false, clEnqueueTask, PARAMETERS(cl_kernel kernel), ARGUMENTS(kernel))
ENQUEUE(LAYER_TRANSFERS, block, clEnqueueReadBuffer,
        PARAMETERS(cl_mem buffer, cl_bool block, size_t offset, size_t size, void *host),
        ARGUMENTS(buffer, block, offset, size, host))
ENQUEUE(LAYER_TRANSFERS, block, clEnqueueWriteBuffer,
        PARAMETERS(cl_mem buffer, cl_bool block, size_t offset, size_t size, const void *host),
        ARGUMENTS(buffer, block, offset, size, host))
ENQUEUE(LAYER_TRANSFERS, false, clEnqueueCopyBuffer,
        PARAMETERS(cl_mem from, cl_mem to, size_t from_offset, size_t to_offset, size_t size),
        ARGUMENTS(from, to, from_offset, to_offset, size))
ENQUEUE(LAYER_TRANSFERS, false, clEnqueueFillBuffer,
        PARAMETERS(cl_mem buffer, const void *pattern, size_t pattern_size, size_t offset, size_t size),
        ARGUMENTS(buffer, pattern, pattern_size, offset, size))
ENQUEUE(LAYER_TRANSFERS, false, clEnqueueUnmapMemObject, PARAMETERS(cl_mem object, void *host), ARGUMENTS(object, host))
ENQUEUE(LAYER_TRANSFERS, false, clEnqueueMigrateMemObjects,
        PARAMETERS(cl_uint count, const cl_mem *objects, cl_mem_migration_flags flags),
        ARGUMENTS(count, objects, flags))

static void *CL_API_CALL count_clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool block,
                                                  cl_map_flags flags, size_t offset, size_t size, WAITS, cl_int *code)
{
    note(LAYER_TRANSFERS, __builtin_return_address(0));
    if (block) note_wait(0, __builtin_return_address(0));
    void *host = next->clEnqueueMapBuffer(queue, buffer, block, flags, offset, size, waits, wait, event, code);
    note_event(event, __builtin_return_address(0));
    return host;
}

static cl_int CL_API_CALL count_clEnqueueMarkerWithWaitList(cl_command_queue queue, WAITS)
{
    cl_int code = next->clEnqueueMarkerWithWaitList(queue, waits, wait, event);
    note_event(event, __builtin_return_address(0));
    return code;
}

#define TAKE(name) counting.name = count_##name

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target,
                                            cl_uint *entries_ret, const struct _cl_icd_dispatch **layer)
{
    (void)entries;
    next = target;
    TAKE(clCreateBuffer);
    TAKE(clCreateSubBuffer);
    TAKE(clCreateImage);
    TAKE(clSVMAlloc);
    TAKE(clCreateContext);
    TAKE(clCreateCommandQueue);
    TAKE(clCreateCommandQueueWithProperties);
    TAKE(clCreateProgramWithSource);
    TAKE(clCreateProgramWithBinary);
    TAKE(clCreateKernel);
    TAKE(clCreateKernelsInProgram);
    TAKE(clCreateUserEvent);
    TAKE(clSetKernelArg);
    TAKE(clFinish);
    TAKE(clWaitForEvents);
    TAKE(clEnqueueNDRangeKernel);
    TAKE(clEnqueueTask);
    TAKE(clEnqueueReadBuffer);
    TAKE(clEnqueueWriteBuffer);
    TAKE(clEnqueueCopyBuffer);
    TAKE(clEnqueueFillBuffer);
    TAKE(clEnqueueUnmapMemObject);
    TAKE(clEnqueueMigrateMemObjects);
    TAKE(clEnqueueMapBuffer);
    TAKE(clEnqueueMarkerWithWaitList);
    *layer = &counting;
    *entries_ret = sizeof counting / sizeof(void *);
    return CL_SUCCESS;
}
