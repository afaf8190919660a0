/* SPDX-License-Identifier: MIT */
/* Variational auto-encoder, Kingma & Welling 2014 (arXiv:1312.6114): two dense networks around the objective of elbo.c.
 */
#include "model/families/vae.h"
#include "model/families/family.h"

duet_gaussian duet_encode(duet_model *model, duet_node inputs)
{
    duet_group *encoder = duet_model_group(model, "encoder");
    size_t latent = (size_t)duet_setting_number(model, "latent");
    duet_node h = duet_hidden_layers(model, encoder, "hidden", inputs);
    duet_node mean = duet_dense(encoder, "mean", h, latent);
    return (duet_gaussian){mean, duet_dense(encoder, "logvar", h, latent)};
}

static duet_node decode(duet_model *m, duet_node z)
{
    return duet_decode(m, z, duet_features(duet_model_batch(m)));
}

static duet_node decode_mean(duet_model *m, duet_node z)
{
    return duet_likelihood_mean(m, decode(m, z));
}

static void build_vae(duet_model *m)
{
    const duet_vae vae = {.inputs = duet_model_batch(m), .encode = duet_encode, .decode = decode};
    duet_vae_objective(m, &vae);
    duet_invert(m, decode_mean);
}

static const duet_setting settings[] = {
    DUET_SIZES("hidden", "400", "widths of the encoder's layers; the decoder mirrors them"),
    DUET_COUNT("latent", 20, 1, 65536, "dimensions of z"),
    DUET_VAE_SETTINGS,
};

const duet_family duet_family_vae = {
    .name = "vae",
    .summary = "variational autoencoder",
    .paper = "Kingma & Welling 2014",
    .build = build_vae,
    .groups = (const char *const[]){"encoder", "decoder", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
