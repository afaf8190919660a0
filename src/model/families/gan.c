/* SPDX-License-Identifier: MIT */
/* Generative adversarial network, Goodfellow et al. 2014 (arXiv:1406.2661), between dense networks. The game itself,
 * which convolutional and conditional ones play too, is game.c. */
#include "model/families/dense.h"
#include "model/families/family.h"
#include "model/families/game.h"

static duet_node discriminate(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    duet_node h = duet_hidden_layers(m, discriminator, "discriminator_hidden", x);
    return duet_dense(discriminator, "logit", duet_with_minibatch_deviation(m, h), 1);
}

/* D sees real and generated examples as one batch: without statistics of batches the logits are the same as from two,
 * and each weight is read once. */
static void build_gan(duet_model *m)
{
    duet_gan_game(m, &(duet_gan_players){.real = duet_model_batch(m),
                                         .generate = duet_dense_generator,
                                         .discriminate = discriminate,
                                         .joint = duet_setting_is(m, "minibatch_deviation", "no")});
    duet_invert(m, duet_dense_generator);
    duet_anneal_decoder(m, duet_dense_generator);
}

static const duet_setting settings[] = {
    DUET_SIZES("generator_hidden", "256,512", "widths of the generator's layers"),
    DUET_SIZES("discriminator_hidden", "512,256", "widths of the discriminator's layers"),
    DUET_COUNT("latent", 64, 1, 65536, "dimensions of z"),
    DUET_GAN_SETTINGS,
    DUET_GAN_USUAL_SETTINGS,
    DUET_CHOICE("preset", "none", "none|stable", "stable: covers the modes of ring8 and grid25 in 20,000 steps"),
};

/* D makes 25,000 updates in 20,000 steps, a fifth of them down the penalty. */
static const duet_preset presets[] = {
    {"stable",
     (const char *const[]){"generator_hidden=128,128,128", "discriminator_hidden=128,128,128", "latent=2", "penalty=r1",
                           "penalty_weight=0.1", "penalty_every=4", "lr=0.001", "lr_schedule=linear",
                           "generator.lr_steps=20000", "discriminator.lr_steps=25000", NULL},
     0, 0},
};

const duet_family duet_family_gan = {
    .name = "gan",
    .summary = "generative adversarial network",
    .paper = "Goodfellow et al. 2014",
    .build = build_gan,
    .groups = (const char *const[]){"generator", "discriminator", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .presets = presets,
    .preset_count = sizeof presets / sizeof *presets,
};
