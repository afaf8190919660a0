/* SPDX-License-Identifier: MIT */
/* The graph as a description: mistakes stick and name their place, and equal expressions are one node. */
#include "graph_parts.h"

#include "duet/nn.h"

/* Mistakes. */

static void mistake_sticks(void **state)
{
    (void)state;
    duet_error error = {0}, again = {0}, planned = {0};
    char place[64];
    duet_node a = floats(DUET_SHAPE(2, 3)), b = floats(DUET_SHAPE(4));
    assert_ok(duet_graph_check(shop.graph, &error), &error);
    (void)snprintf(place, sizeof place, "test_graph.c:%d", __LINE__ + 1);
    duet_node sum = duet_add(a, b);
    assert_status(duet_graph_check(shop.graph, &error), DUET_ERROR_GRAPH, &error);
    assert_message(&error, place);
    assert_message(&error, "add");
    assert_message(&error, "[2, 3]");
    assert_message(&error, "[4]");

    duet_node later = duet_sum(duet_matmul(duet_tanh(sum), b, false, false), DUET_ALL_AXES, false), gradient = NULL;
    duet_grad(later, &a, 1, &gradient);
    assert_non_null(later);
    assert_non_null(gradient);
    assert_status(duet_graph_check(shop.graph, &again), DUET_ERROR_GRAPH, &again);
    assert_string_equal(again.message, error.message);

    duet_plan *plan = NULL;
    assert_status(duet_plan_new(&plan, device, "mistake", &later, 1, &planned), DUET_ERROR_GRAPH, &planned);
    assert_string_equal(planned.message, error.message);
    assert_null(plan);
}

static void own_mistakes_stick(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_graph_fail(shop.graph, "width %d is odd", 3);
    assert_status(duet_graph_check(shop.graph, &error), DUET_ERROR_GRAPH, &error);
    assert_message(&error, "width 3 is odd");
    assert_message(&error, "test_graph.c:");
}

static duet_node wrong_matmul(void)
{
    return duet_matmul(floats(DUET_SHAPE(2, 3)), floats(DUET_SHAPE(4, 5)), false, false);
}

static duet_node wrong_matmul_transposed(void)
{
    return duet_matmul(floats(DUET_SHAPE(2, 3)), floats(DUET_SHAPE(3, 5)), false, true);
}

static duet_node matmul_of_vectors(void)
{
    return duet_matmul(floats(DUET_SHAPE(3)), floats(DUET_SHAPE(3)), false, false);
}

static duet_node wrong_batch(void)
{
    return duet_batched_matmul(floats(DUET_SHAPE(2, 3, 4)), floats(DUET_SHAPE(3, 4, 5)), false, false);
}

static duet_node wrong_masked_matmul(void)
{
    return duet_masked_matmul(floats(DUET_SHAPE(2, 3)), floats(DUET_SHAPE(5, 3)), floats(DUET_SHAPE(5)),
                              floats(DUET_SHAPE(3)));
}

static duet_node wrong_batched_matmul(void)
{
    return duet_batched_matmul(floats(DUET_SHAPE(2, 3, 4)), floats(DUET_SHAPE(2, 4, 5)), false, true);
}

static duet_node wrong_reshape(void)
{
    return duet_reshape(floats(DUET_SHAPE(2, 3)), DUET_SHAPE(7));
}

static duet_node wrong_broadcast(void)
{
    return duet_broadcast(floats(DUET_SHAPE(2, 3)), DUET_SHAPE(2, 4));
}

static duet_node shrinking_broadcast(void)
{
    return duet_broadcast(floats(DUET_SHAPE(2, 3)), DUET_SHAPE(3));
}

static duet_node permutation_with_repeat(void)
{
    return duet_permute(floats(DUET_SHAPE(2, 3)), ((const size_t[]){1, 1}));
}

static duet_node permutation_too_far(void)
{
    return duet_permute(floats(DUET_SHAPE(2, 3)), ((const size_t[]){0, 2}));
}

static duet_node transpose_of_vector(void)
{
    return duet_transpose(floats(DUET_SHAPE(3)));
}

static duet_node slice_past_end(void)
{
    return duet_slice(floats(DUET_SHAPE(2, 3)), 1, 2, 2);
}

