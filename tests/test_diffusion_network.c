/* SPDX-License-Identifier: MIT */
/* The network of flow matching and diffusion, part by part: shapes, attention, gradients; and its conditions: guidance,
 * and how they are left out. */
#include "diffusion_parts.h"

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

/* What was trained with the condition always knows nothing of what guidance sets it apart from. */
static void guidance_needs_what_training_left_out(void **state)
{
    (void)state;
    enum { FEATURES = 36 };
    static const char *const settings[] = {"condition=labels", "width=4", "levels=0", "average=0", "drop=0"};
    static const char *const strengths[] = {"guidance=1", "guidance=0"};
    static const uint8_t class = 1;
    float z[FEATURES], made[FEATURES];
    used it = use_open(duet_family_find("flow-matching"), labelled, settings, 5);
    test_normals(9, 1, FEATURES, z);
    for (size_t i = 0; i < 2; i++) {
        const duet_wanted wanted = {DUET_DECODE, made};
        duet_error error = {0};
        const duet_request request = {.count = 1,
                                      .latents = z,
                                      .classes = &class,
                                      .settings = &strengths[i],
                                      .setting_count = 1,
                                      .outputs = &wanted,
                                      .output_count = 1};
        assert_status(duet_evaluator_use(it.evaluator, &request, &error), i == 0 ? DUET_ERROR_USAGE : DUET_OK, &error);
        if (i == 0) assert_message(&error, "guidance: this model was trained with drop=0");
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_keep_the_shape_of_examples),
        cmocka_unit_test(attention_is_that_of_a_plain_computation),
        cmocka_unit_test(gradients_reach_every_part),
        cmocka_unit_test(guidance_goes_beyond_the_condition),
        cmocka_unit_test(guidance_needs_what_training_left_out),
        cmocka_unit_test(conditions_are_left_out_by_chance),
    };
    return RUN_TESTS("diffusion network", tests, begin, close_all);
}
