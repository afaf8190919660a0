/* SPDX-License-Identifier: MIT */
/* Asking the drivers of this process which devices they have. A driver that answers badly costs its own rows only. */
#include "device/discovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/text.h"
#include "device/record.h"

/** A text of the driver, fit to be printed and written as JSON. */
static void ask_text(cl_device_id id, cl_device_info what, char *text, size_t capacity)
{
    text[0] = '\0';
    size_t bytes = 0;
    if (clGetDeviceInfo(id, what, 0, NULL, &bytes) != CL_SUCCESS || bytes == 0) return;
    char *whole = calloc(bytes + 1, 1);
    if (whole == NULL) return;
    if (clGetDeviceInfo(id, what, bytes, whole, NULL) == CL_SUCCESS) duet_text_clean(whole, text, capacity);
    free(whole);
}

static void ask_platform_name(cl_platform_id platform, char *text, size_t capacity)
{
    char whole[1024] = "";
    if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof whole - 1, whole, NULL) == CL_SUCCESS)
        duet_text_clean(whole, text, capacity);
}

/* A driver asked for what decides how kernels are built. A question without an answer is kept: to go on with a zero
 * in its place would be another computation. */
typedef struct inquiry {
    cl_device_id id;
    const char *unanswered; /* the first such question, or NULL */
} inquiry;

static void ask(inquiry *it, cl_device_info what, const char *question, size_t bytes, void *answer)
{
    if (clGetDeviceInfo(it->id, what, bytes, answer, NULL) != CL_SUCCESS && it->unanswered == NULL)
        it->unanswered = question;
}

static uint32_t ask_count(inquiry *it, cl_device_info what, const char *question)
{
    cl_uint answer = 0;
    ask(it, what, question, sizeof answer, &answer);
    return answer;
}

static uint64_t ask_bytes(inquiry *it, cl_device_info what, const char *question)
{
    cl_ulong answer = 0;
    ask(it, what, question, sizeof answer, &answer);
    return answer;
}

static bool ask_flag(inquiry *it, cl_device_info what, const char *question)
{
    cl_bool answer = CL_FALSE;
    ask(it, what, question, sizeof answer, &answer);
    return answer == CL_TRUE;
}

/** What nothing but words and orders depend on; 0 where the driver does not answer. */
static cl_uint ask_optional(cl_device_id id, cl_device_info what)
{
    cl_uint answer = 0;
    return clGetDeviceInfo(id, what, sizeof answer, &answer, NULL) == CL_SUCCESS ? answer : 0;
}

static duet_device_kind kind_of(inquiry *it, cl_device_type type)
{
    if (type & CL_DEVICE_TYPE_GPU)
        return ask_flag(it, CL_DEVICE_HOST_UNIFIED_MEMORY, "whether its memory is the host's") ? DUET_DEVICE_INTEGRATED
                                                                                               : DUET_DEVICE_GPU;
    return type & CL_DEVICE_TYPE_CPU ? DUET_DEVICE_CPU : DUET_DEVICE_ACCELERATOR;
}

static const char *refusal_of(inquiry *it, cl_device_type type, const duet_device_info *info)
{
    int major = 0, minor = 0;
    if (info->version[0] == '\0') return "its driver does not say what it is";
    if (!ask_flag(it, CL_DEVICE_AVAILABLE, "whether it is available"))
        return "its driver says that it is not available now";
    if (type & CL_DEVICE_TYPE_CUSTOM) return "it runs fixed functions only, no kernels";
    if (!ask_flag(it, CL_DEVICE_COMPILER_AVAILABLE, "whether it has a compiler"))
        return "it cannot compile kernels at run time (its driver has an offline compiler only)";
    if (sscanf(info->version, "OpenCL %d.%d", &major, &minor) != 2 || major < 1 || (major == 1 && minor < 2))
        return "it is older than OpenCL 1.2";
    return "";
}

