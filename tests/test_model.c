/* SPDX-License-Identifier: MIT */
/* The losses of the autoencoders against formulas in double, on decoders and encoders whose weights are set so that
 * every value is known; and that they learn. Settings and first values have their own program, and so has the GAN. */
#include "model_parts.h"
#include "use.h"

#include "duet/op.h"
#include "train/evaluator.h"

static char unit[TEST_PATH_SIZE + 32], wide[TEST_PATH_SIZE + 32], pictures[TEST_PATH_SIZE + 32];

enum { UNIT_FEATURES = 6 };

/* Losses. */

static void kl_in_closed_form_is_its_monte_carlo_mean(void **state)
{
    (void)state;
    enum { PAIRS = 6, DRAWS = 1 << 17 };
    static const float means[PAIRS] = {0, 0.5f, -2, 3, 1, 0}, logvars[PAIRS] = {0, -1, 1, -3, 2, -8};
    duet_error error = {0};
    duet_store *store = duet_store_new(5);
    duet_graph *graph = duet_graph_new(store);
    duet_node mean = duet_input(graph, "mean", DUET_FLOAT32, DUET_SHAPE(1, PAIRS));
    duet_node logvar = duet_input(graph, "logvar", DUET_FLOAT32, DUET_SHAPE(1, PAIRS));
    duet_node m = duet_reshape(duet_broadcast(mean, DUET_SHAPE(DRAWS, PAIRS)), DUET_SHAPE(DRAWS * PAIRS, 1));
    duet_node v = duet_reshape(duet_broadcast(logvar, DUET_SHAPE(DRAWS, PAIRS)), DUET_SHAPE(DRAWS * PAIRS, 1));
    duet_node z = duet_gaussian_sample(m, v), zero = duet_constant(graph, 0);
    duet_node ratio = duet_subtract(duet_gaussian_nll(zero, zero, z), duet_gaussian_nll(m, v, z));
    duet_node closed =
        duet_gaussian_kl(duet_reshape(mean, DUET_SHAPE(PAIRS, 1)), duet_reshape(logvar, DUET_SHAPE(PAIRS, 1)));
    duet_node away = duet_subtract(duet_reshape(ratio, DUET_SHAPE(DRAWS, PAIRS)), closed);
    duet_node roots[] = {closed, duet_mean(away, DUET_AXIS(0), false),
                         duet_mean(duet_square(away), DUET_AXIS(0), false)};
    float values[3][PAIRS];
    duet_plan *plan;
    assert_ok(duet_plan_new(&plan, device, "kl", roots, 3, &error), &error);
    assert_ok(duet_plan_write(plan, mean, means, sizeof means, &error), &error);
    assert_ok(duet_plan_write(plan, logvar, logvars, sizeof logvars, &error), &error);
    assert_ok(duet_plan_replay(plan, &error), &error);
    for (size_t i = 0; i < 3; i++)
        assert_ok(duet_plan_read(plan, roots[i], values[i], sizeof values[i], &error), &error);
    for (size_t i = 0; i < PAIRS; i++) {
        double kl = 0.5 * (exp(logvars[i]) + means[i] * means[i] - 1 - logvars[i]);
        assert_close(values[0][i], kl, 1e-6 * (1 + kl));
        assert_close(values[1][i], 0, 4 * sqrt(values[2][i] / DRAWS) + 1e-6 * (1 + kl)); /* rounding, where q is p */
    }
    assert_true(values[2][3] > 0.1); /* there was something to average */
    duet_plan_free(&plan);
    duet_graph_free(&graph);
    duet_store_free(&store);
}