static duet_node slice_that_wraps(void)
{
    return duet_slice(floats(DUET_SHAPE(2, 3)), 1, 2, SIZE_MAX);
}

static duet_node slice_of_no_dimension(void)
{
    return duet_slice(floats(DUET_SHAPE(2, 3)), 2, 0, 1);
}

static duet_node pad_of_no_dimension(void)
{
    return duet_pad(floats(DUET_SHAPE(2, 3)), 2, 1, 0);
}

static duet_node pad_that_overflows(void)
{
    return duet_pad(floats(DUET_SHAPE(2, 3)), 0, SIZE_MAX - 1, 1);
}

static duet_node wrong_concat(void)
{
    return duet_concat(((duet_node[]){floats(DUET_SHAPE(2, 3)), floats(DUET_SHAPE(2, 4))}), 2, 0);
}

static duet_node reduction_of_no_dimension(void)
{
    return duet_sum(floats(DUET_SHAPE(2, 3)), DUET_AXIS(2), false);
}

static duet_node sum_of_integers(void)
{
    return duet_sum(integers(DUET_SHAPE(3)), DUET_ALL_AXES, false);
}

static duet_node exp_of_integers(void)
{
    return duet_exp(integers(DUET_SHAPE(3)));
}

static duet_node add_of_integers(void)
{
    return duet_add(floats(DUET_SHAPE(3)), integers(DUET_SHAPE(3)));
}

static duet_node index_of_an_index(void)
{
    return duet_to_index(duet_to_index(floats(DUET_SHAPE(3))));
}

static duet_node increment_of_floats(void)
{
    return duet_increment(floats(DUET_SHAPE(3)));
}

static duet_node gather_by_floats(void)
{
    return duet_gather(floats(DUET_SHAPE(2, 3)), floats(DUET_SHAPE(3)));
}

static duet_node gather_of_scalar(void)
{
    return duet_gather(floats(DUET_SCALAR_SHAPE), integers(DUET_SHAPE(3)));
}

static duet_node state(const char *name, duet_shape shape)
{
    return duet_state(shop.graph, name, DUET_FLOAT32, shape, ((duet_initialiser){DUET_INIT_CONSTANT, 0, 0, 0}));
}

static duet_node state_of_two_shapes(void)
{
    state("weight", DUET_SHAPE(2, 3));
    return state("weight", DUET_SHAPE(3, 2));
}

static duet_node assign_to_no_state(void)
{
    return duet_assign(duet_exp(floats(DUET_SHAPE(3))), floats(DUET_SHAPE(3)));
}

static duet_node assign_of_wrong_shape(void)
{
    return duet_assign(state("a", DUET_SHAPE(3)), floats(DUET_SHAPE(4)));
}

static duet_node state_of_two_types(void)
{
    state("weight", DUET_SHAPE(2, 3));
    return duet_state(shop.graph, "weight", DUET_UINT32, DUET_SHAPE(2, 3),
                      ((duet_initialiser){DUET_INIT_CONSTANT, 0, 0, 0}));
}

static duet_node assign_of_wrong_type(void)
{
    return duet_assign(state("a", DUET_SHAPE(3)), integers(DUET_SHAPE(3)));
}

static duet_node concat_of_types(void)
{
    return duet_concat(((duet_node[]){floats(DUET_SHAPE(3)), integers(DUET_SHAPE(3))}), 2, 0);
}

static duet_node matmul_of_integers(void)
{
    return duet_matmul(floats(DUET_SHAPE(3, 3)), integers(DUET_SHAPE(3, 3)), false, false);
}

static duet_node gradient_of_integer(void)
{
    duet_node x = integers(DUET_SCALAR_SHAPE), gradient;
    duet_grad(x, &x, 1, &gradient);
    return gradient;
}

static duet_node wrong_row(void)
{
    return duet_with_row(state("a", DUET_SHAPE(3, 4)), integers(DUET_SCALAR_SHAPE), floats(DUET_SHAPE(3)));
}

static duet_node shuffle_of_nothing(void)
{
    return duet_shuffled(integers(DUET_SCALAR_SHAPE), 4, 0);
}

static duet_node shape_without_elements(void)
{
    return duet_input(shop.graph, "x", DUET_FLOAT32, DUET_SHAPE(3, 0));
}

