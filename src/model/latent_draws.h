/* SPDX-License-Identifier: MIT */
/* Whether a training and use draw the latent alike. */
#ifndef DUET_SRC_MODEL_LATENT_DRAWS_H
#define DUET_SRC_MODEL_LATENT_DRAWS_H

#include "model/model.h"

/** Warns where phases draw normal or uniform numbers for the layers of the latent, and its prior is another one. */
void duet_latent_draws_check(duet_model *model);

#endif
