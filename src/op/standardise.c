/* SPDX-License-Identifier: MIT */
/* Standardising: the core of every normalisation layer. The forward pass is made of ops, but its gradient is written by
 * hand, still in ops: with y the result it is deviation^-1 (g - mean(g) - y mean(g y)), two sums where the chain rule
 * takes three. This is the whole derivative by x, so no gradient flows through mean and deviation. */
#include <string.h>

#include "op/deal.h"
#include "op/op.h"
#include "op/where.h"

#include <float.h>

/* A mean is rounded to float32, so that what is centred by it has a mean of its own, whose square is too much in the
 * mean of squares. It is no more than that mean, and of no slope. */
duet_node duet_variance_at(const char *where, duet_node x, unsigned axes, bool keep)
{
    duet_node centred = duet_subtract(x, duet_mean(x, axes, true));
    duet_node squares = duet_mean(duet_square(centred), axes, keep),
              excess = duet_square(duet_mean(centred, axes, keep));
    return duet_subtract(squares, duet_stop_gradient(duet_minimum(excess, squares)));
}

/* What `x` is a broadcast of, or `x`. */
static duet_node unstretched(duet_node x)
{
    bool is_broadcast = x->op->kind == DUET_OP_VIEW && strcmp(x->op->name, "broadcast") == 0;
    return is_broadcast ? x->inputs[0] : x;
}

/* If `x` is the product of a value and a factor that is the same all along `axes`, such as a layer's scale: the value,
 * and the factor with extent 1 there. */
static duet_node without_factor(duet_node x, unsigned axes, duet_node *factor)
{
    *factor = NULL;
    if (x->op->kind != DUET_OP_ELEMENTWISE || strcmp(x->op->name, "multiply") != 0) return x;
    for (size_t i = 0; i < 2; i++) {
        duet_node small = unstretched(x->inputs[i]);
        bool is_same = small != x->inputs[i];
        for (size_t d = 0; d < x->shape.rank; d++) is_same &= (axes >> d & 1) == 0 || small->shape.dims[d] == 1;
        if (!is_same) continue;
        *factor = small;
        return x->inputs[1 - i];
    }
    return x;
}

static duet_node mean_of(const char *where, duet_node x, unsigned axes, bool by_rank)
{
    return by_rank ? duet_rank_mean(where, x, axes) : duet_mean(x, axes, true);
}

/* inputs: x, its mean, 1 / deviation; size[0]: the axes, size[1]: whether ranks' rows are apart. */
static void gradient_standardise(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    unsigned axes = (unsigned)node->attributes.size[0];
    const bool by_rank = node->attributes.size[1] != 0;
    duet_node factor, inverse = unstretched(node->inputs[2]);
    /* The gradients of scale and offset need the same sums of the bare value: these are computed once. */
    duet_node value = without_factor(g, axes, &factor);
    duet_node mean = mean_of(where, value, axes, by_rank);
    duet_node slope = mean_of(where, duet_multiply(value, node), axes, by_rank);
    if (factor != NULL) inverse = duet_multiply(inverse, factor);
    duet_node rest = duet_subtract(value, mean);
    rest = duet_subtract(rest, duet_multiply(node, slope));
    gradients[0] = duet_multiply(rest, inverse);
}

static const duet_op op_standardise = {.name = "standardise",
                                       .kind = DUET_OP_ELEMENTWISE,
                                       .cost = 2,
                                       .expression = "(a - b) * c",
                                       .gradient = gradient_standardise};

static duet_node standardise(const char *where, duet_node x, unsigned axes, double epsilon, bool by_rank)
{
    if (duet_node_is_broken(x)) return x;
    if (!(epsilon >= 0 && epsilon <= (double)FLT_MAX)) {
        duet_graph_fail(x->graph, "standardise: epsilon is %g, and a number from 0 on was expected", epsilon);
        return duet_node_broken(x->graph);
    }
    duet_node mean = mean_of(where, x, axes, by_rank);
    duet_node variance = mean_of(where, duet_square(duet_subtract(x, mean)), axes, by_rank);
    duet_node inverse = duet_reciprocal(duet_sqrt(duet_shift(variance, epsilon)));
    if (duet_node_is_broken(inverse)) return inverse;
    duet_node inputs[] = {x, duet_broadcast(mean, x->shape), duet_broadcast(inverse, x->shape)};
    duet_attributes attributes = {.size = {axes & ((1u << x->shape.rank) - 1u), mean->is_ranked}};
    return duet_node_make(where, x->graph, &op_standardise, DUET_FLOAT32, x->shape, inputs, 3, &attributes, true);
}

duet_node duet_standardise_at(const char *where, duet_node x, unsigned axes, double epsilon)
{
    return standardise(where, x, axes, epsilon, false);
}

duet_node duet_rank_standardise(const char *where, duet_node x, unsigned axes, double epsilon)
{
    return standardise(where, x, axes, epsilon, true);
}
