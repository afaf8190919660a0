/* SPDX-License-Identifier: MIT */
/* Orders: what rank 0 tells the ranks that serve it, as words one after the other, each with its NUL, so that paths and
 * settings may hold any other byte. */
#ifndef DUET_SRC_RUN_ORDER_H
#define DUET_SRC_RUN_ORDER_H

#include "duet/ranks.h"

/** The first word of each. What follows it is written in share.c and search.c, and read in serve.c. */
typedef enum duet_order_kind {
    DUET_ORDER_END,
    DUET_ORDER_OPEN,
    DUET_ORDER_CLOSE,
    DUET_ORDER_ANSWER,
    DUET_ORDER_SEARCH
} duet_order_kind;

/** All zeros is an empty one. */
typedef struct duet_order {
    char *words; /* its own; NULL: none */
    size_t size, at, capacity;
    bool failed; /* out of memory, or more was asked for than there is */
} duet_order;

void duet_order_add(duet_order *order, const char *word);
void duet_order_add_number(duet_order *order, uint64_t number);
/** The next word, which lives as long as the order; "" past the last. */
const char *duet_order_word(duet_order *order);
uint64_t duet_order_number(duet_order *order);
void duet_order_free(duet_order *order);

/** Rank 0 gives it to all others, each of which takes it. Errors also where `failed` is set. */
duet_status duet_order_give(duet_order *order, duet_ranks *ranks, duet_error *error);
duet_status duet_order_take(duet_order *order, duet_ranks *ranks, duet_error *error);

/** What of a request, or of a search, falls to a rank: whole batches of `rows`, so that each is computed as it would be
 *  alone. Rank 0 has some. */
typedef struct duet_part {
    size_t begin, count;
} duet_part;

duet_part duet_part_of(size_t count, size_t rows, const duet_ranks *ranks, size_t rank);

#endif
