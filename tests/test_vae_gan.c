/* SPDX-License-Identifier: MIT */
/* VAE-GANs: their losses against closed forms, which loss moves which network, and that the game sharpens what a VAE
 * blurs. */
#include "game_parts.h"
#include "model_parts.h"
#include "use.h"

#include "train/trainer.h"

enum { ENCODER, GENERATOR, DISCRIMINATOR, NETWORKS };

static const char *const networks[NETWORKS] = {"encoder", "generator", "discriminator"};
static char flat[TEST_PATH_SIZE + 32], pictures[TEST_PATH_SIZE + 32];

#define KNOWN "encoder_hidden=", "generator_hidden=", "discriminator_hidden=3", "latent=1"

/* Losses. */

/* D's only hidden layer, of one number. */
static const float hidden_weight[3] = {1, -2, 0.5f}, hidden_bias[3] = {0.1f, 0.3f, -0.6f};
static const double logit_weight[3] = {0.7, -0.4, 0.2};

/* Leaky ReLU, then standardised. */
static void see(double x, double seen[3])
{
    double mean = 0, variance = 0;
    for (size_t k = 0; k < 3; k++) {
        double sum = (double)hidden_weight[k] * x + (double)hidden_bias[k];
        seen[k] = sum > 0 ? sum : 0.2 * sum;
        mean += seen[k] / 3;
    }
    for (size_t k = 0; k < 3; k++) variance += (seen[k] - mean) * (seen[k] - mean) / 3;
    for (size_t k = 0; k < 3; k++) seen[k] = (seen[k] - mean) / sqrt(variance + 1e-5);
}

static double logit(double x, double weight, double bias)
{
    double seen[3];
    see(x, seen);
    for (size_t k = 0; k < 3; k++) bias += weight * logit_weight[k] * seen[k];
    return bias;
}

/* Decoded examples are sigmoid(decoded) whatever z is, the posterior is N(mean, exp(logvar)). */
static void set_players(duet_model *model, double decoded, double weight, double bias, double mean, double logvar)
{
    const struct {
        const char *name;
        double value;
    } rows[] = {{"generator.output.weight", 0}, {"generator.output.bias", decoded}, {"discriminator.logit.bias", bias},
                {"encoder.mean.weight", 0},     {"encoder.mean.bias", mean},        {"encoder.logvar.weight", 0},
                {"encoder.logvar.bias", logvar}};
    duet_error error = {0};
    duet_store *store = duet_model_store(model);
    float logits[3];
    for (size_t k = 0; k < 3; k++) logits[k] = (float)(weight * logit_weight[k]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) test_set(model, device, rows[i].name, rows[i].value);
    assert_ok(duet_store_write(store, device, "discriminator.hidden1.weight", hidden_weight, 12, &error), &error);
    assert_ok(duet_store_write(store, device, "discriminator.hidden1.bias", hidden_bias, 12, &error), &error);
    assert_ok(duet_store_write(store, device, "discriminator.logit.weight", logits, 12, &error), &error);
}

/* -log p(x | z) of the example 1/2. */
static double distance(bool pixels, double y)
{
    double sum = 3 * log(2 * acos(-1)) / 2, real[3], made[3];
    if (pixels) return -0.5 * log(y) - 0.5 * log(1 - y);
    see(0.5, real);
    see(y, made);
    for (size_t k = 0; k < 3; k++) sum += pow(real[k] - made[k], 2) / 2;
    return sum;
}

