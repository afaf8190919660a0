/* SPDX-License-Identifier: MIT */
/* A small U-Net after Ho et al. 2020 (arXiv:2006.11239, appendix B): residual blocks that are told the time, on the way
 * down and, beside what was kept there (Ronneberger et al. 2015, arXiv:1505.04597), on the way up; self-attention where
 * the picture is smallest. Each block and the whole start as doing nothing: their last layers are 0. */
#include "model/families/unet.h"

#include <math.h>

/* What all parts of the network need. */
typedef struct unet {
    duet_model *model;
    duet_graph *graph;
    duet_group *net;
    duet_node told; /* time and condition, [rows or 1, n] */
} unet;

/* Layers that give 0 at first. */

static duet_node quiet_weight(const unet *u, const char *layer, duet_shape shape)
{
    return duet_weight(u->graph, u->net, layer, shape, (duet_initialiser){.kind = DUET_INIT_CONSTANT});
}

static duet_node quiet_bias(const unet *u, const char *layer, size_t features)
{
    duet_name_begin(u->graph, layer);
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_node bias = duet_parameter(u->graph, u->net, "bias", DUET_SHAPE(features), zero);
    duet_name_end(u->graph);
    return bias;
}

static duet_node quiet_dense(const unet *u, const char *layer, duet_node x, size_t features)
{
    duet_node weight = quiet_weight(u, layer, DUET_SHAPE(features, duet_features(x)));
    return duet_linear(x, weight, quiet_bias(u, layer, features));
}

static duet_node quiet_conv(const unet *u, const char *layer, duet_node x, size_t features)
{
    const duet_window window = duet_window_same(x, 3, 1);
    duet_node weight = quiet_weight(u, layer, DUET_SHAPE(3, 3, duet_features(x), features));
    return duet_add(duet_convolution(x, weight, &window, 1), quiet_bias(u, layer, features));
}

/* Up to eight groups, of four channels at least. */
static duet_node normalised(const unet *u, const char *layer, duet_node x)
{
    size_t groups = 8;
    while (groups > 1 && duet_features(x) % (4 * groups) != 0) groups /= 2;
    return duet_group_norm(u->net, layer, x, groups);
}

/* Sines and cosines of 1000 time at frequencies from 1 down to 1/10,000 (Vaswani et al. 2017, arXiv:1706.03762, sec.
 * 3.5) through two layers, and the condition added. A condition of zeros is none. */
static duet_node tell(const unet *u, duet_node time, duet_node condition)
{
    size_t width = (size_t)duet_setting_number(u->model, "width"), half = (width + 1) / 2;
    duet_node frequency = duet_exp(duet_scale(duet_range(u->graph, half), -log(10000) / (double)half));
    duet_node angle = duet_multiply(duet_scale(time, 1000), frequency);
    duet_node h = duet_concat(((duet_node[]){duet_sin(angle), duet_cos(angle)}), 2, 1);
    h = duet_activate(u->model, duet_dense(u->net, "time1", h, 4 * width));
    h = duet_dense(u->net, "time2", h, 4 * width);
    if (condition != NULL) h = duet_add(h, duet_dense_no_bias(u->net, "condition", condition, 4 * width));
    return duet_activate(u->model, h);
}

/* What is told scales and shifts what was normalised, AdaGN of Dhariwal & Nichol 2021 (arXiv:2105.05233, sec. 3.1): a
 * norm behind a shift would take it away. */
static duet_node residual(const unet *u, const char *name, duet_node x, size_t features)
{
    duet_name_begin(u->graph, name);
    duet_node h = duet_activate(u->model, normalised(u, "norm1", x));
    h = normalised(u, "norm2", duet_conv2d(u->net, "conv1", h, features, 3, 1, DUET_SAME));
    duet_node told = duet_dense(u->net, "told", u->told, 2 * features);
    told = duet_reshape(told, DUET_SHAPE(duet_node_shape(told).dims[0], 1, 1, 2 * features));
    duet_node scale = duet_shift(duet_slice(told, 3, 0, features), 1), shift = duet_slice(told, 3, features, features);
    h = duet_add(duet_multiply(h, scale), shift);
    h = quiet_conv(u, "conv2", duet_activate(u->model, h), features);
    if (duet_features(x) != features) x = duet_dense(u->net, "through", x, features);
    duet_name_end(u->graph);
    return duet_add(x, h);
}

