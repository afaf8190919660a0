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
    assert_true(above > 0.01);
    assert_true(fabs(ratio) < 4);

    /* Steps of a given size. */
    how = (asked){HOW("temperatures=15", "chains=4", "leaps=3", "step_size=0.3"), .examples = x[0], .batch = 500};
    ask(evaluator, &how, forth, 3, N);
    judge(said, truth, N, 1, &above, &ratio);
    assert_true(fabs(ratio) < 4);

    /* More: the truth of each. */
    how = (asked){HOW("temperatures=300", "chains=16"), .examples = x[0]};
    ask(evaluator, &how, forth, 3, BETTER);
    judge(said, truth, BETTER, 1, &above, &ratio);
    assert_close(above, -0.004, 4 * 0.0094); /* its deviation over 100 examples, by 1,000 */
    assert_true(fabs(ratio) < 4);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

/* log of the mean over latents z, spread as N(0, 1), of what `log_p` says of decoded z and x: by the trapezoid rule. */
static double integrate(const float *decoded, const float *x, size_t features, size_t points, double reach,
                        double (*log_p)(const float *decoded, const float *x, size_t features))
{
    double sum = 0, step = 2 * reach / (double)(points - 1);
    for (size_t i = 0; i < points; i++) {
        double z = -reach + step * (double)i;
        sum += exp(log_p(decoded + i * features, x, features) - z * z / 2) * step / sqrt(2 * acos(-1));
    }
    return log(sum);
}

static double log_bernoulli(const float *decoded, const float *x, size_t features)
{
    double sum = 0;
    for (size_t i = 0; i < features; i++) /* samples are 0 or 1 */
        sum += x[i] > 0 ? log((double)decoded[i]) : log1p(-(double)decoded[i]);
    return sum;
}

static const double noise = 0.15;

static double log_noise(const float *decoded, const float *x, size_t features)
{
    double sum = 0;
    for (size_t i = 0; i < features; i++)
        sum -= pow(((double)x[i] - (double)decoded[i]) / noise, 2) / 2 + log(noise) + log(2 * acos(-1)) / 2;
    return sum;
}

/* Decoders that are not linear, of one latent: of a variational autoencoder, and of generators with noise. */
static void walks_meet_the_integral_over_one_latent(void **state)
{
    (void)state;
    enum { N = 30, GRID = 2001, MOST = 6 };
    static const struct {
        const char *family, *data, *settings[3], *use[4];
        double (*log_p)(const float *decoded, const float *x, size_t features);
    } rows[] = {
        {"vae", unit, {"hidden=8", "latent=1", "initialiser=normal"}, {"temperatures=200", "chains=16"}, log_bernoulli},
        {"gan",
         unit,
         {"generator_hidden=8", "latent=1", "initialiser=normal"},
         {"temperatures=200", "chains=16", "sigma=0.15"},
         log_noise},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        static float grid[GRID], decoded[GRID * MOST];
        float x[N * MOST], z[N], said[N], back[N];
        double truth[N], above, ratio;
        test_parts parts;
        duet_error error = {0};
        duet_evaluator *evaluator;
        test_parts_open(&parts, device, duet_family_find(rows[r].family), rows[r].data, rows[r].settings, 3);
        test_steps(&parts, 5);
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        for (size_t i = 0; i < GRID; i++) grid[i] = (float)(-8 + 16.0 * (double)i / (GRID - 1));
        ask(evaluator, &(asked){.latents = grid}, &(duet_wanted){DUET_DECODE, decoded}, 1, GRID);
        asked how = {.settings = rows[r].use, .setting_count = r == 0 ? 2 : 3};
        ask(evaluator, &how, (const duet_wanted[]){{"simulated", x}, {DUET_PRIOR, z}}, 2, N);
        for (size_t i = 0; i < N; i++)
            truth[i] = integrate(decoded, x + i * FEATURES, FEATURES, GRID, 8, rows[r].log_p);
        how.examples = x;
        ask(evaluator, &how, &(duet_wanted){"annealed", said}, 1, N);
        judge(said, truth, N, 1, &above, &ratio);
        if (!(fabs(above) < 0.02)) fail_msg("%s: %g above", rows[r].family, above);
        how.latents = z;
        ask(evaluator, &how, &(duet_wanted){"annealed_back", back}, 1, N);
        judge(back, truth, N, -1, &above, &ratio);
        if (!(above > -0.02 && above < 0.1)) fail_msg("%s: back, %g above", rows[r].family, above);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

/* A prior that is a mixture, by the mean of p(x | z) over draws of it. */
static void walks_start_from_the_vamp_prior(void **state)
{
    (void)state;
    enum { N = 60, DRAWS = 20000 };
    static const char *const settings[] = {"hidden=8", "latent=2", "prior=vamp", "pseudo_inputs=3",
                                           "initialiser=normal"};
    static float decoded[DRAWS * FEATURES];
    float x[N * FEATURES], said[N];
    double truth[N], above, ratio;
    test_parts parts;
    duet_error error = {0};
    duet_evaluator *evaluator;
    test_parts_open(&parts, device, duet_family_find("vae"), unit, settings, 5);
    test_steps(&parts, 5);
    test_set_row(parts.model, device, "encoder.pseudo_inputs", -3, 0.3); /* components apart */
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    ask(evaluator, &(asked){.batch = 1000}, &(duet_wanted){DUET_SAMPLE, decoded}, 1, DRAWS);
    ask(evaluator, &(asked){0}, &(duet_wanted){"simulated", x}, 1, N);
    ask(evaluator, &(asked){HOW("temperatures=200", "chains=16"), .examples = x}, &(duet_wanted){"annealed", said}, 1,
        N);
    for (size_t i = 0; i < N; i++) {
        truth[i] = 0;
        for (size_t k = 0; k < DRAWS; k++)
            truth[i] += exp(log_bernoulli(decoded + k * FEATURES, x + i * FEATURES, FEATURES)) / DRAWS;
        truth[i] = log(truth[i]);
    }
    judge(said, truth, N, 1, &above, &ratio);
    assert_close(above, 0, 0.03);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_meet_the_exact_likelihood),
        cmocka_unit_test(walks_meet_the_integral_over_one_latent),
        cmocka_unit_test(walks_start_from_the_vamp_prior),
    };
    return RUN_TESTS("annealing", tests, begin, close_all);
}
