/* SPDX-License-Identifier: MIT */
/* A device's peaks (cl/peaks.cl): each kernel in two forms, long work-items for CPUs and many short ones for GPUs; the
 * better one is the peak, so that nobody has to know what the device is. */
#include <math.h>
#include <stdio.h>

#include "duet/bench.h"
#include "product/trial/timing.h"

enum {
    CHAINS = 12,
    CHAIN_ADVANCES = 2,     /* of each chain in one step */
    LAUNCHES_TOGETHER = 64, /* when launches alone are timed */
    COPY_MEBIBYTES = 128,   /* of each of the two buffers: more than caches hold */
};

/* How a kernel is cut into work-items. */
typedef struct kernel_form {
    size_t lanes, local, items;
    cl_uint steps; /* of multiply_add: a launch of about a millisecond */
    bool strided;  /* neighbouring work-items read neighbouring vectors */
    char options[32];
} kernel_form;

static void make_forms(const duet_device *device, kernel_form forms[2])
{
    const uint32_t width = duet_device_describe(device)->vector_width;
    const size_t units =
        duet_device_describe(device)->compute_units > 0 ? duet_device_describe(device)->compute_units : 1;
    const size_t limit = duet_device_describe(device)->work_group_size;
    const size_t local = limit >= 256 ? 256 : limit >= 64 ? 64 : 1;
    forms[0] = (kernel_form){.lanes = width >= 16  ? 16
                                      : width >= 8 ? 8
                                                   : 4,
                             .local = 1,
                             .items = 8 * units,
                             .steps = 16384};
    forms[1] = (kernel_form){.lanes = 4, .local = local, .items = units * 8 * local, .steps = 512, .strided = true};
    for (size_t i = 0; i < 2; i++) snprintf(forms[i].options, sizeof forms[i].options, "-DLANES=%zu", forms[i].lanes);
}

/* Appends a launch of a kernel of cl/peaks.cl. */
static duet_status append(duet_device *device, const kernel_form *form, const char *kernel, size_t items, size_t local,
                          const duet_argument *arguments, size_t count, duet_launch_list *list, duet_error *error)
{
    duet_launch launch = {.dimensions = 1, .global = {items}, .local = {local}};
    snprintf(launch.name, sizeof launch.name, "peak %s", kernel);
    cl_program program;
    DUET_TRY(duet_device_program(device, "peaks.cl", form->options, &program, error));
    launch.file = "peaks.cl";
    return duet_launch_append_kernel(list, program, kernel, arguments, count, &launch, error);
}

static duet_status append_multiply_add(duet_device *device, const kernel_form *form, cl_mem sums,
                                       duet_launch_list *list, duet_error *error)
{
    const cl_float factor = 0.999f, term = 0.001f;
    const duet_argument arguments[] = {
        {sizeof form->steps, &form->steps}, {sizeof factor, &factor}, {sizeof term, &term}, {sizeof sums, &sums}};
    return append(device, form, "multiply_add", form->items, form->local, arguments,
                  sizeof arguments / sizeof *arguments, list, error);
}

static duet_status append_copy(duet_device *device, const kernel_form *form, cl_mem from, cl_mem to, size_t vectors,
                               duet_launch_list *list, duet_error *error)
{
    const cl_ulong count = vectors / form->items;
    const cl_ulong first = form->strided ? 1 : count, stride = form->strided ? form->items : 1;
    const duet_argument arguments[] = {{sizeof count, &count},
                                       {sizeof first, &first},
                                       {sizeof stride, &stride},
                                       {sizeof from, &from},
                                       {sizeof to, &to}};
    return append(device, form, "copy", form->items, form->local, arguments, sizeof arguments / sizeof *arguments, list,
                  error);
}

static void keep_larger(double *most, double value)
{
    if (!(*most >= value)) *most = value;
}

static duet_status time_multiply_add(duet_device *device, const kernel_form *form, double patience, duet_peaks *peaks,
                                     duet_error *error)
{
    duet_launch_list list = {0};
    duet_timing timing = {0};
    cl_mem sums = NULL;
    duet_status status = duet_buffer_new(device, form->items * form->lanes * sizeof(cl_float), false, &sums, error);
    if (status == DUET_OK) status = append_multiply_add(device, form, sums, &list, error);
    if (status == DUET_OK) status = duet_timing_take(device, &list, patience, &timing, error);
    duet_launch_list_clear(&list);
    duet_buffer_free(&sums);
    if (status != DUET_OK) return status;
    const double flops = 2.0 * CHAINS * CHAIN_ADVANCES * form->steps * (double)(form->items * form->lanes);
    keep_larger(&peaks->gflops, 1e-9 * flops / timing.least);
    return DUET_OK;
}

