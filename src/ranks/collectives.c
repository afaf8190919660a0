/* SPDX-License-Identifier: MIT */
/* What all ranks do together, made of exchanges. Sums are added up in double in the order of the ranks, so that the
 * result is one and the same everywhere and each time, which an MPI's own all-reduce need not promise. */
#include "ranks/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

/* Below it every rank gets all numbers and adds them up: one exchange where the other way takes two. */
enum { SMALL_BYTES = 16 << 10, BLOCK = 256 };

static duet_status make_room(duet_ranks *ranks, size_t count, size_t bytes, duet_error *error)
{
    size_t all;
    unsigned char *grown = NULL;
    const bool fits = duet_size_multiply(count, bytes, &all);
    if (fits && all <= ranks->capacity) return DUET_OK;
    if (fits) grown = realloc(ranks->buffer, all);
    if (grown == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu bytes of each of %zu ranks", bytes, count);
    ranks->buffer = grown;
    ranks->capacity = all;
    return DUET_OK;
}

/* sums[i] = the sum over ranks r of row r's number i, where rows lie `stride` numbers apart. */
static void add_rows(const float *rows, size_t count, size_t stride, size_t length, float *sums)
{
    double sum[BLOCK];
    for (size_t first = 0, here; first < length; first += here) {
        here = length - first < BLOCK ? length - first : BLOCK;
        for (size_t i = 0; i < here; i++) sum[i] = 0;
        for (size_t r = 0; r < count; r++)
            for (size_t i = 0; i < here; i++) sum[i] += (double)rows[r * stride + first + i];
        for (size_t i = 0; i < here; i++) sums[first + i] = (float)sum[i];
    }
}

duet_status duet_ranks_gather(duet_ranks *ranks, const void *bytes, size_t count, void *all, duet_error *error)
{
    unsigned char *to = all;
    size_t messages = 0;
    const size_t self = ranks->transport.rank;
    for (size_t r = 0; r < ranks->transport.count; r++) {
        if (r == self) continue;
        ranks->sends[messages] = (duet_message){r, (void *)(uintptr_t)bytes, count};
        ranks->receives[messages++] = (duet_message){r, to + r * count, count};
    }
    memmove(to + self * count, bytes, count);
    return duet_ranks_exchange(ranks, messages, messages, error);
}

duet_status duet_ranks_share(duet_ranks *ranks, void *bytes, size_t count, duet_error *error)
{
    size_t messages = 0;
    if (ranks->transport.rank > 0) {
        ranks->receives[0] = (duet_message){0, bytes, count};
        return duet_ranks_exchange(ranks, 0, 1, error);
    }
    for (size_t r = 1; r < ranks->transport.count; r++) ranks->sends[messages++] = (duet_message){r, bytes, count};
    return duet_ranks_exchange(ranks, messages, 0, error);
}

static duet_status sum_small(duet_ranks *ranks, float *values, size_t count, duet_error *error)
{
    const size_t all = ranks->transport.count;
    DUET_TRY(make_room(ranks, all, count * sizeof *values, error));
    float *rows = (float *)(uintptr_t)ranks->buffer;
    DUET_TRY(duet_ranks_gather(ranks, values, count * sizeof *values, rows, error));
    add_rows(rows, all, count, count, values);
    return DUET_OK;
}

static size_t slice_begin(const duet_ranks *ranks, size_t count, size_t rank)
{
    const size_t all = ranks->transport.count;
    return count / all * rank + (rank < count % all ? rank : count % all);
}

/* Rank k adds up slice k of all and gives the sum to all. */
static duet_status sum_slices(duet_ranks *ranks, float *values, size_t count, duet_error *error)
{
    const size_t all = ranks->transport.count, self = ranks->transport.rank;
    const size_t begin = slice_begin(ranks, count, self), length = slice_begin(ranks, count, self + 1) - begin;
    size_t messages = 0;
    DUET_TRY(make_room(ranks, all, length * sizeof *values, error));
    float *rows = (float *)(uintptr_t)ranks->buffer;
    for (size_t r = 0; r < all; r++) {
        const size_t from = slice_begin(ranks, count, r), end = slice_begin(ranks, count, r + 1);
        if (r == self) continue;
        ranks->sends[messages] = (duet_message){r, values + from, (end - from) * sizeof *values};
        ranks->receives[messages++] = (duet_message){r, rows + r * length, length * sizeof *values};
    }
    memcpy(rows + self * length, values + begin, length * sizeof *values);
    DUET_TRY(duet_ranks_exchange(ranks, messages, messages, error));
    add_rows(rows, all, length, length, values + begin);
    for (size_t i = 0; i < messages; i++) {
        duet_message *send = &ranks->sends[i], *receive = &ranks->receives[i];
        *receive = *send;
        *send = (duet_message){send->rank, values + begin, length * sizeof *values};
    }
    return duet_ranks_exchange(ranks, messages, messages, error);
}

duet_status duet_ranks_sum(duet_ranks *ranks, float *values, size_t count, duet_error *error)
{
    if (count == 0 || ranks->transport.count == 1) return DUET_OK;
    if (count <= SMALL_BYTES / sizeof *values / ranks->transport.count) return sum_small(ranks, values, count, error);
    return sum_slices(ranks, values, count, error);
}

/* What a rank tells of how it got on. */
typedef struct report {
    duet_status status;
    char message[sizeof(((duet_error *)0)->message)];
} report;

/* The first failure in the words of all; names the rank unless all have failed alike. */
static duet_status conclude(const duet_ranks *ranks, const report *all, duet_error *error)
{
    size_t first = ranks->transport.count;
    bool alike = true;
    for (size_t r = ranks->transport.count; r-- > 0;) {
        if (all[r].status != DUET_OK) first = r;
        alike = alike && all[r].status == all[0].status && strcmp(all[r].message, all[0].message) == 0;
    }
    if (first == ranks->transport.count) return DUET_OK;
    if (error != NULL) *error = (duet_error){0}; /* this rank's own words may not be the first */
    if (alike) return duet_fail(error, all[first].status, "%s", all[first].message);
    return duet_fail(error, all[first].status, "rank %zu on %s: %.900s", first, ranks->hosts[first],
                     all[first].message);
}

duet_status duet_ranks_agree(duet_ranks *ranks, duet_status status, duet_error *error)
{
    report own = {.status = status}, *all = calloc(ranks->transport.count, sizeof *all);
    if (all == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what ranks say");
    if (status != DUET_OK && error != NULL) snprintf(own.message, sizeof own.message, "%s", error->message);
    duet_error late = {0};
    duet_status met = duet_ranks_gather(ranks, &own, sizeof own, all, &late);
    if (met == DUET_OK)
        met = conclude(ranks, all, error);
    else if (status == DUET_OK)
        (void)duet_fail(error, met, "%s", late.message);
    free(all);
    return met == DUET_OK || status == DUET_OK ? met : error != NULL ? error->status : status;
}

static duet_status time_sums(duet_ranks *ranks, float *values, size_t count, size_t times, double *seconds,
                             duet_error *error)
{
    const double began = duet_seconds();
    for (size_t i = 0; i < times; i++) {
        memset(values, 0, count * sizeof *values);
        DUET_TRY(duet_ranks_sum(ranks, values, count, error));
    }
    *seconds = (duet_seconds() - began) / (double)times;
    return DUET_OK;
}

duet_status duet_ranks_measure(duet_ranks *ranks, duet_link *link, duet_error *error)
{
    enum { NUMBERS = 1 << 19, SMALL_TIMES = 200, LARGE_TIMES = 4 };
    double unused, large = 0;
    *link = (duet_link){0};
    float *values = calloc(NUMBERS, sizeof *values);
    if (values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory to measure the ways between ranks");
    duet_status status = time_sums(ranks, values, 1, SMALL_TIMES / 4, &unused, error); /* connections are made */
    if (status == DUET_OK) status = time_sums(ranks, values, 1, SMALL_TIMES, &link->latency, error);
    if (status == DUET_OK) status = time_sums(ranks, values, NUMBERS, 1, &unused, error);
    if (status == DUET_OK) status = time_sums(ranks, values, NUMBERS, LARGE_TIMES, &large, error);
    if (status == DUET_OK) link->bandwidth = (double)NUMBERS * sizeof *values / large;
    free(values);
    return status == DUET_OK ? duet_ranks_share(ranks, link, sizeof *link, error) : status;
}
