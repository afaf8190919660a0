/* SPDX-License-Identifier: MIT */
/* Windows over the pictures of a graph: padding that follows from a node, and the words for what does not fit. */
#include "op/window.h"

#include "duet/op.h"
#include "graph/node.h"
#include "op/where.h"

duet_window duet_window_same(duet_node x, size_t size, size_t stride)
{
    duet_shape shape = duet_node_shape(x);
    duet_window window = duet_window_valid(size, stride);
    return shape.rank == 4 ? duet_window_pad_same(window, shape.dims[1], shape.dims[2]) : window;
}

bool duet_window_leaves(const duet_window *window, size_t axis, size_t count, size_t extent)
{
    size_t last = (count - 1) * window->stride[axis] + (window->size[axis] - 1) * window->dilation[axis];
    return window->pad_before[axis] > 0 || last >= extent;
}

bool duet_window_lay(const char *where, duet_graph *graph, const char *op, duet_shape picture,
                     const duet_window *window, size_t counts[2])
{
    static const char *const sides[2] = {"height", "width"};
    char text[96];
    if (picture.rank != 4) {
        duet_graph_fail(graph, "%s: needs [batch, height, width, channels], has %s", op,
                        duet_shape_text(picture, text));
        return false;
    }
    for (size_t axis = 0; axis < 2; axis++) {
        counts[axis] = duet_window_count(window, axis, picture.dims[axis + 1]);
        if (counts[axis] > 0) continue;
        bool zero = window->size[axis] == 0 || window->stride[axis] == 0 || window->dilation[axis] == 0;
        duet_graph_fail(graph,
                        "%s: no window of %zux%zu (stride %zux%zu, dilation %zux%zu) fits %s along its %s with padding "
                        "%zu before and %zu after; %s",
                        op, window->size[0], window->size[1], window->stride[0], window->stride[1], window->dilation[0],
                        window->dilation[1], duet_shape_text(picture, text), sides[axis], window->pad_before[axis],
                        window->pad_after[axis],
                        zero ? "size, stride and dilation must be at least 1"
                             : "a window reaches over dilation * (size - 1) + 1 elements");
        return false;
    }
    return true;
}
