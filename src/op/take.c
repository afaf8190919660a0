/* SPDX-License-Identifier: MIT */
/* A slice whose place is known only at run time: row i of a table, column i of a weight. What is sliced is computed
 * where it is read, so that one row of a masked weight costs one row. */
#include "graph/deal.h"
#include "op/op.h"
#include "op/where.h"

/* size[0]: the axis. */
static duet_value write_take(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    duet_node x = node->inputs[0], index = node->inputs[1];
    size_t axis = node->attributes.size[0];
    duet_value coordinates[DUET_MAX_RANK];
    char element[96];
    for (size_t i = 0; i < node->shape.rank; i++) coordinates[i] = duet_write_coordinate(writer, node, map, i);
    duet_write_element(writer, index, coordinates[axis].text, true, element);
    coordinates[axis] = duet_write_let(writer, DUET_UINT32, "min(%s, %zuu)", element, x->shape.dims[axis] - 1);
    duet_map inside = duet_write_coordinates(writer, x->shape, coordinates);
    return duet_write_node(writer, x, &inside);
}

static duet_dealing deal_take(duet_node node, duet_deal *deal)
{
    const size_t axis = node->attributes.size[0];
    const bool whole = !duet_is_dealt(node->inputs[0]), chosen = duet_is_dealt(node->inputs[1]);
    if (whole && !chosen) return DUET_DEALT_NOT;
    duet_deal_axis place = duet_deal_find(node->inputs[chosen]);
    if (!whole && (chosen || place.axis == axis)) return DUET_DEALT_BADLY;
    if (chosen) place.axis = axis; /* the table is the same for all rows, each of which says what it takes of it */
    *deal = duet_deal_at(node->shape, place);
    return DUET_DEALT;
}

static const duet_op op_take = {
    .name = "take", .kind = DUET_OP_READER, .cost = 8, .write = write_take, .deal = deal_take};

duet_node duet_take_at(const char *where, duet_node x, size_t axis, duet_node index)
{
    if (duet_node_is_broken(x)) return x;
    if (duet_operand_is_broken(where, &op_take, x, index)) return duet_node_broken(x->graph);
    if (axis >= x->shape.rank || index->type != DUET_UINT32 || index->shape.rank > 1) {
        char has[96], read[96];
        duet_graph_fail(x->graph, "take: an axis of %s, not %zu, and a uint32 index [count], not %s, were expected",
                        duet_node_text(x, has), axis, duet_node_text(index, read));
        return duet_node_broken(x->graph);
    }
    duet_shape shape = x->shape;
    shape.dims[axis] = index->elements;
    duet_attributes attributes = {.size = {axis}};
    return duet_node_make(where, x->graph, &op_take, x->type, shape, (duet_node[]){x, index}, 2, &attributes, true);
}
