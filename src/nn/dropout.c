/* SPDX-License-Identifier: MIT */
/* Dropout: the mask is a function of (seed, stream, clock, element), so forward and backward pass each compute it. */
#include "duet/nn.h"
#include "graph/node.h"
#include "op/random.h"
#include "op/where.h"

duet_node duet_dropout_at(const char *where, duet_node x, double rate)
{
    if (duet_node_is_broken(x)) return x;
    if (!(rate >= 0 && rate < 1)) {
        duet_graph_fail(x->graph, "dropout: a rate in [0, 1) was expected, not %g", rate);
        return duet_node_broken(x->graph);
    }
    if (x->type != DUET_FLOAT32) {
        duet_graph_fail(x->graph, "dropout: an operand is %s, float32 was expected", duet_type_name(x->type));
        return duet_node_broken(x->graph);
    }
    if (rate == 0 || !duet_graph_training(x->graph)) return x;
    duet_node mask = duet_mask_like(where, x, 1 - rate);
    return duet_multiply(duet_scale(x, 1 / (1 - rate)), mask);
}
