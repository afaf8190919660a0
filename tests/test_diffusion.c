/* SPDX-License-Identifier: MIT */
/* Flow matching and denoising diffusion: their samplers and densities under fields that are known, those of Gaussian
 * data; the network, part by part; guidance. */
#include "use.h"

#include "model_parts.h"

#include "model/families/diffusion.h"

/* Data of two numbers, N(mu, deviation^2): what is known of it is known at all times. */
static const double mu[2] = {0.3, -0.7}, deviation = 0.6;

static char labelled[TEST_PATH_SIZE + 16], unit[TEST_PATH_SIZE + 16], odd[TEST_PATH_SIZE + 16],
    small[TEST_PATH_SIZE + 16], colour[TEST_PATH_SIZE + 16], square[TEST_PATH_SIZE + 16];

enum { CLASSES = 3 };

/* A model and its evaluator; no training. */
typedef struct used {
    duet_data *data;
    duet_model *model;
    duet_evaluator *evaluator;
} used;

static used use_open(const duet_family *family, const char *data, const char *const *settings, size_t count)
{
    duet_error error = {0};
    used it = {0};
    assert_ok(duet_data_open(&it.data, data, &error), &error);
    assert_ok(duet_model_new(&it.model, family, it.data, settings, count, 7, &error), &error);
    assert_ok(duet_evaluator_new(&it.evaluator, device, it.model, &error), &error);
    return it;
}

static void use_close(used *it)
{
    duet_evaluator_free(&it->evaluator);
    duet_model_free(&it->model);
    duet_data_close(&it->data);
}

/* One output of rows of latents or examples, with settings of the request. */
static void ask(used *it, test_source source, const char *output, const float *rows, size_t count,
                const uint8_t *classes, const char *const *settings, size_t setting_count, float *values)
{
    duet_error error = {0};
    const duet_wanted wanted = {output, values};
    duet_request request = test_request(source, rows, count, 1, &wanted);
    request.classes = classes;
    request.settings = settings;
    request.setting_count = setting_count;
    assert_ok(duet_evaluator_use(it->evaluator, &request, &error), &error);
}

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

/* ---- the network ---- */

static void build_net(duet_model *m)
{
    duet_node time = duet_constant_values(duet_model_graph(m), DUET_SHAPE(1, 1), (const float[]){0.3f});
    duet_own_output(m, "field", duet_unet(m, duet_model_batch(m), time, NULL));
}

static const duet_setting net_settings[] = {DUET_UNET_SETTINGS};

static const duet_family net = {.name = "net",
                                .summary = "test",
                                .paper = "none",
                                .build = build_net,
                                .settings = net_settings,
                                .setting_count = sizeof net_settings / sizeof *net_settings};

/* Every parameter drawn anew: those that start at 0 too. */
static void scatter(duet_model *model, double size)
{
    duet_variable *variable;
    duet_error error = {0};
    for (size_t v = 0; (variable = duet_store_at(duet_model_store(model), v)) != NULL; v++) {
        if (!variable->optimised) continue;
        float *values = malloc(variable->elements * sizeof *values);
        assert_non_null(values);
        test_normals(v + 1, variable->elements, 1, values);
        for (size_t i = 0; i < variable->elements; i++) values[i] *= (float)size;
        assert_ok(duet_store_write(duet_model_store(model), device, variable->name, values,
                                   variable->elements * sizeof *values, &error),
                  &error);
        free(values);
    }
}

static void networks_keep_the_shape_of_examples(void **state)
{
    (void)state;
    static const struct {
        const char *data, *settings[2];
    } rows[] = {
        {square, {"width=2", "levels=3"}}, {odd, {"width=2", "levels=2"}},       {colour, {"width=5", "levels=1"}},
        {small, {"width=4", "levels=0"}},  {"ring8", {"width=3", "hidden=5,7"}}, {"two-peaks", {"width=1", "hidden="}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        enum { N = 2 };
        used it = use_open(&net, rows[r].data, rows[r].settings, 2);
        size_t features = duet_shape_elements(duet_data_describe(it.data)->shape);
        float *x = malloc(N * features * sizeof *x), *y = malloc(N * features * sizeof *y);
        assert_true(x != NULL && y != NULL);
        assert_int_equal(duet_evaluator_features(it.evaluator, "field"), features);
        test_normals(1, N, features, x);
        ask(&it, TEST_FROM_EXAMPLES, "field", x, N, NULL, NULL, 0, y);
        for (size_t i = 0; i < N * features; i++) assert_true(y[i] == 0); /* at first */
        scatter(it.model, 0.3);
        ask(&it, TEST_FROM_EXAMPLES, "field", x, N, NULL, NULL, 0, y);
        for (size_t i = 0; i < N * features; i++) assert_true(isfinite(y[i]) && y[i] != 0);
        free(x);
        free(y);
        use_close(&it);
    }
}

/* A network whose blocks pass all through: what is left is its attention between two layers that look at one place. */
enum { PLACES = 6, CHANNELS = 16, GROUPS = 4 };

/* scale * standardised + offset over runs of channels. */
static void normalise(double h[PLACES][CHANNELS], const float *scale, const float *offset)
{
    enum { RUN = CHANNELS / GROUPS };
    for (size_t g = 0; g < CHANNELS; g += RUN) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < PLACES * RUN; i++) sum += h[i / RUN][g + i % RUN];
        for (size_t i = 0; i < PLACES * RUN; i++) squares += pow(h[i / RUN][g + i % RUN] - sum / (PLACES * RUN), 2);
        for (size_t i = 0; i < PLACES * RUN; i++) {
            double *at = &h[i / RUN][g + i % RUN];
            *at = (*at - sum / (PLACES * RUN)) / sqrt(squares / (PLACES * RUN) + 1e-5);
            *at = *at * scale[g + i % RUN] + offset[g + i % RUN];
        }
    }
}

