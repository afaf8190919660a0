/* SPDX-License-Identifier: MIT */
/* What variational autoencoders share: the objective, whatever the two networks are. */
#ifndef DUET_SRC_MODEL_FAMILIES_VAE_H
#define DUET_SRC_MODEL_FAMILIES_VAE_H

#include "model/families/decoder.h"

/** The rows of the settings table that duet_vae_objective reads. */
#define DUET_VAE_SETTINGS                                                                                              \
    DUET_LIKELIHOOD_SETTINGS("auto"),                                                                                  \
        DUET_CHOICE("kl", "analytic", "analytic|monte-carlo", "the KL term: closed form, or by one sample"),           \
        DUET_NUMBER("beta", 1, 0, 1e6, "weight of the KL term in the loss"),                                           \
        DUET_COUNT("warm_up", 0, 0, 1e9, "steps over which that weight rises from 0")

/** The phase "elbo", which trains the groups "encoder" and "decoder", and the outputs. mu, logvar: the posterior of the
 *  batch, [batch, latent]. `decode`: from z, [batch, latent], to the logits or means of p(x | z), [batch, features of
 *  the data]. */
void duet_vae_objective(duet_model *model, duet_node mu, duet_node logvar,
                        duet_node (*decode)(duet_model *model, duet_node z));

#endif
