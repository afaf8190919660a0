/* SPDX-License-Identifier: MIT */
/* The mixture of Gaussians: its likelihood and gradient against the formula in double, its samples against its
 * parameters, and that it finds the peaks that it is the control for. */
#include "model_parts.h"
#include "use.h"

#include "train/evaluator.h"
#include "train/trainer.h"

enum { K = 3, F = 2, NUMBERS = K + 2 * K * F };

static char scattered[TEST_PATH_SIZE + 32], colour[TEST_PATH_SIZE + 32];

static const double least = 0.3;
#define SMALL "components=3", "least_deviation=0.3", "shuffle=no"

/* Shares, means, logarithms of deviations. */
static const double start[NUMBERS] = {0.2, -0.5, 1, 0.1, 0.9, 0.5, 0.4, -0.3, 0.2, -1, -0.5, 0.25, -2, 0, -0.75};
static const struct {
    const char *name;
    size_t first, count;
} parameters[] = {{"mixture.shares", 0, K}, {"mixture.means", K, K *F}, {"mixture.log_deviations", K + K *F, K *F}};
enum { TENSORS = 3 };

static double variance_of(const double p[NUMBERS], size_t component, size_t feature)
{
    return exp(2 * p[K + K * F + component * F + feature]) + least * least;
}

static double share_of(const double p[NUMBERS], size_t component)
{
    double all = 0;
    for (size_t k = 0; k < K; k++) all += exp(p[k]);
    return exp(p[component]) / all;
}

static double nll_of(const double p[NUMBERS], const float x[F])
{
    const double pi = acos(-1);
    double density = 0;
    for (size_t k = 0; k < K; k++) {
        double of_component = share_of(p, k);
        for (size_t f = 0; f < F; f++) {
            double away = x[f] - p[K + k * F + f], variance = variance_of(p, k, f);
            of_component *= exp(-away * away / (2 * variance)) / sqrt(2 * pi * variance);
        }
        density += of_component;
    }
    return -log(density);
}

static double mean_nll(const double p[NUMBERS], float x[][F], size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += nll_of(p, x[i]) / (double)count;
    return sum;
}

static void set_parameters(duet_model *model)
{
    float values[NUMBERS];
    duet_error error = {0};
    for (size_t i = 0; i < NUMBERS; i++) values[i] = (float)start[i];
    for (size_t t = 0; t < TENSORS; t++)
        assert_ok(duet_store_write(duet_model_store(model), device, parameters[t].name, values + parameters[t].first,
                                   parameters[t].count * sizeof *values, &error),
                  &error);
}

static void likelihood_and_gradient_equal_the_formula(void **state)
{
    (void)state;
    test_graph it;
    duet_error error = {0};
    float x[TEST_BATCH][F], nll[TEST_BATCH], gradient[NUMBERS];
    double p[NUMBERS];
    test_graph_open(&it, device, DUET_BUILD_TRAIN, TEST_BATCH, "mixture", scattered, SETTINGS(SMALL));
    duet_node loss = test_graph_report(&it, "nll");
    (void)test_graph_watch(&it, duet_build_output(it.build, "nll"));
    for (size_t t = 0; t < TENSORS; t++)
        (void)test_graph_watch(&it, test_graph_gradient(&it, loss, parameters[t].name));
    test_graphs_plan(&it, 1);
    set_parameters(it.model);
    test_graph_run(&it);
    assert_ok(duet_data_read(it.data, DUET_TRAIN, 0, TEST_BATCH, x[0], &error), &error);
    test_graph_read(&it, 0, nll, TEST_BATCH);
    for (size_t i = 0; i < TEST_BATCH; i++) assert_close(nll[i], nll_of(start, x[i]), 3e-6);
    for (size_t t = 0; t < TENSORS; t++)
        test_graph_read(&it, t + 1, gradient + parameters[t].first, parameters[t].count);
    memcpy(p, start, sizeof start);
    for (size_t i = 0; i < NUMBERS; i++) {
        const double step = 1e-5;
        p[i] = start[i] + step;
        double above = mean_nll(p, x, TEST_BATCH);
        p[i] = start[i] - step;
        assert_close(gradient[i], (above - mean_nll(p, x, TEST_BATCH)) / (2 * step), 5e-6);
        p[i] = start[i];
    }
    test_graph_close(&it);
}

