/* SPDX-License-Identifier: MIT */
/* An OpenCL layer that is a bad driver: $LAYER_FAULT, "crash:NAME", "hang:NAME", "skip:NAME", "kill:NAME",
 * "limit:NAME" (of CPU time) or "refuse:NAME" (short of resources), says what happens to launches of kernels whose name
 * begins with NAME; "unable:" to every build of a program, "build:" has it hang, "wait:N" the N-th wait for events.
 * Before it hangs it makes the file that $LAYER_FAULT_MARK names. Entries left NULL go straight to the driver. */
#define CL_TARGET_OPENCL_VERSION 300
#include "layer.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct _cl_icd_dispatch faulty;
static const struct _cl_icd_dispatch *next;

static void hang(void)
{
    const char *mark = getenv("LAYER_FAULT_MARK");
    FILE *file = mark != NULL ? fopen(mark, "w") : NULL;
    if (file != NULL) (void)fclose(file);
    for (;;) pause();
}

/* The fault's letter, 0 for a launch that is left alone. */
static char fault_of(cl_kernel kernel)
{
    char name[256] = "";
    const char *word = getenv("LAYER_FAULT"), *colon = word ? strchr(word, ':') : NULL;
    if (!colon || next->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL) != CL_SUCCESS)
        return 0;
    return strncmp(name, colon + 1, strlen(colon + 1)) == 0 ? word[0] : 0;
}

static cl_int CL_API_CALL fault_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                       const size_t *offset, const size_t *global, const size_t *local,
                                                       cl_uint waits, const cl_event *wait, cl_event *event)
{
    const char fault = fault_of(kernel);
    if (fault == 'c') abort();
    if (fault == 'h') hang();
    if (fault == 'k') (void)kill(getpid(), SIGKILL);
    if (fault == 'l') (void)kill(getpid(), SIGXCPU);
    if (fault == 'r') return CL_OUT_OF_RESOURCES;
    if (fault == 's') return next->clEnqueueMarkerWithWaitList(queue, waits, wait, event);
    return next->clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, waits, wait, event);
}

static cl_int CL_API_CALL fault_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                                               const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                                               void *context)
{
    const char *word = getenv("LAYER_FAULT");
    if (word && word[0] == 'u') return CL_BUILD_PROGRAM_FAILURE;
    if (word && word[0] == 'b') hang();
    return next->clBuildProgram(program, count, devices, options, notify, context);
}

static cl_int CL_API_CALL fault_clWaitForEvents(cl_uint count, const cl_event *events)
{
    static atomic_long waits;
    const char *word = getenv("LAYER_FAULT");
    if (word && word[0] == 'w' && atomic_fetch_add(&waits, 1) + 1 == strtol(word + strlen("wait:"), NULL, 10)) hang();
    return next->clWaitForEvents(count, events);
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target,
                                            cl_uint *entries_ret, const struct _cl_icd_dispatch **layer)
{
    (void)entries;
    next = target;
    faulty.clEnqueueNDRangeKernel = fault_clEnqueueNDRangeKernel;
    faulty.clBuildProgram = fault_clBuildProgram;
    faulty.clWaitForEvents = fault_clWaitForEvents;
    *layer = &faulty;
    *entries_ret = sizeof faulty / sizeof(void *);
    return CL_SUCCESS;
}
