/* SPDX-License-Identifier: MIT */
/* Autoencoder: a bottleneck that reconstructs its input (Hinton & Salakhutdinov 2006, "Reducing the dimensionality of
 * data with neural networks", Science 313), trained end to end. */
#include "model/families/decoder.h"
#include "model/families/family.h"
#include "model/families/needs.h"

static void build_ae(duet_model *m)
{
    duet_group *encoder = duet_model_group(m, "encoder"), *decoder = duet_model_group(m, "decoder");
    size_t latent = (size_t)duet_setting_number(m, "latent");
    const duet_prior prior = duet_prior_normal(latent); /* only to try out the decoder: no loss pulls codes to it */
    duet_node x = duet_model_batch(m);
    duet_node z = duet_dense(encoder, "code", duet_hidden_layers(m, encoder, "hidden", x), latent);
    duet_node y = duet_decode(m, z, duet_features(x));
    duet_node nll = duet_likelihood_nll(m, y, x), mean = duet_likelihood_mean(m, y);
    if (duet_likelihood_fixed_sigma(m) > 0) duet_warn_of_uneven_columns(m, DUET_FAR_BY_SQUARES);

    duet_phase(m, "reconstruction", 1);
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_report(m, "mse", duet_batch_mean(duet_square(duet_subtract(mean, x))));
    duet_likelihood_report(m);
    duet_minimise(m, duet_batch_mean(nll), encoder, decoder);

    duet_own_output(m, "reconstruction_nll", nll); /* of the code, so that it says nothing of p(x) */
    duet_output(m, DUET_LATENT, z);
    duet_output(m, DUET_RECONSTRUCTION, mean);
    duet_output(m, DUET_DECODE, duet_likelihood_mean(m, duet_decode(m, duet_latent(m, &prior, 1), duet_features(x))));
}

static const duet_setting settings[] = {
    DUET_SIZES("hidden", "512", "widths of the encoder's layers; the decoder mirrors them"),
    DUET_COUNT("latent", 20, 1, 65536, "numbers in the code"),
    DUET_LIKELIHOOD_SETTINGS("gaussian"),
};

const duet_family duet_family_ae = {
    .name = "ae",
    .summary = "autoencoder",
    .paper = "Hinton & Salakhutdinov 2006",
    .build = build_ae,
    .groups = (const char *const[]){"encoder", "decoder", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