/* Mean and second moment of each feature, and of their product, within four standard errors. */
static void samples_follow_the_parameters(void **state)
{
    (void)state;
    enum { N = 20000, MOMENTS = 5 };
    static float samples[N][F], moment[N];
    test_parts parts;
    duet_error error = {0};
    duet_evaluator *evaluator;
    test_parts_open(&parts, device, duet_family_find("mixture"), scattered, SETTINGS(SMALL));
    set_parameters(parts.model);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    const duet_wanted wanted = {DUET_SAMPLE, samples[0]};
    const duet_request request = {.count = N, .seed = 3, .outputs = &wanted, .output_count = 1, .batch = 3000};
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    double expected[MOMENTS] = {0};
    for (size_t k = 0; k < K; k++) {
        const double *mean = start + K + k * F, share = share_of(start, k);
        for (size_t f = 0; f < F; f++) {
            expected[f] += share * mean[f];
            expected[F + f] += share * (mean[f] * mean[f] + variance_of(start, k, f));
        }
        expected[4] += share * mean[0] * mean[1];
    }
    for (size_t which = 0; which < MOMENTS; which++) {
        double standard_error;
        for (size_t i = 0; i < N; i++) {
            float a = samples[i][0], b = samples[i][1];
            moment[i] = which == 0 ? a : which == 1 ? b : which == 2 ? a * a : which == 3 ? b * b : a * b;
        }
        double mean = test_mean(moment, N, &standard_error);
        assert_close(mean, expected[which], 4 * standard_error);
    }
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

/* Two peaks at -2 and 2 of deviation 1/2 have an entropy of log 2 + log(2 pi e / 4) / 2 = 1.41886 nats, less 1e-4 where
 * they overlap. Over 10,000 draws the deviation of the mean is 0.007; seeds 0 to 4 of the command line ended within
 * 0.004 of each other. */
static void maximum_likelihood_finds_both_peaks(void **state)
{
    (void)state;
    enum { N = 10000 };
    static float x[N], nll[N];
    test_parts parts;
    duet_error error = {0};
    duet_evaluator *evaluator;
    size_t count;
    test_parts_open_batch(&parts, device, duet_family_find("mixture"), "two-peaks", 128, NULL, 0);
    test_steps(&parts, 1500);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    assert_ok(duet_data_read(parts.data, DUET_TEST, 0, N, x, &error), &error);
    assert_ok(test_evaluate(evaluator, TEST_FROM_EXAMPLES, DUET_NLL, x, N, 1, nll, &error), &error);
    assert_close(test_mean(nll, N, NULL), 1.4189, 0.02);
    float *means = test_get(parts.model, device, "mixture.means", &count);
    assert_int_equal(count, 2);
    assert_close(fmaxf(means[0], means[1]), 2, 0.1);
    assert_close(fminf(means[0], means[1]), -2, 0.1);
    free(means);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

static void any_pictures_will_do(void **state)
{
    (void)state;
    test_parts parts;
    duet_error error = {0};
    double first, last;
    test_parts_open(&parts, device, duet_family_find("mixture"), colour, SETTINGS("components=4"));
    test_steps(&parts, 1);
    assert_ok(duet_trainer_losses(parts.trainer, &first, 1, &error), &error);
    test_steps(&parts, 30);
    assert_ok(duet_trainer_losses(parts.trainer, &last, 1, &error), &error);
    assert_true(last < first);
    test_parts_close(&parts);
}

static int begin(void **state)
{
    (void)open_all(state);
    (void)snprintf(scattered, sizeof scattered, "%s/scattered.npy", folder);
    (void)snprintf(colour, sizeof colour, "%s/colour.npy", folder);
    test_write_examples(scattered, DUET_SHAPE(F));
    test_write_examples(colour, DUET_SHAPE(5, 7, 3));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likelihood_and_gradient_equal_the_formula),
        cmocka_unit_test(samples_follow_the_parameters),
        cmocka_unit_test(maximum_likelihood_finds_both_peaks),
        cmocka_unit_test(any_pictures_will_do),
    };
    return RUN_TESTS("mixture", tests, begin, close_all);
}
