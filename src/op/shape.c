/* SPDX-License-Identifier: MIT */
/* Shape ops. Views move nothing: they change which element a consumer reads. pad and concat choose where an element
 * comes from. Gradients are each other: slice and pad, concat and slice, broadcast and sum. */
#include "op/deal.h"
#include "op/op.h"
#include "op/where.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool duet_shape_broadcast(duet_shape a, duet_shape b, duet_shape *shape)
{
    shape->rank = a.rank > b.rank ? a.rank : b.rank;
    if (shape->rank > DUET_MAX_RANK) return false;
    for (size_t i = 0; i < shape->rank; i++) {
        size_t left = i + a.rank < shape->rank ? 1 : a.dims[i + a.rank - shape->rank];
        size_t right = i + b.rank < shape->rank ? 1 : b.dims[i + b.rank - shape->rank];
        if (left != right && left != 1 && right != 1) return false;
        shape->dims[i] = left == 1 ? right : left;
    }
    return true;
}

static duet_node fail_shapes(const char *where, duet_node x, const char *op, duet_shape wanted)
{
    char has[96], wants[96];
    duet_graph_fail(x->graph, "%s: %s cannot become %s", op, duet_shape_text(x->shape, has),
                    duet_shape_text(wanted, wants));
    return duet_node_broken(x->graph);
}

/* reshape */

static void gradient_reshape(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    gradients[0] = duet_reshape(g, node->inputs[0]->shape);
}

static const duet_op op_reshape = {.name = "reshape", .kind = DUET_OP_VIEW, .gradient = gradient_reshape};
const duet_op duet_op_watch = {.name = "watch", .kind = DUET_OP_VIEW, .gradient = gradient_reshape};
static const duet_op op_stop_gradient = {.name = "stop_gradient", .kind = DUET_OP_VIEW, .blocks_gradient = true};

duet_node duet_reshape_at(const char *where, duet_node x, duet_shape shape)
{
    if (duet_node_is_broken(x)) return x;
    if (duet_shape_equal(x->shape, shape)) return x;
    if (duet_shape_elements(shape) != x->elements) return fail_shapes(where, x, "reshape", shape);
    if (x->op == &op_reshape) return duet_reshape(x->inputs[0], shape);
    return duet_node_make(where, x->graph, &op_reshape, x->type, shape, &x, 1, NULL, true);
}

duet_node duet_stop_gradient_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x) || x->op == &op_stop_gradient || x->op == &duet_op_constant) return x;
    return duet_node_make(where, x->graph, &op_stop_gradient, x->type, x->shape, &x, 1, NULL, true);
}

duet_node duet_watch_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x) || x->op == &duet_op_watch) return x;
    return duet_node_make(where, x->graph, &duet_op_watch, x->type, x->shape, &x, 1, NULL, true);
}

/* broadcast */

static void view_broadcast(duet_node node, const duet_map *outside, duet_map *inside)
{
    for (size_t i = 0; i < node->shape.rank; i++) {
        inside->dims[i] = outside->dims[i];
        if (node->inputs[0]->shape.dims[i] != 1) continue;
        inside->dims[i].source = -1;
        inside->dims[i].step = inside->dims[i].offset = 0;
    }
}

static void gradient_broadcast(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    duet_node x = node->inputs[0];
    unsigned axes = 0;
    for (size_t i = 0; i < node->shape.rank; i++)
        if (node->shape.dims[i] != x->shape.dims[i]) axes |= 1u << i;
    gradients[0] = x->is_ranked ? duet_rank_sum(where, g, axes) : duet_sum(g, axes, true);
}

/* Extents of 1 hold no rows: these stay on their axis. size[0], size[1]: how it is dealt out along what is repeated. */
static duet_dealing deal_broadcast(duet_node node, duet_deal *deal)
{
    *deal = (duet_deal){node->attributes.size[0], node->attributes.size[1]};
    if (deal->outer > 0) return DUET_DEALT;
    if (!duet_is_dealt(node->inputs[0])) return DUET_DEALT_NOT;
    *deal = duet_deal_at(node->shape, duet_deal_find(node->inputs[0]));
    return DUET_DEALT;
}

duet_node duet_flatten_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x) || x->shape.rank == 0) return x;
    return duet_reshape(x, DUET_SHAPE(x->shape.dims[0], x->elements / x->shape.dims[0]));
}

const duet_op duet_op_broadcast = {
    .name = "broadcast", .kind = DUET_OP_VIEW, .view = view_broadcast, .gradient = gradient_broadcast,
    .deal = deal_broadcast};

