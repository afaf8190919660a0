/* SPDX-License-Identifier: MIT */
/* Gated PixelCNN, van den Oord et al. 2016 (arXiv:1606.05328, fig. 2): pixel after pixel, colour after colour, by two
 * stacks of convolutions. The vertical one sees the rows above, the horizontal one the pixels to the left and, layer by
 * layer, the vertical one, so that nothing before a pixel stays unseen. Masks are those of arXiv:1601.06759, sec. 3.4.
 */
#include <stdio.h>

#include "model/families/autoregressive.h"
#include "model/families/family.h"

enum { FIRST = 7, LATER = 3, MOST_BLOCKS = 64 }; /* extents of windows */

/* What a convolution sees of the pixel it stands on: all, the colours before (mask A), or its own too (mask B). */
typedef enum sight { ALL, BEFORE, SO_FAR } sight;

typedef struct net {
    duet_model *m;
    duet_group *group;
    size_t blocks, width, colours, outputs; /* residual blocks; features of a stack; numbers that say a colour */
    bool draws, keeps; /* sampling: rows or pixels come alone, the past was kept; or is to be kept */
    duet_node inside;  /* sampling: whether there is a pixel to the left */
} net;

/* The colour that each of `count` features belongs to, by runs; features come in periods. */
static duet_node colours_of(const net *n, size_t count, size_t period, duet_shape shape)
{
    duet_node i = duet_shift(duet_range(duet_model_graph(n->m), count), 0.5);
    i = duet_subtract(i, duet_scale(duet_floor(duet_scale(i, 1.0 / (double)period)), (double)period));
    return duet_reshape(duet_floor(duet_scale(i, (double)n->colours / (double)period)), shape);
}

/* Weights [rows, columns, in, out] under the mask of the last column, where the pixel itself lies. */
static duet_node masked(const net *n, duet_node weight, sight sees)
{
    size_t columns = duet_node_shape(weight).dims[1], in = duet_node_shape(weight).dims[2], out = duet_features(weight);
    if (sees == ALL || (sees == SO_FAR && n->colours == 1)) return weight;
    duet_node column = duet_reshape(duet_range(duet_model_graph(n->m), columns), DUET_SHAPE(1, columns, 1, 1));
    duet_node from = colours_of(n, in, in, DUET_SHAPE(1, 1, in, 1));
    duet_node to = colours_of(n, out, out == 2 * n->width ? n->width : out, DUET_SHAPE(1, 1, 1, out));
    duet_node left = duet_less(column, duet_constant(duet_model_graph(n->m), (double)columns - 1));
    return duet_multiply(weight, duet_maximum(left, sees == BEFORE ? duet_less(from, to) : duet_less_equal(from, to)));
}

/* While drawing, x [rows, 1, width, ...] or [rows, 1, 1, ...] with the `count` rows or columns that came before it. */
static duet_node with_past(const net *n, const char *layer, duet_node x, size_t axis, size_t count)
{
    duet_shape shape = duet_node_shape(x);
    if (count == 0) return x;
    shape.dims[axis] = count;
    duet_node past = duet_scratch(n->m, layer, DUET_FLOAT32, shape);
    duet_node joined = duet_concat(((duet_node[]){axis == 2 ? duet_multiply(past, n->inside) : past, x}), 2, axis);
    if (n->keeps) duet_phase_assign(n->m, past, duet_slice(joined, axis, 1, count));
    return joined;
}

/* A convolution whose windows end in the pixel's row and, if there is one row, in its column; else they are centred. */
static duet_node convolved(const net *n, const char *kind, size_t i, duet_node x, size_t rows, size_t columns,
                           size_t features, sight sees)
{
    const duet_initialiser glorot = {.kind = DUET_INIT_GLOROT_UNIFORM, .scale = 1}, zero = {.kind = DUET_INIT_CONSTANT};
    duet_graph *graph = duet_model_graph(n->m);
    size_t left = rows > 1 ? columns / 2 : columns - 1, right = columns - 1 - left;
    duet_window window = {{rows, columns}, {1, 1}, {1, 1}, {rows - 1, left}, {0, right}};
    char layer[24], bias[32];
    (void)snprintf(layer, sizeof layer, "%s%zu", kind, i);
    (void)snprintf(bias, sizeof bias, "%s.bias", layer);
    if (n->draws) {
        size_t axis = rows > 1 ? 1 : 2;
        x = with_past(n, layer, x, axis, axis == 1 ? rows - 1 : columns - 1);
        window.pad_before[axis - 1] = 0;
    }
    duet_node weight =
        duet_weight(graph, n->group, layer, DUET_SHAPE(rows, columns, duet_features(x), features), glorot);
    duet_node y = duet_convolution(x, masked(n, weight, sees), &window, 1);
    return duet_add(y, duet_parameter(graph, n->group, bias, DUET_SHAPE(features), zero));
}

