/* SPDX-License-Identifier: MIT */
/* Plans: what they launch, what is one kernel, plans that share their memory, and calls that are refused. */
#include "graph_parts.h"

static void elementwise_chains_are_one_launch(void **state)
{
    (void)state;
    duet_node x = floats(DUET_SHAPE(4, 3)), y = floats(DUET_SHAPE(3));
    duet_node chain = duet_tanh(duet_add(duet_multiply(x, y), duet_exp(duet_scale(x, 0.5))));
    duet_node reduced = duet_sum(duet_square(duet_subtract(x, y)), DUET_AXIS(1), false);
    duet_node turned = duet_sum(duet_transpose(duet_slice(duet_relu(x), 0, 1, 2)), DUET_AXIS(0), false);
    assert_int_equal(launches_of(&chain, 1), 1);
    assert_int_equal(launches_of(&reduced, 1), 1);
    assert_int_equal(launches_of(&turned, 1), 1);
}

/* A value to read and what is made of its view are one launch, and the second must not read memory that the first has
 * yet to write. */
static void a_view_of_a_value_in_the_same_kernel_is_that_value(void **state)
{
    (void)state;
    const float points[6] = {1, 2, 3, 4, 5, 6}, factors[6] = {1, 0, 1, 2, 0, 3};
    duet_node x = floats(DUET_SHAPE(2, 3, 1)), y = floats(DUET_SHAPE(2, 3));
    duet_node scaled = duet_scale(x, 10), product = duet_multiply(duet_reshape(scaled, DUET_SHAPE(2, 3)), y);
    float got[2][6];
    test_compute(device, (duet_node[]){scaled, product}, 2, (test_feed[]){{x, points}, {y, factors}}, 2,
                 (void *[]){got[0], got[1]});
    for (int i = 0; i < 6; i++) {
        assert_close(got[0][i], 10 * points[i], 0);
        assert_close(got[1][i], 10 * points[i] * factors[i], 0);
    }
    assert_int_equal(launches_of((duet_node[]){scaled, product}, 2), 1);
}

/* Frames of one kernel whose rows are shorter, longer and as long as those it goes by. */
static void places_are_found_in_any_frame(void **state)
{
    (void)state;
    float points[288], groups[8], columns[16], pairs[36], rows[9], got[288];
    for (size_t i = 0; i < 288; i++) points[i] = (float)i;
    for (size_t i = 0; i < 36; i++) pairs[i] = 0.5F * (float)i;
    for (size_t i = 0; i < 16; i++) columns[i] = 7 * (float)i;
    for (size_t i = 0; i < 9; i++) rows[i] = -3 * (float)i;
    for (size_t i = 0; i < 8; i++) groups[i] = 100 * (float)i;
    duet_node x = floats(DUET_SHAPE(2, 9, 4, 4)), group = floats(DUET_SHAPE(2, 1, 4, 1)),
              column = floats(DUET_SHAPE(16)), pair = floats(DUET_SHAPE(18, 2, 1)), row = floats(DUET_SHAPE(9, 1));
    duet_node y = duet_reshape(duet_add(x, group), DUET_SHAPE(18, 16));
    y = duet_reshape(duet_add(y, column), DUET_SHAPE(18, 2, 8));
    y = duet_add(duet_reshape(duet_add(y, pair), DUET_SHAPE(9, 32)), row);
    const duet_node roots[] = {y, duet_reshape(duet_scale(y, 2), DUET_SHAPE(18, 16))};
    for (size_t root = 0; root < 2; root++) {
        test_compute(device, &roots[root], 1,
                     (test_feed[]){{x, points}, {group, groups}, {column, columns}, {pair, pairs}, {row, rows}}, 5,
                     (void *[]){got});
        for (size_t i = 0; i < 288; i++) {
            float sum = points[i] + groups[i / 144 * 4 + i / 4 % 4] + columns[i % 16] + pairs[i / 8] + rows[i / 32];
            assert_close(got[i], sum * (float)(root + 1), 0);
        }
        assert_int_equal(launches_of(&roots[root], 1), 1);
    }
}

static void not_a_number_passes_through(void **state)
{
    (void)state;
    enum { CASES = 16 };
    duet_node x = floats(DUET_SHAPE(4)), zero = duet_constant(shop.graph, 0);
    duet_node roots[CASES] = {
        duet_relu(x),
        duet_leaky_relu(x, 0.2),
        duet_elu(x, 1),
        duet_selu(x),
        duet_gelu(x),
        duet_swish(x),
        duet_sigmoid(x),
        duet_softplus(x),
        duet_tanh(x),
        duet_abs(x),
        duet_clamp(x, -1, 1),
        duet_maximum(x, zero),
        duet_minimum(zero, x),
        duet_scale(duet_max(x, DUET_ALL_AXES, false), 2),
        duet_sum(x, DUET_ALL_AXES, false),
        duet_logsumexp(x, DUET_ALL_AXES, false),
    };
    const float points[4] = {1, NAN, -1, 2};
    float got[CASES][4];
    void *results[CASES];
    for (int i = 0; i < CASES; i++) results[i] = got[i];
    test_compute(device, roots, CASES, (test_feed[]){{x, points}}, 1, results);
    for (int i = 0; i < CASES; i++) {
        bool reduced = duet_node_shape(roots[i]).rank == 0;
        if (!isnan(got[i][reduced ? 0 : 1])) fail_msg("case %d hides a NaN", i);
    }
}

