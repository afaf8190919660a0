/* SPDX-License-Identifier: MIT */
/* Flow matching and denoising diffusion: their samplers and densities under fields that are known, those of Gaussian
 * data, and what short trainings find. */
#include "diffusion_parts.h"

/* Data of two numbers, N(mu, deviation^2): what is known of it is known at all times. */
static const double mu[2] = {0.3, -0.7}, deviation = 0.6;

/* ---- the flow of Gaussian data ---- */

static duet_node row_of_mu(duet_model *m)
{
    const float values[2] = {(float)mu[0], (float)mu[1]};
    return duet_constant_values(duet_model_graph(m), DUET_SHAPE(1, 2), values);
}

/* E(data - noise | x) where x = (1 - t) noise + t data. */
static duet_node gaussian_velocity(duet_model *m, duet_node x, duet_node t)
{
    duet_node mean = row_of_mu(m), left = duet_shift(duet_negate(t), 1);
    duet_node ours = duet_scale(t, deviation * deviation);
    duet_node variance = duet_add(duet_multiply(t, ours), duet_square(left));
    duet_node slope = duet_divide(duet_subtract(ours, left), variance);
    return duet_add(mean, duet_multiply(slope, duet_subtract(x, duet_multiply(t, mean))));
}

static void build_gaussian_flow(duet_model *m)
{
    duet_flow_matching_use(m, gaussian_velocity);
}

static const duet_family gaussian_flow = {
    .name = "flow", .summary = "test", .paper = "none", .build = build_gaussian_flow};

/* That flow takes z to mu + deviation z: lines of the Gaussian's quantiles do not cross. */
static double flow_error(used *it, const float *z, size_t count, const char *const settings[2])
{
    float *made = malloc(2 * count * sizeof *made);
    double most = 0;
    assert_non_null(made);
    ask(it, TEST_FROM_LATENTS, DUET_DECODE, z, count, NULL, settings, 2, made);
    for (size_t i = 0; i < 2 * count; i++)
        most = fmax(most, fabs((double)made[i] - (mu[i % 2] + deviation * (double)z[i])));
    free(made);
    return most;
}

static void solvers_converge_at_their_orders(void **state)
{
    (void)state;
    enum { N = 50 };
    static const char *const settings[2][3][2] = {
        {{"order=1", "steps=16"}, {"order=1", "steps=32"}, {"order=1", "steps=64"}},
        {{"order=2", "steps=32"}, {"order=2", "steps=64"}, {"order=2", "steps=128"}}};
    float z[2 * N];
    used it = use_open(&gaussian_flow, "ring8", NULL, 0);
    test_normals(3, N, 2, z);
    for (size_t order = 1; order <= 2; order++) {
        double errors[3];
        for (size_t i = 0; i < 3; i++) errors[i] = flow_error(&it, z, N, settings[order - 1][i]);
        for (size_t i = 0; i < 2; i++) assert_close(log2(errors[i] / errors[i + 1]), (double)order, 0.2);
        assert_true(errors[0] > 1e-4 && errors[2] < 0.05);
    }
    use_close(&it);
}

/* Mean and variance of each of two numbers lie within five standard errors of what they should be. */
static void assert_moments(const float *values, size_t count, const double mean[2], double variance)
{
    for (size_t k = 0; k < 2; k++) {
        double sum = 0, squares = 0, n = (double)count;
        for (size_t i = 0; i < count; i++) sum += values[2 * i + k];
        for (size_t i = 0; i < count; i++) squares += pow(values[2 * i + k] - sum / n, 2);
        assert_close(sum / n, mean[k], 5 * sqrt(variance / n));
        assert_close(squares / (n - 1), variance, 5 * variance * sqrt(2 / n));
    }
}

static void a_flow_samples_its_law(void **state)
{
    (void)state;
    enum { N = 4000 };
    static float samples[2 * N];
    duet_error error = {0};
    used it = use_open(&gaussian_flow, "ring8", NULL, 0);
    const duet_wanted wanted = {DUET_SAMPLE, samples};
    const duet_request request = {.count = N, .seed = 5, .outputs = &wanted, .output_count = 1, .batch = 1000};
    assert_ok(duet_evaluator_use(it.evaluator, &request, &error), &error);
    assert_moments(samples, N, mu, deviation * deviation);
    use_close(&it);
}

