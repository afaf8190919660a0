/* SPDX-License-Identifier: MIT */
/* What the two players of an adversarial game minimise: a table of losses on logits. */
#ifndef DUET_SRC_MODEL_FAMILIES_ADVERSARY_H
#define DUET_SRC_MODEL_FAMILIES_ADVERSARY_H

#include "duet/model.h"

/** Losses as scalars, from D's logits [batch, 1]. `label` is D's target: 1 for real examples and 0 for generated ones,
 *  unless a referee changes it. */
typedef struct duet_adversarial_loss {
    const char *name;
    duet_node (*on_real)(duet_node logits, duet_node label);
    duet_node (*on_fake)(duet_node logits, duet_node label);
    duet_node (*for_generator)(duet_node logits); /**< logits of generated examples */
} duet_adversarial_loss;

/** The row that the setting "loss" names. */
const duet_adversarial_loss *duet_adversarial_loss_chosen(duet_model *model);

#define DUET_ADVERSARIAL_LOSSES "non-saturating|minimax"

#endif
