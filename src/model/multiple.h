/* SPDX-License-Identifier: MIT */
/* What a node is of another one by numbers alone: a multiple of it and something more. */
#ifndef DUET_SRC_MODEL_MULTIPLE_H
#define DUET_SRC_MODEL_MULTIPLE_H

#include "duet/graph.h"

/** factor * x + term, of each number x of a node, in whatever shape. */
typedef struct duet_multiple {
    double factor, term;
} duet_multiple;

/** The operand that `node` is made of by one number, or a view, with that taken into `it`; NULL: it is made otherwise. */
duet_node duet_multiple_step(duet_node node, duet_multiple *it);

#endif