static float *parameter_of(used *it, const char *name)
{
    size_t count;
    return test_get(it->model, device, name, &count);
}

static void through_dense(used *it, const char *layer, double from[PLACES][CHANNELS], double to[PLACES][CHANNELS])
{
    char name[96];
    (void)snprintf(name, sizeof name, "net.attention.%s.weight", layer);
    float *weight = parameter_of(it, name);
    (void)snprintf(name, sizeof name, "net.attention.%s.bias", layer);
    float *bias = parameter_of(it, name);
    for (size_t p = 0; p < PLACES; p++)
        for (size_t o = 0; o < CHANNELS; o++) {
            to[p][o] = bias[o];
            for (size_t i = 0; i < CHANNELS; i++) to[p][o] += from[p][i] * weight[o * CHANNELS + i];
        }
    free(weight);
    free(bias);
}

static void through_norm(used *it, const char *scale_name, const char *offset_name, double h[PLACES][CHANNELS])
{
    float *scale = parameter_of(it, scale_name), *offset = parameter_of(it, offset_name);
    normalise(h, scale, offset);
    free(scale);
    free(offset);
}

/* Adds to h what its places see of each other. */
static void look_around(used *it, double h[PLACES][CHANNELS])
{
    double seen[PLACES][CHANNELS], query[PLACES][CHANNELS], key[PLACES][CHANNELS], value[PLACES][CHANNELS];
    memcpy(seen, h, sizeof seen);
    through_norm(it, "net.attention.norm.scale", "net.attention.norm.offset", seen);
    through_dense(it, "query", seen, query);
    through_dense(it, "key", seen, key);
    through_dense(it, "value", seen, value);
    for (size_t p = 0; p < PLACES; p++) {
        double weight[PLACES], sum = 0;
        for (size_t q = 0; q < PLACES; q++) {
            double score = 0;
            for (size_t c = 0; c < CHANNELS; c++) score += query[p][c] * key[q][c];
            sum += weight[q] = exp(score / 4); /* the root of 16 channels */
        }
        for (size_t c = 0; c < CHANNELS; c++) seen[p][c] = 0;
        for (size_t q = 0; q < PLACES; q++)
            for (size_t c = 0; c < CHANNELS; c++) seen[p][c] += weight[q] / sum * value[q][c];
    }
    through_dense(it, "output", seen, value);
    for (size_t p = 0; p < PLACES; p++)
        for (size_t c = 0; c < CHANNELS; c++) h[p][c] += value[p][c];
}

/* Zeros but at the window's middle. */
static void keep_middle(used *it, const char *name)
{
    size_t count;
    duet_error error = {0};
    float *weight = test_get(it->model, device, name, &count);
    for (size_t i = 0; i < count; i++)
        if (i / (count / 9) != 4) weight[i] = 0;
    assert_ok(duet_store_write(duet_model_store(it->model), device, name, weight, count * sizeof *weight, &error),
              &error);
    free(weight);
}

