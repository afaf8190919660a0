/* SPDX-License-Identifier: MIT */
/* VAE-GAN, Larsen et al. 2016 (arXiv:1512.09300), algorithm 1: the decoder of a VAE is the generator of a GAN, and a
 * reconstruction may be compared with its original by what the discriminator sees in both, its last hidden layer, under
 * a Gaussian of deviation 1 (eq. 6 and 7). Reconstructions and samples of the prior are both fakes. */
#include "model/families/vae_gan.h"
#include "model/families/family.h"
#include "model/families/needs.h"

/* One minibatch in play. */
typedef struct game {
    duet_model *m;
    const duet_vae_gan_players *players;
    duet_referee referee;
    duet_node x, rebuilt, drawn; /* the batch, its reconstructions, samples of the prior */
    duet_node apart, kl;         /* -log p(x | z) and KL(q(z | x) || p(z)), [batch] */
} game;

static duet_node logit_of(const game *g, duet_node x)
{
    return duet_dense(duet_model_group(g->m, "discriminator"), "logit", g->players->discern(g->m, x), 1);
}

duet_node duet_vae_gan_mean(duet_model *m, duet_node decoded)
{
    return duet_model_unit_range(m) ? duet_sigmoid(decoded) : decoded;
}

/* -log N(x; mean, 1) */
static duet_node gaussian_nll(duet_node mean, duet_node x)
{
    return duet_gaussian_nll(mean, duet_constant(duet_node_graph(x), 0), x);
}

static duet_node pixel_nll(duet_model *m, duet_node decoded, duet_node x)
{
    return duet_model_unit_range(m) ? duet_bernoulli_nll(decoded, x) : gaussian_nll(decoded, x);
}

/* -log p(x | z) of the data's numbers, or of what D sees in them. */
static duet_node distance(const game *g, duet_node decoded)
{
    if (duet_setting_is(g->m, "recon", "pixels")) return pixel_nll(g->m, decoded, g->x);
    return gaussian_nll(g->players->discern(g->m, g->rebuilt), g->players->discern(g->m, g->x));
}

static void encoder_phase(const game *g)
{
    duet_phase(g->m, "encoder", 1);
    duet_report(g->m, "kl", duet_batch_mean(g->kl));
    duet_report(g->m, "distance", duet_batch_mean(g->apart));
    duet_node weighed = duet_scale(g->kl, duet_setting_number(g->m, "beta"));
    duet_minimise(g->m, duet_batch_mean(duet_add(weighed, g->apart)), duet_model_group(g->m, "encoder"));
}

static void generator_phase(const game *g)
{
    duet_phase(g->m, "generator", 1);
    duet_phase_share_batch(g->m);
    duet_node on_rebuilt = logit_of(g, duet_referee_blur(g->m, g->rebuilt));
    duet_node on_drawn = logit_of(g, duet_referee_blur(g->m, g->drawn));
    duet_node g_loss = duet_add(g->referee.loss->for_generator(on_rebuilt), g->referee.loss->for_generator(on_drawn));
    duet_node weighed = duet_scale(duet_batch_mean(g->apart), duet_setting_number(g->m, "gamma"));
    duet_report(g->m, "g_loss", g_loss);
    duet_minimise_gated(g->m, duet_add(weighed, g_loss), duet_referee_lets_generator(&g->referee),
                        duet_model_group(g->m, "generator"));
}

static void discriminator_phase(game *g)
{
    duet_phase(g->m, "discriminator", 1);
    duet_phase_share_batch(g->m);
    duet_node on_real = logit_of(g, duet_referee_blur(g->m, g->x));
    duet_node on_rebuilt = logit_of(g, duet_referee_blur(g->m, duet_stop_gradient(g->rebuilt)));
    duet_node on_drawn = logit_of(g, duet_referee_blur(g->m, duet_stop_gradient(g->drawn)));
    duet_node on_fakes = duet_concat(((duet_node[]){on_rebuilt, on_drawn}), 2, 0);
    duet_node fake_loss =
        duet_add(duet_referee_on_fake(&g->referee, on_rebuilt), duet_referee_on_fake(&g->referee, on_drawn));
    duet_node d_loss = duet_add(duet_referee_on_real(&g->referee, on_real), fake_loss);
    duet_minimise_gated(g->m, d_loss, duet_referee_scores(&g->referee, d_loss, on_real, on_fakes),
                        duet_model_group(g->m, "discriminator"));
}

