/* SPDX-License-Identifier: MIT */
/* What the tests of variational autoencoders share: their sets of examples, and encoders and decoders that say the same
 * whatever they read. */
#ifndef DUET_TESTS_VAE_PARTS_H
#define DUET_TESTS_VAE_PARTS_H

#include "model_parts.h"
#include "use.h"

#include "duet/metric.h"
#include "duet/op.h"
#include "plan/plan.h"
#include "train/evaluator.h"

static char unit[TEST_PATH_SIZE + 32], wide[TEST_PATH_SIZE + 32], colour[TEST_PATH_SIZE + 32], odd[TEST_PATH_SIZE + 32],
    labelled[TEST_PATH_SIZE + 32];

enum { FEATURES = 6, LATENT = 3 };

static inline duet_node objective(const test_graph *it)
{
    return it->build->procedures[0].phases[0].objectives[0].loss;
}

static inline bool reports(const test_graph *it, const char *name)
{
    const duet_phase_description *phase = &it->build->procedures[0].phases[0];
    bool found = false;
    for (size_t i = 0; i < phase->report_count; i++) found = found || !strcmp(phase->reports[i].name, name);
    return found;
}

static const double first_y = -0.2, step_y = 0.3;

/* A decoder that says y_i = first + i step whatever z is. */
static inline void set_constant_decoder(duet_model *model)
{
    test_set(model, device, "decoder.output.weight", 0);
    test_set_row(model, device, "decoder.output.bias", first_y, step_y);
}

/* A posterior that is the same for every example: mean_k = 0.5 - k, logvar_k = 1 - 2 k. */
static inline double mean_of(size_t k)
{
    return 0.5 - (double)k;
}

static inline double logvar_of(size_t k)
{
    return 1 - 2 * (double)k;
}

static inline void set_constant_encoder(duet_model *model)
{
    test_set(model, device, "encoder.mean.weight", 0);
    test_set_row(model, device, "encoder.mean.bias", 0.5, -1);
    test_set(model, device, "encoder.logvar.weight", 0);
    test_set_row(model, device, "encoder.logvar.bias", 1, -2);
}

static inline double kl_of(size_t k)
{
    return 0.5 * (mean_of(k) * mean_of(k) + exp(logvar_of(k)) - 1 - logvar_of(k));
}

static inline void write_sets(void)
{
    char path[TEST_PATH_SIZE + 64];
    duet_error error = {0};
    float numbers[TEST_EXAMPLES][FEATURES];
    uint8_t labels[TEST_EXAMPLES];
    (void)snprintf(unit, sizeof unit, "%s/unit.npy", folder);
    test_write_examples(unit, DUET_SHAPE(FEATURES));
    test_normals(11, TEST_EXAMPLES, FEATURES, numbers[0]);
    (void)snprintf(wide, sizeof wide, "%s/wide.npy", folder);
    assert_ok(duet_write_npy(wide, numbers[0], DUET_SHAPE(TEST_EXAMPLES, FEATURES), &error), &error);
    (void)snprintf(colour, sizeof colour, "%s/colour.npy", folder);
    test_write_examples(colour, DUET_SHAPE(8, 8, 3));
    (void)snprintf(odd, sizeof odd, "%s/odd.npy", folder);
    test_write_examples(odd, DUET_SHAPE(27, 29, 1));
    (void)snprintf(labelled, sizeof labelled, "%s/set", folder);
    assert_int_equal(mkdir(labelled, 0777), 0);
    (void)snprintf(path, sizeof path, "%s/set/train.npy", folder);
    test_write_examples(path, DUET_SHAPE(6, 6, 1));
    for (size_t i = 0; i < TEST_EXAMPLES; i++) labels[i] = (uint8_t)(i % 4);
    (void)snprintf(path, sizeof path, "%s/set/train-labels.npy", folder);
    assert_ok(duet_write_npy_bytes(path, labels, DUET_SHAPE(TEST_EXAMPLES), &error), &error);
}

static inline int begin(void **state)
{
    (void)open_all(state);
    write_sets();
    return 0;
}

#endif
