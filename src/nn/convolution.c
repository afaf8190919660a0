/* SPDX-License-Identifier: MIT */
/* Convolution layers: the ops with a weight and a bias of their own. Extents of results follow Keras's rules, so that
 * models written for Keras carry over. */
#include "graph/node.h"
#include "nn/layer.h"
#include "op/op.h"
#include "op/where.h"

/* Whether x is a picture and the numbers make a layer; a mistake if not. */
static bool fits(const char *where, const char *what, const char *layer, duet_node x, size_t features, size_t size,
                 size_t stride)
{
    char text[96];
    if (x->shape.rank != 4)
        duet_graph_fail(x->graph, "%s \"%.40s\": x is %s; pictures, [batch, height, width, channels], were expected",
                        what, layer, duet_shape_text(x->shape, text));
    else if (features == 0 || size == 0 || stride == 0)
        duet_graph_fail(x->graph, "%s \"%.40s\": %zu features, size %zu, stride %zu; at least 1 of each was expected",
                        what, layer, features, size, stride);
    else
        return true;
    return false;
}

duet_node duet_conv2d_at(const char *where, duet_group *group, const char *layer, duet_node x, size_t features,
                         size_t size, size_t stride, duet_padding padding, bool bias)
{
    if (duet_node_is_broken(x)) return x;
    if (!fits(where, "conv2d", layer, x, features, size, stride)) return duet_node_broken(x->graph);
    const duet_shape shape = DUET_SHAPE(size, size, duet_features(x), features);
    duet_node weight = duet_layer_weight_at(where, x->graph, group, layer, shape);
    duet_window window = padding == DUET_SAME ? duet_window_same(x, size, stride) : duet_window_valid(size, stride);
    duet_node y = duet_convolution(x, weight, &window, 1);
    return bias ? duet_add(y, duet_layer_bias_at(where, x->graph, group, layer, features)) : y;
}

/* The extent of a transposed convolution's result: one of which `padding` makes `extent` windows. There may be several;
 * this is Keras's choice. */
static size_t stretched(size_t extent, size_t size, size_t stride, duet_padding padding)
{
    return extent * stride + (padding == DUET_VALID && size > stride ? size - stride : 0);
}

duet_node duet_conv2d_transpose_at(const char *where, duet_group *group, const char *layer, duet_node x,
                                   size_t features, size_t size, size_t stride, duet_padding padding, bool bias)
{
    if (duet_node_is_broken(x)) return x;
    if (!fits(where, "conv2d_transpose", layer, x, features, size, stride)) return duet_node_broken(x->graph);
    const duet_shape shape = DUET_SHAPE(size, size, features, duet_features(x));
    duet_node weight = duet_layer_weight_at(where, x->graph, group, layer, shape);
    const size_t height = stretched(x->shape.dims[1], size, stride, padding);
    const size_t width = stretched(x->shape.dims[2], size, stride, padding);
    duet_window window = duet_window_valid(size, stride);
    if (padding == DUET_SAME) window = duet_window_pad_same(window, height, width);
    duet_node y = duet_transposed_convolution(x, weight, &window, 1, height, width);
    return bias ? duet_add(y, duet_layer_bias_at(where, x->graph, group, layer, features)) : y;
}
