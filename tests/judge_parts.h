/* SPDX-License-Identifier: MIT */
/* A judge set by hand, which tells black pictures from white ones. */
#ifndef DUET_TESTS_JUDGE_PARTS_H
#define DUET_TESTS_JUDGE_PARTS_H

#include "metric_parts.h"

enum { SIDE = 4, COUNT = 40 };

static char flat[PATH];

/* Pictures of 4 x 4, black and white by turns, labelled 0 and 1. */
static inline void write_flat(void)
{
    unsigned char images[16 + COUNT * SIDE * SIDE] = {0, 0, 8, 3, 0, 0, 0, COUNT, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    unsigned char labels[8 + COUNT] = {0, 0, 8, 1, 0, 0, 0, COUNT};
    char path[PATH];
    for (size_t i = 0; i < COUNT; i++) {
        labels[8 + i] = i % 2;
        memset(images + 16 + i * SIDE * SIDE, i % 2 ? 255 : 0, SIDE * SIDE);
    }
    (void)snprintf(flat, sizeof flat, "%s/flat-images-idx3-ubyte", folder);
    (void)snprintf(path, sizeof path, "%s/flat-labels-idx1-ubyte", folder);
    test_file_write(flat, images, sizeof images);
    test_file_write(path, labels, sizeof labels);
}

/* Says white with the probability sigmoid(20 brightness - 10), by one tap of each convolution and one unit. */
static inline duet_run *open_judge(duet_run *beside)
{
    duet_error error = {0};
    duet_run *judge = open_run("judge", "classifier", flat, NULL, 0);
    char path[PATH];
    duet_run_close(&judge);
    assert_in_range(snprintf(path, sizeof path, "%s/judge", folder), 1, PATH - 1);
    assert_ok(duet_run_open_beside(&judge, path, beside, &error), &error);
    clear_parameters(judge);
    set_one(judge, "classifier.conv1.weight", 4 * 32, 1);
    set_one(judge, "classifier.conv2.weight", 4 * 32 * 64, 1);
    set_one(judge, "classifier.hidden.weight", 0, 1);
    set_one(judge, "classifier.logits.weight", 128, 20);
    set_one(judge, "classifier.logits.bias", 1, -10);
    return judge;
}

#endif
