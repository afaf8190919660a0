/* SPDX-License-Identifier: MIT */
/* Programs: built once, kept by file and options. A build runs on a thread of its own, so that the caller's thread can
 * say what it waits for when the driver's compiler takes long. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "device/discovery.h"
#include "device/record.h"

/* No option that changes what a NaN or an infinity does: the training loop must see them. No warnings, which drivers
 * print past us, such as of vectors wider than the processor's: tests compile the kernels with all of them. */
#define COMMON_OPTIONS "-cl-std=CL1.2 -w "

enum { LOG_EXCERPT = 640 };

const char *duet_cl_options(void)
{
    const char *options = getenv("DUET_CL_OPTIONS");
    return options != NULL ? options : "";
}

/* Some drivers read the word behind it all the same, and end the process. */
static duet_status check_options(const char *options, duet_error *error)
{
    static const char blanks[] = " \t\n";
    size_t end = strlen(options), begin;
    while (end > 0 && strchr(blanks, options[end - 1]) != NULL) end--;
    for (begin = end; begin > 0 && strchr(blanks, options[begin - 1]) == NULL;) begin--;
    const char *last = options + begin;
    if (end - begin != 2 || (strncmp(last, "-D", 2) != 0 && strncmp(last, "-I", 2) != 0)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "DUET_CL_OPTIONS=\"%s\" ends in %.2s, which wants a word behind it",
                     options, last);
}

static const double announce_seconds = 0.3, remind_seconds = 10; /* after twice as long again, and so on */

typedef struct build {
    cl_program program;
    cl_device_id id;
    const char *options;
    cl_int code;
    bool done;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
} build;

/* A failure may pass: processes that fill one cold cache of kernels take PoCL's files away from each other. */
static cl_int build_twice(cl_program program, cl_device_id id, const char *options)
{
    cl_int code = clBuildProgram(program, 1, &id, options, NULL, NULL);
    return code == CL_BUILD_PROGRAM_FAILURE ? clBuildProgram(program, 1, &id, options, NULL, NULL) : code;
}

