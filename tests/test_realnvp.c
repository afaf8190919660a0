/* SPDX-License-Identifier: MIT */
/* Real NVP and what flows share: codes and log-determinants against a plain flow in double, whose masks are said pixel
 * by pixel, and its numeric Jacobian; the inverse; densities that integrate to 1; likelihoods that rise. */
#include "model_parts.h"
#include "use.h"

static char pictures[TEST_PATH_SIZE + 16], rows5[TEST_PATH_SIZE + 16];

/* Numbers within [-1, 1], scattered. */
static double scattered(size_t i)
{
    return (double)((i + 1) * 2654435761u >> 9 & 1023) / 512 - 1;
}

/* The flow in double. */

enum { MOST = 32 };

/* The parameters of the model in question, as read from the device. */
static struct {
    char name[96];
    float *values;
} parameters[128];

static void read_parameters(test_graph *it)
{
    duet_store *store = duet_model_store(it->model);
    duet_variable *variable;
    size_t n = 0, count;
    for (size_t i = 0; (variable = duet_store_at(store, i)) != NULL; i++) {
        if (!variable->optimised) continue;
        assert_in_range(n, 0, 126);
        (void)snprintf(parameters[n].name, sizeof parameters[n].name, "%s", variable->name);
        parameters[n++].values = test_get(it->model, device, variable->name, &count);
    }
}

static void forget_parameters(void)
{
    for (size_t i = 0; parameters[i].values != NULL; i++) {
        free(parameters[i].values);
        parameters[i].values = NULL;
    }
}

static const float *parameter(const char *scope, const char *layer, const char *what)
{
    char name[160];
    (void)snprintf(name, sizeof name, "flow.%s.%s%s", scope, layer, what);
    for (size_t i = 0; parameters[i].values != NULL; i++)
        if (strcmp(parameters[i].name, name) == 0) return parameters[i].values;
    fail_msg("there is no parameter \"%s\"", name);
    return NULL;
}

/* y[o] = bias[o] + sum over i of w[o, i] x[i] at each of `places`. */
static void linear(const char *scope, const char *layer, const double *x, size_t places, size_t in, size_t out,
                   double *y)
{
    const float *w = parameter(scope, layer, ".weight"), *bias = parameter(scope, layer, ".bias");
    for (size_t at = 0; at < places * out; at++) {
        y[at] = (double)bias[at % out];
        for (size_t i = 0; i < in; i++) y[at] += (double)w[at % out * in + i] * x[at / out * in + i];
    }
}

/* 3 x 3 windows around each place, zeros beyond the edge. */
static void convolution(const char *scope, const char *layer, const double *x, size_t height, size_t width, size_t in,
                        size_t out, double *y)
{
    const float *w = parameter(scope, layer, ".weight"), *bias = parameter(scope, layer, ".bias");
    for (size_t at = 0; at < height * width * out; at++) {
        size_t r = at / out / width, c = at / out % width, o = at % out;
        y[at] = (double)bias[o];
        for (size_t tap = 0; tap < 9 * in; tap++) {
            size_t row = r + tap / in / 3 - 1, column = c + tap / in % 3 - 1; /* before 0 they wrap around */
            if (row >= height || column >= width) continue;
            y[at] += (double)w[tap * out + o] * x[(row * width + column) * in + tap % in];
        }
    }
}

/* The settings of the test: tanh, width 3, one block, one hidden layer of 4. */
static size_t network(const char *scope, const double *x, size_t height, size_t width, size_t in, double *h)
{
    double first[MOST * 3], active[MOST * 3] = {0}, inner[MOST * 3];
    if (height == 0) {
        linear(scope, "hidden1", x, 1, in, 4, h);
        for (size_t i = 0; i < 4; i++) h[i] = tanh(h[i]);
        return 4;
    }
    size_t count = height * width * 3;
    convolution(scope, "conv", x, height, width, in, 3, first);
    for (size_t i = 0; i < count; i++) active[i] = tanh(first[i]);
    convolution(scope, "block1.conv", active, height, width, 3, 3, inner);
    for (size_t i = 0; i < count; i++) inner[i] = tanh(inner[i]);
    linear(scope, "block1.dense", inner, height * width, 3, 3, active);
    for (size_t i = 0; i < count; i++) h[i] = tanh(first[i] + active[i]);
    return 3;
}

