/* SPDX-License-Identifier: MIT */
/* Larger pictures from smaller ones. Nearest neighbours and pixel shuffle only reorder or repeat elements; bilinear is
 * an op with its transpose, a pair closed under differentiation. */
#include "op/op.h"
#include "op/where.h"
#include "op/windows.h"

/* Whether x is a picture that can grow by these factors: its extents stay below 2^31. */
static bool can_grow(const char *where, const char *op, duet_node x, size_t height, size_t width)
{
    if (!duet_is_picture(where, op, x)) return false;
    const size_t *d = x->shape.dims;
    if (height > 0 && width > 0 && height <= INT32_MAX / d[1] && width <= INT32_MAX / d[2]) return true;
    char text[96];
    duet_graph_fail(x->graph,
                    "%s: factors of %zu and %zu for height and width of %s: must be 1 or more, the "
                    "extents below 2^31",
                    op, height, width, duet_shape_text(x->shape, text));
    return false;
}

duet_node duet_upsample_nearest_at(const char *where, duet_node x, size_t height, size_t width)
{
    if (duet_node_is_broken(x)) return x;
    if (!can_grow(where, "upsample_nearest", x, height, width)) return duet_node_broken(x->graph);
    const size_t *d = x->shape.dims;
    duet_shape small = DUET_SHAPE(d[0], d[1], 1, d[2], 1, d[3]),
               wide = DUET_SHAPE(d[0], d[1], height, d[2], width, d[3]);
    duet_shape result = DUET_SHAPE(d[0], d[1] * height, d[2] * width, d[3]);
    x = duet_broadcast(duet_reshape(x, small), wide);
    return duet_reshape(x, result);
}

/* Pixel shuffle. Both shapes have the elements of [batch, height, block, width, block, channels], in other orders. */

static const size_t shuffle[6] = {0, 1, 3, 2, 4, 5}; /* its own inverse */

duet_node duet_depth_to_space_at(const char *where, duet_node x, size_t block)
{
    if (duet_node_is_broken(x)) return x;
    if (!can_grow(where, "depth_to_space", x, block, block)) return duet_node_broken(x->graph);
    const size_t *d = x->shape.dims, channels = d[3] / block / block;
    if (d[3] % block != 0 || d[3] / block % block != 0) {
        char text[96];
        duet_graph_fail(x->graph, "depth_to_space: the channels of %s must be a multiple of %zu x %zu",
                        duet_shape_text(x->shape, text), block, block);
        return duet_node_broken(x->graph);
    }
    duet_shape result = DUET_SHAPE(d[0], d[1] * block, d[2] * block, channels);
    x = duet_reshape(x, DUET_SHAPE(d[0], d[1], d[2], block, block, channels));
    return duet_reshape(duet_permute(x, shuffle), result);
}

duet_node duet_space_to_depth_at(const char *where, duet_node x, size_t block)
{
    if (duet_node_is_broken(x)) return x;
    if (!duet_is_picture(where, "space_to_depth", x)) return duet_node_broken(x->graph);
    const size_t *d = x->shape.dims;
    if (block == 0 || d[1] % block != 0 || d[2] % block != 0) {
        char text[96];
        duet_graph_fail(x->graph, "space_to_depth: height and width of %s must be multiples of %zu, the block",
                        duet_shape_text(x->shape, text), block);
        return duet_node_broken(x->graph);
    }
    size_t height = d[1] / block, width = d[2] / block;
    duet_shape result = DUET_SHAPE(d[0], height, width, block * block * d[3]);
    x = duet_reshape(x, DUET_SHAPE(d[0], height, block, width, block, d[3]));
    return duet_reshape(duet_permute(x, shuffle), result);
}

/* bilinear. Along a dimension enlarged f times, element c lies at (c + 1/2) / f - 1/2 of the small one, clamped to its
 * ends. In units of 1 / (2 f) these are whole numbers: 2 c + 1 - f, from 0 to 2 f (extent - 1). size: the factors of
 * height and width */

