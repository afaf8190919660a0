/* SPDX-License-Identifier: MIT */
/* The network of diffusion models: examples and a time to examples. */
#ifndef DUET_SRC_MODEL_FAMILIES_UNET_H
#define DUET_SRC_MODEL_FAMILIES_UNET_H

#include "duet/model.h"

/** The rows of the settings table that duet_unet reads. */
#define DUET_UNET_SETTINGS                                                                                             \
    DUET_COUNT("width", 16, 1, 4096, "channels at full size, twice as many at each halving; numbers of the time"),     \
        DUET_COUNT("levels", 2, 0, 6, "of pictures: how often they are halved"),                                       \
        DUET_SIZES("hidden", "256,256,256", "of other data: widths of the layers"),                                    \
        DUET_CHOICE("activation", "swish", DUET_ACTIVATION_NAMES, "activation of hidden layers")

/** The group "net": a U-Net of pictures, dense layers of other data. x: [rows, features of the data]; time: [rows, 1],
 *  or [1, 1] for all, in [0, 1]; condition: [rows, n] or NULL. Gives [rows, features of the data], 0 at first. */
duet_node duet_unet(duet_model *model, duet_node x, duet_node time, duet_node condition);

#endif
