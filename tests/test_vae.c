/* SPDX-License-Identifier: MIT */
/* The options of variational autoencoders: likelihoods, what stands beside the nll, priors and importance weighting,
 * against formulas in double and against models whose likelihood is known. */
#include "model_parts.h"
#include "use.h"

#include "duet/metric.h"
#include "duet/op.h"
#include "plan/plan.h"
#include "train/evaluator.h"

static char unit[TEST_PATH_SIZE + 32], wide[TEST_PATH_SIZE + 32], colour[TEST_PATH_SIZE + 32], odd[TEST_PATH_SIZE + 32],
    labelled[TEST_PATH_SIZE + 32];

enum { FEATURES = 6, LATENT = 3 };

static duet_node objective(const test_graph *it)
{
    return it->build->procedures[0].phases[0].objectives[0].loss;
}

static bool reports(const test_graph *it, const char *name)
{
    const duet_phase_description *phase = &it->build->procedures[0].phases[0];
    bool found = false;
    for (size_t i = 0; i < phase->report_count; i++) found = found || !strcmp(phase->reports[i].name, name);
    return found;
}

/* ---- the discretised logistic ---- */

enum { LEVELS = 256, PLACES = 7 };

static const struct {
    double location, scale;
} places[PLACES] = {{0.3, 0.05}, {0.5, 1}, {-0.4, 0.01}, {1.5, 0.002}, {0.9, 0.0007}, {0, 10}, {0.002, 0.001}};

/* -log P(number / 255) from the difference of two shares; where both are near 1 from what is missing. */
static double logistic_nll(double location, double scale, size_t number)
{
    double above = ((number + 0.5) / 255 - location) / scale, below = ((number - 0.5) / 255 - location) / scale;
    if (number == 0) return test_softplus(-above);
    if (number == LEVELS - 1) return test_softplus(below);
    double far = fmin(fabs(above), fabs(below));
    if (above * below > 0 && far > 30) return far - log1p(-exp(-(above - below))); /* of the tail alone */
    return -log(above > 0 ? test_sigmoid(-below) - test_sigmoid(-above) : test_sigmoid(above) - test_sigmoid(below));
}

static void the_discretised_logistic_is_a_distribution_over_bytes(void **state)
{
    (void)state;
    enum { ROWS = PLACES * LEVELS };
    static float location[ROWS], log_scale[ROWS], x[ROWS], nll[ROWS], by_location[ROWS], by_scale[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        location[i] = (float)places[i / LEVELS].location;
        log_scale[i] = (float)log(places[i / LEVELS].scale);
        x[i] = (float)(i % LEVELS) / 255;
    }
    workshop w = workshop_open(3);
    duet_node l = duet_watch(duet_constant_values(w.graph, DUET_SHAPE(ROWS, 1), location));
    duet_node s = duet_watch(duet_constant_values(w.graph, DUET_SHAPE(ROWS, 1), log_scale));
    duet_node each = duet_discretised_logistic_nll(l, s, duet_constant_values(w.graph, DUET_SHAPE(ROWS, 1), x), LEVELS);
    duet_node roots[3] = {each};
    duet_grad(duet_sum(each, DUET_ALL_AXES, false), (const duet_node[]){l, s}, 2, roots + 1);
    duet_error error = {0};
    workshop_plan(&w, "logistic", roots, 3);
    assert_ok(duet_plan_replay(w.plan, &error), &error);
    assert_ok(duet_plan_read(w.plan, roots[0], nll, sizeof nll, &error), &error);
    assert_ok(duet_plan_read(w.plan, roots[1], by_location, sizeof nll, &error), &error);
    assert_ok(duet_plan_read(w.plan, roots[2], by_scale, sizeof nll, &error), &error);
    for (size_t p = 0; p < PLACES; p++) {
        double total = 0;
        for (size_t n = 0; n < LEVELS; n++) {
            size_t i = p * LEVELS + n;
            double m = (double)location[i], scale = exp((double)log_scale[i]), expected = logistic_nll(m, scale, n);
            double step = 1e-4 * scale, rounding = 3e-7 / scale; /* of x - location, in float32 */
            total += exp(-(double)nll[i]);
            assert_close(nll[i], expected, 3e-6 * (1 + fabs(expected)) + rounding);
            double slope = (logistic_nll(m + step, scale, n) - logistic_nll(m - step, scale, n)) / (2 * step);
            assert_close(by_location[i], slope, 2e-3 * (1 + fabs(slope)));
            slope = (logistic_nll(m, scale * exp(1e-4), n) - logistic_nll(m, scale * exp(-1e-4), n)) / 2e-4;
            assert_close(by_scale[i], slope, 2e-3 * (1 + fabs(slope)));
        }
        assert_close(total, 1, 1e-4);
    }
    workshop_close(&w);
}

/* ---- likelihoods in models ---- */

static const double first_y = -0.2, step_y = 0.3;

/* A decoder that says y_i = first + i step whatever z is. */
static void set_constant_decoder(duet_model *model)
{
    test_set(model, device, "decoder.output.weight", 0);
    test_set_row(model, device, "decoder.output.bias", first_y, step_y);
}

