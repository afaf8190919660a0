/* SPDX-License-Identifier: MIT */
/* Products of many matrices at once: sizes on both sides of what is too small for tiles, transposes of either kind, and
 * what a plan joins to a product. */
#include <math.h>
#include <string.h>

#include "check/cases.h"

/* Matrix `number` of x. */
static duet_plain matrix_of(duet_plain x, size_t number)
{
    const size_t *dims = x.shape.dims + x.shape.rank - 2, count = dims[0] * dims[1];
    return (duet_plain){DUET_SHAPE(dims[0], dims[1]), count, x.values + number * count};
}

static duet_plain plain_batched(duet_plain_arena *arena, duet_plain a, duet_plain b, bool transpose_a, bool transpose_b)
{
    size_t rank = a.shape.rank;
    duet_shape shape = a.shape;
    shape.dims[rank - 2] = a.shape.dims[transpose_a ? rank - 1 : rank - 2];
    shape.dims[rank - 1] = b.shape.dims[transpose_b ? rank - 2 : rank - 1];
    duet_plain result = duet_plain_new(arena, shape);
    size_t count = shape.dims[rank - 2] * shape.dims[rank - 1];
    for (size_t i = 0; i < result.count / count; i++) {
        duet_plain one = duet_plain_matmul(arena, matrix_of(a, i), matrix_of(b, i), transpose_a, transpose_b);
        if (one.count > 0) memcpy(result.values + i * count, one.values, count * sizeof *one.values);
    }
    return result;
}

static duet_twin_value batched(duet_twin *t, duet_twin_value a, duet_twin_value b, bool transpose_a, bool transpose_b)
{
    if (t->graph)
        return (duet_twin_value){.node = duet_batched_matmul_at(t->where, a.node, b.node, transpose_a, transpose_b)};
    return (duet_twin_value){.plain = plain_batched(t->arena, a.plain, b.plain, transpose_a, transpose_b)};
}

static duet_twin_value product(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return batched(t, x[0], x[1], row->transpose_a, row->transpose_b);
}

/* An activation and what is added end the product in its kernel. */
static duet_twin_value layer(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_tanh(t, duet_twin_add(t, product(t, x, row), x[2]));
}

/* The second product is added where the first one lies. */
static duet_twin_value two_products(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_add(t, product(t, x, row), batched(t, x[2], x[1], row->transpose_a, row->transpose_b));
}

/* Operands that are seen transposed, or that a permutation must first bring together. */
static duet_twin_value seen_transposed(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return batched(t, duet_twin_transpose(t, x[0]), x[1], !row->transpose_a, row->transpose_b);
}

/* [batch, tokens, heads, width] of queries, keys and values: what attention does after its layers. */
static duet_twin_value attention(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    static const size_t by_head[] = {0, 2, 1, 3};
    (void)row;
    duet_twin_value heads[3];
    for (size_t i = 0; i < 3; i++) heads[i] = duet_twin_permute(t, x[i], by_head);
    duet_twin_value weights = duet_twin_exp(t, batched(t, heads[0], heads[1], false, true));
    return duet_twin_permute(t, batched(t, weights, heads[2], false, false), by_head);
}

#define ROW(title, form, order, terms, ta, tb, ...)                                                                    \
    {                                                                                                                  \
        .name = title, .expression = form, .transpose_a = ta, .transpose_b = tb, .length = terms, .tolerance = 1,      \
        .derivatives = order, .inputs = {                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define EACH_FORM(title, batch, m, n, k)                                                                               \
    ROW(title, product, 2, k, false, false, DUET_CASE_FLOATS(-1, 1, batch, m, k),                                      \
        DUET_CASE_FLOATS(-1, 1, batch, k, n)),                                                                         \
        ROW(title " b'", product, 2, k, false, true, DUET_CASE_FLOATS(-1, 1, batch, m, k),                             \
            DUET_CASE_FLOATS(-1, 1, batch, n, k)),                                                                     \
        ROW(title " a'", product, 2, k, true, false, DUET_CASE_FLOATS(-1, 1, batch, k, m),                             \
            DUET_CASE_FLOATS(-1, 1, batch, k, n)),                                                                     \
        ROW(title " a' b'", product, 2, k, true, true, DUET_CASE_FLOATS(-1, 1, batch, k, m),                           \
            DUET_CASE_FLOATS(-1, 1, batch, n, k))

static const duet_case products[] = {
    EACH_FORM("1 of 3x5x4", 1, 3, 5, 4),
    EACH_FORM("3 of 3x5x4", 3, 3, 5, 4),
    EACH_FORM("2 of 23x19x21", 2, 23, 19, 21),
    ROW("5 of 1x1x1", product, 2, 1, false, false, DUET_CASE_FLOATS(-1, 1, 5, 1, 1), DUET_CASE_FLOATS(-1, 1, 5, 1, 1)),
    ROW("2x3 of 4x5x3", product, 2, 3, false, true, DUET_CASE_FLOATS(-1, 1, 2, 3, 4, 3),
        DUET_CASE_FLOATS(-1, 1, 2, 3, 5, 3)),
    ROW("matrices alone", product, 2, 4, false, false, DUET_CASE_FLOATS(-1, 1, 3, 4), DUET_CASE_FLOATS(-1, 1, 4, 5)),
    ROW("products that end in a layer", layer, 2, 6, false, false, DUET_CASE_FLOATS(-1, 1, 3, 5, 6),
        DUET_CASE_FLOATS(-1, 1, 3, 6, 7), DUET_CASE_FLOATS(-1, 1, 3, 1, 7)),
    ROW("tiles that end in a layer", layer, 1, 25, false, true, DUET_CASE_FLOATS(-1, 1, 2, 22, 25),
        DUET_CASE_FLOATS(-1, 1, 2, 18, 25), DUET_CASE_FLOATS(-1, 1, 2, 22, 18)),
    ROW("two products, one sum", two_products, 2, 12, false, false, DUET_CASE_FLOATS(-1, 1, 3, 4, 6),
        DUET_CASE_FLOATS(-1, 1, 3, 6, 5), DUET_CASE_FLOATS(-1, 1, 3, 4, 6)),
    ROW("two products, one sum, in tiles", two_products, 1, 42, false, false, DUET_CASE_FLOATS(-1, 1, 2, 23, 21),
        DUET_CASE_FLOATS(-1, 1, 2, 21, 19), DUET_CASE_FLOATS(-1, 1, 2, 23, 21)),
    ROW("operand seen transposed", seen_transposed, 2, 6, false, false, DUET_CASE_FLOATS(-1, 1, 3, 4, 6),
        DUET_CASE_FLOATS(-1, 1, 3, 6, 5)),
    ROW("attention", attention, 2, 15, false, false, DUET_CASE_FLOATS(-1, 1, 2, 5, 2, 3),
        DUET_CASE_FLOATS(-1, 1, 2, 5, 2, 3), DUET_CASE_FLOATS(-1, 1, 2, 5, 2, 3)),
};
const duet_case_group duet_batched_cases = {"batched products", DUET_CASE_ROWS(products)};
