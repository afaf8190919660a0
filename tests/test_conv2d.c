/* SPDX-License-Identifier: MIT */
/* Convolution layers: extents, weights and first values against loops and closed forms. */
#include "workshop.h"

#include "duet/nn.h"

static float scattered(size_t i)
{
    return (float)((i * 2654435761u >> 7) % 1000) / 500 - 1;
}

static void assert_shape(duet_node node, duet_shape expected)
{
    duet_shape shape = duet_node_shape(node);
    assert_int_equal(shape.rank, expected.rank);
    for (size_t i = 0; i < shape.rank; i++) assert_int_equal(shape.dims[i], expected.dims[i]);
}

/* What Conv2D and Conv2DTranspose give there. */
static void layers_have_the_extents_of_keras(void **state)
{
    (void)state;
    static const struct {
        size_t height, width, size, stride;
        duet_padding padding;
        size_t conv[2], transpose[2];
    } rows[] = {
        {28, 28, 3, 2, DUET_VALID, {13, 13}, {57, 57}}, {13, 13, 3, 2, DUET_VALID, {6, 6}, {27, 27}},
        {28, 28, 5, 2, DUET_SAME, {14, 14}, {56, 56}},  {7, 7, 5, 1, DUET_SAME, {7, 7}, {7, 7}},
        {7, 9, 3, 2, DUET_SAME, {4, 5}, {14, 18}},      {5, 6, 1, 3, DUET_VALID, {2, 2}, {15, 18}},
        {5, 8, 2, 3, DUET_SAME, {2, 3}, {15, 24}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        workshop w = workshop_open(5);
        duet_error error = {0};
        const size_t size = rows[i].size;
        duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(2, rows[i].height, rows[i].width, 3));
        duet_node y = duet_conv2d(w.group, "conv", x, 4, size, rows[i].stride, rows[i].padding);
        duet_node t = duet_conv2d_transpose(w.group, "transpose", x, 5, size, rows[i].stride, rows[i].padding);
        assert_ok(duet_graph_check(w.graph, &error), &error);
        assert_shape(y, DUET_SHAPE(2, rows[i].conv[0], rows[i].conv[1], 4));
        assert_shape(t, DUET_SHAPE(2, rows[i].transpose[0], rows[i].transpose[1], 5));
        assert_int_equal(duet_group_parameters(w.group), size * size * 3 * 4 + 4 + size * size * 5 * 3 + 5);
        (void)duet_conv2d_no_bias(w.group, "bare", x, 4, size, 1, DUET_SAME);
        (void)duet_conv2d_transpose_no_bias(w.group, "bare_transpose", x, 4, size, 1, DUET_SAME);
        assert_int_equal(duet_group_parameters(w.group),
                         size * size * 3 * 4 + 4 + size * size * 5 * 3 + 5 + 2 * size * size * 3 * 4);
        workshop_close(&w);
    }
}

static void mistakes_in_layers_are_named(void **state)
{
    (void)state;
    for (int which = 0; which < 6; which++) {
        workshop w = workshop_open(5);
        duet_error error = {0};
        duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(2, 6, 6, 1));
        duet_node flat = duet_input(w.graph, "flat", DUET_FLOAT32, DUET_SHAPE(2, 36));
        char name[200];
        memset(name, 'a', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        (void)(which == 0   ? duet_conv2d(w.group, "layer", flat, 4, 3, 1, DUET_SAME)
               : which == 1 ? duet_conv2d_transpose(w.group, "layer", flat, 4, 3, 1, DUET_SAME)
               : which == 2 ? duet_conv2d(w.group, "layer", x, 4, 3, 0, DUET_SAME)
               : which == 3 ? duet_conv2d_transpose(w.group, "layer", x, 0, 3, 1, DUET_SAME)
               : which == 4 ? duet_conv2d(w.group, "layer", x, 4, 7, 1, DUET_VALID)
                            : duet_conv2d(w.group, name, x, 4, 3, 1, DUET_SAME));
        static const char *const pieces[] = {"[batch, height, width, channels]",
                                             "[batch, height, width, channels]",
                                             "stride 0",
                                             "0 features",
                                             "window",
                                             "the name is too long"};
        assert_status(duet_graph_check(w.graph, &error), DUET_ERROR_GRAPH, &error);
        assert_message(&error, pieces[which]);
        workshop_close(&w);
    }
}

/* A convolution layer against the definition, SAME by TensorFlow's rule, which puts what is odd behind. */
static void a_layer_is_the_sum_over_its_window(void **state)
{
    (void)state;
    enum { H = 6, W = 5, C = 2, F = 3, K = 3, STRIDE = 2, OH = 3, OW = 3 };
    workshop w = workshop_open(5);
    duet_error error = {0};
    float x[H * W * C], weight[K * K * C * F], bias[F] = {0.5f, -1, 2}, y[OH * OW * F];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = scattered(i);
    for (size_t i = 0; i < sizeof weight / sizeof *weight; i++) weight[i] = scattered(1000 + i);
    duet_node input = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(1, H, W, C));
    duet_node output = duet_conv2d(w.group, "conv", input, F, K, STRIDE, DUET_SAME);
    assert_ok(duet_graph_check(w.graph, &error), &error);
    assert_ok(duet_store_write(w.store, device, "net.conv.weight", weight, sizeof weight, &error), &error);
    assert_ok(duet_store_write(w.store, device, "net.conv.bias", bias, sizeof bias, &error), &error);
    test_compute(device, &output, 1, &(test_feed){input, x}, 1, &(void *){y});
    for (int r = 0; r < OH; r++)
        for (int c = 0; c < OW; c++)
            for (int f = 0; f < F; f++) {
                double sum = bias[f];
                for (int i = 0; i < K; i++)
                    for (int j = 0; j < K; j++) {
                        int row = r * STRIDE + i - 0, column = c * STRIDE + j - 1; /* padding: 0, 1 and 1, 1 */
                        if (row >= H || column < 0 || column >= W) continue;
                        for (int k = 0; k < C; k++)
                            sum += (double)x[(row * W + column) * C + k] * weight[((i * K + j) * C + k) * F + f];
                    }
                assert_close(y[(r * OW + c) * F + f], sum, 1e-5);
            }
    workshop_close(&w);
}

