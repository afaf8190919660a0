/* SPDX-License-Identifier: MIT */
/* Work in a child process that reports as it goes: JSON messages, one a line, through a pipe. A driver that crashes or
 * hangs takes the child along and nothing else. Start it before OpenCL is used: drivers' threads do not survive a fork.
 */
#ifndef DUET_SRC_TUNE_WORKER_H
#define DUET_SRC_TUNE_WORKER_H

#include <jansson.h>
#include <stdio.h>
#include <sys/types.h>

#include "duet/base.h"

/** The child's side of the pipe. */
typedef struct duet_report_pipe {
    FILE *stream;
    unsigned seconds; /**< the most between two messages, after which a child whose parent is gone ends itself */
} duet_report_pipe;

typedef duet_status (*duet_work_function)(duet_report_pipe *pipe, const void *context, duet_error *error);

/** Sends a message and drops it. */
duet_status duet_worker_send(duet_report_pipe *pipe, json_t *message, duet_error *error);

typedef struct duet_worker {
    pid_t process;
    int pipe_end;
    double seconds; /**< the most between two messages; may be changed at any time */
    bool closed;    /* by the child, without a last message */
    char *text;     /* received and not yet handed out */
    size_t length, capacity;
} duet_worker;

typedef enum duet_worker_event {
    DUET_WORKER_MESSAGE,
    DUET_WORKER_DONE,    /**< the work returned, or memory is short; the status and words are in *error */
    DUET_WORKER_CRASHED, /**< it ended in any other way */
    DUET_WORKER_LATE,    /**< no message in time: it has been killed */
    DUET_WORKER_STOPPED, /**< *stop was set: it has been killed */
} duet_worker_event;

/** `seconds`: the most that may ever pass between two messages. */
duet_status duet_worker_start(duet_worker *worker, duet_work_function work, const void *context, double seconds,
                              duet_error *error);
/** Waits for the next message (the caller's) or the end. `stop` may be NULL. */
duet_worker_event duet_worker_next(duet_worker *worker, const volatile int *stop, json_t **message, duet_error *error);
/** Ends the child if it still runs; *signal (may be NULL) is what ended it, 0 for none. */
void duet_worker_end(duet_worker *worker, int *signal);

#endif
