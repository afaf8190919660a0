/* SPDX-License-Identifier: MIT */
/* What generative adversarial networks share: the game, whatever the two networks are. */
#ifndef DUET_SRC_MODEL_FAMILIES_GAME_H
#define DUET_SRC_MODEL_FAMILIES_GAME_H

#include "model/families/packing.h"
#include "model/families/penalty.h"
#include "model/families/referee.h"

/** The rows of the settings table that duet_gan_game reads. */
#define DUET_GAN_SETTINGS                                                                                              \
    DUET_CHOICE("loss", "non-saturating", DUET_ADVERSARIAL_LOSSES, "what the players minimise"),                       \
        DUET_COUNT("k", 1, 0, 1e6, "discriminator steps a step; 0: a whole epoch of them"),                            \
        DUET_COUNT("g_steps", 1, 1, 1e6, "generator steps a step"), DUET_PENALTY_SETTINGS, DUET_PACKING_SETTINGS,      \
        DUET_REFEREE_SETTINGS

/** How GANs are usually trained, after Radford et al. 2016, sec. 4. */
#define DUET_GAN_USUAL_SETTINGS                                                                                        \
    DUET_CHOICE("activation", "leaky_relu", DUET_ACTIVATION_NAMES, "activation of hidden layers"),                     \
        DUET_NUMBER("lr", 0.0002, 0, 100, "learning rate"),                                                            \
        DUET_NUMBER("beta1", 0.5, 0, 0.999999, "Adam: decay of the mean gradient")

/** Who plays, and how examples pass between them. */
typedef struct duet_gan_players {
    duet_node real;                                            /**< the batch as D sees examples, [batch, ...] */
    duet_node (*generate)(duet_model *model, duet_node z);     /**< [batch, latent] to examples as D sees them */
    duet_node (*discriminate)(duet_model *model, duet_node x); /**< duet_packed ones to logits, [rows, 1] */
    bool centred;     /**< players pass each other examples in [-1, 1]: duet_model_centred */
    bool conditional; /**< G reads labels; if D learns once a step, G then reads the labels of D's batch */
    bool joint;       /**< D sees real and generated examples as one batch; else as two, each with its own statistics */
    bool inference;   /**< G makes the examples for D as in use: by running statistics, not those of the batch */
} duet_gan_players;

/** The phases "discriminator" and "generator", which train the groups of these names, a phase "penalty" where that is
 *  not for every step, and the outputs. Reads the setting "latent". */
void duet_gan_game(duet_model *model, const duet_gan_players *players);

#endif
