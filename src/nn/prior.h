/* SPDX-License-Identifier: MIT */
/* Whether a prior can be meant, for whoever takes one and draws from it later. */
#ifndef DUET_SRC_NN_PRIOR_H
#define DUET_SRC_NN_PRIOR_H

#include "duet/nn.h"

/** Whether nothing can be drawn from it, such as where its deviation is 0; `words` says why. */
bool duet_prior_is_wrong(const duet_prior *part, char *words, size_t size);

#endif
