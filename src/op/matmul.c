/* SPDX-License-Identifier: MIT */
/* Matrix product with both transposes: a family closed under differentiation. size[0], size[1]: transpose a, b. */
#include "op/deal.h"
#include "op/op.h"
#include "op/where.h"
#include "product/gemm.h"

static void gradient_matmul(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    duet_node a = node->inputs[0], b = node->inputs[1];
    bool ta = node->attributes.size[0] != 0, tb = node->attributes.size[1] != 0;
    gradients[0] = ta ? duet_matmul(b, g, tb, true) : duet_matmul(g, b, false, !tb);
    gradients[1] = tb ? duet_matmul(g, a, true, ta) : duet_matmul(a, g, !ta, false);
}

static void describe_product(duet_node node, duet_gemm_shape *shape)
{
    bool transpose_a = node->attributes.size[0] != 0, transpose_b = node->attributes.size[1] != 0;
    *shape = (duet_gemm_shape){.m = node->shape.dims[0],
                               .n = node->shape.dims[1],
                               .k = node->inputs[0]->shape.dims[transpose_a ? 0 : 1],
                               .transpose_a = transpose_a,
                               .transpose_b = transpose_b};
}

duet_dealing duet_deal_product(duet_node node, duet_deal *deal)
{
    duet_node a = node->inputs[0], b = node->inputs[1];
    const bool left = duet_is_dealt(a), right = duet_is_dealt(b);
    if (!left && !right) return DUET_DEALT_NOT;
    duet_deal_axis in_a = left ? duet_deal_find(a) : (duet_deal_axis){0}, in_b = right ? duet_deal_find(b) : in_a;
    const size_t first = node->shape.rank - 2; /* of the two axes that are the matrix */
    if ((left && in_a.axis < first) || (right && in_b.axis < first)) return DUET_DEALT_BADLY;
    const bool rows = left && in_a.axis == first + (node->attributes.size[0] != 0), /* of C, */
        columns = right && in_b.axis == first + (node->attributes.size[1] == 0);    /* and else the terms of its sums */
    if ((left && in_a.count == 0) || (right && in_b.count == 0)) return DUET_DEALT_BADLY;
    if (!rows && !columns)
        return left && right && in_a.before != in_b.before ? DUET_DEALT_BADLY : DUET_DEALT_SUM;
    if (left && right) return DUET_DEALT_BADLY;
    duet_deal_axis place = rows ? in_a : in_b;
    place.axis = first + columns;
    *deal = duet_deal_at(node->shape, place);
    return DUET_DEALT;
}

static const duet_op op_matmul = {.name = "matmul",
                                  .kind = DUET_OP_MATMUL,
                                  .gradient = gradient_matmul,
                                  .product = describe_product,
                                  .deal = duet_deal_product};

duet_node duet_matmul_at(const char *where, duet_node a, duet_node b, bool transpose_a, bool transpose_b)
{
    if (duet_node_is_broken(a)) return a;
    if (duet_operand_is_broken(where, &op_matmul, a, b)) return duet_node_broken(a->graph);
    char left[96], right[96];
    bool fits = a->shape.rank == 2 && b->shape.rank == 2 && a->type == DUET_FLOAT32 && b->type == DUET_FLOAT32;
    if (!fits || a->shape.dims[transpose_a ? 0 : 1] != b->shape.dims[transpose_b ? 1 : 0]) {
        duet_graph_fail(a->graph, "matmul: %s%s by %s%s does not fit (float32, two dimensions each)",
                        duet_node_text(a, left), transpose_a ? " transposed" : "", duet_node_text(b, right),
                        transpose_b ? " transposed" : "");
        return duet_node_broken(a->graph);
    }
    a = duet_untransposed(a, &transpose_a);
    b = duet_untransposed(b, &transpose_b);
    duet_attributes attributes = {.size = {transpose_a, transpose_b}};
    duet_shape shape = DUET_SHAPE(a->shape.dims[transpose_a ? 1 : 0], b->shape.dims[transpose_b ? 0 : 1]);
    return duet_node_make(where, a->graph, &op_matmul, DUET_FLOAT32, shape, (duet_node[]){a, b}, 2, &attributes, true);
}
