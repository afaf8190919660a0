/* SPDX-License-Identifier: MIT */
/* The bidirectional GAN: its two losses against their closed forms, who moves in which phase, what its outputs are of
 * each other, and that its encoder and generator become inverses. */
#include "any_size.h"
#include "game_parts.h"
#include "model_parts.h"
#include "use.h"

#include "plan/plan.h"
#include "train/evaluator.h"
#include "train/trainer.h"

static char flat[TEST_PATH_SIZE + 32];

#define LINEAR "encoder_hidden=", "generator_hidden=", "discriminator_hidden=", "latent=1"

/* All examples are 1/2; E(x) = code and G(z) = sigmoid(fake), whatever they read; D = on_x x + on_z z + bias. */
static void set_players(duet_model *model, double code, double fake, double on_x, double on_z, double bias)
{
    test_set(model, device, "encoder.mean.weight", 0);
    test_set(model, device, "encoder.mean.bias", code);
    test_set(model, device, "generator.output.weight", 0);
    test_set(model, device, "generator.output.bias", fake);
    test_set_row(model, device, "discriminator.logit.weight", on_x, on_z - on_x);
    test_set(model, device, "discriminator.logit.bias", bias);
}

enum { D_LOSS, EG_LOSS, BY_CODE, BY_FAKE, WATCHED };

static void open_watched(test_graph *it, const char *setting)
{
    test_graph_open(it, device, DUET_BUILD_TRAIN, TEST_BATCH, "bigan", flat, SETTINGS(LINEAR, setting));
    duet_node loss = test_graph_report(it, "eg_loss");
    (void)test_graph_watch(it, test_graph_report(it, "d_loss"));
    (void)test_graph_watch(it, loss);
    (void)test_graph_watch(it, test_graph_gradient(it, loss, "encoder.mean.bias"));
    (void)test_graph_watch(it, test_graph_gradient(it, loss, "generator.output.bias"));
}

/* With logits a of (x, E(x)) and b of (G(z), z): D pays softplus(-a) + softplus(b), E and G with labels swapped
 * softplus(a) + softplus(-b), and in the minimax game what D does not. */
static void losses_have_their_closed_forms(void **state)
{
    (void)state;
    test_graph graphs[2];
    open_watched(&graphs[0], "loss=non-saturating");
    open_watched(&graphs[1], "loss=minimax");
    test_graphs_plan(graphs, 2);
    for (size_t g = 0; g < 2; g++) {
        for (double x = -30; x <= 30; x += 3) {
            double fake = 0.4, share = test_sigmoid(fake), a = x * 0.5 - 1, b = x * share - 1;
            set_players(graphs[g].model, 0.3, fake, x, 0, -1);
            test_graph_run(&graphs[g]);
            double d_loss = test_softplus(-a) + test_softplus(b), swapped = test_softplus(a) + test_softplus(-b);
            double tolerance = 1e-6 * (1 + fabs(a) + fabs(b));
            assert_close(test_graph_value(&graphs[g], D_LOSS), d_loss, tolerance);
            assert_close(test_graph_value(&graphs[g], EG_LOSS), g == 0 ? swapped : -d_loss, tolerance);
            double by_b = g == 0 ? -test_sigmoid(-b) : -test_sigmoid(b);
            assert_close(test_graph_value(&graphs[g], BY_FAKE), by_b * x * share * (1 - share), tolerance);
        }
        /* E is moved through the code that D reads. */
        for (double on_z = -2; on_z <= 2; on_z += 0.5) {
            double code = 0.7, a = 0.5 * 1.5 + on_z * code - 1;
            set_players(graphs[g].model, code, 0, 1.5, on_z, -1);
            test_graph_run(&graphs[g]);
            double by_a = g == 0 ? test_sigmoid(a) : test_sigmoid(-a);
            assert_close(test_graph_value(&graphs[g], BY_CODE), by_a * on_z, 1e-6);
        }
        test_graph_close(&graphs[g]);
    }
}

static void say(duet_model *model, double on_real, double on_generated)
{
    double fake = 0.8, on_x = (on_real - on_generated) / (0.5 - test_sigmoid(fake));
    set_players(model, 0.3, fake, on_x, 0, on_real - on_x / 2);
}

static void it_knows_where_each_loss_says_real(void **state)
{
    (void)state;
    test_boundaries("bigan", SETTINGS(LINEAR), say);
}

/* Who moves. */

static const char *const groups[3] = {"discriminator", "encoder", "generator"};

static void phases_move_their_players(void **state)
{
    (void)state;
    static const char *const encoders[] = {"encoder=deterministic", "encoder=stochastic"};
    for (size_t e = 0; e < 2; e++) {
        duet_error error = {0};
        test_parts parts;
        test_parts_open(&parts, device, duet_family_find("bigan"), "ring8",
                        SETTINGS("encoder_hidden=6,5", "generator_hidden=6,5", "discriminator_hidden=6,5", "latent=3",
                                 encoders[e]));
        assert_int_equal(parts.trainer->schedule.phase_count, 2);
        for (size_t replay = 0; replay < 4; replay++) {
            float *before[3];
            size_t counts[3], phase = replay % 2;
            for (size_t g = 0; g < 3; g++) {
                char name[64];
                (void)snprintf(name, sizeof name, "%s.flat", groups[g]);
                before[g] = test_get(parts.model, device, name, &counts[g]);
            }
            assert_ok(duet_plan_replay(parts.trainer->schedule.plans[phase], &error), &error);
            for (size_t g = 0; g < 3; g++) {
                char name[64];
                (void)snprintf(name, sizeof name, "%s.flat", groups[g]);
                float *after = test_get(parts.model, device, name, &counts[g]);
                bool moved = memcmp(before[g], after, counts[g] * sizeof *after) != 0;
                assert_int_equal(moved, (g == 0) == (phase == 0));
                free(before[g]);
                free(after);
            }
        }
        test_parts_close(&parts);
    }
}

