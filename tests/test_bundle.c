/* SPDX-License-Identifier: MIT */
/* Steps side by side in one launch: that the numbers are those of launches one after the other, that the parts of a
 * launch leave each other alone, that waiting for company costs little memory, and how many launches are left. */
#include "conv_model.h"
#include "train_models.h"
#include "workshop.h"

#include "device/device.h"
#include "graph/variable.h"

enum { FEATURES = 6, STEPS = 4 };

/** How a device lays out plans. */
typedef struct manner {
    bool alone; /* one step a launch */
    bool wide;  /* as on a GPU: a work-group for one part */
} manner;

static duet_device *open_in(manner chosen)
{
    if (chosen.alone)
        assert_int_equal(setenv("DUET_BUNDLES", "off", 1), 0);
    else
        assert_int_equal(unsetenv("DUET_BUNDLES"), 0);
    duet_device *opened = test_device_open();
    assert_int_equal(unsetenv("DUET_BUNDLES"), 0);
    assert_int_equal(duet_device_bundles(opened), !chosen.alone);
    if (chosen.wide) {
        duet_error error = {0};
        ((duet_device_info *)(uintptr_t)duet_device_describe(opened))->kind = DUET_DEVICE_GPU;
        assert_ok(duet_device_set_gemm(opened, "plain", &error), &error);
    }
    return opened;
}

typedef struct training_case {
    const char *name, *family, *data;
    size_t batch;
    const char *settings[6];
} training_case;

static const training_case cases[] = {
    {"vae", "vae", "examples.npy", TEST_BATCH, {"hidden=32", "latent=3"}},
    {"vae, long sums", "vae", "wide.npy", 16, {"hidden=320", "warm_up=9"}},
    {"gan",
     "gan",
     "examples.npy",
     TEST_BATCH,
     {"generator_hidden=24", "discriminator_hidden=24", "latent=3", "instance_noise=1", "k=2"}},
    {"made", "made", "examples.npy", 11, {"hidden=48"}},
    {"convolutions", "conv-ae", "pictures.npy", TEST_BATCH, {NULL}},
    {"gan of pictures", "gan-conv", "squares.npy", TEST_BATCH, {"width=4"}},
};

/** A step of a case on a device, explained. */
typedef struct step {
    duet_device *device;
    test_parts parts;
    duet_explained_phase phases[4];
    size_t count, launches, bundles, arena;
} step;

static const duet_family *family_of(const training_case *row)
{
    return strcmp(row->family, test_conv_family.name) == 0 ? &test_conv_family : duet_family_find(row->family);
}

static void step_open(step *opened, const training_case *row, manner chosen)
{
    duet_error error = {0};
    size_t settings = 0;
    while (settings < 6 && row->settings[settings] != NULL) settings++;
    *opened = (step){.device = open_in(chosen)};
    test_parts_open_batch(&opened->parts, opened->device, family_of(row), in_folder(row->data), row->batch,
                          row->settings, settings);
    opened->count = duet_trainer_plan_count(opened->parts.trainer);
    assert_in_range(opened->count, 1, 4);
    for (size_t i = 0; i < opened->count; i++) {
        const duet_explanation *plan = &opened->phases[i].plan;
        assert_ok(duet_trainer_explain(opened->parts.trainer, i, &opened->phases[i], &error), &error);
        opened->launches += plan->launch_count;
        for (size_t j = 0; j < plan->launch_count; j++) opened->bundles += plan->launches[j].kind == DUET_LAUNCH_BUNDLE;
    }
    opened->arena = duet_plan_arena_bytes(duet_trainer_plan(opened->parts.trainer, 0));
}

static void step_close(step *opened)
{
    for (size_t i = 0; i < opened->count; i++) duet_explained_phase_free(&opened->phases[i]);
    test_parts_close(&opened->parts);
    duet_device_close(&opened->device);
}