/* Of data in [0, 1] the flow is that of the centred data, which are twice as wide each way. */
static void the_density_of_a_flow_is_the_gaussians(void **state)
{
    (void)state;
    enum { N = 40 };
    static const char *const steps[] = {"steps=200"}, *const first_order[] = {"steps=200", "order=1"};
    const double log_2_pi = log(2 * 3.14159265358979323846);
    for (size_t centred = 0; centred < 2; centred++) {
        float x[2 * N], nll[N], coarse[N], z[2 * N];
        used it = use_open(&gaussian_flow, centred ? unit : "ring8", NULL, 0);
        for (size_t i = 0; i < 2 * N; i++) x[i] = (float)(i * 37 % 101) / 100;
        ask(&it, TEST_FROM_EXAMPLES, DUET_NLL, x, N, NULL, steps, 1, nll);
        ask(&it, TEST_FROM_EXAMPLES, DUET_NLL, x, N, NULL, first_order, 2, coarse);
        ask(&it, TEST_FROM_EXAMPLES, DUET_LATENT, x, N, NULL, steps, 1, z);
        for (size_t i = 0; i < N; i++) {
            double expected = centred ? -2 * log(2) : 0;
            for (size_t k = 0; k < 2; k++) {
                double at = centred ? 2 * (double)x[2 * i + k] - 1 : x[2 * i + k], code = (at - mu[k]) / deviation;
                expected += (code * code + log_2_pi) / 2 + log(deviation);
                assert_close(z[2 * i + k], code, 1e-3);
            }
            assert_close(nll[i], expected, 1e-3);
            assert_close(coarse[i], expected, 0.05);
        }
        use_close(&it);
    }
}

/* ---- diffusion of Gaussian data ---- */

enum { TIMESTEPS = 200 };

/* The cosine schedule as Nichol & Dhariwal have it: alpha-bar, and betas of at most 0.999. */
static double alpha_bar(size_t t)
{
    const double pi = 3.14159265358979323846;
    double first = cos(0.008 / 1.008 * pi / 2), here = cos(((double)t / TIMESTEPS + 0.008) / 1.008 * pi / 2);
    return t == TIMESTEPS ? 0.001 * alpha_bar(t - 1) : here * here / (first * first);
}

/* E(noise | x) where x = sqrt(alpha) data + sqrt(1 - alpha) noise. */
static duet_node gaussian_noise(duet_model *m, duet_node x, duet_node time)
{
    float table[TIMESTEPS];
    for (size_t t = 1; t <= TIMESTEPS; t++) table[t - 1] = (float)alpha_bar(t);
    duet_graph *graph = duet_model_graph(m);
    duet_node t = duet_floor(duet_shift(duet_scale(time, TIMESTEPS), 0.5));
    duet_node row = duet_equal(t, duet_shift(duet_range(graph, TIMESTEPS), 1));
    duet_node alpha =
        duet_sum(duet_multiply(row, duet_constant_values(graph, DUET_SHAPE(1, TIMESTEPS), table)), DUET_AXIS(1), true);
    duet_node left = duet_shift(duet_negate(alpha), 1);
    duet_node variance = duet_add(duet_scale(alpha, deviation * deviation), left);
    duet_node away = duet_subtract(x, duet_multiply(duet_sqrt(alpha), row_of_mu(m)));
    return duet_divide(duet_multiply(duet_sqrt(left), away), variance);
}

static void build_gaussian_diffusion(duet_model *m)
{
    duet_ddpm_use(m, gaussian_noise);
}

static const duet_setting diffusion_settings[] = {DUET_DDPM_SETTINGS};

static const duet_family gaussian_diffusion = {.name = "diffusion",
                                               .summary = "test",
                                               .paper = "none",
                                               .build = build_gaussian_diffusion,
                                               .settings = diffusion_settings,
                                               .setting_count = 2};

/* What `steps` steps of Ho et al.'s algorithm 2 make of N(start, variance): q(x_s | x_t, x_0) of eq. 7 at the x_0 that
 * the noise implies, with beta-tilde's noise or, deterministic, with DDIM's step (eq. 13 there). */
static void expect(size_t steps, bool ancestral, double mean[2], double *variance)
{
    for (size_t i = steps; i > 0; i--) {
        size_t stride = TIMESTEPS / steps, t = stride * (i - 1) + (stride + 1) / 2, s = i > 1 ? t - stride : 0;
        double a = alpha_bar(t), b = s > 0 ? alpha_bar(s) : 1, beta = 1 - a / b;
        double slope = sqrt(1 - a) / (a * deviation * deviation + 1 - a); /* noise = slope (x - sqrt(a) mu) */
        double clear = (1 - sqrt(1 - a) * slope) / sqrt(a);               /* x_0 = clear x + share mu */
        double share = sqrt(1 - a) * slope;
        double from_clear = ancestral ? sqrt(b) * beta / (1 - a) : sqrt(b) - sqrt(1 - b) * sqrt(a / (1 - a));
        double from_x = ancestral ? sqrt(a / b) * (1 - b) / (1 - a) : sqrt((1 - b) / (1 - a));
        double factor = from_x + from_clear * clear;
        for (size_t k = 0; k < 2; k++) mean[k] = factor * mean[k] + from_clear * share * mu[k];
        *variance = factor * factor * *variance + (ancestral ? beta * (1 - b) / (1 - a) : 0);
    }
}

