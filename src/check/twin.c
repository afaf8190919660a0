/* SPDX-License-Identifier: MIT */
/* Each function makes a node or computes numbers; nothing else happens here. */
#include "check/twin.h"

#include <math.h>

static duet_twin_value of_node(duet_node node)
{
    return (duet_twin_value){.node = node};
}

static duet_twin_value of_plain(duet_plain plain)
{
    return (duet_twin_value){.plain = plain};
}

duet_twin_value duet_twin_map1(duet_twin *t, duet_build1 build, double (*meaning)(double), duet_twin_value x)
{
    if (t->graph) return of_node(build(t->where, x.node));
    return of_plain(duet_plain_map1(t->arena, meaning, x.plain));
}

duet_twin_value duet_twin_map2(duet_twin *t, duet_build2 build, double (*meaning)(double, double), duet_twin_value a,
                               duet_twin_value b)
{
    if (t->graph) return of_node(build(t->where, a.node, b.node));
    return of_plain(duet_plain_map2(t->arena, meaning, a.plain, b.plain));
}

/* A number as a tensor that stretches to any shape. */
static duet_plain number(duet_plain_arena *arena, double value)
{
    duet_plain result = duet_plain_new(arena, DUET_SCALAR_SHAPE);
    if (result.count) result.values[0] = value;
    return result;
}

duet_twin_value duet_twin_map_with(duet_twin *t, duet_build_with build, double (*meaning)(double x, double parameter),
                                   duet_twin_value x, double parameter)
{
    if (t->graph) return of_node(build(t->where, x.node, parameter));
    return of_plain(duet_plain_map2(t->arena, meaning, x.plain, number(t->arena, parameter)));
}

