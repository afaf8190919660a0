/* SPDX-License-Identifier: MIT */
/* What the files of libduet-mpi share: the connection, and MPI's errors in words. */
#ifndef DUET_SRC_MPI_CONNECTION_H
#define DUET_SRC_MPI_CONNECTION_H

#include <mpi.h>

#include "duet/mpi.h"

struct duet_mpi {
    MPI_Comm comm;
    bool is_ours;   /* MPI itself: initialised here */
    bool is_broken; /* an exchange was left while MPI still had its messages: nothing more can be exchanged */
    MPI_Request *requests;
    MPI_Status *statuses;
    int *finished;  /* numbers of requests */
    size_t *peers;  /* of each request */
    size_t *counts; /* bytes that each request awaits; 0 of sends */
    size_t capacity;
    char host[MPI_MAX_PROCESSOR_NAME];
    char version[80];
    duet_error why; /* of is_broken */
};

/** Fills `error` unless it is NULL or already set, and returns the status that it then holds. */
duet_status duet_mpi_fail(duet_error *error, duet_status status, const char *format, ...) DUET_PRINTF(3, 4);
/** The same for MPI's error `code` of the function of that name; DUET_OK if the code is MPI_SUCCESS. */
duet_status duet_mpi_check(int code, const char *function, duet_error *error);
/** A duet_transport's: `context` is the connection. */
duet_status duet_mpi_exchange(void *context, const duet_message *sends, size_t send_count, const duet_message *receives,
                              size_t receive_count, bool (*goes_on)(void *waiter), void *waiter, size_t *late,
                              duet_error *error);

#endif
