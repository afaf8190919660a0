/* SPDX-License-Identifier: MIT */
/* What tests of plans that are explained share: a model's step, explained, and what its launches touch. */
#ifndef DUET_TESTS_EXPLAIN_PARTS_H
#define DUET_TESTS_EXPLAIN_PARTS_H

#include "conv_model.h"
#include "train_models.h"
#include "workshop.h"

enum { FEATURES = 6 };

typedef struct plan_case {
    const char *name, *family, *gemm;
    size_t batch;
    const char *settings[6];
    const char *data; /* NULL: the examples of the folder */
} plan_case;

static inline const duet_family *family_of(const plan_case *row)
{
    return strcmp(row->family, test_conv_family.name) == 0 ? &test_conv_family : duet_family_find(row->family);
}

/* A case's step, explained. */
typedef struct step {
    test_parts parts;
    duet_explained_phase phases[8];
    size_t count;
} step;

static inline void step_open(step *opened, const plan_case *row)
{
    duet_error error = {0};
    size_t settings = 0;
    while (settings < 6 && row->settings[settings] != NULL) settings++;
    const char *gemm = row->gemm != NULL ? row->gemm : getenv("DUET_TEST_GEMM");
    *opened = (step){.count = 0};
    assert_ok(duet_device_set_gemm(device, gemm, &error), &error);
    const char *data = row->data != NULL ? row->data : "examples.npy";
    if (strstr(data, ".npy") != NULL) data = in_folder(data);
    test_parts_open_batch(&opened->parts, device, family_of(row), data, row->batch, row->settings, settings);
    opened->count = duet_trainer_plan_count(opened->parts.trainer);
    assert_in_range(opened->count, 1, 8);
    for (size_t i = 0; i < opened->count; i++)
        assert_ok(duet_trainer_explain(opened->parts.trainer, i, &opened->phases[i], &error), &error);
}

static inline void step_close(step *opened)
{
    for (size_t i = 0; i < opened->count; i++) duet_explained_phase_free(&opened->phases[i]);
    test_parts_close(&opened->parts);
}

static inline bool reads(const duet_explained_launch *launch, size_t tensor)
{
    for (size_t i = 0; i < launch->read_count; i++)
        if (launch->reads[i] == tensor) return true;
    return false;
}

static inline bool stores(const duet_explained_launch *launch, size_t tensor)
{
    for (size_t i = 0; i < launch->result_count; i++)
        if (launch->results[i].tensor == tensor) return true;
    return false;
}

static inline size_t find_tensor(const duet_explanation *plan, const char *name)
{
    size_t i = 0;
    while (i < plan->tensor_count && strcmp(plan->tensors[i].name, name) != 0) i++;
    return i;
}

static inline int begin(void **state)
{
    (void)open_all(state);
    test_write_examples(in_folder("examples.npy"), DUET_SHAPE(FEATURES));
    test_write_examples(in_folder("pictures.npy"), DUET_SHAPE(TEST_CONV_SIDE, TEST_CONV_SIDE, 1));
    return 0;
}

#endif