static void losses_stay_finite_at_extreme_logits(void **state)
{
    (void)state;
    enum { ROWS = 6, CLASSES = 3 };
    static const float logits[ROWS][CLASSES] = {{80, 0, -80},     {-80, -80, -80}, {80, 80, 80},
                                                {1000, -1000, 0}, {0.5f, -1, 2},   {1e6f, 1e6f - 1, 1e6f - 3}};
    static const float targets[ROWS][CLASSES] = {{0, 0, 1}, {1, 0, 0}, {0.25f, 0.5f, 0.25f},
                                                 {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    duet_error error = {0};
    duet_store *store = duet_store_new(5);
    duet_graph *graph = duet_graph_new(store);
    duet_node y = duet_input(graph, "logits", DUET_FLOAT32, DUET_SHAPE(ROWS, CLASSES));
    duet_node t = duet_input(graph, "targets", DUET_FLOAT32, DUET_SHAPE(ROWS, CLASSES));
    duet_node roots[4] = {duet_softmax_cross_entropy(y, t), duet_bernoulli_nll(y, t)};
    for (size_t i = 0; i < 2; i++) duet_grad(duet_sum(roots[i], DUET_ALL_AXES, false), &y, 1, &roots[2 + i]);
    float losses[2][ROWS], gradients[2][ROWS][CLASSES];
    duet_plan *plan;
    assert_ok(duet_plan_new(&plan, device, "losses", roots, 4, &error), &error);
    assert_ok(duet_plan_write(plan, y, logits, sizeof logits, &error), &error);
    assert_ok(duet_plan_write(plan, t, targets, sizeof targets, &error), &error);
    assert_ok(duet_plan_replay(plan, &error), &error);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(duet_plan_read(plan, roots[i], losses[i], sizeof losses[i], &error), &error);
        assert_ok(duet_plan_read(plan, roots[2 + i], gradients[i], sizeof gradients[i], &error), &error);
    }
    for (size_t n = 0; n < ROWS; n++) {
        double highest = fmax(fmax(logits[n][0], logits[n][1]), logits[n][2]), sum = 0, softmax = 0, bernoulli = 0;
        for (size_t k = 0; k < CLASSES; k++) sum += exp(logits[n][k] - highest);
        for (size_t k = 0; k < CLASSES; k++) {
            softmax += targets[n][k] * (highest + log(sum) - logits[n][k]);
            bernoulli += test_softplus(logits[n][k]) - targets[n][k] * logits[n][k];
            assert_close(gradients[0][n][k], exp(logits[n][k] - highest) / sum - targets[n][k], 1e-6);
            assert_close(gradients[1][n][k], test_sigmoid(logits[n][k]) - targets[n][k], 1e-6);
        }
        assert_close(losses[0][n], softmax, 1e-6 * (1 + softmax)); /* however far from 0 the logits lie */
        assert_close(losses[1][n], bernoulli, 1e-6 * (1 + bernoulli + fabs(highest)));
    }
    duet_plan_free(&plan);
    duet_graph_free(&graph);
    duet_store_free(&store);
}

/* A decoder that says the same whatever the code: y_i = first + i step; and for the VAE a posterior that is the same
 * for every example: mean_k = 0.5 - k, logvar_k = 1 - 8 k, of which the last is below the model's floor of -10. */
enum { LATENT = 3 };
static const double first_y = -0.6, step_y = 0.4;

static void set_constant_decoder(duet_model *model)
{
    test_set(model, device, "decoder.output.weight", 0);
    test_set_row(model, device, "decoder.output.bias", first_y, step_y);
}

static void set_constant_encoder(duet_model *model)
{
    test_set(model, device, "encoder.mean.weight", 0);
    test_set_row(model, device, "encoder.mean.bias", 0.5, -1);
    test_set(model, device, "encoder.logvar.weight", 0);
    test_set_row(model, device, "encoder.logvar.bias", 1, -8);
}

static double constant_encoder_kl(void)
{
    double kl = 0;
    for (int k = 0; k < LATENT; k++) {
        double mean = 0.5 - k, logvar = fmax(1 - 8.0 * k, -10);
        kl += 0.5 * (mean * mean + exp(logvar) - 1 - logvar);
    }
    return kl;
}

/* Means over all training examples of the nll and of the squared error, by their formulas. */
static void expect_terms(duet_data *data, bool bernoulli, double sigma, double *nll, double *mse)
{
    duet_error error = {0};
    float x[TEST_TRAINING][UNIT_FEATURES];
    assert_ok(duet_data_read(data, DUET_TRAIN, 0, TEST_TRAINING, x[0], &error), &error);
    *nll = *mse = 0;
    for (size_t n = 0; n < TEST_TRAINING; n++)
        for (size_t i = 0; i < UNIT_FEATURES; i++) {
            double y = first_y + (double)i * step_y, p = bernoulli ? test_sigmoid(y) : y, away = x[n][i] - p;
            *mse += away * away / TEST_TRAINING / UNIT_FEATURES;
            if (bernoulli)
                *nll -= (x[n][i] * log(p) + (1 - x[n][i]) * log(1 - p)) / TEST_TRAINING;
            else
                *nll += 0.5 * (log(2 * acos(-1)) + 2 * log(sigma) + away * away / sigma / sigma) / TEST_TRAINING;
        }
}

static void reported_terms_are_summed_over_features_and_averaged_over_the_batch(void **state)
{
    (void)state;
    const struct {
        const char *family, *data, *likelihood, *sigma;
        bool bernoulli;
        double deviation;
    } rows[] = {
        {"ae", unit, "likelihood=gaussian", "sigma=1", false, 1},
        {"ae", unit, "likelihood=gaussian", "sigma=0.25", false, 0.25},
        {"ae", unit, "likelihood=auto", "sigma=0.25", true, 0},
        {"ae", wide, "likelihood=auto", "sigma=3", false, 3},
        {"vae", unit, "likelihood=auto", "sigma=1", true, 0},
        {"vae", wide, "likelihood=auto", "sigma=2", false, 2},
        {"vae", unit, "likelihood=bernoulli", "sigma=2", true, 0},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    test_graph graphs[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        test_graph *it = &graphs[i];
        bool vae = !strcmp(rows[i].family, "vae");
        test_graph_open(it, device, DUET_BUILD_TRAIN, TEST_TRAINING, rows[i].family, rows[i].data,
                        SETTINGS("hidden=", "latent=3", rows[i].likelihood, rows[i].sigma));
        (void)test_graph_watch(it, test_graph_report(it, "nll"));
        (void)test_graph_watch(it, test_graph_report(it, vae ? "kl" : "mse"));
        if (vae) (void)test_graph_watch(it, test_graph_report(it, "elbo"));
    }
    test_graphs_plan(graphs, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        test_graph *it = &graphs[i];
        double nll, mse;
        set_constant_decoder(it->model);
        if (!strcmp(rows[i].family, "vae")) set_constant_encoder(it->model);
        test_graph_run(it);
        expect_terms(it->data, rows[i].bernoulli, rows[i].deviation, &nll, &mse);
        assert_close(test_graph_value(it, 0), nll, 2e-6 * fabs(nll));
        if (!strcmp(rows[i].family, "vae")) {
            assert_close(test_graph_value(it, 1), constant_encoder_kl(), 1e-5);
            assert_close(test_graph_value(it, 2), -(nll + constant_encoder_kl()), 1e-5 + 2e-6 * fabs(nll));
        } else {
            assert_close(test_graph_value(it, 1), mse, 2e-6 * mse);
        }
        test_graph_close(it);
    }
}

/* The two KL settings of the VAE, over many draws of the same posterior. */
static void the_sampled_kl_averages_to_the_analytic_one(void **state)
{
    (void)state;
    enum { EXAMPLES = 20000 };
    static const char *const settings[] = {"kl=analytic", "kl=monte-carlo"};
    float *x = calloc(EXAMPLES, UNIT_FEATURES * sizeof *x), *kl = calloc(EXAMPLES, sizeof *kl);
    assert_non_null(x);
    assert_non_null(kl);
    for (size_t i = 0; i < EXAMPLES * UNIT_FEATURES; i++) x[i] = (float)(i % UNIT_FEATURES) / UNIT_FEATURES;
    double mean[2], error_of_mean[2];
    for (size_t i = 0; i < 2; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        duet_evaluator *evaluator;
        assert_ok(duet_data_open(&data, unit, &error), &error);
        assert_ok(duet_model_new(&model, duet_family_find("vae"), data, SETTINGS("hidden=8", "latent=4", settings[i]),
                                 7, &error),
                  &error);
        assert_ok(duet_evaluator_new(&evaluator, device, model, &error), &error);
        assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, "kl", x, EXAMPLES, 3, kl, &error), &error);
        mean[i] = test_mean(kl, EXAMPLES, &error_of_mean[i]);
        duet_evaluator_free(&evaluator);
        duet_model_free(&model);
        duet_data_close(&data);
    }
    assert_close(error_of_mean[0], 0, 1e-6); /* a number of the posterior alone */
    assert_true(error_of_mean[1] > 1e-4);
    assert_close(mean[1], mean[0], 4 * error_of_mean[1]);
    free(x);
    free(kl);
}

