/* SPDX-License-Identifier: MIT */
/* Matrix product with both transposes: a family closed under differentiation. size[0], size[1]: transpose a, b. */
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

static const duet_op op_matmul = {
    .name = "matmul", .kind = DUET_OP_MATMUL, .gradient = gradient_matmul, .product = describe_product};

/* A transposed operand is read transposed. */
static duet_node unwrap(duet_node x, bool *transpose)
{
    duet_node operand = duet_untransposed(x);
    if (operand == NULL) return x;
    *transpose = !*transpose;
    return operand;
}

duet_node duet_matmul_at(const char *where, duet_node a, duet_node b, bool transpose_a, bool transpose_b)
{
    if (duet_node_is_broken(a)) return a;
    if (duet_operand_is_broken(where, &op_matmul, a, b)) return duet_node_broken(a->graph);
    char left[96], right[96];
    bool fits = a->shape.rank == 2 && b->shape.rank == 2 && a->type == DUET_FLOAT32 && b->type == DUET_FLOAT32;
    if (!fits || a->shape.dims[transpose_a ? 0 : 1] != b->shape.dims[transpose_b ? 1 : 0]) {
        duet_graph_fail(a->graph, "matmul: %s%s by %s%s does not fit (float32, two dimensions each)",
                        duet_shape_text(a->shape, left), transpose_a ? " transposed" : "",
                        duet_shape_text(b->shape, right), transpose_b ? " transposed" : "");
        return duet_node_broken(a->graph);
    }
    a = unwrap(a, &transpose_a);
    b = unwrap(b, &transpose_b);
    duet_attributes attributes = {.size = {transpose_a, transpose_b}};
    duet_shape shape = DUET_SHAPE(a->shape.dims[transpose_a ? 1 : 0], b->shape.dims[transpose_b ? 0 : 1]);
    return duet_node_make(where, a->graph, &op_matmul, DUET_FLOAT32, shape, (duet_node[]){a, b}, 2, &attributes, true);
}

/* [batch, m, 1, k] and [batch, 1, n, k], whose product summed over k is the result: the reduction reads both where they
 * lie. */
static duet_node spread(const char *where, duet_node x, bool transpose, size_t batch, bool left)
{
    size_t rank = x->shape.rank, rows = x->shape.dims[rank - 2], columns = x->shape.dims[rank - 1];
    x = duet_reshape(x, DUET_SHAPE(batch, rows, columns));
    if (transpose) x = duet_transpose(x);
    duet_shape shape = x->shape;
    return duet_reshape(x, left ? DUET_SHAPE(batch, shape.dims[1], 1, shape.dims[2])
                                : DUET_SHAPE(batch, 1, shape.dims[1], shape.dims[2]));
}

duet_node duet_batched_matmul_at(const char *where, duet_node a, duet_node b, bool transpose_a, bool transpose_b)
{
    if (duet_node_is_broken(a)) return a;
    if (duet_operand_is_broken(where, &op_matmul, a, b)) return duet_node_broken(a->graph);
    size_t rank = a->shape.rank, batch = 1;
    bool fits = rank >= 2 && b->shape.rank == rank && a->type == DUET_FLOAT32 && b->type == DUET_FLOAT32;
    for (size_t i = 0; fits && i + 2 < rank; i++) {
        fits = a->shape.dims[i] == b->shape.dims[i];
        batch *= a->shape.dims[i];
    }
    fits = fits && a->shape.dims[rank - (transpose_a ? 2 : 1)] == b->shape.dims[rank - (transpose_b ? 1 : 2)];
    if (!fits) {
        char left[96], right[96];
        duet_graph_fail(a->graph, "batched_matmul: %s%s by %s%s does not fit (float32)",
                        duet_shape_text(a->shape, left), transpose_a ? " transposed" : "",
                        duet_shape_text(b->shape, right), transpose_b ? " transposed" : "");
        return duet_node_broken(a->graph);
    }
    duet_shape shape = a->shape;
    shape.dims[rank - 2] = a->shape.dims[rank - (transpose_a ? 1 : 2)];
    shape.dims[rank - 1] = b->shape.dims[rank - (transpose_b ? 2 : 1)];
    duet_node terms =
        duet_multiply(spread(where, a, transpose_a, batch, true), spread(where, b, !transpose_b, batch, false));
    return duet_reshape(duet_sum(terms, DUET_AXIS(3), false), shape);
}