static duet_node shape_that_overflows(void)
{
    return duet_input(shop.graph, "x", DUET_FLOAT32, DUET_SHAPE(SIZE_MAX / 2, 3));
}

static duet_node rank_too_high(void)
{
    return duet_broadcast(floats(DUET_SHAPE(1)), ((duet_shape){DUET_MAX_RANK + 1, {1, 1, 1, 1, 1, 1}}));
}

static duet_node gradient_of_vector(void)
{
    duet_node x = floats(DUET_SHAPE(3)), gradient;
    duet_grad(duet_exp(x), &x, 1, &gradient);
    return gradient;
}

static duet_node gradient_through_take(void)
{
    duet_node table = floats(DUET_SHAPE(5, 2)), gradient;
    duet_node rows = duet_take(table, 0, integers(DUET_SHAPE(3)));
    duet_grad(duet_sum(duet_square(rows), DUET_ALL_AXES, false), &table, 1, &gradient);
    return gradient;
}

static duet_node unknown_activation(void)
{
    return duet_activation("rely", floats(DUET_SHAPE(3)));
}

static duet_node scale_beyond_floats(void)
{
    return duet_scale(floats(DUET_SHAPE(3)), 1e39);
}

static duet_node shift_beyond_floats(void)
{
    return duet_shift(floats(DUET_SHAPE(3)), -1e39);
}

static duet_node leak_by_no_number(void)
{
    return duet_leaky_relu(floats(DUET_SHAPE(3)), NAN);
}

static duet_node elu_of_no_number(void)
{
    return duet_elu(floats(DUET_SHAPE(3)), INFINITY);
}

static duet_node standardise_below_zero(void)
{
    return duet_standardise(floats(DUET_SHAPE(4, 3)), DUET_AXIS(0), -1);
}

static duet_node nll_of_a_wide_variance(void)
{
    return duet_gaussian_nll(floats(DUET_SHAPE(4, 1)), floats(DUET_SHAPE(4, 20)), floats(DUET_SHAPE(4, 1)));
}

static duet_node kl_of_a_wide_variance(void)
{
    return duet_gaussian_kl(floats(DUET_SHAPE(4, 1)), floats(DUET_SHAPE(20)));
}

static duet_node sample_of_a_wide_variance(void)
{
    return duet_gaussian_sample(floats(DUET_SHAPE(4, 2, 1)), floats(DUET_SHAPE(4, 2, 3)));
}

static duet_node levels_of_a_wide_scale(void)
{
    duet_node x = floats(DUET_SHAPE(4, 1));
    return duet_discretised_logistic_nll(x, floats(DUET_SHAPE(4, 20)), x, 256);
}

static duet_node linear_with_a_wide_bias(void)
{
    return duet_linear(floats(DUET_SHAPE(4, 3)), floats(DUET_SHAPE(1, 3)), floats(DUET_SHAPE(20)));
}

static duet_node softmax_of_integers(void)
{
    return duet_softmax(integers(DUET_SHAPE(3)));
}

static duet_node clamp_to_nothing(void)
{
    return duet_clamp(floats(DUET_SHAPE(3)), 1, -1);
}

static duet_node target_past_one(void)
{
    return duet_binary_cross_entropy(floats(DUET_SHAPE(4, 1)), duet_constant(shop.graph, 1.2));
}

static duet_node target_below_zero(void)
{
    duet_node x = floats(DUET_SHAPE(4, 3));
    return duet_bernoulli_nll(x, duet_broadcast(duet_constant(shop.graph, -0.5), DUET_SHAPE(4, 3)));
}