/* The place of element `at`, in units of 1 / (2 f). */
static duet_value write_place(duet_kernel_writer *writer, const char *at, size_t factor, size_t extent)
{
    return duet_write_let(writer, DUET_UINT32, "min(max(2u * %s + 1u, %zuu) - %zuu, %zuu)", at, factor, factor,
                          2 * factor * (extent - 1));
}

static duet_value write_bilinear(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    duet_node x = node->inputs[0];
    duet_value low[2], high[2], weight[2], corners[4];
    duet_value batch = duet_write_coordinate(writer, node, map, 0),
               channel = duet_write_coordinate(writer, node, map, 3);
    for (size_t axis = 0; axis < 2; axis++) {
        size_t factor = node->attributes.size[axis], extent = x->shape.dims[axis + 1];
        duet_value at = duet_write_coordinate(writer, node, map, axis + 1);
        duet_value place = write_place(writer, at.text, factor, extent);
        low[axis] = duet_write_let(writer, DUET_UINT32, "%s / %zuu", place.text, 2 * factor);
        high[axis] = duet_write_let(writer, DUET_UINT32, "min(%s + 1u, %zuu)", low[axis].text, extent - 1);
        duet_value unit = duet_write_constant(writer, 0.5 / (double)factor);
        weight[axis] =
            duet_write_let(writer, DUET_FLOAT32, "(float)(%s %% %zuu) * %s", place.text, 2 * factor, unit.text);
    }
    for (size_t i = 0; i < 4; i++) {
        char element[96];
        duet_map place = duet_write_coordinates(
            writer, x->shape, (duet_value[]){batch, i < 2 ? low[0] : high[0], i % 2 == 0 ? low[1] : high[1], channel});
        duet_value index = duet_write_index(writer, x, &place);
        duet_write_element(writer, x, index.text, true, element);
        corners[i] = duet_write_let(writer, DUET_FLOAT32, "%s", element);
    }
    duet_value rows[2];
    for (size_t i = 0; i < 2; i++)
        rows[i] = duet_write_let(writer, DUET_FLOAT32, "%s + %s * (%s - %s)", corners[2 * i].text, weight[1].text,
                                 corners[2 * i + 1].text, corners[2 * i].text);
    return duet_write_let(writer, DUET_FLOAT32, "%s + %s * (%s - %s)", rows[0].text, weight[0].text, rows[1].text,
                          rows[0].text);
}

/* The transpose: an element of the small picture adds up the shares that elements of the large one took of it. Along a
 * dimension there are 2 factor of them, one less if factor is odd; the first lies factor / 2 before the element's
 * block. */

/* The element of the large picture tried at `counter`, clamped to the picture, and its share, 0 if it took none. */
static duet_value write_near(duet_kernel_writer *writer, duet_node node, size_t axis, const duet_value *own,
                             const char *counter, duet_value *share)
{
    size_t factor = node->attributes.size[axis], extent = node->shape.dims[axis + 1];
    duet_value at =
        duet_write_let(writer, DUET_UINT32, "%s * %zuu + %s - %zuu", own->text, factor, counter, factor / 2);
    duet_value near = duet_write_let(writer, DUET_UINT32, "min(%s, %zuu)", at.text, factor * extent - 1);
    duet_value place = write_place(writer, near.text, factor, extent);
    duet_value away = duet_write_let(writer, DUET_UINT32, "abs_diff(%s, %s * %zuu)", place.text, own->text, 2 * factor);
    duet_value unit = duet_write_constant(writer, 0.5 / (double)factor);
    *share = duet_write_let(writer, DUET_FLOAT32, "%s == %s && %s < %zuu ? 1.0f - (float)%s * %s : 0.0f", at.text,
                            near.text, away.text, 2 * factor, away.text, unit.text);
    return near;
}

typedef struct back_writer {
    duet_node node;
    duet_value batch, own[2], channel, sum;
} back_writer;

