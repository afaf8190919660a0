/* SPDX-License-Identifier: MIT */
/* Windows over pictures as an op, and their transpose: a pair closed under differentiation. Neither is stored unless
 * asked for: a reduction reads windows where they lie in the picture, and fold computes what it adds up. */
#include "op/windows.h"

#include <stdio.h>
#include <string.h>

#include "op/op.h"
#include "op/where.h"
#include "op/window.h"

/* Where two sizes each begin among the attributes; number[0] is the fill of windows. */
enum { STRIDE = 0, DILATION = 2, PAD = 4 };

static duet_attributes attributes_of(const duet_window *window, double fill)
{
    duet_attributes attributes = {.number = {fill}};
    for (size_t axis = 0; axis < 2; axis++) {
        attributes.size[STRIDE + axis] = window->stride[axis];
        attributes.size[DILATION + axis] = window->dilation[axis];
        attributes.size[PAD + axis] = window->pad_before[axis];
    }
    return attributes;
}

/* The window of a node, but for the padding after the picture, which follows from the shapes. */
static duet_window window_of(duet_node node, duet_shape windows)
{
    const size_t *size = node->attributes.size;
    return (duet_window){.size = {windows.dims[3], windows.dims[4]},
                         .stride = {size[STRIDE], size[STRIDE + 1]},
                         .dilation = {size[DILATION], size[DILATION + 1]},
                         .pad_before = {size[PAD], size[PAD + 1]}};
}

/* Whether the windows lie side by side and cover the picture: cutting it up then only reorders its elements. */
static bool tiles(const duet_window *window, duet_shape picture, duet_shape windows)
{
    for (size_t axis = 0; axis < 2; axis++) {
        size_t size = window->size[axis];
        bool dense = window->stride[axis] == size && (window->dilation[axis] == 1 || size == 1);
        if (!dense || window->pad_before[axis] > 0 || windows.dims[axis + 1] * size != picture.dims[axis + 1])
            return false;
    }
    return true;
}

static const size_t tile_order[6] = {0, 1, 3, 2, 4, 5}; /* its own inverse */

static duet_node make_windows(const char *where, duet_node x, const duet_window *window, duet_shape shape, double fill);
static duet_node make_fold(const char *where, duet_node windows, const duet_window *window, duet_shape shape);

/* windows: [batch, rows, columns, size, size, channels] of [batch, height, width, channels] */

static duet_value write_windows(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    duet_node x = node->inputs[0];
    duet_window window = window_of(node, node->shape);
    duet_value at[2], batch = duet_write_coordinate(writer, node, map, 0);
    char inside[96] = "", element[96];
    for (size_t axis = 0; axis < 2; axis++) {
        size_t extent = x->shape.dims[axis + 1];
        duet_value o = duet_write_coordinate(writer, node, map, axis + 1);
        duet_value k = duet_write_coordinate(writer, node, map, axis + 3);
        at[axis] = duet_write_let(writer, DUET_UINT32, "%s * %zuu + %s * %zuu - %zuu", o.text, window.stride[axis],
                                  k.text, window.dilation[axis], window.pad_before[axis]);
        if (!duet_window_leaves(&window, axis, node->shape.dims[axis + 1], extent)) continue;
        size_t length = strlen(inside);
        snprintf(inside + length, sizeof inside - length, "%s%s < %zuu", length > 0 ? " && " : "", at[axis].text,
                 extent);
        at[axis] = duet_write_let(writer, DUET_UINT32, "min(%s, %zuu)", at[axis].text, extent - 1);
    }
    duet_value channel = duet_write_coordinate(writer, node, map, 5);
    duet_map place = duet_write_coordinates(writer, x->shape, (duet_value[]){batch, at[0], at[1], channel});
    duet_value index = duet_write_index(writer, x, &place);
    duet_write_element(writer, x, index.text, true, element);
    /* The load does not depend on the condition, which keeps branches out of CPU loops. */
    duet_value value = duet_write_let(writer, DUET_FLOAT32, "%s", element);
    if (inside[0] == '\0') return value;
    duet_value fill = duet_write_constant(writer, node->attributes.number[0]);
    return duet_write_let(writer, DUET_FLOAT32, "%s ? %s : %s", inside, value.text, fill.text);
}

static void gradient_windows(duet_node node, duet_node g, duet_node *gradients)
{
    duet_window window = window_of(node, node->shape);
    gradients[0] = make_fold(node->where, g, &window, node->inputs[0]->shape);
}

static const duet_op op_windows = {
    .name = "windows", .kind = DUET_OP_READER, .cost = 6, .write = write_windows, .gradient = gradient_windows};