static void losses_have_their_closed_forms(void **state)
{
    (void)state;
    static const char *const recons[] = {"recon=pixels", "recon=features"}, *const reports[] = {"kl", "distance",
                                                                                                "g_loss", "d_loss",
                                                                                                "accuracy"};
    static const struct {
        double decoded, weight, bias, mean, logvar;
    } rows[] = {{0, 1, -0.5, 0, 0}, {2, 3, -1, 1.5, -2}, {-1.5, -2, 0.25, -0.5, 1}};
    test_graph graphs[2];
    for (size_t i = 0; i < 2; i++) {
        test_graph_open(&graphs[i], device, DUET_BUILD_TRAIN, TEST_BATCH, "vae-gan", flat,
                        SETTINGS(KNOWN, recons[i], "gamma=0.75", "beta=3"));
        for (size_t r = 0; r < 5; r++) (void)test_graph_watch(&graphs[i], test_graph_report(&graphs[i], reports[r]));
        for (size_t p = 0; p < 3; p++)
            (void)test_graph_watch(&graphs[i], graphs[i].build->procedures[0].phases[p].objectives[0].loss);
    }
    test_graphs_plan(graphs, 2);
    for (size_t i = 0; i < 2; i++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            double y = test_sigmoid(rows[r].decoded), on_real = logit(0.5, rows[r].weight, rows[r].bias),
                   on_fake = logit(y, rows[r].weight, rows[r].bias), expected[8];
            expected[0] = (rows[r].mean * rows[r].mean + exp(rows[r].logvar) - 1 - rows[r].logvar) / 2;
            expected[1] = distance(i == 0, y);
            expected[2] = 2 * test_softplus(-on_fake);
            expected[3] = test_softplus(-on_real) + 2 * test_softplus(on_fake);
            expected[4] = ((on_real > 0) + (on_fake <= 0)) / 2.0;
            expected[5] = 3 * expected[0] + expected[1];
            expected[6] = 0.75 * expected[1] + expected[2];
            expected[7] = expected[3];
            set_players(graphs[i].model, rows[r].decoded, rows[r].weight, rows[r].bias, rows[r].mean, rows[r].logvar);
            test_graph_run(&graphs[i]);
            for (size_t k = 0; k < 8; k++) assert_close(test_graph_value(&graphs[i], k), expected[k], 2e-5);
        }
    for (size_t i = 0; i < 2; i++) test_graph_close(&graphs[i]);
}

static void say(duet_model *model, double on_real, double on_fake)
{
    double decoded = 1.5, real = logit(0.5, 1, 0),
           slope = (on_real - on_fake) / (real - logit(test_sigmoid(decoded), 1, 0));
    set_players(model, decoded, slope, on_real - slope * real, 0, 0);
}

static void it_knows_where_each_loss_says_real(void **state)
{
    (void)state;
    test_boundaries("vae-gan", SETTINGS(KNOWN), say);
}

/* What moves. */

#define SMALL "encoder_hidden=6", "generator_hidden=6", "discriminator_hidden=5", "latent=3"

typedef struct snapshot {
    float *values[NETWORKS];
    size_t counts[NETWORKS];
} snapshot;

static snapshot take(duet_model *model)
{
    snapshot taken;
    for (size_t i = 0; i < NETWORKS; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s.flat", networks[i]);
        taken.values[i] = test_get(model, device, name, &taken.counts[i]);
    }
    return taken;
}

static bool differs(const snapshot *a, const snapshot *b, size_t network)
{
    assert_int_equal(a->counts[network], b->counts[network]);
    return memcmp(a->values[network], b->values[network], a->counts[network] * sizeof(float)) != 0;
}

static void forget(snapshot *old)
{
    for (size_t i = 0; i < NETWORKS; i++) free(old->values[i]);
}

static void replay(test_parts *parts, size_t phase)
{
    duet_error error = {0};
    assert_ok(duet_plan_replay(parts->trainer->schedule.plans[phase], &error), &error);
}

