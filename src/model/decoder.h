/* What autoencoders share: the decoder, and how its output is read, as logits of Bernoullis or as means of Gaussians.
 */
#ifndef DUET_SRC_MODEL_DECODER_H
#define DUET_SRC_MODEL_DECODER_H

#include "duet/model.h"

/** The rows of the settings table that the functions below read. */
#define DUET_LIKELIHOOD_SETTINGS(likelihood)                                                                           \
    {"likelihood",                                                                                                     \
     DUET_SETTING_CHOICE,                                                                                              \
     (likelihood),                                                                                                     \
     0,                                                                                                                \
     0,                                                                                                                \
     "auto|bernoulli|gaussian",                                                                                        \
     "p(x | z); auto: bernoulli for data in [0, 1], else gaussian"},                                                   \
    {                                                                                                                  \
        "sigma", DUET_SETTING_NUMBER, "1", 1e-3, 1e3, NULL, "gaussian likelihood: its standard deviation"              \
    }

/** The group "decoder": hidden layers that mirror the encoder's, then a dense layer, [batch, features]. */
duet_node duet_decode(duet_model *model, duet_node latent, size_t features);
/** -log p(x | decoded) in nats, [batch]. */
duet_node duet_likelihood_nll(duet_model *model, duet_node decoded, duet_node x);
/** The mean of p(x | decoded), [batch, features]. */
duet_node duet_likelihood_mean(duet_model *model, duet_node decoded);

#endif
