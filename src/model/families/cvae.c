/* SPDX-License-Identifier: MIT */
/* Conditional VAE, Sohn et al. 2015 ("Learning structured output representation using deep conditional generative
 * models", NIPS 28), with classes for conditions and the prior left standard normal: encoder and decoder both see the
 * class, so that z need not carry it. */
#include "model/families/family.h"
#include "model/families/vae.h"

static duet_node decode(duet_model *m, duet_node z)
{
    return duet_decode(m, duet_with_labels(m, z), duet_features(duet_model_batch(m)));
}

static duet_node decode_mean(duet_model *m, duet_node z)
{
    return duet_likelihood_mean(m, decode(m, z));
}

static void build_cvae(duet_model *m)
{
    const duet_vae vae = {.inputs = duet_with_labels(m, duet_model_batch(m)), .encode = duet_encode, .decode = decode};
    duet_vae_objective(m, &vae);
    duet_invert(m, decode_mean);
}

static const duet_setting settings[] = {
    DUET_SIZES("hidden", "400", "widths of the encoder's layers; the decoder mirrors them"),
    DUET_COUNT("latent", 20, 1, 65536, "dimensions of z"),
    DUET_VAE_SETTINGS,
};

const duet_family duet_family_cvae = {
    .name = "cvae",
    .summary = "conditional variational autoencoder",
    .paper = "Sohn et al. 2015",
    .build = build_cvae,
    .groups = (const char *const[]){"encoder", "decoder", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
