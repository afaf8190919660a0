/* SPDX-License-Identifier: MIT */
/* What the files of this layer share: the ranks themselves, and an exchange of messages that does not wait for ever. */
#ifndef DUET_SRC_RANKS_RANKS_H
#define DUET_SRC_RANKS_RANKS_H

#include "base/status.h"
#include "duet/ranks.h"

enum { DUET_HOST_SIZE = 64 };

struct duet_ranks {
    duet_transport transport;
    char (*hosts)[DUET_HOST_SIZE]; /* by rank */
    size_t local_rank, local_count;
    double patience; /* seconds */
    const volatile int *stop;
    uint64_t step;
    double seconds, began, stopped; /* in all; clocks of the wait under way and of the first look at a set flag, 0: none */
    duet_message *sends, *receives; /* room for one to and one from every rank */
    unsigned char *buffer;          /* of a sum: what the others have */
    size_t capacity;                /* bytes of it */
};

/** Exchanges the first messages of ranks->sends and ranks->receives. Errors name who is late. */
duet_status duet_ranks_exchange(duet_ranks *ranks, size_t send_count, size_t receive_count, duet_error *error);

#endif
