/* SPDX-License-Identifier: MIT */
/* Annealed importance sampling against likelihoods that are known: of a linear Gaussian model, and by quadrature over a
 * single latent. Weights have the mean p(x) however few the steps, which nothing but right moves achieves. */
#include "linear_gaussian.h"

typedef struct asked {
    const char *const *settings;
    size_t setting_count;
    const float *examples, *latents;
    size_t batch;
} asked;

static void ask(duet_evaluator *evaluator, const asked *how, const duet_wanted *wanted, size_t outputs, size_t count)
{
    duet_error error = {0};
    const duet_request request = {.count = count,
                                  .seed = 3,
                                  .examples = how->examples,
                                  .latents = how->latents,
                                  .settings = how->settings,
                                  .setting_count = how->setting_count,
                                  .outputs = wanted,
                                  .output_count = outputs,
                                  .batch = how->batch};
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
}

#define HOW(...)                                                                                                       \
    .settings = (const char *const[]){__VA_ARGS__},                                                                    \
    .setting_count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

/* What is said of p(x), in nats above the truth, and the ratio of what is said to it, whose mean is to be 1. */
static void judge(const float *said, const double *truth, size_t count, double sign, double *above, double *ratio)
{
    float apart[4000], ratios[4000];
    double error_of_mean;
    for (size_t i = 0; i < count; i++) {
        apart[i] = (float)((double)said[i] - truth[i]);
        ratios[i] = (float)exp(sign * (double)apart[i]);
    }
    *above = test_mean(apart, count, &error_of_mean);
    double mean = test_mean(ratios, count, &error_of_mean);
    *ratio = (mean - 1) / error_of_mean;
}

static void walks_meet_the_exact_likelihood(void **state)
{
    (void)state;
    enum { N = 1000, BETTER = 100 };
    static float x[N][FEATURES], z[N][LATENT], said[N], chains[N], acceptance[N], again[N];
    static double truth[N];
    double solved[FEATURES], above, ratio, error_of_mean;
    test_parts parts;
    duet_error error = {0};
    duet_evaluator *evaluator;
    test_parts_open(&parts, device, duet_family_find("vae"), wide, linear, 4);
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    set_linear(parts.model);

    /* The model's own examples, and the latents they are of. */
    const duet_wanted made[] = {{"simulated", x[0]}, {DUET_PRIOR, z[0]}};
    ask(evaluator, &(asked){.batch = 500}, made, 2, N);
    for (size_t i = 0; i < N; i++) truth[i] = exact_log_density(x[i], solved);
    for (size_t f = 0; f < FEATURES; f++) {
        double mean = 0, variance = sigma_x * sigma_x, squares = 0;
        for (size_t k = 0; k < LATENT; k++) variance += loading(f, k) * loading(f, k);
        for (size_t i = 0; i < N; i++) mean += (double)x[i][f] / N;
        for (size_t i = 0; i < N; i++) squares += pow((double)x[i][f] - mean, 2) / N;
        assert_close(mean, offset(f), 4 * sqrt(variance / N));
        assert_close(squares, variance, 4 * variance * sqrt(2.0 / N));
    }

    /* Few steps: far below and above, but right in the mean of weights. */
    const duet_wanted forth[] = {{"annealed", said}, {"annealed_chains", chains}, {"annealed_acceptance", acceptance}};
    asked how = {HOW("temperatures=15", "chains=4", "leaps=3"), .examples = x[0], .batch = 500};
    ask(evaluator, &how, forth, 3, N);
    judge(said, truth, N, 1, &above, &ratio);
    printf("few: %g above, ratio off by %g, chains %g, acceptance %g\n", above, ratio,
           test_mean(chains, N, &error_of_mean), test_mean(acceptance, N, &error_of_mean));
    assert_true(above < -0.01);
    assert_true(fabs(ratio) < 4);
    assert_true(test_mean(chains, N, &error_of_mean) > 1 && test_mean(chains, N, &error_of_mean) < 4);
    assert_close(test_mean(acceptance, N, &error_of_mean), 0.65, 0.1);
    how.batch = 77;
    ask(evaluator, &how, &(duet_wanted){"annealed", again}, 1, 100);
    for (size_t i = 0; i < 100; i++) assert_close(again[i], said[i], 2e-3);
    how.latents = z[0];
    how.batch = 500;
    ask(evaluator, &how, &(duet_wanted){"annealed_back", said}, 1, N);
    judge(said, truth, N, -1, &above, &ratio);
    printf("back: %g above, ratio off by %g\n", above, ratio);
    assert_true(above > 0.01);
    assert_true(fabs(ratio) < 4);

    /* Steps of a given size. */
    how = (asked){HOW("temperatures=15", "chains=4", "leaps=3", "step_size=0.3"), .examples = x[0], .batch = 500};
    ask(evaluator, &how, forth, 3, N);
    judge(said, truth, N, 1, &above, &ratio);
    printf("fixed: %g above, ratio off by %g\n", above, ratio);
    assert_true(fabs(ratio) < 4);

    /* More: the truth of each. */
    how = (asked){HOW("temperatures=300", "chains=16"), .examples = x[0]};
    ask(evaluator, &how, forth, 3, BETTER);
    judge(said, truth, BETTER, 1, &above, &ratio);
    printf("more: %g above, ratio off by %g, chains %g\n", above, ratio, test_mean(chains, BETTER, &error_of_mean));
    assert_close(above, 0, 0.01);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_meet_the_exact_likelihood),
    };
    return RUN_TESTS("annealing", tests, begin, close_all);
}
