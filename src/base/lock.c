/* SPDX-License-Identifier: MIT */
/* flock on a file that is removed at the end: whoever got a lock looks whether its file is still the one under that
 * name, and so does whoever removes it, in the folder that it was made in: that may have been moved, and another one
 * made in its place, with a lock that is somebody's. Where the file system has no locks, as some of clusters, the
 * holder's number in it is all there is. */
#define _DEFAULT_SOURCE /* flock */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"

enum { MOST_TRIES = 100 };

static long read_holder(FILE *stream)
{
    char text[32] = "";
    size_t length = fread(text, 1, sizeof text - 1, stream);
    text[length] = '\0';
    long holder = strtol(text, NULL, 10);
    return holder > 0 ? holder : DUET_LOCK_UNKNOWN;
}

bool duet_lock_holder_lives(long holder)
{
    return kill((pid_t)holder, 0) == 0 || errno == EPERM;
}

/* Asks for the lock without waiting. In a container each process may have the number that the last one had. */
static bool is_held(duet_lock *lock, FILE *stream, long *holder)
{
    if (flock(fileno(stream), LOCK_EX | LOCK_NB) == 0) return false;
    const bool locks = errno == EWOULDBLOCK;
    *holder = read_holder(stream);
    lock->doubt = !locks ? DUET_LOCK_BY_NUMBER : duet_file_has_other_names(stream) ? DUET_LOCK_COPIED : DUET_LOCK_SURE;
    return locks || (*holder > 0 && *holder != (long)getpid() && duet_lock_holder_lives(*holder));
}

/* A path as it is said from the folder that it lies in, or from that of the process, where the other may not be read.
 */
static const char *name_in(int folder, const char *path)
{
    const char *slash = folder == AT_FDCWD ? NULL : strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Whether the file is the one under its name in the folder, a descriptor. */
static bool is_still_there(FILE *stream, int folder, const char *path)
{
    struct stat own, named;
    return fstat(fileno(stream), &own) == 0 &&
           fstatat(folder, name_in(folder, path), &named, AT_SYMLINK_NOFOLLOW) == 0 && own.st_ino == named.st_ino &&
           own.st_dev == named.st_dev;
}

static void remove_own(FILE *stream, int folder, const char *path)
{
    if (is_still_there(stream, folder, path)) (void)unlinkat(folder, name_in(folder, path), 0);
}

/* The number is for people; the lock holds without it, say on a full disk. */
static void write_holder(FILE *stream)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bool written = ftruncate(fileno(stream), 0) == 0 && write(fileno(stream), text, (size_t)length) == length;
    (void)written;
}

/* Takes the file that has the name now; NULL in lock->stream: it is held, or went from hand to hand. */
static duet_status take(duet_lock *lock, const char *path, long *holder, duet_error *error)
{
    for (int i = 0; i < MOST_TRIES; i++) {
        FILE *stream = NULL;
        DUET_TRY(duet_file_open_own(path, &stream, error));
        if (is_held(lock, stream, holder)) {
            (void)fclose(stream); /* only read from */
            return DUET_OK;
        }
        if (duet_file_has_other_names(stream)) {
            remove_own(stream, lock->folder, path); /* a new one in its place */
        } else if (is_still_there(stream, lock->folder, path)) {
            lock->stream = stream;
            return DUET_OK;
        }
        (void)fclose(stream);
    }
    *holder = DUET_LOCK_UNKNOWN;
    return DUET_OK;
}

duet_status duet_lock_take(duet_lock *lock, const char *path, long *holder, duet_error *error)
{
    *lock = (duet_lock){.path = strdup(path)};
    *holder = DUET_LOCK_UNKNOWN;
    if (lock->path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for a file name", path);
    const int folder = duet_file_open_folder(path);
    lock->folder = folder < 0 ? AT_FDCWD : folder;
    duet_status status = take(lock, path, holder, error);
    if (lock->stream == NULL) {
        const duet_lock_doubt doubt = lock->doubt;
        duet_lock_release(lock);
        lock->doubt = doubt;
        return status;
    }
    *holder = DUET_LOCK_FREE;
    write_holder(lock->stream);
    return DUET_OK;
}

bool duet_lock_has_place(const duet_lock *lock)
{
    return lock->stream != NULL && is_still_there(lock->stream, AT_FDCWD, lock->path);
}

void duet_lock_release(duet_lock *lock)
{
    if (lock->stream != NULL) {
        remove_own(lock->stream, lock->folder, lock->path);
        (void)fclose(lock->stream);
    }
    if (lock->path != NULL && lock->folder >= 0) (void)close(lock->folder);
    free(lock->path);
    *lock = (duet_lock){NULL};
}
