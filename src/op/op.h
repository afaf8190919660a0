/* SPDX-License-Identifier: MIT */
/* What the files of the op layer share. */
#ifndef DUET_SRC_OP_OP_H
#define DUET_SRC_OP_OP_H

#include "duet/op.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "graph/writer.h"

/** The op of duet_watch. */
extern const duet_op duet_op_watch;

/** Rows that the layer above asks for. */
extern const duet_op duet_op_add, duet_op_broadcast, duet_op_divide, duet_op_equal, duet_op_greater,
    duet_op_greater_equal, duet_op_increment, duet_op_less, duet_op_less_equal, duet_op_multiply, duet_op_negate,
    duet_op_not_equal, duet_op_reciprocal, duet_op_square, duet_op_subtract, duet_op_to_float, duet_op_to_index;

/** Whether the graph puts the two operands in the order in which they were made, as a + b is b + a. */
bool duet_op_commutes(const duet_op *op);

/** How a product reads x: if that is a matrix transposed, or many of them, then what they are transposed of, with
 *  *transpose turned; else x. */
duet_node duet_untransposed(duet_node x, bool *transpose);

/** The numbers that duet_constant_values was given for x, or for what x is a view of with the same elements in the same
 *  order; NULL if x is something else. Valid as long as the graph's store. */
const float *duet_constant_numbers(duet_node x);

/** x with the shape of `like`, and dealt out as that is: for sums that came from it. */
duet_node duet_broadcast_like(const char *where, duet_node x, duet_node like);

/** numpy's rule: aligned at the last dimension, extent 1 stretches. False if they do not fit. */
bool duet_shape_broadcast(duet_shape a, duet_shape b, duet_shape *shape);

#endif