/* What is wrong, and pieces of the message. */
static const struct {
    const char *name;
    duet_node (*build)(void);
    const char *pieces[3];
} mistakes[] = {
    {"matmul: inner extents", wrong_matmul, {"matmul", "[2, 3]", "[4, 5]"}},
    {"matmul: inner extents, transposed", wrong_matmul_transposed, {"matmul", "[3, 5]", "transposed"}},
    {"matmul: vectors", matmul_of_vectors, {"matmul", "[3]"}},
    {"masked_matmul: numbers of the wrong side",
     wrong_masked_matmul,
     {"masked_matmul", "from [5] to [3]", "[rows, inputs]"}},
    {"batched_matmul: batch", wrong_batch, {"batched_matmul", "[2, 3, 4]", "[3, 4, 5]"}},
    {"batched_matmul: inner extents", wrong_batched_matmul, {"batched_matmul", "[2, 4, 5]", "transposed"}},
    {"scale: beyond float32", scale_beyond_floats, {"scale: 1e+39 is beyond float32"}},
    {"shift: beyond float32", shift_beyond_floats, {"shift: -1e+39 is beyond float32"}},
    {"leaky_relu: slope", leak_by_no_number, {"leaky_relu: the slope is nan"}},
    {"elu: alpha", elu_of_no_number, {"elu: alpha is inf"}},
    {"standardise: epsilon", standardise_below_zero, {"standardise: epsilon is -1, and a number from 0 on"}},
    {"gaussian_nll: spread", nll_of_a_wide_variance, {"gaussian_nll: the spread is [4, 20], and", "[4, 1]"}},
    {"gaussian_kl: spread", kl_of_a_wide_variance, {"gaussian_kl: the spread is [20], and", "[4, 1]"}},
    {"gaussian_sample: spread", sample_of_a_wide_variance, {"gaussian_sample: the spread is [4, 2, 3]"}},
    {"discretised_logistic_nll: spread", levels_of_a_wide_scale, {"discretised_logistic_nll: the spread is"}},
    {"linear: bias", linear_with_a_wide_bias, {"linear: the bias is [20], and what it is added to [4, 1]"}},
    {"softmax: integers", softmax_of_integers, {"softmax: float32", "uint32 [3]"}},
    {"clamp: ends", clamp_to_nothing, {"clamp", "low 1 and high -1"}},
    {"binary_cross_entropy: target", target_past_one, {"binary_cross_entropy", "1.2", "[0, 1]"}},
    {"bernoulli_nll: target", target_below_zero, {"bernoulli_nll", "-0.5", "[0, 1]"}},
    {"reshape: elements", wrong_reshape, {"reshape", "[2, 3]", "[7]"}},
    {"broadcast: extents", wrong_broadcast, {"broadcast", "[2, 3]", "[2, 4]"}},
    {"broadcast: to a smaller shape", shrinking_broadcast, {"broadcast", "[2, 3]", "[3]"}},
    {"permute: twice the same", permutation_with_repeat, {"permute", "1"}},
    {"permute: past the rank", permutation_too_far, {"permute", "2"}},
    {"transpose: rank 1", transpose_of_vector, {"transpose"}},
    {"slice: past the end", slice_past_end, {"slice", "2", "3"}},
    {"slice: wraps around", slice_that_wraps, {"slice"}},
    {"slice: dimension", slice_of_no_dimension, {"slice", "dimension 2"}},
    {"pad: dimension", pad_of_no_dimension, {"pad", "dimension 2"}},
    {"pad: overflow", pad_that_overflows, {"pad"}},
    {"concat: extents", wrong_concat, {"concat", "[2, 3]", "[2, 4]"}},
    {"sum: dimension", reduction_of_no_dimension, {"sum", "rank 2"}},
    {"sum: integers", sum_of_integers, {"sum: axes ", "float32", "is uint32"}},
    {"exp: integers", exp_of_integers, {"exp", "uint32", "float32"}},
    {"add: integers", add_of_integers, {"add", "uint32", "float32"}},
    {"to_index: uint32", index_of_an_index, {"to_index", "uint32", "float32"}},
    {"increment: floats", increment_of_floats, {"increment", "float32", "uint32"}},
    {"gather: float index", gather_by_floats, {"gather", "uint32"}},
    {"gather: scalar table", gather_of_scalar, {"gather"}},
    {"state: another shape", state_of_two_shapes, {"weight", "[2, 3]", "[3, 2]"}},
    {"state: another type", state_of_two_types, {"\"weight\" is [2, 3] and was asked for as uint32 [2, 3]"}},
    {"assign: type", assign_of_wrong_type, {"the state is [3] and the value uint32 [3]"}},
    {"concat: type", concat_of_types, {"concat: uint32 [3] cannot become [3]"}},
    {"matmul: type", matmul_of_integers, {"matmul: [3, 3] by uint32 [3, 3] does not fit"}},
    {"grad: type", gradient_of_integer, {"grad", "uint32"}},
    {"assign: not a state", assign_to_no_state, {"assign", "exp"}},
    {"assign: shape", assign_of_wrong_shape, {"assign", "[3]", "[4]"}},
    {"with_row: row", wrong_row, {"with_row", "[3]", "[3, 4]"}},
    {"shuffled: no examples", shuffle_of_nothing, {"shuffled", "n = 0"}},
    {"shape: empty", shape_without_elements, {"[3, 0]"}},
    {"shape: overflow", shape_that_overflows, {"elements"}},
    {"shape: rank", rank_too_high, {"broadcast"}},
    {"grad: not a scalar", gradient_of_vector, {"grad", "scalar", "[3]"}},
    {"grad: no rule", gradient_through_take, {"take", "gradient"}},
    {"activation: unknown", unknown_activation, {"rely", "relu"}},
};
enum { MISTAKES = sizeof mistakes / sizeof mistakes[0] };

