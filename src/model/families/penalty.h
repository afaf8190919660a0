/* SPDX-License-Identifier: MIT */
/* Penalties on the slope of a discriminator: a table of where it is measured and what is held against it. */
#ifndef DUET_SRC_MODEL_FAMILIES_PENALTY_H
#define DUET_SRC_MODEL_FAMILIES_PENALTY_H

#include "duet/model.h"

/** The rows of the settings table that belong to it. */
#define DUET_PENALTY_SETTINGS                                                                                          \
    DUET_CHOICE("penalty", "none", "none|gradient|r1|dragan", "on the slope of the discriminator"),                    \
        DUET_NUMBER("penalty_weight", 10, 0, 1e9,                                                                      \
                    "weight of the penalty in the discriminator's loss; 0: a report alone"),                           \
        DUET_COUNT("penalty_every", 1, 1, 1e6, "steps from one penalty to the next, which weighs that much more")

/** Whether the setting "penalty" names one. */
bool duet_penalised(duet_model *model);
/** Whether it names one that is minimised, in a model that has the setting. */
bool duet_penalty_weighs(duet_model *model);
/** Whether that holds the slope on the way from real examples to generated ones, so that D's logits of the two cannot
 *  lie ever further apart, and not around real ones alone. */
bool duet_penalty_bounds(duet_model *model);
/** The penalty that it names, a scalar without its weight; `real` and `fake` are what D sees. */
duet_node duet_penalty(duet_model *model, duet_node (*discriminate)(duet_model *model, duet_node x), duet_node real,
                       duet_node fake);

#endif
