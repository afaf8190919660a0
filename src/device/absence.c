/* SPDX-License-Identifier: MIT */
/* Why there is no device: no driver at all, drivers that cannot be loaded, or drivers that show none. The last two have
 * causes that can be looked for: a folder for compiled kernels that cannot be written, a device file of another group,
 * limits on files and memory. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "device/discovery.h"

static const char advice[] =
    "install a driver (on Debian and Ubuntu pocl-opencl-icd runs on any processor; a GPU needs "
    "its vendor's package)";

const char *duet_vendors_folder(void)
{
    const char *folder = getenv("OCL_ICD_VENDORS");
    return folder != NULL && folder[0] != '\0' ? folder : "/etc/OpenCL/vendors";
}

void duet_vendors_pattern(char pattern[DUET_VENDORS_PATH])
{
    const char *folder = duet_vendors_folder();
    const size_t length = strlen(folder);
    const bool file = length > 4 && strcmp(folder + length - 4, ".icd") == 0; /* loaders take one file too */
    snprintf(pattern, DUET_VENDORS_PATH, "%s%s", folder, file ? "" : "/*.icd");
}

/** "a.icd, b.icd": the files that name drivers. */
static size_t list_vendors(duet_text *names)
{
    char pattern[DUET_VENDORS_PATH];
    glob_t files = {0};
    duet_vendors_pattern(pattern);
    const size_t count = glob(pattern, 0, NULL, &files) == 0 ? files.gl_pathc : 0;
    for (size_t i = 0; i < count; i++) {
        const char *slash = strrchr(files.gl_pathv[i], '/');
        duet_text_add(names, "%s%s", i == 0 ? "" : ", ", slash != NULL ? slash + 1 : files.gl_pathv[i]);
    }
    globfree(&files);
    return count;
}

/* Whether a file of some size can be made in the folder, which quotas and full disks forbid to all. */
static const char *try_writing(const char *folder)
{
    static const char some[1 << 15];
    char path[1100];
    (void)snprintf(path, sizeof path, "%s/duet-XXXXXX", folder);
    int descriptor = mkstemp(path), fault = descriptor < 0 ? errno : 0;
    errno = ENOSPC; /* of a write that is short */
    if (fault == 0 && write(descriptor, some, sizeof some) != (ssize_t)sizeof some) fault = errno;
    if (descriptor >= 0) {
        (void)close(descriptor);
        (void)unlink(path);
    }
    return fault != 0 ? strerror(fault) : NULL;
}

/* Why no files can be made in the folder, or it cannot be made where it is not there yet: of the first folder above it
 * that is in the way, *length being its name's, or of the last one that is there. NULL: they can. */
static const char *fault_of(const char *path, size_t *length)
{
    char folder[1024];
    struct stat about;
    size_t there = 0;
    for (size_t end = path[0] == '/' ? 1 : strcspn(path, "/"); there < end;
         end = there + 1 + strcspn(path + there + 1, "/")) {
        (void)snprintf(folder, sizeof folder, "%.*s", (int)end, path);
        *length = end;
        if (lstat(folder, &about) != 0 && errno == ENOENT) break;
        if (stat(folder, &about) != 0) return errno == ENOENT ? "it is a link that leads nowhere" : strerror(errno);
        if (!S_ISDIR(about.st_mode)) return strerror(ENOTDIR);
        there = end;
        if (path[end] == '\0') break;
    }
    *length = there > 0 ? there : strlen(path); /* of a path from here nothing is there yet */
    (void)snprintf(folder, sizeof folder, "%.*s", (int)there, path);
    return try_writing(there > 0 ? folder : ".");
}

/* The first variable that is set counts. */
static const struct {
    const char *variable, *inner, *below; /* below: where PoCL makes its folder */
} places[] = {{"POCL_CACHE_DIR", "", ""}, {"XDG_CACHE_HOME", "", "/pocl/kcache"}, {"HOME", "/.cache", "/pocl/kcache"}};

void duet_cache_folder(char folder[1024])
{
    struct stat about;
    const char *value = NULL;
    size_t i = 0;
    while (i < sizeof places / sizeof *places && ((value = getenv(places[i].variable)) == NULL || value[0] == '\0'))
        i++;
    folder[0] = '\0';
    if (i == sizeof places / sizeof *places) return;
    const int length = snprintf(folder, 1024, "%s%s%s", value, places[i].inner, places[i].below);
    if (length < 0 || length >= 1024 || stat(folder, &about) != 0) folder[0] = '\0';
}