static void *run_build(void *argument)
{
    build *b = argument;
    cl_int code = build_twice(b->program, b->id, b->options);
    pthread_mutex_lock(&b->mutex);
    b->code = code;
    b->done = true;
    pthread_cond_signal(&b->ended);
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

/** Whether the build ended within that many seconds. */
static bool ends_within(build *b, double seconds)
{
    struct timespec until = {0};
    clock_gettime(CLOCK_REALTIME, &until);
    const double nanoseconds = (double)until.tv_nsec + 1e9 * seconds;
    until.tv_sec += (time_t)(nanoseconds / 1e9);
    until.tv_nsec = (long)fmod(nanoseconds, 1e9);
    pthread_mutex_lock(&b->mutex);
    int waited = 0;
    while (!b->done && waited == 0) waited = pthread_cond_timedwait(&b->ended, &b->mutex, &until);
    const bool done = b->done;
    pthread_mutex_unlock(&b->mutex);
    return done;
}

/** Once for what the name names: a file may be built several times, with other options, and a plan may have several
 *  programs, "elbo (1 of 2)". */
static void announce(duet_device *device, const char *name)
{
    char whole[sizeof device->announced];
    const char *part = strstr(name, " (");
    snprintf(whole, sizeof whole, "%.*s", part != NULL ? (int)(part - name) : (int)strlen(name), name);
    if (strcmp(device->announced, whole) == 0) return;
    memcpy(device->announced, whole, sizeof whole);
    duet_device_say(device, "compiling the kernels of %s for %s ...", whole, device->info.name);
}

static cl_int build_announced(duet_device *device, const char *name, cl_program program, const char *options)
{
    build b = {.program = program, .id = device->id, .options = options};
    if (device->log == NULL) return build_twice(program, b.id, options);
    pthread_t thread;
    pthread_mutex_init(&b.mutex, NULL);
    pthread_cond_init(&b.ended, NULL);
    if (pthread_create(&thread, NULL, run_build, &b) != 0) {
        announce(device, name);
        run_build(&b);
    } else {
        if (!ends_within(&b, announce_seconds)) announce(device, name);
        for (double passed = 0, more = remind_seconds; !ends_within(&b, more); more = passed) {
            passed += more;
            duet_device_say(device, "the compiler of %s is still at the kernels of %s after %.0f s", device->info.name,
                            name, passed);
        }
        pthread_join(thread, NULL);
    }
    pthread_cond_destroy(&b.ended);
    pthread_mutex_destroy(&b.mutex);
    return b.code;
}

/** The compiler's words. The caller frees them; NULL: there are none. */
static char *build_log(const duet_device *device, cl_program program)
{
    size_t bytes = 0;
    clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    char *log = bytes > 1 ? calloc(bytes + 1, 1) : NULL;
    if (log != NULL) clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    for (size_t length = log != NULL ? strlen(log) : 0; length > 0 && isspace((unsigned char)log[length - 1]);)
        log[--length] = '\0';
    if (log != NULL && log[0] != '\0') return log;
    free(log);
    return NULL;
}

/** Whether not even this compiles, so that the fault is the driver's and of no kernel. */
static bool nothing_compiles(const duet_device *device)
{
    static const char *nothing = "kernel void nothing(global int *at)\n{\n    *at = 0;\n}\n";
    cl_int code = CL_SUCCESS;
    cl_program program = clCreateProgramWithSource(device->context, 1, &nothing, NULL, &code);
    if (code != CL_SUCCESS) return false;
    code = clBuildProgram(program, 1, &device->id, COMMON_OPTIONS, NULL, NULL);
    clReleaseProgram(program);
    return code == CL_BUILD_PROGRAM_FAILURE || code == CL_COMPILER_NOT_AVAILABLE;
}

/** All that the compiler said, behind the text that it had; where $DUET_CL_LOG names a file. Returns where it is. */
static const char *keep_log(const char *source, const char *log)
{
    static const char hint[] = "; DUET_CL_LOG=FILE keeps all of it";
    const char *path = getenv("DUET_CL_LOG");
    duet_text whole = {0};
    if (path == NULL || path[0] == '\0') return log != NULL && strlen(log) > LOG_EXCERPT ? hint : "";
    duet_text_add(&whole, "%s\n/* its compiler says:\n%s\n*/\n", source, log != NULL ? log : "(nothing)");
    const bool kept = !whole.failed && duet_file_replace(path, whole.data, whole.length, NULL) == DUET_OK;
    duet_text_free(&whole);
    return kept ? "; the whole is in the file that DUET_CL_LOG names"
                : "; the file that DUET_CL_LOG names cannot be written";
}

static duet_status fail_with_log(duet_device *device, const char *name, const char *source, cl_program program,
                                 cl_int code, duet_error *error)
{
    char *log = build_log(device, program);
    const char *words = log != NULL ? log : "(nothing)", *place = keep_log(source, log), *more = duet_cl_options();
    duet_text causes = {0}, replaced = {0};
    duet_status status;
    duet_cl_source_name(&replaced);
    if (code == CL_BUILD_PROGRAM_FAILURE || code == CL_COMPILER_NOT_AVAILABLE)
        device->cannot_compile = device->cannot_compile || nothing_compiles(device);
    if (device->cannot_compile) duet_look_for_causes(&causes);
    if (device->cannot_compile)
        status = duet_fail(error, DUET_ERROR_NO_DEVICE,
                           "the driver of %s (%s %s) cannot compile anything, not even an empty kernel%s. Its compiler "
                           "says: %.*s%s",
                           device->info.name, device->info.platform, device->info.driver,
                           causes.length > 0 ? duet_text_get(&causes)
                                             : ": it may be too old for this processor, or its files are not all here",
                           LOG_EXCERPT / 2, words, place);
    else
        status = duet_cl_fail(error, code, "%s does not compile on %s%s%s%.128s. Its compiler says: %.*s%s", name,
                              device->info.name, duet_text_get(&replaced),
                              more[0] != '\0' ? " with DUET_CL_OPTIONS=" : "", more, LOG_EXCERPT, words, place);
    duet_text_free(&causes);
    duet_text_free(&replaced);
    free(log);
    return status;
}

duet_status duet_program_build(duet_device *device, const char *name, const char *source, const char *options,
                               cl_program *program, duet_error *error)
{
    *program = NULL;
    if (device->log != NULL && !device->said_sources) {
        device->said_sources = true;
        duet_cl_source_say(device);
        duet_bundles_say(device);
    }
    const char *own = options != NULL ? options : "", *more = duet_cl_options();
    DUET_TRY(check_options(more, error));
    const size_t length = strlen(COMMON_OPTIONS) + strlen(own) + strlen(more) + 2;
    char *all_options = malloc(length);
    if (all_options == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory to build %s", name);
    snprintf(all_options, length, "%s%s%s%s", COMMON_OPTIONS, own, more[0] != '\0' ? " " : "", more);

    if (device->paper.row != NULL) {
        duet_status written = duet_paper_write(&device->paper, name, source, all_options, program, error);
        free(all_options);
        return written;
    }
    duet_status status = DUET_OK;
    cl_int code = CL_SUCCESS;
    cl_program made = clCreateProgramWithSource(device->context, 1, &source, NULL, &code);
    if (code != CL_SUCCESS) {
        status = duet_cl_fail(error, code, "cannot make the program %s on %s", name, device->info.name);
    } else {
        code = build_announced(device, name, made, all_options);
        if (code != CL_SUCCESS) {
            status = fail_with_log(device, name, source, made, code, error);
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
    if (*program != NULL && !duet_is_paper(*program)) clReleaseProgram(*program);
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

static bool is_of_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether a text has the word by itself. */
static bool has_word(const char *text, const char *word)
{
    const size_t length = strlen(word);
    const char *at = text;
    while ((at = strstr(at, word)) != NULL) {
        if ((at == text || !is_of_word(at[-1])) && !is_of_word(at[length])) return true;
        at++;
    }
    return false;
}

/* Whether the program's text does. */
static bool has_kernel(cl_program program, const char *name)
{
    size_t bytes = 0;
    clGetProgramInfo(program, CL_PROGRAM_SOURCE, 0, NULL, &bytes);
    char *text = calloc(bytes + 1, 1);
    const bool found = text != NULL && clGetProgramInfo(program, CL_PROGRAM_SOURCE, bytes, text, NULL) == CL_SUCCESS &&
                       has_word(text, name);
    free(text);
    return found;
}

/* A kernel that the text has and the driver's program has not was lost where the driver keeps what it compiled. */
static duet_status fail_of_cache(const char *name, duet_error *error)
{
    char folder[1024];
    duet_cache_folder(folder);
    return duet_fail(
        error, DUET_ERROR_DEVICE,
        "the driver has lost the kernel %s, which it was given: what it keeps of kernels that it has "
        "compiled is damaged, as after a power cut or on a full disk; remove that, which it makes again%s%s",
        name, folder[0] != '\0' ? "; PoCL keeps it in " : "", folder);
}

duet_status duet_kernel_new(cl_program program, const char *name, cl_kernel *kernel, duet_error *error)
{
    cl_int code = CL_SUCCESS;
    *kernel = duet_is_paper(program) ? duet_paper_kernel(program) : clCreateKernel(program, name, &code);
    if (code == CL_SUCCESS) return DUET_OK;
    *kernel = NULL;
    return code == CL_INVALID_KERNEL_NAME && has_kernel(program, name)
               ? fail_of_cache(name, error)
               : duet_cl_fail(error, code, "cannot make the kernel %s", name);
}

duet_status duet_kernel_arguments(cl_kernel kernel, size_t *count, duet_error *error)
{
    cl_uint arguments = 0;
    const cl_int code = clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof arguments, &arguments, NULL);
    *count = arguments;
    if (code == CL_SUCCESS) return DUET_OK;
    return duet_cl_fail(error, code, "cannot ask how many parameters a kernel has");
}

duet_status duet_kernel_set(cl_kernel kernel, cl_uint index, size_t bytes, const void *value, duet_error *error)
{
    cl_int code = duet_is_paper(kernel) ? CL_SUCCESS : clSetKernelArg(kernel, index, bytes, value);
    if (code == CL_SUCCESS) return DUET_OK;
    char name[64] = "?";
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    return duet_cl_fail(error, code, "cannot set argument %u (%zu bytes) of the kernel %s", (unsigned)index, bytes,
                        name);
}
