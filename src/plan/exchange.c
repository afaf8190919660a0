/* SPDX-License-Identifier: MIT */
/* Exchanges between ranks as launches. A fetch only tells the device to bring a piece to the host, so that the queue goes
 * on behind it; the sum waits for the first piece, adds it up with the other ranks while the device computes the next,
 * and gives it back. Where the device shares the host's memory pieces are summed where they lie. */
#include "plan/exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "device/staging.h"

typedef struct piece {
    duet_taken part;
    duet_place to;
    size_t elements, ready;
    bool is_large;
} piece;

struct duet_exchange {
    duet_device *device;
    duet_ranks *ranks;
    duet_staging *staging; /* of what is not mapped */
    float *small;          /* the small pieces, in it, one after the other */
    size_t small_elements, elements, count;
    piece pieces[];
};

static bool stays(const duet_exchange_piece *told)
{
    return told->from == told->to;
}

static void set_pieces(duet_exchange *it, const duet_exchange_piece *told, const duet_place *from,
                       const duet_place *to)
{
    const bool is_shared = duet_device_is_shared(it->device);
    for (size_t i = 0; i < it->count; i++) {
        it->pieces[i] = (piece){.part = {.buffer = from[i].buffer,
                                         .offset = from[i].offset * sizeof(float),
                                         .bytes = told[i].elements * sizeof(float),
                                         .maps = is_shared && told[i].is_large && stays(&told[i])},
                                .to = to[i],
                                .elements = told[i].elements,
                                .ready = told[i].ready,
                                .is_large = told[i].is_large};
        it->elements += told[i].elements;
        if (!told[i].is_large) it->small_elements += told[i].elements;
    }
}

static size_t staged_elements(const duet_exchange *it)
{
    size_t staged = 0;
    for (size_t i = 0; i < it->count; i++) staged += it->pieces[i].part.maps ? 0 : it->pieces[i].elements;
    return staged;
}

/* Small pieces first, so that they are one row of numbers. */
static void share_staging(duet_exchange *it)
{
    float *at = it->small = duet_staging_memory(it->staging);
    if (at == NULL) return; /* on paper */
    for (int large = 0; large < 2; large++)
        for (size_t i = 0; i < it->count; i++) {
            if (it->pieces[i].is_large != (large == 1) || it->pieces[i].part.maps) continue;
            it->pieces[i].part.values = at;
            at += it->pieces[i].elements;
        }
}

duet_status duet_exchange_new(duet_exchange **exchange, duet_device *device, duet_ranks *ranks,
                              const duet_exchange_piece *pieces, const duet_place *from, const duet_place *to,
                              size_t count, duet_error *error)
{
    size_t bytes;
    const bool fits = duet_size_multiply(count, sizeof(piece), &bytes) &&
                      duet_size_add(bytes, sizeof(duet_exchange), &bytes);
    duet_exchange *made = *exchange = fits ? calloc(1, bytes) : NULL;
    if (made == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for sums over ranks");
    made->device = device;
    made->ranks = ranks;
    made->count = count;
    set_pieces(made, pieces, from, to);
    DUET_TRY(duet_staging_new(&made->staging, device, staged_elements(made) * sizeof(float), error));
    share_staging(made);
    return DUET_OK;
}

void duet_exchange_free(duet_exchange **exchange)
{
    duet_exchange *old = *exchange;
    *exchange = NULL;
    if (old == NULL) return;
    for (size_t i = 0; i < old->count; i++) (void)duet_taken_wait(&old->pieces[i].part, NULL);
    duet_staging_free(&old->staging);
    free(old);
}

/* What a fetch is of: a large piece. Small ones are fetched by the sum. */
typedef struct fetch_arguments {
    duet_exchange *exchange;
    size_t index;
} fetch_arguments;

static duet_status fetch(duet_device *device, const void *arguments, cl_event *event, duet_error *error)
{
    const fetch_arguments *it = arguments;
    (void)event; /* a sum always follows */
    return duet_taken_fetch(device, &it->exchange->pieces[it->index].part, error);
}

duet_status duet_exchange_append_fetches(duet_exchange *exchange, size_t turn, size_t step, duet_launch_list *list,
                                         duet_error *error)
{
    for (size_t i = 0; i < exchange->count; i++) {
        const piece *it = &exchange->pieces[i];
        if (!it->is_large || it->ready != turn) continue;
        fetch_arguments *arguments = malloc(sizeof *arguments);
        if (arguments == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for sums over ranks");
        *arguments = (fetch_arguments){exchange, i};
        duet_launch launch = {.call = {.enqueue = fetch, .arguments = arguments},
                              .bytes = it->part.maps ? 0 : (double)it->part.bytes,
                              .step = step,
                              .prepares = 1};
        snprintf(launch.name, sizeof launch.name, "fetch of %zu numbers", it->elements);
        DUET_TRY(duet_launch_append(list, &launch, error));
    }
    return DUET_OK;
}

static duet_status give(duet_exchange *it, piece *of, bool is_last, cl_event *event, duet_error *error)
{
    return duet_taken_give(it->device, &of->part, of->to.buffer, of->to.offset * sizeof(float), is_last ? event : NULL,
                           error);
}

static duet_status sum_large(duet_exchange *it, bool ends, cl_event *event, duet_error *error)
{
    size_t last = it->count;
    for (size_t i = 0; i < it->count; i++)
        if (it->pieces[i].is_large) last = i;
    for (size_t i = 0; i < it->count; i++) {
        piece *of = &it->pieces[i];
        if (!of->is_large) continue;
        DUET_TRY(duet_taken_wait(&of->part, error));
        DUET_TRY(duet_ranks_sum(it->ranks, of->part.values, of->elements, error));
        DUET_TRY(give(it, of, ends && i == last, event, error));
    }
    return DUET_OK;
}

static duet_status sum_small(duet_exchange *it, cl_event *event, duet_error *error)
{
    size_t last = it->count;
    for (size_t i = 0; i < it->count; i++) {
        if (it->pieces[i].is_large) continue;
        DUET_TRY(duet_taken_wait(&it->pieces[i].part, error));
        last = i;
    }
    DUET_TRY(duet_ranks_sum(it->ranks, it->small, it->small_elements, error));
    for (size_t i = 0; i < it->count; i++)
        if (!it->pieces[i].is_large) DUET_TRY(give(it, &it->pieces[i], i == last, event, error));
    return DUET_OK;
}

static duet_status sum(duet_device *device, const void *arguments, cl_event *event, duet_error *error)
{
    duet_exchange *it = (duet_exchange *)(uintptr_t)arguments;
    const bool has_small = it->small_elements > 0;
    for (size_t i = 0; i < it->count; i++)
        if (!it->pieces[i].is_large) DUET_TRY(duet_taken_fetch(device, &it->pieces[i].part, error));
    DUET_TRY(duet_device_flush(device, error));
    DUET_TRY(sum_large(it, !has_small, event, error));
    return has_small ? sum_small(it, event, error) : DUET_OK;
}

static void release(void *arguments)
{
    duet_exchange *it = arguments;
    duet_exchange_free(&it);
}

duet_status duet_exchange_append(duet_exchange *exchange, duet_launch_list *list, duet_error *error)
{
    duet_launch launch = {.call = {.enqueue = sum, .arguments = exchange, .release = release},
                          .bytes = 2.0 * (double)exchange->elements * sizeof(float)};
    snprintf(launch.name, sizeof launch.name, "all_reduce of %zu number%s", exchange->elements,
             exchange->elements == 1 ? "" : "s");
    return duet_launch_append(list, &launch, error);
}