static double clamped(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

duet_twin_value duet_twin_clamp(duet_twin *t, duet_twin_value x, double low, double high)
{
    if (t->graph) return of_node(duet_clamp_at(t->where, x.node, low, high));
    return of_plain(duet_plain_map3(t->arena, clamped, x.plain, number(t->arena, low), number(t->arena, high)));
}

static double selected(double condition, double yes, double no)
{
    return condition != 0 ? yes : no;
}

duet_twin_value duet_twin_select(duet_twin *t, duet_twin_value condition, duet_twin_value yes, duet_twin_value no)
{
    if (t->graph) return of_node(duet_select_at(t->where, condition.node, yes.node, no.node));
    return of_plain(duet_plain_map3(t->arena, selected, condition.plain, yes.plain, no.plain));
}

duet_twin_value duet_twin_constant(duet_twin *t, double value)
{
    return t->graph ? of_node(duet_constant(t->graph, value)) : of_plain(number(t->arena, value));
}

duet_twin_value duet_twin_reduce(duet_twin *t, duet_build_reduction build, duet_plain_reduction meaning,
                                 duet_twin_value x, unsigned axes, bool keep)
{
    if (t->graph) return of_node(build(t->where, x.node, axes, keep));
    return of_plain(meaning(t->arena, x.plain, axes, keep));
}

duet_twin_value duet_twin_sum(duet_twin *t, duet_twin_value x, unsigned axes, bool keep)
{
    return duet_twin_reduce(t, duet_sum_at, duet_plain_sum, x, axes, keep);
}

duet_twin_value duet_twin_reshape(duet_twin *t, duet_twin_value x, duet_shape shape)
{
    if (t->graph) return of_node(duet_reshape_at(t->where, x.node, shape));
    return of_plain(duet_plain_reshape(t->arena, x.plain, shape));
}

duet_twin_value duet_twin_broadcast(duet_twin *t, duet_twin_value x, duet_shape shape)
{
    if (t->graph) return of_node(duet_broadcast_at(t->where, x.node, shape));
    return of_plain(duet_plain_broadcast(t->arena, x.plain, shape));
}

duet_twin_value duet_twin_permute(duet_twin *t, duet_twin_value x, const size_t *order)
{
    if (t->graph) return of_node(duet_permute_at(t->where, x.node, order));
    return of_plain(duet_plain_permute(t->arena, x.plain, order));
}

duet_twin_value duet_twin_transpose(duet_twin *t, duet_twin_value x)
{
    if (t->graph) return of_node(duet_transpose_at(t->where, x.node));
    size_t order[DUET_MAX_RANK], rank = x.plain.shape.rank;
    for (size_t d = 0; d < rank; d++) order[d] = d;
    order[rank - 2] = rank - 1;
    order[rank - 1] = rank - 2;
    return of_plain(duet_plain_permute(t->arena, x.plain, order));
}

duet_twin_value duet_twin_slice(duet_twin *t, duet_twin_value x, size_t axis, size_t start, size_t length)
{
    if (t->graph) return of_node(duet_slice_at(t->where, x.node, axis, start, length));
    return of_plain(duet_plain_slice(t->arena, x.plain, axis, start, length));
}

duet_twin_value duet_twin_pad(duet_twin *t, duet_twin_value x, size_t axis, size_t before, size_t after)
{
    if (t->graph) return of_node(duet_pad_at(t->where, x.node, axis, before, after));
    return of_plain(duet_plain_pad(t->arena, x.plain, axis, before, after));
}

duet_twin_value duet_twin_concat(duet_twin *t, const duet_twin_value *parts, size_t count, size_t axis)
{
    enum { MOST_PARTS = 8 };
    duet_node nodes[MOST_PARTS];
    duet_plain plains[MOST_PARTS];
    if (count > MOST_PARTS) count = MOST_PARTS;
    for (size_t i = 0; i < count; i++) {
        nodes[i] = parts[i].node;
        plains[i] = parts[i].plain;
    }
    if (t->graph) return of_node(duet_concat_at(t->where, nodes, count, axis));
    return of_plain(duet_plain_concat(t->arena, plains, count, axis));
}

duet_twin_value duet_twin_matmul(duet_twin *t, duet_twin_value a, duet_twin_value b, bool transpose_a, bool transpose_b)
{
    if (t->graph) return of_node(duet_matmul_at(t->where, a.node, b.node, transpose_a, transpose_b));
    return of_plain(duet_plain_matmul(t->arena, a.plain, b.plain, transpose_a, transpose_b));
}

duet_twin_value duet_twin_convolution(duet_twin *t, duet_twin_value x, duet_twin_value w, const duet_window *window,
                                      size_t groups)
{
    if (t->graph) return of_node(duet_convolution_at(t->where, x.node, w.node, window, groups));
    const size_t *picture = x.plain.shape.dims;
    duet_shape shape = DUET_SHAPE(picture[0], duet_window_count(window, 0, picture[1]),
                                  duet_window_count(window, 1, picture[2]), w.plain.shape.dims[3]);
    return of_plain(duet_plain_convolution(t->arena, &x.plain, &w.plain, NULL, shape, window, groups));
}

duet_twin_value duet_twin_transposed_convolution(duet_twin *t, duet_twin_value y, duet_twin_value w,
                                                 const duet_window *window, size_t groups, size_t height, size_t width)
{
    if (t->graph)
        return of_node(duet_transposed_convolution_at(t->where, y.node, w.node, window, groups, height, width));
    duet_shape shape = DUET_SHAPE(y.plain.shape.dims[0], height, width, w.plain.shape.dims[2] * groups);
    return of_plain(duet_plain_convolution(t->arena, NULL, &w.plain, &y.plain, shape, window, groups));
}

duet_twin_value duet_twin_convolution_weights(duet_twin *t, duet_twin_value x, duet_twin_value y,
                                              const duet_window *window, size_t groups)
{
    if (t->graph) return of_node(duet_convolution_weights_at(t->where, x.node, y.node, window, groups));
    duet_shape shape =
        DUET_SHAPE(window->size[0], window->size[1], x.plain.shape.dims[3] / groups, y.plain.shape.dims[3]);
    return of_plain(duet_plain_convolution(t->arena, &x.plain, NULL, &y.plain, shape, window, groups));
}

duet_twin_value duet_twin_gather(duet_twin *t, duet_twin_value table, duet_twin_value index)
{
    if (t->graph) return of_node(duet_gather_at(t->where, table.node, index.node));
    return of_plain(duet_plain_gather(t->arena, table.plain, index.plain));
}

duet_twin_value duet_twin_add(duet_twin *t, duet_twin_value a, duet_twin_value b)
{
    return duet_twin_map2(t, duet_add_at, duet_plus, a, b);
}

duet_twin_value duet_twin_subtract(duet_twin *t, duet_twin_value a, duet_twin_value b)
{
    return duet_twin_map2(t, duet_subtract_at, duet_minus, a, b);
}

duet_twin_value duet_twin_multiply(duet_twin *t, duet_twin_value a, duet_twin_value b)
{
    return duet_twin_map2(t, duet_multiply_at, duet_times, a, b);
}

duet_twin_value duet_twin_exp(duet_twin *t, duet_twin_value x)
{
    return duet_twin_map1(t, duet_exp_at, exp, x);
}

duet_twin_value duet_twin_tanh(duet_twin *t, duet_twin_value x)
{
    return duet_twin_map1(t, duet_tanh_at, tanh, x);
}
