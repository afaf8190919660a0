/* SPDX-License-Identifier: MIT */
/* What the tests of the adversarial game share: its sets of examples, and players whose logits are known. */
#ifndef DUET_TESTS_ADVERSARY_PARTS_H
#define DUET_TESTS_ADVERSARY_PARTS_H

#include "convnet_files.h"

#include "train/evaluator.h"
#include "train/trainer.h"

static char line[PATH], plane[PATH], halves[PATH];

#define LINEAR "generator_hidden=", "discriminator_hidden=", "latent=1", "shuffle=no"

/* G(z) = fake whatever z is; D(x) = weight x + bias. */
static inline void set_players(duet_model *model, double fake, double weight, double bias)
{
    test_set(model, device, "generator.output.weight", 0);
    test_set(model, device, "generator.output.bias", fake);
    test_set(model, device, "discriminator.logit.weight", weight);
    test_set(model, device, "discriminator.logit.bias", bias);
}

static inline int begin_adversary(void **state)
{
    static float rows[TEST_EXAMPLES], both[TEST_EXAMPLES][2];
    duet_error error = {0};
    (void)begin(state);
    path_of(line, "line.npy", "");
    path_of(halves, "halves.npy", "");
    for (size_t i = 0; i < TEST_EXAMPLES; i++) rows[i] = (float)(i * 7 % TEST_EXAMPLES) / 12 - 1.9f;
    assert_ok(duet_write_npy(line, rows, DUET_SHAPE(TEST_EXAMPLES, 1), &error), &error);
    path_of(plane, "plane.npy", "");
    for (size_t i = 0; i < TEST_EXAMPLES; i++) both[i][0] = rows[i], both[i][1] = 3 + rows[i] * rows[i];
    assert_ok(duet_write_npy(plane, both[0], DUET_SHAPE(TEST_EXAMPLES, 2), &error), &error);
    for (size_t i = 0; i < TEST_EXAMPLES; i++) rows[i] = 0.5f;
    assert_ok(duet_write_npy(halves, rows, DUET_SHAPE(TEST_EXAMPLES, 1), &error), &error);
    return 0;
}

#endif
