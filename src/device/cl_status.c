/* SPDX-License-Identifier: MIT */
/* OpenCL's status codes as words: its headers have names for them, its interface has none. */
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "device/device.h"

typedef struct code_row {
    cl_int code;
    const char *name, *hint;
} code_row;

#define LOW_MEMORY " (the device is short of memory: use a smaller batch, model or data set)"

static const code_row rows[] = {
    {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND", ""},
    {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE", " (another program may hold the device)"},
    {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE", " (this driver cannot compile kernels at run time)"},
    {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE", LOW_MEMORY},
    {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES", ""},
    {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY", ""},
    {CL_PROFILING_INFO_NOT_AVAILABLE, "CL_PROFILING_INFO_NOT_AVAILABLE", ""},
    {CL_MEM_COPY_OVERLAP, "CL_MEM_COPY_OVERLAP", ""},
    {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE", ""},
    {CL_MAP_FAILURE, "CL_MAP_FAILURE", ""},
    {CL_MISALIGNED_SUB_BUFFER_OFFSET, "CL_MISALIGNED_SUB_BUFFER_OFFSET", ""},
    {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
     " (an earlier command failed)"},
    {CL_INVALID_VALUE, "CL_INVALID_VALUE", ""},
    {CL_INVALID_DEVICE_TYPE, "CL_INVALID_DEVICE_TYPE", ""},
    {CL_INVALID_PLATFORM, "CL_INVALID_PLATFORM", ""},
    {CL_INVALID_DEVICE, "CL_INVALID_DEVICE", ""},
    {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT", ""},
    {CL_INVALID_QUEUE_PROPERTIES, "CL_INVALID_QUEUE_PROPERTIES", ""},
    {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE", ""},
    {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT", ""},
    {CL_INVALID_BINARY, "CL_INVALID_BINARY", ""},
    {CL_INVALID_BUILD_OPTIONS, "CL_INVALID_BUILD_OPTIONS", ""},
    {CL_INVALID_PROGRAM, "CL_INVALID_PROGRAM", ""},
    {CL_INVALID_PROGRAM_EXECUTABLE, "CL_INVALID_PROGRAM_EXECUTABLE", ""},
    {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME", " (the source has no kernel of that name)"},
    {CL_INVALID_KERNEL_DEFINITION, "CL_INVALID_KERNEL_DEFINITION", ""},
    {CL_INVALID_KERNEL, "CL_INVALID_KERNEL", ""},
    {CL_INVALID_ARG_INDEX, "CL_INVALID_ARG_INDEX", " (the kernel has fewer arguments)"},
    {CL_INVALID_ARG_VALUE, "CL_INVALID_ARG_VALUE", ""},
    {CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE", " (the kernel's argument has another type)"},
    {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS", " (an argument was not set)"},
    {CL_INVALID_WORK_DIMENSION, "CL_INVALID_WORK_DIMENSION", ""},
    {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE", ""},
    {CL_INVALID_WORK_ITEM_SIZE, "CL_INVALID_WORK_ITEM_SIZE", ""},
    {CL_INVALID_GLOBAL_OFFSET, "CL_INVALID_GLOBAL_OFFSET", ""},
    {CL_INVALID_EVENT_WAIT_LIST, "CL_INVALID_EVENT_WAIT_LIST", ""},
    {CL_INVALID_EVENT, "CL_INVALID_EVENT", ""},
    {CL_INVALID_OPERATION, "CL_INVALID_OPERATION", ""},
    {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE", ""},
    {CL_INVALID_GLOBAL_WORK_SIZE, "CL_INVALID_GLOBAL_WORK_SIZE", ""},
    {-1001, "CL_PLATFORM_NOT_FOUND_KHR", " (no OpenCL driver is installed)"},
};

static const code_row *find_row(cl_int code)
{
    static const code_row unknown = {0, "an unknown code", ""};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code) return &rows[i];
    return &unknown;
}

duet_status duet_cl_fail(duet_error *error, cl_int code, const char *format, ...)
{
    bool memory =
        code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY || code == CL_OUT_OF_RESOURCES;
    duet_status status = memory ? DUET_ERROR_MEMORY : DUET_ERROR_DEVICE;
    char what[768];
    va_list arguments;
    va_start(arguments, format);
    (void)duet_text_vprint(what, sizeof what, format, arguments);
    va_end(arguments);
    const code_row *row = find_row(code);
    return duet_fail(error, status, "%s: %s (%d)%s", what, row->name, (int)code, row->hint);
}