/* Where the decoder does not hear z, the loss changes with the posterior's mean by weight * mean. */
static void beta_and_warm_up_weigh_the_kl(void **state)
{
    (void)state;
    static const struct {
        const char *beta, *warm_up;
        double weight, steps;
    } rows[] = {{"beta=1", "warm_up=0", 1, 0}, {"beta=4", "warm_up=10", 4, 10}, {"beta=0", "warm_up=0", 0, 0}};
    enum { ROWS = sizeof rows / sizeof *rows };
    static const uint32_t steps[] = {0, 4, 8, 9, 10, 100000};
    test_graph graphs[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        test_graph *it = &graphs[i];
        test_graph_open(it, device, DUET_BUILD_TRAIN, TEST_TRAINING, "vae", unit,
                        SETTINGS("hidden=", "latent=3", rows[i].beta, rows[i].warm_up));
        duet_node loss = it->build->procedures[0].phases[0].objectives[0].loss;
        (void)test_graph_watch(it, test_graph_gradient(it, loss, "encoder.mean.bias"));
        (void)test_graph_watch(it, loss);
        (void)test_graph_watch(it, test_graph_report(it, "nll"));
    }
    test_graphs_plan(graphs, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        set_constant_decoder(graphs[i].model);
        set_constant_encoder(graphs[i].model);
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            float slope[LATENT];
            double warm = rows[i].steps > 0 ? fmin(1, (steps[k] + 1) / rows[i].steps) : 1;
            test_set_count(graphs[i].model, device, "trainer.step", steps[k]);
            test_graph_run(&graphs[i]);
            test_graph_read(&graphs[i], 0, slope, LATENT);
            for (int z = 0; z < LATENT; z++) assert_close(slope[z], rows[i].weight * warm * (0.5 - z), 1e-5);
            double kl_part = test_graph_value(&graphs[i], 1) - test_graph_value(&graphs[i], 2);
            assert_close(kl_part, rows[i].weight * warm * constant_encoder_kl(), 1e-4);
        }
        test_graph_close(&graphs[i]);
    }
}