static duet_node broadcast(const char *where, duet_node x, duet_shape shape, duet_deal deal)
{
    duet_shape joint, ranked = {.rank = shape.rank};
    if (duet_node_is_broken(x)) return x;
    if (deal.outer > 0 && x->op == &duet_op_broadcast && !duet_is_dealt(x)) x = x->inputs[0];
    if (duet_shape_equal(x->shape, shape)) return x;
    if (!duet_shape_broadcast(x->shape, shape, &joint) || !duet_shape_equal(joint, shape))
        return fail_shapes(where, x, "broadcast", shape);
    for (size_t i = 0; i < shape.rank; i++)
        ranked.dims[i] = i + x->shape.rank < shape.rank ? 1 : x->shape.dims[i + x->shape.rank - shape.rank];
    x = duet_reshape(x, ranked);
    if (duet_shape_equal(ranked, shape)) return x;
    if (x->op == &duet_op_broadcast && x->attributes.size[0] == 0) return broadcast(where, x->inputs[0], shape, deal);
    duet_attributes attributes = {.size = {deal.outer, deal.inner}};
    return duet_node_make(where, x->graph, &duet_op_broadcast, x->type, shape, &x, 1, &attributes, true);
}

duet_node duet_broadcast_at(const char *where, duet_node x, duet_shape shape)
{
    return broadcast(where, x, shape, (duet_deal){0});
}

duet_node duet_broadcast_like(const char *where, duet_node x, duet_node like)
{
    if (duet_node_is_broken(x) || duet_is_dealt(x)) return duet_broadcast(x, like->shape);
    return broadcast(where, x, like->shape, like->deal);
}

duet_node duet_repeat_rows_at(const char *where, duet_node x, size_t times)
{
    if (duet_node_is_broken(x) || times == 1) return x;
    duet_shape column = {.rank = x->shape.rank + 1, .dims = {x->shape.dims[0], 1}}, wide, rows = x->shape;
    if (x->shape.rank == 0 || column.rank > DUET_MAX_RANK || times == 0) {
        char text[96];
        duet_graph_fail(x->graph,
                        "repeat_rows: 1 to %d dimensions, each row once at least, were expected, not %s, %zu "
                        "times",
                        DUET_MAX_RANK - 1, duet_shape_text(x->shape, text), times);
        return duet_node_broken(x->graph);
    }
    for (size_t i = 1; i < x->shape.rank; i++) column.dims[i + 1] = x->shape.dims[i];
    wide = column;
    wide.dims[1] = times;
    rows.dims[0] *= times;
    return duet_reshape(duet_broadcast(duet_reshape(x, column), wide), rows);
}

/* permute */

static void view_permute(duet_node node, const duet_map *outside, duet_map *inside)
{
    for (size_t i = 0; i < node->shape.rank; i++) inside->dims[node->attributes.size[i]] = outside->dims[i];
}

static void gradient_permute(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    size_t inverse[DUET_MAX_RANK] = {0};
    for (size_t i = 0; i < node->shape.rank; i++) inverse[node->attributes.size[i]] = i;
    gradients[0] = duet_permute(g, inverse);
}

static duet_dealing deal_permute(duet_node node, duet_deal *deal)
{
    if (!duet_is_dealt(node->inputs[0])) return DUET_DEALT_NOT;
    duet_deal_axis place = duet_deal_find(node->inputs[0]);
    size_t axis = 0;
    while (node->attributes.size[axis] != place.axis) axis++;
    place.axis = axis;
    *deal = duet_deal_at(node->shape, place);
    return DUET_DEALT;
}

static const duet_op op_permute = {
    .name = "permute", .kind = DUET_OP_VIEW, .view = view_permute, .gradient = gradient_permute, .deal = deal_permute};

duet_node duet_permute_at(const char *where, duet_node x, const size_t *order)
{
    if (duet_node_is_broken(x)) return x;
    duet_attributes attributes = {.number = {0}};
    duet_shape shape = {.rank = x->shape.rank};
    unsigned seen = 0;
    bool in_order = true;
    for (size_t i = 0; i < shape.rank; i++) {
        size_t from = order[i];
        if (from >= shape.rank || (seen >> from & 1) != 0) {
            duet_graph_fail(x->graph, "permute: the order names dimension %zu twice or past rank %zu", from,
                            shape.rank);
            return duet_node_broken(x->graph);
        }
        seen |= 1u << from;
        in_order &= from == i;
        shape.dims[i] = x->shape.dims[from];
        attributes.size[i] = x->op == &op_permute ? x->attributes.size[from] : from;
    }
    if (in_order) return x;
    if (x->op == &op_permute) return duet_permute(x->inputs[0], attributes.size);
    return duet_node_make(where, x->graph, &op_permute, x->type, shape, &x, 1, &attributes, true);
}

duet_node duet_untransposed(duet_node x, bool *transpose)
{
    if (x->op != &op_permute) return x;
    for (size_t i = 0; i + 2 < x->shape.rank; i++)
        if (x->attributes.size[i] != i) return x;
    *transpose = !*transpose; /* never the identity, so it swaps the last two */
    return x->inputs[0];
}

