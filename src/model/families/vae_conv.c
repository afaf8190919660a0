/* SPDX-License-Identifier: MIT */
/* The VAE of vae.c with convolutions for networks: those of TensorFlow's tutorial "Convolutional variational
 * autoencoder", with strides instead of pooling and a decoder that doubles a small picture twice. */
#include "model/families/family.h"
#include "model/families/needs.h"
#include "model/families/vae.h"

static duet_gaussian encode(duet_model *m, duet_node pictures)
{
    duet_group *encoder = duet_model_group(m, "encoder");
    size_t latent = (size_t)duet_setting_number(m, "latent");
    duet_node h = duet_activate(m, duet_conv2d(encoder, "conv1", pictures, 32, 3, 2, DUET_VALID));
    h = duet_activate(m, duet_conv2d(encoder, "conv2", h, 64, 3, 2, DUET_VALID));
    duet_node code = duet_dense(encoder, "code", duet_flatten(h), 2 * latent);
    return (duet_gaussian){duet_slice(code, 1, 0, latent), duet_slice(code, 1, latent, latent)};
}

static duet_node decode(duet_model *m, duet_node z)
{
    duet_group *decoder = duet_model_group(m, "decoder");
    duet_shape picture = duet_model_example_shape(m);
    size_t rows = duet_node_shape(z).dims[0], height = (picture.dims[0] + 3) / 4, width = (picture.dims[1] + 3) / 4;
    duet_node h = duet_activate(m, duet_dense(decoder, "hidden", z, height * width * 32));
    h = duet_reshape(h, DUET_SHAPE(rows, height, width, 32));
    h = duet_activate(m, duet_conv2d_transpose(decoder, "conv1", h, 64, 3, 2, DUET_SAME));
    h = duet_activate(m, duet_conv2d_transpose(decoder, "conv2", h, 32, 3, 2, DUET_SAME));
    h = duet_conv2d_transpose(decoder, "output", h, picture.dims[2], 3, 1, DUET_SAME);
    return duet_flatten(duet_model_cropped(m, h));
}

static duet_node decode_mean(duet_model *m, duet_node z)
{
    return duet_likelihood_mean(m, decode(m, z));
}

static void build_vae_conv(duet_model *m)
{
    const duet_vae vae = {.inputs = duet_pictures_at_least(m, 7), .encode = encode, .decode = decode};
    duet_vae_objective(m, &vae);
    duet_invert(m, decode_mean);
}

static const duet_setting settings[] = {
    DUET_COUNT("latent", 2, 1, 65536, "dimensions of z"),
    DUET_VAE_SETTINGS,
    DUET_NUMBER("lr", 0.0001, 0, 100, "learning rate"),
    DUET_CHOICE("preset", "none", "none|original", "original: the settings of the comparison"),
};

/* Kingma & Welling's eq. 6 with one sample, as the tutorial has it; pictures in the order of the file. */
static const duet_preset presets[] = {
    {"original",
     (const char *const[]){"latent=2", "likelihood=bernoulli", "kl=monte-carlo", "beta=1", "warm_up=0",
                           "activation=relu", "optimiser=adam", "lr=0.0001", "beta1=0.9", "beta2=0.999", "epsilon=1e-7",
                           "shuffle=no", NULL},
     32, 10},
};

const duet_family duet_family_vae_conv = {
    .name = "vae-conv",
    .summary = "variational autoencoder with convolutions",
    .paper = "Kingma & Welling 2014",
    .build = build_vae_conv,
    .groups = (const char *const[]){"encoder", "decoder", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .presets = presets,
    .preset_count = sizeof presets / sizeof *presets,
    .batch = 32,
};
