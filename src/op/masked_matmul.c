/* SPDX-License-Identifier: MIT */
/* Matrix product with masked weights. The mask is the relation low <= high between numbers of two of the product's
 * three extents, m, n and k; each derivative is a product with the same relation between the same extents, under other
 * names. So the relation goes with the product to its provider, which may skip what the mask empties: terms of an
 * operand that are zero, or results that are multiplied by zero afterwards. One that does not know of it just
 * multiplies. size[0], size[1]: transpose a, b; size[2], size[3]: whose numbers inputs 2 and 3, low and high, are. */
#include "op/deal.h"
#include "op/op.h"
#include "op/where.h"
#include "product/gemm.h"

static void describe_product(duet_node node, duet_gemm_shape *shape)
{
    bool transpose_a = node->attributes.size[0] != 0, transpose_b = node->attributes.size[1] != 0;
    *shape = (duet_gemm_shape){.m = node->shape.dims[0],
                               .n = node->shape.dims[1],
                               .k = node->inputs[0]->shape.dims[transpose_a ? 0 : 1],
                               .transpose_a = transpose_a,
                               .transpose_b = transpose_b,
                               .low = (duet_gemm_extent)node->attributes.size[2],
                               .high = (duet_gemm_extent)node->attributes.size[3]};
}

static void gradient_product(duet_node node, duet_node g, duet_node *gradients);

static const duet_op op_masked_matmul = {.name = "masked_matmul",
                                         .kind = DUET_OP_MATMUL,
                                         .gradient = gradient_product,
                                         .product = describe_product,
                                         .deal = duet_deal_product};

static duet_node product_of(duet_node a, duet_node b, bool transpose_a, bool transpose_b, duet_node low, duet_node high,
                            duet_gemm_extent low_of, duet_gemm_extent high_of, const char *where)
{
    a = duet_untransposed(a, &transpose_a);
    b = duet_untransposed(b, &transpose_b);
    duet_attributes attributes = {.size = {transpose_a, transpose_b, low_of, high_of}};
    duet_shape shape = DUET_SHAPE(a->shape.dims[transpose_a ? 1 : 0], b->shape.dims[transpose_b ? 0 : 1]);
    return duet_node_make(where, a->graph, &op_masked_matmul, DUET_FLOAT32, shape, (duet_node[]){a, b, low, high}, 4,
                          &attributes, true);
}

/* A product like `node` whose extents are the node's under other names: renamed[e] is what its extent e is here. */
static duet_node derivative(duet_node node, duet_node a, duet_node b, bool transpose_a, bool transpose_b,
                            const duet_gemm_extent renamed[DUET_GEMM_EXTENTS])
{
    return product_of(a, b, transpose_a, transpose_b, node->inputs[2], node->inputs[3],
                      renamed[node->attributes.size[2]], renamed[node->attributes.size[3]], node->where);
}

static void gradient_product(duet_node node, duet_node g, duet_node *gradients)
{
    const duet_gemm_extent none = DUET_GEMM_NO_EXTENT, m = DUET_GEMM_M, n = DUET_GEMM_N, k = DUET_GEMM_K;
    const duet_gemm_extent of_a[] = {none, m, k, n}, of_a_transposed[] = {none, n, k, m};
    const duet_gemm_extent of_b[] = {none, k, n, m}, of_b_transposed[] = {none, k, m, n};
    duet_node a = node->inputs[0], b = node->inputs[1];
    bool ta = node->attributes.size[0] != 0, tb = node->attributes.size[1] != 0;
    gradients[0] = ta ? derivative(node, b, g, tb, true, of_a_transposed) : derivative(node, g, b, false, !tb, of_a);
    gradients[1] = tb ? derivative(node, g, a, true, ta, of_b_transposed) : derivative(node, a, g, !ta, false, of_b);
}

static bool fits(duet_node x, duet_node weights, duet_node from, duet_node to)
{
    const duet_node all[] = {x, weights, from, to};
    for (size_t i = 0; i < 4; i++)
        if (all[i]->type != DUET_FLOAT32 || all[i]->shape.rank != (i < 2 ? 2 : 1)) return false;
    return x->shape.dims[1] == weights->shape.dims[1] && from->elements == weights->shape.dims[1] &&
           to->elements == weights->shape.dims[0];
}

duet_node duet_masked_matmul_at(const char *where, duet_node x, duet_node weights, duet_node from, duet_node to)
{
    if (duet_node_is_broken(x)) return x;
    if (duet_operand_is_broken(where, &op_masked_matmul, x, weights) ||
        duet_operand_is_broken(where, &op_masked_matmul, x, from) ||
        duet_operand_is_broken(where, &op_masked_matmul, x, to))
        return duet_node_broken(x->graph);
    char texts[4][96];
    if (!fits(x, weights, from, to)) {
        duet_graph_fail_at(where, x->graph,
                           "masked_matmul: %s by %s from %s to %s does not fit; float32 of [rows, inputs], [outputs, "
                           "inputs], [inputs] and [outputs] was expected",
                           duet_node_text(x, texts[0]), duet_node_text(weights, texts[1]),
                           duet_node_text(from, texts[2]), duet_node_text(to, texts[3]));
        return duet_node_broken(x->graph);
    }
    duet_node left = duet_reshape(from, DUET_SHAPE(1, from->elements));
    duet_node right = duet_reshape(to, DUET_SHAPE(to->elements, 1));
    duet_node masked = duet_multiply(weights, duet_less_equal(left, right));
    return product_of(x, masked, false, true, from, to, DUET_GEMM_K, DUET_GEMM_N, where);
}
