/* SPDX-License-Identifier: MIT */
/* The table of built-in families: a row a model. */
#include "model/families/family.h"

#include <string.h>

static const duet_family *const families[] = {
    &duet_family_ae,       &duet_family_vae,           &duet_family_cvae,     &duet_family_vae_conv,
    &duet_family_gan,      &duet_family_cgan,          &duet_family_gan_conv, &duet_family_mixture,
    &duet_family_vae_gan,  &duet_family_vae_gan_conv,  &duet_family_bigan,    &duet_family_aae,
    &duet_family_infogan,  &duet_family_nice,          &duet_family_realnvp,  &duet_family_made,
    &duet_family_pixelcnn, &duet_family_flow_matching, &duet_family_ddpm,     &duet_family_classifier,
};

size_t duet_family_count(void)
{
    return sizeof families / sizeof *families;
}

const duet_family *duet_family_at(size_t index)
{
    return index < duet_family_count() ? families[index] : NULL;
}

const duet_family *duet_family_find(const char *name)
{
    for (size_t i = 0; i < duet_family_count(); i++)
        if (strcmp(families[i]->name, name) == 0) return families[i];
    return NULL;
}
