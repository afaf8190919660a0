/* SPDX-License-Identifier: MIT */
/* The models made of convolutions: parameters, presets, labels that stay with their pictures, and what the networks
 * compute. Their training has a program of its own, test_convnet_training.c. */
#include "convnet_files.h"
#include "use.h"

#include "train/evaluator.h"

static void models_have_the_parameters_of_the_comparison(void **state)
{
    (void)state;
    static const struct {
        const char *family, *setting, *groups[2];
        size_t parameters[2], states;
    } rows[] = {
        {"vae-conv", "latent=2", {"encoder", "decoder"}, {28036, 41953}, 0}, /* 69,989 in all */
        {"gan-conv", "latent=2", {"discriminator", "generator"}, {206721, 1076160}, 25472},
        {"gan-conv", "latent=100", {"discriminator", "generator"}, {206721, 1076160 + 98 * 12544}, 25472},
        {"classifier", "dropout=0.5", {"classifier", NULL}, {320 + 18496 + 401536 + 387}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int mode = DUET_BUILD_TRAIN; mode <= DUET_BUILD_EVAL; mode++) {
            test_graph it;
            size_t states = 0;
            test_graph_open(&it, device, (duet_build_mode)mode, 2, rows[i].family, large, &rows[i].setting, 1);
            for (size_t g = 0; g < 2 && rows[i].groups[g] != NULL; g++) {
                duet_group *group = duet_group_of(duet_model_store(it.model), rows[i].groups[g]);
                assert_int_equal(duet_group_parameters(group), rows[i].parameters[g]);
                states += duet_group_states(group);
            }
            assert_int_equal(states, rows[i].states);
            test_graph_close(&it);
        }
}

static void models_say_how_large_pictures_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        size_t least;
    } rows[] = {{"vae-conv", 7}, {"classifier", 4}, {"gan-conv", 1}, {"vae-gan-conv", 1}, {"pixelcnn", 1}, {"ddpm", 1}};
    char path[TEST_PATH_SIZE + 48], words[96];
    for (size_t extent = 1; extent <= 8; extent++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            duet_error error = {0};
            duet_data *data;
            duet_model *model;
            duet_build *build = NULL;
            (void)snprintf(path, sizeof path, "%s/small%zu.npy", folder, extent);
            test_write_examples(path, DUET_SHAPE(extent, extent, 1));
            assert_ok(duet_data_open(&data, path, &error), &error);
            assert_ok(duet_model_new(&model, duet_family_find(rows[i].family), data, NULL, 0, 1, &error), &error);
            duet_status status = duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error);
            (void)snprintf(words, sizeof words, "needs pictures of at least %zu x %zu pixels; those of", rows[i].least,
                           rows[i].least);
            if (extent < rows[i].least) assert_message(&error, words);
            if (extent >= rows[i].least && status != DUET_OK) assert_message(&error, "learns from labels");
            duet_build_free(&build);
            duet_model_free(&model);
            duet_data_close(&data);
        }
}

static void models_say_what_pictures_they_need(void **state)
{
    (void)state;
    static const char *const families[] = {"vae-conv", "gan-conv", "classifier"};
    for (size_t i = 0; i < 3; i++) {
        const struct {
            const char *data, *piece;
        } rows[] = {
            {"ring8", "needs pictures: examples of [height, width, channels]"},
            {bare, "learns from labels, and this data has none"},
        };
        for (size_t r = 0; r < (i == 2 ? 2u : 1u); r++) {
            duet_error error = {0};
            duet_data *data;
            duet_model *model;
            duet_build *build;
            assert_ok(duet_data_open(&data, rows[r].data, &error), &error);
            assert_ok(duet_model_new(&model, duet_family_find(families[i]), data, NULL, 0, 1, &error), &error);
            assert_int_not_equal(duet_model_build(model, DUET_BUILD_TRAIN, 4, &build, &error), DUET_OK);
            assert_true(error.status == DUET_ERROR_USAGE || error.status == DUET_ERROR_DATA);
            assert_null(strstr(error.message, ".c:"));
            assert_message(&error, rows[r].piece);
            assert_message(&error, families[i]);
            duet_model_free(&model);
            duet_data_close(&data);
        }
    }
}

/* Networks draw in multiples of their strides; what they draw is cut to the data. */
static void pictures_may_have_any_extents(void **state)
{
    (void)state;
    static const char *const families[] = {"vae-conv", "gan-conv"};
    for (size_t i = 0; i < 2; i++) {
        test_graph it;
        test_graph_open(&it, device, DUET_BUILD_EVAL, 2, families[i], odd, NULL, 0);
        duet_shape shape = duet_node_shape(duet_build_output(it.build, DUET_SAMPLE));
        assert_int_equal(shape.dims[1], duet_shape_elements(duet_data_describe(it.data)->shape));
        test_graph_close(&it);
    }
}

