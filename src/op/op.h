/* What the files of the op layer share. */
#ifndef DUET_SRC_OP_OP_H
#define DUET_SRC_OP_OP_H

#include "duet/op.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "graph/writer.h"

/** The op of duet_watch. */
extern const duet_op duet_op_watch;

/** The operand if x is a matrix transposed, else NULL. */
duet_node duet_untransposed(duet_node x);

/** numpy's rule: aligned at the last dimension, extent 1 stretches. False if they do not fit. */
bool duet_shape_broadcast(duet_shape a, duet_shape b, duet_shape *shape);

#endif
