/* SPDX-License-Identifier: MIT */
/* Gradients of graphs: zero where nothing depends, what op.h says at kinks, nothing computed where none is needed, and
 * gradients of gradients. */
#include "graph_parts.h"

static void gradient_is_zero_where_nothing_depends(void **state)
{
    (void)state;
    duet_node x = floats(DUET_SHAPE(2, 3)), y = floats(DUET_SHAPE(2, 3)), gradients[2];
    const float values[6] = {1, 2, 3, 4, 5, 6};
    float dx[6], dy[6];
    duet_grad(duet_sum(duet_square(x), DUET_ALL_AXES, false), ((duet_node[]){x, y}), 2, gradients);
    test_compute(device, gradients, 2, (test_feed[]){{x, values}}, 1, (void *[]){dx, dy});
    for (int i = 0; i < 6; i++) {
        assert_close(dx[i], 2 * values[i], 0);
        assert_close(dy[i], 0, 0);
    }
}

/* The loss is any value of one element, whatever its rank. */
static void loss_of_one_element_may_have_dimensions(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_node x = floats(DUET_SHAPE(1, 3)), by_product, by_slice, by_turn;
    const float values[3] = {1, 2, 3};
    float product[3], slice[3], turn[3];
    duet_grad(duet_matmul(x, x, false, true), &x, 1, &by_product);
    duet_grad(duet_slice(duet_square(x), 1, 1, 1), &x, 1, &by_slice);
    duet_grad(duet_transpose(duet_sum(duet_square(x), DUET_ALL_AXES, true)), &x, 1, &by_turn);
    assert_ok(duet_graph_check(shop.graph, &error), &error);
    test_compute(device, (duet_node[]){by_product, by_slice, by_turn}, 3, (test_feed[]){{x, values}}, 1,
                 (void *[]){product, slice, turn});
    for (int i = 0; i < 3; i++) {
        assert_close(product[i], 2 * values[i], 1e-6);
        assert_close(slice[i], i == 1 ? 4 : 0, 0);
        assert_close(turn[i], 2 * values[i], 0);
    }
}

/* More elements than float32 counts: axes are counted over one after the other. */
static void the_first_of_very_many_equals_is_one(void **state)
{
    (void)state;
    duet_error error = {0};
    const size_t rows = 4100;
    duet_node column = floats(DUET_SHAPE(rows, 1)), gradient;
    duet_node x = duet_watch(duet_broadcast(column, DUET_SHAPE(rows, rows)));
    duet_grad(duet_max(x, DUET_ALL_AXES, false), &column, 1, &gradient);
    assert_ok(duet_graph_check(shop.graph, &error), &error);
    float *values = calloc(rows, sizeof *values), *found = calloc(rows, sizeof *found);
    assert_true(values != NULL && found != NULL);
    values[0] = -1;
    test_compute(device, &gradient, 1, (test_feed[]){{column, values}}, 1, (void *[]){found});
    for (size_t i = 0; i < rows; i++) assert_close(found[i], i == 1, 0);
    free(values);
    free(found);
}

/* Where an op has a kink or a tie, its gradient is what op.h says. */
static void kinks_and_ties(void **state)
{
    (void)state;
    enum { CASES = 8 };
    duet_node x = floats(DUET_SHAPE(4)), flipped = duet_multiply(x, duet_constant(shop.graph, -1)), gradients[CASES];
    duet_node values[CASES] = {
        duet_relu(x),
        duet_abs(x),
        duet_maximum(x, flipped),
        duet_minimum(x, flipped),
        duet_clamp(x, -1, 0),
        duet_leaky_relu(x, 0.5),
        duet_max(x, DUET_ALL_AXES, false),
        duet_maximum(x, x),
    };
    const float points[4] = {0, -2, 1, 1};
    const float expected[CASES][4] = {
        {0, 0, 1, 1}, {0, -1, 1, 1},    {0, -1, 1, 1}, {0, 1, -1, -1},
        {1, 0, 0, 0}, {0.5, 0.5, 1, 1}, {0, 0, 1, 0},  {1, 1, 1, 1},
    };
    float got[CASES][4];
    void *results[CASES];
    for (int i = 0; i < CASES; i++) {
        duet_grad(duet_sum(values[i], DUET_ALL_AXES, false), &x, 1, &gradients[i]);
        results[i] = got[i];
    }
    test_compute(device, gradients, CASES, (test_feed[]){{x, points}}, 1, results);
    for (int i = 0; i < CASES; i++) {
        for (int j = 0; j < 4; j++) {
            if (!(fabs(got[i][j] - expected[i][j]) <= 0)) print_error("case %d, element %d\n", i, j);
            assert_close(got[i][j], expected[i][j], 0);
        }
    }
}

static void stop_gradient_stops(void **state)
{
    (void)state;
    duet_node x = floats(DUET_SHAPE(3)), gradient;
    const float values[3] = {1, -2, 3};
    float got[3];
    duet_node loss = duet_sum(duet_multiply(x, duet_stop_gradient(duet_square(x))), DUET_ALL_AXES, false);
    duet_grad(loss, &x, 1, &gradient);
    test_compute(device, &gradient, 1, (test_feed[]){{x, values}}, 1, (void *[]){got});
    for (int i = 0; i < 3; i++) assert_close(got[i], values[i] * values[i], 1e-6);
}

