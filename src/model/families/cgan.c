/* SPDX-License-Identifier: MIT */
/* Conditional GAN, Mirza & Osindero 2014 (arXiv:1411.1784), eq. 2: both players see the class. D learns from generated
 * examples that have the classes of the real ones in the same batch. */
#include "model/families/dense.h"
#include "model/families/family.h"
#include "model/families/game.h"

static duet_node generate(duet_model *m, duet_node z)
{
    return duet_dense_generator(m, duet_with_labels(m, z));
}

static duet_node discriminate(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    duet_node seen = duet_concat(((duet_node[]){x, duet_packed(m, duet_model_labels(m))}), 2, 1);
    duet_node h = duet_hidden_layers(m, discriminator, "discriminator_hidden", seen);
    return duet_dense(discriminator, "logit", duet_with_minibatch_deviation(m, h), 1);
}

static void build_cgan(duet_model *m)
{
    duet_gan_game(
        m, &(duet_gan_players){
               .real = duet_model_batch(m), .generate = generate, .discriminate = discriminate, .conditional = true});
    duet_invert(m, generate);
    duet_anneal_decoder(m, generate);
}

static const duet_setting settings[] = {
    DUET_SIZES("generator_hidden", "256,512", "widths of the generator's layers"),
    DUET_SIZES("discriminator_hidden", "512,256", "widths of the discriminator's layers"),
    DUET_COUNT("latent", 64, 1, 65536, "dimensions of z"),
    DUET_GAN_SETTINGS,
    DUET_GAN_USUAL_SETTINGS,
};

const duet_family duet_family_cgan = {
    .name = "cgan",
    .summary = "conditional generative adversarial network",
    .paper = "Mirza & Osindero 2014",
    .build = build_cgan,
    .groups = (const char *const[]){"generator", "discriminator", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