/* y = x exp(s) + t of one half by the other, both [height, width, features], or rows where height is 0. */
static void couple(const char *scope, const double *by, size_t by_features, double *x, size_t height, size_t width,
                   size_t features)
{
    double h[MOST * 4] = {0}, both[MOST * 4];
    size_t places = height == 0 ? 1 : height * width, inner = network(scope, by, height, width, by_features, h);
    const float *bound = parameter(scope, "bound", "");
    linear(scope, "output", h, places, inner, 2 * features, both);
    for (size_t p = 0; p < places; p++)
        for (size_t i = 0; i < features; i++) {
            double s = (double)bound[i] * tanh(both[p * 2 * features + i]);
            x[p * features + i] = x[p * features + i] * exp(s) + both[p * 2 * features + features + i];
        }
}

/* One coupling of a picture [2 height, 2 width, channels] whose kept pixels have `kept` of a square's four places. */
static void couple_pixels(const char *scope, const size_t kept[2], const size_t moved[2], double *picture,
                          size_t height, size_t width, size_t channels)
{
    double by[MOST], x[MOST];
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < height * width * 2 * channels; i++) {
            size_t cell = i / (2 * channels), which = i / channels % 2, channel = i % channels;
            size_t a = kept[which], b = moved[which], wide = 2 * width;
            size_t corner = 2 * (cell / width) * wide + 2 * (cell % width);
            double *from = picture + (corner + a / 2 * wide + a % 2) * channels + channel;
            double *to = picture + (corner + b / 2 * wide + b % 2) * channels + channel;
            if (pass == 0) {
                by[i] = *from;
                x[i] = *to;
            } else {
                *to = x[i];
            }
        }
        if (pass == 0) couple(scope, by, 2 * channels, x, height, width, 2 * channels);
    }
}

/* Scale `level` of a picture and those after it; returns how many codes were written. */
static size_t plain_scale(size_t level, double *picture, size_t height, size_t width, size_t channels, double *codes)
{
    /* Places of a square of four: row by row. Pixels of even row + column first, then upper rows. */
    static const size_t even[2] = {0, 3}, odd[2] = {1, 2}, upper[2] = {0, 1}, lower[2] = {2, 3};
    char scope[64];
    size_t count = 0, half = height / 2 * (width / 2) * 2 * channels;
    double rest[MOST];
    for (size_t stage = 0; stage < 2; stage++)
        for (size_t turn = 0; turn < 2; turn++) {
            const size_t *a = stage == 0 ? even : upper, *b = stage == 0 ? odd : lower;
            (void)snprintf(scope, sizeof scope, "%s%zu-%zu", stage == 0 ? "checkerboard" : "channels", level, turn + 1);
            couple_pixels(scope, turn == 0 ? a : b, turn == 0 ? b : a, picture, height / 2, width / 2, channels);
        }
    for (size_t i = 0; i < 2 * half; i++) {
        size_t cell = i / (4 * channels), place = i / channels % 4, channel = i % channels;
        size_t row = 2 * (cell / (width / 2)) + place / 2, column = 2 * (cell % (width / 2)) + place % 2;
        double value = picture[(row * width + column) * channels + channel];
        if (place < 2)
            codes[count++] = value;
        else
            rest[i / (4 * channels) * 2 * channels + i % (2 * channels)] = value;
    }
    if (level == 1) return count + plain_scale(2, rest, height / 2, width / 2, 2 * channels, codes + count);
    memcpy(codes + count, rest, half * sizeof *rest);
    return count + half;
}

