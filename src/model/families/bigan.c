/* SPDX-License-Identifier: MIT */
/* Bidirectional GAN, Donahue et al. 2017 (arXiv:1605.09782), eq. 3: D tells pairs (x, E(x)) from pairs (G(z), z), and E
 * and G together make them alike, which only inverses of each other can. With a stochastic encoder it is ALI (Dumoulin
 * et al. 2017, arXiv:1606.00704), algorithm 1. The networks are those of Donahue et al., appendix C.1. */
#include "model/families/dense.h"
#include "model/families/family.h"
#include "model/families/needs.h"
#include "model/families/referee.h"

static duet_prior prior_of(duet_model *m)
{
    size_t latent = (size_t)duet_setting_number(m, "latent");
    return duet_setting_is(m, "prior", "uniform") ? duet_prior_uniform(latent, -1, 1) : duet_prior_normal(latent);
}

/* The mean of q(z | x); *drawn is the code that the game is played with, a draw, or the mean itself where E is
 * deterministic. */
static duet_node encode(duet_model *m, duet_node x, duet_node *drawn)
{
    duet_group *encoder = duet_model_group(m, "encoder");
    const duet_hidden_options options = {.batch_norm = duet_dense_normalises(m, "encoder_hidden")};
    size_t latent = (size_t)duet_setting_number(m, "latent");
    duet_node h = duet_hidden_layers_as(m, encoder, "encoder_hidden", x, &options);
    duet_node mean = *drawn = duet_dense(encoder, "mean", h, latent);
    if (duet_setting_is(m, "encoder", "stochastic"))
        *drawn = duet_gaussian_sample(mean, duet_clamp(duet_dense(encoder, "logvar", h, latent), -10, 10));
    return mean;
}

/* Every layer of D reads z. */
static duet_node discriminate(duet_model *m, duet_node x, duet_node z)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    const duet_hidden_options options = {.batch_norm = duet_dense_normalises(m, "discriminator_hidden"), .beside = z};
    duet_node h = duet_hidden_layers_as(m, discriminator, "discriminator_hidden", x, &options);
    return duet_dense(discriminator, "logit", duet_concat(((duet_node[]){h, z}), 2, 1), 1);
}

/* D's logits of (x, E(x)) and of (G(z), z), for new z; the referee may blur the examples. */
static void discriminate_pairs(duet_model *m, duet_node *on_encoded, duet_node *on_generated)
{
    const duet_prior prior = prior_of(m);
    duet_node x = duet_model_batch(m), code;
    duet_node z = duet_prior_draw(duet_model_graph(m), &prior, 1, duet_model_batch_size(m));
    (void)encode(m, x, &code);
    *on_encoded = discriminate(m, duet_referee_blur(m, x), code);
    *on_generated = discriminate(m, duet_referee_blur(m, duet_dense_generator(m, z)), z);
}

/* D's loss, were the one kind real and the other generated, under plain labels. */
static duet_node cost(const duet_adversarial_loss *loss, duet_node real, duet_node generated)
{
    duet_graph *graph = duet_node_graph(real);
    return duet_add(loss->on_real(real, duet_constant(graph, 1)), loss->on_fake(generated, duet_constant(graph, 0)));
}

static void build_bigan(duet_model *m)
{
    duet_referee referee = duet_referee_of(m);
    const duet_prior prior = prior_of(m);
    size_t k = (size_t)duet_setting_number(m, "k");
    duet_node x = duet_model_batch(m), on_encoded, on_generated, code;

    duet_warn_of_uneven_columns(m, DUET_FAR_BY_SQUARES);
    duet_phase(m, "discriminator", k);
    discriminate_pairs(m, &on_encoded, &on_generated);
    duet_node d_loss =
        duet_add(duet_referee_on_real(&referee, on_encoded), duet_referee_on_fake(&referee, on_generated));
    duet_node gate = duet_referee_scores(&referee, d_loss, on_encoded, on_generated);
    duet_minimise_gated(m, d_loss, gate, duet_model_group(m, "discriminator"));

    /* Both at once: D's loss with the labels swapped, or in the minimax game its negative. */
    duet_phase(m, "encoder_generator", 1);
    if (k == 1) duet_phase_share_batch(m);
    discriminate_pairs(m, &on_encoded, &on_generated);
    duet_node eg_loss = duet_setting_is(m, "loss", "minimax")
                            ? duet_negate(cost(referee.loss, on_encoded, on_generated))
                            : cost(referee.loss, on_generated, on_encoded);
    duet_report(m, "eg_loss", eg_loss);
    duet_minimise_gated(m, eg_loss, duet_referee_lets_generator(&referee), duet_model_group(m, "encoder"),
                        duet_model_group(m, "generator"));

    duet_node z = duet_latent(m, &prior, 1), mean = encode(m, x, &code), sample = duet_dense_generator(m, z);
    duet_output(m, DUET_LATENT, mean);
    duet_output(m, DUET_POSTERIOR_DRAW, code);
    duet_output(m, DUET_RECONSTRUCTION, duet_dense_generator(m, mean));
    duet_output(m, DUET_SAMPLE, sample);
    duet_output(m, DUET_DECODE, sample);
    duet_output(m, DUET_LOGIT, duet_referee_verdict(&referee, discriminate(m, x, code)));
    duet_output(m, DUET_SAMPLE_LOGIT, duet_referee_verdict(&referee, discriminate(m, sample, z)));
    duet_invert(m, duet_dense_generator);
    duet_anneal_decoder(m, duet_dense_generator);
}

static const duet_setting settings[] = {
    DUET_SIZES("encoder_hidden", "512,512", "widths of the encoder's layers"),
    DUET_SIZES("generator_hidden", "512,512", "widths of the generator's layers"),
    DUET_SIZES("discriminator_hidden", "512,512", "widths of the discriminator's layers"),
    DUET_COUNT("latent", 50, 1, 65536, "dimensions of z"),
    DUET_CHOICE("prior", "uniform", "uniform|normal", "of each number of z: U(-1, 1) or N(0, 1)"),
    DUET_CHOICE("encoder", "deterministic", "deterministic|stochastic", "E(x), or a draw from a Gaussian q(z | x)"),
    DUET_BATCH_NORM_SETTING("batch norm in all hidden layers but the first"),
    DUET_CHOICE("loss", "non-saturating", DUET_ADVERSARIAL_LOSSES,
                "the game; E and G play it with D's labels swapped, in minimax against D's own loss"),
    DUET_COUNT("k", 1, 0, 1e6, "discriminator steps a step; 0: a whole epoch of them"),
    DUET_REFEREE_SETTINGS,
    DUET_CHOICE("activation", "leaky_relu", DUET_ACTIVATION_NAMES, "activation of hidden layers"),
    DUET_CHOICE("initialiser", "normal", DUET_INITIALISER_NAMES, "how layers' weights start"),
    DUET_NUMBER("initialiser_scale", 0.02, 0, 1000, "factor of the initialiser; of normal its deviation"),
    DUET_NUMBER("lr", 0.0002, 0, 100, "learning rate"),
    DUET_NUMBER("beta1", 0.5, 0, 0.999999, "Adam: decay of the mean gradient"),
    DUET_NUMBER("weight_decay", 2.5e-5, 0, 100, "L2 term of the gradient; decoupled with adamw"),
};

const duet_family duet_family_bigan = {
    .name = "bigan",
    .summary = "bidirectional GAN: an encoder learns to invert the generator",
    .paper = "Donahue et al. 2017",
    .build = build_bigan,
    .groups = (const char *const[]){"encoder", "generator", "discriminator", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
