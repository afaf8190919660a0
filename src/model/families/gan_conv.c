/* SPDX-License-Identifier: MIT */
/* The game of gan.c between convolutional networks, after DCGAN (Radford et al. 2016, arXiv:1511.06434): the generator
 * of TensorFlow's tutorial of that name against a discriminator with dropout and one global maximum a feature. Both see
 * pictures in [-1, 1]. */
#include "model/families/family.h"
#include "model/families/game.h"

static duet_node normalised(duet_model *m, duet_group *group, const char *layer, duet_node x)
{
    return duet_activate(m, duet_batch_norm(group, layer, x));
}

/* Features at half the extents; the other layers have twice and four times as many. */
static size_t width_of(duet_model *m)
{
    return (size_t)duet_setting_number(m, "width");
}

/* Pictures twice as large. A window that is no multiple of the stride covers pixels unevenly, which shows as a grid
 * (Odena et al. 2016, Distill, "Deconvolution and checkerboard artifacts"). */
static duet_node enlarged(duet_model *m, const char *layer, duet_node x, size_t features)
{
    size_t window = (size_t)duet_setting_number(m, "window");
    return duet_conv2d_transpose_no_bias(duet_model_group(m, "generator"), layer, x, features, window, 2, DUET_SAME);
}

static duet_node generate(duet_model *m, duet_node z)
{
    duet_group *generator = duet_model_group(m, "generator");
    duet_shape picture = duet_model_example_shape(m);
    size_t batch = duet_node_shape(z).dims[0], width = width_of(m);
    size_t rows = (picture.dims[0] + 3) / 4, columns = (picture.dims[1] + 3) / 4;
    duet_node h = duet_dense_no_bias(generator, "dense", z, rows * columns * 4 * width);
    h = duet_reshape(normalised(m, generator, "norm1", h), DUET_SHAPE(batch, rows, columns, 4 * width));
    h = duet_conv2d_transpose_no_bias(generator, "conv1", h, 2 * width, 5, 1, DUET_SAME);
    h = normalised(m, generator, "norm2", h);
    h = normalised(m, generator, "norm3", enlarged(m, "conv2", h, width));
    h = duet_model_cropped(m, enlarged(m, "output", h, picture.dims[2]));
    return duet_model_unit_range(m) ? duet_tanh(h) : h;
}

static duet_node discriminate(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    double rate = duet_setting_number(m, "dropout");
    duet_node h = duet_activate(m, duet_conv2d(discriminator, "conv1", x, width_of(m), 5, 2, DUET_SAME));
    h = duet_conv2d(discriminator, "conv2", duet_dropout(h, rate), 2 * width_of(m), 5, 2, DUET_SAME);
    h = duet_dropout(duet_activate(m, h), rate);
    h = duet_with_minibatch_deviation(m, duet_global_max_pool(h));
    return duet_dense(discriminator, "logit", h, 1);
}

static duet_node draw(duet_model *m, duet_node z)
{
    return duet_model_uncentred(m, generate(m, z));
}

static void build_gan_conv(duet_model *m)
{
    duet_gan_game(m, &(duet_gan_players){.real = duet_model_centred(m, duet_model_pictures(m, 1)),
                                         .generate = generate,
                                         .discriminate = discriminate,
                                         .centred = true,
                                         .joint = duet_setting_is(m, "d_batch", "joint"),
                                         .inference = duet_setting_is(m, "fakes", "inference")});
    duet_anneal_decoder(m, draw);
}

static const duet_setting settings[] = {
    DUET_COUNT("latent", 100, 1, 65536, "dimensions of z"),
    DUET_COUNT("width", 64, 1, 4096,
               "features of the layers at half the extents; others have two and four times as many"),
    DUET_COUNT("window", 5, 2, 64, "extent of G's windows where it doubles: 4 lies evenly, 5 draws a grid"),
    DUET_NUMBER("dropout", 0.3, 0, 0.99, "share of the discriminator's features that is left out"),
    DUET_CHOICE("d_batch", "separate", "separate|joint", "how D sees real and generated pictures"),
    DUET_CHOICE("fakes", "training", "training|inference",
                "the statistics with which G makes pictures for D: the batch's, or the running ones"),
    DUET_GAN_SETTINGS,
    DUET_GAN_USUAL_SETTINGS,
    DUET_CHOICE("preset", "none", "none|original", "original: the settings of the comparison"),
};

static const duet_preset presets[] = {
    {"original",
     (const char *const[]){"latent=2", "dropout=0.3", "d_batch=joint", "fakes=inference", "k=0", "g_steps=1",
                           "label_noise=0.05", "optimiser=adam", "lr=0.001", "beta1=0.9", "beta2=0.999", "epsilon=1e-7",
                           NULL},
     32, 100},
};

const duet_family duet_family_gan_conv = {
    .name = "gan-conv",
    .summary = "generative adversarial network with convolutions",
    .paper = "Radford et al. 2016",
    .build = build_gan_conv,
    .groups = (const char *const[]){"generator", "discriminator", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .presets = presets,
    .preset_count = sizeof presets / sizeof *presets,
    .batch = 64,
};