static void mistake_is_reported(void **state)
{
    size_t index = (size_t)(uintptr_t)*state;
    duet_error error = {0};
    open_shop(state);
    duet_node node = mistakes[index].build();
    assert_non_null(node);
    assert_status(duet_graph_check(shop.graph, &error), DUET_ERROR_GRAPH, &error);
    assert_message(&error, "test_graph.c:");
    for (size_t i = 0; i < 3 && mistakes[index].pieces[i]; i++) assert_message(&error, mistakes[index].pieces[i]);
    close_shop(state);
}

static void numbers_that_round_to_the_largest_float_are_held(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_shift(duet_scale(floats(DUET_SHAPE(3)), -3.4028235e38), 3.4028235e38);
    assert_ok(duet_graph_check(shop.graph, &error), &error);
    duet_scale(floats(DUET_SHAPE(3)), 3.4028236e38);
    assert_status(duet_graph_check(shop.graph, &error), DUET_ERROR_GRAPH, &error);
}

/* One for all, one a feature, one an example; and means that are one for all rows. */
static void spreads_may_be_shared(void **state)
{
    (void)state;
    duet_error error = {0};
    const duet_shape shapes[] = {
        {0}, DUET_SHAPE(1), DUET_SHAPE(3), DUET_SHAPE(4, 1), DUET_SHAPE(1, 3), DUET_SHAPE(4, 3)};
    duet_node x = floats(DUET_SHAPE(4, 3)), none = duet_constant(shop.graph, 0);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        duet_node spread = floats(shapes[i]);
        (void)duet_gaussian_nll(x, spread, x);
        (void)duet_discretised_logistic_nll(x, spread, x, 256);
        (void)duet_gaussian_sample(x, spread);
        (void)duet_gaussian_kl(x, spread);
        if (i > 0) (void)duet_gaussian_kl(none, spread);
    }
    (void)duet_gaussian_nll(none, duet_constant(shop.graph, 0), x);
    (void)duet_gaussian_sample(floats(DUET_SHAPE(1, 3)), x);
    (void)duet_gaussian_kl(floats(DUET_SHAPE(3)), x);
    assert_ok(duet_graph_check(shop.graph, &error), &error);
}

static void graphs_do_not_mix(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_graph *other = duet_graph_new(shop.store);
    duet_node stranger = duet_input(other, "y", DUET_FLOAT32, DUET_SHAPE(3));
    duet_add(stranger, floats(DUET_SHAPE(3)));
    for (size_t i = 0; i < 2; i++) { /* either may be planned */
        assert_status(duet_graph_check(i == 0 ? shop.graph : other, &error), DUET_ERROR_GRAPH, &error);
        assert_message(&error, "test_graph.c:");
        assert_message(&error, "add: an operand belongs to another graph");
    }
    duet_graph_free(&other);
}

/* Equal expressions are one node, and some are none. */

