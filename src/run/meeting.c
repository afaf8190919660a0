/* SPDX-License-Identifier: MIT */
/* All ranks gather a byte each, again and again, until none is busy. One that is busy pauses between two gathers, so
 * the others wait for it there; the moment it is done it goes ahead. */
#include "run/meeting.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/status.h"

static const double sign_seconds = 0.25, tell_seconds = 60;

enum { BUSY, DONE, FAILED };

typedef struct signs {
    duet_ranks *ranks;
    const duet_meeting *meeting;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned char state; /* of this rank, guarded by the mutex */
    bool halted;         /* for another rank's sake; guarded too */
    unsigned char *all;  /* of every rank, as last gathered */
    duet_status status;  /* of the gathers */
    duet_error error;
} signs;

/* The first rank in that state, the number of ranks if none is. */
static size_t first_in(const signs *it, unsigned char state)
{
    const size_t count = duet_ranks_count(it->ranks);
    const unsigned char *place = memchr(it->all, state, count);
    return place == NULL ? count : (size_t)(place - it->all);
}

/* Waits until this rank is done, or a sign is due. Returns its state. */
static unsigned char pause_between(signs *it)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(sign_seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&it->mutex);
    if (it->state == BUSY) (void)pthread_cond_timedwait(&it->changed, &it->mutex, &until);
    const unsigned char state = it->state;
    pthread_mutex_unlock(&it->mutex);
    return state;
}

/* Says whom all wait for: one rank does, the first that is done. */
static void tell(const signs *it, double seconds)
{
    char line[512];
    const size_t own = duet_ranks_rank(it->ranks), busy = first_in(it, BUSY);
    size_t teller = 0;
    while (it->all[teller] == BUSY) teller++;
    if (it->meeting->log == NULL || teller != own) return;
    snprintf(line, sizeof line, "warning: rank %zu on %s has waited %.0f s for rank %zu on %s, which is still %s", own,
             duet_ranks_host(it->ranks, own), seconds, busy, duet_ranks_host(it->ranks, busy), it->meeting->what);
    it->meeting->log(it->meeting->log_context, line);
}

/* Tells the work of this rank that it is in vain, or asked to stop. */
static void heed(signs *it)
{
    const duet_meeting *meeting = it->meeting;
    const bool stops = meeting->stop != NULL && *meeting->stop != 0;
    if (meeting->halt == NULL) return;
    pthread_mutex_lock(&it->mutex);
    if (!stops && first_in(it, FAILED) < duet_ranks_count(it->ranks)) it->halted = true;
    if (stops || it->halted) *meeting->halt = 1;
    pthread_mutex_unlock(&it->mutex);
}

static void exchange(signs *it)
{
    double began = 0, told = 0;
    for (unsigned char own = pause_between(it);;) {
        it->status = duet_ranks_gather(it->ranks, &own, 1, it->all, &it->error);
        if (it->status != DUET_OK || first_in(it, BUSY) == duet_ranks_count(it->ranks)) return;
        if (own == BUSY) {
            heed(it);
            own = pause_between(it);
            continue;
        }
        const double now = duet_seconds();
        if (began == 0) began = told = now;
        if (now - told < tell_seconds) continue;
        told = now;
        tell(it, now - began);
    }
}

static void *exchange_beside(void *argument)
{
    exchange(argument);
    return NULL;
}

static duet_status set_state(signs *it, duet_status status, duet_error *own)
{
    pthread_mutex_lock(&it->mutex);
    if (it->halted && status == DUET_ERROR_INTERRUPTED) {
        status = DUET_OK;
        *own = (duet_error){0};
    }
    it->state = status == DUET_OK ? DONE : FAILED;
    pthread_cond_signal(&it->changed);
    pthread_mutex_unlock(&it->mutex);
    return status;
}

/* The work of this rank, while signs go out; its error goes to `own`. Without a thread they come after it. */
static duet_status work_and_meet(signs *it, duet_status (*work)(void *, duet_error *), void *context, duet_error *own)
{
    pthread_t thread;
    const bool beside = work != NULL && pthread_create(&thread, NULL, exchange_beside, it) == 0;
    duet_status status = work == NULL ? DUET_OK : work(context, own);
    status = set_state(it, status, own);
    if (beside)
        (void)pthread_join(thread, NULL);
    else
        exchange(it);
    return status;
}

duet_status duet_meet(duet_ranks *ranks, const duet_meeting *meeting,
                      duet_status (*work)(void *context, duet_error *error), void *context, bool *shared,
                      duet_error *error)
{
    signs it = {.ranks = ranks, .meeting = meeting};
    duet_error own = {0};
    *shared = false;
    if (duet_ranks_count(ranks) == 1) return work == NULL ? DUET_OK : work(context, error);
    it.all = calloc(duet_ranks_count(ranks), 1);
    if (it.all == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what ranks say");
    pthread_mutex_init(&it.mutex, NULL);
    pthread_cond_init(&it.changed, NULL);
    duet_status status = work_and_meet(&it, work, context, &own);
    *shared = it.status == DUET_OK && first_in(&it, FAILED) < duet_ranks_count(ranks);
    if (*shared)
        status = duet_ranks_agree(ranks, status, &own);
    else if (status == DUET_OK && it.status != DUET_OK)
        status = duet_fail(&own, it.status, "%s", it.error.message);
    pthread_cond_destroy(&it.changed);
    pthread_mutex_destroy(&it.mutex);
    free(it.all);
    return status == DUET_OK ? DUET_OK : duet_fail(error, status, "%s", own.message);
}
