/* SPDX-License-Identifier: MIT */
/* Listing devices without risk to the caller: drivers are loaded in a forked child, and its rows come through a pipe.
 * Where one of them crashes or hangs, they are listed again with one child a driver. */
#define _XOPEN_SOURCE 700 /* for realpath */

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "device/discovery.h"
#include "device/record.h"

/* Several GPUs that have to wake up take ten seconds. */
enum { LONGEST_SECONDS = 30, LAST_SECONDS = 1, SLICE_MILLISECONDS = 200 };

typedef struct row_list {
    duet_found_device *rows;
    size_t count;
    double seconds;   /* the most that a child may take */
    duet_error fault; /* the first that a child told of */
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

/** Reads exactly `count` bytes; false at the end of the pipe or of the time, *late then says which. */
static bool read_all(int pipe_end, void *bytes, size_t count, double until, bool *late)
{
    char *to = bytes;
    while (count > 0) {
        struct pollfd waited = {.fd = pipe_end, .events = POLLIN};
        *late = duet_seconds() > until;
        if (*late) return false;
        if (poll(&waited, 1, SLICE_MILLISECONDS) <= 0) continue;
        ssize_t got = read(pipe_end, to, count);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        to += got;
        count -= (size_t)got;
    }
    return true;
}

/* What a child says ahead of its rows. */
typedef struct listing_head {
    size_t count;
    duet_error error;
} listing_head;

/** The child: never returns. A crash must end it, whatever handlers the caller has; the alarm ends one that hangs and
 *  whose parent is gone. */
static void list_in_child(int pipe_end, const char *vendors, double seconds)
{
    static const int deadly[] = {SIGALRM, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTERM};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
    alarm((unsigned)seconds + LAST_SECONDS + 1);
    if (vendors != NULL && setenv("OCL_ICD_VENDORS", vendors, 1) != 0) _exit(1);
    duet_found_device *found = NULL;
    listing_head head = {0};
    (void)duet_discover(&found, &head.count, &head.error);
    bool written = write_all(pipe_end, &head, sizeof head) && write_all(pipe_end, found, head.count * sizeof *found);
    _exit(written ? 0 : 1);
}

/* How a child's listing ended. */
typedef enum listing_end { LISTED, FAILED, CRASHED, LATE } listing_end;

/** Appends what a child lists: their number, then the rows. Unless all of it came nothing is appended. */
static duet_status receive(int pipe_end, double until, row_list *list, listing_end *end, duet_error *error)
{
    listing_head head;
    bool late = false;
    *end = LISTED;
    bool whole = read_all(pipe_end, &head, sizeof head, until, &late);
    if (whole && head.error.status != DUET_OK) {
        *end = FAILED;
        if (list->fault.status == DUET_OK) list->fault = head.error;
        return DUET_OK;
    }
    if (whole && head.count == 0) return DUET_OK;
    duet_found_device *grown = NULL;
    if (whole && head.count < SIZE_MAX / sizeof *grown - list->count)
        grown = realloc(list->rows, (list->count + head.count) * sizeof *grown);
    if (whole && grown == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "no memory to list devices");
    if (whole) {
        list->rows = grown;
        whole = read_all(pipe_end, grown + list->count, head.count * sizeof *grown, until, &late);
    }
    if (whole)
        list->count += head.count;
    else
        *end = late ? LATE : CRASHED;
    return DUET_OK;
}

/** Ends a child that may hang. One that even SIGKILL does not end, as it waits within the system, is left to it. */
static void end_child(pid_t child)
{
    const double until = duet_seconds() + LAST_SECONDS;
    const struct timespec pause = {.tv_nsec = 1000000};
    (void)kill(child, SIGKILL);
    while (duet_seconds() < until) {
        const pid_t ended = waitpid(child, NULL, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) return;
        (void)nanosleep(&pause, NULL);
    }
}

/** Lists in a child with all drivers, or with those of one folder of vendor files only. A driver may end it in any way,
 *  so what came through the pipe tells, not how it ended. */
static duet_status list_forked(const char *vendors, row_list *list, listing_end *end, duet_error *error)
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
        list_in_child(ends[1], vendors, list->seconds);
    }
    close(ends[1]);
    duet_status status = receive(ends[0], duet_seconds() + list->seconds, list, end, error);
    close(ends[0]);
    end_child(child);
    return status;
}

