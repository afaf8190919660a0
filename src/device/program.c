/* SPDX-License-Identifier: MIT */
/* Programs: built once, kept by file and options. A build runs on a thread of its own, so that the caller's thread can
 * say what it waits for when the driver's compiler takes long. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device/record.h"

/* No option that changes what a NaN or an infinity does: the training loop must see them. */
#define COMMON_OPTIONS "-cl-std=CL1.2 "

enum { ANNOUNCE_NANOSECONDS = 300000000, LOG_EXCERPT = 640 };

typedef struct build {
    cl_program program;
    cl_device_id id;
    const char *options;
    cl_int code;
    bool done;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
} build;

static void *run_build(void *argument)
{
    build *b = argument;
    cl_int code = clBuildProgram(b->program, 1, &b->id, b->options, NULL, NULL);
    pthread_mutex_lock(&b->mutex);
    b->code = code;
    b->done = true;
    pthread_cond_signal(&b->ended);
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

static struct timespec announce_time(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += ANNOUNCE_NANOSECONDS;
    if (time.tv_nsec >= 1000000000) {
        time.tv_nsec -= 1000000000;
        time.tv_sec++;
    }
    return time;
}

static cl_int build_announced(const duet_device *device, const char *name, cl_program program, const char *options)
{
    build b = {.program = program, .id = device->id, .options = options};
    if (device->log == NULL) return clBuildProgram(program, 1, &b.id, options, NULL, NULL);
    pthread_t thread;
    pthread_mutex_init(&b.mutex, NULL);
    pthread_cond_init(&b.ended, NULL);
    if (pthread_create(&thread, NULL, run_build, &b) != 0) {
        duet_device_say(device, "compiling the kernels of %s for %s ...", name, device->info.name);
        run_build(&b);
    } else {
        const struct timespec patience = announce_time();
        pthread_mutex_lock(&b.mutex);
        int waited = 0;
        while (!b.done && waited == 0) waited = pthread_cond_timedwait(&b.ended, &b.mutex, &patience);
        bool slow = !b.done;
        pthread_mutex_unlock(&b.mutex);
        if (slow) duet_device_say(device, "compiling the kernels of %s for %s ...", name, device->info.name);
        pthread_join(thread, NULL);
    }
    pthread_cond_destroy(&b.ended);
    pthread_mutex_destroy(&b.mutex);
    return b.code;
}

static duet_status fail_with_log(duet_device *device, const char *name, cl_program program, cl_int code,
                                 duet_error *error)
{
    size_t bytes = 0;
    clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    char *log = bytes != 0 ? calloc(bytes + 1, 1) : NULL;
    if (log != NULL) clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    duet_status status =
        duet_cl_fail(error, code, "%s does not compile on %s. Its compiler says: %.*s", name, device->info.name,
                     LOG_EXCERPT, log != NULL && log[0] != '\0' ? log : "(nothing)");
    free(log);
    return status;
}

duet_status duet_program_build(duet_device *device, const char *name, const char *source, const char *options,
                               cl_program *program, duet_error *error)
{
    *program = NULL;
    size_t length = strlen(COMMON_OPTIONS) + (options != NULL ? strlen(options) : 0) + 1;
    char *all_options = malloc(length);
    if (all_options == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory to build %s", name);
    snprintf(all_options, length, "%s%s", COMMON_OPTIONS, options != NULL ? options : "");

    duet_status status = DUET_OK;
    cl_int code = CL_SUCCESS;
    cl_program made = clCreateProgramWithSource(device->context, 1, &source, NULL, &code);
    if (code != CL_SUCCESS) {
        status = duet_cl_fail(error, code, "cannot make the program %s on %s", name, device->info.name);
    } else {
        code = build_announced(device, name, made, all_options);
        if (code != CL_SUCCESS) {
            status = fail_with_log(device, name, made, code, error);
            clReleaseProgram(made);
        } else {
            *program = made;
        }
    }
    free(all_options);
    return status;
}

void duet_program_free(cl_program *program)
{
    if (*program != NULL) clReleaseProgram(*program);
    *program = NULL;
}

static void free_cached(duet_cached_program *row)
{
    duet_program_free(&row->program);
    free(row->file);
    free(row->options);
    free(row);
}

void duet_device_programs_clear(duet_device *device)
{
    while (device->programs != NULL) {
        duet_cached_program *row = device->programs;
        device->programs = row->next;
        free_cached(row);
    }
}

static duet_status build_cached(duet_device *device, duet_cached_program *row, duet_error *error)
{
    if (row->file == NULL || row->options == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory for a program's name");
    char *source = duet_cl_source(row->file, error);
    if (source == NULL) return error != NULL && error->status != DUET_OK ? error->status : DUET_ERROR_FILE;
    duet_status status = duet_program_build(device, row->file, source, row->options, &row->program, error);
    free(source);
    return status;
}

duet_status duet_device_program(duet_device *device, const char *file, const char *options, cl_program *program,
                                duet_error *error)
{
    *program = NULL;
    if (options == NULL) options = "";
    for (const duet_cached_program *row = device->programs; row != NULL; row = row->next) {
        if (strcmp(row->file, file) != 0 || strcmp(row->options, options) != 0) continue;
        *program = row->program;
        return DUET_OK;
    }
    duet_cached_program *row = calloc(1, sizeof *row);
    if (row == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory for the program %s", file);
    row->file = strdup(file);
    row->options = strdup(options);
    duet_status status = build_cached(device, row, error);
    if (status != DUET_OK) {
        free_cached(row);
        return status;
    }
    row->next = device->programs;
    device->programs = row;
    *program = row->program;
    return DUET_OK;
}

duet_status duet_kernel_new(cl_program program, const char *name, cl_kernel *kernel, duet_error *error)
{
    cl_int code = CL_SUCCESS;
    *kernel = clCreateKernel(program, name, &code);
    if (code == CL_SUCCESS) return DUET_OK;
    *kernel = NULL;
    return duet_cl_fail(error, code, "cannot make the kernel %s", name);
}

duet_status duet_kernel_set(cl_kernel kernel, cl_uint index, size_t bytes, const void *value, duet_error *error)
{
    cl_int code = clSetKernelArg(kernel, index, bytes, value);
    if (code == CL_SUCCESS) return DUET_OK;
    char name[64] = "?";
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    return duet_cl_fail(error, code, "cannot set argument %u (%zu bytes) of the kernel %s", (unsigned)index, bytes,
                        name);
}