/* Plans made together share their arena; what the host reads stays until the same plan runs again. */
static void plans_that_share_do_not_disturb(void **state)
{
    (void)state;
    enum { PLANS = 3, N = 50 };
    duet_error error = {0};
    duet_node x = floats(DUET_SHAPE(N)), roots[PLANS];
    const duet_node *lists[PLANS];
    const char *names[PLANS] = {"one", "two", "three"};
    const size_t counts[PLANS] = {1, 1, 1};
    duet_plan *plans[PLANS];
    float values[N], got[N];
    for (int i = 0; i < PLANS; i++) {
        roots[i] = duet_scale(duet_subtract(x, duet_mean(x, DUET_ALL_AXES, true)), i + 1);
        lists[i] = &roots[i];
    }
    assert_ok(duet_plan_new_many(plans, PLANS, device, names, lists, counts, &error), &error);
    for (int i = 0; i < N; i++) values[i] = (float)i;
    for (int i = 0; i < PLANS; i++) assert_ok(duet_plan_write(plans[i], x, values, sizeof values, &error), &error);
    for (int i = 0; i < 2 * PLANS; i++) assert_ok(duet_plan_replay(plans[i % PLANS], &error), &error);
    for (int i = 0; i < PLANS; i++) {
        assert_ok(duet_plan_read(plans[i], roots[i], got, sizeof got, &error), &error);
        for (int j = 0; j < N; j++) assert_close(got[j], (i + 1) * (j - (N - 1) / 2.0), 1e-4);
    }
    for (int i = 0; i < PLANS; i++) duet_plan_free(&plans[i]);
}

static void plan_refuses_wrong_calls(void **state)
{
    (void)state;
    duet_error error = {0}, size = {0}, stranger = {0}, none = {0};
    duet_node x = floats(DUET_SHAPE(3)), unused = floats(DUET_SHAPE(3)), y = duet_exp(x);
    float values[4] = {0};
    duet_plan *plan = NULL;
    assert_ok(duet_plan_new(&plan, device, "calls", &y, 1, &error), &error);
    assert_status(duet_plan_write(plan, x, values, sizeof values, &size), DUET_ERROR_USAGE, &size);
    assert_message(&size, "12");
    assert_message(&size, "16");
    assert_status(duet_plan_read(plan, unused, values, 12, &stranger), DUET_ERROR_USAGE, &stranger);
    assert_message(&stranger, "calls");
    duet_plan_free(&plan);
    assert_status(duet_plan_new(&plan, device, "empty", NULL, 0, &none), DUET_ERROR_GRAPH, &none);
    assert_null(plan);
}

/* What nobody has written or computed is no value. */
static void plan_waits_for_its_inputs(void **state)
{
    (void)state;
    duet_error error = {0};
    float values[3] = {1, 2, 3}, got[3] = {0};
    duet_node x = duet_input(shop.graph, "given", DUET_FLOAT32, DUET_SHAPE(3)),
              y = duet_input(shop.graph, "forgotten", DUET_FLOAT32, DUET_SHAPE(3)), sum = duet_add(x, y);
    workshop_plan(&shop, "sum", &sum, 1);
    duet_plan *plan = shop.plan;
    assert_status(duet_plan_replay(plan, &error), DUET_ERROR_USAGE, &error);
    assert_ok(duet_plan_write(plan, x, values, sizeof values, &error), &error);
    assert_ok(duet_plan_write(plan, x, values, sizeof values, &error), &error);
    error = (duet_error){0};
    assert_status(duet_plan_replay(plan, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "\"sum\" reads the input \"forgotten\", which duet_plan_write has not filled yet");
    assert_ok(duet_plan_write(plan, y, values, sizeof values, &error), &error);
    error = (duet_error){0};
    assert_status(duet_plan_read(plan, sum, got, sizeof got, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "\"sum\" has computed nothing yet");
    assert_ok(duet_plan_replay(plan, &error), &error);
    assert_ok(duet_plan_read(plan, sum, got, sizeof got, &error), &error);
    assert_close(got[2], 6, 0);
}

static void source_is_there_to_read(void **state)
{
    (void)state;
    duet_node y = duet_tanh(floats(DUET_SHAPE(3)));
    workshop_plan(&shop, "source", &y, 1);
    assert_non_null(strstr(duet_plan_source(shop.plan), "__kernel"));
    assert_non_null(strstr(duet_plan_source(shop.plan), "tanh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORKSHOP(elementwise_chains_are_one_launch),
        WITH_WORKSHOP(a_view_of_a_value_in_the_same_kernel_is_that_value),
        WITH_WORKSHOP(places_are_found_in_any_frame),
        WITH_WORKSHOP(not_a_number_passes_through),
        WITH_WORKSHOP(plans_that_share_do_not_disturb),
        WITH_WORKSHOP(plan_refuses_wrong_calls),
        WITH_WORKSHOP(plan_waits_for_its_inputs),
        WITH_WORKSHOP(source_is_there_to_read),
    };
    return RUN_TESTS("plan", tests, open_device, close_device);
}