/** Lists the drivers of one vendor file: through a folder that holds nothing else, as some loaders take only folders.
 */
static duet_status list_alone(const char *vendor_file, row_list *list, listing_end *end, duet_error *error)
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
        snprintf(link, sizeof link, "%s/only.icd", folder);
        if (symlink(target, link) == 0) status = list_forked(folder, list, end, error);
        unlink(link);
        rmdir(folder);
    }
    free(target);
    return status;
}

/** "hang.icd does not answer in 30 s, crash.icd crashes" */
static void blame(duet_text *words, const char *file, listing_end end, double seconds)
{
    const char *slash = strrchr(file, '/');
    if (end == LISTED) return;
    duet_text_add(words, "%s%s ", words->length > 0 ? ", " : "", slash != NULL ? slash + 1 : file);
    if (end == LATE)
        duet_text_add(words, "does not answer in %g s", seconds);
    else
        duet_text_add(words, end == CRASHED ? "crashes" : "fails");
}

/** A row can be used only by a process that loads its driver without the bad ones. */
static void refuse(duet_device_info *info, const char *file, const char *bad)
{
    if (info->refusal[0] == '\0')
        snprintf(info->refusal, sizeof info->refusal,
                 "a program loads all drivers, and %.80s; to use it, set OCL_ICD_VENDORS to a folder with %.80s alone",
                 bad[0] != '\0' ? bad : "together they fail", file);
}

/** One child a driver. */
static duet_status list_one_by_one(row_list *list, duet_error *error)
{
    char pattern[DUET_VENDORS_PATH];
    glob_t files = {0};
    duet_text bad = {0};
    duet_status status = DUET_OK;
    duet_vendors_pattern(pattern);
    const size_t file_count = glob(pattern, 0, NULL, &files) == 0 ? files.gl_pathc : 0;
    size_t *firsts = calloc(file_count + 1, sizeof *firsts);
    if (firsts == NULL) status = duet_fail(error, DUET_ERROR_MEMORY, "no memory to list devices");
    for (size_t i = 0; i < file_count && status == DUET_OK; i++) {
        listing_end end = LISTED;
        firsts[i] = list->count;
        status = list_alone(files.gl_pathv[i], list, &end, error);
        blame(&bad, files.gl_pathv[i], end, list->seconds);
    }
    for (size_t i = 0; i < file_count && status == DUET_OK; i++)
        for (size_t row = firsts[i]; row < (i + 1 < file_count ? firsts[i + 1] : list->count); row++)
            refuse(&list->rows[row].info, files.gl_pathv[i], duet_text_get(&bad));
    globfree(&files);
    free(firsts);
    if (status == DUET_OK && list->count == 0 && list->fault.status != DUET_OK)
        status = duet_fail(error, list->fault.status, "%s", list->fault.message);
    if (status == DUET_OK && list->count == 0)
        status =
            duet_fail(error, DUET_ERROR_NO_DEVICE,
                      "the OpenCL drivers cannot be listed, also one by one: %.400s; remove the broken one from %s",
                      bad.length > 0 ? duet_text_get(&bad) : "they crash", duet_vendors_folder());
    duet_text_free(&bad);
    return status;
}

duet_status duet_device_list(duet_device_info **infos, size_t *count, duet_error *error)
{
    return duet_device_list_within(LONGEST_SECONDS, infos, count, error);
}

duet_status duet_device_list_within(double seconds, duet_device_info **infos, size_t *count, duet_error *error)
{
    *infos = NULL;
    *count = 0;
    row_list list = {.seconds = seconds};
    listing_end end = LISTED;
    duet_status status = list_forked(NULL, &list, &end, error);
    if (status == DUET_OK && end != LISTED) status = list_one_by_one(&list, error);
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
