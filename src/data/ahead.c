/* SPDX-License-Identifier: MIT */
/* A ring of pieces, whole rows each, between the thread that reads and the one that takes. The ring is mapped, not
 * allocated from the heap, so that its pages go back to the system one by one while drivers allocate beside it. */
#define _DEFAULT_SOURCE  /* MAP_ANONYMOUS, on Linux */
#define _DARWIN_C_SOURCE /* and on macOS */
#include "data/ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size.h"
#include "base/status.h"

enum { PIECE_BYTES = 2 << 20, LEAST_PIECES = 2, LARGE_PAGE = 2 << 20 };

struct duet_ahead {
    duet_rows *rows;
    size_t first, count, row_bytes; /* row_bytes: of a row at the destination */
    size_t piece_rows, pieces;      /* rows a piece, pieces in the ring */
    size_t piece_stride;            /* bytes from one piece to the next: whole pages */
    unsigned char *ring;
    void *mapping;
    size_t mapping_bytes;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t read, taken; /* rows; these and all below are guarded by the mutex */
    bool stopped, ended;
    duet_status status; /* of the thread, once it has ended */
    duet_error error;
};

/* Where the piece that begins at `row` lies in the ring; rows count from `first`. */
static unsigned char *piece_at(const duet_ahead *ahead, size_t row)
{
    size_t piece = row / ahead->piece_rows % ahead->pieces;
    return ahead->ring + piece * ahead->piece_stride;
}

static size_t piece_length(const duet_ahead *ahead, size_t row)
{
    size_t left = ahead->count - row;
    return left < ahead->piece_rows ? left : ahead->piece_rows;
}

/* Waits until the ring has room for the piece at `row`; false: duet_ahead_end was called, so nobody will take it. */
static bool wait_for_room(duet_ahead *ahead, size_t row)
{
    pthread_mutex_lock(&ahead->mutex);
    while (!ahead->stopped && row - ahead->taken >= ahead->pieces * ahead->piece_rows)
        pthread_cond_wait(&ahead->changed, &ahead->mutex);
    bool wanted = !ahead->stopped;
    pthread_mutex_unlock(&ahead->mutex);
    return wanted;
}

static void publish(duet_ahead *ahead, size_t read)
{
    pthread_mutex_lock(&ahead->mutex);
    ahead->read = read;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->mutex);
}

static duet_status read_all(duet_ahead *ahead, duet_error *error)
{
    for (size_t row = 0, length; row < ahead->count; row += length) {
        length = piece_length(ahead, row);
        if (!wait_for_room(ahead, row)) return DUET_OK;
        DUET_TRY(duet_rows_read(ahead->rows, ahead->first + row, length, piece_at(ahead, row), error));
        publish(ahead, row + length);
    }
    return duet_rows_check_end(ahead->rows, error);
}

static void *run(void *argument)
{
    duet_ahead *ahead = argument;
    duet_error error = {0};
    duet_status status = read_all(ahead, &error);
    pthread_mutex_lock(&ahead->mutex);
    ahead->status = status;
    ahead->error = error;
    ahead->ended = true;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

static void release(duet_ahead *ahead)
{
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->mutex);
    (void)munmap(ahead->mapping, ahead->mapping_bytes);
    free(ahead);
}

/* Divides the rows into pieces; false if two pieces do not fit into `room`. */
static bool divide(duet_ahead *ahead, size_t room)
{
    size_t element = duet_element_bytes_read(ahead->rows->element), piece;
    if (!duet_size_multiply(ahead->rows->row_elements, element, &ahead->row_bytes)) return false;
    ahead->piece_rows = ahead->row_bytes < PIECE_BYTES ? PIECE_BYTES / ahead->row_bytes : 1;
    if (ahead->piece_rows > ahead->count) ahead->piece_rows = ahead->count;
    if (!duet_size_multiply(ahead->piece_rows, ahead->row_bytes, &piece) || piece > room) return false;
    size_t whole = (ahead->count + ahead->piece_rows - 1) / ahead->piece_rows;
    ahead->piece_stride = duet_size_round_up(piece, LARGE_PAGE);
    ahead->pieces = room / ahead->piece_stride;
    if (ahead->pieces < LEAST_PIECES) return false;
    if (ahead->pieces > whole) ahead->pieces = whole;
    return true;
}

