/* SPDX-License-Identifier: MIT */
/* Windows, pooling and up-sampling against numbers that were computed elsewhere (JAX's reduce_window, PyTorch's
 * interpolate, TensorFlow's manual), what they launch and store, and the words for their mistakes. */
#include "workshop.h"

#include "duet/explain.h"
#include "duet/window.h"

static duet_node picture(size_t batch, size_t height, size_t width, size_t channels)
{
    return duet_input(shop.graph, "x", DUET_FLOAT32, DUET_SHAPE(batch, height, width, channels));
}

static void assert_shape(duet_node node, duet_shape expected)
{
    duet_error error = {0};
    assert_ok(duet_graph_check(shop.graph, &error), &error);
    duet_shape shape = duet_node_shape(node);
    assert_int_equal(shape.rank, expected.rank);
    for (size_t i = 0; i < shape.rank; i++) assert_int_equal(shape.dims[i], expected.dims[i]);
}

/* The node's numbers for x, all within `tolerance` of what is expected. */
static void assert_values(duet_node node, duet_node x, const float *values, const double *expected, double tolerance)
{
    float got[256];
    size_t count = duet_shape_elements(duet_node_shape(node));
    assert_in_range(count, 1, 256);
    test_compute(device, &node, 1, (test_feed[]){{x, values}}, 1, (void *[]){got});
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(got[i] - expected[i]) <= tolerance)) print_error("element %zu\n", i);
        assert_close(got[i], expected[i], tolerance);
    }
}

/* A window on the spot. */
#define ONE(window) ((const duet_window[]){window})

/* Windows. */

/* out = ceil(extent / stride); padding = max((out - 1) stride + (size - 1) dilation + 1 - extent, 0), half of it
 * before: the numbers of TensorFlow's manual. */
