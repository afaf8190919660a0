/* SPDX-License-Identifier: MIT */
/* What autoencoders share: the decoder, and how its output is read, as logits of Bernoullis or as means of Gaussians.
 */
#ifndef DUET_SRC_MODEL_FAMILIES_DECODER_H
#define DUET_SRC_MODEL_FAMILIES_DECODER_H

#include "duet/model.h"

/** The rows of the settings table that the functions below read. */
#define DUET_LIKELIHOOD_SETTINGS(likelihood)                                                                           \
    DUET_CHOICE("likelihood", likelihood, "auto|bernoulli|gaussian",                                                   \
                "p(x | z); auto: bernoulli for data in [0, 1], else gaussian"),                                        \
        DUET_NUMBER("sigma", 1, 1e-3, 1e3, "gaussian likelihood: its standard deviation")

/** The group "decoder": hidden layers that mirror the encoder's, then a dense layer, [batch, features]. */
duet_node duet_decode(duet_model *model, duet_node latent, size_t features);
/** -log p(x | decoded) in nats, [batch]. */
duet_node duet_likelihood_nll(duet_model *model, duet_node decoded, duet_node x);
/** The mean of p(x | decoded), [batch, features]. */
duet_node duet_likelihood_mean(duet_model *model, duet_node decoded);

#endif
