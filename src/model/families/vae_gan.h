/* SPDX-License-Identifier: MIT */
/* What VAE-GANs share: the algorithm, whatever the three networks are. */
#ifndef DUET_SRC_MODEL_FAMILIES_VAE_GAN_H
#define DUET_SRC_MODEL_FAMILIES_VAE_GAN_H

#include "model/families/referee.h"

/** The rows of the settings table that duet_vae_gan_game reads. */
#define DUET_VAE_GAN_SETTINGS(gamma)                                                                                   \
    DUET_CHOICE("recon", "features", "pixels|features",                                                                \
                "what reconstructions are compared in: the data's own numbers, or D's last hidden layer"),             \
        DUET_NUMBER("gamma", gamma, 0, 1e6, "weight of that comparison in what the generator minimises"),              \
        DUET_NUMBER("beta", 1, 0, 1e6, "weight of the KL term in what the encoder minimises"),                         \
        DUET_CHOICE("loss", "non-saturating", DUET_ADVERSARIAL_LOSSES, "what the players minimise of the game"),       \
        DUET_REFEREE_SETTINGS,                                                                                         \
        DUET_CHOICE("activation", "leaky_relu", DUET_ACTIVATION_NAMES, "activation of hidden layers"),                 \
        DUET_NUMBER("lr", 0.001, 0, 100, "learning rate"),                                                             \
        DUET_NUMBER("beta1", 0.5, 0, 0.999999, "Adam: decay of the mean gradient")

/** The three networks. */
typedef struct duet_vae_gan_players {
    duet_node mean, logvar;                               /**< the posterior of the batch, [batch, latent] */
    duet_node (*decode)(duet_model *model, duet_node z);  /**< [rows, latent] to logits where the data lie in [0, 1],
                                                               else to means, [rows, features of the data] */
    duet_node (*discern)(duet_model *model, duet_node x); /**< [rows, features of the data] to D's last hidden
                                                               layer, [rows, n] */
} duet_vae_gan_players;

/** The phases "encoder", "generator" and "discriminator", which train the groups of these names, and the outputs. */
void duet_vae_gan_game(duet_model *model, const duet_vae_gan_players *players);

/** What is shown of a decoded row: the mean of p(x | z). */
duet_node duet_vae_gan_mean(duet_model *model, duet_node decoded);

#endif
