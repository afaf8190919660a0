/* SPDX-License-Identifier: MIT */
/* Discriminators that judge several examples together, so that a lack of variety shows: packing (PacGAN) and the
 * minibatch's standard deviation. */
#ifndef DUET_SRC_MODEL_FAMILIES_PACKING_H
#define DUET_SRC_MODEL_FAMILIES_PACKING_H

#include "duet/model.h"

/** The rows of the settings table that belong to it. */
#define DUET_PACKING_SETTINGS                                                                                          \
    DUET_COUNT("pack", 1, 1, 1024, "examples that the discriminator judges together, joined"),                         \
        DUET_CHOICE("minibatch_deviation", "no", "no|yes",                                                             \
                    "the discriminator's last layer reads how much its inputs differ over the batch")

/** [batch, ..., features] to [batch / pack, ..., pack * features]: neighbours joined, pictures by their channels. Lin
 * et al. 2018 (arXiv:1712.04086). For use, where batches have any size, each example beside copies of itself. */
duet_node duet_packed(duet_model *model, duet_node x);
/** [batch, features] to [batch, features + 1] if the setting asks for it: the last is the mean of the features'
 * standard deviations over the batch, the same for all examples. Karras et al. 2018 (arXiv:1710.10196), sec. 3. */
duet_node duet_with_minibatch_deviation(duet_model *model, duet_node x);
/** Whether D judges each example by itself, so that its logit is a matter of that example alone. */
bool duet_judges_alone(duet_model *model);

#endif
