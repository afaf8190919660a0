/* SPDX-License-Identifier: MIT */
/* The built-in families, one file each. */
#ifndef DUET_SRC_MODEL_FAMILIES_FAMILY_H
#define DUET_SRC_MODEL_FAMILIES_FAMILY_H

#include "duet/model.h"

extern const duet_family duet_family_ae, duet_family_vae, duet_family_cvae, duet_family_vae_conv, duet_family_gan,
    duet_family_cgan, duet_family_gan_conv, duet_family_mixture, duet_family_vae_gan, duet_family_vae_gan_conv,
    duet_family_bigan, duet_family_aae, duet_family_infogan, duet_family_nice, duet_family_realnvp, duet_family_made,
    duet_family_pixelcnn, duet_family_flow_matching, duet_family_ddpm, duet_family_classifier;

#endif