static void look_for_cache(duet_text *words)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[1024];
        const char *value = getenv(places[i].variable);
        size_t own, length;
        if (value == NULL || value[0] == '\0') continue;
        own = strlen(value) + strlen(places[i].inner);
        if ((size_t)snprintf(path, sizeof path, "%s%s%s", value, places[i].inner, places[i].below) < sizeof path) {
            const char *fault = fault_of(path, &length);
            /* PoCL has a variable for its own folder, and all have one that leaves HOME as it is */
            const char *variable = places[i == 0 || length > own ? 0 : 1].variable;
            if (fault != NULL)
                duet_text_add(words,
                              "; it keeps compiled kernels in a folder, and %.*s, from the variable %s, cannot be "
                              "written (%s): set %s to a folder of yours with some room",
                              (int)length, path, places[i].variable, fault, variable);
        }
        return; /* the first that is set counts */
    }
}

/* What a driver that is loaded, with its compiler, takes at least. */
enum { LEAST_FILES = 16, LEAST_MEBIBYTES = 1024 };

static bool look_for_limits(duet_text *words)
{
    struct rlimit limit = {0};
    int files[LEAST_FILES], count = 0, code = 0;
    while (count < LEAST_FILES && (files[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) count++;
    if (count < LEAST_FILES) code = errno;
    for (int i = 0; i < count; i++) (void)close(files[i]); /* only looked at */
    const bool few = code == EMFILE || code == ENFILE;
    if (few)
        duet_text_add(
            words,
            "; only %d more file(s) may be opened, of which a driver and its compiler need some dozens: raise "
            "the limit (ulimit -n 1024)",
            count);
    const bool narrow = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur >> 20 < LEAST_MEBIBYTES;
    if (narrow)
        duet_text_add(words,
                      "; only %llu MiB of address space may be used, of which a driver and its compiler need 1 GiB or "
                      "more: raise the limit (ulimit -v unlimited)",
                      (unsigned long long)limit.rlim_cur >> 20);
    return few || narrow;
}

void duet_look_for_causes(duet_text *words)
{
    if (!look_for_limits(words)) look_for_cache(words); /* a folder cannot be tried where no file can be opened */
}

/* Variables by which drivers are told to show only some of their devices. */
static void look_for_choices(duet_text *words)
{
    static const char *const variables[] = {"POCL_DEVICES", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                            "GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL)
            duet_text_add(words, "; %s=%.100s chooses among devices, and perhaps none: unset it, or set it otherwise",
                          variables[i], value);
    }
}

static void look_for_files(duet_text *words)
{
    static const char *const patterns[] = {"/dev/dri/renderD*", "/dev/kfd", "/dev/nvidiactl"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        glob_t files = {0};
        if (glob(patterns[i], 0, NULL, &files) == 0 && access(files.gl_pathv[0], R_OK | W_OK) != 0)
            duet_text_add(words, "; there is a GPU, and this user may not open %s: join the group that owns it",
                          files.gl_pathv[0]);
        globfree(&files);
    }
}

static duet_status fail_with_drivers(cl_uint count, duet_error *error)
{
    cl_platform_id ids[16];
    duet_text words = {0};
    if (count > 16) count = 16;
    if (clGetPlatformIDs(count, ids, NULL) != CL_SUCCESS) count = 0;
    for (cl_uint i = 0; i < count; i++) {
        char whole[256] = "", name[128] = "(no name)";
        if (clGetPlatformInfo(ids[i], CL_PLATFORM_NAME, sizeof whole - 1, whole, NULL) == CL_SUCCESS)
            duet_text_clean(whole, name, sizeof name);
        duet_text_add(&words, "%s%s", i == 0 ? "" : ", ", name);
    }
    duet_look_for_causes(&words);
    look_for_choices(&words);
    look_for_files(&words);
    duet_status status = duet_fail(error, DUET_ERROR_NO_DEVICE, "the OpenCL driver is here and shows no device: %s",
                                   duet_text_get(&words));
    duet_text_free(&words);
    return status;
}

duet_status duet_device_absent(duet_error *error)
{
    cl_uint platforms = 0;
    duet_text names = {0}, limits = {0};
    duet_status status;
    if (clGetPlatformIDs(0, NULL, &platforms) == CL_SUCCESS && platforms > 0)
        return fail_with_drivers(platforms, error);
    const bool limited = look_for_limits(&limits);
    if (list_vendors(&names) > 0)
        status =
            duet_fail(error, DUET_ERROR_NO_DEVICE, "no OpenCL driver can be loaded, though %s names some (%.300s)%s",
                      duet_vendors_folder(), duet_text_get(&names),
                      limited ? duet_text_get(&limits)
                              : ": each file there says which library it needs; install its package again");
    else if (limited)
        status = duet_fail(error, DUET_ERROR_NO_DEVICE, "no OpenCL device found%s", duet_text_get(&limits));
    else if (getenv("OCL_ICD_VENDORS") != NULL)
        status = duet_fail(error, DUET_ERROR_NO_DEVICE,
                           "no OpenCL device found: OCL_ICD_VENDORS=%.300s names no driver; unset it or %s",
                           duet_vendors_folder(), advice);
    else
        status = duet_fail(error, DUET_ERROR_NO_DEVICE, "no OpenCL device found: %s", advice);
    duet_text_free(&names);
    duet_text_free(&limits);
    return status;
}
