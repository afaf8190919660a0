/* SPDX-License-Identifier: MIT */
/* Small trainings on dark and light pictures in the test's folder: a VAE, a GAN and two classifiers that judge them. */
#ifndef DUET_TESTS_JUDGED_RUNS_H
#define DUET_TESTS_JUDGED_RUNS_H

#include "data_files.h"
#include "program.h"

enum { PICTURES = 300, SIDE = 8, PIXELS = SIDE * SIDE };

/* MNIST's files: dark and light pictures, of class 0 and 1. */
static void write_pictures(unsigned shift)
{
    static const char *const names[] = {"pictures/train-images-idx3-ubyte", "pictures/t10k-images-idx3-ubyte",
                                        "pictures/train-labels-idx1-ubyte", "pictures/t10k-labels-idx1-ubyte"};
    char path[PATH_SIZE];
    uint8_t images[16 + PICTURES * PIXELS] = {0, 0, 8,    3, 0, 0, PICTURES >> 8, PICTURES & 255, 0,
                                              0, 0, SIDE, 0, 0, 0, SIDE};
    uint8_t labels[8 + PICTURES] = {0, 0, 8, 1, 0, 0, PICTURES >> 8, PICTURES & 255};
    for (size_t i = 0; i < PICTURES; i++) labels[8 + i] = (uint8_t)(i % 2);
    for (size_t i = 0; i < PICTURES * PIXELS; i++)
        images[16 + i] = (uint8_t)(i / PIXELS % 2 * 120 + (i * 2654435761u >> 20) % 130 + shift);
    (void)mkdir(inside("pictures", path), 0777);
    for (size_t i = 0; i < 2; i++) {
        test_file_write(inside(names[i], path), images, sizeof images);
        test_file_write(inside(names[2 + i], path), labels, sizeof labels);
    }
}

static void train(const char *model, const char *seed, const char *out)
{
    expect(RUN("train", model, "--data", "@/pictures", "--steps", "2", "--batch", "32", "--seed", seed, "--out", out,
               "--set", strcmp(model, "vae") == 0 ? "average=0.5" : "lr=0.001"),
           0, NULL, NULL);
}

static int begin_judged_runs(void **state)
{
    (void)make_folder(state);
    write_pictures(0);
    train("vae", "0", "@/vae");
    train("gan", "0", "@/gan");
    train("classifier", "0", "@/judge");
    train("classifier", "1", "@/other");
    return 0;
}

#endif