/* Whether the driver's compiler rounds a loop alike wherever it stands. Intel's does not: sums of likelihoods differ in
 * the last digit between a kernel of their own and a part, also with FP_CONTRACT off (docs/performance.md). */
static bool rounds_alike(const duet_device *of)
{
    return strstr(duet_device_describe(of)->platform, "Intel") == NULL;
}

/* The largest difference over the largest number. */
static double difference_of(const float *values, const float *twins, size_t count)
{
    double apart = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs((double)values[i] - (double)twins[i]);
        if (!(difference <= apart)) apart = difference; /* also a NaN */
        most = fmax(most, fabs((double)values[i]));
    }
    return apart == 0 ? 0 : apart / most;
}

/* Every parameter, moment, counter and state. */
static void assert_same_store(const duet_device *of, const test_parts *left, const test_parts *right)
{
    duet_error error = {0};
    const duet_store *store = duet_model_store(left->model), *other = duet_model_store(right->model);
    duet_variable *variable;
    size_t i = 0;
    for (; (variable = duet_store_at(store, i)) != NULL; i++) {
        duet_variable *twin = duet_store_at(other, i);
        assert_non_null(twin);
        assert_string_equal(variable->name, twin->name);
        size_t bytes = variable->elements * duet_type_size(variable->type);
        void *values = malloc(bytes), *twins = malloc(bytes);
        assert_non_null(values);
        assert_non_null(twins);
        assert_ok(duet_variable_read(variable, values, &error), &error);
        assert_ok(duet_variable_read(twin, twins, &error), &error);
        if (memcmp(values, twins, bytes) != 0) {
            const bool is_float = variable->type == DUET_FLOAT32;
            const double difference = is_float ? difference_of(values, twins, variable->elements) : 1;
            print_message("%s differs by %g\n", variable->name, difference);
            if (rounds_alike(of) || !(difference <= 1e-4)) fail_msg("%s differs", variable->name);
        }
        free(values);
        free(twins);
    }
    assert_true(i > 8);
    assert_null(duet_store_at(other, i));
}

/* No part stores what another part of its launch reads or stores; each computes what the launch is said to. */
static void assert_parts_apart(const duet_explanation *plan, const duet_explained_launch *launch)
{
    size_t results = 0;
    assert_int_equal(launch->part_count > 1, launch->kind == DUET_LAUNCH_BUNDLE);
    for (size_t a = 0; a < launch->part_count; a++) {
        const duet_explained_part *part = &launch->parts[a];
        assert_true(part->result_count > 0);
        results += part->result_count;
        for (size_t r = 0; r < part->result_count; r++)
            for (size_t b = 0; b < launch->part_count; b++) {
                const duet_explained_part *other = &launch->parts[b];
                const duet_explained_tensor *stored = &plan->tensors[part->results[r].tensor];
                for (size_t k = 0; k < other->read_count && a != b; k++)
                    assert_false(duet_tensors_overlap(stored, &plan->tensors[other->reads[k]]));
                for (size_t k = 0; k < other->result_count && a != b; k++)
                    assert_false(duet_tensors_overlap(stored, &plan->tensors[other->results[k].tensor]));
            }
    }
    assert_int_equal(results, launch->result_count);
}

/* Trains the case one step a launch and with steps side by side. */
static void assert_same_training(const training_case *row, bool wide)
{
    step alone, together;
    step_open(&alone, row, (manner){.alone = true, .wide = wide});
    step_open(&together, row, (manner){.wide = wide});
    assert_int_equal(alone.bundles, 0);
    assert_true(together.bundles > 0);
    assert_true(together.launches + 2 < alone.launches);
    assert_in_range(together.arena, 0, alone.arena + alone.arena / 4 + 4096);
    for (size_t i = 0; i < together.count; i++)
        for (size_t j = 0; j < together.phases[i].plan.launch_count; j++)
            assert_parts_apart(&together.phases[i].plan, &together.phases[i].plan.launches[j]);
    test_steps(&alone.parts, STEPS);
    test_steps(&together.parts, STEPS);
    assert_same_store(together.device, &alone.parts, &together.parts);
    step_close(&alone);
    step_close(&together);
}

