/* SPDX-License-Identifier: MIT */
/* States of layers in training: which phase moves which, that no optimiser touches them, that they freeze and are saved
 * with everything else, and that a trained model uses them. */
#include "train_models.h"
#include "use.h"
#include "workshop.h"

#include "graph/variable.h"
#include "train/evaluator.h"

enum { LATENT = 3, HIDDEN = 16 };

static duet_node generate(duet_model *m, duet_node z)
{
    duet_group *g = duet_model_group(m, "g");
    duet_node h = duet_relu(duet_batch_norm_at(DUET_WHERE, g, "norm", duet_dense(g, "hidden", z, HIDDEN), 1e-3, 0.8));
    return duet_dense(g, "output", h, 2);
}

static duet_node discriminate(duet_model *m, duet_node x)
{
    const duet_initialiser normal = {DUET_INIT_NORMAL, 1, 0, 0};
    duet_group *d = duet_model_group(m, "d");
    duet_node weight = duet_parameter(duet_model_graph(m), d, "hidden.weight", DUET_SHAPE(HIDDEN, 2), normal);
    duet_node h = duet_linear(x, duet_spectral_norm(d, "hidden", weight, 1), NULL);
    h = duet_dropout(duet_leaky_relu(duet_batch_norm_at(DUET_WHERE, d, "norm", h, 1e-3, 0.8), 0.2), 0.25);
    return duet_dense(d, "logit", h, 1);
}

/* D's step takes G as it samples, G's own step trains both networks' statistics. */
static void build_players(duet_model *m)
{
    duet_graph *graph = duet_model_graph(m);
    const duet_shape noise = DUET_SHAPE(duet_model_batch_size(m), LATENT);
    duet_node one = duet_constant(graph, 1), zero = duet_constant(graph, 0);

    duet_phase(m, "d", 2);
    duet_inference_begin(graph);
    duet_node fake = duet_stop_gradient(generate(m, duet_normal(graph, noise)));
    duet_inference_end(graph);
    duet_node real_loss = duet_binary_cross_entropy(discriminate(m, duet_model_batch(m)), one);
    duet_node fake_loss = duet_binary_cross_entropy(discriminate(m, fake), zero);
    duet_minimise(m, duet_add(real_loss, fake_loss), duet_model_group(m, "d"));
    duet_report(m, "d_loss", duet_add(real_loss, fake_loss));

    duet_phase(m, "g", 1);
    duet_node g_loss = duet_binary_cross_entropy(discriminate(m, generate(m, duet_normal(graph, noise))), one);
    duet_minimise(m, g_loss, duet_model_group(m, "g"));
    duet_report(m, "g_loss", g_loss);

    const duet_prior prior = duet_prior_normal(LATENT);
    duet_output(m, DUET_SAMPLE, generate(m, duet_latent(m, &prior, 1)));
    duet_output(m, "logit", discriminate(m, duet_model_batch(m)));
}
static const duet_family players = {.name = "players", .build = build_players};

static bool moves(test_parts *parts, size_t phase, const char *state)
{
    duet_error error = {0};
    duet_explained_phase explained;
    char name[64];
    bool found = false;
    (void)snprintf(name, sizeof name, "new %s", state);
    assert_ok(duet_trainer_explain(parts->trainer, phase, &explained, &error), &error);
    for (size_t i = 0; i < explained.plan.tensor_count; i++) found |= strcmp(explained.plan.tensors[i].name, name) == 0;
    duet_explained_phase_free(&explained);
    return found;
}

static void a_phase_moves_the_states_of_what_it_runs(void **state)
{
    (void)state;
    test_parts parts;
    test_parts_open(&parts, device, &players, "ring8", NULL, 0);
    static const char *const states[] = {"d.norm.mean", "d.norm.variance", "d.hidden.direction", "g.norm.mean",
                                         "g.norm.variance"};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(moves(&parts, 0, states[i]), i < 3);
        assert_true(moves(&parts, 1, states[i]));
    }
    test_parts_close(&parts);
}

