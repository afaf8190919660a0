/* SPDX-License-Identifier: MIT */
/* Rows by index, read where they are used, so that a batch of bytes is never copied. */
#include "graph/deal.h"
#include "op/op.h"
#include "op/where.h"

static duet_value write_gather(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    duet_node table = node->inputs[0], index = node->inputs[1];
    size_t rows = table->shape.dims[0], width = table->elements / rows;
    char element[96];
    duet_value which, inside;
    if (map->linear) {
        duet_shape matrix = DUET_SHAPE(node->shape.dims[0], width);
        which = duet_write_frame(writer, matrix, 0);
        inside = duet_write_frame(writer, matrix, 1);
    } else {
        duet_value at = duet_write_index(writer, node, map);
        which = duet_write_let(writer, DUET_UINT32, "%s / %zuu", at.text, width);
        inside = duet_write_let(writer, DUET_UINT32, "%s %% %zuu", at.text, width);
    }
    duet_write_element(writer, index, which.text, true, element);
    duet_value row = duet_write_let(writer, DUET_UINT32, "min(%s, %zuu)", element, rows - 1);
    duet_value from = duet_write_let(writer, DUET_UINT32, "%s * %zuu + %s", row.text, width, inside.text);
    duet_write_element(writer, table, from.text, true, element);
    return duet_write_let(writer, node->type, "%s", element);
}

/* Each row of the table gets the sum of the gradients of what was read from it: ones^T g, where row i of `ones` has its
 * 1 at index i. */
static void gradient_gather(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    duet_node table = node->inputs[0], index = node->inputs[1];
    size_t rows = table->shape.dims[0], width = table->elements / rows, count = index->elements;
    if (table->type != DUET_FLOAT32) return;
    duet_node last = duet_constant(node->graph, (double)(rows - 1));
    duet_node place = duet_minimum(duet_to_float(index), last); /* an index past the end reads the last row */
    duet_node ones = duet_equal(duet_reshape(place, DUET_SHAPE(count, 1)), duet_range(node->graph, rows));
    duet_node sums = duet_matmul(ones, duet_reshape(g, DUET_SHAPE(count, width)), true, false);
    gradients[0] = duet_reshape(sums, table->shape);
}

static duet_dealing deal_gather(duet_node node, duet_deal *deal)
{
    duet_node table = node->inputs[0], index = node->inputs[1];
    if (duet_is_dealt(table)) return DUET_DEALT_BADLY;
    if (!duet_is_dealt(index)) return DUET_DEALT_NOT;
    *deal = (duet_deal){index->deal.outer, index->deal.inner * (table->elements / table->shape.dims[0])};
    return DUET_DEALT;
}

static const duet_op op_gather = {.name = "gather",
                                  .kind = DUET_OP_READER,
                                  .cost = 8,
                                  .write = write_gather,
                                  .gradient = gradient_gather,
                                  .deal = deal_gather};

duet_node duet_gather_at(const char *where, duet_node table, duet_node index)
{
    if (duet_node_is_broken(table)) return table;
    if (duet_operand_is_broken(where, &op_gather, table, index)) return duet_node_broken(table->graph);
    if (table->shape.rank == 0 || index->shape.rank != 1 || index->type != DUET_UINT32) {
        char has[96], read[96];
        duet_graph_fail(table->graph,
                        "gather: needs a table of rank 1 or more and a uint32 [rows] index, has %s and %s",
                        duet_node_text(table, has), duet_node_text(index, read));
        return duet_node_broken(table->graph);
    }
    duet_shape shape = table->shape;
    shape.dims[0] = index->shape.dims[0];
    return duet_node_make(where, table->graph, &op_gather, table->type, shape, (duet_node[]){table, index}, 2, NULL,
                          true);
}

static duet_value write_with_row(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    duet_node table = node->inputs[0], counter = node->inputs[1], row = node->inputs[2];
    size_t rows = table->elements / row->elements;
    char old[96], fresh[96], count[96];
    duet_value at = duet_write_index(writer, node, map);
    duet_value inside = duet_write_let(writer, DUET_UINT32, "%s %% %zuu", at.text, row->elements);
    duet_write_element(writer, counter, "0u", true, count);
    duet_write_element(writer, table, at.text, true, old);
    duet_write_element(writer, row, inside.text, true, fresh);
    return duet_write_let(writer, node->type, "%s / %zuu == %s %% %zuu ? %s : %s", at.text, row->elements, count, rows,
                          fresh, old);
}

static const duet_op op_with_row = {.name = "with_row",
                                    .kind = DUET_OP_READER,
                                    .cost = 4,
                                    .replaces_row = true,
                                    .blocks_gradient = true,
                                    .write = write_with_row};

duet_node duet_with_row_at(const char *where, duet_node table, duet_node counter, duet_node row)
{
    if (duet_node_is_broken(table)) return table;
    if (duet_operand_is_broken(where, &op_with_row, table, counter) ||
        duet_operand_is_broken(where, &op_with_row, table, row))
        return duet_node_broken(table->graph);
    size_t width = table->shape.rank == 0 ? 0 : table->elements / table->shape.dims[0];
    if (width != row->elements || counter->type != DUET_UINT32 || counter->elements != 1 || table->type != row->type) {
        char has[96], wants[96];
        duet_graph_fail(table->graph, "with_row: a row of %s for a table of %s, a uint32 scalar counter",
                        duet_node_text(row, has), duet_node_text(table, wants));
        return duet_node_broken(table->graph);
    }
    return duet_node_make(where, table->graph, &op_with_row, table->type, table->shape,
                          (duet_node[]){table, counter, row}, 3, NULL, true);
}
