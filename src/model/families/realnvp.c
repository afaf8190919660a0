/* SPDX-License-Identifier: MIT */
/* Real NVP, Dinh et al. 2017 (arXiv:1605.08803): affine couplings scale and move one half of the features by functions
 * of the other (eq. 4 to 8). Pictures go through scales: halves like the colours of a chessboard, then halves of the
 * channels, then one half leaves as codes and the other goes on (sec. 3.4 to 3.6). Other data have one scale of dense
 * couplings between even and odd features. */
#include "model/families/family.h"
#include "model/families/flow.h"

#include <stdio.h>

/* Residual network of a picture, `width` channels wide, or dense layers of a row. */
static duet_node network(duet_model *m, duet_group *flow, duet_node x)
{
    if (duet_node_shape(x).rank == 2) return duet_hidden_layers(m, flow, "hidden", x);
    size_t width = (size_t)duet_setting_number(m, "width"), blocks = (size_t)duet_setting_number(m, "blocks");
    duet_node h = duet_conv2d(flow, "conv", x, width, 3, 1, DUET_SAME);
    for (size_t i = 0; i < blocks; i++) {
        char layer[2][32];
        snprintf(layer[0], sizeof layer[0], "block%zu.conv", i + 1);
        snprintf(layer[1], sizeof layer[1], "block%zu.dense", i + 1);
        duet_node inner = duet_activate(m, duet_conv2d(flow, layer[0], duet_activate(m, h), width, 3, 1, DUET_SAME));
        h = duet_add(h, duet_dense(flow, layer[1], inner, width));
    }
    return duet_activate(m, h);
}

/* The logarithm of the scale and the shift of `features` by x. Both start at 0, so that a new flow changes nothing. The
 * logarithm is held within a learned bound (sec. 4.1), without which one step too far would overflow. */
static void scale_and_shift(duet_model *m, duet_node x, size_t features, duet_node *log_scale, duet_node *shift)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT}, two = {.kind = DUET_INIT_CONSTANT, .scale = 2};
    duet_graph *graph = duet_model_graph(m);
    duet_group *flow = duet_model_group(m, "flow");
    duet_node h = network(m, flow, x);
    duet_node weight = duet_weight(graph, flow, "output", DUET_SHAPE(2 * features, duet_features(h)), zero);
    duet_node bias = duet_parameter(graph, flow, "output.bias", DUET_SHAPE(2 * features), zero);
    duet_node bound = duet_parameter(graph, flow, "bound", DUET_SHAPE(features), two);
    duet_node both = duet_linear(h, weight, bias);
    size_t last = duet_node_shape(both).rank - 1;
    *log_scale = duet_multiply(bound, duet_tanh(duet_slice(both, last, 0, features)));
    *shift = duet_slice(both, last, features, features);
}

/* Moves `x` by the other half: y = x exp(s) + t, or back where no log-determinant is asked for. */
static duet_node coupled(duet_model *m, duet_node x, duet_node other, duet_node *log_determinant)
{
    duet_node s, t;
    scale_and_shift(m, other, duet_features(x), &s, &t);
    if (log_determinant == NULL) return duet_multiply(duet_subtract(x, t), duet_exp(duet_negate(s)));
    *log_determinant = duet_add(*log_determinant, duet_sum_features(s));
    return duet_add(duet_multiply(x, duet_exp(s)), t);
}

/* The couplings of one mask, by turns, b first; backwards from the last to the first. */
static duet_halves couplings(duet_model *m, const char *mask, size_t scale, size_t count, duet_halves x,
                             duet_node *log_determinant)
{
    duet_graph *graph = duet_model_graph(m);
    for (size_t i = 0; i < count; i++) {
        char name[48];
        size_t turn = log_determinant != NULL ? i : count - 1 - i;
        snprintf(name, sizeof name, "%s%zu-%zu", mask, scale + 1, turn + 1);
        duet_name_begin(graph, name);
        if (turn % 2 == 0)
            x.b = coupled(m, x.b, x.a, log_determinant);
        else
            x.a = coupled(m, x.a, x.b, log_determinant);
        duet_name_end(graph);
    }
    return x;
}

static duet_halves channel_halves(duet_node x)
{
    size_t half = duet_features(x) / 2;
    return (duet_halves){duet_slice(x, 3, 0, half), duet_slice(x, 3, half, half)};
}

static duet_node channels_of(duet_halves x)
{
    return duet_concat(((duet_node[]){x.a, x.b}), 2, 3);
}

/* The channels are the four pixels of a square, row by row; its diagonals are the colours of a chessboard. */
static duet_halves board_halves(duet_node x)
{
    duet_halves rows = channel_halves(x), upper = channel_halves(rows.a), lower = channel_halves(rows.b);
    return (duet_halves){channels_of((duet_halves){upper.a, lower.b}), channels_of((duet_halves){upper.b, lower.a})};
}

