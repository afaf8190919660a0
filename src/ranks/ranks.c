/* SPDX-License-Identifier: MIT */
/* Making ranks of a transport: they first tell each other what they are, and refuse what could not work together. A
 * wait for others has an end, and its message says whom to look for. */
#include "ranks/ranks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

static const double usual_patience = 60, stopped_patience = 2;

enum { MAGIC = 0x44756574, ORDER = 0x01020304 };

/** What ranks tell each other first. A fixed size, whatever the version. */
typedef struct hello {
    uint32_t magic, order;
    char version[32], host[DUET_HOST_SIZE];
} hello;

static bool goes_on(void *waiter)
{
    duet_ranks *ranks = waiter;
    const double now = duet_seconds();
    const bool is_stopped = ranks->stop != NULL && *ranks->stop != 0;
    if (is_stopped && ranks->stopped == 0) ranks->stopped = now;
    if (is_stopped && now - ranks->stopped > stopped_patience) return false;
    return now - ranks->began <= ranks->patience;
}

static duet_status fail_late(const duet_ranks *ranks, size_t late, duet_error *error)
{
    const bool is_stopped = ranks->stop != NULL && *ranks->stop != 0;
    if (is_stopped && duet_seconds() - ranks->began <= ranks->patience)
        return duet_fail(error, DUET_ERROR_INTERRUPTED,
                         "stopped in step %" PRIu64 ", in which rank %zu on %s had not answered", ranks->step, late,
                         ranks->hosts[late]);
    return duet_fail(error, DUET_ERROR_DEVICE,
                     "rank %zu on %s has not answered for %.3g s in step %" PRIu64
                     ": see what it printed there, and whether its machine and the network are up; --resume goes on "
                     "from the last checkpoint",
                     late, ranks->hosts[late], ranks->patience, ranks->step);
}

duet_status duet_ranks_exchange(duet_ranks *ranks, size_t send_count, size_t receive_count, duet_error *error)
{
    const duet_transport *transport = &ranks->transport;
    size_t late = 0;
    duet_error own = {0};
    ranks->began = duet_seconds();
    ranks->stopped = 0;
    duet_status status = transport->exchange(transport->context, ranks->sends, send_count, ranks->receives,
                                             receive_count, goes_on, ranks, &late, &own);
    ranks->seconds += duet_seconds() - ranks->began;
    if (status == DUET_OK) return DUET_OK;
    if (status == DUET_ERROR_INTERRUPTED && late < transport->count) return fail_late(ranks, late, error);
    return duet_fail(error, status, "%s", own.message);
}

static duet_status check(const duet_ranks *ranks, const hello *all, duet_error *error)
{
    const size_t self = ranks->transport.rank;
    for (size_t r = 0; r < ranks->transport.count; r++) {
        if (all[r].magic != all[self].magic || all[r].order != all[self].order)
            return duet_fail(error, DUET_ERROR_USAGE,
                             "rank %zu is no Duet of this byte order: all ranks must run the same program on machines "
                             "of one kind",
                             r);
        if (strncmp(all[r].version, all[self].version, sizeof all[r].version) != 0)
            return duet_fail(error, DUET_ERROR_USAGE,
                             "rank %zu on %.63s runs Duet %.31s, and this one, on %.63s, %.31s: install one version on "
                             "all machines",
                             r, all[r].host, all[r].version, all[self].host, all[self].version);
    }
    return DUET_OK;
}

static duet_status meet(duet_ranks *ranks, duet_error *error)
{
    const size_t count = ranks->transport.count;
    hello own = {.magic = MAGIC, .order = ORDER}, *all = calloc(count, sizeof *all);
    if (all == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu ranks", count);
    snprintf(own.version, sizeof own.version, "%s", duet_version());
    snprintf(own.host, sizeof own.host, "%s", ranks->transport.host);
    duet_status status = duet_ranks_gather(ranks, &own, sizeof own, all, error);
    if (status == DUET_OK) status = check(ranks, all, error);
    for (size_t r = 0; r < count && status == DUET_OK; r++) {
        const bool is_here = strncmp(all[r].host, own.host, sizeof own.host) == 0;
        snprintf(ranks->hosts[r], DUET_HOST_SIZE, "%.*s", DUET_HOST_SIZE - 1, all[r].host);
        ranks->local_rank += is_here && r < ranks->transport.rank;
        ranks->local_count += is_here;
    }
    free(all);
    return status;
}

duet_status duet_ranks_new(duet_ranks **ranks, const duet_transport *transport, duet_error *error)
{
    *ranks = NULL;
    if (transport->count == 0 || transport->rank >= transport->count)
        return duet_fail(error, DUET_ERROR_USAGE, "there is no rank %zu of %zu", transport->rank, transport->count);
    duet_ranks *made = calloc(1, sizeof *made);
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu ranks", transport->count);
    made->transport = *transport;
    made->patience = usual_patience;
    made->hosts = calloc(transport->count, sizeof *made->hosts);
    made->sends = calloc(transport->count, sizeof *made->sends);
    made->receives = calloc(transport->count, sizeof *made->receives);
    duet_status status = DUET_OK;
    if (made->hosts == NULL || made->sends == NULL || made->receives == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu ranks", transport->count);
    if (status == DUET_OK) status = meet(made, error);
    if (status == DUET_OK)
        *ranks = made;
    else
        duet_ranks_free(&made);
    return status;
}

void duet_ranks_free(duet_ranks **ranks)
{
    if (ranks == NULL || *ranks == NULL) return;
    free((*ranks)->hosts);
    free((*ranks)->sends);
    free((*ranks)->receives);
    free((*ranks)->buffer);
    free(*ranks);
    *ranks = NULL;
}

size_t duet_ranks_rank(const duet_ranks *ranks)
{
    return ranks == NULL ? 0 : ranks->transport.rank;
}

size_t duet_ranks_count(const duet_ranks *ranks)
{
    return ranks == NULL ? 1 : ranks->transport.count;
}

const char *duet_ranks_host(const duet_ranks *ranks, size_t rank)
{
    return ranks->hosts[rank];
}

size_t duet_ranks_local_rank(const duet_ranks *ranks)
{
    return ranks == NULL ? 0 : ranks->local_rank;
}

size_t duet_ranks_local_count(const duet_ranks *ranks)
{
    return ranks == NULL ? 1 : ranks->local_count;
}

void duet_ranks_set_patience(duet_ranks *ranks, double seconds)
{
    ranks->patience = seconds;
}

void duet_ranks_set_stop(duet_ranks *ranks, const volatile int *stop)
{
    ranks->stop = stop;
}

void duet_ranks_set_step(duet_ranks *ranks, uint64_t step)
{
    ranks->step = step;
}

double duet_ranks_seconds(const duet_ranks *ranks)
{
    return ranks == NULL ? 0 : ranks->seconds;
}