static void diffusion_samples_its_law(void **state)
{
    (void)state;
    enum { N = 4000 };
    static const struct {
        const char *settings[2];
        size_t steps;
        bool ancestral;
        double near; /* how near that law is to the data's */
    } rows[] = {{{"steps=200", "eta=1"}, 200, true, 0.05},
                {{"steps=200", "eta=0"}, 200, false, 0.05},
                {{"steps=40", "eta=1"}, 40, true, 0.2},
                {{"steps=40", "eta=0"}, 40, false, 0.2}};
    static const char *const settings[] = {"timesteps=200"};
    static float samples[2 * N], z[2 * N];
    used it = use_open(&gaussian_diffusion, "ring8", settings, 1);
    for (size_t r = 0; r < 4; r++) {
        duet_error error = {0};
        double mean[2] = {0, 0}, variance = 1;
        const duet_wanted wanted[] = {{DUET_SAMPLE, samples}, {DUET_PRIOR, z}};
        const duet_request request = {.count = N,
                                      .seed = 5,
                                      .settings = rows[r].settings,
                                      .setting_count = 2,
                                      .outputs = wanted,
                                      .output_count = 2,
                                      .batch = 1000};
        assert_ok(duet_evaluator_use(it.evaluator, &request, &error), &error);
        expect(rows[r].steps, rows[r].ancestral, mean, &variance);
        for (size_t k = 0; k < 2; k++) assert_close(mean[k], mu[k], rows[r].near);
        assert_close(variance / deviation / deviation, 1, rows[r].near);
        assert_moments(samples, N, mean, variance);
        for (size_t i = 0; i < 2 * N && !rows[r].ancestral; i++)
            assert_close(samples[i], mean[i % 2] + sqrt(variance) * (double)z[i], 1e-3);
    }
    use_close(&it);
}

/* What a row draws does not depend on the batch it lies in. */
static void samples_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    enum { N = 30 };
    static const char *const settings[] = {"timesteps=200"}, *const few[] = {"steps=10"};
    static const size_t batches[] = {0, 7, 1};
    float samples[3][2 * N];
    used it = use_open(&gaussian_diffusion, "ring8", settings, 1);
    for (size_t i = 0; i < 3; i++) {
        duet_error error = {0};
        const duet_wanted wanted = {DUET_SAMPLE, samples[i]};
        const duet_request request = {.count = N,
                                      .seed = 3,
                                      .settings = few,
                                      .setting_count = 1,
                                      .outputs = &wanted,
                                      .output_count = 1,
                                      .batch = batches[i]};
        assert_ok(duet_evaluator_use(it.evaluator, &request, &error), &error);
        assert_memory_equal(samples[i], samples[0], sizeof samples[0]);
    }
    use_close(&it);
}

/* ---- trained ---- */

/* Backwards and forwards are one path; of weights drawn by chance smooth enough for the solver where the time is not
 * told. */
static void codes_decode_to_their_examples(void **state)
{
    (void)state;
    enum { N = 20 };
    static const char *const settings[] = {"hidden=16,16", "width=8", "average=0"}, *const steps[] = {"steps=100"};
    float x[2 * N], z[2 * N], again[2 * N];
    double moved = 0;
    used it = use_open(duet_family_find("flow-matching"), "ring8", settings, 3);
    scatter(it.model, 0.4);
    test_set(it.model, device, "net.time1.weight", 0);
    test_normals(2, N, 2, x);
    ask(&it, TEST_FROM_EXAMPLES, DUET_LATENT, x, N, NULL, steps, 1, z);
    ask(&it, TEST_FROM_LATENTS, DUET_DECODE, z, N, NULL, steps, 1, again);
    for (size_t i = 0; i < 2 * N; i++) {
        assert_close(again[i], x[i], 1e-3);
        moved = fmax(moved, fabs((double)z[i] - (double)x[i]));
    }
    assert_true(moved > 0.1);
    use_close(&it);
}

/* Two peaks, learnt in a short time: samples lie at both, in the middle none. */
static void trained_models_find_both_peaks(void **state)
{
    (void)state;
    static const char *const names[] = {"flow-matching", "ddpm"}, *const settings[] = {"hidden=64,64", "lr=0.003"};
    enum { N = 1000 };
    for (size_t f = 0; f < 2; f++) {
        test_parts parts;
        duet_evaluator *evaluator;
        duet_error error = {0};
        float samples[N];
        size_t left = 0, right = 0;
        test_parts_open_batch(&parts, device, duet_family_find(names[f]), "two-peaks", 128, settings, 2);
        test_steps(&parts, 500);
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        const duet_wanted wanted = {DUET_SAMPLE, samples};
        const duet_request request = {.count = N, .seed = 1, .outputs = &wanted, .output_count = 1, .batch = N};
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
        for (size_t i = 0; i < N; i++) {
            left += fabs((double)samples[i] + 2) < 1.5;
            right += fabs((double)samples[i] - 2) < 1.5;
        }
        if (left < 350 || right < 350 || left + right < 950)
            fail_msg("%s: of %d samples %zu lie at the left peak and %zu at the right", names[f], N, left, right);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solvers_converge_at_their_orders),       cmocka_unit_test(a_flow_samples_its_law),
        cmocka_unit_test(the_density_of_a_flow_is_the_gaussians), cmocka_unit_test(diffusion_samples_its_law),
        cmocka_unit_test(samples_do_not_depend_on_the_batch),     cmocka_unit_test(codes_decode_to_their_examples),
        cmocka_unit_test(trained_models_find_both_peaks),
    };
    return RUN_TESTS("diffusion", tests, begin, close_all);
}