static void phases_move_one_network_each_in_the_papers_order(void **state)
{
    (void)state;
    static const struct {
        const char *family, *recon, *size;
    } rows[] = {{"vae-gan", "recon=pixels", "encoder_hidden=6"},
                {"vae-gan", "recon=features", "encoder_hidden=6"},
                {"vae-gan-conv", "recon=pixels", "width=2"},
                {"vae-gan-conv", "recon=features", "width=2"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_parts parts;
        test_parts_open(&parts, device, duet_family_find(rows[i].family), pictures,
                        SETTINGS(rows[i].recon, rows[i].size, "latent=3"));
        assert_int_equal(parts.trainer->schedule.phase_count, NETWORKS);
        for (size_t phase = 0; phase < NETWORKS; phase++) {
            snapshot before = take(parts.model);
            replay(&parts, phase);
            snapshot after = take(parts.model);
            for (size_t k = 0; k < NETWORKS; k++) assert_int_equal(differs(&before, &after, k), k == phase);
            forget(&before);
            forget(&after);
        }
        assert_int_equal(test_read_count(&parts, "trainer.draws"), 1); /* they share the batch */
        test_parts_close(&parts);
    }
}

/* The networks after one phase from the same start; D's logit as it starts, or of zeros. */
static snapshot after_phase(size_t phase, bool logit, const char *const *settings, size_t count)
{
    static const char *const small[] = {SMALL};
    const char *all[8];
    test_parts parts;
    memcpy(all, small, sizeof small);
    memcpy(all + 4, settings, count * sizeof *settings);
    test_parts_open(&parts, device, duet_family_find("vae-gan"), pictures, all, 4 + count);
    if (!logit) test_set(parts.model, device, "discriminator.logit.weight", 0);
    replay(&parts, phase);
    snapshot made = take(parts.model);
    test_parts_close(&parts);
    return made;
}

static bool ends_apart(size_t network, snapshot a, snapshot b)
{
    bool apart = differs(&a, &b, network);
    forget(&a);
    forget(&b);
    return apart;
}

/* D's update is the same to the bit however much the comparison in its features counts; and where its own loss rests,
 * training by that comparison leaves it as it is. */
static void the_comparison_never_trains_the_discriminator(void **state)
{
    (void)state;
    assert_false(ends_apart(DISCRIMINATOR, after_phase(DISCRIMINATOR, true, SETTINGS("gamma=0")),
                            after_phase(DISCRIMINATOR, true, SETTINGS("gamma=1000", "recon=features"))));
    assert_false(ends_apart(DISCRIMINATOR, after_phase(DISCRIMINATOR, true, SETTINGS("recon=pixels")),
                            after_phase(DISCRIMINATOR, true, SETTINGS("recon=features"))));
    test_parts parts;
    test_parts_open(&parts, device, duet_family_find("vae-gan"), pictures, SETTINGS(SMALL, "gate_high=0", "gamma=10"));
    test_set(parts.model, device, "discriminator.logit.bias", 5); /* all are real to it: its accuracy is 1/2 */
    snapshot before = take(parts.model);
    test_steps(&parts, 5);
    snapshot after = take(parts.model);
    assert_true(differs(&before, &after, ENCODER) && differs(&before, &after, GENERATOR));
    assert_false(differs(&before, &after, DISCRIMINATOR));
    forget(&before);
    forget(&after);
    test_parts_close(&parts);
}

/* All of the game's gradients go through D's logit: the encoder's update does not depend on it. */
static void no_gradient_of_the_game_reaches_the_encoder(void **state)
{
    (void)state;
    static const char *const recons[] = {"recon=pixels", "recon=features"};
    for (size_t i = 0; i < 2; i++) {
        assert_false(ends_apart(ENCODER, after_phase(ENCODER, true, SETTINGS(recons[i])),
                                after_phase(ENCODER, false, SETTINGS(recons[i]))));
        assert_true(ends_apart(GENERATOR, after_phase(GENERATOR, true, SETTINGS(recons[i])),
                               after_phase(GENERATOR, false, SETTINGS(recons[i]))));
    }
}

/* With gamma 0 and a logit without slope nothing moves the generator; either loss alone does. */
static void both_losses_train_the_generator(void **state)
{
    (void)state;
    assert_false(ends_apart(GENERATOR, after_phase(GENERATOR, false, SETTINGS("gamma=0")),
                            after_phase(ENCODER, true, SETTINGS("gamma=0"))));
    assert_true(ends_apart(GENERATOR, after_phase(GENERATOR, true, SETTINGS("gamma=0")),
                           after_phase(ENCODER, true, SETTINGS("gamma=0"))));
    assert_true(ends_apart(GENERATOR, after_phase(GENERATOR, false, SETTINGS("gamma=1")),
                           after_phase(ENCODER, true, SETTINGS("gamma=1"))));
}

/* What comes of it, on pictures in which a square of any brightness lies anywhere. */

enum { SIDE = 12, NUMBERS = SIDE * SIDE, EXAMPLES = 2000, SAMPLES = 500 };

static float squares[EXAMPLES][NUMBERS];

static void write_squares(void)
{
    duet_error error = {0};
    for (size_t n = 0; n < EXAMPLES; n++) {
        size_t top = n % 7 + 1, left = n / 7 % 7 + 1, size = 3 + n / 49 % 2;
        for (size_t i = 0; i < NUMBERS; i++) {
            bool inside = i / SIDE - top < size && i % SIDE - left < size;
            squares[n][i] = inside ? (float)(n * 31 % 50 + 50) / 100 : 0;
        }
    }
    (void)snprintf(pictures, sizeof pictures, "%s/squares.npy", folder);
    assert_ok(duet_write_npy(pictures, squares[0], DUET_SHAPE(EXAMPLES, SIDE, SIDE, 1), &error), &error);
}

/* The mean square of 4 times a pixel less its neighbours. */
static double energy(const float *rows, size_t count)
{
    double sum = 0;
    for (size_t n = 0; n < count; n++)
        for (size_t y = 1; y + 1 < SIDE; y++)
            for (size_t x = 1; x + 1 < SIDE; x++) {
                const float *p = rows + n * NUMBERS + y * SIDE + x;
                sum += pow(4 * (double)p[0] - (double)p[-1] - (double)p[1] - (double)p[-SIDE] - (double)p[SIDE], 2);
            }
    return sum / (double)(count * (SIDE - 2) * (SIDE - 2));
}

/* Of samples over the data's; and the squared error a pixel of reconstructions. */
static void measure(test_parts *parts, double *sharpness, double *mse)
{
    static float samples[SAMPLES * NUMBERS], rebuilt[SAMPLES * NUMBERS];
    duet_error error = {0};
    duet_evaluator *evaluator;
    assert_ok(duet_evaluator_new(&evaluator, device, parts->model, &error), &error);
    const duet_wanted sample = {DUET_SAMPLE, samples};
    const duet_request request = {.count = SAMPLES, .seed = 3, .outputs = &sample, .output_count = 1};
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    assert_ok(
        test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_RECONSTRUCTION, squares[0], SAMPLES, 3, rebuilt, &error),
        &error);
    duet_evaluator_free(&evaluator);
    *sharpness = energy(samples, SAMPLES) / energy(squares[0], EXAMPLES);
    *mse = 0;
    for (size_t n = 0; n < SAMPLES; n++)
        for (size_t i = 0; i < NUMBERS; i++)
            *mse += pow((double)rebuilt[n * NUMBERS + i] - (double)squares[n][i], 2) / (SAMPLES * NUMBERS);
}