static void write_back_share(duet_kernel_writer *writer, const duet_value counters[2], void *context)
{
    const back_writer *back = context;
    duet_node large = back->node->inputs[0];
    duet_value near[2], share[2];
    char element[96];
    for (size_t axis = 0; axis < 2; axis++)
        near[axis] = write_near(writer, back->node, axis, &back->own[axis], counters[axis].text, &share[axis]);
    duet_map place =
        duet_write_coordinates(writer, large->shape, (duet_value[]){back->batch, near[0], near[1], back->channel});
    duet_value index = duet_write_index(writer, large, &place);
    duet_write_element(writer, large, index.text, true, element);
    duet_text_add(&writer->body, "    %s += %s * %s * %s;\n", back->sum.text, share[0].text, share[1].text, element);
    writer->operations += 10;
}

static size_t taps_along(size_t factor)
{
    return 2 * factor - factor % 2;
}

static duet_value write_bilinear_back(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    const size_t *factors = node->attributes.size, times[2] = {taps_along(factors[0]), taps_along(factors[1])};
    back_writer back = {.node = node};
    back.batch = duet_write_coordinate(writer, node, map, 0);
    for (size_t axis = 0; axis < 2; axis++) back.own[axis] = duet_write_coordinate(writer, node, map, axis + 1);
    back.channel = duet_write_coordinate(writer, node, map, 3);
    back.sum = duet_write_sum(writer);
    duet_write_taps(writer, times, write_back_share, &back);
    return back.sum;
}

static void gradient_bilinear(duet_node node, duet_node g, duet_node *gradients);
static void gradient_bilinear_back(duet_node node, duet_node g, duet_node *gradients);

static const duet_op op_bilinear = {.name = "upsample_bilinear",
                                    .kind = DUET_OP_READER,
                                    .cost = 20,
                                    .write = write_bilinear,
                                    .gradient = gradient_bilinear};
static const duet_op op_bilinear_back = {.name = "upsample_bilinear_transposed",
                                         .kind = DUET_OP_READER,
                                         .cost = 60,
                                         .write = write_bilinear_back,
                                         .gradient = gradient_bilinear_back};

/* The transpose by the factors given, to a picture of that height and width. */
static duet_node make_back(duet_node node, duet_node g, size_t height, size_t width, size_t height_factor,
                           size_t width_factor)
{
    const duet_attributes attributes = {.size = {height_factor, width_factor}};
    duet_shape shape = DUET_SHAPE(node->shape.dims[0], height, width, node->shape.dims[3]);
    return duet_node_make(node->where, node->graph, &op_bilinear_back, DUET_FLOAT32, shape, &g, 1, &attributes, true);
}

/* By width and then by height where the factors are large: 2 f + 2 f elements instead of 2 f times 2 f. */
static void gradient_bilinear(duet_node node, duet_node g, duet_node *gradients)
{
    enum { MOST_AT_ONCE = 16 };
    const size_t *factors = node->attributes.size, *small = node->inputs[0]->shape.dims, *large = node->shape.dims;
    bool apart = factors[0] > 1 && factors[1] > 1 && taps_along(factors[0]) * taps_along(factors[1]) > MOST_AT_ONCE;
    if (apart) g = make_back(node, g, large[1], small[2], 1, factors[1]);
    gradients[0] = make_back(node, g, small[1], small[2], factors[0], apart ? 1 : factors[1]);
}

static void gradient_bilinear_back(duet_node node, duet_node g, duet_node *gradients)
{
    gradients[0] = duet_node_make(node->where, node->graph, &op_bilinear, DUET_FLOAT32, node->inputs[0]->shape, &g, 1,
                                  &node->attributes, true);
}

duet_node duet_upsample_bilinear_at(const char *where, duet_node x, size_t height, size_t width)
{
    if (duet_node_is_broken(x)) return x;
    if (!can_grow(where, "upsample_bilinear", x, height, width)) return duet_node_broken(x->graph);
    if (height == 1 && width == 1) return x;
    const size_t *d = x->shape.dims;
    duet_attributes attributes = {.size = {height, width}};
    return duet_node_make(where, x->graph, &op_bilinear, DUET_FLOAT32,
                          DUET_SHAPE(d[0], d[1] * height, d[2] * width, d[3]), &x, 1, &attributes, true);
}
