/* SPDX-License-Identifier: MIT */
/* Penalties on the discriminator's slope: their values and gradients against the closed form of a small network in
 * double, against PyTorch and against finite differences; where each measures the slope; and their own phase. */
#include "convnet_files.h"

#include "train/trainer.h"

enum { F = 2, H = 3, PARAMETERS = H * F + 2 * H };

static char scattered[PATH], halves[PATH], half[PATH];

/* D(x) = a tanh(W x + b) + 0.4: W row by row, b, a. */
static const double start[PARAMETERS] = {0.5, -1, 0.25, 0.75, -1.5, 0.5, 0.1, -0.2, 0.3, 1, -2, 0.5};
static const struct {
    const char *name;
    size_t first, count;
} parameters[] = {
    {"discriminator.hidden1.weight", 0, H *F},
    {"discriminator.hidden1.bias", H *F, H},
    {"discriminator.logit.weight", H *F + H, H},
};
enum { TENSORS = sizeof parameters / sizeof *parameters };

/* The values that PyTorch was given. */
static void write_scattered(void)
{
    duet_error error = {0};
    float values[TEST_EXAMPLES * F];
    for (size_t i = 0; i < TEST_EXAMPLES * F; i++) values[i] = (float)((i * 2654435761u >> 7) % 1000) / 1000;
    assert_ok(duet_write_npy(scattered, values, DUET_SHAPE(TEST_EXAMPLES, F), &error), &error);
}

#define SMALL "generator_hidden=", "discriminator_hidden=3", "latent=1", "activation=tanh", "shuffle=no"

static double squared_slope(const double p[PARAMETERS], const double x[F])
{
    double slope[F] = {0}, squares = 0;
    for (size_t h = 0; h < H; h++) {
        double t = p[H * F + h];
        for (size_t f = 0; f < F; f++) t += p[h * F + f] * x[f];
        t = tanh(t);
        for (size_t f = 0; f < F; f++) slope[f] += p[H * F + H + h] * (1 - t * t) * p[h * F + f];
    }
    for (size_t f = 0; f < F; f++) squares += slope[f] * slope[f];
    return squares;
}

/* The mean over the batch of |g|^2 / 2, or of (|g| - 1)^2. */
static double penalty_of(const double p[PARAMETERS], double x[][F], bool is_r1)
{
    double sum = 0;
    for (size_t i = 0; i < TEST_BATCH; i++) {
        double squares = squared_slope(p, x[i]);
        sum += is_r1 ? squares / 2 : (sqrt(squares) - 1) * (sqrt(squares) - 1);
    }
    return sum / TEST_BATCH;
}

static void set_discriminator(duet_model *model)
{
    float values[PARAMETERS];
    duet_error error = {0};
    for (size_t i = 0; i < PARAMETERS; i++) values[i] = (float)start[i];
    for (size_t t = 0; t < TENSORS; t++)
        assert_ok(duet_store_write(duet_model_store(model), device, parameters[t].name, values + parameters[t].first,
                                   parameters[t].count * sizeof *values, &error),
                  &error);
}

/* Where real and generated examples are one point, all three know where the slope is measured: R1 at real examples,
 * WGAN-GP between two equal points, DRAGAN around examples that do not differ. The same network in PyTorch 2.15, in
 * double, differentiated twice, gave the numbers below. */
