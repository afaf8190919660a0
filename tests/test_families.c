/* SPDX-License-Identifier: MIT */
/* Every built-in family on every kind of data: its graphs, and with the argument "train" two steps and what the trained
 * model gives, with "all" for the kinds that take long to compile too. A family that joins the table is tried without a
 * line here, unless it refuses something. */
#include "model_parts.h"
#include "phase_parts.h"

#include "train/evaluator.h"
#include "train/trainer.h"

enum { PATH = TEST_PATH_SIZE + 64, ROWS = 4 };

static char small[PATH], odd[PATH], colour[PATH], rows[PATH];

static bool all_kinds;
static const struct {
    const char *name, *data;
    bool picture; /* with labels */
    bool trained; /* by the slow test: two, since each is a compilation of half a minute at worst */
} kinds[] = {
    {"points", "ring8", false, true},
    {"numbers", "two-peaks", false},
    {"rows beyond [0, 1]", rows, false},
    {"8 x 8 pictures", small, true, false},
    {"28 x 28 pictures in colour", colour, true, false},
    {"27 x 29 pictures in colour", odd, true, true},
    {"generated pictures", "shapes", true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* What families may say to data that does not fit. Pictures with labels fit all. */
static const char *const refusals[] = {"needs pictures", "learns from labels", "is for data in [0, 1]",
                                       "has one feature"};
static void write_set(char path[PATH], const char *name, duet_shape shape)
{
    char file[PATH + 32];
    uint8_t labels[TEST_EXAMPLES];
    duet_error error = {0};
    assert_in_range(snprintf(path, PATH, "%s/%s", folder, name), 1, PATH - 1);
    assert_int_equal(mkdir(path, 0777), 0);
    (void)snprintf(file, sizeof file, "%s/train.npy", path);
    test_write_examples(file, shape);
    for (size_t i = 0; i < TEST_EXAMPLES; i++) labels[i] = (uint8_t)(i % 4);
    (void)snprintf(file, sizeof file, "%s/train-labels.npy", path);
    assert_ok(duet_write_npy_bytes(file, labels, DUET_SHAPE(TEST_EXAMPLES), &error), &error);
}

static bool may_refuse(size_t kind, const char *message)
{
    bool known = false;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) known |= strstr(message, refusals[i]) != NULL;
    return known && !kinds[kind].picture;
}

/* Builds the family's graph; false where it rightly refuses the data. */
static bool build(const duet_family *family, size_t kind, duet_build_mode mode)
{
    duet_error error = {0};
    duet_data *data;
    duet_model *model;
    duet_build *made;
    assert_ok(duet_data_open(&data, kinds[kind].data, &error), &error);
    assert_ok(duet_model_new(&model, family, data, NULL, 0, 7, &error), &error);
    bool fits = duet_model_build(model, mode, ROWS, &made, &error) == DUET_OK;
    if (!fits && !may_refuse(kind, error.message))
        fail_msg("%s, %s: %s", family->name, kinds[kind].name, error.message);
    duet_build_free(&made);
    duet_model_free(&model);
    duet_data_close(&data);
    return fits;
}

static void families_build_for_every_kind_of_data(void **state)
{
    (void)state;
    for (size_t i = 0; i < duet_family_count(); i++) {
        const duet_family *family = duet_family_at(i);
        size_t fitting = 0;
        for (size_t kind = 0; kind < KINDS; kind++) {
            bool trains = build(family, kind, DUET_BUILD_TRAIN), serves = build(family, kind, DUET_BUILD_EVAL);
            if (trains && !serves) fail_msg("%s, %s: trains and cannot be used", family->name, kinds[kind].name);
            fitting += trains;
        }
        assert_true(fitting >= 2);
    }
}

/* A setting without effect is a lie: every weight obeys the group's initialiser. */
static void settings_of_groups_reach_every_weight(void **state)
{
    (void)state;
    static const char *const zeros[] = {"initialiser=normal", "initialiser_scale=0"};
    for (size_t i = 0; i < duet_family_count(); i++) {
        const duet_family *family = duet_family_at(i);
        test_graph it;
        duet_variable *variable;
        size_t weights = 0;
        test_graph_open(&it, device, DUET_BUILD_TRAIN, ROWS, family->name, small, zeros, 2);
        for (size_t v = 0; (variable = duet_store_at(duet_model_store(it.model), v)) != NULL; v++) {
            const char *ending = strrchr(variable->name, '.');
            duet_error error = {0};
            if (!variable->optimised || ending == NULL || strcmp(ending, ".weight") != 0) continue;
            float *values = malloc(variable->elements * sizeof *values);
            assert_non_null(values);
            assert_ok(duet_storage_ensure(variable->storage, device, &error), &error);
            assert_ok(duet_variable_read(variable, values, &error), &error);
            for (size_t e = 0; e < variable->elements; e++)
                if (values[e] != 0) fail_msg("%s: %s ignores the initialiser", family->name, variable->name);
            free(values);
            weights++;
        }
        assert_true(weights > 0 || strcmp(family->name, "mixture") == 0);
        test_graph_close(&it);
    }
}

/* Everything that the model gives without examples is finite, and so is what it makes of examples. */
static void use_all(test_parts *parts, const duet_family *family, size_t kind)
{
    static const char *const of_latents[] = {DUET_SAMPLE, DUET_DECODE};
    static const char *const of_examples[] = {DUET_RECONSTRUCTION, DUET_LATENT, DUET_NLL, DUET_LOGIT};
    size_t features = duet_shape_elements(duet_data_describe(parts->data)->shape);
    const uint8_t classes[ROWS] = {0, 1, 2, 3};
    float *examples = malloc(ROWS * features * sizeof *examples);
    duet_evaluator *evaluator;
    duet_error error = {0};
    assert_non_null(examples);
    assert_ok(duet_data_read(parts->data, DUET_TRAIN, 0, ROWS, examples, &error), &error);
    assert_ok(duet_evaluator_new(&evaluator, parts->device, parts->model, &error), &error);
    for (size_t i = 0; i < 6; i++) {
        const char *name = i < 2 ? of_latents[i] : of_examples[i - 2];
        size_t width = duet_evaluator_features(evaluator, name);
        if (width == 0) continue;
        float *values = malloc(ROWS * width * sizeof *values);
        const duet_wanted wanted = {name, values};
        const duet_request request = {.count = ROWS,
                                      .examples = i < 2 ? NULL : examples,
                                      .classes = duet_evaluator_has_classes(evaluator) ? classes : NULL,
                                      .outputs = &wanted,
                                      .output_count = 1};
        assert_non_null(values);
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
        for (size_t e = 0; e < ROWS * width; e++)
            if (!isfinite(values[e])) fail_msg("%s, %s: %s is not finite", family->name, kinds[kind].name, name);
        free(values);
    }
    duet_evaluator_free(&evaluator);
    free(examples);
}

static void families_train_on_every_kind_of_data(void **state)
{
    (void)state;
    for (size_t i = 0; i < duet_family_count(); i++)
        for (size_t kind = 0; kind < KINDS; kind++) {
            const duet_family *family = duet_family_at(i);
            duet_error error = {0};
            test_parts parts;
            if (!(kinds[kind].trained || all_kinds) || !build(family, kind, DUET_BUILD_TRAIN)) continue;
            (void)printf("%s, %s\n", family->name, kinds[kind].name);
            (void)fflush(stdout); /* which shows how far it is */
            test_parts_open_batch(&parts, device, family, kinds[kind].data, ROWS, NULL, 0);
            test_steps(&parts, 2);
            assert_ok(duet_trainer_check(parts.trainer, &error), &error);
            use_all(&parts, family, kind);
            test_parts_close(&parts);
        }
}

static int begin(void **state)
{
    (void)open_all(state);
    write_set(small, "small", DUET_SHAPE(8, 8, 1));
    write_set(odd, "odd", DUET_SHAPE(27, 29, 3));
    write_set(colour, "colour", DUET_SHAPE(28, 28, 3));
    (void)snprintf(rows, sizeof rows, "%s/rows.npy", folder);
    float values[TEST_EXAMPLES * 6];
    duet_error error = {0};
    for (size_t i = 0; i < TEST_EXAMPLES * 6; i++) values[i] = (float)(i * 2654435761u >> 7 & 1023) / 128 - 4;
    assert_ok(duet_write_npy(rows, values, DUET_SHAPE(TEST_EXAMPLES, 6), &error), &error);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest fast[] = {
        cmocka_unit_test(families_build_for_every_kind_of_data),
        cmocka_unit_test(settings_of_groups_reach_every_weight),
    };
    const struct CMUnitTest slow[] = {cmocka_unit_test(families_train_on_every_kind_of_data)};
    all_kinds = argc > 1 && strcmp(argv[1], "all") == 0;
    if (argc > 1 && (all_kinds || strcmp(argv[1], "train") == 0))
        return RUN_TESTS("families train", slow, begin, close_all);
    return RUN_TESTS("families", fast, begin, close_all);
}