static duet_node gated(duet_node x)
{
    size_t half = duet_features(x) / 2;
    return duet_multiply(duet_tanh(duet_slice(x, 3, 0, half)), duet_sigmoid(duet_slice(x, 3, half, half)));
}

/* Layer i of the vertical stack; *across: what it tells that of the horizontal one. */
static duet_node vertical(const net *n, size_t i, duet_node x, duet_node *across)
{
    size_t rows = i == 0 ? FIRST / 2 : LATER / 2 + 1, columns = i == 0 ? FIRST : LATER;
    duet_node y = convolved(n, "vertical", i, x, rows, columns, 2 * n->width, ALL);
    *across = convolved(n, "across", i, y, 1, 1, 2 * n->width, ALL);
    return gated(y);
}

static duet_node horizontal(const net *n, size_t i, duet_node x, duet_node across)
{
    size_t columns = (i == 0 ? FIRST : LATER) / 2 + 1;
    duet_node y = convolved(n, "horizontal", i, x, 1, columns, 2 * n->width, i == 0 ? BEFORE : SO_FAR);
    y = convolved(n, "residual", i, gated(duet_add(y, across)), 1, 1, n->width, SO_FAR);
    return i == 0 ? y : duet_add(x, y);
}

static duet_node outputs_of(const net *n, duet_node h)
{
    h = convolved(n, "last", 0, duet_activate(n->m, h), 1, 1, n->width, SO_FAR);
    return convolved(n, "outputs", 0, duet_activate(n->m, h), 1, 1, n->colours * n->outputs, SO_FAR);
}

/* Whole pictures at once: the first vertical layer sees them a row further down. */
static duet_node read_pictures(const net *n, duet_node x)
{
    duet_node v = duet_slice(duet_pad(x, 1, 1, 0), 1, 0, duet_node_shape(x).dims[1]), h = x, across;
    for (size_t i = 0; i <= n->blocks; i++) {
        v = vertical(n, i, v, &across);
        h = horizontal(n, i, h, across);
    }
    return outputs_of(n, h);
}

/* What the rows above say of each pixel of the next one; the row drawn last comes in from `row`. */
static void look_up(net *n, duet_node row, duet_node across[])
{
    duet_shape shape = duet_node_shape(row);
    duet_node v = duet_permute(row, ((size_t[]){1, 0, 2})), told;
    v = duet_reshape(v, DUET_SHAPE(shape.dims[1], 1, shape.dims[0], shape.dims[2]));
    n->keeps = true;
    duet_phase(n->m, "row", 1);
    for (size_t i = 0; i <= n->blocks; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "told%zu", i);
        v = vertical(n, i, v, &told);
        across[i] = duet_scratch(n->m, name, DUET_FLOAT32, duet_node_shape(told));
        duet_phase_assign(n->m, across[i], told);
    }
}

