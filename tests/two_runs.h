/* SPDX-License-Identifier: MIT */
/* What tests of commands on runs begin with: a VAE and a GAN of four steps, in the folder. */
#ifndef DUET_TESTS_TWO_RUNS_H
#define DUET_TESTS_TWO_RUNS_H

#include "program.h"

static int train_two(void **state)
{
    (void)make_folder(state);
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "4", "--out", "@/vae"), 0, "/vae", NULL);
    expect(RUN("train", "gan", "--data", "ring8", "--steps", "4", "--out", "@/gan"), 0, "/gan", NULL);
    return 0;
}

#endif
