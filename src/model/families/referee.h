/* SPDX-License-Identifier: MIT */
/* What a referee may do to an adversarial game: noise on what D sees and on its labels, smoothed labels, rests for the
 * player that is ahead. */
#ifndef DUET_SRC_MODEL_FAMILIES_REFEREE_H
#define DUET_SRC_MODEL_FAMILIES_REFEREE_H

#include "duet/model.h"

/** The rows of the settings table that the functions below read. */
#define DUET_REFEREE_SETTINGS                                                                                          \
    DUET_NUMBER("label_smoothing", 0, 0, 0.5, "real labels are 1 minus this"),                                         \
        DUET_NUMBER("fake_smoothing", 0, 0, 0.5, "labels of generated examples are this"),                             \
        DUET_NUMBER("label_noise", 0, 0, 1, "this times U(0, 1) is added to both labels"),                             \
        DUET_NUMBER("instance_noise", 0, 0, 100, "deviation of noise on what D sees, at first"),                       \
        DUET_COUNT("instance_noise_steps", 0, 0, 1e9, "steps until it is exactly 0; 0: it stays"),                     \
        DUET_NUMBER("gate_low", 0, 0, 1, "the generator rests while D's accuracy is below this"),                      \
        DUET_NUMBER("gate_high", 1, 0, 1, "the discriminator rests while its accuracy is above this")

/** x with normal noise whose deviation falls linearly to exactly 0 (Sonderby et al. 2017, arXiv:1610.04490). */
duet_node duet_referee_blur(duet_model *model, duet_node x);
/** D's target: 1 - label_smoothing for real examples, fake_smoothing for generated ones; plus label_noise * U(0, 1),
 *  drawn anew for each logit. */
duet_node duet_referee_label(duet_model *model, duet_node logits, bool real);
/** D's accuracy, a scalar, from logits that are above 0 for what it takes for real; both kinds count half each. */
duet_node duet_referee_accuracy(duet_node on_real, duet_node on_fake);
/** Gates: 1 if D, or G, may learn at this accuracy of D, else 0. */
duet_node duet_referee_lets_discriminator(duet_model *model, duet_node accuracy);
duet_node duet_referee_lets_generator(duet_model *model, duet_node accuracy);

#endif
