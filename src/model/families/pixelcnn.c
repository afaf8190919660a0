/* SPDX-License-Identifier: MIT */
/* Gated PixelCNN, van den Oord et al. 2016 (arXiv:1606.05328, fig. 2): pixel after pixel, colour after colour, by two
 * stacks of convolutions. The vertical one sees the rows above, the horizontal one the pixels to the left and, layer by
 * layer, the vertical one, so that nothing before a pixel stays unseen. */
#include <stdio.h>

#include "model/families/autoregressive.h"
#include "model/families/causal.h"
#include "model/families/family.h"

enum { FIRST = 7, LATER = 3, MOST_BLOCKS = 64 }; /* extents of windows */

typedef struct net {
    size_t blocks, width, outputs; /* residual blocks; features of a stack; numbers that say a colour */
    duet_causal at;
} net;

static duet_node pixelwise(const net *n, const char *kind, size_t i, duet_node x, size_t features, duet_sight sees)
{
    return duet_causal_convolution(&n->at, kind, i, x, 1, 1, features, features, sees);
}

/* Eq. 2, tanh(a) sigmoid(b), where sigmoid(b) = (1 + tanh(b / 2)) / 2: plans keep a tanh for its gradient. */
static duet_node gated(duet_node x)
{
    size_t half = duet_features(x) / 2;
    duet_node opened = duet_shift(duet_tanh(duet_scale(duet_slice(x, 3, half, half), 0.5)), 1);
    return duet_multiply(duet_tanh(duet_slice(x, 3, 0, half)), duet_scale(opened, 0.5));
}

/* Layer i of the vertical stack; *across: what it tells that of the horizontal one. */
static duet_node vertical(const net *n, size_t i, duet_node x, duet_node *across)
{
    size_t rows = i == 0 ? FIRST / 2 : LATER / 2 + 1, columns = i == 0 ? FIRST : LATER, both = 2 * n->width;
    duet_node y = duet_causal_convolution(&n->at, "vertical", i, x, rows, columns, both, both, DUET_SEES_ALL);
    *across = pixelwise(n, "across", i, y, both, DUET_SEES_ALL);
    return gated(y);
}

static duet_node horizontal(const net *n, size_t i, duet_node x, duet_node across)
{
    size_t columns = (i == 0 ? FIRST : LATER) / 2 + 1;
    duet_node y = duet_causal_convolution(&n->at, "horizontal", i, x, 1, columns, 2 * n->width, n->width,
                                          i == 0 ? DUET_SEES_BEFORE : DUET_SEES_SO_FAR);
    y = pixelwise(n, "residual", i, gated(duet_add(y, across)), n->width, DUET_SEES_SO_FAR);
    return i == 0 ? y : duet_add(x, y);
}

static duet_node outputs_of(const net *n, duet_node h)
{
    duet_model *m = n->at.model;
    h = pixelwise(n, "last", 0, duet_activate(m, h), n->width, DUET_SEES_SO_FAR);
    return pixelwise(n, "outputs", 0, duet_activate(m, h), n->at.colours * n->outputs, DUET_SEES_SO_FAR);
}

/* Whole pictures at once. The vertical stack reads them a row further down. */
static duet_node read_pictures(const net *n, duet_node x)
{
    duet_node v = duet_slice(duet_pad(x, 1, 1, 0), 1, 0, duet_node_shape(x).dims[1]), h = x, across;
    for (size_t i = 0; i <= n->blocks; i++) {
        v = vertical(n, i, v, &across);
        h = horizontal(n, i, h, across);
    }
    return outputs_of(n, h);
}

/* Sampling: a row of the vertical stack, from the row that was drawn last. across[i]: what its layers tell, kept. */
static void look_up(net *n, duet_node row, duet_node across[])
{
    duet_shape shape = duet_node_shape(row);
    duet_node v = duet_permute(row, ((size_t[]){1, 0, 2})), told;
    v = duet_reshape(v, DUET_SHAPE(shape.dims[1], 1, shape.dims[0], shape.dims[2]));
    n->at.keeps = true;
    for (size_t i = 0; i <= n->blocks; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "told%zu", i);
        v = vertical(n, i, v, &told);
        across[i] = duet_scratch(n->at.model, name, DUET_FLOAT32, duet_node_shape(told));
        duet_phase_assign(n->at.model, across[i], told);
    }
}

