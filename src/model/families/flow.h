/* SPDX-License-Identifier: MIT */
/* What flows share: bytes made continuous, halves that move each other by turns, the exact likelihood and what a model
 * that can be run backwards gives. */
#ifndef DUET_SRC_MODEL_FAMILIES_FLOW_H
#define DUET_SRC_MODEL_FAMILIES_FLOW_H

#include "duet/model.h"

/** The rows of the settings table that duet_flow_likelihood reads. */
#define DUET_FLOW_SETTINGS(prior, alpha)                                                                               \
    DUET_CHOICE("prior", prior, "normal|logistic", "p(h), what codes are measured by and drawn from"),                 \
        DUET_NUMBER("alpha", alpha, 0, 0.4, "bytes enter as logit(alpha + (1 - 2 alpha) x); 0: as they are"),          \
        DUET_CHOICE("dequantise", "auto", "auto|yes|no", "noise of 1/256: auto: on bytes; yes: on any data in [0, 1]")

/** A bijection between rows, [batch, features], and codes of that shape, in both directions. */
typedef struct duet_flow {
    /** x to h; log |det dh / dx|, [batch] or a scalar, is added to *log_determinant. */
    duet_node (*forward)(duet_model *model, duet_node x, duet_node *log_determinant);
    duet_node (*inverse)(duet_model *model, duet_node h);
    duet_group *const *groups; /**< what is trained, NULL after the last */
} duet_flow;

/** The phase "likelihood", which minimises -log p(x) = -log p(h) - log |det dh / dx|, and the outputs. Bytes
 *  become continuous by uniform noise, fresh each time, and have bits a dimension too. The density is
 *  that of data in their own units, whatever the flow sees of them. */
void duet_flow_likelihood(duet_model *model, const duet_flow *flow);

/** Two parts of the features, of which one is moved by a function of the other. */
typedef struct duet_halves {
    duet_node a, b;
} duet_halves;

/** The even and the odd features of [batch, features], of which there must be two at least; of an odd number `a` has
 *  one more. */
duet_halves duet_flow_halves(duet_node x);
duet_node duet_flow_joined(duet_halves halves);

#endif
