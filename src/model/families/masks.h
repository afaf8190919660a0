/* SPDX-License-Identifier: MIT */
/* The orders of inputs and the degrees of units that MADE's masks are made of, as tables with a row for each set of
 * masks. They follow from the numbers given here alone, so that every graph of a run has the same. */
#ifndef DUET_SRC_MODEL_FAMILIES_MASKS_H
#define DUET_SRC_MODEL_FAMILIES_MASKS_H

#include "duet/model.h"

/** [sets, inputs] each: the input that stands at place i, and the place at which input i stands. Of `orders` different
 *  ones, which sets take by turns, the first is that of the data; the others are shuffled. */
void duet_masks_orders(duet_model *model, size_t sets, size_t orders, size_t inputs, duet_node *order,
                       duet_node *place);
/** [sets, units]: a unit of degree n, from 0 to inputs - 2, sees the inputs at places 0 to n. Sets take `deals` by
 * turns; a deal gives units the degrees in order, going on where the deal before ended, or (`random`) any, each as
 * likely. */
duet_node duet_masks_degrees(duet_model *model, size_t sets, size_t deals, bool random, size_t layer, size_t units,
                             size_t inputs);

#endif
