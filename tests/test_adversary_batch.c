/* SPDX-License-Identifier: MIT */
/* What a discriminator that judges several examples together reads, packs and the minibatch's deviation; and how far a
 * step moves the generator. */
#include "adversary_parts.h"

/* Packs are of neighbours: with weights w1 and w2 the logit of a pair is w1 a + w2 b. */
static void packs_join_neighbours(void **state)
{
    (void)state;
    const double weights[] = {0.5, -1.25}, fake = 0.4;
    test_graph it;
    duet_error error = {0};
    float x[TEST_BATCH];
    double expected = test_softplus((weights[0] + weights[1]) * fake);
    test_graph_open(&it, device, DUET_BUILD_TRAIN, TEST_BATCH, "gan", line, SETTINGS(LINEAR, "pack=2"));
    (void)test_graph_watch(&it, test_graph_report(&it, "d_loss"));
    (void)test_graph_watch(&it, test_graph_report(&it, "g_loss"));
    assert_null(duet_build_output(it.build, "logit")); /* D judges no single example */
    assert_non_null(duet_build_output(it.build, "sample"));
    test_graphs_plan(&it, 1);
    set_players(it.model, fake, 0, 0);
    test_set_row(it.model, device, "discriminator.logit.weight", weights[0], weights[1] - weights[0]);
    assert_ok(duet_data_read(it.data, DUET_TRAIN, 0, TEST_BATCH, x, &error), &error);
    for (size_t i = 0; i < TEST_BATCH; i += 2)
        expected += test_softplus(-(weights[0] * x[i] + weights[1] * x[i + 1])) / (TEST_BATCH / 2.0);
    test_graph_run(&it);
    assert_close(test_graph_value(&it, 0), expected, 2e-6);
    assert_close(test_graph_value(&it, 1), test_softplus(-(weights[0] + weights[1]) * fake), 2e-6);
    test_graph_close(&it);
}

/* Pictures are joined by their channels, and classes beside what they belong to. */
static void packs_widen_the_first_layer(void **state)
{
    (void)state;
    static const struct {
        const char *family, *layer;
        size_t weights;
    } rows[] = {
        {"gan-conv", "discriminator.conv1.weight", 5 * 5 * (4 * 1) * 64},
        {"cgan", "discriminator.hidden1.weight", 512 * 4 * (PIXELS + CLASSES)},
    };
    for (size_t i = 0; i < 2; i++) {
        test_parts parts;
        test_parts_open(&parts, device, duet_family_find(rows[i].family), labelled, SETTINGS("pack=4", "latent=3"));
        assert_int_equal(test_variable(parts.model, rows[i].layer)->elements, rows[i].weights);
        test_steps(&parts, 2);
        duet_evaluator *evaluator;
        duet_error error = {0};
        float samples[3 * PIXELS];
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        const duet_wanted wanted = {DUET_SAMPLE, samples};
        const duet_request request = {.count = 3, .outputs = &wanted, .output_count = 1};
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error); /* three make no pack */
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

/* The last number that D's last layer reads: of real examples the mean of both features' deviations, of equal generated
 * ones nearly 0. */
static void minibatch_deviation_is_that_of_each_kind(void **state)
{
    (void)state;
    const float weights[] = {0, 0, 3};
    test_graph it;
    duet_error error = {0};
    float x[TEST_BATCH][2];
    double deviation = 0;
    test_graph_open(&it, device, DUET_BUILD_TRAIN, TEST_BATCH, "gan", plane,
                    SETTINGS(LINEAR, "minibatch_deviation=yes"));
    (void)test_graph_watch(&it, test_graph_report(&it, "d_loss"));
    assert_null(duet_build_output(it.build, "logit"));
    test_graphs_plan(&it, 1);
    set_players(it.model, 5, 0, 0);
    assert_ok(duet_store_write(duet_model_store(it.model), device, "discriminator.logit.weight", weights,
                               sizeof weights, &error),
              &error);
    assert_ok(duet_data_read(it.data, DUET_TRAIN, 0, TEST_BATCH, x[0], &error), &error);
    for (size_t f = 0; f < 2; f++) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < TEST_BATCH; i++) mean += (double)x[i][f] / TEST_BATCH;
        for (size_t i = 0; i < TEST_BATCH; i++) variance += (x[i][f] - mean) * (x[i][f] - mean) / TEST_BATCH;
        deviation += sqrt(variance + 1e-8) / 2;
    }
    test_graph_run(&it);
    assert_close(test_graph_value(&it, 0), test_softplus(-3 * deviation) + test_softplus(3e-4), 2e-6);
    test_graph_close(&it);
}

