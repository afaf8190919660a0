/* What generative adversarial networks share: the game, whoever plays it. */
#ifndef DUET_SRC_MODEL_GAN_H
#define DUET_SRC_MODEL_GAN_H

#include "duet/model.h"

/** The rows of the settings table that duet_gan_game reads. */
#define DUET_GAN_SETTINGS                                                                                              \
    {"loss", DUET_SETTING_CHOICE, "non-saturating", 0, 0, "non-saturating|minimax", "what the generator minimises"},   \
        {"k", DUET_SETTING_COUNT, "1", 0, 1e6, NULL, "discriminator steps a step; 0: a whole epoch of them"},          \
        {"g_steps", DUET_SETTING_COUNT, "1", 1, 1e6, NULL, "generator steps a step"},                                  \
        {"label_smoothing", DUET_SETTING_NUMBER, "0", 0, 0.5, NULL, "real labels are 1 minus this"},                   \
        {"label_noise", DUET_SETTING_NUMBER, "0", 0, 1, NULL, "this times U(0, 1) is added to both labels"},           \
        {"instance_noise", DUET_SETTING_NUMBER, "0", 0, 100, NULL, "deviation of noise on what D sees, at first"},     \
        {"instance_noise_steps", DUET_SETTING_COUNT, "0", 0, 1e9, NULL, "steps until it is exactly 0; 0: it stays"},   \
        {"gate_low", DUET_SETTING_NUMBER, "0", 0, 1, NULL, "the generator rests while D's accuracy is below this"},    \
    {                                                                                                                  \
        "gate_high", DUET_SETTING_NUMBER, "1", 0, 1, NULL, "the discriminator rests while its accuracy is above this"  \
    }

/** Who plays, and how examples pass between them. */
typedef struct duet_gan_players {
    duet_node real;                                            /**< the batch as D sees examples, [batch, ...] */
    duet_node (*generate)(duet_model *model, duet_node z);     /**< [batch, latent] to examples as D sees them */
    duet_node (*discriminate)(duet_model *model, duet_node x); /**< to logits, [batch, 1] */
    duet_node (*as_data)(duet_model *model, duet_node x); /**< such an example as one of the data, [batch, features] */
    bool joint;     /**< D sees real and generated examples as one batch; else as two, each with its own statistics */
    bool inference; /**< the examples that D learns from come from G as it is used, without the batch's statistics */
} duet_gan_players;

/** The phases "discriminator" and "generator", which train the groups of these names, and the outputs. Reads the
 *  setting "latent". */
void duet_gan_game(duet_model *model, const duet_gan_players *players);

#endif
