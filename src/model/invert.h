/* SPDX-License-Identifier: MIT */
/* Inverting a decoder or generator: the latent whose decode lies nearest to an example, Creswell & Bharath 2016
 * (arXiv:1611.05644). */
#ifndef DUET_SRC_MODEL_INVERT_H
#define DUET_SRC_MODEL_INVERT_H

#include "duet/model.h"

/** The procedure "invert" over the batch: Adam on latents drawn from the prior of duet_latent, `restarts` of them an
 * example, down the squared error of `decode` ([rows, latent] to [rows, features of the data]) less prior_weight * log
 * p(z). Outputs, of the best restart: "inverse" [batch, latent], "inverse_decode" [batch, features], "inverse_error"
 * [batch] (mean squared error a feature); and "restart_spread" [batch], the deviation of that error over restarts. */
void duet_invert(duet_model *model, duet_node (*decode)(duet_model *model, duet_node z));

#endif
