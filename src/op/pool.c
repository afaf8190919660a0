/* SPDX-License-Identifier: MIT */
/* Pooling: reductions over windows, which read the picture and store nothing but their result. */
#include <math.h>

#include "op/op.h"
#include "op/where.h"
#include "op/window.h"
#include "op/windows.h"

/* Whether each window has an element of the picture; a mistake names the first that has none. */
static bool none_is_empty(const char *where, const char *op, duet_node x, const duet_window *window)
{
    static const char *const sides[2] = {"height", "width"};
    for (size_t axis = 0; axis < 2; axis++) {
        size_t extent = x->shape.dims[axis + 1], count = duet_window_count(window, axis, extent);
        for (size_t i = 0; i < count; i++) {
            size_t start = i * window->stride[axis], before = window->pad_before[axis];
            size_t skipped = start < before ? (before - start - 1) / window->dilation[axis] + 1 : 0;
            bool some = skipped < window->size[axis] && start + skipped * window->dilation[axis] - before < extent;
            if (some) continue;
            char text[96];
            duet_graph_fail(x->graph,
                            "%s: window %zu along the %s of %s has no element of it: size %zu, dilation %zu, padding "
                            "%zu before and %zu after; pad less",
                            op, i, sides[axis], duet_shape_text(x->shape, text), window->size[axis],
                            window->dilation[axis], before, window->pad_after[axis]);
            return false;
        }
    }
    return true;
}

/* The windows over x, each of which has an element of x. */
static duet_node pooled_windows(const char *where, const char *op, duet_node x, const duet_window *window, double fill)
{
    duet_node windows = duet_windows_named(where, op, x, window, fill);
    if (duet_node_is_broken(windows) || none_is_empty(where, op, x, window)) return windows;
    return duet_node_broken(x->graph);
}

duet_node duet_max_pool_at(const char *where, duet_node x, const duet_window *window)
{
    duet_node windows = pooled_windows(where, "max_pool", x, window, -INFINITY);
    return duet_max(windows, DUET_AXIS(3) | DUET_AXIS(4), false);
}

/* How many elements of each window lie in the picture along one dimension, computed wherever it is used.
 * size: axis, stride, dilation, padding before, size of the window, extent of the picture */

static duet_value write_inside(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    const size_t *s = node->attributes.size;
    size_t stride = s[1], dilation = s[2], before = s[3], size = s[4], extent = s[5];
    duet_value at = duet_write_coordinate(writer, node, map, s[0] + 1);
    duet_value start = duet_write_let(writer, DUET_UINT32, "%s * %zuu", at.text, stride);
    duet_value first = duet_write_let(writer, DUET_UINT32, "%s < %zuu ? (%zuu - %s) / %zuu : 0u", start.text, before,
                                      before + dilation - 1, start.text, dilation);
    duet_value end = duet_write_let(writer, DUET_UINT32, "min(%zuu, (%zuu - %s) / %zuu)", size,
                                    extent + before + dilation - 1, start.text, dilation);
    return duet_write_let(writer, DUET_FLOAT32, "(float)(%s - %s)", end.text, first.text);
}

static const duet_op op_inside = {
    .name = "window_inside", .kind = DUET_OP_READER, .cost = 8, .write = write_inside, .blocks_gradient = true};

/* sum / the number of elements inside the picture along one dimension */
static duet_node divide_by_inside(const char *where, duet_node sum, const duet_window *window, size_t axis,
                                  size_t extent)
{
    duet_attributes attributes = {.size = {axis, window->stride[axis], window->dilation[axis], window->pad_before[axis],
                                           window->size[axis], extent}};
    duet_node inside =
        duet_node_make(where, sum->graph, &op_inside, DUET_FLOAT32, sum->shape, NULL, 0, &attributes, true);
    return duet_divide(sum, inside);
}

duet_node duet_average_pool_at(const char *where, duet_node x, const duet_window *window)
{
    duet_node windows = pooled_windows(where, "average_pool", x, window, 0);
    if (duet_node_is_broken(windows)) return windows;
    const size_t *extents = x->shape.dims + 1, *counts = windows->shape.dims + 1;
    double inside = 1; /* of every window, along the dimensions where none leaves the picture */
    for (size_t axis = 0; axis < 2; axis++)
        if (!duet_window_leaves(window, axis, counts[axis], extents[axis])) inside *= (double)window->size[axis];
    duet_node scaled = duet_scale(windows, 1 / inside); /* in the sum's own kernel */
    duet_node mean = duet_sum(scaled, DUET_AXIS(3) | DUET_AXIS(4), false);
    for (size_t axis = 0; axis < 2; axis++)
        if (duet_window_leaves(window, axis, counts[axis], extents[axis]))
            mean = divide_by_inside(where, mean, window, axis, extents[axis]);
    return mean;
}

duet_node duet_global_max_pool_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    if (!duet_is_picture(where, "global_max_pool", x)) return duet_node_broken(x->graph);
    return duet_max(x, DUET_AXIS(1) | DUET_AXIS(2), false);
}

duet_node duet_global_average_pool_at(const char *where, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    if (!duet_is_picture(where, "global_average_pool", x)) return duet_node_broken(x->graph);
    return duet_mean(x, DUET_AXIS(1) | DUET_AXIS(2), false);
}
