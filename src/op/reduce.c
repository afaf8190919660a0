/* SPDX-License-Identifier: MIT */
/* Reductions: sum and max are primitive, mean and logsumexp are made of them. The reduced axes stay with extent 1
 * inside the op (size[0] is their mask); a reshape drops them. */
#include "op/deal.h"
#include "op/op.h"
#include "op/where.h"

#include <float.h>

static void gradient_sum(duet_node node, duet_node g, duet_node *gradients)
{
    gradients[0] = duet_broadcast_like(node->where, g, node->inputs[0]);
}

/* How far each element is from the end of its maximum's, counted over the reduced axes: the first one's is the largest.
 */
static duet_node distance_from_end(const char *where, duet_node x, unsigned axes)
{
    duet_node ahead = NULL;
    double stride = 1, count = 1;
    for (size_t i = 0; i < x->shape.rank; i++)
        if ((axes >> i & 1) != 0) count *= (double)x->shape.dims[i];
    for (size_t axis = x->shape.rank; axis-- > 0;) {
        if ((axes >> axis & 1) == 0 || x->shape.dims[axis] == 1) continue;
        duet_shape along = {.rank = x->shape.rank};
        for (size_t i = 0; i < along.rank; i++) along.dims[i] = i == axis ? x->shape.dims[axis] : 1;
        duet_node place = duet_scale(duet_reshape(duet_range(x->graph, x->shape.dims[axis]), along), -stride);
        ahead = ahead == NULL ? duet_shift(place, count) : duet_add(ahead, place);
        stride *= (double)x->shape.dims[axis];
    }
    return ahead;
}

/* The reduced axes from *axis on that float32 can count over together, at least one; *axis: the one behind them. */
static unsigned countable_axes(duet_node x, unsigned axes, size_t *axis)
{
    unsigned group = 0;
    double count = 1;
    for (; *axis < x->shape.rank; ++*axis) {
        if ((axes >> *axis & 1) == 0) continue;
        count *= (double)x->shape.dims[*axis];
        if (group != 0 && count > 1 << FLT_MANT_DIG) break;
        group |= 1u << *axis;
    }
    return group;
}

/* The first of the elements that equal the maximum gets it all, as where windows of a picture are compared one by one:
 * an equal share each would be the slope of no order of them. */
static void gradient_max(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    duet_node x = node->inputs[0];
    unsigned axes = (unsigned)node->attributes.size[0];
    duet_node is_first = duet_equal(x, duet_broadcast(node, x->shape));
    for (size_t axis = 0; axis < x->shape.rank;) { /* from the outermost on, of those left the ones that come first */
        const unsigned group = countable_axes(x, axes, &axis);
        if (group == 0) break;
        duet_node ahead = duet_multiply(is_first, distance_from_end(where, x, group));
        is_first = duet_multiply(is_first, duet_equal(ahead, duet_max(ahead, axes, true)));
    }
    gradients[0] = duet_multiply(is_first, g);
}

static duet_dealing deal_sum(duet_node node, duet_deal *deal)
{
    if (!duet_is_dealt(node->inputs[0])) return DUET_DEALT_NOT;
    const duet_deal_axis place = duet_deal_find(node->inputs[0]);
    if ((node->attributes.size[0] >> place.axis & 1) != 0)
        return place.count > 0 || node->elements == 1 ? DUET_DEALT_SUM : DUET_DEALT_BADLY;
    *deal = duet_deal_at(node->shape, place);
    return DUET_DEALT;
}

static duet_dealing deal_max(duet_node node, duet_deal *deal)
{
    const duet_dealing dealing = deal_sum(node, deal);
    return dealing == DUET_DEALT_SUM ? DUET_DEALT_BADLY : dealing;
}

static const duet_op op_sum = {.name = "sum",
                               .kind = DUET_OP_REDUCE,
                               .cost = 1,
                               .expression = "a + b",
                               .start = "0.0f",
                               .gradient = gradient_sum,
                               .deal = deal_sum};
static const duet_op op_max = {.name = "max",
                               .kind = DUET_OP_REDUCE,
                               .cost = 1,
                               .expression = "b > a || isnan(b) ? b : a",
                               .start = "-INFINITY",
                               .gradient = gradient_max,
                               .deal = deal_max};

static duet_shape reduced_shape(duet_shape shape, unsigned axes, bool keep)
{
    duet_shape result = {.rank = 0};
    for (size_t i = 0; i < shape.rank; i++) {
        bool reduced = (axes >> i & 1u) != 0;
        if (keep || !reduced) result.dims[result.rank++] = reduced ? 1 : shape.dims[i];
    }
    return result;
}

static duet_node reduce(const char *where, const duet_op *op, duet_node x, unsigned axes, bool keep)
{
    if (duet_node_is_broken(x)) return x;
    unsigned all = (1u << x->shape.rank) - 1u, inner = axes & all;
    if (x->type != DUET_FLOAT32 || (axes != DUET_ALL_AXES && (axes & ~all) != 0)) {
        char over[96];
        duet_graph_fail(x->graph, "%s: axes %s of a value of rank %zu, which must be float32 and is %s", op->name,
                        duet_axes_text(axes, over), x->shape.rank, duet_type_name(x->type));
        return duet_node_broken(x->graph);
    }
    duet_attributes attributes = {.size = {inner}};
    duet_shape kept = reduced_shape(x->shape, inner, true);
    duet_node result = duet_shape_equal(kept, x->shape)
                           ? x
                           : duet_node_make(where, x->graph, op, DUET_FLOAT32, kept, &x, 1, &attributes, true);
    return keep ? result : duet_reshape(result, reduced_shape(x->shape, inner, false));
}

duet_node duet_sum_at(const char *where, duet_node x, unsigned axes, bool keep)
{
    return reduce(where, &op_sum, x, axes, keep);
}

duet_node duet_max_at(const char *where, duet_node x, unsigned axes, bool keep)
{
    return reduce(where, &op_max, x, axes, keep);
}

duet_node duet_mean_at(const char *where, duet_node x, unsigned axes, bool keep)
{
    duet_node sum = duet_sum(x, axes, keep);
    if (duet_node_is_broken(sum)) return sum;
    return duet_scale(sum, duet_whole_elements(sum) / duet_whole_elements(x));
}

duet_node duet_rank_sum(const char *where, duet_node x, unsigned axes)
{
    duet_node sum = duet_sum(x, axes, true);
    return sum != x && sum->op == &duet_op_all_reduce ? sum->inputs[0] : sum;
}

duet_node duet_rank_mean(const char *where, duet_node x, unsigned axes)
{
    duet_node sum = duet_rank_sum(where, x, axes);
    if (!sum->is_ranked) return duet_mean(x, axes, true);
    return duet_scale(sum, (double)sum->elements / (double)x->elements);
}

duet_node duet_logsumexp_at(const char *where, duet_node x, unsigned axes, bool keep)
{
    duet_node largest = duet_stop_gradient(duet_max(x, axes, true));
    duet_node sum = duet_sum(duet_exp(duet_subtract(x, largest)), axes, true);
    duet_node result = duet_add(largest, duet_log(sum));
    return duet_node_is_broken(result) ? result : duet_reshape(result, reduced_shape(x->shape, axes, keep));
}

duet_node duet_sum_features_at(const char *where, duet_node x)
{
    return duet_node_is_broken(x) ? x : duet_sum(x, ((1u << x->shape.rank) - 1u) & ~1u, false);
}

duet_node duet_batch_mean_at(const char *where, duet_node x)
{
    return duet_mean(x, DUET_ALL_AXES, false);
}