static void parameters_and_states_are_counted_apart(void **state)
{
    (void)state;
    static const char *const decayed[] = {"weight_decay=0.1", "clip_norm=1"};
    test_parts parts;
    test_parts_open(&parts, device, &players, "ring8", decayed, 2);
    duet_store *store = duet_model_store(parts.model);
    const duet_group *g = duet_group_of(store, "g"), *d = duet_group_of(store, "d");
    assert_int_equal(duet_group_parameters(g), LATENT * HIDDEN + HIDDEN + 2 * HIDDEN + HIDDEN * 2 + 2);
    assert_int_equal(duet_group_states(g), 2 * HIDDEN);
    assert_int_equal(duet_group_parameters(d), 2 * HIDDEN + 2 * HIDDEN + HIDDEN + 1);
    assert_int_equal(duet_group_states(d), 2 * HIDDEN + HIDDEN);
    assert_non_null(duet_store_find(store, "g.norm.scale.moment1"));
    assert_null(duet_store_find(store, "g.norm.mean.moment1"));
    assert_false(duet_store_find(store, "g.norm.mean")->optimised);
    assert_true(duet_store_find(store, "g.norm.mean")->saved);
    test_parts_close(&parts);
}

/* D rests at a learning rate of 0 and sees the same kind of batch again and again: its statistics come to rest near
 * those of the data, whatever the optimiser's weight decay. */
static void no_optimiser_touches_states(void **state)
{
    (void)state;
    static const char *const still[] = {"lr=0", "weight_decay=10"};
    test_parts parts;
    float mean[HIDDEN], variance[HIDDEN], before[2 * HIDDEN], after[2 * HIDDEN];
    duet_error error = {0};
    test_parts_open(&parts, device, &players, "ring8", still, 2);
    duet_store *store = duet_model_store(parts.model);
    assert_ok(duet_store_read(store, device, "d.hidden.weight", before, sizeof before, &error), &error);
    test_steps(&parts, 60);
    assert_ok(duet_store_read(store, device, "g.norm.mean", mean, sizeof mean, &error), &error);
    assert_ok(duet_store_read(store, device, "g.norm.variance", variance, sizeof variance, &error), &error);
    assert_ok(duet_store_read(store, device, "d.hidden.weight", after, sizeof after, &error), &error);
    assert_memory_equal(before, after, sizeof before);
    /* h = W z + 0 with z ~ N(0, I): mean 0, variance |w|^2 of each row of W, the biased estimate 7/8 of it */
    float weight[HIDDEN * LATENT];
    assert_ok(duet_store_read(store, device, "g.hidden.weight", weight, sizeof weight, &error), &error);
    for (size_t i = 0; i < HIDDEN; i++) {
        double square = 0;
        for (size_t k = 0; k < LATENT; k++) square += (double)weight[i * LATENT + k] * weight[i * LATENT + k];
        assert_close(mean[i], 0, 0.6 * sqrt(square));
        assert_close(variance[i], 0.875 * square, 0.7 * square);
        assert_true(variance[i] > 0 && mean[i] != 0);
    }
    test_parts_close(&parts);
}

/* A loss that is not finite from the fourth step on. */
static void build_rotting(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node y = duet_batch_norm_at(DUET_WHERE, net, "norm", duet_model_batch(m), 1e-3, 0.5);
    duet_node left = duet_subtract(duet_constant(duet_model_graph(m), 3), duet_model_step(m));
    duet_phase(m, "rot", 1);
    duet_minimise(m, duet_multiply(duet_batch_mean(duet_square(y)), duet_log(left)), net);
}
static const duet_family rotting = {.name = "rotting", .build = build_rotting};

static void states_freeze_with_all_else(void **state)
{
    (void)state;
    float before[2], moved[2], after[2];
    duet_error error = {0};
    test_parts parts;
    test_parts_open(&parts, device, &rotting, "ring8", NULL, 0);
    duet_store *store = duet_model_store(parts.model);
    test_steps(&parts, 2);
    assert_ok(duet_store_read(store, device, "net.norm.mean", before, sizeof before, &error), &error);
    test_steps(&parts, 1);
    assert_ok(duet_store_read(store, device, "net.norm.mean", moved, sizeof moved, &error), &error);
    assert_true(before[0] != moved[0]);
    test_steps(&parts, 5);
    assert_ok(duet_store_read(store, device, "net.norm.mean", after, sizeof after, &error), &error);
    assert_status(duet_trainer_losses(parts.trainer, NULL, 0, &error), DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "step 4");
    assert_memory_equal(moved, after, sizeof moved);
    test_parts_close(&parts);
}