static void learned_sigmas_start_where_they_are_told_and_stop_at_the_floor(void **state)
{
    (void)state;
    static const struct {
        const char *family, *data, *likelihood, *per;
        bool logistic;
    } rows[] = {
        {"ae", unit, "likelihood=gaussian-learned", "sigma_per=model", false},
        {"vae", wide, "likelihood=gaussian-learned", "sigma_per=feature", false},
        {"vae", unit, "likelihood=discretised-logistic", "sigma_per=model", true},
        {"ae", unit, "likelihood=discretised-logistic", "sigma_per=feature", true},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    test_graph graphs[ROWS];
    float x[TEST_TRAINING][FEATURES];
    for (size_t i = 0; i < ROWS; i++) {
        test_graph_open(
            &graphs[i], device, DUET_BUILD_TRAIN, TEST_TRAINING, rows[i].family, rows[i].data,
            SETTINGS("hidden=", "latent=3", rows[i].likelihood, rows[i].per, "sigma=0.4", "sigma_floor=0.1"));
        duet_node nll = test_graph_report(&graphs[i], "nll");
        (void)test_graph_watch(&graphs[i], nll);
        (void)test_graph_watch(&graphs[i], test_graph_report(&graphs[i], "sigma"));
        (void)test_graph_watch(
            &graphs[i], duet_sum(test_graph_gradient(&graphs[i], nll, "decoder.log_sigma"), DUET_ALL_AXES, false));
    }
    test_graphs_plan(graphs, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        duet_error error = {0};
        test_graph *it = &graphs[i];
        bool one = !strcmp(rows[i].per, "sigma_per=model");
        assert_int_equal(test_variable(it->model, "decoder.log_sigma")->elements, one ? 1 : FEATURES);
        set_constant_decoder(it->model);
        assert_ok(duet_data_read(it->data, DUET_TRAIN, 0, TEST_TRAINING, x[0], &error), &error);
        for (size_t at_floor = 0; at_floor < 2; at_floor++) {
            double sigma = at_floor ? 0.1 : 0.4, nll = 0, slope = 0, scale = sigma * sqrt(3) / acos(-1);
            if (at_floor) test_set(it->model, device, "decoder.log_sigma", -30);
            test_graph_run(it);
            for (size_t n = 0; n < TEST_TRAINING; n++)
                for (size_t k = 0; k < FEATURES; k++) {
                    double y = first_y + (double)k * step_y, away = x[n][k] - y;
                    size_t byte = (size_t)floor(255 * (double)x[n][k] + 0.5);
                    if (rows[i].logistic) {
                        nll += logistic_nll(y, scale, byte);
                        slope += (logistic_nll(y, scale * 1.0001, byte) - logistic_nll(y, scale / 1.0001, byte)) /
                                 (2 * log(1.0001));
                    } else {
                        nll += log(sigma) + log(2 * acos(-1)) / 2 + away * away / sigma / sigma / 2;
                        slope += 1 - away * away / sigma / sigma;
                    }
                }
            nll /= TEST_TRAINING;
            slope *= (at_floor ? 0 : 1 - 0.1 / 0.4) / TEST_TRAINING; /* of the softplus: 1 - e^-(log sigma - floor) */
            assert_close(test_graph_value(it, 0), nll, 1e-5 * (1 + fabs(nll)));
            assert_close(test_graph_value(it, 1), sigma, 1e-6);
            assert_close(test_graph_value(it, 2), slope, 1e-4 * (1 + fabs(slope)));
        }
        test_graph_close(it);
    }
}

/* The mean that samples and reconstructions show is that of the bytes, to half a byte. */
static void the_logistic_mean_is_that_of_its_bytes(void **state)
{
    (void)state;
    duet_error error = {0};
    test_graph it;
    float x[FEATURES] = {0}, mean[FEATURES];
    test_graph_open(&it, device, DUET_BUILD_EVAL, 1, "vae", unit,
                    SETTINGS("hidden=", "latent=3", "likelihood=discretised-logistic", "sigma=0.4"));
    (void)test_graph_watch(&it, duet_build_output(it.build, DUET_RECONSTRUCTION));
    test_graphs_plan(&it, 1);
    set_constant_decoder(it.model);
    assert_ok(duet_plan_write(it.plan, it.build->batch, x, sizeof x, &error), &error);
    test_graph_run(&it);
    test_graph_read(&it, 0, mean, FEATURES);
    for (size_t k = 0; k < FEATURES; k++) {
        double expected = 0, scale = 0.4 * sqrt(3) / acos(-1);
        for (size_t n = 0; n < LEVELS; n++)
            expected += exp(-logistic_nll(first_y + (double)k * step_y, scale, n)) * (double)n / 255;
        assert_close(mean[k], expected, 1e-4);
    }
    test_graph_close(&it);
}

/* ---- what stands beside the nll ---- */

/* A posterior that is the same for every example: mean_k = 0.5 - k, logvar_k = 1 - 2 k. */
static double mean_of(size_t k)
{
    return 0.5 - (double)k;
}

static double logvar_of(size_t k)
{
    return 1 - 2 * (double)k;
}

static void set_constant_encoder(duet_model *model)
{
    test_set(model, device, "encoder.mean.weight", 0);
    test_set_row(model, device, "encoder.mean.bias", 0.5, -1);
    test_set(model, device, "encoder.logvar.weight", 0);
    test_set_row(model, device, "encoder.logvar.bias", 1, -2);
}

static double kl_of(size_t k)
{
    return 0.5 * (mean_of(k) * mean_of(k) + exp(logvar_of(k)) - 1 - logvar_of(k));
}

static void penalties_and_free_bits_have_their_formulas(void **state)
{
    (void)state;
    static const char *const options[] = {"regulariser=naive", "regulariser=kl", "free_bits=1.5", "free_bits=0.4"};
    enum { ROWS = sizeof options / sizeof *options };
    test_graph graphs[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        test_graph_open(&graphs[i], device, DUET_BUILD_TRAIN, TEST_TRAINING, "vae", unit,
                        SETTINGS("hidden=", "latent=3", "beta=2", "naive_ratio=0.25", options[i]));
        duet_node loss = objective(&graphs[i]);
        (void)test_graph_watch(&graphs[i], duet_subtract(loss, test_graph_report(&graphs[i], "nll")));
        (void)test_graph_watch(&graphs[i], test_graph_gradient(&graphs[i], loss, "encoder.mean.bias"));
        (void)test_graph_watch(&graphs[i], test_graph_report(&graphs[i], "kl"));
    }
    test_graphs_plan(graphs, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        double expected = 0, kl = 0, least = i == 2 ? 1.5 : i == 3 ? 0.4 : 0;
        float slope[LATENT];
        set_constant_encoder(graphs[i].model);
        set_constant_decoder(graphs[i].model);
        test_graph_run(&graphs[i]);
        test_graph_read(&graphs[i], 1, slope, LATENT);
        for (size_t k = 0; k < LATENT; k++) {
            kl += kl_of(k);
            expected += i == 0 ? mean_of(k) * mean_of(k) + 0.25 * logvar_of(k) * logvar_of(k) : fmax(kl_of(k), least);
            assert_close(slope[k], 2 * (i == 0 ? 2 * mean_of(k) : kl_of(k) > least ? mean_of(k) : 0), 1e-5);
        }
        assert_true(i != 2 || (kl_of(0) < 1.5 && kl_of(2) > 1.5)); /* some have bits to spare, some do not */
        assert_close(test_graph_value(&graphs[i], 0), 2 * expected, 1e-4);
        assert_close(test_graph_value(&graphs[i], 2), kl, 1e-5); /* whatever stands in the loss */
        test_graph_close(&graphs[i]);
    }
}

static void all_reports_have_their_formulas(void **state)
{
    (void)state;
    static const char *const names[] = {"kl_mean_part", "kl_variance_part", "posterior_sigma", "nll_gradient_norm",
                                        "kl_gradient_norm"};
    double expected[5] = {0}, squares = 0;
    test_graph it;
    test_graph_open(
        &it, device, DUET_BUILD_TRAIN, TEST_TRAINING, "vae", unit,
        SETTINGS("hidden=", "latent=3", "beta=2", "reports=all", "likelihood=gaussian", "posterior_noise=0"));
    for (size_t i = 0; i < 5; i++) (void)test_graph_watch(&it, test_graph_report(&it, names[i]));
    test_graphs_plan(&it, 1);
    set_constant_encoder(it.model);
    /* The decoder copies latents: its gradient by the mean is what it is off by, and none by the logvar without noise.
     */
    test_set(it.model, device, "decoder.output.weight", 0);
    test_set(it.model, device, "decoder.output.bias", 0);
    float weight[FEATURES * LATENT] = {0}, x[TEST_TRAINING][FEATURES];
    duet_error error = {0};
    for (size_t k = 0; k < LATENT; k++) weight[k * LATENT + k] = 1;
    assert_ok(
        duet_store_write(duet_model_store(it.model), device, "decoder.output.weight", weight, sizeof weight, &error),
        &error);
    assert_ok(duet_data_read(it.data, DUET_TRAIN, 0, TEST_TRAINING, x[0], &error), &error);
    for (size_t n = 0; n < TEST_TRAINING; n++) {
        double off = 0;
        for (size_t k = 0; k < LATENT; k++) off += pow(mean_of(k) - (double)x[n][k], 2);
        expected[3] += sqrt(off) / TEST_TRAINING;
    }
    for (size_t k = 0; k < LATENT; k++) {
        double variance = exp(logvar_of(k));
        expected[0] += mean_of(k) * mean_of(k) / 2;
        expected[1] += (variance - logvar_of(k) - 1) / 2;
        expected[2] += sqrt(variance) / LATENT;
        squares += pow(2 * mean_of(k), 2) + pow(variance - 1, 2); /* beta times mean, beta times (variance - 1) / 2 */
    }
    expected[4] = sqrt(squares);
    test_graph_run(&it);
    for (size_t i = 0; i < 5; i++) assert_close(test_graph_value(&it, i), expected[i], 1e-5 * (1 + expected[i]));
    assert_false(reports(&it, "elbo")); /* which it would not be, without the posterior's noise */
    test_graph_close(&it);
}

/* ---- noise ---- */

static void copy(duet_model *to, const char *name, duet_model *from, const char *source)
{
    duet_error error = {0};
    size_t count;
    float *values = test_get(from, device, source, &count);
    assert_int_equal(test_variable(to, name)->elements, count);
    assert_ok(duet_store_write(duet_model_store(to), device, name, values, count * sizeof *values, &error), &error);
    free(values);
}

static void expect_same(duet_model *a, const char *name, duet_model *b, const char *other)
{
    size_t count;
    float *values = test_get(a, device, name, &count), *expected = test_get(b, device, other, &count);
    for (size_t i = 0; i < count; i++) assert_close(values[i], expected[i], 1e-6 * (1 + fabs((double)expected[i])));
    free(values);
    free(expected);
}

static void without_noise_and_kl_it_is_an_autoencoder(void **state)
{
    (void)state;
    static const char *const likelihoods[] = {"likelihood=bernoulli", "likelihood=gaussian",
                                              "likelihood=gaussian-learned", "likelihood=discretised-logistic"};
    static const char *const pairs[][2] = {{"encoder.hidden1.weight", "encoder.hidden1.weight"},
                                           {"encoder.hidden1.bias", "encoder.hidden1.bias"},
                                           {"encoder.mean.weight", "encoder.code.weight"},
                                           {"encoder.mean.bias", "encoder.code.bias"},
                                           {"decoder.hidden1.weight", "decoder.hidden1.weight"},
                                           {"decoder.hidden1.bias", "decoder.hidden1.bias"},
                                           {"decoder.output.weight", "decoder.output.weight"},
                                           {"decoder.output.bias", "decoder.output.bias"},
                                           {"decoder.log_sigma", "decoder.log_sigma"}};
    for (size_t l = 0; l < sizeof likelihoods / sizeof *likelihoods; l++) {
        test_parts ae, vae;
        size_t count = sizeof pairs / sizeof *pairs - (l < 2);
        duet_error error = {0};
        double of_ae[4], of_vae[4];
        test_parts_open(&ae, device, duet_family_find("ae"), unit,
                        SETTINGS("hidden=5", "latent=3", "optimiser=sgd", "lr=0.01", "sigma=0.5", likelihoods[l]));
        test_parts_open(&vae, device, duet_family_find("vae"), unit,
                        SETTINGS("hidden=5", "latent=3", "optimiser=sgd", "lr=0.01", "sigma=0.5", likelihoods[l],
                                 "posterior_noise=0", "beta=0"));
        for (size_t i = 0; i < count; i++) copy(vae.model, pairs[i][0], ae.model, pairs[i][1]);
        for (size_t step = 0; step < 3; step++) {
            size_t weights;
            float *before = test_get(ae.model, device, pairs[0][1], &weights);
            test_steps(&ae, 1);
            test_steps(&vae, 1);
            float *after = test_get(ae.model, device, pairs[0][1], &weights);
            assert_memory_not_equal(before, after, weights * sizeof *before); /* there was a gradient */
            free(before);
            free(after);
            for (size_t i = 0; i < count; i++) expect_same(vae.model, pairs[i][0], ae.model, pairs[i][1]);
            assert_ok(duet_trainer_losses(ae.trainer, of_ae, 4, &error), &error);
            assert_ok(duet_trainer_losses(vae.trainer, of_vae, 4, &error), &error);
            assert_string_equal(duet_trainer_term(ae.trainer, 0), "nll");
            assert_string_equal(duet_trainer_term(vae.trainer, 0), "nll");
            assert_close(of_vae[0], of_ae[0], 1e-6 * (1 + fabs(of_ae[0])));
        }
        test_parts_close(&ae);
        test_parts_close(&vae);
    }
}

/* Of what the loss is made of in training; in use the posterior is whole. */
static void the_posterior_s_noise_is_scaled(void **state)
{
    (void)state;
    enum { ROWS = 4096 };
    static const double shares[2] = {0.25, 1};
    for (size_t use = 0; use < 2; use++) {
        test_graph it;
        static float z[ROWS][LATENT];
        duet_error error = {0};
        float *x = calloc(ROWS, FEATURES * sizeof *x);
        assert_non_null(x);
        test_graph_open(&it, device, use ? DUET_BUILD_EVAL : DUET_BUILD_TRAIN, ROWS, "vae", "ring8",
                        SETTINGS("hidden=", "latent=3", "posterior_noise=0.25"));
        (void)test_graph_watch(&it, duet_build_output(it.build, DUET_POSTERIOR_DRAW));
        test_graphs_plan(&it, 1);
        set_constant_encoder(it.model);
        if (use && duet_plan_holds(it.plan, it.build->batch))
            assert_ok(duet_plan_write(it.plan, it.build->batch, x, ROWS * 2 * sizeof *x, &error), &error);
        test_graph_run(&it);
        test_graph_read(&it, 0, z[0], ROWS * LATENT);
        for (size_t k = 0; k < LATENT; k++) {
            double squares = 0, expected = shares[use] * shares[use] * exp(logvar_of(k));
            for (size_t n = 0; n < ROWS; n++) squares += pow((double)z[n][k] - mean_of(k), 2) / ROWS;
            assert_close(squares, expected, 4 * expected * sqrt(2.0 / ROWS));
        }
        free(x);
        test_graph_close(&it);
    }
}

/* ---- importance weighting ---- */

static const double sigma_x = 0.7;

/* y_i = sum over k of w_ik z_k + b_i */
static double loading(size_t i, size_t k)
{
    return i % LATENT == k ? 1 - 0.15 * (double)i : 0.1 * (double)(i + k);
}

static double offset(size_t i)
{
    return 0.2 - 0.1 * (double)i;
}

/* log N(x; b, W W^T + sigma^2 I) by Cholesky's factor L; *solved = (W W^T + sigma^2 I)^-1 (x - b). */
static double exact_log_density(const float *x, double *solved)
{
    double l[FEATURES][FEATURES] = {{0}}, y[FEATURES], log_density = 0;
    for (size_t i = 0; i < FEATURES; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = i == j ? sigma_x * sigma_x : 0;
            for (size_t k = 0; k < LATENT; k++) sum += loading(i, k) * loading(j, k);
            for (size_t k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
    for (size_t i = 0; i < FEATURES; i++) {
        y[i] = (double)x[i] - offset(i);
        for (size_t k = 0; k < i; k++) y[i] -= l[i][k] * y[k];
        y[i] /= l[i][i];
        log_density -= y[i] * y[i] / 2 + log(l[i][i]) + log(2 * acos(-1)) / 2;
    }
    for (size_t i = FEATURES; i-- > 0;) {
        solved[i] = y[i];
        for (size_t k = i + 1; k < FEATURES; k++) solved[i] -= l[k][i] * solved[k];
        solved[i] /= l[i][i];
    }
    return log_density;
}

static const char *const linear[] = {"hidden=", "latent=3", "likelihood=gaussian", "sigma=0.7", "k=1000"};

/* A linear Gaussian model, and a posterior with nine tenths of the true one's mean, W^T (W W^T + sigma^2 I)^-1 (x - b),
 * and wider than it. */
static void set_linear(duet_model *model)
{
    duet_error error = {0};
    float decode[FEATURES][LATENT], encode[LATENT][FEATURES], bias[LATENT] = {0};
    for (size_t j = 0; j < FEATURES; j++) {
        float x[FEATURES];
        double solved[FEATURES]; /* column j of the inverse */
        for (size_t i = 0; i < FEATURES; i++) x[i] = (float)(offset(i) + (i == j));
        (void)exact_log_density(x, solved);
        for (size_t k = 0; k < LATENT; k++) {
            double sum = 0;
            for (size_t i = 0; i < FEATURES; i++) sum += 0.9 * loading(i, k) * solved[i];
            decode[j][k] = (float)loading(j, k);
            encode[k][j] = (float)sum;
            bias[k] -= (float)(sum * offset(j));
        }
    }
    duet_store *store = duet_model_store(model);
    assert_ok(duet_store_write(store, device, "decoder.output.weight", decode, sizeof decode, &error), &error);
    assert_ok(duet_store_write(store, device, "encoder.mean.weight", encode, sizeof encode, &error), &error);
    assert_ok(duet_store_write(store, device, "encoder.mean.bias", bias, sizeof bias, &error), &error);
    test_set_row(model, device, "decoder.output.bias", offset(0), offset(1) - offset(0));
    test_set(model, device, "encoder.logvar.weight", 0);
    test_set(model, device, "encoder.logvar.bias", log(0.4));
}

static void ask_likelihood(duet_evaluator *evaluator, const char *k, size_t batch, const float *x, size_t count,
                           float *values)
{
    duet_error error = {0};
    const duet_wanted wanted = {"log_likelihood", values};
    const duet_request request = {.count = count,
                                  .seed = 3,
                                  .examples = x,
                                  .settings = &k,
                                  .setting_count = 1,
                                  .outputs = &wanted,
                                  .output_count = 1,
                                  .batch = batch};
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
}

static void the_likelihood_rises_with_k_to_the_exact_one(void **state)
{
    (void)state;
    enum { N = 2000, BOUNDS = 5 };
    static const char *const ks[BOUNDS] = {"k=1", "k=4", "k=15", "k=100", "k=3000"};
    static float x[N][FEATURES], bounds[BOUNDS][N], apart[N], again[N];
    double mean, error_of_mean, solved[FEATURES];
    test_parts parts;
    duet_error error = {0};
    duet_evaluator *evaluator;
    test_parts_open(&parts, device, duet_family_find("vae"), wide, linear, 4);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    set_linear(parts.model);
    test_normals(5, N, FEATURES, x[0]);
    for (size_t b = 0; b < BOUNDS; b++) ask_likelihood(evaluator, ks[b], 500, x[0], N, bounds[b]);
    for (size_t b = 1; b < BOUNDS; b++) {
        for (size_t i = 0; i < N; i++) apart[i] = bounds[b][i] - bounds[b - 1][i];
        mean = test_mean(apart, N, &error_of_mean);
        if (!(mean > (b < 3 ? 3 : -3) * error_of_mean))
            fail_msg("from %s to %s: %g +- %g", ks[b - 1], ks[b], mean, error_of_mean);
    }
    for (size_t i = 0; i < N; i++) apart[i] = bounds[BOUNDS - 1][i] - (float)exact_log_density(x[i], solved);
    mean = test_mean(apart, N, &error_of_mean);
    assert_true(error_of_mean < 0.002);
    assert_close(mean, 0, 4 * error_of_mean + 0.002); /* the bound is still below by some 1 / (2 k) of the variance */

    /* Results do not depend on the batch, whatever is left over of k. */
    ask_likelihood(evaluator, "k=15", 77, x[0], N, again);
    for (size_t i = 0; i < N; i++) assert_close(again[i], bounds[2][i], 1e-5 * (1 + fabs((double)again[i])));
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

/* 1,000 draws an example leave a standard error of some .01. */
static void the_bound_trains_towards_the_likelihood(void **state)
{
    (void)state;
    test_graph it;
    duet_error error = {0};
    float x[TEST_TRAINING][FEATURES], gradient[FEATURES];
    double exact = 0, slope[FEATURES] = {0};
    test_graph_open(&it, device, DUET_BUILD_TRAIN, TEST_TRAINING, "vae", wide, linear, 5);
    (void)test_graph_watch(&it, test_graph_report(&it, "bound"));
    (void)test_graph_watch(&it, test_graph_report(&it, "elbo"));
    (void)test_graph_watch(&it, objective(&it));
    (void)test_graph_watch(&it, test_graph_gradient(&it, objective(&it), "decoder.output.bias"));
    test_graphs_plan(&it, 1);
    set_linear(it.model);
    test_graph_run(&it);
    test_graph_read(&it, 3, gradient, FEATURES);
    assert_ok(duet_data_read(it.data, DUET_TRAIN, 0, TEST_TRAINING, x[0], &error), &error);
    for (size_t n = 0; n < TEST_TRAINING; n++) {
        double solved[FEATURES];
        exact += exact_log_density(x[n], solved) / TEST_TRAINING;
        for (size_t i = 0; i < FEATURES; i++) slope[i] += solved[i] / TEST_TRAINING;
    }
    assert_close(test_graph_value(&it, 0), exact, 0.03);
    assert_close(test_graph_value(&it, 2), -test_graph_value(&it, 0), 1e-5 * fabs(exact));
    assert_true(test_graph_value(&it, 1) < exact - 0.1); /* the mean over the draws stays an ELBO */
    for (size_t i = 0; i < FEATURES; i++) assert_close(gradient[i], -slope[i], 0.05);
    test_graph_close(&it);
}

/* ---- the VampPrior ---- */

enum { COMPONENTS = 4, VAMP_LATENT = 2 };
static const char *const vamp[] = {"hidden=", "latent=2", "prior=vamp", "pseudo_inputs=4", "initialiser=normal"};

/* Means and log-variances of the components. */
static void find_components(duet_model *model, double mean[COMPONENTS][VAMP_LATENT],
                            double logvar[COMPONENTS][VAMP_LATENT])
{
    size_t count;
    float *inputs = test_get(model, device, "encoder.pseudo_inputs", &count);
    float *to_mean = test_get(model, device, "encoder.mean.weight", &count);
    float *to_logvar = test_get(model, device, "encoder.logvar.weight", &count);
    for (size_t c = 0; c < COMPONENTS; c++)
        for (size_t k = 0; k < VAMP_LATENT; k++) {
            mean[c][k] = logvar[c][k] = 0;
            for (size_t i = 0; i < FEATURES; i++) {
                double u = test_sigmoid((double)inputs[c * FEATURES + i]);
                mean[c][k] += (double)to_mean[k * FEATURES + i] * u;
                logvar[c][k] += (double)to_logvar[k * FEATURES + i] * u;
            }
        }
    free(inputs);
    free(to_mean);
    free(to_logvar);
}

static double log_gaussian(const float *z, const double *mean, const double *logvar)
{
    double sum = 0;
    for (size_t k = 0; k < VAMP_LATENT; k++)
        sum -= 0.5 * (log(2 * acos(-1)) + logvar[k] + pow((double)z[k] - mean[k], 2) / exp(logvar[k]));
    return sum;
}

static void the_vamp_prior_is_the_mixture_of_its_pseudo_inputs(void **state)
{
    (void)state;
    enum { ROWS = 5, N = 4000 };
    float x[ROWS][FEATURES], z[ROWS][VAMP_LATENT], kl[ROWS];
    static float drawn[N][VAMP_LATENT], samples[N][FEATURES], decoded[N][FEATURES];
    double mean[COMPONENTS][VAMP_LATENT], logvar[COMPONENTS][VAMP_LATENT];
    test_parts parts;
    duet_error error = {0};
    duet_evaluator *evaluator;
    test_parts_open(&parts, device, duet_family_find("vae"), unit, vamp, 5);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    size_t inputs;
    float *start = test_get(parts.model, device, "encoder.pseudo_inputs", &inputs);
    assert_int_equal(inputs, COMPONENTS * FEATURES);
    test_steps(&parts, 3);
    float *moved = test_get(parts.model, device, "encoder.pseudo_inputs", &inputs);
    for (size_t i = 0; i < inputs; i++) assert_true(start[i] != moved[i]); /* they learn */
    free(start);
    free(moved);
    /* Components far apart by the first latent, so that a single one is not mistaken for all, and not at all by the
     * second. */
    static const float to_mean[VAMP_LATENT][FEATURES] = {{-2, -1.5f, -1, -0.5f, 0, 0.5f}};
    assert_ok(
        duet_store_write(duet_model_store(parts.model), device, "encoder.mean.weight", to_mean, sizeof to_mean, &error),
        &error);
    test_set_row(parts.model, device, "encoder.pseudo_inputs", -3, 0.3);
    test_set_row(parts.model, device, "encoder.logvar.weight", -1, 0.1);
    test_set(parts.model, device, "encoder.mean.bias", 0);
    test_set(parts.model, device, "encoder.logvar.bias", 0);
    find_components(parts.model, mean, logvar);

    assert_ok(duet_data_read(parts.data, DUET_TRAIN, 0, ROWS, x[0], &error), &error);
    const duet_wanted codes[] = {{DUET_KL, kl}, {DUET_POSTERIOR_DRAW, z[0]}};
    assert_ok(duet_evaluator_use(evaluator,
                                 &(duet_request){.count = ROWS, .examples = x[0], .outputs = codes, .output_count = 2},
                                 &error),
              &error);
    for (size_t n = 0; n < ROWS; n++) {
        float m[VAMP_LATENT];
        double own_mean[VAMP_LATENT], own_logvar[VAMP_LATENT], mixture = 0;
        assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_LATENT, x[n], 1, 0, m, &error), &error);
        for (size_t k = 0; k < VAMP_LATENT; k++) {
            own_mean[k] = (double)m[k];
            own_logvar[k] = 0;
            for (size_t i = 0; i < FEATURES; i++)
                own_logvar[k] += (-1 + 0.1 * (double)(k * FEATURES + i)) * (double)x[n][i];
        }
        for (size_t c = 0; c < COMPONENTS; c++) mixture += exp(log_gaussian(z[n], mean[c], logvar[c])) / COMPONENTS;
        assert_close(kl[n], log_gaussian(z[n], own_mean, own_logvar) - log(mixture), 1e-4);
    }

    const duet_wanted made[] = {{DUET_PRIOR, drawn[0]}, {DUET_SAMPLE, samples[0]}};
    assert_ok(duet_evaluator_use(evaluator, &(duet_request){.count = N, .seed = 2, .outputs = made, .output_count = 2},
                                 &error),
              &error);
    for (size_t k = 0; k < VAMP_LATENT; k++) {
        double first = 0, second = 0, of_draws = 0, squares = 0;
        for (size_t c = 0; c < COMPONENTS; c++) {
            first += mean[c][k] / COMPONENTS;
            second += (mean[c][k] * mean[c][k] + exp(logvar[c][k])) / COMPONENTS;
        }
        double variance = second - first * first;
        for (size_t n = 0; n < N; n++) of_draws += (double)drawn[n][k] / N;
        for (size_t n = 0; n < N; n++) squares += pow((double)drawn[n][k] - of_draws, 2) / N;
        assert_true(k == 1 || variance > 2 * exp(logvar[0][k])); /* most of it is between components */
        assert_close(of_draws, first, 4 * sqrt(variance / N));
        assert_close(squares, variance, 4 * variance * sqrt(2.0 / N));
    }
    /* Samples are decoded latents, those that are given like those that are drawn. */
    assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, DUET_DECODE, drawn[0], N, 0, decoded[0], &error), &error);
    for (size_t n = 0; n < N; n++)
        for (size_t i = 0; i < FEATURES; i++) assert_close(decoded[n][i], samples[n][i], 1e-5);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

/* ---- all of them ---- */

static void contradictions_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *data, *settings[2], *piece;
    } rows[] = {
        {unit, {"k=2", "regulariser=naive"}, "k above 1"},
        {unit, {"k=2", "free_bits=0.1"}, "k above 1"},
        {unit, {"k=2", "posterior_noise=0.5"}, "k above 1"},
        {unit, {"prior=vamp", "free_bits=0.1"}, "prior=vamp"},
        {unit, {"prior=vamp", "regulariser=naive"}, "prior=vamp"},
        {unit, {"prior=vamp", "posterior_noise=0"}, "prior=vamp"},
        {unit, {"regulariser=naive", "free_bits=0.1"}, "choose one"},
        {unit, {"kl=monte-carlo", "posterior_noise=0"}, "kl=monte-carlo"},
        {wide, {"likelihood=discretised-logistic", "k=1"}, "gaussian-learned"},
        {wide, {"likelihood=bernoulli", "k=1"}, "likelihood=bernoulli is for data in [0, 1]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        test_parts parts = {0};
        assert_ok(duet_data_open(&parts.data, rows[i].data, &error), &error);
        assert_ok(duet_model_new(&parts.model, duet_family_find("vae"), parts.data, rows[i].settings, 2, 7, &error),
                  &error);
        assert_status(duet_trainer_new(&parts.trainer, device, parts.model, TEST_BATCH, &error), DUET_ERROR_GRAPH,
                      &error);
        assert_message(&error, rows[i].piece);
        test_parts_close(&parts);
    }
}