/* Rows of five: three even features, two odd ones, couplings by turns. */
static void plain_rows(const double *x, double *codes)
{
    double a[3] = {x[0], x[2], x[4]}, b[2] = {x[1], x[3]};
    couple("rows1-1", a, 3, b, 0, 0, 2);
    couple("rows1-2", b, 2, a, 0, 0, 3);
    couple("rows1-3", a, 3, b, 0, 0, 2);
    couple("rows1-4", b, 2, a, 0, 0, 3);
    for (size_t i = 0; i < 5; i++) codes[i] = i % 2 == 0 ? a[i / 2] : b[i / 2];
}

static void plain_forward(const double *x, size_t features, double *codes)
{
    double picture[MOST];
    memcpy(picture, x, features * sizeof *x);
    if (features == 5)
        plain_rows(x, codes);
    else
        assert_int_equal(plain_scale(1, picture, 4, 4, 1, codes), features);
}

/* log |det| of a matrix, by elimination with pivots. */
static double log_determinant(double matrix[MOST][MOST], size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(matrix[i][k]) > fabs(matrix[best][k])) best = i;
        for (size_t j = 0; j < n; j++) {
            double swapped = matrix[k][j];
            matrix[k][j] = matrix[best][j];
            matrix[best][j] = swapped;
        }
        sum += log(fabs(matrix[k][k]));
        for (size_t i = k + 1; i < n; i++) {
            double factor = matrix[i][k] / matrix[k][k];
            for (size_t j = k; j < n; j++) matrix[i][j] -= factor * matrix[k][j];
        }
    }
    return sum;
}

static double numeric_log_determinant(const double *x, size_t features)
{
    const double step = 1e-5;
    double jacobian[MOST][MOST], moved[MOST], after[2][MOST];
    memcpy(moved, x, features * sizeof *x);
    for (size_t j = 0; j < features; j++) {
        for (size_t side = 0; side < 2; side++) {
            moved[j] = x[j] + (side == 0 ? step : -step);
            plain_forward(moved, features, after[side]);
        }
        moved[j] = x[j];
        for (size_t i = 0; i < features; i++) jacobian[i][j] = (after[0][i] - after[1][i]) / (2 * step);
    }
    return log_determinant(jacobian, features);
}

/* Parameters far from their start, where all couplings are the identity. */
static void scatter_parameters(test_graph *it)
{
    duet_variable *variable;
    duet_store *store = duet_model_store(it->model);
    for (size_t i = 0, n = 0; (variable = duet_store_at(store, i)) != NULL; i++) {
        if (!variable->optimised) continue;
        duet_error error = {0};
        float *values = malloc(variable->elements * sizeof *values);
        assert_non_null(values);
        for (size_t k = 0; k < variable->elements; k++, n++) values[k] = (float)(0.6 * scattered(n));
        assert_ok(duet_variable_write(variable, values, &error), &error);
        free(values);
    }
}

static void check_against_plain(test_graph *it, size_t features)
{
    enum { ROWS = 3 };
    float x[ROWS * MOST], h[ROWS * MOST], again[ROWS * MOST], nll[ROWS];
    duet_error error = {0};
    for (size_t i = 0; i < ROWS * features; i++) x[i] = (float)(2 * scattered(i + 1000));
    assert_ok(duet_plan_write(it->plan, it->build->batch, x, ROWS * features * sizeof *x, &error), &error);
    test_graph_run(it);
    test_graph_read(it, 0, h, ROWS * features);
    test_graph_read(it, 1, nll, ROWS);
    test_graph_read(it, 2, again, ROWS * features);
    read_parameters(it);
    for (size_t r = 0; r < ROWS; r++) {
        double point[MOST], codes[MOST], density = 0;
        for (size_t i = 0; i < features; i++) point[i] = (double)x[r * features + i];
        plain_forward(point, features, codes);
        for (size_t i = 0; i < features; i++) {
            assert_close(h[r * features + i], codes[i], 1e-5);
            assert_close(again[r * features + i], point[i], 1e-5);
            density += codes[i] * codes[i] / 2 + log(2 * acos(-1)) / 2;
        }
        double determinant = numeric_log_determinant(point, features);
        assert_true(fabs(determinant) > 0.1);
        assert_close(nll[r], density - determinant, 1e-4);
    }
    forget_parameters();
}

