/* SPDX-License-Identifier: MIT */
/* What models share that learn the way from noise to data: the condition and its guidance; and their ways of use,
 * whatever field was learnt. */
#ifndef DUET_SRC_MODEL_FAMILIES_DIFFUSION_H
#define DUET_SRC_MODEL_FAMILIES_DIFFUSION_H

#include "model/families/unet.h"

/** The rows of the settings table that these functions read, and how such models are usually trained. */
#define DUET_DIFFUSION_SETTINGS                                                                                        \
    DUET_UNET_SETTINGS, DUET_CHOICE("condition", "none", "none|labels", "what the network is told beside the time"),   \
        DUET_NUMBER("drop", 0.1, 0, 1, "share of examples whose condition is left out in training"),                   \
        DUET_NUMBER("average", 0.999, 0, 0.999999, "decay of the average of the weights, which use reads; 0: none"),   \
        DUET_NUMBER("average_warm_up", 10, 0, 1e9, "decay after n updates: at most (1 + n) / (this + n); 0: no limit")

/** What is learnt: of points on the way, [rows, features], at a time in [0, 1], [rows, 1] or [1, 1], a row each. */
typedef duet_node (*duet_field)(duet_model *model, duet_node x, duet_node time);

/** The network in training. A condition is left out by chance, so that the network knows what is common to all. */
duet_node duet_field_trained(duet_model *model, duet_node x, duet_node time);
/** The network in use, with a condition under guidance. */
duet_node duet_field_used(duet_model *model, duet_node x, duet_node time);

/** Of a field of velocities from noise at time 0 to data at 1: the procedures "sample" and "encode". */
void duet_flow_matching_use(duet_model *model, duet_field velocity);

/** The rows that duet_ddpm_use reads. */
#define DUET_DDPM_SETTINGS                                                                                             \
    DUET_COUNT("timesteps", 1000, 1, 4000, "steps from data to noise"),                                                \
        DUET_CHOICE("schedule", "cosine", "cosine|linear", "how fast noise takes the place of data")

/** Of a field of noises at time t / timesteps: the procedure "sample". */
void duet_ddpm_use(duet_model *model, duet_field noise);

#endif