static double leaky(double x)
{
    return x > 0 ? x : 0.2 * x;
}

static double elu(double x)
{
    return x > 0 ? x : expm1(x);
}

static double selu(double x)
{
    return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x));
}

static double gelu(double x)
{
    return x * 0.5 * (1 + erf(x / sqrt(2)));
}

static double swish(double x)
{
    return x * test_sigmoid(x);
}

static double relu(double x)
{
    return fmax(x, 0);
}

static double identity(double x)
{
    return x;
}

/* A model of one hidden unit whose code is the activation of its input. */
static void activations_are_those_of_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        double (*meaning)(double x);
    } rows[] = {
        {"activation=relu", relu},
        {"activation=leaky_relu", leaky},
        {"activation=elu", elu},
        {"activation=selu", selu},
        {"activation=gelu", gelu},
        {"activation=swish", swish},
        {"activation=tanh", tanh},
        {"activation=sigmoid", test_sigmoid},
        {"activation=softplus", test_softplus},
        {"activation=identity", identity},
    };
    enum { ROWS = sizeof rows / sizeof *rows, COUNT = 9 };
    duet_error error = {0};
    test_graph graphs[ROWS];
    float x[COUNT], code[COUNT];
    for (size_t i = 0; i < COUNT; i++) x[i] = (float)i - 4;
    for (size_t i = 0; i < ROWS; i++) {
        test_graph_open(&graphs[i], device, DUET_BUILD_EVAL, COUNT, "ae", "two-peaks",
                        SETTINGS("hidden=1", "latent=1", rows[i].setting));
        (void)test_graph_watch(&graphs[i], duet_build_output(graphs[i].build, "latent"));
    }
    test_graphs_plan(graphs, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        test_set(graphs[i].model, device, "encoder.hidden1.weight", 1);
        test_set(graphs[i].model, device, "encoder.code.weight", 1);
        assert_ok(duet_plan_write(graphs[i].plan, graphs[i].build->batch, x, sizeof x, &error), &error);
        test_graph_run(&graphs[i]);
        test_graph_read(&graphs[i], 0, code, COUNT);
        for (size_t k = 0; k < COUNT; k++) assert_close(code[k], rows[i].meaning(x[k]), 1e-6 * (1 + fabs(x[k])));
        test_graph_close(&graphs[i]);
    }
}

/* Learning. */