static void numbers_do_not_change(void **state)
{
    assert_same_training(*state, false);
}

/* Work-groups are dealt out as for a GPU. */
static void numbers_do_not_change_on_a_gpu(void **state)
{
    (void)state;
    assert_same_training(&cases[1], true);
}

/* The benchmark's networks on pictures of their size, as the CPU's own kernels compute them. */
static void steps_have_few_launches(void **state)
{
    (void)state;
    static const struct {
        training_case row;
        size_t launches;
    } rows[] = {
        {{"mlpvae", "vae", "squares.npy", 40, {NULL}}, 23},
        {{"mlpgan", "gan", "squares.npy", 40, {NULL}}, 41},
        {{"convvae", "vae-conv", "squares.npy", 32, {NULL}}, 43},
    };
    duet_device *probe = open_in((manner){.alone = false});
    const bool is_cpu = duet_device_describe(probe)->kind == DUET_DEVICE_CPU;
    duet_device_close(&probe);
    if (!is_cpu || getenv("DUET_TEST_GEMM") != NULL) skip();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        step opened;
        step_open(&opened, &rows[i].row, (manner){.alone = false});
        if (opened.launches > rows[i].launches) fail_msg("%s has %zu launches", rows[i].row.name, opened.launches);
        step_close(&opened);
    }
}

/* What waits for company would keep five large tensors; it is computed before that. */
static void waiting_ends_where_memory_grows(void **state)
{
    (void)state;
    enum { DEEP = 12, N = 96 };
    size_t arena[2] = {0, 0}, launches[2] = {0, 0};
    for (size_t turn = 0; turn < 2; turn++) {
        duet_error error = {0};
        duet_node roots[DEEP + 1];
        duet_plan *plan = NULL;
        duet_device *own = open_in((manner){.alone = turn == 0});
        workshop w = workshop_open(3);
        duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(N, N)), weight = x;
        for (size_t i = 0; i < DEEP; i++) {
            x = duet_tanh(duet_matmul(x, weight, false, false));
            roots[i] = duet_sum(duet_square(x), DUET_AXIS(1), false);
        }
        roots[DEEP] = x;
        assert_ok(duet_plan_new(&plan, own, "deep", roots, DEEP + 1, &error), &error);
        arena[turn] = duet_plan_arena_bytes(plan);
        launches[turn] = duet_plan_launches(plan);
        duet_plan_free(&plan);
        workshop_close(&w);
        duet_device_close(&own);
    }
    assert_in_range(arena[1], 0, arena[0] + N * N * sizeof(float));
    assert_true(launches[1] < launches[0]);
}

static int begin(void **state)
{
    (void)make_folder(state);
    test_write_examples(in_folder("examples.npy"), DUET_SHAPE(FEATURES));
    test_write_examples(in_folder("wide.npy"), DUET_SHAPE(640));
    test_write_examples(in_folder("pictures.npy"), DUET_SHAPE(TEST_CONV_SIDE, TEST_CONV_SIDE, 1));
    test_write_examples(in_folder("squares.npy"), DUET_SHAPE(28, 28, 1));
    return 0;
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(numbers_do_not_change_on_a_gpu),
        cmocka_unit_test(steps_have_few_launches),
        cmocka_unit_test(waiting_ends_where_memory_grows),
    };
    enum { CASES = sizeof cases / sizeof *cases, OTHERS = sizeof others / sizeof *others };
    struct CMUnitTest tests[CASES + OTHERS];
    for (size_t i = 0; i < CASES; i++) tests[i] = TEST_ROW(cases[i].name, numbers_do_not_change, &cases[i]);
    memcpy(tests + CASES, others, sizeof others);
    return RUN_TESTS("bundle", tests, begin, remove_folder);
}