/* Data of every shape; and what a trained model says of x is no worse than its ELBO. */
static void every_option_trains(void **state)
{
    (void)state;
    static const struct {
        const char *family, *data, *settings[4];
    } rows[] = {
        {"vae", "ring8", {"likelihood=gaussian-learned", "k=5", "hidden=16", "latent=2"}},
        {"vae", colour, {"likelihood=discretised-logistic", "prior=vamp", "pseudo_inputs=3", "sigma_per=feature"}},
        {"vae", unit, {"k=3", "prior=vamp", "pseudo_inputs=5", "reports=all"}},
        {"vae", unit, {"free_bits=0.1", "regulariser=kl", "reports=all", "hidden=16"}},
        {"vae", wide, {"regulariser=naive", "posterior_noise=0.5", "reports=all", "hidden=16"}},
        {"cvae", labelled, {"prior=vamp", "pseudo_inputs=3", "k=2", "reports=all"}},
        {"vae-conv", odd, {"prior=vamp", "pseudo_inputs=3", "likelihood=gaussian-learned", "k=2"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum { STEPS = 40 };
        test_parts parts;
        duet_error error = {0};
        double terms[16], first = 0, last = 0;
        size_t count = 0, nll = 0;
        test_parts_open(&parts, device, duet_family_find(rows[i].family), rows[i].data, rows[i].settings, 4);
        while (duet_trainer_term(parts.trainer, count)) count++;
        while (strcmp(duet_trainer_term(parts.trainer, nll), "nll") != 0) nll++;
        for (size_t step = 0; step < STEPS; step++) {
            test_steps(&parts, 1);
            assert_ok(duet_trainer_losses(parts.trainer, terms, count, &error), &error);
            if (step < 5) first += terms[nll] / 5;
            if (step >= STEPS - 5) last += terms[nll] / 5;
        }
        if (!(last < first)) fail_msg("%s %s: from %g to %g", rows[i].family, rows[i].settings[0], first, last);

        duet_evaluator *evaluator;
        size_t features = duet_shape_elements(duet_data_describe(parts.data)->shape);
        float *x = malloc(TEST_TRAINING * features * sizeof *x), of_nll[TEST_TRAINING], kl[TEST_TRAINING];
        float likelihood[TEST_TRAINING];
        uint8_t classes[TEST_TRAINING] = {0};
        assert_non_null(x);
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        assert_ok(duet_data_read(parts.data, DUET_TRAIN, 0, TEST_TRAINING, x, &error), &error);
        if (duet_evaluator_has_classes(evaluator))
            assert_ok(duet_data_labels(parts.data, DUET_TRAIN, 0, TEST_TRAINING, classes, &error), &error);
        const duet_wanted bound[] = {{DUET_NLL, of_nll}, {DUET_KL, kl}}, exact = {"log_likelihood", likelihood};
        static const char *const k = "k=64";
        duet_request request = {
            .count = TEST_TRAINING, .examples = x, .classes = classes, .outputs = bound, .output_count = 2};
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
        request.outputs = &exact;
        request.output_count = request.setting_count = 1;
        request.settings = &k;
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
        for (size_t n = 0; n < TEST_TRAINING; n++) of_nll[n] = likelihood[n] + of_nll[n] + kl[n];
        double error_of_mean, mean = test_mean(of_nll, TEST_TRAINING, &error_of_mean);
        if (!(mean > -3 * error_of_mean)) fail_msg("row %zu: %g below the ELBO", i, -mean);
        free(x);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

static void write_sets(void)
{
    char path[TEST_PATH_SIZE + 64];
    duet_error error = {0};
    float numbers[TEST_EXAMPLES][FEATURES];
    uint8_t labels[TEST_EXAMPLES];
    (void)snprintf(unit, sizeof unit, "%s/unit.npy", folder);
    test_write_examples(unit, DUET_SHAPE(FEATURES));
    test_normals(11, TEST_EXAMPLES, FEATURES, numbers[0]);
    (void)snprintf(wide, sizeof wide, "%s/wide.npy", folder);
    assert_ok(duet_write_npy(wide, numbers[0], DUET_SHAPE(TEST_EXAMPLES, FEATURES), &error), &error);
    (void)snprintf(colour, sizeof colour, "%s/colour.npy", folder);
    test_write_examples(colour, DUET_SHAPE(8, 8, 3));
    (void)snprintf(odd, sizeof odd, "%s/odd.npy", folder);
    test_write_examples(odd, DUET_SHAPE(27, 29, 1));
    (void)snprintf(labelled, sizeof labelled, "%s/set", folder);
    assert_int_equal(mkdir(labelled, 0777), 0);
    (void)snprintf(path, sizeof path, "%s/set/train.npy", folder);
    test_write_examples(path, DUET_SHAPE(6, 6, 1));
    for (size_t i = 0; i < TEST_EXAMPLES; i++) labels[i] = (uint8_t)(i % 4);
    (void)snprintf(path, sizeof path, "%s/set/train-labels.npy", folder);
    assert_ok(duet_write_npy_bytes(path, labels, DUET_SHAPE(TEST_EXAMPLES), &error), &error);
}

static int begin(void **state)
{
    (void)open_all(state);
    write_sets();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_discretised_logistic_is_a_distribution_over_bytes),
        cmocka_unit_test(learned_sigmas_start_where_they_are_told_and_stop_at_the_floor),
        cmocka_unit_test(the_logistic_mean_is_that_of_its_bytes),
        cmocka_unit_test(penalties_and_free_bits_have_their_formulas),
        cmocka_unit_test(all_reports_have_their_formulas),
        cmocka_unit_test(without_noise_and_kl_it_is_an_autoencoder),
        cmocka_unit_test(the_posterior_s_noise_is_scaled),
        cmocka_unit_test(the_likelihood_rises_with_k_to_the_exact_one),
        cmocka_unit_test(the_bound_trains_towards_the_likelihood),
        cmocka_unit_test(the_vamp_prior_is_the_mixture_of_its_pseudo_inputs),
        cmocka_unit_test(contradictions_are_named),
        cmocka_unit_test(every_option_trains),
    };
    return RUN_TESTS("vae", tests, begin, close_all);
}
