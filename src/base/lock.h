/* SPDX-License-Identifier: MIT */
/* A lock that one process at a time holds: a file with the holder's number in it. The system lets go of it when its
 * holder ends, however that ends. */
#ifndef DUET_SRC_BASE_LOCK_H
#define DUET_SRC_BASE_LOCK_H

#include <stdio.h>

#include "duet/base.h"

/** Why a lock that is refused may be nobody's: the file system has no locks, and the number of a process that is there
 *  is all that is known; or the file is the same as another lock's, whose folder was copied by hard links. */
typedef enum duet_lock_doubt { DUET_LOCK_SURE, DUET_LOCK_BY_NUMBER, DUET_LOCK_COPIED } duet_lock_doubt;

/** Zero it before the first use. */
typedef struct duet_lock {
    FILE *stream; /* NULL: not held */
    char *path;
    int folder; /* a descriptor of the folder that the file lies in, wherever that is moved; AT_FDCWD: of none */
    duet_lock_doubt doubt; /* of one that was not to be had */
} duet_lock;

enum { DUET_LOCK_FREE = 0, DUET_LOCK_UNKNOWN = -1 };

/** Whether the path that the lock was taken by still leads to it: the folder may have been moved since, and another one
 *  be in its place. */
bool duet_lock_has_place(const duet_lock *lock);

/** Takes the lock that is the file `path`, or says at once who has it: *holder is DUET_LOCK_FREE if it is the caller's
 *  now, else the process that holds it, or DUET_LOCK_UNKNOWN. On file systems without locks the number in the file
 *  decides: of two that come within a moment, or from two machines, both get it. */
duet_status duet_lock_take(duet_lock *lock, const char *path, long *holder, duet_error *error);
/** Whether a process of that number is there, on this machine. */
bool duet_lock_holder_lives(long holder);
/** Lets go of it and removes the file, and no other one that has its name by now; nothing on one that is not held. */
void duet_lock_release(duet_lock *lock);

#endif
