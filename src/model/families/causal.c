/* SPDX-License-Identifier: MIT */
/* Causal convolutions. What lies before a window is padding where there is no picture and zero where none was drawn,
 * which is the same. */
#include "model/families/causal.h"

#include <stdio.h>

/* The colour that each of `count` features belongs to, in the shape given. */
static duet_node colours_of(const duet_causal *at, size_t count, size_t period, duet_shape shape)
{
    duet_node i = duet_shift(duet_range(duet_model_graph(at->model), count), 0.5);
    i = duet_subtract(i, duet_scale(duet_floor(duet_scale(i, 1.0 / (double)period)), (double)period));
    return duet_reshape(duet_floor(duet_scale(i, (double)at->colours / (double)period)), shape);
}

/* Weights [rows, columns, in, out] under the mask of the last column, where the pixel itself lies. */
static duet_node masked(const duet_causal *at, duet_node weight, size_t period, duet_sight sees)
{
    size_t columns = duet_node_shape(weight).dims[1], in = duet_node_shape(weight).dims[2], out = duet_features(weight);
    if (sees == DUET_SEES_ALL || (sees == DUET_SEES_SO_FAR && at->colours == 1)) return weight;
    duet_graph *graph = duet_model_graph(at->model);
    duet_node column = duet_reshape(duet_range(graph, columns), DUET_SHAPE(1, columns, 1, 1));
    duet_node to_the_left = duet_less(column, duet_constant(graph, (double)columns - 1));
    duet_node from = colours_of(at, in, in, DUET_SHAPE(1, 1, in, 1));
    duet_node to = colours_of(at, out, period, DUET_SHAPE(1, 1, 1, out));
    duet_node here = sees == DUET_SEES_BEFORE ? duet_less(from, to) : duet_less_equal(from, to);
    return duet_multiply(weight, duet_maximum(to_the_left, here));
}

duet_node duet_causal_past(const duet_causal *at, const char *layer, duet_node x, size_t axis, size_t count)
{
    duet_shape shape = duet_node_shape(x);
    if (count == 0) return x;
    shape.dims[axis] = count;
    duet_node past = duet_scratch(at->model, layer, DUET_FLOAT32, shape);
    duet_node before = axis == 2 ? duet_multiply(past, at->left) : past; /* a row starts anew */
    duet_node joined = duet_concat(((duet_node[]){before, x}), 2, axis);
    if (at->keeps) duet_phase_assign(at->model, past, duet_slice(joined, axis, 1, count));
    return joined;
}

duet_node duet_causal_convolution(const duet_causal *at, const char *kind, size_t i, duet_node x, size_t rows,
                                  size_t columns, size_t features, size_t period, duet_sight sees)
{
    const duet_initialiser glorot = {.kind = DUET_INIT_GLOROT_UNIFORM, .scale = 1}, zero = {.kind = DUET_INIT_CONSTANT};
    duet_graph *graph = duet_model_graph(at->model);
    size_t axis = rows > 1 ? 1 : 2, left = rows > 1 ? columns / 2 : columns - 1;
    duet_window window = {.size = {rows, columns},
                          .stride = {1, 1},
                          .dilation = {1, 1},
                          .pad_before = {rows - 1, left},
                          .pad_after = {0, columns - 1 - left}};
    char layer[32], bias[40];
    (void)snprintf(layer, sizeof layer, "%s%zu", kind, i);
    (void)snprintf(bias, sizeof bias, "%s.bias", layer);
    if (at->draws) {
        x = duet_causal_past(at, layer, x, axis, window.pad_before[axis - 1]);
        window.pad_before[axis - 1] = 0;
    }
    const duet_shape shape = DUET_SHAPE(rows, columns, duet_features(x), features);
    duet_node weight = masked(at, duet_weight(graph, at->group, layer, shape, glorot), period, sees);
    return duet_add(duet_convolution(x, weight, &window, 1),
                    duet_parameter(graph, at->group, bias, DUET_SHAPE(features), zero));
}
