/* SPDX-License-Identifier: MIT */
/* Bidirectional GAN, Donahue et al. 2017 (arXiv:1605.09782), eq. 3: D tells pairs (x, E(x)) from pairs (G(z), z), and E
 * and G together make them alike, which only inverses of each other can. With a stochastic encoder it is ALI (Dumoulin
 * et al. 2017, arXiv:1606.00704), algorithm 1. */
#include "model/families/adversary.h"
#include "model/families/dense.h"
#include "model/families/family.h"
#include "model/families/referee.h"

static duet_prior prior_of(duet_model *m)
{
    size_t latent = (size_t)duet_setting_number(m, "latent");
    return duet_setting_is(m, "prior", "uniform") ? duet_prior_uniform(latent, -1, 1) : duet_prior_normal(latent);
}

/* The mean of q(z | x), and in *drawn the code that the game is played with: a draw, or where E is deterministic the
 * mean itself. */
static duet_node encode(duet_model *m, duet_node x, duet_node *drawn)
{
    duet_group *encoder = duet_model_group(m, "encoder");
    size_t latent = (size_t)duet_setting_number(m, "latent");
    duet_node h = duet_hidden_layers(m, encoder, "encoder_hidden", x), mean = duet_dense(encoder, "mean", h, latent);
    *drawn = mean;
    if (duet_setting_is(m, "encoder", "stochastic"))
        *drawn = duet_gaussian_sample(mean, duet_clamp(duet_dense(encoder, "logvar", h, latent), -10, 10));
    return mean;
}

/* Every layer of D reads z, so that it can be told apart to the last. */
static duet_node discriminate(duet_model *m, duet_node x, duet_node z)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    duet_node h = duet_hidden_layers_beside(m, discriminator, "discriminator_hidden", x, z);
    return duet_dense(discriminator, "logit", duet_concat(((duet_node[]){h, z}), 2, 1), 1);
}

/* D's logits of (x, E(x)) and of (G(z), z), seen as one batch. */
static void discriminate_both(duet_model *m, duet_node x, duet_node z, duet_node *on_real, duet_node *on_fake)
{
    size_t batch = duet_model_batch_size(m);
    duet_node code;
    (void)encode(m, x, &code);
    duet_node examples = duet_concat(((duet_node[]){x, duet_dense_generator(m, z)}), 2, 0);
    duet_node logits = discriminate(m, examples, duet_concat(((duet_node[]){code, z}), 2, 0));
    *on_real = duet_slice(logits, 0, 0, batch);
    *on_fake = duet_slice(logits, 0, batch, batch);
}

static duet_node value(const duet_adversarial_loss *loss, duet_node called_real, duet_node called_fake)
{
    duet_graph *graph = duet_node_graph(called_real);
    return duet_add(loss->on_real(called_real, duet_constant(graph, 1)),
                    loss->on_fake(called_fake, duet_constant(graph, 0)));
}

static void build_bigan(duet_model *m)
{
    const duet_adversarial_loss *loss = duet_adversarial_loss_chosen(m);
    const duet_prior prior = prior_of(m);
    duet_node x = duet_model_batch(m), on_real, on_fake, code;
    size_t batch = duet_model_batch_size(m), k = (size_t)duet_setting_number(m, "k");

    duet_phase(m, "discriminator", k);
    discriminate_both(m, x, duet_prior_draw(duet_model_graph(m), &prior, 1, batch), &on_real, &on_fake);
    duet_node d_loss = value(loss, on_real, on_fake);
    duet_report(m, "d_loss", d_loss);
    duet_report(m, "accuracy", duet_referee_accuracy(on_real, on_fake));
    duet_minimise(m, d_loss, duet_model_group(m, "discriminator"));

    duet_phase(m, "encoder_generator", 1); /* both at once: D's game with the labels swapped, or its negative */
    if (k == 1) duet_phase_share_batch(m);
    discriminate_both(m, x, duet_prior_draw(duet_model_graph(m), &prior, 1, batch), &on_real, &on_fake);
    duet_node eg_loss = duet_setting_is(m, "loss", "minimax") ? duet_negate(value(loss, on_real, on_fake))
                                                              : value(loss, on_fake, on_real);
    duet_report(m, "eg_loss", eg_loss);
    duet_minimise(m, eg_loss, duet_model_group(m, "encoder"), duet_model_group(m, "generator"));

    duet_node z = duet_latent(m, &prior, 1), mean = encode(m, x, &code), sample = duet_dense_generator(m, z);
    duet_output(m, DUET_LATENT, mean);
    duet_output(m, DUET_RECONSTRUCTION, duet_dense_generator(m, mean));
    duet_output(m, DUET_SAMPLE, sample);
    duet_output(m, DUET_DECODE, sample);
    duet_output(m, DUET_LOGIT, discriminate(m, x, code));
    duet_output(m, DUET_SAMPLE_LOGIT, discriminate(m, sample, z));
    duet_invert(m, duet_dense_generator);
}

static const duet_setting settings[] = {
    DUET_SIZES("encoder_hidden", "1024,1024", "widths of the encoder's layers"),
    DUET_SIZES("generator_hidden", "1024,1024", "widths of the generator's layers"),
    DUET_SIZES("discriminator_hidden", "1024,1024", "widths of the discriminator's layers"),
    DUET_COUNT("latent", 50, 1, 65536, "dimensions of z"),
    DUET_CHOICE("prior", "uniform", "uniform|normal", "of each z: U(-1, 1) or N(0, 1)"),
    DUET_CHOICE("encoder", "deterministic", "deterministic|stochastic", "E(x), or a draw from a Gaussian q(z | x)"),
    DUET_CHOICE("loss", "non-saturating", DUET_ADVERSARIAL_LOSSES, "the game; E and G play it with swapped labels"),
    DUET_COUNT("k", 1, 0, 1e6, "discriminator steps a step; 0: a whole epoch of them"),
    DUET_CHOICE("activation", "leaky_relu", DUET_ACTIVATION_NAMES, "activation of hidden layers"),
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
