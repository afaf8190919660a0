/* SPDX-License-Identifier: MIT */
/* The parameters of the built-in models: how many there are, and the values that they start from. */
#include "model_parts.h"

static char unit[TEST_PATH_SIZE + 32], pictures[TEST_PATH_SIZE + 32];

static size_t dense(size_t in, size_t out)
{
    return in * out + out;
}

static void parameters_are_as_many_as_the_formula_says(void **state)
{
    (void)state;
    const struct {
        const char *family, *data, *setting[3];
        const char *group[2];
        size_t parameters[2];
    } rows[] = {
        {"ae",
         pictures,
         {"hidden=10", "latent=3", "activation=tanh"},
         {"encoder", "decoder"},
         {dense(192, 10) + dense(10, 3), dense(3, 10) + dense(10, 192)}},
        {"ae", "ring8", {"hidden=", "latent=1", "activation=relu"}, {"encoder", "decoder"}, {dense(2, 1), dense(1, 2)}},
        {"ae",
         unit,
         {"hidden=7,4", "latent=2", "likelihood=bernoulli"},
         {"encoder", "decoder"},
         {dense(6, 7) + dense(7, 4) + dense(4, 2), dense(2, 4) + dense(4, 7) + dense(7, 6)}},
        {"vae",
         pictures,
         {"hidden=10", "latent=3", "beta=2"},
         {"encoder", "decoder"},
         {dense(192, 10) + 2 * dense(10, 3), dense(3, 10) + dense(10, 192)}},
        {"vae",
         "two-peaks",
         {"hidden=7,5,4", "latent=2", "kl=monte-carlo"},
         {"encoder", "decoder"},
         {dense(1, 7) + dense(7, 5) + dense(5, 4) + 2 * dense(4, 2),
          dense(2, 4) + dense(4, 5) + dense(5, 7) + dense(7, 1)}},
        {"gan",
         pictures,
         {"generator_hidden=6,9", "discriminator_hidden=8", "latent=5"},
         {"generator", "discriminator"},
         {dense(5, 6) + dense(6, 9) + dense(9, 192), dense(192, 8) + dense(8, 1)}},
        {"gan",
         "ring8",
         {"generator_hidden=", "discriminator_hidden=3,3", "latent=4"},
         {"generator", "discriminator"},
         {dense(4, 2), dense(2, 3) + dense(3, 3) + dense(3, 1)}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_graph it;
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, rows[i].data, rows[i].setting, 3);
        for (size_t g = 0; g < 2; g++) {
            duet_group *group = duet_group_of(duet_model_store(it.model), rows[i].group[g]);
            assert_int_equal(duet_group_parameters(group), rows[i].parameters[g]);
        }
        test_graph_close(&it);
    }
}

static void defaults_are_those_of_the_papers(void **state)
{
    (void)state;
    static const struct {
        const char *family, *group[2];
        size_t parameters[2];
    } rows[] = {
        {"ae", {"encoder", "decoder"}, {192 * 512 + 512 + 512 * 20 + 20, 20 * 512 + 512 + 512 * 192 + 192}},
        {"vae", {"encoder", "decoder"}, {192 * 400 + 400 + 2 * (400 * 20 + 20), 20 * 400 + 400 + 400 * 192 + 192}},
        {"gan",
         {"generator", "discriminator"},
         {64 * 256 + 256 + 256 * 512 + 512 + 512 * 192 + 192, 192 * 512 + 512 + 512 * 256 + 256 + 256 + 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_graph it;
        test_graph_open(&it, device, DUET_BUILD_EVAL, 4, rows[i].family, pictures, NULL, 0);
        for (size_t g = 0; g < 2; g++) {
            duet_group *group = duet_group_of(duet_model_store(it.model), rows[i].group[g]);
            assert_int_equal(duet_group_parameters(group), rows[i].parameters[g]);
        }
        test_graph_close(&it);
    }
}

/* All first values of a model, one after the other. */
static float *start_of(uint64_t seed, size_t *total)
{
    duet_error error = {0};
    duet_data *data;
    duet_model *model;
    duet_build *build;
    float *all = calloc(4096, sizeof *all);
    assert_non_null(all);
    assert_ok(duet_data_open(&data, "ring8", &error), &error);
    assert_ok(duet_model_new(&model, duet_family_find("vae"), data, SETTINGS("hidden=20", "latent=20"), seed, &error),
              &error);
    assert_ok(duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error), &error);
    *total = 0;
    for (size_t i = 0; duet_store_at(duet_model_store(model), i) != NULL; i++) {
        const duet_variable *variable = duet_store_at(duet_model_store(model), i);
        size_t count;
        if (!variable->optimised) continue;
        float *values = test_get(model, device, variable->name, &count);
        assert_true(*total + count <= 4096);
        memcpy(all + *total, values, count * sizeof *values);
        *total += count;
        free(values);
    }
    duet_build_free(&build);
    duet_model_free(&model);
    duet_data_close(&data);
    return all;
}

static void the_seed_is_all_that_a_start_depends_on(void **state)
{
    (void)state;
    size_t count, same;
    float *first = start_of(7, &count), *again = start_of(7, &same), *other = start_of(8, &same);
    assert_int_equal(count, 2 * 20 + 20 + 2 * (20 * 20 + 20) + 20 * 20 + 20 + 20 * 2 + 2);
    assert_memory_equal(first, again, count * sizeof *first);
    same = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(isfinite(first[i]));
        same += first[i] == other[i];
    }
    assert_in_range(same, 20 + 2 * 20 + 20 + 2, 20 + 2 * 20 + 20 + 2 + 2); /* the biases are 0; chance may add one */
    free(first);
    free(again);
    free(other);
}

