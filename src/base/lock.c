/* SPDX-License-Identifier: MIT */
/* flock on a file that is removed at the end: whoever got a lock looks whether its file is still the one under that
 * name. Where the file system has no locks, as some of clusters, the holder's number in it is all there is. */
#define _DEFAULT_SOURCE /* flock */
#include "base/lock.h"

#include <errno.h>
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

static bool is_still_there(FILE *stream, const char *path)
{
    struct stat own, named;
    return fstat(fileno(stream), &own) == 0 && lstat(path, &named) == 0 && own.st_ino == named.st_ino &&
           own.st_dev == named.st_dev;
}

/* The number is for people; the lock holds without it, say on a full disk. */
static void write_holder(FILE *stream)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bool written = ftruncate(fileno(stream), 0) == 0 && write(fileno(stream), text, (size_t)length) == length;
    (void)written;
}

duet_status duet_lock_take(duet_lock *lock, const char *path, long *holder, duet_error *error)
{
    FILE *stream = NULL;
    *lock = (duet_lock){NULL};
    *holder = DUET_LOCK_UNKNOWN;
    for (int i = 0; i < MOST_TRIES; i++) {
        DUET_TRY(duet_file_open_own(path, &stream, error));
        if (is_held(lock, stream, holder)) {
            (void)fclose(stream); /* only read from */
            return DUET_OK;
        }
        if (duet_file_has_other_names(stream))
            (void)unlink(path); /* a new one in its place */
        else if (is_still_there(stream, path))
            break;
        (void)fclose(stream);
        stream = NULL;
    }
    if (stream == NULL) {
        *holder = DUET_LOCK_UNKNOWN;
        return DUET_OK;
    }
    lock->path = strdup(path);
    if (lock->path == NULL) {
        (void)fclose(stream);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for a file name", path);
    }
    lock->stream = stream;
    *holder = DUET_LOCK_FREE;
    write_holder(stream);
    return DUET_OK;
}

void duet_lock_release(duet_lock *lock)
{
    if (lock->stream != NULL) {
        (void)unlink(lock->path);
        (void)fclose(lock->stream);
    }
    free(lock->path);
    *lock = (duet_lock){NULL};
}