duet_node duet_transpose_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    size_t order[DUET_MAX_RANK], rank = x->shape.rank;
    if (rank < 2) {
        duet_graph_fail(x->graph, "transpose: needs at least two dimensions, has %zu", rank);
        return duet_node_broken(x->graph);
    }
    for (size_t i = 0; i < rank; i++) order[i] = i;
    order[rank - 1] = rank - 2;
    order[rank - 2] = rank - 1;
    return duet_permute(x, order);
}

/* The rule of what cuts or joins along axis size[0], `at` elements from where the result or the operand begins: along
 * the rows' own axis in whole batches alone, which a joint batch of real and fake examples has. */
static duet_dealing deal_piece(duet_node node, duet_node x, size_t at, duet_deal *deal)
{
    duet_deal_axis place = duet_deal_find(x);
    if (place.count == 0) return DUET_DEALT_BADLY;
    const size_t extent = node->shape.dims[place.axis], batch = x->shape.dims[place.axis] / place.before;
    if (node->attributes.size[0] == place.axis) {
        if (at % batch != 0 || extent % batch != 0) return DUET_DEALT_BADLY;
        place.before = extent / batch;
    }
    *deal = duet_deal_at(node->shape, place);
    return DUET_DEALT;
}

/* slice: size[0] axis, size[1] start */

static bool bad_axis(const char *where, duet_node x, const char *op, size_t axis)
{
    if (axis < x->shape.rank) return false;
    duet_graph_fail(x->graph, "%s: there is no dimension %zu, the rank is %zu", op, axis, x->shape.rank);
    return true;
}

static void view_slice(duet_node node, const duet_map *outside, duet_map *inside)
{
    memcpy(inside->dims, outside->dims, sizeof inside->dims);
    inside->dims[node->attributes.size[0]].offset += (int64_t)node->attributes.size[1];
}

static void gradient_slice(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    size_t axis = node->attributes.size[0], start = node->attributes.size[1];
    size_t whole = node->inputs[0]->shape.dims[axis], length = node->shape.dims[axis];
    gradients[0] = duet_pad(g, axis, start, whole - start - length);
}

/* Of pad too. */
static duet_dealing deal_slice(duet_node node, duet_deal *deal)
{
    if (!duet_is_dealt(node->inputs[0])) return DUET_DEALT_NOT;
    return deal_piece(node, node->inputs[0], node->attributes.size[1], deal);
}

static const duet_op op_slice = {
    .name = "slice", .kind = DUET_OP_VIEW, .view = view_slice, .gradient = gradient_slice, .deal = deal_slice};

duet_node duet_slice_at(const char *where, duet_node x, size_t axis, size_t start, size_t length)
{
    if (duet_node_is_broken(x)) return x;
    if (bad_axis(where, x, "slice", axis)) return duet_node_broken(x->graph);
    size_t extent = x->shape.dims[axis];
    if (start > extent || length > extent - start || length == 0) {
        duet_graph_fail(x->graph, "slice: elements %zu to %zu of dimension %zu, which has %zu", start, start + length,
                        axis, extent);
        return duet_node_broken(x->graph);
    }
    if (length == extent) return x;
    duet_attributes attributes = {.size = {axis, start}};
    duet_shape shape = x->shape;
    shape.dims[axis] = length;
    return duet_node_make(where, x->graph, &op_slice, x->type, shape, &x, 1, &attributes, true);
}

/* pad: size[0] axis, size[1] before */

/* The map into a part that begins at `start` along `axis`, given the whole's map. */
static duet_map shifted_map(duet_node whole, const duet_map *map, size_t axis, size_t start)
{
    duet_map inside = map->linear ? duet_map_identity(whole->shape) : *map;
    inside.dims[axis].offset -= (int64_t)start;
    return inside;
}

/* The part's element as an expression. Its coordinate is valid only where the part is chosen; elsewhere it wraps around
 * harmlessly. */
static void part_element(duet_kernel_writer *writer, duet_node whole, const duet_map *map, duet_node part, size_t axis,
                         size_t start, char expression[96])
{
    duet_map inside = shifted_map(whole, map, axis, start);
    duet_value index = duet_write_index(writer, part, &inside);
    duet_write_element(writer, part, index.text, true, expression);
}

static duet_value write_pad(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    char element[96];
    size_t axis = node->attributes.size[0], before = node->attributes.size[1];
    duet_node part = node->inputs[0];
    duet_value at = duet_write_coordinate(writer, node, map, axis);
    part_element(writer, node, map, part, axis, before, element);
    return duet_write_let(writer, node->type, "%s - %zuu < %zuu ? %s : 0", at.text, before, part->shape.dims[axis],
                          element);
}