static void penalties_equal_the_closed_form(void **state)
{
    (void)state;
    static const struct {
        const char *penalty;
        bool same, is_r1;
        double torch, torch_gradient[PARAMETERS];
    } rows[] = {
        {"penalty=r1",
         false,
         true,
         2.26384908,
         {-0.47994952, -1.57980217, 0.323285165, 2.69682426, -0.286696579, -0.852851179, 0.194945432, -1.33559997,
          -0.0629265233, 1.58545571, -1.49361223, -0.0899640196}},
        {"penalty=gradient",
         true,
         false,
         1.48850572,
         {-0.458455705, -1.98551166, 0.358403634, 3.21669332, -0.366311904, -1.11672943, 0.565031082, -2.05704063,
          -0.00437569448, 1.89754157, -1.76532061, -0.0221694104}},
        {"penalty=dragan",
         true,
         false,
         1.48850572,
         {-0.458455705, -1.98551166, 0.358403634, 3.21669332, -0.366311904, -1.11672943, 0.565031082, -2.05704063,
          -0.00437569448, 1.89754157, -1.76532061, -0.0221694104}},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    test_graph graphs[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        test_graph_open(&graphs[i], device, DUET_BUILD_TRAIN, TEST_BATCH, "gan", rows[i].same ? halves : scattered,
                        SETTINGS(SMALL, rows[i].penalty));
        duet_node penalty = test_graph_report(&graphs[i], "penalty");
        (void)test_graph_watch(&graphs[i], penalty);
        for (size_t t = 0; t < TENSORS; t++)
            (void)test_graph_watch(&graphs[i], test_graph_gradient(&graphs[i], penalty, parameters[t].name));
    }
    test_graphs_plan(graphs, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        float read[TEST_BATCH * F], gradient[PARAMETERS];
        double x[TEST_BATCH][F], p[PARAMETERS];
        duet_error error = {0};
        set_discriminator(graphs[i].model);
        test_set(graphs[i].model, device, "generator.output.weight", 0); /* G(z) = sigmoid(0) */
        test_graph_run(&graphs[i]);
        assert_ok(duet_data_read(graphs[i].data, DUET_TRAIN, 0, TEST_BATCH, read, &error), &error);
        for (size_t n = 0; n < TEST_BATCH * F; n++) x[n / F][n % F] = read[n];
        memcpy(p, start, sizeof start);
        assert_close(test_graph_value(&graphs[i], 0), penalty_of(p, x, rows[i].is_r1), 2e-6);
        assert_close(test_graph_value(&graphs[i], 0), rows[i].torch, 2e-6);
        for (size_t t = 0; t < TENSORS; t++)
            test_graph_read(&graphs[i], t + 1, gradient + parameters[t].first, parameters[t].count);
        for (size_t k = 0; k < PARAMETERS; k++) {
            const double step = 1e-6;
            p[k] = start[k] + step;
            double above = penalty_of(p, x, rows[i].is_r1);
            p[k] = start[k] - step;
            double below = penalty_of(p, x, rows[i].is_r1);
            p[k] = start[k];
            assert_close(gradient[k], (above - below) / (2 * step), 1e-5);
            assert_close(gradient[k], rows[i].torch_gradient[k], 1e-5);
        }
        test_graph_close(&graphs[i]);
    }
}

/* D(x) = a tanh(w x) of one number: the slope a w (1 - tanh^2) tells where it was taken. */
static void set_one_unit(duet_model *model, double fake, double w, double a)
{
    test_set(model, device, "generator.output.weight", 0);
    test_set(model, device, "generator.output.bias", fake);
    test_set(model, device, "discriminator.hidden1.weight", w);
    test_set(model, device, "discriminator.logit.weight", a);
}

/* The real example is 1/2, the generated one sigmoid(3): the points are uniform between them. */
static void wgan_gp_measures_on_the_line_between(void **state)
{
    (void)state;
    enum { DRAWS = 400 };
    test_graph it;
    double from = 0.5, to = test_sigmoid(3), sum = 0, squares = 0;
    test_graph_open(
        &it, device, DUET_BUILD_TRAIN, 1, "gan", half,
        SETTINGS("generator_hidden=", "discriminator_hidden=1", "latent=1", "activation=tanh", "penalty=gradient"));
    (void)test_graph_watch(&it, test_graph_report(&it, "penalty"));
    test_graphs_plan(&it, 1);
    set_one_unit(it.model, 3, 2, 0.5);
    for (uint32_t clock = 0; clock < DRAWS; clock++) {
        test_set_count(it.model, device, "random.clock", clock);
        test_graph_run(&it);
        double tanh_squared = sqrt(test_graph_value(&it, 0)); /* 1 - |g|, as a w = 1 */
        double share = (atanh(sqrt(tanh_squared)) / 2 - from) / (to - from);
        assert_true(share > -1e-4 && share < 1 + 1e-4);
        sum += share / DRAWS;
        squares += share * share / DRAWS;
    }
    assert_close(sum, 0.5, 4 * sqrt(1.0 / 12 / DRAWS));
    assert_close(squares, 1.0 / 3, 4 * sqrt(4.0 / 45 / DRAWS));
    test_graph_close(&it);
}

/* The mean of tanh(x / 2)^4 where x is N(mean, deviation^2). */
static double mean_tanh4(double mean, double deviation)
{
    double sum = 0, weights = 0;
    for (double u = -8; u <= 8; u += 0.01) {
        double weight = exp(-u * u / 2);
        sum += weight * pow(tanh((mean + deviation * u) / 2), 4);
        weights += weight;
    }
    return sum / weights;
}

/* Of data at -2 and 2 with deviation 1/2, all in all sqrt(4.25), half of which is the noise. */
static void dragan_measures_around_real_examples(void **state)
{
    (void)state;
    enum { ROWS = 4096, RUNS = 16 };
    test_graph it;
    double sum = 0, expected = mean_tanh4(2, sqrt(0.25 + 4.25 / 4)), without = mean_tanh4(2, 0.5);
    test_graph_open(
        &it, device, DUET_BUILD_TRAIN, ROWS, "gan", "two-peaks",
        SETTINGS("generator_hidden=", "discriminator_hidden=1", "latent=1", "activation=tanh", "penalty=dragan"));
    (void)test_graph_watch(&it, test_graph_report(&it, "penalty"));
    test_graphs_plan(&it, 1);
    set_one_unit(it.model, 0, 0.5, 2);
    for (uint32_t clock = 0; clock < RUNS; clock++) {
        test_set_count(it.model, device, "random.clock", clock);
        test_graph_run(&it);
        sum += test_graph_value(&it, 0) / RUNS;
    }
    const double four_errors = 4 * 0.5 / sqrt((double)ROWS * RUNS); /* a number in [0, 1] deviates by at most 1/2 */
    assert_close(sum, expected, four_errors);
    assert_true(fabs(expected - without) > 2 * four_errors);
    test_graph_close(&it);
}

/* Twice differentiated through convolutions, dropout and the largest of a feature, through conditions and through one
 * batch of both kinds: down the gradient the penalty falls as fast as the gradient is long. The clock stands still, and
 * with it masks and points. */
typedef struct slope_row {
    const char *family, *weight, *penalty, *other;
} slope_row;

static void compare_with_differences(const slope_row *rows, size_t count_of_rows)
{
    enum { MOST = 8 };
    test_graph graphs[MOST];
    char in_file_order[PATH + 16]; /* so that the pictures are those whose slope is known to be far from a kink */
    (void)snprintf(in_file_order, sizeof in_file_order, "%s:split=last", bare);
    assert_in_range(count_of_rows, 1, MOST);
    for (size_t i = 0; i < count_of_rows; i++) {
        test_graph_open(&graphs[i], device, DUET_BUILD_TRAIN, BATCH, rows[i].family,
                        strcmp(rows[i].family, "cgan") ? in_file_order : labelled,
                        SETTINGS("activation=tanh", "latent=3", rows[i].penalty, rows[i].other));
        duet_node penalty = test_graph_report(&graphs[i], "penalty");
        (void)test_graph_watch(&graphs[i], penalty);
        (void)test_graph_watch(&graphs[i], test_graph_gradient(&graphs[i], penalty, rows[i].weight));
    }
    test_graphs_plan(graphs, count_of_rows);
    for (size_t i = 0; i < count_of_rows; i++) {
        test_graph *it = &graphs[i];
        size_t count;
        double length = 0, ends[2];
        float *from = test_get(it->model, device, rows[i].weight, &count), *to = malloc(count * sizeof *to);
        float *gradient = malloc(count * sizeof *gradient);
        assert_non_null(to);
        assert_non_null(gradient);
        test_graph_run(it);
        test_graph_read(it, 1, gradient, count);
        double value = test_graph_value(it, 0);
        for (size_t k = 0; k < count; k++) length += (double)gradient[k] * gradient[k];
        length = sqrt(length);
        assert_true(isfinite(length) && length > 0);
        const double step = 0.001 * value / length; /* so small that no other element becomes the largest */
        for (int end = 0; end < 2; end++) {
            duet_error error = {0};
            for (size_t k = 0; k < count; k++) to[k] = (float)(from[k] + (end - 0.5) * step * gradient[k] / length);
            assert_ok(
                duet_store_write(duet_model_store(it->model), device, rows[i].weight, to, count * sizeof *to, &error),
                &error);
            test_graph_run(it);
            ends[end] = test_graph_value(it, 0);
        }
        double slope = (ends[1] - ends[0]) / step;
        if (!(fabs(slope - length) < 0.01 * length))
            fail_msg("%s %s %s: gradient %g, differences %g", rows[i].family, rows[i].penalty, rows[i].other, length,
                     slope);
        free(from);
        free(to);
        free(gradient);
        test_graph_close(it);
    }
}

static void gradients_of_penalties_equal_differences(void **state)
{
    (void)state;
    static const slope_row rows[] = {
        {"cgan", "discriminator.hidden1.weight", "penalty=gradient", "pack=2"},
        {"gan", "discriminator.hidden1.weight", "penalty=gradient", "minibatch_deviation=yes"},
        {"gan", "discriminator.hidden1.weight", "penalty=r1", "discriminator.spectral_norm=yes"},
    };
    compare_with_differences(rows, sizeof rows / sizeof *rows);
}

static void gradients_through_convolutions_equal_differences(void **state)
{
    (void)state;
    static const slope_row rows[] = {
        {"gan-conv", "discriminator.conv1.weight", "penalty=r1", "d_batch=joint"},
        {"gan-conv", "discriminator.conv2.weight", "penalty=gradient", "dropout=0.3"},
        {"gan-conv", "discriminator.conv2.weight", "penalty=gradient", "pack=2"},
        {"gan-conv", "discriminator.conv2.weight", "penalty=dragan", "minibatch_deviation=yes"},
    };
    compare_with_differences(rows, sizeof rows / sizeof *rows);
}

/* R1 of a linear D is |w|^2 / 2, its gradient w. Descent at rate 1/64 with weight 2 shrinks w by 1/32 in the phase of
 * every step, and by three times that in one step of three. */
static void lazy_penalties_weigh_what_they_leave_out(void **state)
{
    (void)state;
    test_parts parts;
    duet_error error = {0};
    test_parts_open(&parts, device, duet_family_find("gan"), scattered,
                    SETTINGS("generator_hidden=", "discriminator_hidden=", "latent=1", "optimiser=sgd", "lr=0.015625",
                             "penalty=r1", "penalty_weight=2", "penalty_every=3", "k=2"));
    test_set(parts.model, device, "discriminator.logit.weight", 1);
    assert_ok(duet_plan_replay(parts.trainer->schedule.plans[2], &error), &error);
    size_t count;
    float *weights = test_get(parts.model, device, "discriminator.logit.weight", &count);
    for (size_t i = 0; i < count; i++) assert_close(weights[i], 1 - 3.0 / 32, 1e-6);
    free(weights);
    test_steps(&parts, 7); /* two replays in steps 1, 4 and 7 */
    assert_int_equal(test_read_count(&parts, "discriminator.updates"), 1 + 7 * 2 + 3 * 2);
    assert_int_equal(test_read_count(&parts, "generator.updates"), 7);
    test_parts_close(&parts);
}

static int begin_penalties(void **state)
{
    static float rows[TEST_EXAMPLES * F];
    duet_error error = {0};
    (void)begin(state);
    path_of(scattered, "scattered.npy", "");
    path_of(halves, "halves.npy", "");
    path_of(half, "half.npy", "");
    write_scattered();
    for (size_t i = 0; i < TEST_EXAMPLES * F; i++) rows[i] = 0.5f;
    assert_ok(duet_write_npy(halves, rows, DUET_SHAPE(TEST_EXAMPLES, F), &error), &error);
    assert_ok(duet_write_npy(half, rows, DUET_SHAPE(TEST_EXAMPLES, 1), &error), &error);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(penalties_equal_the_closed_form),
        cmocka_unit_test(wgan_gp_measures_on_the_line_between),
        cmocka_unit_test(dragan_measures_around_real_examples),
        cmocka_unit_test(gradients_of_penalties_equal_differences),
        cmocka_unit_test(gradients_through_convolutions_equal_differences),
        cmocka_unit_test(lazy_penalties_weigh_what_they_leave_out),
    };
    return RUN_TESTS("penalty", tests, begin_penalties, close_all);
}