/* <conv(x), y> = <x, transpose(y)> with one weight, which has the same shape and place in both. */
static void a_transposed_layer_is_the_transpose_of_its_convolution(void **state)
{
    (void)state;
    enum { H = 8, W = 6, C = 2, F = 3, K = 5, STRIDE = 2, X = 2 * H * W * C, Y = 2 * H / 2 * W / 2 * F };
    workshop w = workshop_open(5);
    duet_error error = {0};
    static float x[X], y[Y], weight[K * K * C * F], forth[Y], back[X];
    for (size_t i = 0; i < X; i++) x[i] = scattered(i);
    for (size_t i = 0; i < Y; i++) y[i] = scattered(700 + i);
    for (size_t i = 0; i < sizeof weight / sizeof *weight; i++) weight[i] = scattered(9000 + i);
    duet_node inputs[] = {duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(2, H, W, C)),
                          duet_input(w.graph, "y", DUET_FLOAT32, DUET_SHAPE(2, H / 2, W / 2, F))};
    duet_node roots[] = {duet_conv2d_no_bias(w.group, "conv", inputs[0], F, K, STRIDE, DUET_SAME),
                         duet_conv2d_transpose_no_bias(w.group, "transpose", inputs[1], C, K, STRIDE, DUET_SAME)};
    assert_ok(duet_graph_check(w.graph, &error), &error);
    assert_ok(duet_store_write(w.store, device, "net.conv.weight", weight, sizeof weight, &error), &error);
    assert_ok(duet_store_write(w.store, device, "net.transpose.weight", weight, sizeof weight, &error), &error);
    test_compute(device, roots, 2, (test_feed[]){{inputs[0], x}, {inputs[1], y}}, 2, (void *[]){forth, back});
    double left = 0, right = 0, size = 0;
    for (size_t i = 0; i < Y; i++) left += (double)forth[i] * y[i];
    for (size_t i = 0; i < X; i++) {
        right += (double)x[i] * back[i];
        size += fabs((double)x[i] * back[i]);
    }
    assert_true(size > 10);
    assert_close(left, right, 1e-5 * size);
    workshop_close(&w);
}

/* Fans are the window's size times the last two extents, so that Glorot's limit is that of Keras. */
static void first_values_of_kernels_have_the_limits_of_their_fans(void **state)
{
    (void)state;
    enum { K = 3, IN = 40, OUT = 30, COUNT = K * K * IN * OUT };
    static const struct {
        duet_initialiser start;
        double limit; /* of the uniform */
    } rows[] = {
        {{DUET_INIT_GLOROT_UNIFORM, 1, 0, 0}, 0.097590007 /* sqrt(6 / (9 * 40 + 9 * 30)) */},
        {{DUET_INIT_HE_UNIFORM, 1, 0, 0}, 0.129099445 /* sqrt(6 / (9 * 40)) */},
        {{DUET_INIT_FAN_IN_UNIFORM, 1, 0, 0}, 0.052704628 /* 1 / sqrt(9 * 40) */},
        {{DUET_INIT_GLOROT_UNIFORM, 2, 100, 50}, 0.4 /* 2 sqrt(6 / 150): given fans come first */},
    };
    static float values[COUNT];
    duet_error error = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        workshop w = workshop_open(5);
        (void)duet_parameter(w.graph, w.group, "kernel", DUET_SHAPE(K, K, IN, OUT), rows[i].start);
        assert_ok(duet_store_read(w.store, device, "net.kernel", values, sizeof values, &error), &error);
        double most = 0;
        for (size_t k = 0; k < COUNT; k++) most = fmax(most, fabs(values[k]));
        assert_in_range(most / rows[i].limit * 1e6, 999000, 1000000);
        workshop_close(&w);
    }
    workshop w = workshop_open(5);
    float weights[5 * 5 * 6 * 8], biases[6];
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(1, 4, 4, 8));
    (void)duet_conv2d_transpose(w.group, "layer", x, 6, 5, 2, DUET_SAME);
    assert_ok(duet_store_read(w.store, device, "net.layer.weight", weights, sizeof weights, &error), &error);
    assert_ok(duet_store_read(w.store, device, "net.layer.bias", biases, sizeof biases, &error), &error);
    double most = 0;
    for (size_t k = 0; k < sizeof weights / sizeof *weights; k++) most = fmax(most, fabs(weights[k]));
    assert_close(most, sqrt(6.0 / (25 * 6 + 25 * 8)), 1e-3);
    for (size_t k = 0; k < 6; k++) assert_close(biases[k], 0, 0);
    workshop_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_have_the_extents_of_keras),
        cmocka_unit_test(mistakes_in_layers_are_named),
        cmocka_unit_test(a_layer_is_the_sum_over_its_window),
        cmocka_unit_test(a_transposed_layer_is_the_transpose_of_its_convolution),
        cmocka_unit_test(first_values_of_kernels_have_the_limits_of_their_fans),
    };
    return RUN_TESTS("conv2d", tests, open_device, close_device);
}