/* Bytes of each buffer of the copy: fewer if the device's memory is small. */
static size_t copy_bytes(const duet_device *device)
{
    uint64_t bytes = (uint64_t)COPY_MEBIBYTES << 20;
    if (bytes > duet_device_describe(device)->allocation_bytes) bytes = duet_device_describe(device)->allocation_bytes;
    if (bytes > duet_device_describe(device)->memory_bytes / 8) bytes = duet_device_describe(device)->memory_bytes / 8;
    return (size_t)bytes;
}

static duet_status time_copy(duet_device *device, const kernel_form *form, double patience, duet_peaks *peaks,
                             duet_error *error)
{
    duet_launch_list list = {0};
    duet_timing timing = {0};
    cl_mem from = NULL, to = NULL;
    const size_t vector = form->lanes * sizeof(cl_float);
    const size_t vectors = copy_bytes(device) / vector / form->items * form->items;
    duet_status status = duet_buffer_new(device, vectors * vector, true, &from, error);
    if (status == DUET_OK) status = duet_buffer_new(device, vectors * vector, true, &to, error);
    if (status == DUET_OK) status = append_copy(device, form, from, to, vectors, &list, error);
    if (status == DUET_OK) status = duet_timing_take(device, &list, patience, &timing, error);
    duet_launch_list_clear(&list);
    duet_buffer_free(&from);
    duet_buffer_free(&to);
    if (status != DUET_OK) return status;
    keep_larger(&peaks->gigabytes_per_second, 1e-9 * 2 * (double)(vectors * vector) / timing.least);
    return DUET_OK;
}

/* Launches one by one, each waited for: seconds of the fastest. */
static duet_status time_waited(duet_device *device, const duet_launch_list *list, double patience, double *least,
                               duet_error *error)
{
    const double begin = duet_seconds();
    *least = INFINITY;
    for (double now = begin; now - begin < patience;) {
        cl_event event = NULL;
        DUET_TRY(duet_launch_replay(device, list, &event, error));
        DUET_TRY(duet_event_wait(&event, error));
        const double then = duet_seconds();
        if (then - now < *least) *least = then - now;
        now = then;
    }
    return DUET_OK;
}

static duet_status append_touches(duet_device *device, const kernel_form *form, cl_mem to, size_t count,
                                  duet_launch_list *list, duet_error *error)
{
    const duet_argument argument = {sizeof to, &to};
    for (size_t i = 0; i < count; i++) DUET_TRY(append(device, form, "touch", 1, 1, &argument, 1, list, error));
    return DUET_OK;
}

static duet_status time_launches(duet_device *device, const kernel_form *form, double patience, duet_peaks *peaks,
                                 duet_error *error)
{
    duet_launch_list together = {0}, alone = {0};
    duet_timing timing = {0};
    cl_mem to = NULL;
    duet_status status = duet_buffer_new(device, form->lanes * sizeof(cl_float), false, &to, error);
    if (status == DUET_OK) status = append_touches(device, form, to, LAUNCHES_TOGETHER, &together, error);
    if (status == DUET_OK) status = append_touches(device, form, to, 1, &alone, error);
    if (status == DUET_OK) status = duet_timing_take(device, &together, patience, &timing, error);
    if (status == DUET_OK) {
        peaks->launch_us = 1e6 * timing.least / LAUNCHES_TOGETHER;
        status = time_waited(device, &alone, patience, &peaks->launch_waited_us, error);
        peaks->launch_waited_us *= 1e6;
    }
    duet_launch_list_clear(&together);
    duet_launch_list_clear(&alone);
    duet_buffer_free(&to);
    return status;
}

duet_status duet_peaks_measure(duet_device *device, double patience, duet_peaks *peaks, duet_error *error)
{
    kernel_form forms[2];
    make_forms(device, forms);
    *peaks = (duet_peaks){0};
    for (size_t i = 0; i < 2; i++) {
        DUET_TRY(time_multiply_add(device, &forms[i], patience, peaks, error));
        DUET_TRY(time_copy(device, &forms[i], patience, peaks, error));
    }
    return time_launches(device, &forms[0], patience, peaks, error);
}