/* A pixel, colour after colour: [rows, 1, 1, colours]; *nll is that of what is drawn. */
static duet_node draw_pixel(net *n, duet_node column, duet_node across[], duet_node *nll)
{
    size_t rows = duet_model_batch_size(n->m);
    duet_node zero = duet_constant(duet_model_graph(n->m), 0);
    duet_node x = duet_broadcast(zero, DUET_SHAPE(rows, 1, 1, n->colours));
    n->inside = duet_greater(duet_to_float(column), zero);
    *nll = duet_broadcast(zero, DUET_SHAPE(rows));
    for (size_t c = 0; c < n->colours; c++) {
        duet_node h = x;
        for (size_t i = 0; i <= n->blocks; i++) {
            n->keeps = i > 0 && c + 1 == n->colours;
            h = horizontal(n, i, h, duet_take(across[i], 2, column));
        }
        duet_node outputs = duet_reshape(outputs_of(n, h), DUET_SHAPE(rows, n->colours, n->outputs));
        duet_node drawn = duet_autoregressive_draw(n->m, duet_slice(outputs, 1, c, 1));
        *nll = duet_add(*nll, duet_autoregressive_nll(n->m, duet_slice(outputs, 1, c, 1), drawn));
        x = duet_add(x, duet_pad(duet_reshape(drawn, DUET_SHAPE(rows, 1, 1, 1)), 3, c, n->colours - 1 - c));
    }
    n->keeps = true; /* the input with its last colour */
    (void)with_past(n, "horizontal0", x, 2, FIRST / 2);
    return x;
}

/* Layers see what they were told of rows and pixels before, so that a pixel costs a pixel's work of the horizontal
 * stack and, once a row, a row's work of the vertical one. */
static void sample(net n, size_t height, size_t width)
{
    duet_model *m = n.m;
    size_t rows = duet_model_batch_size(m);
    duet_node across[MOST_BLOCKS + 1], nll;
    n.draws = true;
    duet_procedure(m, DUET_SAMPLE);
    duet_procedure_rounds(m, height);
    duet_node i = duet_scratch(m, "pixel", DUET_UINT32, DUET_SCALAR_SHAPE);
    duet_node picture = duet_scratch(m, "picture", DUET_FLOAT32, DUET_SHAPE(height * width, rows, n.colours));
    duet_node row = duet_scratch(m, "row", DUET_FLOAT32, DUET_SHAPE(width, rows, n.colours));
    duet_node sum = duet_scratch(m, "nll", DUET_FLOAT32, DUET_SHAPE(rows));
    look_up(&n, row, across);

    duet_phase(m, "pixel", width);
    duet_node x = draw_pixel(&n, duet_in_order(i, 1, width), across, &nll);
    x = duet_reshape(x, DUET_SHAPE(rows, n.colours));
    duet_phase_assign(m, picture, duet_with_row(picture, i, x));
    duet_phase_assign(m, row, duet_with_row(row, i, x));
    duet_phase_assign(m, sum, duet_add(sum, nll));
    duet_phase_assign(m, i, duet_increment(i));

    duet_output(m, DUET_SAMPLE, duet_flatten(duet_permute(picture, ((size_t[]){1, 0, 2}))));
    duet_own_output(m, "sample_nll", sum);
}

static void build_pixelcnn(duet_model *m)
{
    duet_node x = duet_autoregressive_batch(m);
    duet_shape shape = duet_node_shape(duet_model_pictures(m, 1));
    net n = {.m = m,
             .group = duet_model_group(m, "net"),
             .blocks = (size_t)duet_setting_number(m, "blocks"),
             .width = (size_t)duet_setting_number(m, "width"),
             .colours = shape.dims[3],
             .outputs = duet_autoregressive_outputs(m)};
    if (n.width < n.colours) {
        duet_graph_fail(duet_model_graph(m), "pixelcnn: a width of %zu features for %zu colours; one each is the least",
                        n.width, n.colours);
        return;
    }
    duet_node outputs = duet_flatten(read_pictures(&n, duet_reshape(x, shape)));
    duet_node nll = duet_autoregressive_nll(m, outputs, x);
    duet_autoregressive_train(m, nll, duet_features(x), n.group);

    duet_output(m, DUET_NLL, nll);
    duet_own_output(m, "pixel_logits", outputs);
    sample(n, shape.dims[1], shape.dims[2]);
}

static const duet_setting settings[] = {
    DUET_COUNT("width", 24, 1, 4096, "features of each stack"),
    DUET_COUNT("blocks", 4, 0, MOST_BLOCKS, "gated residual blocks of 3x3 windows after the first of 7x7"),
    DUET_AUTOREGRESSIVE_SETTINGS,
};

const duet_family duet_family_pixelcnn = {
    .name = "pixelcnn",
    .summary = "gated PixelCNN, pixel after pixel by masked convolutions",
    .paper = "van den Oord et al. 2016",
    .build = build_pixelcnn,
    .groups = (const char *const[]){"net", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .batch = 50,
};
