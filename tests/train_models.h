/* SPDX-License-Identifier: MIT */
/* What the tests of training share: tiny families of their own and data sets of a few bytes. */
#ifndef DUET_TESTS_TRAIN_MODELS_H
#define DUET_TESTS_TRAIN_MODELS_H

#include "test.h"

#include "duet/model.h"
#include "duet/plan.h"
#include "duet/report.h"
#include "duet/run.h"

/* The last tenth of a file is its test split: 44 examples are left, and an epoch of five batches leaves out four. */
enum { TEST_EXAMPLES = 48, TEST_TRAINING = 44, TEST_BATCH = 8, TEST_BATCHES = 5 };

/** A .npy file of TEST_EXAMPLES rows of that shape, bytes / 255 that differ from row to row. */
static inline void test_write_examples(const char *path, duet_shape row)
{
    duet_error error = {0};
    size_t numbers = duet_shape_elements(row);
    duet_shape shape = {.rank = row.rank + 1, .dims = {TEST_EXAMPLES}};
    for (size_t i = 0; i < row.rank; i++) shape.dims[i + 1] = row.dims[i];
    float *values = malloc(TEST_EXAMPLES * numbers * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < TEST_EXAMPLES * numbers; i++)
        values[i] = (float)((((i * 2654435761u >> 7) % 1000) * 255 + 500) / 1000) / 255; /* scattered bytes, the same */
    assert_ok(duet_write_npy(path, values, shape, &error), &error);
    free(values);
}

static inline duet_node test_number(duet_model *model, const char *name, float start)
{
    const duet_initialiser begin = {DUET_INIT_CONSTANT, start, 0, 0};
    return duet_state(duet_model_graph(model), name, DUET_FLOAT32, DUET_SCALAR_SHAPE, begin);
}

static inline duet_node test_parameter(duet_model *model, duet_group *group, const char *name, float start)
{
    const duet_initialiser begin = {DUET_INIT_CONSTANT, start, 0, 0};
    duet_node vector = duet_parameter(duet_model_graph(model), group, name, DUET_SHAPE(1), begin);
    return duet_sum(vector, DUET_ALL_AXES, false);
}

/** Has the open phase change something, as every training must. */
static inline void test_change(duet_model *model)
{
    duet_node count = test_number(model, "changes", 0);
    duet_phase_assign(model, count, duet_shift(count, 1));
}

/** A device, data and model held together by a test. */
typedef struct test_parts {
    duet_device *device;
    duet_data *data;
    duet_model *model;
    duet_trainer *trainer;
} test_parts;

static inline void test_parts_open_batch(test_parts *parts, duet_device *on, const duet_family *family,
                                         const char *data, size_t batch, const char *const *settings, size_t count)
{
    duet_error error = {0};
    *parts = (test_parts){.device = on};
    assert_ok(duet_data_open(&parts->data, data, &error), &error);
    assert_ok(duet_model_new(&parts->model, family, parts->data, settings, count, 7, &error), &error);
    assert_ok(duet_trainer_new(&parts->trainer, on, parts->model, batch, &error), &error);
}

static inline void test_parts_open(test_parts *parts, duet_device *on, const duet_family *family, const char *data,
                                   const char *const *settings, size_t count)
{
    test_parts_open_batch(parts, on, family, data, TEST_BATCH, settings, count);
}

static inline void test_parts_close(test_parts *parts)
{
    duet_trainer_free(&parts->trainer);
    duet_model_free(&parts->model);
    duet_data_close(&parts->data);
}

static inline void test_steps(test_parts *parts, size_t steps)
{
    duet_error error = {0};
    for (size_t i = 0; i < steps; i++) assert_ok(duet_trainer_step(parts->trainer, &error), &error);
}

/** A float32 scalar of the store. */
static inline float test_read(test_parts *parts, const char *name)
{
    float value = NAN;
    duet_error error = {0};
    duet_store *store = duet_model_store(parts->model);
    assert_ok(duet_store_read(store, parts->device, name, &value, sizeof value, &error), &error);
    return value;
}

static inline uint32_t test_read_count(test_parts *parts, const char *name)
{
    uint32_t value = 0;
    duet_error error = {0};
    duet_store *store = duet_model_store(parts->model);
    assert_ok(duet_store_read(store, parts->device, name, &value, sizeof value, &error), &error);
    return value;
}

#endif
