/* SPDX-License-Identifier: MIT */
/* Products whose weights are masked, of which providers may skip blocks: rising numbers make a triangle, falling ones
 * the other one, in scrambled ones there is little to skip. Sizes are below and above what register tiles are for, and
 * above one block of k. */
#include "check/cases.h"

enum { RISING, FALLING, SCRAMBLED, NOTHING_SEEN, MASKED_MOST = 320 };

static float mask_number(const duet_case *row, size_t index, size_t count, double shift)
{
    const size_t scrambled = (index * 7 + 3) % count;
    switch ((int)row->parameter) {
    case RISING: return (float)((double)index / (double)count - shift);
    case FALLING: return (float)(1 - (double)index / (double)count - shift);
    case SCRAMBLED: return (float)((double)scrambled / (double)count - shift);
    default: return (float)(-4 * shift);
    }
}

static duet_twin_value masked(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    const size_t *dims = row->inputs[1].shape.dims, outputs = dims[0], inputs = dims[1];
    float from[MASKED_MOST], to[MASKED_MOST];
    for (size_t i = 0; i < inputs; i++) from[i] = mask_number(row, i, inputs, 0);
    for (size_t i = 0; i < outputs; i++) to[i] = mask_number(row, i, outputs, 1e-3);
    if (t->graph) {
        duet_graph *graph = t->graph;
        duet_node low = duet_constant_values_at(t->where, graph, DUET_SHAPE(inputs), from);
        duet_node high = duet_constant_values_at(t->where, graph, DUET_SHAPE(outputs), to);
        return (duet_twin_value){.node = duet_masked_matmul_at(t->where, x[0].node, x[1].node, low, high)};
    }
    duet_plain weights = duet_plain_new(t->arena, x[1].plain.shape);
    for (size_t i = 0; i < weights.count; i++)
        weights.values[i] = from[i % inputs] <= to[i / inputs] ? x[1].plain.values[i] : 0;
    return (duet_twin_value){.plain = duet_plain_matmul(t->arena, x[0].plain, weights, false, true)};
}

/* The activation ends the product. */
static duet_twin_value masked_layer(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_tanh(t, masked(t, x, row));
}

#define MASKED_ROW(title, form, numbers, order, m, n, k)                                                               \
    {                                                                                                                  \
        .name = title, .expression = form, .parameter = numbers, .length = k, .tolerance = 1, .derivatives = order,    \
        .inputs = {                                                                                                    \
            DUET_CASE_FLOATS(-1, 1, m, k),                                                                             \
            DUET_CASE_FLOATS(-1, 1, n, k)                                                                              \
        }                                                                                                              \
    }
#define MASKED_ROWS(size, m, n, k)                                                                                     \
    MASKED_ROW("triangle, " size, masked, RISING, 2, m, n, k),                                                         \
        MASKED_ROW("other triangle, " size, masked, FALLING, 2, m, n, k),                                              \
        MASKED_ROW("scrambled, " size, masked, SCRAMBLED, 2, m, n, k),                                                 \
        MASKED_ROW("nothing is seen, " size, masked, NOTHING_SEEN, 1, m, n, k),                                        \
        MASKED_ROW("layer, " size, masked_layer, RISING, 2, m, n, k)

static const duet_case masked_products[] = {
    MASKED_ROWS("3x5x4", 3, 5, 4),
    MASKED_ROWS("20x70x300", 20, 70, 300),
    MASKED_ROWS("50x300x60", 50, 300, 60),
};
const duet_case_group duet_masked_cases = {"masked products", DUET_CASE_ROWS(masked_products)};
