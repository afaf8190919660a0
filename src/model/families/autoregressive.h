/* SPDX-License-Identifier: MIT */
/* What autoregressive models share: how a number is distributed given those before it, as a network's outputs say, and
 * the likelihood of them all. */
#ifndef DUET_SRC_MODEL_FAMILIES_AUTOREGRESSIVE_H
#define DUET_SRC_MODEL_FAMILIES_AUTOREGRESSIVE_H

#include "duet/model.h"

/** The rows of the settings table that the functions below read. */
#define DUET_AUTOREGRESSIVE_SETTINGS                                                                                   \
    DUET_CHOICE("likelihood", "bernoulli", "bernoulli|categorical|mixture",                                            \
                "of a number given those before it: binarised data, or bytes by a softmax over 256 or by a mixture "   \
                "of discretised logistics"),                                                                           \
        DUET_COUNT("mixtures", 5, 1, 256, "mixture: how many logistics")

/** The batch as it is modelled, [batch, features] in [0, 1]: binarised anew, each number being the probability of a 1,
 *  or as it is. Data beyond [0, 1] are a mistake of the graph. */
duet_node duet_autoregressive_batch(duet_model *model);
/** Whether numbers are one of 256 classes. */
bool duet_autoregressive_is_categorical(duet_model *model);
/** The bytes that numbers in [0, 1] are, as uint32. */
duet_node duet_autoregressive_bytes(duet_node x);
/** How many outputs say the distribution of one number. */
size_t duet_autoregressive_outputs(duet_model *model);
/** -log p(x) in nats, [batch], of x [batch, features] under `outputs`, features times as many numbers a row. */
duet_node duet_autoregressive_nll(duet_model *model, duet_node outputs, duet_node x);
/** One draw for each run of outputs in the last dimension: [..., outputs] to [...], in [0, 1]. */
duet_node duet_autoregressive_draw(duet_model *model, duet_node outputs);
/** The phase "likelihood", which minimises the mean of `minimised` over the group and reports it, and the output `nll`;
 *  of bytes both also in bits a feature. */
void duet_autoregressive_likelihood(duet_model *model, duet_node minimised, duet_node nll, size_t features,
                                    duet_group *group);

#endif
