/* SPDX-License-Identifier: MIT */
/* Draws that are dealt out to ranks as a value is; batches whose rows the host picks: their places on the device, and
 * the same order computed on the host. */
#ifndef DUET_SRC_OP_RANDOM_H
#define DUET_SRC_OP_RANDOM_H

#include "duet/op.h"

/** As duet_normal and duet_mask, of x's shape: what is drawn for x, whatever rows it has. */
duet_node duet_normal_like(const char *where, duet_node x);
duet_node duet_mask_like(const char *where, duet_node x, double keep);

/** uint32 [count]: where draw number `draws` lies in a ring of `slots` draws of `count` rows each. It stands for
 *  duet_shuffled, whose stream of random numbers it takes (*stream), or for duet_in_order. `slots`: a power of two, so
 *  that the ring goes on where `draws` begins anew at 2^32. */
duet_node duet_in_ring_at(const char *where, duet_node draws, size_t count, size_t slots, bool shuffled,
                          uint32_t *stream);
#define duet_in_ring(draws, count, slots, shuffled, stream)                                                            \
    duet_in_ring_at(DUET_WHERE, (draws), (count), (slots), (shuffled), (stream))

/** What duet_shuffled and duet_in_order are made of. */
typedef struct duet_row_order {
    uint64_t seed; /* of the store in which the graph works */
    uint32_t stream;
    size_t count, n;
    bool shuffled;
} duet_row_order;

/** Element i of draw number `draw` of duet_shuffled(draws, count, n), or of duet_in_order. */
uint32_t duet_row_drawn(const duet_row_order *order, uint32_t draw, uint32_t i);

#endif