/* Asks for large pages where the system has them: thousands of page faults fewer while a driver is being loaded. */
static bool map_ring(duet_ahead *ahead)
{
    size_t bytes = ahead->pieces * ahead->piece_stride;
    ahead->mapping_bytes = bytes + LARGE_PAGE;
    ahead->mapping = mmap(NULL, ahead->mapping_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ahead->mapping == MAP_FAILED) return false;
    size_t start = (uintptr_t)ahead->mapping % LARGE_PAGE;
    ahead->ring = (unsigned char *)ahead->mapping + (LARGE_PAGE - start) % LARGE_PAGE;
#ifdef MADV_HUGEPAGE
    (void)madvise(ahead->ring, bytes, MADV_HUGEPAGE);
#endif
    return true;
}

duet_ahead *duet_ahead_begin(duet_rows *rows, size_t first, size_t count, size_t room)
{
    duet_ahead *ahead = count > 0 ? calloc(1, sizeof *ahead) : NULL;
    if (ahead == NULL) return NULL;
    ahead->rows = rows;
    ahead->first = first;
    ahead->count = count;
    if (!divide(ahead, room) || !map_ring(ahead)) {
        free(ahead);
        return NULL;
    }
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    if (pthread_create(&ahead->thread, NULL, run, ahead) == 0) return ahead;
    release(ahead);
    return NULL;
}

/* Waits until the piece at `row` has been read; at row `count` until the thread has ended. Whether the piece is there:
 * false if the thread ended before it. */
static bool wait_for_piece(duet_ahead *ahead, size_t row)
{
    pthread_mutex_lock(&ahead->mutex);
    while (!ahead->ended && (ahead->read <= row || row == ahead->count))
        pthread_cond_wait(&ahead->changed, &ahead->mutex);
    bool there = ahead->read > row;
    pthread_mutex_unlock(&ahead->mutex);
    return there;
}

/* Gives the piece at `row` back to the thread, and its pages to the system if no later piece will lie there, so that
 * the ring shrinks as the destination fills. */
static void give_back(duet_ahead *ahead, size_t row)
{
    bool last = ahead->count - row <= ahead->pieces * ahead->piece_rows;
    if (last) (void)madvise(piece_at(ahead, row), ahead->piece_stride, MADV_DONTNEED);
    pthread_mutex_lock(&ahead->mutex);
    ahead->taken = row + piece_length(ahead, row);
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->mutex);
}

duet_status duet_ahead_take(duet_ahead *ahead, void *destination, duet_error *error)
{
    unsigned char *to = destination;
    size_t row = 0;
    while (wait_for_piece(ahead, row)) {
        size_t length = piece_length(ahead, row), bytes = length * ahead->row_bytes;
        memcpy(to, piece_at(ahead, row), bytes);
        give_back(ahead, row);
        to += bytes;
        row += length;
    }
    return ahead->status == DUET_OK ? DUET_OK : duet_fail(error, ahead->status, "%s", ahead->error.message);
}

void duet_ahead_end(duet_ahead **ahead)
{
    duet_ahead *old = *ahead;
    if (old == NULL || pthread_equal(old->thread, pthread_self()) != 0) return; /* a set read by its own function */
    *ahead = NULL;
    pthread_mutex_lock(&old->mutex);
    old->stopped = true;
    pthread_cond_signal(&old->changed);
    pthread_mutex_unlock(&old->mutex);
    (void)pthread_join(old->thread, NULL);
    release(old);
}
