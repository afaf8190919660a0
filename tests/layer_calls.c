/* SPDX-License-Identifier: MIT */
/* An OpenCL layer that makes one call fail: $LAYER_CALLS, "N CODE", names the N-th of all calls that can fail, counted
 * over the entries below, and the error that it ends with. At the end $LAYER_CALLS_COUNT, a file, gets how many calls
 * there were and which failed. Releases go straight to the driver: nothing can be done about one that fails. */
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include "layer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static struct _cl_icd_dispatch failing;
static const struct _cl_icd_dispatch *next;
static atomic_long calls;
static long wanted;
static int code;
static const char *failed = "none";

static bool is_due(const char *name)
{
    if (atomic_fetch_add(&calls, 1) + 1 != wanted) return false;
    failed = name;
    return true;
}

/* An entry that returns its status. */
#define STATUS(name, parameters, arguments)                                                                            \
    static cl_int CL_API_CALL failing_##name parameters                                                                \
    {                                                                                                                  \
        return is_due(#name) ? code : next->name arguments;                                                            \
    }
/* An entry that returns an object, and its status through its last parameter. */
#define OBJECT(type, name, parameters, arguments)                                                                      \
    static type CL_API_CALL failing_##name parameters                                                                  \
    {                                                                                                                  \
        if (!is_due(#name)) return next->name arguments;                                                               \
        if (status) *status = code;                                                                                    \
        return NULL;                                                                                                   \
    }
#define WAITS cl_uint waits, const cl_event *wait, cl_event *event

STATUS(clGetPlatformIDs, (cl_uint room, cl_platform_id *ids, cl_uint *count), (room, ids, count))
STATUS(clGetPlatformInfo, (cl_platform_id of, cl_platform_info key, size_t size, void *value, size_t *got),
       (of, key, size, value, got))
STATUS(clGetDeviceIDs, (cl_platform_id of, cl_device_type type, cl_uint room, cl_device_id *ids, cl_uint *count),
       (of, type, room, ids, count))
STATUS(clGetDeviceInfo, (cl_device_id of, cl_device_info key, size_t size, void *value, size_t *got),
       (of, key, size, value, got))
STATUS(clRetainContext, (cl_context context), (context))
STATUS(clBuildProgram,
       (cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
        void(CL_CALLBACK *told)(cl_program, void *), void *data),
       (program, count, devices, options, told, data))
STATUS(clGetProgramBuildInfo,
       (cl_program of, cl_device_id device, cl_program_build_info key, size_t size, void *value, size_t *got),
       (of, device, key, size, value, got))
STATUS(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t size, const void *value), (kernel, index, size, value))
STATUS(clGetKernelInfo, (cl_kernel of, cl_kernel_info key, size_t size, void *value, size_t *got),
       (of, key, size, value, got))
STATUS(clWaitForEvents, (cl_uint count, const cl_event *events), (count, events))
STATUS(clGetEventProfilingInfo, (cl_event of, cl_profiling_info key, size_t size, void *value, size_t *got),
       (of, key, size, value, got))
STATUS(clFlush, (cl_command_queue queue), (queue))
STATUS(clFinish, (cl_command_queue queue), (queue))
STATUS(clEnqueueReadBuffer,
       (cl_command_queue queue, cl_mem from, cl_bool block, size_t offset, size_t size, void *to, WAITS),
       (queue, from, block, offset, size, to, waits, wait, event))
STATUS(clEnqueueWriteBuffer,
       (cl_command_queue queue, cl_mem to, cl_bool block, size_t offset, size_t size, const void *from, WAITS),
       (queue, to, block, offset, size, from, waits, wait, event))
STATUS(clEnqueueFillBuffer,
       (cl_command_queue queue, cl_mem to, const void *pattern, size_t length, size_t offset, size_t size, WAITS),
       (queue, to, pattern, length, offset, size, waits, wait, event))
STATUS(clEnqueueUnmapMemObject, (cl_command_queue queue, cl_mem memory, void *mapped, WAITS),
       (queue, memory, mapped, waits, wait, event))
STATUS(clEnqueueNDRangeKernel,
       (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
        const size_t *local, WAITS),
       (queue, kernel, dimensions, offset, global, local, waits, wait, event))
STATUS(clEnqueueMarkerWithWaitList, (cl_command_queue queue, WAITS), (queue, waits, wait, event))

OBJECT(cl_context, clCreateContext,
       (const cl_context_properties *wishes, cl_uint count, const cl_device_id *devices,
        void(CL_CALLBACK *told)(const char *, const void *, size_t, void *), void *data, cl_int *status),
       (wishes, count, devices, told, data, status))
OBJECT(cl_command_queue, clCreateCommandQueue,
       (cl_context context, cl_device_id device, cl_command_queue_properties wishes, cl_int *status),
       (context, device, wishes, status))
OBJECT(cl_mem, clCreateBuffer, (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *status),
       (context, flags, size, host, status))
OBJECT(cl_program, clCreateProgramWithSource,
       (cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *status),
       (context, count, texts, lengths, status))
OBJECT(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *status), (program, name, status))
OBJECT(void *, clEnqueueMapBuffer,
       (cl_command_queue queue, cl_mem memory, cl_bool block, cl_map_flags flags, size_t offset, size_t size, WAITS,
        cl_int *status),
       (queue, memory, block, flags, offset, size, waits, wait, event, status))

static void install(void)
{
#define INSTALL(name) failing.name = failing_##name
    INSTALL(clGetPlatformIDs);
    INSTALL(clGetPlatformInfo);
    INSTALL(clGetDeviceIDs);
    INSTALL(clGetDeviceInfo);
    INSTALL(clRetainContext);
    INSTALL(clBuildProgram);
    INSTALL(clGetProgramBuildInfo);
    INSTALL(clSetKernelArg);
    INSTALL(clGetKernelInfo);
    INSTALL(clWaitForEvents);
    INSTALL(clGetEventProfilingInfo);
    INSTALL(clFlush);
    INSTALL(clFinish);
    INSTALL(clEnqueueReadBuffer);
    INSTALL(clEnqueueWriteBuffer);
    INSTALL(clEnqueueFillBuffer);
    INSTALL(clEnqueueUnmapMemObject);
    INSTALL(clEnqueueNDRangeKernel);
    INSTALL(clEnqueueMarkerWithWaitList);
    INSTALL(clCreateContext);
    INSTALL(clCreateCommandQueue);
    INSTALL(clCreateBuffer);
    INSTALL(clCreateProgramWithSource);
    INSTALL(clCreateKernel);
    INSTALL(clEnqueueMapBuffer);
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("LAYER_CALLS_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    (void)fprintf(file, "%ld %s\n", atomic_load(&calls), failed);
    (void)fclose(file);
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target,
                                            cl_uint *entries_ret, const struct _cl_icd_dispatch **layer)
{
    const char *words = getenv("LAYER_CALLS");
    (void)entries;
    next = target;
    if (words && sscanf(words, "%ld %d", &wanted, &code) != 2) return CL_INVALID_VALUE;
    install();
    *layer = &failing;
    *entries_ret = sizeof failing / sizeof(void *);
    return CL_SUCCESS;
}