static char *saved(test_parts *parts, const char *name, size_t *bytes)
{
    char path[TEST_PATH_SIZE + 64];
    duet_error error = {0};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(duet_trainer_save(parts->trainer, path, &error), &error);
    return test_file_read(path, bytes);
}

static void a_resumed_training_gives_equal_bytes(void **state)
{
    (void)state;
    char path[TEST_PATH_SIZE + 64];
    duet_error error = {0};
    test_parts parts;
    size_t half_bytes, whole_bytes, resumed_bytes;
    test_parts_open(&parts, device, &players, "ring8", NULL, 0);
    test_steps(&parts, 5);
    char *half = saved(&parts, "half", &half_bytes);
    assert_non_null(strstr(half + 8, "\"d.hidden.direction\"")); /* in the header, which is text */
    test_steps(&parts, 5);
    char *whole = saved(&parts, "whole", &whole_bytes);
    test_parts_close(&parts);

    test_parts_open(&parts, device, &players, "ring8", NULL, 0);
    (void)snprintf(path, sizeof path, "%s/half", folder);
    assert_ok(duet_trainer_load(parts.trainer, path, &error), &error);
    test_steps(&parts, 5);
    char *resumed = saved(&parts, "resumed", &resumed_bytes);
    assert_int_equal(resumed_bytes, whole_bytes);
    assert_memory_equal(resumed, whole, whole_bytes);
    test_parts_close(&parts);
    free(half);
    free(whole);
    free(resumed);
}

/* What one example gives does not depend on those beside it, nor on chance. */
static void a_trained_model_uses_what_it_learnt(void **state)
{
    (void)state;
    enum { COUNT = 7 };
    float latents[COUNT * LATENT], many[COUNT * 2], one[2], logits[2][COUNT], mean[2][HIDDEN];
    duet_error error = {0};
    duet_evaluator *evaluator;
    test_parts parts;
    test_parts_open(&parts, device, &players, "ring8", NULL, 0);
    duet_store *store = duet_model_store(parts.model);
    test_steps(&parts, 5);
    assert_ok(duet_store_read(store, device, "g.norm.mean", mean[0], sizeof mean[0], &error), &error);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    test_normals(3, COUNT, LATENT, latents);
    assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, "sample", latents, COUNT, 1, many, &error), &error);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, "sample", latents + i * LATENT, 1, 1, one, &error),
                  &error);
        assert_memory_equal(one, many + 2 * i, sizeof one);
    }
    for (size_t seed = 0; seed < 2; seed++)
        assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, "logit", many, COUNT, seed, logits[seed], &error),
                  &error);
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_ok(duet_store_read(store, device, "g.norm.mean", mean[1], sizeof mean[1], &error), &error);
    assert_memory_equal(mean[0], mean[1], sizeof mean[0]);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

static void build_open(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_inference_begin(duet_model_graph(m));
    duet_report(m, "mean", duet_batch_mean(duet_model_batch(m)));
}
static const duet_family open_scope = {.name = "open", .build = build_open};

static void a_scope_left_open_is_a_mistake(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data;
    duet_model *model;
    duet_trainer *trainer;
    assert_ok(duet_data_open(&data, "ring8", &error), &error);
    assert_ok(duet_model_new(&model, &open_scope, data, NULL, 0, 7, &error), &error);
    assert_status(duet_trainer_new(&trainer, device, model, TEST_BATCH, &error), DUET_ERROR_GRAPH, &error);
    assert_message(&error, "scope of inference");
    duet_model_free(&model);
    duet_data_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_phase_moves_the_states_of_what_it_runs),
        cmocka_unit_test(parameters_and_states_are_counted_apart),
        cmocka_unit_test(no_optimiser_touches_states),
        cmocka_unit_test(states_freeze_with_all_else),
        cmocka_unit_test(a_resumed_training_gives_equal_bytes),
        cmocka_unit_test(a_trained_model_uses_what_it_learnt),
        cmocka_unit_test(a_scope_left_open_is_a_mistake),
    };
    return RUN_TESTS("states", tests, open_all, close_all);
}
