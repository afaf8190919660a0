/* SPDX-License-Identifier: MIT */
/* What the tests of flow matching and diffusion share: models in use without training, and sets of examples. */
#ifndef DUET_TESTS_DIFFUSION_PARTS_H
#define DUET_TESTS_DIFFUSION_PARTS_H

#include "use.h"

#include "model_parts.h"

#include "model/families/diffusion.h"

static char labelled[TEST_PATH_SIZE + 16], unit[TEST_PATH_SIZE + 16], odd[TEST_PATH_SIZE + 16],
    small[TEST_PATH_SIZE + 16], colour[TEST_PATH_SIZE + 16], square[TEST_PATH_SIZE + 16];

enum { CLASSES = 3 };

/* A model and its evaluator; no training. */
typedef struct used {
    duet_data *data;
    duet_model *model;
    duet_evaluator *evaluator;
} used;

static inline used use_open(const duet_family *family, const char *data, const char *const *settings, size_t count)
{
    duet_error error = {0};
    used it = {0};
    assert_ok(duet_data_open(&it.data, data, &error), &error);
    assert_ok(duet_model_new(&it.model, family, it.data, settings, count, 7, &error), &error);
    assert_ok(duet_evaluator_new(&it.evaluator, device, it.model, &error), &error);
    return it;
}

static inline void use_close(used *it)
{
    duet_evaluator_free(&it->evaluator);
    duet_model_free(&it->model);
    duet_data_close(&it->data);
}

/* One output of rows of latents or examples, with settings of the request. */
static inline void ask(used *it, test_source source, const char *output, const float *rows, size_t count,
                       const uint8_t *classes, const char *const *settings, size_t setting_count, float *values)
{
    duet_error error = {0};
    const duet_wanted wanted = {output, values};
    duet_request request = test_request(source, rows, count, 1, &wanted);
    request.classes = classes;
    request.settings = settings;
    request.setting_count = setting_count;
    assert_ok(duet_evaluator_use(it->evaluator, &request, &error), &error);
}

/* Every parameter drawn anew: those that start at 0 too. */
static inline void scatter(duet_model *model, double size)
{
    duet_variable *variable;
    duet_error error = {0};
    for (size_t v = 0; (variable = duet_store_at(duet_model_store(model), v)) != NULL; v++) {
        if (!variable->optimised) continue;
        float *values = malloc(variable->elements * sizeof *values);
        assert_non_null(values);
        test_normals(v + 1, variable->elements, 1, values);
        for (size_t i = 0; i < variable->elements; i++) values[i] *= (float)size;
        assert_ok(duet_store_write(duet_model_store(model), device, variable->name, values,
                                   variable->elements * sizeof *values, &error),
                  &error);
        free(values);
    }
}

/* Pictures of 6 x 6 in three classes, with numbers below 0, so that nothing is cut off. */
static inline void write_labelled(void)
{
    char path[TEST_PATH_SIZE + 48];
    uint8_t labels[TEST_EXAMPLES];
    float values[TEST_EXAMPLES * 36];
    duet_error error = {0};
    (void)snprintf(labelled, sizeof labelled, "%s/set", folder);
    assert_int_equal(mkdir(labelled, 0777), 0);
    (void)snprintf(path, sizeof path, "%s/set/train.npy", folder);
    test_normals(6, TEST_EXAMPLES, 36, values);
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(TEST_EXAMPLES, 6, 6, 1), &error), &error);
    for (size_t i = 0; i < TEST_EXAMPLES; i++) labels[i] = (uint8_t)(i % CLASSES);
    (void)snprintf(path, sizeof path, "%s/set/train-labels.npy", folder);
    assert_ok(duet_write_npy_bytes(path, labels, DUET_SHAPE(TEST_EXAMPLES), &error), &error);
}

static inline void write_set(char *path, const char *name, duet_shape shape)
{
    (void)snprintf(path, TEST_PATH_SIZE + 16, "%s/%s.npy", folder, name);
    test_write_examples(path, shape);
}

static inline int begin(void **state)
{
    (void)open_all(state);
    write_labelled();
    write_set(unit, "unit", DUET_SHAPE(2));
    write_set(small, "small", DUET_SHAPE(2, 3, 1));
    write_set(square, "square", DUET_SHAPE(8, 8, 1));
    write_set(odd, "odd", DUET_SHAPE(27, 29, 1));
    write_set(colour, "colour", DUET_SHAPE(28, 28, 3));
    return 0;
}

#endif
