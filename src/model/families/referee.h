/* SPDX-License-Identifier: MIT */
/* The referee of an adversarial game: it keeps D's score, and may put noise on what D sees and on its labels, smooth
 * labels, and let the player that is ahead rest. */
#ifndef DUET_SRC_MODEL_FAMILIES_REFEREE_H
#define DUET_SRC_MODEL_FAMILIES_REFEREE_H

#include "model/families/adversary.h"

/** The rows of the settings table that the functions below read. */
#define DUET_REFEREE_SETTINGS                                                                                          \
    DUET_NUMBER("label_smoothing", 0, 0, 0.5, "real labels are 1 minus this"),                                         \
        DUET_NUMBER("fake_smoothing", 0, 0, 0.5, "labels of generated examples are this"),                             \
        DUET_NUMBER("label_noise", 0, 0, 1, "this times U(0, 1) is added to both labels"),                             \
        DUET_NUMBER("instance_noise", 0, 0, 100, "deviation of noise on what D sees, at first"),                       \
        DUET_COUNT("instance_noise_steps", 0, 0, 1e9, "steps until it is exactly 0; 0: it stays"),                     \
        DUET_NUMBER("gate_low", 0, 0, 1, "the generator rests while D's accuracy is below this"),                      \
        DUET_NUMBER("gate_high", 1, 0, 1, "the discriminator rests while its accuracy is above this")

/** One game, and what outlives the phase in which D learns. */
typedef struct duet_referee {
    duet_model *model;
    const duet_adversarial_loss *loss;
    duet_node last_accuracy; /**< D's when it last learned: the state "gan.accuracy" */
    duet_node boundary;      /**< D says real above this logit; of a loss that names none: the state "gan.boundary" */
} duet_referee;

/** The referee of the game that the setting "loss" names. */
duet_referee duet_referee_of(duet_model *model);

/** x with normal noise whose deviation falls linearly to exactly 0 (Sonderby et al. 2017, arXiv:1610.04490). */
duet_node duet_referee_blur(duet_model *model, duet_node x);
/** D's loss on logits of real examples, whose label is 1 - label_smoothing, or of generated ones, with fake_smoothing;
 *  plus label_noise * U(0, 1), drawn anew for each logit. */
duet_node duet_referee_on_real(const duet_referee *referee, duet_node logits);
duet_node duet_referee_on_fake(const duet_referee *referee, duet_node logits);

/** In D's phase: reports "d_loss" and "accuracy", and keeps D's accuracy and boundary for other phases and for use.
 *  Returns a gate: 1 if D may learn at this accuracy, else 0. */
duet_node duet_referee_scores(duet_referee *referee, duet_node d_loss, duet_node on_real, duet_node on_fake);
/** The same gates at the accuracy that was kept. */
duet_node duet_referee_lets_discriminator(const duet_referee *referee);
duet_node duet_referee_lets_generator(const duet_referee *referee);
/** A logit as trained models give it: above 0 for what D takes for real, whatever the loss. */
duet_node duet_referee_verdict(const duet_referee *referee, duet_node logit);

#endif