static void equal_expressions_are_one_node(void **state)
{
    (void)state;
    duet_node x = floats(DUET_SHAPE(4, 3)), y = floats(DUET_SHAPE(3));
    assert_ptr_not_equal(x, floats(DUET_SHAPE(4, 3)));
    assert_ptr_equal(duet_exp(x), duet_exp(x));
    assert_ptr_equal(duet_add(x, y), duet_add(y, x));
    assert_ptr_equal(duet_sum(duet_multiply(x, y), DUET_AXIS(0), true),
                     duet_sum(duet_multiply(x, y), DUET_AXIS(0), true));
    assert_ptr_equal(duet_leaky_relu(x, 0.2), duet_leaky_relu(x, 0.2));
    assert_ptr_not_equal(duet_leaky_relu(x, 0.2), duet_leaky_relu(x, 0.1));
    assert_ptr_not_equal(duet_subtract(x, y), duet_subtract(y, x));
    assert_ptr_not_equal(duet_sum(x, DUET_AXIS(0), true), duet_sum(x, DUET_AXIS(1), true));
    assert_ptr_not_equal(duet_slice(x, 0, 1, 2), duet_slice(x, 0, 2, 2));
    assert_ptr_not_equal(duet_uniform(shop.graph, DUET_SHAPE(3)), duet_uniform(shop.graph, DUET_SHAPE(3)));
    size_t count = duet_graph_count(shop.graph);
    duet_add(duet_multiply(duet_exp(x), x), duet_exp(x));
    size_t grown = duet_graph_count(shop.graph);
    duet_add(duet_multiply(duet_exp(x), x), duet_exp(x));
    assert_true(grown > count);
    assert_int_equal(duet_graph_count(shop.graph), grown);
}

static void identities_fold(void **state)
{
    (void)state;
    duet_node x = floats(DUET_SHAPE(4, 3)), zero = duet_constant(shop.graph, 0), one = duet_constant(shop.graph, 1);
    const size_t turn[] = {1, 0};
    assert_ptr_equal(duet_multiply(x, one), x);
    assert_ptr_equal(duet_multiply(one, x), x);
    assert_ptr_equal(duet_divide(x, one), x);
    assert_ptr_equal(duet_add(x, zero), x);
    assert_ptr_equal(duet_add(zero, x), x);
    assert_ptr_equal(duet_subtract(x, zero), x);
    assert_ptr_equal(duet_scale(x, 1), x);
    assert_ptr_equal(duet_shift(x, 0), x);
    assert_ptr_equal(duet_negate(duet_negate(x)), x);
    assert_ptr_equal(duet_transpose(duet_transpose(x)), x);
    assert_ptr_equal(duet_permute(duet_permute(x, turn), turn), x);
    assert_ptr_equal(duet_reshape(duet_reshape(x, DUET_SHAPE(12)), DUET_SHAPE(4, 3)), x);
    assert_ptr_equal(duet_broadcast(x, DUET_SHAPE(4, 3)), x);
    assert_ptr_equal(duet_slice(x, 1, 0, 3), x);
    assert_ptr_equal(duet_pad(x, 1, 0, 0), x);
    assert_ptr_equal(duet_sum(x, 0, false), x);
    assert_ptr_equal(duet_scale(duet_scale(x, 2), 3), duet_scale(x, 6));
    assert_ptr_equal(duet_add(duet_constant(shop.graph, 2), duet_constant(shop.graph, 3)),
                     duet_constant(shop.graph, 5));
    assert_ptr_not_equal(duet_multiply(x, duet_constant(shop.graph, 2)), x);
}

int main(void)
{
    const struct CMUnitTest fixed[] = {
        WITH_WORKSHOP(mistake_sticks),
        WITH_WORKSHOP(own_mistakes_stick),
        WITH_WORKSHOP(numbers_that_round_to_the_largest_float_are_held),
        WITH_WORKSHOP(graphs_do_not_mix),
        WITH_WORKSHOP(spreads_may_be_shared),
        WITH_WORKSHOP(equal_expressions_are_one_node),
        WITH_WORKSHOP(identities_fold),
    };
    enum { FIXED = sizeof fixed / sizeof fixed[0] };
    struct CMUnitTest tests[FIXED + MISTAKES];
    for (size_t i = 0; i < FIXED; i++) tests[i] = fixed[i];
    for (size_t i = 0; i < MISTAKES; i++) {
        tests[FIXED + i] = TEST_ROW(mistakes[i].name, mistake_is_reported, (uintptr_t)i);
    }
    return RUN_TESTS("graph", tests, open_device, close_device);
}