/* Sampling: a pixel, colour after colour, [rows, 1, 1, colours]; *nll is that of what is drawn. */
static duet_node draw_pixel(net *n, duet_node column, duet_node across[], duet_node *nll)
{
    duet_model *m = n->at.model;
    size_t rows = duet_model_batch_size(m), colours = n->at.colours;
    duet_node zero = duet_constant(duet_model_graph(m), 0);
    duet_node x = duet_broadcast(zero, DUET_SHAPE(rows, 1, 1, colours));
    *nll = duet_broadcast(zero, DUET_SHAPE(rows));
    n->at.left = duet_greater(duet_to_float(column), zero);
    for (size_t c = 0; c < colours; c++) {
        duet_node h = x;
        for (size_t i = 0; i <= n->blocks; i++) {
            n->at.keeps = i > 0 && c + 1 == colours;
            h = horizontal(n, i, h, duet_take(across[i], 2, column));
        }
        duet_node outputs = duet_reshape(outputs_of(n, h), DUET_SHAPE(rows, colours, n->outputs));
        duet_node drawn = duet_autoregressive_draw(m, duet_slice(outputs, 1, c, 1));
        *nll = duet_add(*nll, duet_autoregressive_nll(m, duet_slice(outputs, 1, c, 1), drawn));
        x = duet_add(x, duet_pad(duet_reshape(drawn, DUET_SHAPE(rows, 1, 1, 1)), 3, c, colours - 1 - c));
    }
    n->at.keeps = true; /* what the first layer reads, with its last colour */
    (void)duet_causal_past(&n->at, "horizontal0", x, 2, FIRST / 2);
    return x;
}

/* Layers keep what later windows reach back to, so that a pixel costs a pixel's work of the horizontal stack and, once
 * a row, a row's work of the vertical one. */
static void sample(net n, size_t height, size_t width)
{
    duet_model *m = n.at.model;
    size_t rows = duet_model_batch_size(m), colours = n.at.colours;
    duet_node across[MOST_BLOCKS + 1], nll;
    n.at.draws = true;
    duet_procedure(m, DUET_SAMPLE);
    duet_procedure_rounds(m, height);
    duet_node i = duet_scratch(m, "pixel", DUET_UINT32, DUET_SCALAR_SHAPE);
    duet_node picture = duet_scratch(m, "picture", DUET_FLOAT32, DUET_SHAPE(height * width, rows, colours));
    duet_node row = duet_scratch(m, "row", DUET_FLOAT32, DUET_SHAPE(width, rows, colours));
    duet_node sum = duet_scratch(m, "nll", DUET_FLOAT32, DUET_SHAPE(rows));

    duet_phase(m, "row", 1);
    look_up(&n, row, across);

    duet_phase(m, "pixel", width);
    duet_node x = draw_pixel(&n, duet_in_order(i, 1, width), across, &nll);
    x = duet_reshape(x, DUET_SHAPE(rows, colours));
    duet_phase_assign(m, picture, duet_with_row(picture, i, x));
    duet_phase_assign(m, row, duet_with_row(row, i, x));
    duet_phase_assign(m, sum, duet_add(sum, nll));
    duet_phase_assign(m, i, duet_increment(i));

    duet_output(m, DUET_SAMPLE, duet_flatten(duet_permute(picture, ((size_t[]){1, 0, 2}))));
    duet_own_output(m, "sample_nll", sum);
}

static void build_pixelcnn(duet_model *m)
{
    duet_shape shape = duet_node_shape(duet_model_pictures(m, 1)); /* before numbers are asked to be others in vain */
    duet_node x = duet_autoregressive_batch(m);
    net n = {.blocks = (size_t)duet_setting_number(m, "blocks"),
             .width = (size_t)duet_setting_number(m, "width"),
             .outputs = duet_autoregressive_outputs(m),
             .at = {.model = m, .group = duet_model_group(m, "net"), .colours = shape.dims[3]}};
    if (n.width < n.at.colours) {
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "pixelcnn: a width of %zu features for %zu colours; one each is the least", n.width,
                          n.at.colours);
        return;
    }
    duet_node outputs = duet_flatten(read_pictures(&n, duet_reshape(x, shape)));
    duet_node nll = duet_autoregressive_nll(m, outputs, x);
    duet_autoregressive_likelihood(m, nll, nll, duet_features(x), n.at.group);
    duet_own_output(m, "pixel_logits", outputs);
    sample(n, shape.dims[1], shape.dims[2]);
}

static const duet_setting settings[] = {
    DUET_COUNT("width", 16, 1, 4096, "features of each stack"),
    DUET_COUNT("blocks", 5, 0, MOST_BLOCKS, "gated residual blocks of 3x3 windows after the first layer of 7x7"),
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