static void codes_and_determinant_are_those_of_a_plain_flow(void **state)
{
    (void)state;
    static const char *const settings[] = {"couplings=2",     "width=3",  "blocks=1",
                                           "activation=tanh", "hidden=4", "scales=5"};
    const char *const data[2] = {pictures, rows5};
    test_graph graphs[2];
    for (size_t i = 0; i < 2; i++) {
        test_graph_open(&graphs[i], device, DUET_BUILD_EVAL, 3, "realnvp", data[i], settings, 6);
        (void)test_graph_watch(&graphs[i], duet_build_output(graphs[i].build, DUET_LATENT));
        (void)test_graph_watch(&graphs[i], duet_build_output(graphs[i].build, DUET_NLL));
        (void)test_graph_watch(&graphs[i], duet_build_output(graphs[i].build, DUET_RECONSTRUCTION));
    }
    test_graphs_plan(graphs, 2);
    for (size_t i = 0; i < 2; i++) {
        scatter_parameters(&graphs[i]);
        check_against_plain(&graphs[i], i == 0 ? 16 : 5);
    }
    for (size_t i = 0; i < 2; i++) test_graph_close(&graphs[i]);
}

/* What flows do, whatever they are trained on. */

typedef struct trained {
    test_parts parts;
    duet_evaluator *evaluator;
    size_t features;
} trained;

static trained train(const char *family, const char *data, const char *const *settings, size_t count, size_t steps)
{
    trained it = {.features = 0};
    duet_error error = {0};
    test_parts_open(&it.parts, device, duet_family_find(family), data, settings, count);
    test_steps(&it.parts, steps);
    assert_ok(duet_evaluator_new(&it.evaluator, device, it.parts.model, &error), &error);
    it.features = duet_shape_elements(duet_data_describe(it.parts.data)->shape);
    return it;
}

static void give_back(trained *it)
{
    duet_evaluator_free(&it->evaluator);
    test_parts_close(&it->parts);
}

static void ask(trained *it, test_source source, const char *output, const float *rows, size_t count, float *values)
{
    duet_error error = {0};
    assert_ok(test_evaluate(it->evaluator, source, output, rows, count, 1, values, &error), &error);
}

/* From examples to codes and back, and from codes that the prior draws to examples and back. */
static void check_inverse(trained *it, const char *name)
{
    enum { N = 20 };
    size_t count = N * it->features;
    float gaps[N], *x = malloc(count * sizeof *x), *codes = malloc(count * sizeof *codes);
    float *drawn = malloc(count * sizeof *drawn), *again = malloc(count * sizeof *again);
    duet_error error = {0};
    assert_true(x && codes && drawn && again);
    assert_ok(duet_data_read(it->parts.data, DUET_TRAIN, 0, N, x, &error), &error);
    ask(it, TEST_FROM_EXAMPLES, "inverse_gap", x, N, gaps);
    for (size_t i = 0; i < N; i++)
        if (!(gaps[i] >= 0 && gaps[i] < 1e-4f)) fail_msg("%s: the inverse misses example %zu by %g", name, i, gaps[i]);
    test_normals(5, N, it->features, codes);
    ask(it, TEST_FROM_LATENTS, DUET_DECODE, codes, N, drawn);
    for (size_t i = 0; i < count; i++) assert_true(isfinite(drawn[i]));
    if (!duet_data_describe(it->parts.data)->unit_range) {
        ask(it, TEST_FROM_EXAMPLES, DUET_LATENT, drawn, N, again);
        for (size_t i = 0; i < count; i++) assert_close(again[i], codes[i], 1e-3);
    }
    free(x);
    free(codes);
    free(drawn);
    free(again);
}

