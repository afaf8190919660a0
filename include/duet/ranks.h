/* SPDX-License-Identifier: MIT */
/* Ranks: processes, each with a device of its own, that train one model together. Whatever carries bytes between them
 * is a transport, such as MPI's (mpi.h); all that is built on it is the same for every transport. */
#ifndef DUET_RANKS_H
#define DUET_RANKS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One process's view of all that train together. Of one thread at a time. */
typedef struct duet_ranks duet_ranks;

/** Bytes that go to a rank or come from one. */
typedef struct duet_message {
    size_t rank;
    void *bytes;
    size_t count;
} duet_message;

/** What carries messages. */
typedef struct duet_transport {
    void *context;
    size_t rank, count;   /**< this process's number, and how many there are */
    const char *host;     /**< the name of this process's machine; borrowed */
    /** Sends and receives all of these at once and returns when all have arrived. None is to or from this rank itself;
     *  those from one rank to another arrive in the order in which they were sent. `goes_on` is asked every few
     *  milliseconds of a wait; false: the wait ends with DUET_ERROR_INTERRUPTED, and *late is the rank whose message
     *  is missing. Other errors: what the transport says, such as DUET_ERROR_DEVICE for a peer that is gone. */
    duet_status (*exchange)(void *context, const duet_message *sends, size_t send_count, const duet_message *receives,
                            size_t receive_count, bool (*goes_on)(void *waiter), void *waiter, size_t *late,
                            duet_error *error);
} duet_transport;

/** Makes ranks of a transport, which is copied; its context must outlive them. Every process has to call it: they tell
 *  each other their library's version, hosts and byte order, and refuse others than their own. */
DUET_API duet_status duet_ranks_new(duet_ranks **ranks, const duet_transport *transport, duet_error *error);
/** Rank 0 of `count` that are not there, for plans that are explained; what it trains is no use. */
DUET_API duet_status duet_ranks_on_paper(duet_ranks **ranks, size_t count, duet_error *error);
DUET_API void duet_ranks_free(duet_ranks **ranks);

/** NULL is one process alone: rank 0 of 1. */
DUET_API size_t duet_ranks_rank(const duet_ranks *ranks);
DUET_API size_t duet_ranks_count(const duet_ranks *ranks);
/** The machine of a rank. Lives as long as the ranks. */
DUET_API const char *duet_ranks_host(const duet_ranks *ranks, size_t rank);
/** This process's number among those on its machine, from 0, and how many these are: by it each takes a device of its
 *  own. */
DUET_API size_t duet_ranks_local_rank(const duet_ranks *ranks);
DUET_API size_t duet_ranks_local_count(const duet_ranks *ranks);

/** How long a wait for other ranks may take (60 s unless told). After it a function fails with DUET_ERROR_DEVICE and
 *  names the rank that did not answer, its host and the step. */
DUET_API void duet_ranks_set_patience(duet_ranks *ranks, double seconds);
/** A flag, as in duet_train_options: while it is set waits end after two seconds, so that a process which is asked to
 *  stop does not wait for one that is gone. NULL: none. */
DUET_API void duet_ranks_set_stop(duet_ranks *ranks, const volatile int *stop);
/** The training step that messages name. */
DUET_API void duet_ranks_set_step(duet_ranks *ranks, uint64_t step);

/* All ranks call these in the same order, with the same counts. */

/** Replaces the values by their sums over all ranks: each is added up in double in the order of the ranks, from 0 on,
 *  and rounded once, so that all ranks have the same bits, and each repetition has. */
DUET_API duet_status duet_ranks_sum(duet_ranks *ranks, float *values, size_t count, duet_error *error);
/** Gives every rank the bytes of rank 0. */
DUET_API duet_status duet_ranks_share(duet_ranks *ranks, void *bytes, size_t count, duet_error *error);
/** Gives every rank the bytes of all: all[r * count] has those of rank r. */
DUET_API duet_status duet_ranks_gather(duet_ranks *ranks, const void *bytes, size_t count, void *all,
                                       duet_error *error);
/** Whether all ranks got on: each calls it with its own status and error. If one failed, every rank has the error of
 *  the first that did, in whose words that rank and its host are named unless all failed alike. */
DUET_API duet_status duet_ranks_agree(duet_ranks *ranks, duet_status status, duet_error *error);

/** What the ways between ranks are worth. */
typedef struct duet_link {
    double latency;   /**< seconds that a sum of one number takes */
    double bandwidth; /**< bytes a second of a large sum */
} duet_link;

/** Measures sums, in a tenth of a second. All ranks get rank 0's figures. */
DUET_API duet_status duet_ranks_measure(duet_ranks *ranks, duet_link *link, duet_error *error);
/** Seconds that this rank has spent in these functions so far, waits included. */
DUET_API double duet_ranks_seconds(const duet_ranks *ranks);

#ifdef __cplusplus
}
#endif

#endif
