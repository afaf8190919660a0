/* SPDX-License-Identifier: MIT */
/* Variational auto-encoder, Kingma & Welling 2014 (arXiv:1312.6114): the reparameterised ELBO of eq. 10, its KL in
 * closed form (appendix B) or by the same sample as the reconstruction (eq. 6); beta as in Higgins et al. 2017. */
#include "model/families/vae.h"
#include "model/families/family.h"

/* log q(z | x) - log p(z) at one sample, [batch]. */
static duet_node sampled_kl(duet_node z, duet_node mu, duet_node logvar)
{
    duet_node zero = duet_constant(duet_node_graph(z), 0);
    return duet_subtract(duet_gaussian_nll(zero, zero, z), duet_gaussian_nll(mu, logvar, z));
}

void duet_vae_objective(duet_model *m, duet_node mu, duet_node logvar, duet_node (*decode)(duet_model *m, duet_node z))
{
    duet_group *encoder = duet_model_group(m, "encoder"), *decoder = duet_model_group(m, "decoder");
    duet_node x = duet_model_batch(m);
    logvar = duet_clamp(logvar, -10, 10);
    duet_node z = duet_gaussian_sample(mu, logvar);
    duet_node nll = duet_likelihood_nll(m, decode(m, z), x);
    duet_node kl = duet_setting_is(m, "kl", "analytic") ? duet_gaussian_kl(mu, logvar) : sampled_kl(z, mu, logvar);
    duet_node weight = duet_scale(duet_warm_up(m, duet_setting_number(m, "warm_up")), duet_setting_number(m, "beta"));

    duet_phase(m, "elbo", 1);
    duet_report(m, "elbo", duet_negate(duet_batch_mean(duet_add(nll, kl))));
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_report(m, "kl", duet_batch_mean(kl));
    duet_minimise(m, duet_batch_mean(duet_add(nll, duet_multiply(weight, kl))), encoder, decoder);

    duet_output(m, DUET_NLL, nll);
    duet_output(m, DUET_KL, kl);
    duet_output(m, DUET_LATENT, mu);
    duet_output(m, DUET_RECONSTRUCTION, duet_likelihood_mean(m, decode(m, mu)));
    const duet_prior prior = duet_prior_normal(duet_features(mu));
    duet_node decoded = duet_likelihood_mean(m, decode(m, duet_latent(m, &prior, 1)));
    duet_output(m, DUET_DECODE, decoded);
    duet_output(m, DUET_SAMPLE, decoded);
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
    duet_group *encoder = duet_model_group(m, "encoder");
    size_t latent = (size_t)duet_setting_number(m, "latent");
    duet_node h = duet_hidden_layers(m, encoder, "hidden", duet_model_batch(m));
    duet_node mu = duet_dense(encoder, "mean", h, latent), logvar = duet_dense(encoder, "logvar", h, latent);
    duet_vae_objective(m, mu, logvar, decode);
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