/* The mean nll of the steps since the last look. */
static double mean_nll(trained *it)
{
    double terms[2] = {NAN, NAN};
    duet_error error = {0};
    assert_ok(duet_trainer_losses(it->parts.trainer, terms, 2, &error), &error);
    return terms[0];
}

/* Rows of even and odd length, points, pictures of one to three scales and of none. */
static void flows_of_any_shape_learn_and_are_undone(void **state)
{
    (void)state;
    enum { STEPS = 40 };
    const struct {
        const char *family, *name, *hidden;
        duet_shape shape;
    } rows[] = {
        {"realnvp", "ring8", "hidden=32", {0}},
        {"realnvp", "grid25", "hidden=32", {0}},
        {"realnvp", "eight", "hidden=16,16", DUET_SHAPE(8)},
        {"realnvp", "small", "hidden=16", DUET_SHAPE(8, 8, 1)},
        {"realnvp", "odd", "hidden=16", DUET_SHAPE(27, 29, 1)},
        {"realnvp", "colour", "hidden=16", DUET_SHAPE(28, 28, 3)},
        {"nice", "ring8", "hidden=32", {0}},
        {"nice", "odd", "hidden=16", DUET_SHAPE(27, 29, 1)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *settings[] = {rows[i].hidden, "couplings=1", "width=4", "blocks=1", "lr=0.005"};
        const char *data = rows[i].name;
        bool is_nice = !strcmp(rows[i].family, "nice");
        if (is_nice) settings[1] = "lr=0.005";
        if (rows[i].shape.rank > 0) {
            data = in_folder(rows[i].name);
            test_write_examples(data, rows[i].shape);
        }
        trained it = train(rows[i].family, data, settings, is_nice ? 2 : 5, STEPS);
        double first = mean_nll(&it);
        test_steps(&it.parts, STEPS);
        double last = mean_nll(&it);
        if (!(last < first)) fail_msg("%s, %s: nll from %g to %g", rows[i].family, rows[i].name, first, last);
        check_inverse(&it, rows[i].name);
        give_back(&it);
    }
}

/* The density of a trained flow over the plane, summed on a grid. */
static void densities_integrate_to_1(void **state)
{
    (void)state;
    enum { SIDE = 320 };
    static const char *const families[] = {"realnvp", "nice"}, *const settings[] = {"hidden=16", "lr=0.003"};
    const double reach = 8, step = 2 * reach / SIDE;
    float(*points)[2] = malloc(SIDE * SIDE * sizeof *points), *nll = malloc(SIDE * SIDE * sizeof *nll);
    assert_true(points && nll);
    for (size_t i = 0; i < SIDE * SIDE; i++)
        for (size_t k = 0; k < 2; k++)
            points[i][k] = (float)(((double)(k == 0 ? i / SIDE : i % SIDE) + 0.5) * step - reach);
    for (size_t f = 0; f < 2; f++) {
        trained it = train(families[f], "ring8", settings, 2, 100);
        double sum = 0, most = 0;
        ask(&it, TEST_FROM_EXAMPLES, DUET_NLL, points[0], SIDE * SIDE, nll);
        for (size_t i = 0; i < SIDE * SIDE; i++) {
            sum += exp(-(double)nll[i]) * step * step;
            most = fmax(most, exp(-(double)nll[i]));
        }
        assert_close(sum, 1, 0.01);
        assert_true(most > 0.1); /* learnt something: a standard normal has at most 0.16, the logistic 0.06 */
        give_back(&it);
    }
    free(points);
    free(nll);
}

/* A new flow is the identity after the logit: codes, density and bits in closed form. */
static void bytes_are_counted_in_bits(void **state)
{
    (void)state;
    enum { N = 30, FEATURES = 16 };
    const double alpha = 0.02;
    static const char *const settings[] = {"alpha=0.02", "width=3", "couplings=1"};
    float x[N * FEATURES], codes[N * FEATURES], nll[N], bits[N], seen[N * FEATURES];
    const char *data = in_folder("bytes.npy");
    test_write_examples(data, DUET_SHAPE(4, 4, 1));
    trained it = train("realnvp", data, settings, 3, 0);
    for (size_t i = 0; i < N * FEATURES; i++) x[i] = (float)(i * 37 % 256) / 255;
    ask(&it, TEST_FROM_EXAMPLES, DUET_RECONSTRUCTION, x, N, seen);
    ask(&it, TEST_FROM_EXAMPLES, DUET_LATENT, x, N, codes);
    ask(&it, TEST_FROM_EXAMPLES, DUET_NLL, x, N, nll);
    ask(&it, TEST_FROM_EXAMPLES, DUET_BITS, x, N, bits);
    double spread = 0;
    for (size_t i = 0; i < N; i++) {
        double density = 0, away;
        for (size_t k = i * FEATURES; k < (i + 1) * FEATURES; k++) {
            double p = alpha + (1 - 2 * alpha) * (double)seen[k], y = log(p) - log(1 - p);
            away = (double)seen[k] * 256 - (double)(k * 37 % 256); /* the noise, in [0, 1] */
            assert_true(away > -1e-3 && away < 1 + 1e-3);
            spread += (away - 0.5) * (away - 0.5) * 12 / (N * FEATURES);
            density += -y * y / 2 - log(2 * acos(-1)) / 2 + log((1 - 2 * alpha) / p / (1 - p));
        }
        assert_close(nll[i], -density, 1e-3);
        assert_close(bits[i], -density / log(2) / FEATURES + 8, 1e-4);
    }
    assert_close(spread, 1, 0.2); /* that of a uniform */
    give_back(&it);
}

static void one_feature_is_too_few(void **state)
{
    (void)state;
    static const char *const families[] = {"realnvp", "nice"};
    for (size_t i = 0; i < 2; i++) {
        test_parts parts = {.device = device};
        duet_error error = {0};
        assert_ok(duet_data_open(&parts.data, "two-peaks", &error), &error);
        assert_ok(duet_model_new(&parts.model, duet_family_find(families[i]), parts.data, NULL, 0, 1, &error), &error);
        assert_status(duet_trainer_new(&parts.trainer, device, parts.model, 8, &error), DUET_ERROR_DATA, &error);
        assert_message(&error, "needs two at least");
        test_parts_close(&parts);
    }
}

static int begin(void **state)
{
    float values[16 * TEST_EXAMPLES];
    duet_error error = {0};
    (void)open_all(state);
    (void)snprintf(pictures, sizeof pictures, "%s/pictures.npy", folder);
    (void)snprintf(rows5, sizeof rows5, "%s/rows.npy", folder);
    for (size_t i = 0; i < 16 * TEST_EXAMPLES; i++) values[i] = (float)(2 * scattered(i)); /* no bytes */
    assert_ok(duet_write_npy(pictures, values, DUET_SHAPE(TEST_EXAMPLES, 4, 4, 1), &error), &error);
    assert_ok(duet_write_npy(rows5, values, DUET_SHAPE(TEST_EXAMPLES, 5), &error), &error);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_determinant_are_those_of_a_plain_flow),
        cmocka_unit_test(flows_of_any_shape_learn_and_are_undone),
        cmocka_unit_test(densities_integrate_to_1),
        cmocka_unit_test(bytes_are_counted_in_bits),
        cmocka_unit_test(one_feature_is_too_few),
    };
    return RUN_TESTS("realnvp", tests, begin, close_all);
}