/* In one step, so that neither cuts the other. Others may begin as long options do: their checksum stands for them. */
void duet_driver_note(char driver[DUET_DRIVER_SIZE], const char *kernels, const char *options)
{
    enum { MOST = 64 };
    char text[DUET_DRIVER_SIZE] = "", sum[DUET_CHECKSUM_SIZE];
    size_t length = strlen(driver), added = 0;
    if (kernels[0] != '\0') added = (size_t)snprintf(text, sizeof text, " with kernels %s", kernels);
    const size_t whole = length + added + strlen(" with ") + strlen(options);
    const bool fits = strlen(options) <= MOST && whole < DUET_DRIVER_SIZE;
    duet_checksum_text(duet_checksum_add(DUET_CHECKSUM_BEGIN, options, strlen(options)), sum);
    if (options[0] != '\0')
        added += (size_t)snprintf(text + added, sizeof text - added, " with %s%s", fits ? "" : "options ",
                                  fits ? options : sum);
    if (length > DUET_DRIVER_SIZE - 1 - added) length = DUET_DRIVER_SIZE - 1 - added;
    memcpy(driver + length, text, added + 1);
}

/* With other options or other kernels the driver is another one: to runs, tuning files, evaluations and benchmarks that
 * record it. */
static void note_options(duet_device_info *info)
{
    char replaced[24];
    duet_driver_note(info->driver, duet_kernels_replaced(replaced), duet_cl_options());
}

