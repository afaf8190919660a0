/* SPDX-License-Identifier: MIT */
/* Classes: softmax over the last dimension, indices as rows of one 1, and the place of the largest. All are
 * compositions: a comparison with a range makes the rows, so nothing is scattered. */
#include "op/op.h"
#include "op/where.h"

static bool has_features(const char *where, const char *what, duet_node x)
{
    if (x->shape.rank > 0 && x->type == DUET_FLOAT32) return true;
    char text[96];
    duet_graph_fail(x->graph, "%s: float32 with at least one dimension was expected, not %s", what,
                    duet_node_text(x, text));
    return false;
}

/* Counted from the largest, as the logarithm of a sum far from 0 would be rounded at the size of that distance. */
duet_node duet_log_softmax_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    if (!has_features(where, "log_softmax", x)) return duet_node_broken(x->graph);
    const unsigned last = DUET_AXIS(x->shape.rank - 1);
    duet_node below = duet_subtract(x, duet_stop_gradient(duet_max(x, last, true)));
    return duet_subtract(below, duet_log(duet_sum(duet_exp(below), last, true)));
}

/* Not e^x over its sum, whose gradient divides twice for each element: a step with it took a fifth longer. */
duet_node duet_softmax_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    if (!has_features(where, "softmax", x)) return duet_node_broken(x->graph);
    return duet_exp(duet_log_softmax(x));
}

/* 1 where the range over the last dimension is `place` ([..., 1]), else 0. */
static duet_node ones_at(const char *where, duet_node place, size_t classes)
{
    return duet_equal(place, duet_range(place->graph, classes));
}

duet_node duet_one_hot_at(const char *where, duet_node index, size_t classes)
{
    if (duet_node_is_broken(index)) return index;
    duet_shape shape = index->shape;
    if (shape.rank == DUET_MAX_RANK || (index->type != DUET_UINT32 && index->type != DUET_UINT8)) {
        char text[96];
        duet_graph_fail(index->graph, "one_hot: whole numbers of at most %d dimensions were expected, not %s",
                        DUET_MAX_RANK - 1, duet_node_text(index, text));
        return duet_node_broken(index->graph);
    }
    shape.dims[shape.rank++] = 1;
    return ones_at(where, duet_reshape(duet_to_float(index), shape), classes);
}

duet_node duet_largest_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    if (!has_features(where, "largest", x)) return duet_node_broken(x->graph);
    size_t classes = duet_features(x);
    unsigned last = DUET_AXIS(x->shape.rank - 1);
    duet_node is_most = duet_equal(x, duet_max(x, last, true));
    /* the first of equal maxima: classes - place is largest there, and other elements are 0 */
    duet_node ahead = duet_shift(duet_negate(duet_range(x->graph, classes)), (double)classes);
    duet_node first = duet_max(duet_multiply(is_most, ahead), last, true);
    return ones_at(where, duet_shift(duet_negate(first), (double)classes), classes);
}
