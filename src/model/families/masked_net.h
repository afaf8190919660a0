/* SPDX-License-Identifier: MIT */
/* MADE's net (Germain et al. 2015, arXiv:1502.03509, sec. 3 and 4): dense layers under masks, which follow from an
 * order of the inputs and from how many of them, in that order, each hidden unit may see. There may be several sets of
 * both. */
#ifndef DUET_SRC_MODEL_FAMILIES_MASKED_NET_H
#define DUET_SRC_MODEL_FAMILIES_MASKED_NET_H

#include "duet/model.h"

enum { DUET_MOST_MASKS = 64 };

/** The rows of the settings table that duet_masked_net_new reads. */
#define DUET_MASKED_NET_SETTINGS                                                                                       \
    DUET_SIZES("hidden", "500", "widths of the hidden layers"),                                                        \
        DUET_COUNT("orders", 1, 1, DUET_MOST_MASKS, "orders of the inputs: that of the data, then shuffled ones"),     \
        DUET_COUNT("masks", 1, 1, DUET_MOST_MASKS, "connectivities: ways to give hidden units their degrees"),         \
        DUET_CHOICE("degrees", "random", "random|cycle|rising",                                                        \
                    "how hidden units get their degrees: any, in turn, or any in rising order, which is faster")

/** Masks of one set, [1, ...], or a row each: the input that stands at a place, the place at which an input stands
 *  and the place before that, all [.., inputs], and of each hidden layer its units' degrees, [.., units]: up to which
 * place a unit sees. */
typedef struct duet_masks {
    duet_node order, place, before, degrees[DUET_MOST_SIZES];
} duet_masks;

typedef struct duet_masked_net {
    size_t inputs, values, outputs;        /**< an input enters as so many numbers; so many say how it is distributed */
    size_t layers, units[DUET_MOST_SIZES]; /**< hidden ones */
    size_t sets;                           /**< of masks */
    duet_node weights[DUET_MOST_SIZES + 1], biases[DUET_MOST_SIZES + 1]; /**< [out, in], bare; layer `layers` is last */
    duet_masks all;                                                      /**< [sets, ...] */
} duet_masked_net;

/** The net of the group "net". layers is 0, and a mistake in the graph, if the settings name none. */
duet_masked_net duet_masked_net_new(duet_model *model, size_t inputs);
/** Masks of set number `set`. */
duet_masks duet_masks_of(const duet_masked_net *net, size_t set);
/** Masks of the sets whose numbers (uint32, [rows] or a scalar) the device knows. */
duet_masks duet_masks_at(const duet_masked_net *net, duet_node sets);
/** x [rows, inputs] to [rows, inputs * outputs] under one set of masks. Categorical inputs enter as rows of one 1. */
duet_node duet_masked_net_outputs(duet_model *model, const duet_masked_net *net, const duet_masks *masks, duet_node x);

#endif