static void attention_is_that_of_a_plain_computation(void **state)
{
    (void)state;
    enum { N = 2 };
    static const char *const settings[] = {"width=16", "levels=0", "activation=identity"};
    static const char *const idle[] = {"net.middle1.conv2.weight", "net.middle1.conv2.bias", "net.middle2.conv2.weight",
                                       "net.middle2.conv2.bias"};
    float x[N * PLACES], y[N * PLACES];
    used it = use_open(&net, small, settings, 3);
    scatter(it.model, 0.5);
    for (size_t i = 0; i < 4; i++) test_set(it.model, device, idle[i], 0);
    keep_middle(&it, "net.input.weight");
    keep_middle(&it, "net.output.weight");
    test_normals(4, N, PLACES, x);
    ask(&it, TEST_FROM_EXAMPLES, "field", x, N, NULL, NULL, 0, y);
    float *in = parameter_of(&it, "net.input.weight"), *in_bias = parameter_of(&it, "net.input.bias");
    float *out = parameter_of(&it, "net.output.weight"), *out_bias = parameter_of(&it, "net.output.bias");
    for (size_t n = 0; n < N; n++) {
        double h[PLACES][CHANNELS];
        for (size_t p = 0; p < PLACES; p++)
            for (size_t c = 0; c < CHANNELS; c++) h[p][c] = in_bias[c] + in[4 * CHANNELS + c] * x[n * PLACES + p];
        look_around(&it, h);
        through_norm(&it, "net.norm.scale", "net.norm.offset", h);
        for (size_t p = 0; p < PLACES; p++) {
            double expected = out_bias[0];
            for (size_t c = 0; c < CHANNELS; c++) expected += out[4 * CHANNELS + c] * h[p][c];
            assert_close(y[n * PLACES + p], expected, 1e-4);
        }
    }
    free(in);
    free(in_bias);
    free(out);
    free(out_bias);
    use_close(&it);
}

/* Along a parameter's gradient the loss rises by its norm. */
static void check_slope(test_graph *it, size_t loss, size_t gradient, const char *name)
{
    size_t count;
    duet_error error = {0};
    duet_store *store = duet_model_store(it->model);
    float *weight = test_get(it->model, device, name, &count), *slope = malloc(count * sizeof *slope);
    float *moved = malloc(count * sizeof *moved);
    double norm = 0, losses[2];
    const double reach = 0.02;
    assert_true(slope != NULL && moved != NULL);
    test_graph_run(it);
    test_graph_read(it, gradient, slope, count);
    for (size_t i = 0; i < count; i++) norm += (double)slope[i] * (double)slope[i];
    norm = sqrt(norm);
    for (size_t side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            moved[i] = weight[i] + (float)((side ? reach : -reach) * (double)slope[i] / norm);
        assert_ok(duet_store_write(store, device, name, moved, count * sizeof *moved, &error), &error);
        test_graph_run(it);
        losses[side] = test_graph_value(it, loss);
    }
    assert_ok(duet_store_write(store, device, name, weight, count * sizeof *weight, &error), &error);
    double measured = (losses[1] - losses[0]) / (2 * reach);
    if (!(norm > 0.01 && fabs(measured - norm) < 0.02 * norm + 0.001))
        fail_msg("%s: the gradient's norm is %g, the loss rises by %g", name, norm, measured);
    free(weight);
    free(slope);
    free(moved);
}

static void gradients_reach_every_part(void **state)
{
    (void)state;
    static const char *const names[] = {
        "net.input.weight",        "net.time1.weight",        "net.condition.weight",     "net.down1.conv1.weight",
        "net.down1.shrink.weight", "net.middle1.told.weight", "net.attention.key.weight", "net.up1.grow.weight",
        "net.up1.through.weight",  "net.up1.norm2.scale"};
    enum { PARTS = sizeof names / sizeof *names };
    static const char *const settings[] = {"width=4", "levels=1", "condition=labels"};
    test_graph it;
    size_t gradients[PARTS];
    test_graph_open(&it, device, DUET_BUILD_TRAIN, 6, "flow-matching", labelled, settings, 3);
    scatter(it.model, 0.4);
    size_t loss = test_graph_watch(&it, test_graph_report(&it, "velocity_error"));
    for (size_t i = 0; i < PARTS; i++)
        gradients[i] = test_graph_watch(&it, test_graph_gradient(&it, it.roots[loss], names[i]));
    test_graphs_plan(&it, 1);
    for (size_t i = 0; i < PARTS; i++) check_slope(&it, loss, gradients[i], names[i]);
    test_graph_close(&it);
}

/* ---- conditions ---- */

/* With strength w the field is that of the class and w times what sets it apart from the field without one, which is
 * the same for all classes. */