static duet_node make_windows(const char *where, duet_node x, const duet_window *window, duet_shape shape, double fill)
{
    if (duet_node_is_broken(x)) return x;
    duet_shape s = shape;
    if (tiles(window, x->shape, shape)) {
        x = duet_reshape(x, DUET_SHAPE(s.dims[0], s.dims[1], s.dims[3], s.dims[2], s.dims[4], s.dims[5]));
        return duet_permute(x, tile_order);
    }
    duet_attributes attributes = attributes_of(window, fill);
    return duet_node_make(where, x->graph, &op_windows, DUET_FLOAT32, shape, &x, 1, &attributes, true);
}

/* Whether x is float32; else the graph has a mistake. */
static bool is_float(const char *where, const char *op, duet_node x)
{
    if (x->type == DUET_FLOAT32) return true;
    duet_graph_fail(x->graph, "%s: needs float32, has %s; use duet_to_float", op, duet_type_name(x->type));
    return false;
}

bool duet_is_picture(const char *where, const char *op, duet_node x)
{
    if (x->shape.rank == 4) return is_float(where, op, x);
    char text[96];
    duet_graph_fail(x->graph, "%s: needs [batch, height, width, channels], has %s", op,
                    duet_shape_text(x->shape, text));
    return false;
}

duet_node duet_windows_named(const char *where, const char *op, duet_node x, const duet_window *window, double fill)
{
    size_t counts[2];
    if (duet_node_is_broken(x)) return x;
    if (!is_float(where, op, x) || !duet_window_lay(where, x->graph, op, x->shape, window, counts))
        return duet_node_broken(x->graph);
    duet_shape shape =
        DUET_SHAPE(x->shape.dims[0], counts[0], counts[1], window->size[0], window->size[1], x->shape.dims[3]);
    return make_windows(where, x, window, shape, fill);
}

duet_node duet_windows_at(const char *where, duet_node x, const duet_window *window, double fill)
{
    return duet_windows_named(where, "windows", x, window, fill);
}

void duet_write_taps(duet_kernel_writer *writer, const size_t times[2], duet_tap_function write, void *context)
{
    enum { MOST_WRITTEN_OUT = 16 };
    duet_value counters[2];
    if (times[0] * times[1] <= MOST_WRITTEN_OUT) {
        for (size_t i = 0; i < times[0] * times[1]; i++) {
            snprintf(counters[0].text, sizeof counters[0].text, "%zuu", i / times[1]);
            snprintf(counters[1].text, sizeof counters[1].text, "%zuu", i % times[1]);
            write(writer, counters, context);
        }
        return;
    }
    duet_block rows = duet_write_loop(writer, times[0], &counters[0]);
    duet_block columns = duet_write_loop(writer, times[1], &counters[1]);
    write(writer, counters, context);
    duet_write_loop_end(writer, columns);
    duet_write_loop_end(writer, rows);
}

/* fold: [batch, height, width, channels] of [batch, rows, columns, size, size, channels]. An element of the picture
 * adds up the elements of all windows that cover it, from the last such window backwards. */

/* Where, along one dimension, the windows that may cover an element lie. */
typedef struct cover {
    size_t size, stride, dilation, count;
    size_t times; /* windows tried */
    duet_value from, last, first;
} cover;

/* Without dilation: `last` is the last window that reaches the element, and `first` the element's place in it. */
static cover cover_of(duet_kernel_writer *writer, duet_node node, const duet_map *map, size_t axis)
{
    duet_shape windows = node->inputs[0]->shape;
    duet_window window = window_of(node, windows);
    cover c = {window.size[axis], window.stride[axis], window.dilation[axis], windows.dims[axis + 1], .times = 1};
    duet_value at = duet_write_coordinate(writer, node, map, axis + 1);
    c.from = duet_write_let(writer, DUET_UINT32, "%s + %zuu", at.text, window.pad_before[axis]);
    c.times = c.dilation == 1 ? (c.size + c.stride - 1) / c.stride : c.size;
    if (c.dilation != 1) return c;
    c.last = duet_write_let(writer, DUET_UINT32, "%s / %zuu", c.from.text, c.stride);
    c.first = duet_write_let(writer, DUET_UINT32, "%s %% %zuu", c.from.text, c.stride);
    return c;
}

/* The window tried at `counter` and the element's place in it, both clamped to their extents; adds to `inside` the
 * condition that the window covers the element. */
