/* SPDX-License-Identifier: MIT */
/* Ranks that are threads of one process: a transport over mailboxes, for tests of what ranks do without an MPI. */
#ifndef DUET_TESTS_RANK_THREADS_H
#define DUET_TESTS_RANK_THREADS_H

#include "test.h"

#include <pthread.h>
#include <time.h>

#include "duet/ranks.h"

enum { MOST_RANKS = 8 };

/** Bytes under way. */
typedef struct letter {
    struct letter *next;
    size_t count;
    unsigned char bytes[];
} letter;

typedef struct post_office {
    pthread_mutex_t mutex;
    pthread_cond_t delivered;
    letter *boxes[MOST_RANKS][MOST_RANKS]; /* from, to: in the order in which they were sent */
} post_office;

typedef void (*rank_function)(duet_ranks *ranks, void *context);

typedef struct rank_thread {
    post_office *office;
    size_t rank, count;
    pthread_t thread;
    rank_function function;
    void *context;
} rank_thread;

static inline void post(post_office *office, size_t from, const duet_message *message)
{
    letter *made = malloc(sizeof *made + message->count), **box = &office->boxes[from][message->rank];
    if (made == NULL) abort();
    *made = (letter){.count = message->count};
    memcpy(made->bytes, message->bytes, message->count);
    while (*box != NULL) box = &(*box)->next;
    *box = made;
}

/** Takes what has come; false: nothing has. */
static inline bool collect(post_office *office, size_t to, const duet_message *message)
{
    letter **box = &office->boxes[message->rank][to], *first = *box;
    if (first == NULL) return false;
    if (first->count != message->count) {
        print_error("rank %zu expects %zu bytes of rank %zu, which sent %zu\n", to, message->count, message->rank,
                    first->count);
        abort(); /* the others would wait */
    }
    memcpy(message->bytes, first->bytes, first->count);
    *box = first->next;
    free(first);
    return true;
}

static inline duet_status exchange_letters(void *context, const duet_message *sends, size_t send_count,
                                           const duet_message *receives, size_t receive_count,
                                           bool (*goes_on)(void *waiter), void *waiter, size_t *late,
                                           duet_error *error)
{
    rank_thread *self = context;
    post_office *office = self->office;
    duet_status status = DUET_OK;
    (void)error;
    pthread_mutex_lock(&office->mutex);
    for (size_t i = 0; i < send_count; i++) post(office, self->rank, &sends[i]);
    pthread_cond_broadcast(&office->delivered);
    for (size_t i = 0; i < receive_count && status == DUET_OK; i++)
        while (status == DUET_OK && !collect(office, self->rank, &receives[i])) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += 3000000;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            pthread_cond_timedwait(&office->delivered, &office->mutex, &until);
            *late = receives[i].rank;
            if (!goes_on(waiter)) status = DUET_ERROR_INTERRUPTED;
        }
    pthread_mutex_unlock(&office->mutex);
    return status;
}

static inline void *run_rank(void *argument)
{
    rank_thread *self = argument;
    const duet_transport transport = {self, self->rank, self->count, "here", exchange_letters};
    duet_ranks *ranks = NULL;
    duet_error error = {0};
    if (duet_ranks_new(&ranks, &transport, &error) != DUET_OK) {
        print_error("rank %zu: %s\n", self->rank, error.message);
        abort();
    }
    self->function(ranks, self->context);
    duet_ranks_free(&ranks);
    return NULL;
}

/** Runs the function as `count` ranks, at most MOST_RANKS, each on a thread; returns when all have ended. cmocka's
 *  asserts belong to the thread that calls this: ranks leave what they found in the context. */
static inline void run_ranks(size_t count, rank_function function, void *context)
{
    post_office office = {.mutex = PTHREAD_MUTEX_INITIALIZER, .delivered = PTHREAD_COND_INITIALIZER};
    rank_thread threads[MOST_RANKS];
    assert_in_range(count, 1, MOST_RANKS);
    for (size_t i = 0; i < count; i++) {
        threads[i] = (rank_thread){&office, i, count, 0, function, context};
        assert_int_equal(pthread_create(&threads[i].thread, NULL, run_rank, &threads[i]), 0);
    }
    for (size_t i = 0; i < count; i++) assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    for (size_t i = 0; i < count * count; i++)
        for (letter *left = office.boxes[i / count][i % count], *next; left != NULL; left = next) {
            next = left->next;
            free(left);
        }
}

#endif