static void gradient_pad(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    size_t axis = node->attributes.size[0];
    gradients[0] = duet_slice(g, axis, node->attributes.size[1], node->inputs[0]->shape.dims[axis]);
}

static const duet_op op_pad = {
    .name = "pad", .kind = DUET_OP_READER, .cost = 2, .write = write_pad, .gradient = gradient_pad, .deal = deal_slice};

duet_node duet_pad_at(const char *where, duet_node x, size_t axis, size_t before, size_t after)
{
    if (duet_node_is_broken(x)) return x;
    if (bad_axis(where, x, "pad", axis)) return duet_node_broken(x->graph);
    if (before == 0 && after == 0) return x;
    duet_attributes attributes = {.size = {axis, before}};
    duet_shape shape = x->shape;
    if (before > UINT32_MAX || after > UINT32_MAX) return fail_shapes(where, x, "pad", shape);
    shape.dims[axis] += before + after;
    return duet_node_make(where, x->graph, &op_pad, x->type, shape, &x, 1, &attributes, true);
}

/* concat: size[0] axis */

static duet_value write_concat(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    size_t axis = node->attributes.size[0], start = node->shape.dims[axis];
    duet_value at = duet_write_coordinate(writer, node, map, axis), value = {"0"};
    for (size_t i = node->input_count; i-- > 0;) {
        char element[96];
        start -= node->inputs[i]->shape.dims[axis];
        part_element(writer, node, map, node->inputs[i], axis, start, element);
        value = i + 1 == node->input_count
                    ? duet_write_let(writer, node->type, "%s >= %zuu ? %s : 0", at.text, start, element)
                    : duet_write_let(writer, node->type, "%s - %zuu < %zuu ? %s : %s", at.text, start,
                                     node->inputs[i]->shape.dims[axis], element, value.text);
    }
    return value;
}

static void gradient_concat(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    size_t axis = node->attributes.size[0], start = 0;
    for (size_t i = 0; i < node->input_count; i++) {
        size_t length = node->inputs[i]->shape.dims[axis];
        gradients[i] = duet_slice(g, axis, start, length);
        start += length;
    }
}

static duet_dealing deal_concat(duet_node node, duet_deal *deal)
{
    duet_deal one = {0};
    size_t start = 0;
    for (size_t i = 0; i < node->input_count; i++) {
        duet_node part = node->inputs[i];
        if (duet_is_dealt(part) && deal_piece(node, part, start, &one) != DUET_DEALT) return DUET_DEALT_BADLY;
        if (duet_is_dealt(part) && !duet_deal_join(deal, one)) return DUET_DEALT_BADLY;
        start += part->shape.dims[node->attributes.size[0]];
    }
    return deal->outer > 0 ? DUET_DEALT : DUET_DEALT_NOT;
}

static const duet_op op_concat = {.name = "concat",
                                  .kind = DUET_OP_READER,
                                  .cost = 3,
                                  .write = write_concat,
                                  .gradient = gradient_concat,
                                  .deal = deal_concat};

static duet_node fail_part(const char *where, duet_node part, duet_node first)
{
    char has[96], wants[96];
    duet_graph_fail(part->graph, "concat: %s cannot become %s", duet_node_text(part, has),
                    duet_node_text(first, wants));
    return duet_node_broken(part->graph);
}

duet_node duet_concat_at(const char *where, const duet_node *parts, size_t count, size_t axis)
{
    enum { MOST = 12 }; /* parts read by one kernel */
    if (count == 0 || parts[0] == NULL) return NULL;
    if (count == 1 || duet_node_is_broken(parts[0])) return parts[0];
    if (count > MOST) {
        duet_node halves[2] = {duet_concat(parts, count / 2, axis),
                               duet_concat(parts + count / 2, count - count / 2, axis)};
        return duet_concat(halves, 2, axis);
    }
    if (bad_axis(where, parts[0], "concat", axis)) return duet_node_broken(parts[0]->graph);
    duet_shape shape = parts[0]->shape;
    for (size_t i = 1; i < count; i++) {
        if (duet_operand_is_broken(where, &op_concat, parts[0], parts[i])) return duet_node_broken(parts[0]->graph);
        duet_shape other = parts[i]->shape;
        size_t extent = axis < other.rank ? other.dims[axis] : 0;
        if (axis < other.rank) other.dims[axis] = shape.dims[axis];
        if (!duet_shape_equal(other, shape) || parts[i]->type != parts[0]->type)
            return fail_part(where, parts[i], parts[0]);
        shape.dims[axis] += extent;
    }
    duet_attributes attributes = {.size = {axis}};
    return duet_node_make(where, parts[0]->graph, &op_concat, parts[0]->type, shape, parts, count, &attributes, true);
}