static void same_is_as_in_tensorflow(void **state)
{
    (void)state;
    static const struct {
        size_t extent, size, stride, dilation, before, after, count;
    } rows[] = {
        {28, 5, 2, 1, 1, 2, 14}, {14, 5, 2, 1, 1, 2, 7}, {28, 3, 2, 1, 0, 1, 14}, {7, 3, 2, 1, 1, 1, 4},
        {14, 2, 2, 1, 0, 0, 7},  {7, 2, 2, 1, 0, 1, 4},  {6, 1, 2, 1, 0, 0, 3},   {5, 3, 1, 2, 2, 2, 5},
        {10, 3, 4, 1, 0, 1, 3},  {1, 5, 1, 1, 2, 2, 1},  {2, 4, 1, 1, 1, 2, 2},   {9, 2, 5, 1, 0, 0, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_window plain = {.size = {rows[i].size, 1},
                             .stride = {rows[i].stride, 1},
                             .dilation = {rows[i].dilation, 1},
                             .pad_before = {9, 9}};
        duet_window same = duet_window_pad_same(plain, rows[i].extent, 4);
        assert_int_equal(same.pad_before[0], rows[i].before);
        assert_int_equal(same.pad_after[0], rows[i].after);
        assert_int_equal(duet_window_count(&same, 0, rows[i].extent), rows[i].count);
        assert_int_equal(same.pad_before[1] + same.pad_after[1], 0);
        assert_int_equal(duet_window_count(&same, 1, 4), 4);
    }
    duet_window square = duet_window_same(picture(1, 28, 14, 3), 5, 2);
    assert_int_equal(square.pad_before[0], 1);
    assert_int_equal(square.pad_after[1], 2);
}

static void windows_are_counted(void **state)
{
    (void)state;
    const duet_window valid = duet_window_valid(3, 2), padded = duet_window_padded(3, 2, 1);
    assert_int_equal(duet_window_count(&valid, 0, 28), 13);
    assert_int_equal(duet_window_count(&valid, 1, 3), 1);
    assert_int_equal(duet_window_count(&valid, 1, 2), 0);
    assert_int_equal(duet_window_count(&padded, 0, 28), 14);
    assert_int_equal(duet_window_count(&padded, 0, 1), 1);
    duet_window huge = duet_window_padded(3, 1, SIZE_MAX), wide = duet_window_valid(SIZE_MAX, 1),
                none = {.size = {3, 3}};
    assert_int_equal(duet_window_count(&huge, 0, 28), 0);
    assert_int_equal(duet_window_count(&wide, 0, 28), 0);
    assert_int_equal(duet_window_count(&none, 0, 28), 0);
    wide.dilation[0] = wide.size[0] = (size_t)1 << (sizeof(size_t) * 4);
    assert_int_equal(duet_window_count(&wide, 0, 28), 0);
}

static void windows_and_fold_by_hand(void **state)
{
    (void)state;
    duet_node x = picture(1, 2, 3, 1);
    duet_window window = {{2, 2}, {1, 2}, {1, 1}, {0, 1}, {1, 0}};
    const float values[6] = {1, 2, 3, 4, 5, 6};
    duet_node windows = duet_windows(x, &window, -1);
    assert_shape(windows, DUET_SHAPE(1, 2, 2, 2, 2, 1));
    assert_values(windows, x, values, (double[]){-1, 1, -1, 4, 2, 3, 5, 6, -1, 4, -1, -1, 5, 6, -1, -1}, 0);
    duet_node back = duet_fold(duet_windows(x, &window, 0), &window, 2, 3);
    assert_shape(back, DUET_SHAPE(1, 2, 3, 1));
    assert_values(back, x, values, (double[]){1, 2, 3, 8, 10, 12}, 0);
}

/* Pooling. */

enum { HEIGHT = 4, WIDTH = 5 };
static const float values[HEIGHT * WIDTH] = {1, -2, 3, 0.5, 7, 4, 0, -1, 2, -6, -3, 5, 2.5, 1, 9, 8, -7, 6, -5, 0.25};

static void pools_are_as_in_jax(void **state)
{
    (void)state;
    static const struct {
        size_t size[2], stride[2], rows, columns;
        double largest[8], mean[8];
    } rows[] = {
        {{2, 2}, {2, 2}, 2, 3, {4, 3, 7, 8, 6, 9}, {0.75, 1.125, 0.5, 0.75, 1.125, 4.625}},
        {{3, 3}, {2, 2}, 2, 3, {5, 5, 9, 8, 6, 9}, {5.0 / 6, 11.0 / 9, 2.25, 0.75, 2.5 / 6, 1.3125}},
        {{3, 2}, {1, 3}, 4, 2, {4, 7, 5, 9, 8, 9, 8, 9}, {0.75, 0.875, 5.0 / 6, 2.25, 7.0 / 6, 1.25 / 6, 0.75, 1.3125}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_node x = picture(1, HEIGHT, WIDTH, 1);
        duet_window window = {.dilation = {1, 1}};
        memcpy(window.size, rows[i].size, sizeof window.size);
        memcpy(window.stride, rows[i].stride, sizeof window.stride);
        window = duet_window_pad_same(window, HEIGHT, WIDTH);
        duet_node largest = duet_max_pool(x, &window), mean = duet_average_pool(x, &window);
        assert_shape(largest, DUET_SHAPE(1, rows[i].rows, rows[i].columns, 1));
        assert_shape(mean, DUET_SHAPE(1, rows[i].rows, rows[i].columns, 1));
        assert_values(largest, x, values, rows[i].largest, 0);
        assert_values(mean, x, values, rows[i].mean, 1e-6);
    }
}

static void gradient_of_a_pool_is_as_in_jax(void **state)
{
    (void)state;
    duet_node x = picture(1, HEIGHT, WIDTH, 1), gradient, weights[6];
    for (size_t i = 0; i < 6; i++) weights[i] = duet_broadcast(duet_constant(shop.graph, (double)i + 1), DUET_SHAPE(1));
    duet_node weight = duet_reshape(duet_concat(weights, 6, 0), DUET_SHAPE(1, 2, 3, 1));
    duet_node pooled = duet_max_pool(x, ONE(duet_window_same(x, 3, 2)));
    duet_grad(duet_sum(duet_multiply(pooled, weight), DUET_ALL_AXES, false), &x, 1, &gradient);
    assert_values(gradient, x, values, (double[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 9, 4, 0, 5, 0, 0}, 0);
}

static void padding_is_never_the_largest(void **state)
{
    (void)state;
    duet_node x = picture(1, 2, 1, 1);
    duet_node pooled = duet_max_pool(x, ONE(duet_window_padded(3, 1, 1)));
    assert_values(pooled, x, (const float[]){-3, -2}, (double[]){-2, -2}, 0);
}

static void the_first_of_equals_has_the_gradient(void **state)
{
    (void)state;
    duet_node x = picture(1, 2, 3, 1), gradient, whole;
    const float tied[6] = {1, 1, 1, 0, 1, 0};
    duet_node pooled = duet_max_pool(x, ONE(duet_window_valid(2, 1)));
    duet_grad(duet_sum(pooled, DUET_ALL_AXES, false), &x, 1, &gradient);
    duet_grad(duet_sum(duet_global_max_pool(x), DUET_ALL_AXES, false), &x, 1, &whole);
    assert_values(gradient, x, tied, (double[]){1, 1, 0, 0, 0, 0}, 0);
    assert_values(whole, x, tied, (double[]){1, 0, 0, 0, 0, 0}, 0);
}

static void global_pools(void **state)
{
    (void)state;
    duet_node x = picture(2, 1, 3, 2), largest = duet_global_max_pool(x), mean = duet_global_average_pool(x);
    const float numbers[12] = {1, -1, 5, -2, 3, -6, 0, 7, 0, 8, 0, 9};
    assert_shape(largest, DUET_SHAPE(2, 2));
    assert_shape(mean, DUET_SHAPE(2, 2));
    assert_values(largest, x, numbers, (double[]){5, -1, 0, 9}, 0);
    assert_values(mean, x, numbers, (double[]){3, -3, 0, 8}, 1e-6);
}

/* Larger pictures. */

static const float small[12] = {1, -2, 3, 0.5, 4, 0, -1, 2, -3, 5, 2.5, 1};

static void bilinear_is_as_in_pytorch(void **state)
{
    (void)state;
    static const double twice[48] = {
        1,       0.25,    -1.25,   -0.75,   1.75,    2.375,   1.125,   0.5,    1.75,   0.9375,  -0.6875, -0.625,
        1.125,   1.71875, 1.15625, 0.875,   3.25,    2.3125,  0.4375,  -0.375, -0.125, 0.40625, 1.21875, 1.625,
        2.25,    2,       1.5,     0.90625, 0.21875, 0.34375, 1.28125, 1.75,   -1.25,  0,       2.5,     3.21875,
        2.15625, 1.53125, 1.34375, 1.25,    -3,      -1,      3,       4.375,  3.125,  2.125,   1.375,   1};
    static const double thrice[72] = {
        1,        0.25,     -1.25,    -0.75,    1.75,     2.375,    1.125,    0.5,      1,        0.25,     -1.25,
        -0.75,    1.75,     2.375,    1.125,    0.5,      2,        7.0 / 6,  -0.5,     -3.5 / 6, 5.5 / 6,  1.5,
        7.0 / 6,  1,        3,        12.5 / 6, 0.25,     -2.5 / 6, 0.5 / 6,  0.625,    7.25 / 6, 1.5,      4,
        3,        1,        -0.25,    -0.75,    -0.25,    1.25,     2,        10.0 / 6, 10.0 / 6, 10.0 / 6, 7.75 / 6,
        3.25 / 6, 3.25 / 6, 7.75 / 6, 10.0 / 6, -4.0 / 6, 2.0 / 6,  14.0 / 6, 17.0 / 6, 11.0 / 6, 8.0 / 6,  8.0 / 6,
        8.0 / 6,  -3,       -1,       3,        4.375,    3.125,    2.125,    1.375,    1,        -3,       -1,
        3,        4.375,    3.125,    2.125,    1.375,    1};
    duet_node x = picture(1, 3, 4, 1), y = duet_upsample_bilinear(x, 2, 2), gradient;
    assert_shape(y, DUET_SHAPE(1, 6, 8, 1));
    assert_values(y, x, small, twice, 1e-6);
    assert_values(duet_upsample_bilinear(x, 3, 2), x, small, thrice, 1e-6);
    float weights[48];
    for (size_t i = 0; i < 48; i++) weights[i] = (float)i;
    duet_node weight = picture(1, 6, 8, 1);
    duet_grad(duet_sum(duet_multiply(y, weight), DUET_ALL_AXES, false), &x, 1, &gradient);
    assert_values(gradient, weight, weights,
                  (double[]){22.5, 30, 38, 45.5, 82.5, 90, 98, 105.5, 142.5, 150, 158, 165.5}, 1e-4);
}

static void nearest_repeats(void **state)
{
    (void)state;
    duet_node x = picture(1, 1, 2, 2), y = duet_upsample_nearest(x, 2, 3);
    assert_shape(y, DUET_SHAPE(1, 2, 6, 2));
    assert_values(y, x, (const float[]){1, 2, 3, 4},
                  (double[]){1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4}, 0);
}

/* The examples of tf.nn.depth_to_space. */
static void shuffle_is_as_in_tensorflow(void **state)
{
    (void)state;
    const float numbers[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    duet_node x = picture(1, 1, 1, 12), y = picture(1, 2, 2, 4), z = picture(1, 4, 4, 1);
    duet_node wide = duet_depth_to_space(x, 2), larger = duet_depth_to_space(y, 2), deep = duet_space_to_depth(z, 2);
    assert_shape(wide, DUET_SHAPE(1, 2, 2, 3));
    assert_values(wide, x, numbers, (double[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 0);
    assert_shape(larger, DUET_SHAPE(1, 4, 4, 1));
    assert_values(larger, y, numbers, (double[]){1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 13, 14, 11, 12, 15, 16}, 0);
    assert_shape(deep, DUET_SHAPE(1, 2, 2, 4));
    assert_values(deep, z, numbers, (double[]){1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 13, 14, 11, 12, 15, 16}, 0);
}

/* What is launched and stored. */

typedef struct cost {
    size_t launches, largest; /* elements of the largest tensor */
} cost;

static cost cost_of(const duet_node *roots, size_t count)
{
    duet_error error = {0};
    duet_explanation explanation = {0};
    workshop_plan(&shop, "cost", roots, count);
    assert_ok(duet_plan_explain(shop.plan, &explanation, &error), &error);
    cost result = {.launches = explanation.launch_count};
    for (size_t i = 0; i < explanation.tensor_count; i++) {
        size_t elements = duet_shape_elements(explanation.tensors[i].shape);
        if (elements > result.largest) result.largest = elements;
    }
    duet_explanation_free(&explanation);
    return result;
}

static void pools_store_no_windows(void **state)
{
    (void)state;
    duet_node x = picture(4, 14, 14, 32);
    const size_t elements = 4 * 14 * 14 * 32;
    const duet_window windows[] = {duet_window_valid(2, 2), duet_window_same(x, 3, 2), duet_window_same(x, 3, 1),
                                   duet_window_same(x, 5, 1)};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        duet_node largest = duet_max_pool(x, &windows[i]), mean = duet_average_pool(x, &windows[i]),
                  roots[2] = {largest};
        cost forward = cost_of(&largest, 1), averaged = cost_of(&mean, 1);
        assert_int_equal(forward.launches, 1);
        assert_int_equal(forward.largest, elements);
        assert_in_range(averaged.launches, 1, 2);
        assert_int_equal(averaged.largest, elements);
        duet_grad(duet_sum(duet_square(largest), DUET_ALL_AXES, false), &x, 1, &roots[1]);
        cost both = cost_of(roots, 2);
        assert_in_range(both.launches, 2, 6);
        assert_int_equal(both.largest, elements);
    }
}

static void shuffles_and_nearest_are_views(void **state)
{
    (void)state;
    duet_node x = picture(2, 6, 4, 16);
    duet_node through = duet_upsample_nearest(duet_space_to_depth(duet_depth_to_space(x, 2), 2), 1, 1);
    duet_node y = duet_upsample_nearest(duet_depth_to_space(x, 4), 2, 2), bilinear = duet_upsample_bilinear(x, 1, 1);
    assert_ptr_equal(bilinear, x);
    assert_shape(through, DUET_SHAPE(2, 6, 4, 16));
    assert_in_range(cost_of(&y, 1).launches, 1, 2);
}

/* Mistakes. */

static duet_node pool_of_a_matrix(void)
{
    return duet_max_pool(duet_input(shop.graph, "x", DUET_FLOAT32, DUET_SHAPE(2, 3)), ONE(duet_window_valid(2, 2)));
}

static duet_node pool_of_bytes(void)
{
    return duet_average_pool(duet_input(shop.graph, "x", DUET_UINT8, DUET_SHAPE(2, 8, 8, 3)),
                             ONE(duet_window_valid(2, 2)));
}

static duet_node pool_larger_than_the_picture(void)
{
    return duet_max_pool(picture(2, 8, 3, 3), ONE(duet_window_valid(4, 2)));
}

static duet_node pool_without_stride(void)
{
    return duet_max_pool(picture(2, 8, 8, 3), &(duet_window){.size = {2, 2}, .dilation = {1, 1}});
}

static duet_node pool_of_padding(void)
{
    return duet_max_pool(picture(2, 8, 8, 3), ONE(duet_window_padded(2, 1, 2)));
}

static duet_node pool_with_gaps_around_the_picture(void)
{
    duet_window window = {{2, 2}, {1, 1}, {4, 1}, {2, 0}, {1, 0}};
    return duet_average_pool(picture(1, 2, 2, 1), &window);
}

static duet_node fold_of_other_windows(void)
{
    duet_window window = duet_window_valid(2, 2);
    return duet_fold(duet_windows(picture(2, 8, 8, 3), &window, 0), &window, 10, 8);
}

static duet_node fold_of_a_picture(void)
{
    return duet_fold(picture(2, 8, 8, 3), ONE(duet_window_valid(2, 2)), 8, 8);
}

static duet_node global_pool_of_a_matrix(void)
{
    return duet_global_max_pool(duet_input(shop.graph, "x", DUET_FLOAT32, DUET_SHAPE(2, 3)));
}

static duet_node global_mean_of_integers(void)
{
    return duet_global_average_pool(duet_input(shop.graph, "x", DUET_UINT32, DUET_SHAPE(2, 3, 4, 5)));
}

static duet_node nearest_by_nothing(void)
{
    return duet_upsample_nearest(picture(2, 8, 8, 3), 2, 0);
}

static duet_node bilinear_by_too_much(void)
{
    return duet_upsample_bilinear(picture(2, 8, 8, 3), SIZE_MAX / 4, 1);
}

static duet_node shuffle_of_three_channels(void)
{
    return duet_depth_to_space(picture(2, 8, 8, 6), 2);
}

static duet_node shuffle_of_odd_extents(void)
{
    return duet_space_to_depth(picture(2, 8, 7, 3), 2);
}

static duet_node shuffle_by_nothing(void)
{
    return duet_space_to_depth(picture(2, 8, 7, 3), 0);
}

static void mistakes_have_words(void **state)
{
    (void)state;
    static const struct {
        duet_node (*build)(void);
        const char *words[3];
    } rows[] = {
        {pool_of_a_matrix, {"max_pool: needs [batch, height, width, channels]", "[2, 3]", "test_image.c:"}},
        {pool_of_bytes, {"average_pool: needs float32, has uint8", "duet_to_float", "test_image.c:"}},
        {pool_larger_than_the_picture, {"max_pool: no window of 4x4", "[2, 8, 3, 3]", "along its width"}},
        {pool_without_stride, {"max_pool: no window of 2x2", "stride 0x0", "at least 1"}},
        {pool_of_padding, {"max_pool: window 0 along the height of [2, 8, 8, 3]", "padding 2 before", "pad less"}},
        {pool_with_gaps_around_the_picture, {"average_pool: window 0 along the height", "dilation 4", "[1, 2, 2, 1]"}},
        {fold_of_other_windows, {"fold: the windows over [2, 10, 8, 3]", "[2, 5, 4, 2, 2, 3]", "[2, 4, 4, 2, 2, 3]"}},
        {fold_of_a_picture, {"fold: needs [batch, rows, columns, size, size, channels]", "[2, 8, 8, 3]", ""}},
        {global_pool_of_a_matrix, {"global_max_pool: needs [batch, height, width, channels]", "[2, 3]", ""}},
        {global_mean_of_integers, {"global_average_pool: needs float32", "uint", ""}},
        {nearest_by_nothing, {"upsample_nearest: factors of 2 and 0", "[2, 8, 8, 3]", "1 or more"}},
        {bilinear_by_too_much, {"upsample_bilinear: factors of", "[2, 8, 8, 3]", "below 2^31"}},
        {shuffle_of_three_channels, {"depth_to_space: the channels of [2, 8, 8, 6]", "multiple of 2 x 2", ""}},
        {shuffle_of_odd_extents, {"space_to_depth: height and width of [2, 8, 7, 3]", "multiples of 2", ""}},
        {shuffle_by_nothing, {"space_to_depth: height and width of", "multiples of 0", ""}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_node later = duet_sum(rows[i].build(), DUET_ALL_AXES, false);
        assert_non_null(later);
        assert_status(duet_graph_check(shop.graph, &error), DUET_ERROR_GRAPH, &error);
        for (size_t j = 0; j < 3; j++) assert_message(&error, rows[i].words[j]);
        (void)close_shop(NULL);
        assert_int_equal(open_shop(NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORKSHOP(same_is_as_in_tensorflow),
        WITH_WORKSHOP(windows_are_counted),
        WITH_WORKSHOP(windows_and_fold_by_hand),
        WITH_WORKSHOP(pools_are_as_in_jax),
        WITH_WORKSHOP(gradient_of_a_pool_is_as_in_jax),
        WITH_WORKSHOP(padding_is_never_the_largest),
        WITH_WORKSHOP(the_first_of_equals_has_the_gradient),
        WITH_WORKSHOP(global_pools),
        WITH_WORKSHOP(bilinear_is_as_in_pytorch),
        WITH_WORKSHOP(nearest_repeats),
        WITH_WORKSHOP(shuffle_is_as_in_tensorflow),
        WITH_WORKSHOP(pools_store_no_windows),
        WITH_WORKSHOP(shuffles_and_nearest_are_views),
        WITH_WORKSHOP(mistakes_have_words),
    };
    return RUN_TESTS("image", tests, open_device, close_device);
}