static void guidance_goes_beyond_the_condition(void **state)
{
    (void)state;
    enum { N = 3, FEATURES = 36 };
    static const char *const settings[] = {"condition=labels", "width=4", "levels=0", "average=0"};
    static const char *const strengths[3][3] = {{"steps=1", "order=1", "guidance=0"},
                                                {"steps=1", "order=1", "guidance=1"},
                                                {"steps=1", "order=1", "guidance=3"}};
    static const uint8_t classes[N] = {0, 1, 2};
    float z[N * FEATURES], made[3][N * FEATURES];
    used it = use_open(duet_family_find("flow-matching"), labelled, settings, 4);
    scatter(it.model, 0.3);
    test_normals(9, 1, FEATURES, z);
    for (size_t i = FEATURES; i < N * FEATURES; i++) z[i] = z[i - FEATURES];
    for (size_t s = 0; s < 3; s++) ask(&it, TEST_FROM_LATENTS, DUET_DECODE, z, N, classes, strengths[s], 3, made[s]);
    double apart = 0;
    for (size_t i = 0; i < N * FEATURES; i++) {
        double beyond = (double)made[1][i] - (double)made[0][i], without = (double)made[0][i] - beyond;
        assert_close(made[2][i], made[0][i] + 3 * beyond, 1e-4);
        assert_close(without, 2 * (double)made[0][i % FEATURES] - (double)made[1][i % FEATURES], 1e-4);
        apart = fmax(apart, fabs((double)made[0][i] - (double)made[0][i % FEATURES]));
    }
    assert_true(apart > 0.01);
    use_close(&it);
}

/* A share of 1 leaves all conditions out, so that no gradient reaches their weights; of 0 none. */
static void conditions_are_left_out_by_chance(void **state)
{
    (void)state;
    static const char *const drops[] = {"drop=1", "drop=0", "drop=0.5"};
    double norms[3] = {0};
    for (size_t d = 0; d < 3; d++) {
        const char *settings[] = {"condition=labels", "width=2", "levels=0", drops[d]};
        test_graph it;
        float slopes[8 * CLASSES];
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 40, "ddpm", labelled, settings, 4);
        scatter(it.model, 0.4);
        duet_node loss = test_graph_report(&it, "noise_error");
        size_t gradient = test_graph_watch(&it, test_graph_gradient(&it, loss, "net.condition.weight"));
        test_graphs_plan(&it, 1);
        test_graph_run(&it);
        test_graph_read(&it, gradient, slopes, 8 * CLASSES);
        for (size_t i = 0; i < 8 * CLASSES; i++) norms[d] += fabs((double)slopes[i]);
        test_graph_close(&it);
    }
    assert_true(norms[0] == 0 && norms[1] > 0 && norms[2] > 0 && norms[2] != norms[1]);
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

/* Pictures of 6 x 6 in three classes, with numbers below 0, so that nothing is cut off. */
static void write_labelled(void)
{
    char path[TEST_PATH_SIZE + 48];
    uint8_t labels[TEST_EXAMPLES];
    float values[TEST_EXAMPLES * 36];
    duet_error error = {0};
    (void)snprintf(labelled, sizeof labelled, "%s/set", folder);
    assert_int_equal(mkdir(labelled, 0777), 0);
    (void)snprintf(path, sizeof path, "%s/set/train.npy", folder);
    test_normals(6, TEST_EXAMPLES, 36, values);
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(TEST_EXAMPLES, 6, 6, 1), &error), &error);
    for (size_t i = 0; i < TEST_EXAMPLES; i++) labels[i] = (uint8_t)(i % CLASSES);
    (void)snprintf(path, sizeof path, "%s/set/train-labels.npy", folder);
    assert_ok(duet_write_npy_bytes(path, labels, DUET_SHAPE(TEST_EXAMPLES), &error), &error);
}

static void write_set(char *path, const char *name, duet_shape shape)
{
    (void)snprintf(path, TEST_PATH_SIZE + 16, "%s/%s.npy", folder, name);
    test_write_examples(path, shape);
}

static int begin(void **state)
{
    (void)open_all(state);
    write_labelled();
    write_set(unit, "unit", DUET_SHAPE(2));
    write_set(small, "small", DUET_SHAPE(2, 3, 1));
    write_set(square, "square", DUET_SHAPE(8, 8, 1));
    write_set(odd, "odd", DUET_SHAPE(27, 29, 1));
    write_set(colour, "colour", DUET_SHAPE(28, 28, 3));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solvers_converge_at_their_orders),
        cmocka_unit_test(a_flow_samples_its_law),
        cmocka_unit_test(the_density_of_a_flow_is_the_gaussians),
        cmocka_unit_test(diffusion_samples_its_law),
        cmocka_unit_test(samples_do_not_depend_on_the_batch),
        cmocka_unit_test(networks_keep_the_shape_of_examples),
        cmocka_unit_test(attention_is_that_of_a_plain_computation),
        cmocka_unit_test(gradients_reach_every_part),
        cmocka_unit_test(guidance_goes_beyond_the_condition),
        cmocka_unit_test(conditions_are_left_out_by_chance),
        cmocka_unit_test(codes_decode_to_their_examples),
        cmocka_unit_test(trained_models_find_both_peaks),
    };
    return RUN_TESTS("diffusion", tests, begin, close_all);
}
