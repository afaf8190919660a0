/* SPDX-License-Identifier: MIT */
/* Data and trainings of the tests of streaming. */
#ifndef DUET_TESTS_STREAMING_PARTS_H
#define DUET_TESTS_STREAMING_PARTS_H

#include "data_files.h"
#include "run_recipes.h"

enum { PIXELS = 8 * 8 };

static char bytes[PATH], labelled[PATH], ordered[PATH];

static inline void streamed(const recipe *what, const char *run, bool resume, uint64_t steps)
{
    duet_error error;
    duet_train_options options = options_of(what);
    options.stream = true;
    options.steps = steps;
    train(options, run, resume, DUET_OK, &error);
}

static inline int begin_all(void **state)
{
    uint8_t values[TEST_EXAMPLES * PIXELS], labels[TEST_EXAMPLES];
    duet_error error = {0};
    char path[PATH];
    (void)begin(state);
    for (size_t i = 0; i < sizeof values; i++) values[i] = pattern(i);
    for (size_t i = 0; i < TEST_EXAMPLES; i++) labels[i] = (uint8_t)(i * 7 / 5 % 4);
    path_of(bytes, "bytes.npy", "");
    assert_ok(duet_write_npy_bytes(bytes, values, DUET_SHAPE(TEST_EXAMPLES, 8, 8, 1), &error), &error);
    (void)snprintf(ordered, sizeof ordered, "%.500s:split=last", bytes);
    make_inner("set");
    path_of(path, "set/train.npy", "");
    assert_ok(duet_write_npy_bytes(path, values, DUET_SHAPE(TEST_EXAMPLES, 8, 8, 1), &error), &error);
    path_of(path, "set/train-labels.npy", "");
    assert_ok(duet_write_npy_bytes(path, labels, DUET_SHAPE(TEST_EXAMPLES), &error), &error);
    path_of(labelled, "set", "");
    return 0;
}

#endif