/* Codes of some examples decoded are their reconstructions. */
static void assert_codes_decode(test_parts *parts, size_t features, size_t latent, bool unit_range)
{
    enum { EXAMPLES = 4 };
    duet_error error = {0};
    duet_evaluator *evaluator = NULL;
    float x[EXAMPLES * 192], codes[EXAMPLES * 8], decoded[EXAMPLES * 192], direct[EXAMPLES * 192];
    assert_true(features <= 192 && latent <= 8);
    assert_ok(duet_evaluator_new(&evaluator, device, parts->model, &error), &error);
    assert_int_equal(duet_evaluator_features(evaluator, "latent"), latent);
    assert_int_equal(duet_evaluator_features(evaluator, "reconstruction"), features);
    assert_int_equal(duet_evaluator_latent_features(evaluator), latent);
    assert_ok(duet_data_read(parts->data, DUET_TEST, 0, EXAMPLES, x, &error), &error);
    assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, "latent", x, EXAMPLES, 1, codes, &error), &error);
    assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, "decode", codes, EXAMPLES, 1, decoded, &error),
              &error);
    assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, "reconstruction", x, EXAMPLES, 1, direct, &error),
              &error);
    for (size_t i = 0; i < EXAMPLES * features; i++) {
        assert_close(decoded[i], direct[i], 1e-5);
        if (unit_range) assert_true(direct[i] >= 0 && direct[i] <= 1);
    }
    duet_evaluator_free(&evaluator);
}

static void the_loss_falls(void **state)
{
    (void)state;
    const struct {
        const char *family, *data, *setting;
        size_t features, term;
        double sign, share; /* of the loss that is left at the end, at most */
        bool unit_range;
    } rows[] = {
        {"ae", pictures, "likelihood=gaussian", 192, 1, 1, 0.1, false}, /* mse */
        {"vae", pictures, "likelihood=auto", 192, 0, -1, 0.75, true},   /* elbo */
        {"vae", "ring8", "sigma=0.1", 2, 0, -1, 0.3, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        test_parts parts;
        double first[3], last[3];
        size_t term = rows[i].term;
        test_parts_open(&parts, device, duet_family_find(rows[i].family), rows[i].data,
                        SETTINGS("hidden=32", "latent=4", "lr=0.005", rows[i].setting));
        test_steps(&parts, 10);
        assert_ok(duet_trainer_losses(parts.trainer, first, 3, &error), &error);
        test_steps(&parts, 290);
        assert_ok(duet_trainer_losses(parts.trainer, NULL, 0, &error), &error);
        test_steps(&parts, 20);
        assert_ok(duet_trainer_losses(parts.trainer, last, 3, &error), &error);
        if (!(rows[i].sign * last[term] < rows[i].share * rows[i].sign * first[term]))
            fail_msg("%s on %s: from %g to %g", rows[i].family, rows[i].data, first[term], last[term]);
        assert_codes_decode(&parts, rows[i].features, 4, rows[i].unit_range);
        test_parts_close(&parts);
    }
}

static void write_examples(char path[TEST_PATH_SIZE + 32], const char *name, duet_shape row, double low, double high)
{
    static float values[TEST_EXAMPLES * 192];
    duet_error error = {0};
    size_t numbers = duet_shape_elements(row);
    duet_shape shape = {.rank = row.rank + 1, .dims = {TEST_EXAMPLES}};
    for (size_t i = 0; i < row.rank; i++) shape.dims[i + 1] = row.dims[i];
    for (size_t n = 0; n < TEST_EXAMPLES; n++)
        for (size_t i = 0; i < numbers; i++) { /* a pattern that differs from row to row, from 0 to 1 */
            double wave = 0.5 + 0.5 * sin((double)(n % 12) * 0.5 + (double)i * 6 / (double)numbers);
            values[n * numbers + i] = (float)(low + (high - low) * wave);
        }
    (void)snprintf(path, TEST_PATH_SIZE + 32, "%s/%s.npy", folder, name);
    assert_ok(duet_write_npy(path, values, shape, &error), &error);
}

static int begin(void **state)
{
    (void)open_all(state);
    write_examples(unit, "unit", DUET_SHAPE(UNIT_FEATURES), 0, 1);
    write_examples(wide, "wide", DUET_SHAPE(UNIT_FEATURES), -2, 3);
    write_examples(pictures, "pictures", DUET_SHAPE(8, 8, 3), 0, 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kl_in_closed_form_is_its_monte_carlo_mean),
        cmocka_unit_test(losses_stay_finite_at_extreme_logits),
        cmocka_unit_test(reported_terms_are_summed_over_features_and_averaged_over_the_batch),
        cmocka_unit_test(the_sampled_kl_averages_to_the_analytic_one),
        cmocka_unit_test(beta_and_warm_up_weigh_the_kl),
        cmocka_unit_test(activations_are_those_of_their_names),
        cmocka_unit_test(the_loss_falls),
    };
    return RUN_TESTS("model", tests, begin, close_all);
}