/* Both phases see one batch, unless D has several. */
static void a_step_draws_a_batch_for_each_update_of_the_discriminator(void **state)
{
    (void)state;
    static const struct {
        const char *k;
        uint32_t draws;
    } rows[] = {{"k=1", 1}, {"k=2", 3}};
    for (size_t i = 0; i < 2; i++) {
        test_parts parts;
        test_parts_open(&parts, device, duet_family_find("bigan"), flat, SETTINGS(LINEAR, rows[i].k));
        test_steps(&parts, 2);
        assert_int_equal(test_read_count(&parts, "trainer.draws"), 2 * rows[i].draws);
        assert_int_equal(test_read_count(&parts, "encoder.updates"), 2);
        assert_int_equal(test_read_count(&parts, "generator.updates"), 2);
        test_parts_close(&parts);
    }
}

/* Outputs. */

enum { ROWS = 20 };

static void reconstructions_are_decoded_codes(void **state)
{
    (void)state;
    static const char *const encoders[] = {"encoder=deterministic", "encoder=stochastic"};
    for (size_t e = 0; e < 2; e++) {
        duet_error error = {0};
        test_parts parts;
        duet_evaluator *evaluator = NULL;
        float x[2 * ROWS], codes[3 * ROWS], again[3 * ROWS], made[2 * ROWS], decoded[2 * ROWS], logits[2][ROWS];
        test_parts_open(&parts, device, duet_family_find("bigan"), "ring8",
                        SETTINGS("encoder_hidden=8,8", "generator_hidden=8,8", "discriminator_hidden=8,8", "latent=3",
                                 encoders[e], "lr=0.01"));
        test_steps(&parts, 20);
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        assert_ok(duet_data_read(parts.data, DUET_TEST, 0, ROWS, x, &error), &error);
        assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_LATENT, x, ROWS, 1, codes, &error), &error);
        assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_LATENT, x, ROWS, 2, again, &error), &error);
        assert_memory_equal(codes, again, sizeof codes); /* the mean, not a draw */
        assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_RECONSTRUCTION, x, ROWS, 1, made, &error), &error);
        assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, DUET_DECODE, codes, ROWS, 1, decoded, &error), &error);
        for (size_t i = 0; i < 2 * ROWS; i++) assert_close(made[i], decoded[i], 1e-5);
        for (uint64_t seed = 0; seed < 2; seed++)
            assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_LOGIT, x, ROWS, seed, logits[seed], &error),
                      &error);
        assert_int_equal(memcmp(logits[0], logits[1], sizeof logits[0]) == 0, e == 0);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

static void latents_come_from_the_prior(void **state)
{
    (void)state;
    enum { N = 2000 };
    static const struct {
        const char *setting;
        double variance, most;
    } rows[] = {{"prior=uniform", 1.0 / 3, 1}, {"prior=normal", 1, 6}};
    for (size_t i = 0; i < 2; i++) {
        duet_error error = {0};
        test_parts parts;
        duet_evaluator *evaluator = NULL;
        static float z[N];
        double squares = 0, most = 0;
        test_parts_open(&parts, device, duet_family_find("bigan"), flat, SETTINGS(LINEAR, rows[i].setting));
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        const duet_wanted wanted = {DUET_PRIOR, z};
        const duet_request request = {.count = N, .seed = 3, .outputs = &wanted, .output_count = 1};
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
        for (size_t n = 0; n < N; n++) {
            squares += (double)z[n] * (double)z[n] / N;
            most = fmax(most, fabs((double)z[n]));
        }
        assert_close(squares, rows[i].variance, 4 * sqrt(2.0 / N) * rows[i].variance);
        assert_true(most <= rows[i].most && most > 0.99);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

static void it_trains_on_any_size(void **state)
{
    (void)state;
    test_trains_on_any_size("bigan", SETTINGS("encoder_hidden=9,7", "generator_hidden=9,7", "discriminator_hidden=9,7",
                                              "latent=4", "encoder=stochastic"));
}

static void gates_let_players_rest(void **state)
{
    (void)state;
    test_gates("bigan", "ring8", SETTINGS(LINEAR), 0);
}

static int begin(void **state)
{
    duet_error error = {0};
    float halves[TEST_EXAMPLES];
    (void)open_all(state);
    (void)snprintf(flat, sizeof flat, "%s/flat.npy", folder);
    for (size_t i = 0; i < TEST_EXAMPLES; i++) halves[i] = 0.5f;
    assert_ok(duet_write_npy(flat, halves, DUET_SHAPE(TEST_EXAMPLES, 1), &error), &error);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_have_their_closed_forms),
        cmocka_unit_test(it_knows_where_each_loss_says_real),
        cmocka_unit_test(phases_move_their_players),
        cmocka_unit_test(a_step_draws_a_batch_for_each_update_of_the_discriminator),
        cmocka_unit_test(reconstructions_are_decoded_codes),
        cmocka_unit_test(latents_come_from_the_prior),
        cmocka_unit_test(it_trains_on_any_size),
        cmocka_unit_test(gates_let_players_rest),
    };
    return RUN_TESTS("bigan", tests, begin, close_all);
}
