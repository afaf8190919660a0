/* SPDX-License-Identifier: MIT */
/* The algorithm of vae_gan.c between convolutional networks, after DCGAN (Radford et al. 2016, arXiv:1511.06434):
 * strides for pooling, windows of 4 x 4, which lie evenly over strides of 2. Layer norm in place of batch norm: what D
 * sees in an example is its own, and examples are drawn in use as they are in training. All widths follow from one
 * setting. */
#include "model/families/family.h"
#include "model/families/vae_gan.h"

static size_t width(duet_model *m)
{
    return (size_t)duet_setting_number(m, "width");
}

/* Each example by itself. */
static duet_node normalised(duet_model *m, duet_group *group, const char *layer, duet_node x)
{
    return duet_activate(m, duet_layer_norm(group, layer, x, DUET_AXIS(1) | DUET_AXIS(2) | DUET_AXIS(3)));
}

/* Flat rows as the networks read them: pictures in [-1, 1]. */
static duet_node pictures(duet_model *m, duet_node x)
{
    duet_shape picture = duet_model_example_shape(m), shape = duet_node_shape(x);
    if (picture.rank != 3 || shape.rank != 2) return x;
    x = duet_reshape(x, DUET_SHAPE(shape.dims[0], picture.dims[0], picture.dims[1], picture.dims[2]));
    return duet_model_centred(m, x);
}

static duet_node encode(duet_model *m, duet_node x)
{
    duet_group *encoder = duet_model_group(m, "encoder");
    duet_node h = duet_activate(m, duet_conv2d(encoder, "conv1", x, width(m), 4, 2, DUET_SAME));
    h = normalised(m, encoder, "norm2", duet_conv2d_no_bias(encoder, "conv2", h, 2 * width(m), 4, 2, DUET_SAME));
    return duet_dense(encoder, "code", duet_flatten(h), 2 * (size_t)duet_setting_number(m, "latent"));
}

static duet_node decode(duet_model *m, duet_node z)
{
    duet_group *generator = duet_model_group(m, "generator");
    duet_shape picture = duet_model_example_shape(m);
    size_t rows = duet_node_shape(z).dims[0], height = (picture.dims[0] + 3) / 4, across = (picture.dims[1] + 3) / 4;
    duet_node h = duet_dense_no_bias(generator, "dense", z, height * across * 4 * width(m));
    h = normalised(m, generator, "norm1", duet_reshape(h, DUET_SHAPE(rows, height, across, 4 * width(m))));
    h = duet_conv2d_transpose_no_bias(generator, "conv1", h, 2 * width(m), 4, 2, DUET_SAME);
    h = normalised(m, generator, "norm2", h);
    h = duet_conv2d(generator, "output", duet_upsample_bilinear(h, 2, 2), picture.dims[2], 3, 1, DUET_SAME);
    return duet_flatten(duet_model_cropped(m, h));
}

static duet_node discern(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    duet_node h = duet_conv2d(discriminator, "conv1", pictures(m, x), width(m), 4, 2, DUET_SAME);
    h = duet_conv2d(discriminator, "conv2", duet_activate(m, h), 2 * width(m), 4, 2, DUET_SAME);
    return duet_flatten(normalised(m, discriminator, "norm2", h));
}

static duet_node decode_mean(duet_model *m, duet_node z)
{
    return duet_vae_gan_mean(m, decode(m, z));
}

static void build_vae_gan_conv(duet_model *m)
{
    size_t latent = (size_t)duet_setting_number(m, "latent");
    duet_node code = encode(m, duet_model_centred(m, duet_model_pictures(m, 1)));
    duet_vae_gan_game(m, &(duet_vae_gan_players){.mean = duet_slice(code, 1, 0, latent),
                                                 .logvar = duet_slice(code, 1, latent, latent),
                                                 .decode = decode,
                                                 .discern = discern});
    duet_invert(m, decode_mean);
    duet_anneal_decoder(m, decode_mean);
}

static const duet_setting settings[] = {
    DUET_COUNT("width", 16, 1, 4096,
               "features of the layers at half the extents; those at a quarter have twice as many"),
    DUET_COUNT("latent", 20, 1, 65536, "dimensions of z"),
    DUET_VAE_GAN_SETTINGS(1),
};

const duet_family duet_family_vae_gan_conv = {
    .name = "vae-gan-conv",
    .summary = "the same with convolutions",
    .paper = "Larsen et al. 2016",
    .build = build_vae_gan_conv,
    .groups = (const char *const[]){"encoder", "generator", "discriminator", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .batch = 64,
};