static void initialisers_have_the_variance_they_state(void **state)
{
    (void)state;
    enum { OUT = 300, IN = 200, COUNT = OUT * IN };
    static const struct {
        duet_initialiser start;
        double variance;
        bool normal;
    } rows[] = {
        {{DUET_INIT_UNIFORM, 0.5f, 0, 0}, 0.25 / 3, false},
        {{DUET_INIT_NORMAL, 0.5f, 0, 0}, 0.25, true},
        {{DUET_INIT_GLOROT_UNIFORM, 1, 0, 0}, 2.0 / (IN + OUT), false},
        {{DUET_INIT_GLOROT_UNIFORM, 2, 50, 30}, 4 * 2.0 / (50 + 30), false},
        {{DUET_INIT_GLOROT_NORMAL, 1, 0, 0}, 2.0 / (IN + OUT), true},
        {{DUET_INIT_HE_UNIFORM, 1, 0, 0}, 2.0 / IN, false},
        {{DUET_INIT_HE_NORMAL, 1, 0, 0}, 2.0 / IN, true},
        {{DUET_INIT_HE_NORMAL, 1, 9, 0}, 2.0 / 9, true},
        {{DUET_INIT_FAN_IN_UNIFORM, 1, 0, 0}, 1.0 / IN / 3, false},
    };
    duet_error error = {0};
    static float values[COUNT], squares[COUNT];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        workshop w = workshop_open(3);
        double most = 0, deviation = sqrt(rows[i].variance);
        (void)duet_parameter(w.graph, w.group, "weight", DUET_SHAPE(OUT, IN), rows[i].start);
        assert_ok(duet_graph_check(w.graph, &error), &error);
        assert_ok(duet_store_read(w.store, device, "net.weight", values, sizeof values, &error), &error);
        for (size_t k = 0; k < COUNT; k++) {
            squares[k] = values[k] * values[k];
            most = fmax(most, fabs(values[k]));
        }
        /* A uniform reaches sqrt(3) deviations, COUNT normals about 4.3; fourth moments are 9/5 and 3 of variance^2. */
        double kurtosis = rows[i].normal ? 3 : 1.8;
        assert_close(test_mean(values, COUNT, NULL), 0, 4 * deviation / sqrt(COUNT));
        assert_close(test_mean(squares, COUNT, NULL), rows[i].variance,
                     4 * rows[i].variance * sqrt((kurtosis - 1) / COUNT));
        assert_close(most, (rows[i].normal ? 4.3 : sqrt(3)) * deviation, (rows[i].normal ? 1 : 1e-3) * deviation);
        workshop_close(&w);
    }
}

static int begin(void **state)
{
    (void)open_all(state);
    (void)snprintf(unit, sizeof unit, "%s/unit.npy", folder);
    test_write_examples(unit, DUET_SHAPE(6));
    (void)snprintf(pictures, sizeof pictures, "%s/pictures.npy", folder);
    test_write_examples(pictures, DUET_SHAPE(8, 8, 3));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_as_many_as_the_formula_says),
        cmocka_unit_test(defaults_are_those_of_the_papers),
        cmocka_unit_test(the_seed_is_all_that_a_start_depends_on),
        cmocka_unit_test(initialisers_have_the_variance_they_state),
    };
    return RUN_TESTS("parameters", tests, begin, close_all);
}
