/* SPDX-License-Identifier: MIT */
/* Goodfellow et al. 2014 (arXiv:1406.2661): the minimax game of eq. 1, and the generator's loss -log D of sec. 3, whose
 * gradient does not vanish where D is sure. */
#include "model/families/adversary.h"

static duet_node cross_entropy(duet_node logits, duet_node label)
{
    return duet_binary_cross_entropy(logits, label);
}

/* -log D */
static duet_node non_saturating(duet_node logits)
{
    return duet_binary_cross_entropy(logits, duet_constant(duet_node_graph(logits), 1));
}

/* log(1 - D) */
static duet_node minimax(duet_node logits)
{
    return duet_negate(duet_batch_mean(duet_softplus(logits)));
}

static const duet_adversarial_loss losses[] = {
    {"non-saturating", cross_entropy, cross_entropy, non_saturating},
    {"minimax", cross_entropy, cross_entropy, minimax},
};

const duet_adversarial_loss *duet_adversarial_loss_chosen(duet_model *m)
{
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (duet_setting_is(m, "loss", losses[i].name)) return &losses[i];
    return &losses[0]; /* settings are checked against the same names */
}