static duet_node board_of(duet_halves x)
{
    duet_halves a = channel_halves(x.a), b = channel_halves(x.b);
    return duet_concat(((duet_node[]){a.a, b.a, b.b, a.b}), 4, 3);
}

/* Scales that pictures go through; 0 for other data, and where height or width is odd. */
static size_t scales_of(duet_model *m)
{
    duet_shape picture = duet_model_example_shape(m);
    size_t most = picture.rank == 3 ? (size_t)duet_setting_number(m, "scales") : 0, scales = 0;
    while (scales < most && picture.dims[0] % ((size_t)2 << scales) == 0 &&
           picture.dims[1] % ((size_t)2 << scales) == 0)
        scales++;
    return scales;
}

/* A picture as it enters a scale, counted from 0. */
static duet_shape shape_at(duet_model *m, size_t scale)
{
    duet_shape picture = duet_model_example_shape(m);
    return DUET_SHAPE(duet_model_batch_size(m), picture.dims[0] >> scale, picture.dims[1] >> scale,
                      picture.dims[2] << scale);
}

/* From a scale on: codes of the half that leaves, then those of the rest. */
static duet_node down(duet_model *m, size_t scale, duet_node x, duet_node *log_determinant)
{
    size_t count = (size_t)duet_setting_number(m, "couplings");
    duet_halves board = board_halves(duet_space_to_depth(x, 2));
    board = couplings(m, "checkerboard", scale, count, board, log_determinant);
    duet_halves half = couplings(m, "channels", scale, count, channel_halves(board_of(board)), log_determinant);
    duet_node rest = scale + 1 < scales_of(m) ? down(m, scale + 1, half.b, log_determinant) : duet_flatten(half.b);
    return duet_concat(((duet_node[]){duet_flatten(half.a), rest}), 2, 1);
}

static duet_node up(duet_model *m, size_t scale, duet_node h)
{
    size_t count = (size_t)duet_setting_number(m, "couplings"), features = duet_features(h) / 2;
    duet_shape shape = shape_at(m, scale + 1);
    duet_node left = duet_slice(h, 1, 0, features), rest = duet_slice(h, 1, features, features);
    rest = scale + 1 < scales_of(m) ? up(m, scale + 1, rest) : duet_reshape(rest, shape);
    duet_halves half = couplings(m, "channels", scale, count, (duet_halves){duet_reshape(left, shape), rest}, NULL);
    duet_halves board = couplings(m, "checkerboard", scale, count, board_halves(channels_of(half)), NULL);
    return duet_depth_to_space(board_of(board), 2);
}

static duet_node forward(duet_model *m, duet_node x, duet_node *log_determinant)
{
    size_t count = 2 * (size_t)duet_setting_number(m, "couplings");
    if (scales_of(m) > 0) return down(m, 0, duet_reshape(x, shape_at(m, 0)), log_determinant);
    return duet_flow_joined(couplings(m, "rows", 0, count, duet_flow_halves(x), log_determinant));
}

static duet_node inverse(duet_model *m, duet_node h)
{
    size_t count = 2 * (size_t)duet_setting_number(m, "couplings");
    if (scales_of(m) > 0) return duet_flatten(up(m, 0, h));
    return duet_flow_joined(couplings(m, "rows", 0, count, duet_flow_halves(h), NULL));
}

static void build_realnvp(duet_model *m)
{
    duet_group *const groups[] = {duet_model_group(m, "flow"), NULL};
    duet_flow_likelihood(m, &(duet_flow){forward, inverse, groups});
}

static const duet_setting settings[] = {
    DUET_COUNT("couplings", 3, 1, 64, "couplings of each mask of a scale; other data have twice as many in all"),
    DUET_COUNT("scales", 2, 1, 16, "scales of a picture, as far as its height and width can be halved"),
    DUET_COUNT("width", 32, 1, 4096, "pictures: features of the residual networks"),
    DUET_COUNT("blocks", 2, 0, 64, "pictures: blocks of the residual networks"),
    DUET_SIZES("hidden", "256,256", "other data: widths of each coupling's layers"),
    DUET_FLOW_SETTINGS("normal", 0.001),
    DUET_NUMBER("lr", 0.002, 0, 100, "learning rate"),
};

const duet_family duet_family_realnvp = {
    .name = "realnvp",
    .summary = "real-valued non-volume preserving flow",
    .paper = "Dinh et al. 2017",
    .build = build_realnvp,
    .groups = (const char *const[]){"flow", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .batch = 64,
};