/* Seeds SEEDS. */
static void they_are_sharper_than_a_vae(void **state)
{
    (void)state;
    static const char *const families[] = {"vae", "vae-gan", "vae-gan-conv"}, *const settings[][3] = {
                                                                                  {"hidden=64"},
                                                                                  {"encoder_hidden=64",
                                                                                   "generator_hidden=64",
                                                                                   "discriminator_hidden=128"},
                                                                                  {"width=8"}};
    static const size_t counts[] = {1, 3, 1};
    double sharpness[3], mse[3];
    for (size_t i = 0; i < 3; i++) {
        const char *all[4] = {"latent=6"};
        test_parts parts;
        memcpy(all + 1, settings[i], counts[i] * sizeof *all);
        test_parts_open_batch(&parts, device, duet_family_find(families[i]), pictures, 32, all, 1 + counts[i]);
        test_steps(&parts, 600);
        measure(&parts, &sharpness[i], &mse[i]);
        test_parts_close(&parts);
        if (i == 0) continue;
        if (!(sharpness[i] > 3 * sharpness[0]))
            fail_msg("%s: sharpness %g, a vae has %g", families[i], sharpness[i], sharpness[0]);
        if (!(mse[i] < 3 * mse[0])) fail_msg("%s: error %g, a vae has %g", families[i], mse[i], mse[0]);
    }
}

static void gates_let_players_rest(void **state)
{
    (void)state;
    test_gates("vae-gan", pictures, SETTINGS(SMALL), 1);
}

static int begin(void **state)
{
    duet_error error = {0};
    float halves[TEST_EXAMPLES];
    (void)open_all(state);
    (void)snprintf(flat, sizeof flat, "%s/flat.npy", folder);
    for (size_t i = 0; i < TEST_EXAMPLES; i++) halves[i] = 0.5f;
    assert_ok(duet_write_npy(flat, halves, DUET_SHAPE(TEST_EXAMPLES, 1), &error), &error);
    write_squares();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_have_their_closed_forms),
        cmocka_unit_test(it_knows_where_each_loss_says_real),
        cmocka_unit_test(phases_move_one_network_each_in_the_papers_order),
        cmocka_unit_test(the_comparison_never_trains_the_discriminator),
        cmocka_unit_test(no_gradient_of_the_game_reaches_the_encoder),
        cmocka_unit_test(both_losses_train_the_generator),
        cmocka_unit_test(they_are_sharper_than_a_vae),
        cmocka_unit_test(gates_let_players_rest),
    };
    return RUN_TESTS("vae_gan", tests, begin, close_all);
}
