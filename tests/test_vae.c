/* SPDX-License-Identifier: MIT */
/* The likelihoods of variational autoencoders, what stands beside the nll, and the posterior's noise, against formulas
 * in double. */
#include "vae_parts.h"

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

/* ---- likelihoods in models ---- */

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
    };
    return RUN_TESTS("vae", tests, begin, close_all);
}