static void write_covering(duet_kernel_writer *writer, const cover *c, const char *counter, duet_value *o,
                           duet_value *k, char inside[192])
{
    size_t length = strlen(inside);
    const char *also = length > 0 ? " && " : "";
    if (c->dilation == 1) {
        *o = duet_write_let(writer, DUET_UINT32, "%s - %s", c->last.text, counter);
        *k = duet_write_let(writer, DUET_UINT32, "%s + %s * %zuu", c->first.text, counter, c->stride);
        length += (size_t)snprintf(inside + length, 192 - length, "%s%s < %zuu", also, o->text, c->count);
        if (c->size % c->stride != 0) snprintf(inside + length, 192 - length, " && %s < %zuu", k->text, c->size);
    } else {
        duet_value distance = duet_write_let(writer, DUET_UINT32, "%s - %s * %zuu", c->from.text, counter, c->dilation);
        *o = duet_write_let(writer, DUET_UINT32, "%s / %zuu", distance.text, c->stride);
        *k = duet_write_let(writer, DUET_UINT32, "%s", counter);
        snprintf(inside + length, 192 - length, "%s%s %% %zuu == 0u && %s < %zuu", also, distance.text, c->stride,
                 o->text, c->count);
    }
    *o = duet_write_let(writer, DUET_UINT32, "min(%s, %zuu)", o->text, c->count - 1);
    *k = duet_write_let(writer, DUET_UINT32, "min(%s, %zuu)", k->text, c->size - 1);
}

typedef struct fold_writer {
    duet_node node;
    const duet_map *map;
    cover covers[2];
    duet_value sum;
} fold_writer;

/* Adds to the sum the element that the window at these counters has there, if it covers the place. */
static void write_share(duet_kernel_writer *writer, const duet_value counters[2], void *context)
{
    const fold_writer *fold = context;
    duet_node windows = fold->node->inputs[0];
    duet_value o[2], k[2], batch = duet_write_coordinate(writer, fold->node, fold->map, 0),
                           channel = duet_write_coordinate(writer, fold->node, fold->map, 3);
    char inside[192] = "";
    for (size_t axis = 0; axis < 2; axis++)
        write_covering(writer, &fold->covers[axis], counters[axis].text, &o[axis], &k[axis], inside);
    duet_map place =
        duet_write_coordinates(writer, windows->shape, (duet_value[]){batch, o[0], o[1], k[0], k[1], channel});
    duet_value value = duet_write_node(writer, windows, &place);
    duet_text_add(&writer->body, "    %s += %s ? %s : 0.0f;\n", fold->sum.text, inside, value.text);
    writer->operations += 6;
}

static duet_value write_fold(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    fold_writer fold = {.node = node, .map = map};
    for (size_t axis = 0; axis < 2; axis++) fold.covers[axis] = cover_of(writer, node, map, axis);
    fold.sum = duet_write_sum(writer);
    const size_t times[2] = {fold.covers[0].times, fold.covers[1].times};
    duet_write_taps(writer, times, write_share, &fold);
    return fold.sum;
}

static void gradient_fold(duet_node node, duet_node g, duet_node *gradients)
{
    duet_shape shape = node->inputs[0]->shape;
    duet_window window = window_of(node, shape);
    gradients[0] = make_windows(node->where, g, &window, shape, 0);
}

static const duet_op op_fold = {
    .name = "fold", .kind = DUET_OP_READER, .cost = 24, .write = write_fold, .gradient = gradient_fold};

static duet_node make_fold(const char *where, duet_node windows, const duet_window *window, duet_shape shape)
{
    if (duet_node_is_broken(windows)) return windows;
    if (tiles(window, shape, windows->shape)) return duet_reshape(duet_permute(windows, tile_order), shape);
    duet_attributes attributes = attributes_of(window, 0);
    return duet_node_make(where, windows->graph, &op_fold, DUET_FLOAT32, shape, &windows, 1, &attributes, true);
}

duet_node duet_fold_at(const char *where, duet_node windows, const duet_window *window, size_t height, size_t width)
{
    size_t counts[2];
    if (duet_node_is_broken(windows)) return windows;
    duet_graph *graph = windows->graph;
    duet_shape has = windows->shape, picture = DUET_SHAPE(has.dims[0], height, width, has.dims[5]);
    if (has.rank != 6) {
        char text[96];
        duet_graph_fail(graph, "fold: needs [batch, rows, columns, size, size, channels], has %s",
                        duet_shape_text(has, text));
        return duet_node_broken(graph);
    }
    if (!is_float(where, "fold", windows) || !duet_window_lay(where, graph, "fold", picture, window, counts))
        return duet_node_broken(graph);
    duet_shape wants = DUET_SHAPE(has.dims[0], counts[0], counts[1], window->size[0], window->size[1], has.dims[5]);
    if (duet_shape_equal(has, wants)) return make_fold(where, windows, window, picture);
    char texts[3][96];
    duet_graph_fail(graph, "fold: the windows over %s are %s, has %s", duet_shape_text(picture, texts[0]),
                    duet_shape_text(wants, texts[1]), duet_shape_text(has, texts[2]));
    return duet_node_broken(graph);
}