/* How far one step moves the parameters of G and of D. */
static void moves_of_a_step(test_parts *parts, double moved[2])
{
    static const char *const groups[] = {"generator.flat", "discriminator.flat"};
    size_t count;
    float *before[2], *after;
    for (size_t g = 0; g < 2; g++) before[g] = test_get(parts->model, device, groups[g], &count);
    test_steps(parts, 1);
    for (size_t g = 0; g < 2; g++) {
        double squares = 0;
        after = test_get(parts->model, device, groups[g], &count);
        for (size_t k = 0; k < count; k++) squares += pow((double)after[k] - before[g][k], 2);
        moved[g] = sqrt(squares);
        free(before[g]);
        free(after);
    }
}

/* What is reported is how far the parameters went; a limit holds them, and G's holds G alone. */
static void updates_of_the_generator_are_measured_and_limited(void **state)
{
    (void)state;
    static const char *const rows[] = {"clip_update=100", "generator.clip_update=0.01"};
    for (size_t i = 0; i < 2; i++) {
        test_parts parts;
        duet_error error = {0};
        test_parts_open(&parts, device, duet_family_find("gan"), "ring8",
                        SETTINGS("generator_hidden=6", "discriminator_hidden=5", "latent=3", "lr=0.01",
                                 "update_norms=yes", rows[i]));
        double means[5], moved[2];
        test_steps(&parts, 3);
        assert_ok(duet_trainer_losses(parts.trainer, means, 5, &error), &error);
        moves_of_a_step(&parts, moved);
        assert_ok(duet_trainer_losses(parts.trainer, means, 5, &error), &error); /* of that step alone */
        assert_string_equal(duet_trainer_term(parts.trainer, 4), "update.generator");
        assert_close(means[4], moved[0], 1e-5 * moved[0]);
        assert_close(means[2], moved[1], 1e-5 * moved[1]);
        if (i == 0) assert_true(moved[0] > 0.02);
        if (i == 1) assert_close(moved[0], 0.01, 1e-6);
        assert_true(moved[1] > 0.02);
        test_parts_close(&parts);
    }
}

/* What is made of a whole batch is nothing of a batch of one. */
static void a_batch_of_one_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *family, *settings[2];
        size_t batch;
        const char *piece; /* NULL: taken */
    } rows[] = {
        {"gan", {"minibatch_deviation=yes", "pack=1"}, 1, "minibatch_deviation=yes: it is 0"},
        {"gan", {"minibatch_deviation=yes", "pack=4"}, 4, "minibatch_deviation=yes: it is 0"},
        {"gan", {"minibatch_deviation=yes", "pack=2"}, 4, NULL},
        {"infogan", {"generator_hidden=8,8", "batch_norm=yes"}, 1, "and of a batch of one example only zeros are left"},
        {"infogan", {"generator_hidden=8,8", "batch_norm=yes"}, 2, NULL},
        {"infogan", {"generator_hidden=8,8", "batch_norm=no"}, 1, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        duet_build *build = NULL;
        assert_ok(duet_data_open(&data, "ring8", &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find(rows[i].family), data, rows[i].settings, 2, 1, &error),
                  &error);
        duet_status status = duet_model_build(model, DUET_BUILD_TRAIN, rows[i].batch, &build, &error);
        assert_int_equal(status, rows[i].piece == NULL ? DUET_OK : DUET_ERROR_USAGE);
        if (rows[i].piece != NULL) assert_message(&error, rows[i].piece);
        duet_build_free(&build);
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_of_one_is_none),
        cmocka_unit_test(packs_join_neighbours),
        cmocka_unit_test(packs_widen_the_first_layer),
        cmocka_unit_test(minibatch_deviation_is_that_of_each_kind),
        cmocka_unit_test(updates_of_the_generator_are_measured_and_limited),
    };
    return RUN_TESTS("adversary batch", tests, begin_adversary, close_all);
}