/* Every place looks at all others: softmax(Q K^T / sqrt(c)) V. */
static duet_node attend(const unet *u, duet_node x)
{
    const duet_shape shape = duet_node_shape(x);
    size_t c = shape.dims[3];
    duet_name_begin(u->graph, "attention");
    duet_node places =
        duet_reshape(normalised(u, "norm", x), DUET_SHAPE(shape.dims[0], shape.dims[1] * shape.dims[2], c));
    duet_node query = duet_dense(u->net, "query", places, c), key = duet_dense(u->net, "key", places, c);
    duet_node scores = duet_scale(duet_batched_matmul(query, key, false, true), 1 / sqrt((double)c));
    duet_node value = duet_dense(u->net, "value", places, c);
    duet_node seen = quiet_dense(u, "output", duet_batched_matmul(duet_softmax(scores), value, false, false), c);
    duet_name_end(u->graph);
    return duet_add(x, duet_reshape(seen, shape));
}

/* Twice as large, cut to the extents of `like`: halving rounds up. */
static duet_node enlarged(duet_node x, duet_node like)
{
    const duet_shape shape = duet_node_shape(like);
    x = duet_upsample_nearest(x, 2, 2);
    return duet_slice(duet_slice(x, 1, 0, shape.dims[1]), 2, 0, shape.dims[2]);
}

/* Halving rounds up, so that one pixel stays one. */
static void warn_of_idle_halving(const unet *u, const duet_shape *shape, size_t levels)
{
    size_t most = 0, extent = shape->dims[1] > shape->dims[2] ? shape->dims[1] : shape->dims[2];
    for (; extent > 1; extent = (extent + 1) / 2) most++;
    if (levels > most)
        duet_model_warn(u->model,
                        "levels=%zu, and pictures of %zu x %zu are one pixel after %zu: what is halved after that has "
                        "nothing to see; levels=%zu is the most that does something",
                        levels, shape->dims[1], shape->dims[2], most, most);
}

static duet_node pictures(const unet *u, duet_node x, size_t width)
{
    static const char *const down[] = {"down1", "down2", "down3", "down4", "down5", "down6"};
    static const char *const up[] = {"up1", "up2", "up3", "up4", "up5", "up6"};
    size_t levels = (size_t)duet_setting_number(u->model, "levels"), channels = duet_features(x);
    const duet_shape shape = duet_node_shape(x);
    warn_of_idle_halving(u, &shape, levels);
    duet_node kept[6], h = duet_conv2d(u->net, "input", x, width, 3, 1, DUET_SAME);
    for (size_t level = 0; level < levels; level++) {
        kept[level] = h = residual(u, down[level], h, width << level);
        duet_name_begin(u->graph, down[level]);
        h = duet_conv2d(u->net, "shrink", h, width << (level + 1), 3, 2, DUET_SAME);
        duet_name_end(u->graph);
    }
    h = residual(u, "middle1", h, width << levels);
    h = residual(u, "middle2", attend(u, h), width << levels);
    for (size_t level = levels; level-- > 0;) {
        duet_name_begin(u->graph, up[level]);
        h = duet_conv2d(u->net, "grow", enlarged(h, kept[level]), width << level, 3, 1, DUET_SAME);
        duet_name_end(u->graph);
        h = residual(u, up[level], duet_concat(((duet_node[]){h, kept[level]}), 2, 3), width << level);
    }
    return quiet_conv(u, "output", duet_activate(u->model, normalised(u, "norm", h)), channels);
}

duet_node duet_unet(duet_model *m, duet_node x, duet_node time, duet_node condition)
{
    const duet_shape example = duet_model_example_shape(m);
    size_t rows = duet_node_shape(x).dims[0], features = duet_features(x),
           width = (size_t)duet_setting_number(m, "width");
    unet u = {.model = m, .graph = duet_model_graph(m), .net = duet_model_group(m, "net")};
    u.told = tell(&u, time, condition);
    if (example.rank == 3) {
        x = duet_reshape(x, DUET_SHAPE(rows, example.dims[0], example.dims[1], example.dims[2]));
        return duet_flatten(pictures(&u, x, width));
    }
    duet_node told = duet_broadcast(u.told, DUET_SHAPE(rows, duet_features(u.told)));
    duet_node h = duet_hidden_layers(m, u.net, "hidden", duet_concat(((duet_node[]){x, told}), 2, 1));
    return quiet_dense(&u, "output", h, features);
}
