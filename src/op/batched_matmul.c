/* SPDX-License-Identifier: MIT */
/* Products of many matrices that lie one after the other in memory, as attention has them: a family closed under
 * differentiation, like the single product. size[0], size[1]: transpose a, b. */
#include "op/deal.h"
#include "op/op.h"
#include "op/where.h"
#include "product/gemm.h"

static void gradient_batched_matmul(duet_node node, duet_node g, duet_node *gradients)
{
    const char *where = node->where;
    duet_node a = node->inputs[0], b = node->inputs[1];
    bool ta = node->attributes.size[0] != 0, tb = node->attributes.size[1] != 0;
    gradients[0] = ta ? duet_batched_matmul(b, g, tb, true) : duet_batched_matmul(g, b, false, !tb);
    gradients[1] = tb ? duet_batched_matmul(g, a, true, ta) : duet_batched_matmul(a, g, !ta, false);
}

static void describe_products(duet_node node, duet_gemm_shape *shape)
{
    bool transpose_a = node->attributes.size[0] != 0, transpose_b = node->attributes.size[1] != 0;
    size_t rank = node->shape.rank, m = node->shape.dims[rank - 2], n = node->shape.dims[rank - 1];
    *shape = (duet_gemm_shape){.m = m,
                               .n = n,
                               .k = node->inputs[0]->shape.dims[transpose_a ? rank - 2 : rank - 1],
                               .transpose_a = transpose_a,
                               .transpose_b = transpose_b,
                               .batch = node->elements / n / m};
}

/* Rows of the batch are matrices, or rows, columns or terms of each product. */
static duet_dealing deal_products(duet_node node, duet_deal *deal)
{
    for (size_t i = 0; i < 2; i++) {
        if (!duet_is_dealt(node->inputs[i])) continue;
        const duet_deal_axis place = duet_deal_find(node->inputs[i]);
        if (place.axis + 2 >= node->shape.rank)
            return deal->outer == 0 ? duet_deal_product(node, deal) : DUET_DEALT_BADLY;
        const duet_deal found = duet_deal_at(node->shape, place);
        if (deal->outer > 0 && deal->outer != found.outer) return DUET_DEALT_BADLY;
        *deal = found;
    }
    return deal->outer > 0 ? DUET_DEALT : DUET_DEALT_NOT;
}

static const duet_op op_batched_matmul = {.name = "batched_matmul",
                                          .kind = DUET_OP_MATMUL,
                                          .gradient = gradient_batched_matmul,
                                          .product = describe_products,
                                          .deal = deal_products};

/* The result's shape; false if the operands do not fit. */
static bool join(duet_node a, duet_node b, bool transpose_a, bool transpose_b, duet_shape *shape)
{
    size_t rank = a->shape.rank;
    *shape = a->shape;
    if (rank < 2 || b->shape.rank != rank || a->type != DUET_FLOAT32 || b->type != DUET_FLOAT32) return false;
    for (size_t i = 0; i + 2 < rank; i++)
        if (a->shape.dims[i] != b->shape.dims[i]) return false;
    shape->dims[rank - 2] = a->shape.dims[transpose_a ? rank - 1 : rank - 2];
    shape->dims[rank - 1] = b->shape.dims[transpose_b ? rank - 2 : rank - 1];
    return a->shape.dims[transpose_a ? rank - 2 : rank - 1] == b->shape.dims[transpose_b ? rank - 1 : rank - 2];
}

duet_node duet_batched_matmul_at(const char *where, duet_node a, duet_node b, bool transpose_a, bool transpose_b)
{
    if (duet_node_is_broken(a)) return a;
    if (duet_operand_is_broken(where, &op_batched_matmul, a, b)) return duet_node_broken(a->graph);
    char left[96], right[96];
    duet_shape shape;
    if (!join(a, b, transpose_a, transpose_b, &shape)) {
        duet_graph_fail_at(where, a->graph,
                           "batched_matmul: %s%s by %s%s does not fit (float32, equal but for the last two dimensions)",
                           duet_node_text(a, left), transpose_a ? " transposed" : "", duet_node_text(b, right),
                           transpose_b ? " transposed" : "");
        return duet_node_broken(a->graph);
    }
    if (shape.rank == 2) return duet_matmul(a, b, transpose_a, transpose_b);
    a = duet_untransposed(a, &transpose_a);
    b = duet_untransposed(b, &transpose_b);
    duet_attributes attributes = {.size = {transpose_a, transpose_b}};
    return duet_node_make(where, a->graph, &op_batched_matmul, DUET_FLOAT32, shape, (duet_node[]){a, b}, 2, &attributes,
                          true);
}
