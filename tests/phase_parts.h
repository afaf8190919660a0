/* SPDX-License-Identifier: MIT */
/* What tests of phases and procedures share: families made of one build function, over two small sets of pictures. */
#ifndef DUET_TESTS_PHASE_PARTS_H
#define DUET_TESTS_PHASE_PARTS_H

#include "model/model.h"
#include "train_models.h"
#include "workshop.h"

static char labelled[TEST_PATH_SIZE + 32], plain[TEST_PATH_SIZE + 16];

static const char *const sgd[] = {"shuffle=no", "optimiser=sgd", "lr=1"};

static inline duet_family family_of(void (*build)(duet_model *m))
{
    return (duet_family){.name = "phases", .summary = "test", .paper = "none", .build = build};
}

/* How the build of a model of the family ends, with that status. */
static inline duet_error refusal_of_family(const duet_family *family, const char *set, duet_build_mode mode,
                                           duet_status status)
{
    duet_error error = {0};
    duet_data *data;
    duet_model *model;
    duet_build *build = NULL;
    assert_ok(duet_data_open(&data, set, &error), &error);
    assert_ok(duet_model_new(&model, family, data, NULL, 0, 7, &error), &error);
    assert_status(duet_model_build(model, mode, 4, &build, &error), status, &error);
    duet_build_free(&build);
    duet_model_free(&model);
    duet_data_close(&data);
    return error;
}

static inline void open_parts(test_parts *parts, const duet_family *family, const char *data)
{
    test_parts_open(parts, device, family, data, sgd, 3);
}

/* A set whose example i has class i / 8 mod 4. */
static inline void write_labelled(void)
{
    char path[TEST_PATH_SIZE + 48];
    uint8_t labels[TEST_EXAMPLES];
    duet_error error = {0};
    (void)snprintf(labelled, sizeof labelled, "%s/set", folder);
    assert_int_equal(mkdir(labelled, 0777), 0);
    (void)snprintf(path, sizeof path, "%s/set/train.npy", folder);
    test_write_examples(path, DUET_SHAPE(6, 6, 1));
    for (size_t i = 0; i < TEST_EXAMPLES; i++) labels[i] = (uint8_t)(i / TEST_BATCH % 4);
    (void)snprintf(path, sizeof path, "%s/set/train-labels.npy", folder);
    assert_ok(duet_write_npy_bytes(path, labels, DUET_SHAPE(TEST_EXAMPLES), &error), &error);
    (void)snprintf(labelled, sizeof labelled, "%s/set:split=last", folder); /* batches come in the file's order */
}

/* The device, the folder and both sets in it. */
static inline int open_sets(void **state)
{
    (void)open_all(state);
    (void)snprintf(plain, sizeof plain, "%s/plain.npy", folder);
    test_write_examples(plain, DUET_SHAPE(6, 6, 1));
    write_labelled();
    return 0;
}

#endif
