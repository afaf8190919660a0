/* SPDX-License-Identifier: MIT */
/* Importance weighting against a model whose likelihood is known, the VampPrior against its mixture, and every option
 * of variational autoencoders in training, which holds what it says of x to no less than the ELBO. */
#include "linear_gaussian.h"

/* ---- importance weighting ---- */

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

/* A likelihood of bytes is given in bits a feature too; one of grey values is not. */
static void bits_are_nats_of_bytes(void **state)
{
    (void)state;
    enum { N = 20, BYTES = 8 * 8 * 3 };
    static float x[TEST_TRAINING][BYTES];
    float nats[N], bits[N];
    static const char *const small[] = {"likelihood=discretised-logistic", "hidden=8", "latent=2"};
    static const char *const k = "k=25";
    duet_error error = {0};
    test_parts parts;
    duet_evaluator *evaluator;
    test_parts_open(&parts, device, duet_family_find("vae"), colour, small, 3);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    assert_ok(duet_data_read(parts.data, DUET_TRAIN, 0, N, x[0], &error), &error);
    const duet_wanted wanted[] = {{"log_likelihood", nats}, {"log_likelihood_bits", bits}};
    const duet_request request = {
        .count = N, .examples = x[0], .settings = &k, .setting_count = 1, .outputs = wanted, .output_count = 2};
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    for (size_t i = 0; i < N; i++) assert_close(bits[i], -(double)nats[i] / log(2) / BYTES, 1e-5 * (double)bits[i]);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
    test_parts_open(&parts, device, duet_family_find("vae"), colour, small + 1, 2);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    assert_int_equal(duet_evaluator_features(evaluator, "log_likelihood"), 1);
    assert_int_equal(duet_evaluator_features(evaluator, "log_likelihood_bits"), 0);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
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
        {wide,
         {"likelihood=discretised-logistic", "k=1"},
         ", and of that (255 * array).round().astype('u1'); or take likelihood=gaussian-learned, which"},
        {wide, {"likelihood=bernoulli", "k=1"}, "likelihood=bernoulli is for data in [0, 1], and the examples of "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        test_parts parts = {0};
        assert_ok(duet_data_open(&parts.data, rows[i].data, &error), &error);
        assert_ok(duet_model_new(&parts.model, duet_family_find("vae"), parts.data, rows[i].settings, 2, 7, &error),
                  &error);
        duet_status expected = rows[i].data == wide ? DUET_ERROR_DATA : DUET_ERROR_USAGE;
        assert_status(duet_trainer_new(&parts.trainer, device, parts.model, TEST_BATCH, &error), expected, &error);
        assert_null(strstr(error.message, ".c:"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_likelihood_rises_with_k_to_the_exact_one),
        cmocka_unit_test(bits_are_nats_of_bytes),
        cmocka_unit_test(the_bound_trains_towards_the_likelihood),
        cmocka_unit_test(the_vamp_prior_is_the_mixture_of_its_pseudo_inputs),
        cmocka_unit_test(contradictions_are_named),
        cmocka_unit_test(every_option_trains),
    };
    return RUN_TESTS("vae bounds", tests, begin, close_all);
}
