/* SPDX-License-Identifier: MIT */
/* The launches of a plan's sums over ranks: the pieces of one turn, each brought to the host once it is computed and
 * summed there with the other ranks'. */
#ifndef DUET_SRC_PLAN_EXCHANGE_H
#define DUET_SRC_PLAN_EXCHANGE_H

#include "device/launch.h"
#include "plan/lower.h"

/** Elements of a tensor that are summed in one go: all ranks have the same pieces in the same order. */
typedef struct duet_exchange_piece {
    int from, to; /* tensors, mostly the same */
    size_t first, elements;
    size_t ready;  /* the turn after which they are there */
    bool is_large; /* by itself; small ones go together, after the large */
} duet_exchange_piece;

/** The pieces of the steps `first` to `end` - 1, in the order in which they are summed. The caller frees them. */
duet_status duet_lowering_pieces(const duet_lowering *lowering, size_t first, size_t end, duet_exchange_piece **pieces,
                                 size_t *count, duet_error *error);

typedef struct duet_exchange duet_exchange;

/** `from` and `to`: where each piece begins and where its sums go. */
duet_status duet_exchange_new(duet_exchange **exchange, duet_device *device, duet_ranks *ranks,
                              const duet_exchange_piece *pieces, const duet_place *from, const duet_place *to,
                              size_t count, duet_error *error);
void duet_exchange_free(duet_exchange **exchange);
/** Appends the launches that fetch what is ready after that turn, for the sums of step `step`. */
duet_status duet_exchange_append_fetches(duet_exchange *exchange, size_t turn, size_t step, duet_launch_list *list,
                                         duet_error *error);
/** Appends the launch that sums; the list owns the exchange from here on, also after an error. */
duet_status duet_exchange_append(duet_exchange *exchange, duet_launch_list *list, duet_error *error);

#endif