/* Crossing a frozen network costs its data gradient and nothing more. */
static void gradient_is_pruned_both_ways(void **state)
{
    (void)state;
    duet_node x = floats(DUET_SHAPE(8, 5)), front = floats(DUET_SHAPE(6, 5)), frozen = floats(DUET_SHAPE(7, 6));
    duet_node hidden = duet_tanh(duet_matmul(x, front, false, true));
    duet_node loss = duet_sum(duet_square(duet_matmul(hidden, frozen, false, true)), DUET_ALL_AXES, false);
    duet_node all[3], front_only, back_only;
    duet_grad(loss, &front, 1, &front_only);
    duet_grad(loss, &frozen, 1, &back_only);
    duet_grad(loss, ((duet_node[]){front, frozen, x}), 3, all);
    assert_ptr_equal(front_only, all[0]);
    assert_ptr_equal(back_only, all[1]);
    size_t of_front = launches_of(&front_only, 1), of_back = launches_of(&back_only, 1), of_all = launches_of(all, 3);
    assert_true(of_back < of_front); /* the last layer's gradient does not go through the first */
    assert_true(of_front < of_all);
}

/* Second and third derivatives do not explode: x^3 is 6 x, then 6. */
static void higher_derivatives(void **state)
{
    (void)state;
    duet_node x = floats(DUET_SHAPE(3)), y = duet_multiply(x, duet_square(x)), orders[4];
    const float values[3] = {0.5f, -1, 2};
    float got[4][3];
    for (int i = 0; i < 4; i++) {
        duet_grad(duet_sum(i == 0 ? y : orders[i - 1], DUET_ALL_AXES, false), &x, 1, &orders[i]);
    }
    test_compute(device, orders, 4, (test_feed[]){{x, values}}, 1, (void *[]){got[0], got[1], got[2], got[3]});
    for (int i = 0; i < 3; i++) {
        assert_close(got[0][i], 3 * values[i] * values[i], 1e-5);
        assert_close(got[1][i], 6 * values[i], 1e-5);
        assert_close(got[2][i], 6, 1e-5);
        assert_close(got[3][i], 0, 0);
    }
}

/* Of equal elements the first gets the whole slope, in a row as in the windows of a picture. */
static void the_first_of_equal_maxima_learns(void **state)
{
    (void)state;
    static const float row[8] = {1, 2, 2, 0, 3, 3, 3, 3}, wanted[8] = {0, 1, 0, 0, 1, 0, 0, 0};
    duet_error error = {0};
    float pictures[16], by_row[8], by_window[16], chosen[8];
    workshop w = workshop_open(1);
    duet_node x = duet_input(w.graph, "x", DUET_FLOAT32, DUET_SHAPE(2, 4));
    duet_node p = duet_input(w.graph, "p", DUET_FLOAT32, DUET_SHAPE(1, 4, 4, 1)), gradients[3];
    duet_window window = duet_window_valid(2, 2);
    for (size_t i = 0; i < 16; i++) pictures[i] = 5;
    duet_grad(duet_sum(duet_max(x, DUET_AXIS(1), false), DUET_ALL_AXES, false), &x, 1, &gradients[0]);
    duet_grad(duet_sum(duet_max_pool(p, &window), DUET_ALL_AXES, false), &p, 1, &gradients[1]);
    gradients[2] = duet_largest(x); /* of which draws of classes are made: one of each row, also where two are equal */
    workshop_plan(&w, "ties", gradients, 3);
    assert_ok(duet_plan_write(w.plan, x, row, sizeof row, &error), &error);
    assert_ok(duet_plan_write(w.plan, p, pictures, sizeof pictures, &error), &error);
    assert_ok(duet_plan_replay(w.plan, &error), &error);
    assert_ok(duet_plan_read(w.plan, gradients[0], by_row, sizeof by_row, &error), &error);
    assert_ok(duet_plan_read(w.plan, gradients[1], by_window, sizeof by_window, &error), &error);
    assert_ok(duet_plan_read(w.plan, gradients[2], chosen, sizeof chosen, &error), &error);
    for (size_t i = 0; i < 8; i++) assert_close(by_row[i], wanted[i], 0);
    for (size_t i = 0; i < 8; i++) assert_close(chosen[i], wanted[i], 0);
    for (size_t i = 0; i < 16; i++) assert_close(by_window[i], i % 2 == 0 && i / 4 % 2 == 0, 0);
    workshop_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_equal_maxima_learns),
        WITH_WORKSHOP(gradient_is_zero_where_nothing_depends),
        WITH_WORKSHOP(loss_of_one_element_may_have_dimensions),
        WITH_WORKSHOP(kinks_and_ties),
        WITH_WORKSHOP(the_first_of_very_many_equals_is_one),
        WITH_WORKSHOP(stop_gradient_stops),
        WITH_WORKSHOP(gradient_is_pruned_both_ways),
        WITH_WORKSHOP(higher_derivatives),
    };
    return RUN_TESTS("gradient", tests, open_device, close_device);
}