void duet_device_ask(cl_device_id id, duet_device_info *info)
{
    *info = (duet_device_info){0};
    inquiry it = {.id = id};
    cl_device_type type = 0;
    ask(&it, CL_DEVICE_TYPE, "its type", sizeof type, &type);
    ask_text(id, CL_DEVICE_NAME, info->name, sizeof info->name);
    if (info->name[0] == '\0') snprintf(info->name, sizeof info->name, "(no name)");
    ask_text(id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    ask_text(id, CL_DEVICE_VERSION, info->version, sizeof info->version);
    ask_text(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    note_options(info);
    ask_text(id, CL_DEVICE_EXTENSIONS, info->extensions, sizeof info->extensions);
    if (info->extensions[0] == '\0' && it.unanswered == NULL) it.unanswered = "its extensions"; /* each has some */
    cl_platform_id platform = NULL;
    if (clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) == CL_SUCCESS)
        ask_platform_name(platform, info->platform, sizeof info->platform);
    info->kind = kind_of(&it, type);
    info->clock_mhz = ask_optional(id, CL_DEVICE_MAX_CLOCK_FREQUENCY);
    info->compute_units = ask_count(&it, CL_DEVICE_MAX_COMPUTE_UNITS, "how many compute units it has");
    info->vector_width = ask_count(&it, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, "how wide its vectors are");
    info->memory_bytes = ask_bytes(&it, CL_DEVICE_GLOBAL_MEM_SIZE, "how much memory it has");
    info->allocation_bytes = ask_bytes(&it, CL_DEVICE_MAX_MEM_ALLOC_SIZE, "how large a buffer may be");
    info->local_bytes = ask_bytes(&it, CL_DEVICE_LOCAL_MEM_SIZE, "how much local memory it has");
    ask(&it, CL_DEVICE_MAX_WORK_GROUP_SIZE, "how large a work-group may be", sizeof info->work_group_size,
        &info->work_group_size);
    info->base_alignment = ask_count(&it, CL_DEVICE_MEM_BASE_ADDR_ALIGN, "how buffers are aligned") / 8;
    snprintf(info->refusal, sizeof info->refusal, "%s", refusal_of(&it, type, info));
    if (info->refusal[0] == '\0' && it.unanswered != NULL)
        snprintf(info->refusal, sizeof info->refusal, "its driver does not say %s", it.unanswered);
}

static bool is_mesa(cl_platform_id platform)
{
    char vendor[128] = "";
    return clGetPlatformInfo(platform, CL_PLATFORM_VENDOR, sizeof vendor, vendor, NULL) == CL_SUCCESS &&
           strncmp(vendor, "Mesa", 4) == 0;
}

/** Notes why a platform adds nothing, unless that is for want of a device. */
static void note_fault(cl_platform_id platform, cl_int code, duet_error *fault)
{
    char name[128] = "(no name)";
    if (code == CL_SUCCESS || code == CL_DEVICE_NOT_FOUND) return;
    ask_platform_name(platform, name, sizeof name);
    duet_cl_fail(fault, code, "the OpenCL driver %s cannot list its devices", name);
}

/** Appends one platform's devices to *found. A platform that has none, or that fails, adds nothing: *fault has the
 *  first failure. */
static duet_status add_platform(cl_platform_id platform, duet_found_device **found, size_t *count, duet_error *fault,
                                duet_error *error)
{
    cl_uint devices = 0;
    cl_device_type types = CL_DEVICE_TYPE_ALL | CL_DEVICE_TYPE_CUSTOM;
    cl_int code = clGetDeviceIDs(platform, types, 0, NULL, &devices);
    if (code != CL_SUCCESS) {
        types = CL_DEVICE_TYPE_ALL;
        code = clGetDeviceIDs(platform, types, 0, NULL, &devices);
    }
    note_fault(platform, code, fault);
    if (code != CL_SUCCESS || devices == 0) return DUET_OK;
    cl_device_id *ids = calloc(devices, sizeof *ids);
    duet_found_device *grown = realloc(*found, (*count + devices) * sizeof *grown);
    if (grown != NULL) *found = grown;
    if (ids == NULL || grown == NULL) {
        free(ids);
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory to list %u devices", (unsigned)devices);
    }
    code = clGetDeviceIDs(platform, types, devices, ids, NULL);
    note_fault(platform, code, fault);
    if (code == CL_SUCCESS) {
        const bool mesa = is_mesa(platform);
        for (cl_uint i = 0; i < devices; i++) {
            duet_found_device *row = &grown[(*count)++];
            *row = (duet_found_device){.platform = platform, .id = ids[i], .mesa = mesa};
            duet_device_ask(ids[i], &row->info);
            row->vendor_id = ask_optional(ids[i], CL_DEVICE_VENDOR_ID);
        }
    }
    free(ids);
    return DUET_OK;
}

duet_status duet_discover(duet_found_device **found, size_t *count, duet_error *error)
{
    *found = NULL;
    *count = 0;
    enum { PLATFORM_NOT_FOUND = -1001 }; /* how the loader says that the list is empty: a code of an extension */
    cl_uint platforms = 0;
    duet_error fault = {0};
    cl_int code = clGetPlatformIDs(0, NULL, &platforms);
    if (code != CL_SUCCESS && code != PLATFORM_NOT_FOUND)
        return duet_cl_fail(error, code, "cannot list OpenCL platforms");
    if (code != CL_SUCCESS || platforms == 0) return DUET_OK;
    cl_platform_id *ids = calloc(platforms, sizeof *ids);
    if (ids == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory to list %u platforms", (unsigned)platforms);
    code = clGetPlatformIDs(platforms, ids, NULL);
    duet_status status = code == CL_SUCCESS ? DUET_OK : duet_cl_fail(error, code, "cannot list OpenCL platforms");
    for (cl_uint i = 0; i < platforms && status == DUET_OK; i++)
        status = add_platform(ids[i], found, count, &fault, error);
    free(ids);
    if (status == DUET_OK && *count == 0 && fault.status != DUET_OK)
        status = duet_fail(error, fault.status, "%s", fault.message);
    if (status != DUET_OK) {
        free(*found);
        *found = NULL;
        *count = 0;
        return status;
    }
    duet_found_order(*found, *count);
    return DUET_OK;
}
