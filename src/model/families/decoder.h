/* SPDX-License-Identifier: MIT */
/* What autoencoders share: the decoder, and how its output is read, as p(x | z). */
#ifndef DUET_SRC_MODEL_FAMILIES_DECODER_H
#define DUET_SRC_MODEL_FAMILIES_DECODER_H

#include "duet/model.h"

/** The rows of the settings table that the functions below read. */
#define DUET_LIKELIHOOD_SETTINGS(likelihood)                                                                           \
    DUET_CHOICE("likelihood", likelihood, "auto|bernoulli|gaussian|gaussian-learned|discretised-logistic",             \
                "p(x | z); auto: bernoulli for data in [0, 1], else gaussian"),                                        \
        DUET_NUMBER("sigma", 1, 1e-3, 1e3, "standard deviation of p(x | z); where it starts if it is learned"),        \
        DUET_NUMBER("sigma_floor", 0.0025, 1e-6, 1, "a learned sigma stays above this"),                               \
        DUET_CHOICE("sigma_per", "model", "model|feature", "how many sigmas are learned: one, or one a feature")

/** The group "decoder": hidden layers that mirror the encoder's, then a dense layer, [rows, features]. */
duet_node duet_decode(duet_model *model, duet_node latent, size_t features);
/** -log p(x | decoded) in nats, [rows]. */
duet_node duet_likelihood_nll(duet_model *model, duet_node decoded, duet_node x);
/** The mean of p(x | decoded), [rows, features]. */
duet_node duet_likelihood_mean(duet_model *model, duet_node decoded);
/** Whether p(x | z) is the probability of bytes, not a density or of grey values. */
bool duet_likelihood_is_of_bytes(duet_model *model);
/** A draw of p(x | decoded), [rows, features]; of a discretised logistic one of the 256 levels. */
duet_node duet_likelihood_draw(duet_model *model, duet_node decoded);
/** How narrow a Gaussian p(x | z) may become: its sigma, or a learned one's floor; 0: it is no Gaussian. */
double duet_likelihood_least_sigma(duet_model *model);
/** The same where it is not learnt; 0: it is, or the likelihood has none. */
double duet_likelihood_fixed_sigma(duet_model *model);
/** In a phase: reports what the likelihood has learned, the mean "sigma"; nothing if it learns nothing. */
void duet_likelihood_report(duet_model *model);

#endif