static void presets_fill_in_what_is_not_given(void **state)
{
    (void)state;
    static const struct {
        const char *family, *pairs[3];
        struct {
            const char *key, *value;
        } expected[4];
        size_t batch, epochs;
    } rows[] = {
        {"vae-conv",
         {"latent=2"},
         {{"preset", "none"}, {"kl", "auto"}, {"lr", "0.0001"}, {"shuffle", "yes"}},
         32,
         10},
        {"vae-conv",
         {"preset=original"},
         {{"preset", "original"}, {"kl", "monte-carlo"}, {"likelihood", "bernoulli"}, {"shuffle", "no"}},
         32,
         10},
        {"vae-conv",
         {"kl=analytic", "preset=original", "lr=0.5"},
         {{"kl", "analytic"}, {"lr", "0.5"}, {"latent", "2"}, {"shuffle", "no"}},
         32,
         10},
        {"vae-conv",
         {"preset=original", "preset=none"},
         {{"preset", "none"}, {"kl", "auto"}, {"shuffle", "yes"}},
         32,
         10},
        {"gan-conv", {"k=1"}, {{"latent", "100"}, {"lr", "0.0002"}, {"beta1", "0.5"}, {"d_batch", "separate"}}, 64, 10},
        {"gan-conv",
         {"preset=original"},
         {{"latent", "2"}, {"k", "0"}, {"label_noise", "0.05"}, {"fakes", "inference"}},
         32,
         100},
        {"gan-conv",
         {"preset=original", "d_batch=separate"},
         {{"d_batch", "separate"}, {"lr", "0.001"}, {"beta1", "0.9"}, {"g_steps", "1"}},
         32,
         100},
        {"vae", {"latent=3"}, {{"latent", "3"}}, 128, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        size_t count = 0;
        const duet_family *family = duet_family_find(rows[i].family);
        while (count < 3 && rows[i].pairs[count] != NULL) count++;
        assert_ok(duet_data_open(&data, labelled, &error), &error);
        assert_ok(duet_model_new(&model, family, data, rows[i].pairs, count, 1, &error), &error);
        for (size_t k = 0; k < 4 && rows[i].expected[k].key != NULL; k++)
            assert_string_equal(duet_model_setting_text(model, rows[i].expected[k].key), rows[i].expected[k].value);
        assert_int_equal(duet_family_training_size(family, rows[i].pairs, count).batch, rows[i].batch);
        assert_int_equal(duet_family_training_size(family, rows[i].pairs, count).epochs, rows[i].epochs);
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

/* Every example knows its label: its first pixel is its number. */
static void labels_stay_with_their_pictures(void **state)
{
    (void)state;
    static const char *const orders[] = {"shuffle=yes", "shuffle=no"};
    char in_file_order[PATH + 16];
    (void)snprintf(in_file_order, sizeof in_file_order, "%s:split=last", labelled);
    for (size_t o = 0; o < 2; o++) {
        test_graph it;
        float pictures[BATCH * PIXELS], labels[BATCH * CLASSES];
        bool in_order = true;
        test_graph_open(&it, device, DUET_BUILD_TRAIN, BATCH, "classifier", in_file_order, &orders[o], 1);
        size_t examples = test_graph_watch(&it, it.build->batch), classes = test_graph_watch(&it, it.build->labels);
        test_graphs_plan(&it, 1);
        for (uint32_t draw = 0; draw < 3; draw++) {
            test_set_count(it.model, device, "trainer.draws", draw);
            test_graph_run(&it);
            test_graph_read(&it, examples, pictures, BATCH * PIXELS);
            test_graph_read(&it, classes, labels, BATCH * CLASSES);
            for (size_t i = 0; i < BATCH; i++) {
                size_t number = (size_t)lround(pictures[i * PIXELS] * 255);
                in_order = in_order && number == draw * BATCH + i;
                for (size_t k = 0; k < CLASSES; k++) assert_close(labels[i * CLASSES + k], number % CLASSES == k, 0);
            }
        }
        assert_int_equal(in_order, o == 1);
        test_graph_close(&it);
    }
}

/* Element i of every parameter and state of a layer: 0.2 times a scattered number in [-1, 1); variances 1 more. */
static void set_known_values(duet_model *model)
{
    duet_error error = {0};
    duet_store *store = duet_model_store(model);
    const duet_variable *variable;
    for (size_t v = 0; (variable = duet_store_at(store, v)) != NULL; v++) {
        const char *what = strrchr(variable->name, '.');
        bool is_variance = !strcmp(what, ".variance");
        if (!variable->optimised && !is_variance && strcmp(what, ".mean") != 0) continue;
        float *values = malloc(variable->elements * sizeof *values);
        assert_non_null(values);
        for (size_t i = 0; i < variable->elements; i++)
            values[i] = (float)(0.2 * ((double)((i * 2654435761u >> 7) % 1000) / 500 - 1) + is_variance);
        assert_ok(duet_store_write(store, device, variable->name, values, variable->elements * sizeof *values, &error),
                  &error);
        free(values);
    }
}

/* Each network for one picture of 8 x 8 that brightens from pixel to pixel, or for one latent, (0.5, -1), against
 * PyTorch in double precision: pixels 0, 7, 27, 56 and 63 of a picture and their sum, codes, logits. */
static void networks_compute_what_pytorch_does(void **state)
{
    (void)state;
    static const struct {
        const char *family, *output;
        test_source source;
        size_t count; /* of numbers; a picture's are five of its pixels and the sum */
        double expected[6];
    } rows[] = {
        {"vae-conv", "latent", TEST_FROM_EXAMPLES, 2, {0.10106923, 0.30757708}},
        {"vae-conv",
         "decode",
         TEST_FROM_LATENTS,
         64,
         {0.52316464, 0.48465796, 0.4857612, 0.46796635, 0.35183561, 30.514837}},
        {"gan-conv",
         "sample",
         TEST_FROM_LATENTS,
         64,
         {0.39828127, 0.64309676, 0.32522172, 0.36309653, 0.22841131, 30.990031}},
        {"gan-conv", "logit", TEST_FROM_EXAMPLES, 1, {0.79445082}},
    };
    static const size_t places[] = {0, 7, 27, 56, 63};
    float picture[PIXELS], values[PIXELS];
    const float latent[] = {0.5f, -1};
    for (size_t i = 0; i < PIXELS; i++) picture[i] = (float)((double)i / 100 + 0.1);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        duet_evaluator *evaluator;
        assert_ok(duet_data_open(&data, labelled, &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find(rows[r].family), data, SETTINGS("latent=2"), 1, &error),
                  &error);
        assert_ok(duet_evaluator_new(&evaluator, device, model, &error), &error);
        assert_int_equal(duet_evaluator_features(evaluator, rows[r].output), rows[r].count);
        set_known_values(model);
        assert_ok(test_evaluate(evaluator, rows[r].source, rows[r].output,
                                rows[r].source == TEST_FROM_LATENTS ? latent : picture, 1, 0, values, &error),
                  &error);
        if (rows[r].count == PIXELS) {
            double sum = 0;
            for (size_t i = 0; i < PIXELS; i++) sum += values[i];
            for (size_t i = 0; i < 5; i++) assert_close(values[places[i]], rows[r].expected[i], 1e-5);
            assert_close(sum, rows[r].expected[5], 1e-4);
        } else {
            for (size_t i = 0; i < rows[r].count; i++) assert_close(values[i], rows[r].expected[i], 1e-5);
        }
        duet_evaluator_free(&evaluator);
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

/* How many states of layers a phase's loss moves. */
static size_t moved_states(const test_graph *it, size_t phase)
{
    duet_node updates[16], loss = it->build->procedures[0].phases[phase].objectives[0].loss;
    return duet_state_updates(&loss, 1, NULL, updates, 16);
}

static void fakes_in_inference_teach_the_generator_no_statistics(void **state)
{
    (void)state;
    static const char *const settings[] = {"fakes=training", "fakes=inference"};
    for (size_t i = 0; i < 2; i++) {
        test_graph it;
        test_graph_open(&it, device, DUET_BUILD_TRAIN, BATCH, "gan-conv", labelled, &settings[i], 1);
        assert_int_equal(moved_states(&it, 0), i == 0 ? 6 : 0); /* mean and variance of three norms */
        assert_int_equal(moved_states(&it, 1), 6);
        test_graph_close(&it);
    }
}

/* Without dropout, D has no use for other examples: one batch or two give the same loss. */
static void a_joint_batch_is_two_batches(void **state)
{
    (void)state;
    static const char *const batches[] = {"d_batch=separate", "d_batch=joint"};
    test_graph graphs[2];
    for (size_t i = 0; i < 2; i++) {
        test_graph_open(&graphs[i], device, DUET_BUILD_TRAIN, BATCH, "gan-conv", labelled,
                        SETTINGS(batches[i], "dropout=0", "latent=3"));
        (void)test_graph_watch(&graphs[i], test_graph_report(&graphs[i], "d_loss"));
    }
    test_graphs_plan(graphs, 2);
    for (size_t i = 0; i < 2; i++) test_graph_run(&graphs[i]);
    double separate = test_graph_value(&graphs[0], 0);
    assert_close(test_graph_value(&graphs[1], 0), separate, 1e-5);
    assert_true(separate > 0.5);
    for (size_t i = 0; i < 2; i++) test_graph_close(&graphs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_have_the_parameters_of_the_comparison),
        cmocka_unit_test(models_say_what_pictures_they_need),
        cmocka_unit_test(models_say_how_large_pictures_must_be),
        cmocka_unit_test(pictures_may_have_any_extents),
        cmocka_unit_test(presets_fill_in_what_is_not_given),
        cmocka_unit_test(labels_stay_with_their_pictures),
        cmocka_unit_test(networks_compute_what_pytorch_does),
        cmocka_unit_test(fakes_in_inference_teach_the_generator_no_statistics),
        cmocka_unit_test(a_joint_batch_is_two_batches),
    };
    return RUN_TESTS("convnets", tests, begin, close_all);
}
