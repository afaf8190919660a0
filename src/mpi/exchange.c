/* SPDX-License-Identifier: MIT */
/* An exchange: all messages are given to MPI at once, then it is asked again and again what has arrived. Who asks spins
 * at first, since a rank with a core of its own is answered in microseconds, then lets others have the core, and in the
 * end sleeps between questions. */
#include "mpi/connection.h"

#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const double spin_seconds = 50e-6, yield_seconds = 1e-3, ask_seconds = 2e-3, longest_sleep = 1e-3;

#ifndef DUET_MPI_PIECE
#define DUET_MPI_PIECE (1 << 30) /* bytes, since MPI counts in int; tests have smaller ones */
#endif

enum { TAG = 17, PIECE = DUET_MPI_PIECE };

static size_t pieces_of(const duet_message *messages, size_t count)
{
    size_t pieces = 0;
    for (size_t i = 0; i < count; i++) pieces += messages[i].count / PIECE + (messages[i].count % PIECE != 0);
    return pieces;
}

static bool grow(void *array, size_t count, size_t size)
{
    void **place = array, *grown = count > SIZE_MAX / size ? NULL : realloc(*place, count * size);
    if (grown != NULL) *place = grown;
    return grown != NULL;
}

static duet_status make_room(duet_mpi *mpi, size_t count, duet_error *error)
{
    if (count <= mpi->capacity) return DUET_OK;
    if (count > INT_MAX || !grow(&mpi->requests, count, sizeof *mpi->requests) ||
        !grow(&mpi->statuses, count, sizeof *mpi->statuses) || !grow(&mpi->finished, count, sizeof *mpi->finished) ||
        !grow(&mpi->peers, count, sizeof *mpi->peers) || !grow(&mpi->counts, count, sizeof *mpi->counts))
        return duet_mpi_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu messages", count);
    mpi->capacity = count;
    return DUET_OK;
}

/* Gives messages to MPI; *started is how many requests there are. */
static duet_status start(duet_mpi *mpi, const duet_message *messages, size_t count, bool are_sends, size_t *started,
                         duet_error *error)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char *at = messages[i].bytes;
        for (size_t left = messages[i].count, here; left > 0; left -= here, at += here) {
            MPI_Request *request = &mpi->requests[*started];
            const int peer = (int)messages[i].rank;
            here = left < PIECE ? left : PIECE;
            const int code = are_sends ? MPI_Isend(at, (int)here, MPI_BYTE, peer, TAG, mpi->comm, request)
                                       : MPI_Irecv(at, (int)here, MPI_BYTE, peer, TAG, mpi->comm, request);
            const duet_status status = duet_mpi_check(code, are_sends ? "MPI_Isend" : "MPI_Irecv", error);
            if (status != DUET_OK) return status;
            mpi->peers[*started] = messages[i].rank;
            mpi->counts[(*started)++] = are_sends ? 0 : here;
        }
    }
    return DUET_OK;
}

/* One that was finished: in order, and as long as it should be. */
static duet_status check_finished(duet_mpi *mpi, size_t request, MPI_Status *status, duet_error *error)
{
    int got = 0;
    if (mpi->counts[request] == 0) return DUET_OK;
    const duet_status asked = duet_mpi_check(MPI_Get_count(status, MPI_BYTE, &got), "MPI_Get_count", error);
    if (asked != DUET_OK || (size_t)got == mpi->counts[request]) return asked;
    return duet_mpi_fail(error, DUET_ERROR_DEVICE,
                         "rank %zu sent %d bytes where %zu were expected: all ranks must be given the same work",
                         mpi->peers[request], got, mpi->counts[request]);
}

/* Asks MPI once; *left counts requests that are not finished. */
static duet_status ask(duet_mpi *mpi, size_t count, size_t *left, duet_error *error)
{
    int ended = 0;
    const int code = MPI_Testsome((int)count, mpi->requests, &ended, mpi->finished, mpi->statuses);
    if (code != MPI_SUCCESS && code != MPI_ERR_IN_STATUS) return duet_mpi_check(code, "MPI_Testsome", error);
    for (int i = 0; ended != MPI_UNDEFINED && i < ended; i++) {
        const size_t request = (size_t)mpi->finished[i];
        if (code == MPI_ERR_IN_STATUS && mpi->statuses[i].MPI_ERROR != MPI_SUCCESS) {
            char what[64];
            snprintf(what, sizeof what, "a message %s rank %zu", mpi->counts[request] > 0 ? "from" : "to",
                     mpi->peers[request]);
            return duet_mpi_check(mpi->statuses[i].MPI_ERROR, what, error);
        }
        const duet_status status = check_finished(mpi, request, &mpi->statuses[i], error);
        if (status != DUET_OK) return status;
        (*left)--;
    }
    return DUET_OK;
}

/* The rank of a message that is missing, or else of one that was not taken. */
static size_t late_rank(const duet_mpi *mpi, size_t count)
{
    size_t late = count;
    for (size_t i = count; i-- > 0;) {
        const bool is_open = mpi->requests[i] != MPI_REQUEST_NULL;
        if (is_open && (late == count || mpi->counts[i] > 0 || mpi->counts[late] == 0)) late = i;
    }
    return late < count ? mpi->peers[late] : 0;
}

static void rest(double waited)
{
    if (waited < spin_seconds) return;
    if (waited < yield_seconds) {
        (void)sched_yield();
        return;
    }
    const double seconds = waited / 32 < longest_sleep ? waited / 32 : longest_sleep;
    const struct timespec pause = {.tv_nsec = (long)(1e9 * seconds)};
    (void)nanosleep(&pause, NULL);
}

static duet_status wait_for(duet_mpi *mpi, size_t count, bool (*goes_on)(void *waiter), void *waiter, size_t *late,
                            duet_error *error)
{
    const double began = MPI_Wtime();
    double asked = began;
    for (size_t left = count; left > 0;) {
        const duet_status status = ask(mpi, count, &left, error);
        if (status != DUET_OK || left == 0) return status;
        const double now = MPI_Wtime();
        if (now - asked > ask_seconds) {
            *late = late_rank(mpi, count);
            if (!goes_on(waiter))
                return duet_mpi_fail(error, DUET_ERROR_INTERRUPTED, "rank %zu has not answered", *late);
            asked = now;
        }
        rest(now - began);
    }
    return DUET_OK;
}

duet_status duet_mpi_exchange(void *context, const duet_message *sends, size_t send_count, const duet_message *receives,
                              size_t receive_count, bool (*goes_on)(void *waiter), void *waiter, size_t *late,
                              duet_error *error)
{
    duet_mpi *mpi = context;
    size_t count = 0;
    duet_error own = {0};
    if (mpi->is_broken)
        return duet_mpi_fail(error, DUET_ERROR_DEVICE, "an earlier exchange between ranks was not finished: %.900s",
                             mpi->why.message);
    duet_status status = make_room(mpi, pieces_of(sends, send_count) + pieces_of(receives, receive_count), &own);
    if (status == DUET_OK) status = start(mpi, receives, receive_count, false, &count, &own);
    if (status == DUET_OK) status = start(mpi, sends, send_count, true, &count, &own);
    if (status == DUET_OK) status = wait_for(mpi, count, goes_on, waiter, late, &own);
    if (status == DUET_OK) return DUET_OK;
    mpi->is_broken = true;
    mpi->why = own;
    return duet_mpi_fail(error, status, "%s", own.message);
}
