/* SPDX-License-Identifier: MIT */
/* Listing devices without risk to the caller: drivers are loaded in a forked child, and its rows come through a pipe.
 * Two drivers that crash each other are listed again with one child a driver. */
#define _XOPEN_SOURCE 700 /* for realpath */

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/discovery.h"
#include "device/record.h"

enum { LONGEST_SECONDS = 60 };

typedef struct row_list {
    duet_found_device *rows;
    size_t count;
} row_list;

static bool write_all(int pipe_end, const void *bytes, size_t count)
{
    const char *from = bytes;
    while (count > 0) {
        ssize_t written = write(pipe_end, from, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        from += written;
        count -= (size_t)written;
    }
    return true;
}

/** Reads exactly `count` bytes; false at the end of the pipe. */
static bool read_all(int pipe_end, void *bytes, size_t count)
{
    char *to = bytes;
    while (count > 0) {
        ssize_t got = read(pipe_end, to, count);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        to += got;
        count -= (size_t)got;
    }
    return true;
}

/** The child: never returns. A crash must end it, whatever handlers the caller has; the alarm ends a driver that
 *  hangs. */
static void list_in_child(int pipe_end, const char *vendors)
{
    static const int deadly[] = {SIGALRM, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
    alarm(LONGEST_SECONDS);
    if (vendors != NULL && setenv("OCL_ICD_VENDORS", vendors, 1) != 0) _exit(1);
    duet_found_device *found = NULL;
    size_t count = 0;
    if (duet_discover(&found, &count, NULL) != DUET_OK) _exit(1);
    bool written = write_all(pipe_end, &count, sizeof count) && write_all(pipe_end, found, count * sizeof *found);
    _exit(written ? 0 : 1);
}

/** Appends what a child lists: their number, then the rows. *whole: all of it came; else nothing is appended. */
static duet_status receive(int pipe_end, row_list *list, bool *whole, duet_error *error)
{
    size_t count = 0;
    *whole = read_all(pipe_end, &count, sizeof count);
    if (!*whole || count == 0) return DUET_OK;
    duet_found_device *grown = NULL;
    if (count < SIZE_MAX / sizeof *grown - list->count)
        grown = realloc(list->rows, (list->count + count) * sizeof *grown);
    if (grown == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory to list devices");
    list->rows = grown;
    *whole = read_all(pipe_end, grown + list->count, count * sizeof *grown);
    if (*whole) list->count += count;
    return DUET_OK;
}

/** Lists in a child with all drivers, or with those of one folder of vendor files only. *whole: it listed to the end.
 *  A driver may end it in any way, so what came through the pipe tells, not how it ended. */
static duet_status list_forked(const char *vendors, row_list *list, bool *whole, duet_error *error)
{
    int ends[2];
    if (pipe(ends) != 0)
        return duet_fail(error, DUET_ERROR_DEVICE, "cannot make a pipe to list devices: %s", strerror(errno));
    duet_drivers_lock();
    pid_t child = fork();
    if (child != 0) duet_drivers_unlock();
    if (child < 0) {
        duet_status status =
            duet_fail(error, DUET_ERROR_DEVICE, "cannot start a process to list devices: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return status;
    }
    if (child == 0) {
        close(ends[0]);
        list_in_child(ends[1], vendors);
    }
    close(ends[1]);
    duet_status status = receive(ends[0], list, whole, error);
    close(ends[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
    return status;
}

static const char *vendors_folder(void)
{
    const char *folder = getenv("OCL_ICD_VENDORS");
    return folder != NULL && folder[0] != '\0' ? folder : "/etc/OpenCL/vendors";
}

/** Lists the drivers of one vendor file: through a folder that holds nothing else, as some loaders take only folders.
 */
static duet_status list_alone(const char *vendor_file, row_list *list, duet_error *error)
{
    const char *parent = getenv("TMPDIR");
    char folder[1024], link[1040];
    char *target = realpath(vendor_file, NULL); /* a link from another folder needs the whole path */
    if (target == NULL) return DUET_OK;         /* a link to nothing: loaders skip it too */
    duet_status status = DUET_OK;
    int length = snprintf(folder, sizeof folder, "%s/duet-driver-XXXXXX", parent != NULL && *parent ? parent : "/tmp");
    if (length < 0 || (size_t)length >= sizeof folder || mkdtemp(folder) == NULL) {
        status = duet_fail(error, DUET_ERROR_FILE, "cannot make a temporary folder to list devices (set TMPDIR)");
    } else {
        bool ignored;
        snprintf(link, sizeof link, "%s/only.icd", folder);
        if (symlink(target, link) == 0) status = list_forked(folder, list, &ignored, error);
        unlink(link);
        rmdir(folder);
    }
    free(target);
    return status;
}

/** One child a driver. Together they crash, so a row can be used only by a process that loads its driver alone. */
static duet_status list_one_by_one(row_list *list, duet_error *error)
{
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/*.icd", vendors_folder());
    glob_t files = {0};
    duet_status status = DUET_OK;
    const size_t file_count = glob(pattern, 0, NULL, &files) == 0 ? files.gl_pathc : 0;
    for (size_t i = 0; i < file_count && status == DUET_OK; i++) {
        const char *file = files.gl_pathv[i];
        const size_t before = list->count;
        status = list_alone(file, list, error);
        for (size_t row = before; row < list->count; row++) {
            char *refusal = list->rows[row].info.refusal;
            if (refusal[0] != '\0') continue;
            snprintf(refusal, sizeof list->rows[row].info.refusal,
                     "the installed drivers crash or fail when loaded together; to use it, set OCL_ICD_VENDORS to a "
                     "folder with "
                     "%.128s alone",
                     file);
        }
    }
    globfree(&files);
    if (status == DUET_OK && list->count == 0)
        status = duet_fail(error, DUET_ERROR_NO_DEVICE,
                           "the OpenCL drivers crash or fail while they are listed, also one by one: remove the "
                           "broken one from %s",
                           vendors_folder());
    return status;
}

duet_status duet_device_list(duet_device_info **infos, size_t *count, duet_error *error)
{
    *infos = NULL;
    *count = 0;
    row_list list = {0};
    bool whole = false;
    duet_status status = list_forked(NULL, &list, &whole, error);
    if (status == DUET_OK && !whole) status = list_one_by_one(&list, error);
    if (status == DUET_OK) {
        duet_found_order(list.rows, list.count);
        *infos = calloc(list.count + 1, sizeof **infos);
        if (*infos == NULL) status = duet_fail(error, DUET_ERROR_MEMORY, "no memory to list devices");
    }
    if (status == DUET_OK) {
        for (size_t i = 0; i < list.count; i++) (*infos)[i] = list.rows[i].info;
        *count = list.count;
    }
    free(list.rows);
    return status;
}

void duet_device_list_free(duet_device_info **infos)
{
    free(*infos);
    *infos = NULL;
}
