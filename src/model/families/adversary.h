/* SPDX-License-Identifier: MIT */
/* What the two players of an adversarial game minimise: a table of losses on what D's last layer says, its logit. */
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
    double boundary;  /**< D takes an example for real where its logit is above; NAN: no logit says so by itself */
    bool labelled;    /**< targets may be other than 1 and 0; else labels are not read */
    bool needs_bound; /**< has a minimum only where something bounds D's slope */
    bool entropy;     /**< D's is a cross-entropy, which has no lower bound for labels above 1 */
    bool diverges;    /**< D's has no lower bound where examples can be told apart */
} duet_adversarial_loss;

/** The row that the setting "loss" names. Settings that go ill with it are a mistake of the graph: labels where it has
 *  none, nothing that bounds the slope of "discriminator" where it needs that. */
const duet_adversarial_loss *duet_adversarial_loss_chosen(duet_model *model);
/** Whether settings bound the slope of "discriminator": a penalty that does, clipped weights, or its spectral norm. */
bool duet_adversary_is_bounded(duet_model *model);
/** The logit above which D takes an example for real: the row's, or midway between the means of both kinds. */
duet_node duet_adversarial_boundary(const duet_adversarial_loss *loss, duet_node on_real, duet_node on_fake);
/** D's accuracy by that boundary, a scalar; both kinds count half each. */
duet_node duet_adversarial_accuracy(const duet_adversarial_loss *loss, duet_node on_real, duet_node on_fake);

#define DUET_ADVERSARIAL_LOSSES "non-saturating|minimax|least-squares|hinge|wasserstein|f-kl|f-reverse-kl|f-js"

#endif