static duet_node draw(duet_model *m, const duet_vae_gan_players *players, duet_node z)
{
    return duet_vae_gan_mean(m, players->decode(m, z));
}

void duet_vae_gan_game(duet_model *m, const duet_vae_gan_players *players)
{
    duet_graph *graph = duet_model_graph(m);
    const duet_prior prior = duet_prior_normal(duet_features(players->mean));
    duet_node mean = players->mean, logvar = duet_clamp(players->logvar, -10, 10);
    duet_node z = duet_gaussian_sample(mean, logvar), decoded = players->decode(m, z);
    game g = {.m = m, .players = players, .referee = duet_referee_of(m), .x = duet_model_batch(m)};
    duet_warn_of_uneven_columns(m, DUET_FAR_BY_SQUARES);
    g.rebuilt = duet_vae_gan_mean(m, decoded);
    g.drawn = draw(m, players, duet_prior_draw(graph, &prior, 1, duet_model_batch_size(m)));
    g.apart = distance(&g, decoded);
    g.kl = duet_gaussian_kl(mean, logvar);

    encoder_phase(&g);
    generator_phase(&g);
    discriminator_phase(&g);

    duet_node sample = draw(m, players, duet_latent(m, &prior, 1));
    duet_output(m, DUET_LATENT, mean);
    duet_output(m, DUET_POSTERIOR_DRAW, z);
    duet_output(m, DUET_RECONSTRUCTION, draw(m, players, mean));
    duet_output(m, DUET_NLL, pixel_nll(m, decoded, g.x));
    duet_output(m, DUET_KL, g.kl);
    duet_output(m, DUET_SAMPLE, sample);
    duet_output(m, DUET_DECODE, sample);
    duet_output(m, DUET_LOGIT, duet_referee_verdict(&g.referee, logit_of(&g, g.x)));
    duet_output(m, DUET_SAMPLE_LOGIT, duet_referee_verdict(&g.referee, logit_of(&g, sample)));
}

static duet_node decode(duet_model *m, duet_node z)
{
    duet_group *generator = duet_model_group(m, "generator");
    duet_node h = duet_hidden_layers(m, generator, "generator_hidden", z);
    return duet_dense(generator, "output", h, duet_features(duet_model_batch(m)));
}

static duet_node discern(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    duet_node h = duet_hidden_layers(m, discriminator, "discriminator_hidden", x);
    return duet_layer_norm(discriminator, "norm", h, DUET_AXIS(1));
}

static duet_node decode_mean(duet_model *m, duet_node z)
{
    return duet_vae_gan_mean(m, decode(m, z));
}

static void build_vae_gan(duet_model *m)
{
    duet_group *encoder = duet_model_group(m, "encoder");
    size_t latent = (size_t)duet_setting_number(m, "latent");
    duet_node h = duet_hidden_layers(m, encoder, "encoder_hidden", duet_model_batch(m));
    duet_vae_gan_game(m, &(duet_vae_gan_players){.mean = duet_dense(encoder, "mean", h, latent),
                                                 .logvar = duet_dense(encoder, "logvar", h, latent),
                                                 .decode = decode,
                                                 .discern = discern});
    duet_invert(m, decode_mean);
    duet_anneal_decoder(m, decode_mean);
}

static const duet_setting settings[] = {
    DUET_SIZES("encoder_hidden", "400", "widths of the encoder's layers"),
    DUET_SIZES("generator_hidden", "400", "widths of the generator's layers"),
    DUET_SIZES("discriminator_hidden", "512", "widths of the discriminator's layers"),
    DUET_COUNT("latent", 20, 1, 65536, "dimensions of z"),
    DUET_VAE_GAN_SETTINGS(10),
};

const duet_family duet_family_vae_gan = {
    .name = "vae-gan",
    .summary = "variational autoencoder whose decoder plays against a discriminator",
    .paper = "Larsen et al. 2016",
    .build = build_vae_gan,
    .groups = (const char *const[]){"encoder", "generator", "discriminator", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
