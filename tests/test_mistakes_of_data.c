/* SPDX-License-Identifier: MIT */
/* Models that take the data for what they are not: losses for [0, 1] of numbers beyond it, classes read off labels. */
#include "phase_parts.h"

static duet_error refusal_of_set(const char *set, void (*build_function)(duet_model *m), duet_build_mode mode,
                                 duet_status status)
{
    const duet_family family = family_of(build_function);
    return refusal_of_family(&family, set, mode, status);
}

/* Losses that are for [0, 1] alone, of examples that go beyond: as they are, or in another shape. */
static duet_node says(duet_model *m)
{
    return duet_dense(duet_model_group(m, "net"), "layer", duet_model_batch(m), duet_features(duet_model_batch(m)));
}
static void learn(duet_model *m, duet_node loss)
{
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_batch_mean(loss), duet_model_group(m, "net"));
}
static void learn_by_bernoulli(duet_model *m)
{
    learn(m, duet_bernoulli_nll(says(m), duet_model_batch(m)));
}
static void learn_each_by_bernoulli(duet_model *m)
{
    duet_node each = duet_reshape(duet_model_batch(m), DUET_SHAPE(8, 1));
    learn(m, duet_bernoulli_nll(duet_reshape(says(m), DUET_SHAPE(8, 1)), each));
}
static void learn_by_logistic(duet_model *m)
{
    learn(m, duet_discretised_logistic_nll(says(m), duet_constant(duet_model_graph(m), 0), duet_model_batch(m), 256));
}
static void learn_by_cross_entropy(duet_model *m)
{
    learn(m, duet_binary_cross_entropy(says(m), duet_stop_gradient(duet_model_batch(m))));
}
static void learn_by_softmax(duet_model *m)
{
    learn(m, duet_softmax_cross_entropy(says(m), duet_model_batch(m)));
}
static void learn_scaled_by_bernoulli(duet_model *m)
{
    learn(m, duet_bernoulli_nll(says(m), duet_sigmoid(duet_model_batch(m))));
}

/* Examples in [0, 1] as the model itself moves them: to [-1, 1], or to where they are right all the same. */
static void learn_centred_by_bernoulli(duet_model *m)
{
    learn(m, duet_bernoulli_nll(says(m), duet_shift(duet_scale(duet_model_batch(m), 2), -1)));
}
static void learn_the_complement_by_bernoulli(duet_model *m)
{
    duet_node one = duet_constant(duet_model_graph(m), 1);
    learn(m, duet_bernoulli_nll(says(m), duet_subtract(one, duet_scale(duet_model_batch(m), 0.5))));
}
static void learn_fitted_by_bernoulli(duet_model *m)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(m));
    duet_node from_zero = duet_shift(duet_model_batch(m), -(double)fminf(info->low[0], info->low[1]));
    const double width = (double)fmaxf(info->high[0], info->high[1]) - (double)fminf(info->low[0], info->low[1]);
    learn(m, duet_bernoulli_nll(says(m), duet_divide(from_zero, duet_constant(duet_model_graph(m), width))));
}

static void learn_the_opposite_by_bernoulli(duet_model *m)
{
    learn(m, duet_bernoulli_nll(says(m), duet_negate(duet_model_batch(m))));
}

/* Of the losses that it composes a model takes one. */
static void learn_by_one_of_two(duet_model *m)
{
    (void)duet_bernoulli_nll(says(m), duet_model_batch(m));
    learn(m, duet_squared_error(says(m), duet_model_batch(m)));
}
static void give_the_other_of_two(duet_model *m)
{
    learn_by_one_of_two(m);
    duet_own_output(m, "other", duet_bernoulli_nll(says(m), duet_model_batch(m)));
}

static void losses_that_nothing_reads_want_nothing(void **state)
{
    (void)state;
    (void)refusal_of_set("ring8", learn_by_one_of_two, DUET_BUILD_TRAIN, DUET_OK);
    (void)refusal_of_set("ring8", give_the_other_of_two, DUET_BUILD_TRAIN, DUET_ERROR_DATA);
}

/* Numbers that were scaled to [0, 1] may lie beyond by their rounding. */
static void losses_let_rounding_pass(void **state)
{
    (void)state;
    static const double highest[] = {1 + 1e-6, 1 + 1e-3};
    for (size_t i = 0; i < 2; i++) {
        float values[16] = {(float)highest[i]};
        char path[TEST_PATH_SIZE + 32];
        duet_error error = {0};
        (void)snprintf(path, sizeof path, "%s/rounded-%zu.npy", folder, i);
        assert_ok(duet_write_npy(path, values, DUET_SHAPE(8, 2), &error), &error);
        (void)refusal_of_set(path, learn_by_bernoulli, DUET_BUILD_TRAIN, i == 0 ? DUET_OK : DUET_ERROR_DATA);
    }
}

static void losses_name_what_they_are_given_of_the_data(void **state)
{
    (void)state;
    duet_error error = refusal_of_set(plain, learn_centred_by_bernoulli, DUET_BUILD_TRAIN, DUET_ERROR_DATA);
    assert_message(&error, "bernoulli_nll is for numbers in [0, 1], and is given the examples of ");
    assert_message(&error, "test_mistakes_of_data.c:");
    assert_message(&error, ", as -1 to ");
    (void)refusal_of_set(plain, learn_the_opposite_by_bernoulli, DUET_BUILD_TRAIN, DUET_ERROR_DATA);
    (void)refusal_of_set(plain, learn_the_complement_by_bernoulli, DUET_BUILD_TRAIN, DUET_OK);
    error = refusal_of_set("ring8", learn_the_complement_by_bernoulli, DUET_BUILD_TRAIN, DUET_ERROR_DATA);
    assert_message(&error, ": bernoulli_nll is for numbers in [0, 1], and is given the examples of ring8");
    (void)refusal_of_set("ring8", learn_fitted_by_bernoulli, DUET_BUILD_TRAIN, DUET_OK);
}

static void losses_name_data_that_they_are_not_for(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        const char *loss;
    } rows[] = {
        {learn_by_bernoulli, "bernoulli_nll"},       {learn_each_by_bernoulli, "bernoulli_nll"},
        {learn_by_logistic, "discretised_logistic"}, {learn_by_cross_entropy, "binary_cross_entropy"},
        {learn_by_softmax, "softmax_cross_entropy"},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const duet_build_mode mode = i % 2 == 0 ? DUET_BUILD_TRAIN : DUET_BUILD_EVAL;
        duet_error error = refusal_of_set("ring8", rows[i / 2].build, mode, DUET_ERROR_DATA);
        assert_message(&error, "test_mistakes_of_data.c:");
        assert_message(&error, rows[i / 2].loss);
        assert_message(&error, " is for data in [0, 1], and the examples of ring8 go from -");
    }
    (void)refusal_of_set("ring8", learn_scaled_by_bernoulli, DUET_BUILD_TRAIN, DUET_OK);
}

/* Scaled with them, all others would be next to 1. */
static void a_code_is_not_advised_to_be_scaled(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    char path[TEST_PATH_SIZE + 32];
    float values[ROWS * 2];
    duet_error error = {0};
    for (size_t i = 0; i < ROWS * 2; i++) values[i] = i % 16 == 1 ? -999 : (float)i / (ROWS * 2);
    (void)snprintf(path, sizeof path, "%s/coded.npy", folder);
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(ROWS, 2), &error), &error);
    error = refusal_of_set(path, learn_by_bernoulli, DUET_BUILD_TRAIN, DUET_ERROR_DATA);
    assert_message(&error, " go from -999 to ");
    assert_message(&error, ": first do what the warning of the value that may be missing says");
}

/* Pieces, pools and joins of pictures, [4, 4, 4, 1], whose middle alone leaves [0, 1]. */
static duet_node pictures_of(duet_model *m)
{
    return duet_model_pictures(m, 1);
}
static duet_node rows_of(duet_model *m, size_t first, size_t count)
{
    return duet_slice(pictures_of(m), 1, first, count);
}
static duet_node its_middle(duet_model *m)
{
    return rows_of(m, 1, 2);
}
static duet_node its_border(duet_model *m)
{
    return duet_concat(((duet_node[]){rows_of(m, 0, 1), rows_of(m, 3, 1)}), 2, 1);
}
static duet_node padded_middle(duet_model *m)
{
    return duet_pad(its_middle(m), 2, 1, 1);
}
static duet_node with_its_middle(duet_model *m)
{
    return duet_concat(((duet_node[]){its_border(m), its_middle(m)}), 2, 1);
}
static duet_node its_averages(duet_model *m)
{
    return duet_average_pool(pictures_of(m), &(duet_window){{2, 2}, {2, 2}, {1, 1}});
}
static duet_node its_overlapping_maxima(duet_model *m)
{
    return duet_max_pool(duet_negate(pictures_of(m)), &(duet_window){{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
}
static duet_node its_positive_part(duet_model *m)
{
    return duet_relu(pictures_of(m));
}
static duet_node its_larger_part(duet_model *m)
{
    return duet_maximum(pictures_of(m), duet_constant(duet_model_graph(m), -0.25));
}
static duet_node its_masked_part(duet_model *m)
{
    return duet_multiply(pictures_of(m), duet_mask(duet_model_graph(m), DUET_SHAPE(4, 4, 4, 1), 0.5));
}
static duet_node where_it_is_positive(duet_model *m)
{
    duet_node x = pictures_of(m), zero = duet_constant(duet_model_graph(m), 0);
    return duet_select(duet_greater(x, zero), x, zero);
}
static duet_node turned_middle(duet_model *m)
{
    return duet_shift(duet_scale(duet_permute(its_middle(m), (size_t[]){0, 2, 1, 3}), 0.5), 0.5);
}
static duet_node its_square(duet_model *m)
{
    return duet_square(pictures_of(m));
}
static duet_node its_noisy_part(duet_model *m)
{
    return duet_add(pictures_of(m), duet_normal(duet_model_graph(m), DUET_SHAPE(4, 4, 4, 1)));
}
/* What float32 takes for equal is equal: a mark of what is missing, and 0 in its place. */
static duet_node where_it_is_no_mark(duet_model *m)
{
    duet_node x = duet_scale(pictures_of(m), 0.1), mark = duet_constant(duet_model_graph(m), -0.075);
    return duet_select(duet_equal(x, mark), duet_constant(duet_model_graph(m), 0), x);
}
static duet_node what_no_mask_keeps(duet_model *m)
{
    return duet_multiply(pictures_of(m), duet_mask(duet_model_graph(m), DUET_SHAPE(4, 4, 4, 1), 0));
}
static duet_node its_sine(duet_model *m)
{
    return duet_sin(pictures_of(m));
}
static duet_node times_numbers(duet_model *m, float middle)
{
    float numbers[16];
    for (size_t i = 0; i < 16; i++) numbers[i] = i / 4 == 1 || i / 4 == 2 ? middle : 1;
    return duet_multiply(pictures_of(m), duet_constant_values(duet_model_graph(m), DUET_SHAPE(1, 4, 4, 1), numbers));
}
static duet_node its_middle_halved(duet_model *m)
{
    return times_numbers(m, 0.5F);
}
static duet_node its_border_alone(duet_model *m)
{
    return times_numbers(m, 0);
}
/* One by one, of which there are many. */
static duet_node its_joined_pixels(duet_model *m)
{
    enum { TIMES = 5, PIXELS = 16 };
    duet_node x = duet_model_batch(m), pixels[TIMES * PIXELS];
    x = duet_reshape(x, DUET_SHAPE(4, PIXELS));
    for (size_t i = 0; i < TIMES * PIXELS; i++) pixels[i] = duet_slice(x, 1, i % PIXELS, 1);
    return duet_concat(pixels, TIMES * PIXELS, 1);
}
/* Pictures stretched to more numbers than are computed. */
static duet_node of_too_many(duet_model *m)
{
    duet_node x = duet_reshape(duet_negate(pictures_of(m)), DUET_SHAPE(4, 16, 1));
    return duet_max(duet_broadcast(x, DUET_SHAPE(4, 16, 1 << 19)), DUET_AXIS(2), false);
}
static duet_node (*target)(duet_model *m);
static void learn_what_is_made(duet_model *m)
{
    duet_node x = duet_flatten(target(m));
    learn(m, duet_bernoulli_nll(duet_dense(duet_model_group(m, "net"), "layer", duet_model_batch(m), duet_features(x)),
                                x));
}

static duet_node nll_of(duet_model *m)
{
    duet_node x = duet_flatten(duet_model_batch(m));
    return duet_bernoulli_nll(duet_dense(duet_model_group(m, "net"), "layer", x, duet_features(x)), x);
}
static void learn_in_a_column(duet_model *m)
{
    learn(m, duet_reshape(nll_of(m), DUET_SHAPE(4, 1)));
}
static void learn_by_likelihood(duet_model *m)
{
    duet_node x = duet_flatten(duet_model_batch(m));
    duet_node likelihood = duet_negate(
        duet_softmax_cross_entropy(duet_dense(duet_model_group(m, "net"), "layer", x, duet_features(x)), x));
    learn(m, duet_scale(likelihood, -1));
}

/* A reshape of a reshape reads the first one's operand, and what is turned over twice is itself. */
static void losses_are_used_in_other_shapes(void **state)
{
    (void)state;
    duet_error error = refusal_of_set("ring8", learn_in_a_column, DUET_BUILD_TRAIN, DUET_ERROR_DATA);
    assert_message(&error, "bernoulli_nll is for data in [0, 1]");
    error = refusal_of_set("ring8", learn_by_likelihood, DUET_BUILD_TRAIN, DUET_ERROR_DATA);
    assert_message(&error, "softmax_cross_entropy is for data in [0, 1]");
}

static void losses_look_at_what_is_made_of_examples(void **state)
{
    (void)state;
    static const struct {
        duet_node (*target)(duet_model *m);
        const char *piece; /* NULL: it lies in [0, 1], or nobody knows */
    } rows[] = {
        {its_middle, ", such as -0.75: take gaussian_nll"},
        {its_border, NULL},
        {padded_middle, ", such as -0.75"},
        {with_its_middle, ", such as -0.75"},
        {its_averages, ", such as -0."},
        {its_overlapping_maxima, ", such as -0."},
        {its_positive_part, NULL},
        {its_larger_part, ", such as -0.25"},
        {its_masked_part, ", such as -0.75"},
        {where_it_is_positive, NULL},
        {turned_middle, NULL},
        {its_square, NULL},
        {its_noisy_part, NULL},
        {where_it_is_no_mark, NULL},
        {what_no_mask_keeps, NULL},
        {its_sine, ", such as -0.68"},
        {its_middle_halved, ", such as -0.375"},
        {its_border_alone, NULL},
        {its_joined_pixels, ", such as -0.75"},
        {of_too_many, NULL},
    };
    float values[16 * 16];
    char path[TEST_PATH_SIZE + 32];
    duet_error error = {0};
    for (size_t i = 0; i < 16 * 16; i++)
        values[i] = i / 4 % 4 == 1 || i / 4 % 4 == 2 ? (i % 4 < 2 ? -0.75F : 1) : 0.125F * (float)(i % 8);
    (void)snprintf(path, sizeof path, "%s/middles.npy", folder);
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(16, 4, 4, 1), &error), &error);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        target = rows[i].target;
        error = refusal_of_set(path, learn_what_is_made, DUET_BUILD_TRAIN,
                               rows[i].piece == NULL ? DUET_OK : DUET_ERROR_DATA);
        if (rows[i].piece == NULL) continue;
        assert_message(&error, ": bernoulli_nll is for numbers in [0, 1], and is given some made of the examples of ");
        assert_message(&error, rows[i].piece);
    }
}

/* Of labels that the output itself reads any accuracy comes out. */
static void tell_labels_by_labels(duet_model *m)
{
    duet_node seen = duet_with_labels(m, duet_model_batch(m)), labels = duet_model_labels(m);
    duet_node logits = duet_dense(duet_model_group(m, "net"), "layer", seen, duet_node_shape(labels).dims[1]);
    learn(m, duet_softmax_cross_entropy(logits, labels));
    duet_output(m, DUET_CLASS_LOGITS, logits);
}
static void find_classes_by_labels(duet_model *m)
{
    duet_node seen = duet_with_labels(m, duet_model_batch(m)), labels = duet_model_labels(m);
    duet_node logits = duet_dense(duet_model_group(m, "net"), "layer", seen, duet_node_shape(labels).dims[1]);
    learn(m, duet_softmax_cross_entropy(logits, labels));
    duet_output(m, DUET_CODE_LOGITS, logits);
}
static void tell_labels_by_examples(duet_model *m)
{
    duet_node labels = duet_model_labels(m);
    duet_node logits =
        duet_dense(duet_model_group(m, "net"), "layer", duet_model_batch(m), duet_node_shape(labels).dims[1]);
    learn(m, duet_softmax_cross_entropy(logits, labels));
    duet_output(m, DUET_CLASS_LOGITS, logits);
}

/* Examples and what is made of their classes go through one network together, as a GAN's that also tells classes. */
static void tell_labels_beside_what_reads_them(duet_model *m)
{
    duet_node x = duet_model_batch(m), labels = duet_model_labels(m);
    duet_node made = duet_dense(duet_model_group(m, "net"), "made", duet_with_labels(m, x), duet_features(x));
    duet_node both = duet_concat(((duet_node[]){x, made}), 2, 0);
    duet_node told = duet_dense(duet_model_group(m, "net"), "layer", both, duet_node_shape(labels).dims[1]);
    duet_node logits = duet_slice(told, 0, 0, duet_model_batch_size(m));
    learn(m, duet_softmax_cross_entropy(logits, labels));
    duet_output(m, DUET_CLASS_LOGITS, logits);
}

static void classes_are_not_told_from_labels(void **state)
{
    (void)state;
    for (duet_build_mode mode = DUET_BUILD_TRAIN; mode <= DUET_BUILD_EVAL; mode++) {
        duet_error error = refusal_of_set("ring8", tell_labels_by_labels, mode, DUET_ERROR_GRAPH);
        assert_message(&error, "output \"class_logits\": it reads the labels");
        assert_message(&error, "test_mistakes_of_data.c:");
        error = refusal_of_set("ring8", find_classes_by_labels, mode, DUET_ERROR_GRAPH);
        assert_message(&error, "output \"code_logits\": it reads the labels");
        (void)refusal_of_set("ring8", tell_labels_by_examples, mode, DUET_OK);
        (void)refusal_of_set("ring8", tell_labels_beside_what_reads_them, mode, DUET_OK);
    }
}

/* Targets that a loss moves itself. */
static duet_node logits_of(duet_model *m, const char *group)
{
    duet_node x = duet_model_batch(m);
    return duet_dense(duet_model_group(m, group), "layer", x, duet_features(x));
}
static void swap_bernoulli(duet_model *m)
{
    learn(m, duet_bernoulli_nll(duet_sigmoid(duet_model_batch(m)), logits_of(m, "net")));
}
static void swap_bernoulli_in_pictures(duet_model *m)
{
    duet_node said = duet_reshape(duet_scale(logits_of(m, "net"), 0.5), DUET_SHAPE(8, 1));
    duet_node nll = duet_bernoulli_nll(duet_reshape(duet_model_batch(m), DUET_SHAPE(8, 1)), said);
    learn(m, duet_reshape(nll, DUET_SHAPE(4, 2)));
}
static void swap_cross_entropy(duet_model *m)
{
    duet_node labels = duet_model_labels(m);
    duet_node logits =
        duet_dense(duet_model_group(m, "net"), "layer", duet_model_batch(m), duet_node_shape(labels).dims[1]);
    learn(m, duet_softmax_cross_entropy(labels, logits));
}
static void swap_log_softmax(duet_model *m)
{
    duet_node said = duet_log_softmax(logits_of(m, "net"));
    learn(m, duet_softmax_cross_entropy(duet_model_batch(m), said));
}
static void swap_binary_cross_entropy(duet_model *m)
{
    learn(m, duet_binary_cross_entropy(duet_model_batch(m), logits_of(m, "net")));
}
/* A frozen network below, whose gradient is stopped, keeps nothing in [0, 1]. */
static void swap_above_stopped(duet_model *m)
{
    duet_node frozen = duet_stop_gradient(logits_of(m, "teacher"));
    duet_node said = duet_dense(duet_model_group(m, "net"), "layer", frozen, duet_features(frozen));
    learn(m, duet_bernoulli_nll(duet_model_batch(m), said));
}
static void swap_logistic(duet_model *m)
{
    duet_node spread = test_parameter(m, duet_model_group(m, "net"), "spread", 0);
    learn(m, duet_discretised_logistic_nll(duet_model_batch(m), spread, logits_of(m, "net"), 256));
}

/* Entropies, steps that pass their gradient on, teachers, and what another group makes. */
static void learn_certainty(duet_model *m)
{
    duet_node logits = logits_of(m, "net");
    learn(m, duet_softmax_cross_entropy(logits, duet_softmax(logits)));
}
static void learn_from_a_sigmoid(duet_model *m)
{
    learn(m, duet_bernoulli_nll(says(m), duet_sigmoid(duet_scale(logits_of(m, "net"), 2))));
}
static void learn_codes_of_steps(duet_model *m)
{
    duet_node logits = logits_of(m, "net"), zero = duet_constant(duet_model_graph(m), 0);
    duet_node hard = duet_greater(logits, zero);
    duet_node first = duet_add(logits, duet_stop_gradient(duet_subtract(hard, logits)));
    duet_node second = duet_add(hard, duet_subtract(logits, duet_stop_gradient(logits)));
    learn(m, duet_add(duet_bernoulli_nll(says(m), first), duet_bernoulli_nll(says(m), second)));
}
static void learn_codes_of_steps_in_other_orders(duet_model *m)
{
    duet_node logits = logits_of(m, "net"), zero = duet_constant(duet_model_graph(m), 0);
    duet_node hard = duet_greater(logits, zero), still = duet_stop_gradient(logits);
    duet_node first = duet_add(duet_subtract(hard, still), logits);
    duet_node second = duet_add(logits, duet_scale(duet_stop_gradient(duet_subtract(hard, logits)), 1.0));
    duet_node third = duet_add(hard, duet_subtract(logits, duet_scale(duet_stop_gradient(duet_scale(logits, 2)), 0.5)));
    learn(m, duet_add(duet_bernoulli_nll(says(m), first),
                      duet_add(duet_bernoulli_nll(says(m), second), duet_bernoulli_nll(says(m), third))));
}
static void weigh_by_a_stopped_loss(duet_model *m)
{
    duet_node x = duet_model_batch(m), said = logits_of(m, "net"), weight = duet_sigmoid(duet_bernoulli_nll(x, said));
    learn(m, duet_multiply(duet_stop_gradient(weight), duet_squared_error(said, x)));
}
static void learn_from_a_teacher(duet_model *m)
{
    learn(m, duet_bernoulli_nll(says(m), duet_stop_gradient(logits_of(m, "teacher"))));
}
static void learn_from_another_group(duet_model *m)
{
    learn(m, duet_bernoulli_nll(says(m), logits_of(m, "teacher")));
}
static void compose_what_nothing_minimises(duet_model *m)
{
    (void)duet_bernoulli_nll(duet_model_batch(m), logits_of(m, "net"));
    learn(m, duet_squared_error(duet_model_batch(m), logits_of(m, "net")));
}

static void targets_that_a_loss_moves_are_mistakes(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        const char *loss; /* NULL: it may be meant */
    } rows[] = {
        {swap_bernoulli, ": bernoulli_nll: the target follows from parameters of the group \"net\""},
        {swap_bernoulli_in_pictures, ": bernoulli_nll: the target follows"},
        {swap_cross_entropy, ": softmax_cross_entropy: the target follows"},
        {swap_log_softmax, ": softmax_cross_entropy: the target follows"},
        {swap_binary_cross_entropy, ": binary_cross_entropy: the target follows"},
        {swap_logistic, ": discretised_logistic: the target follows"},
        {swap_above_stopped, ": bernoulli_nll: the target follows"},
        {learn_certainty, NULL},
        {learn_from_a_sigmoid, NULL},
        {learn_codes_of_steps, NULL},
        {learn_codes_of_steps_in_other_orders, NULL},
        {weigh_by_a_stopped_loss, NULL},
        {learn_from_a_teacher, NULL},
        {learn_from_another_group, NULL},
        {compose_what_nothing_minimises, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error =
            refusal_of_set("ring8", rows[i].build, DUET_BUILD_TRAIN, rows[i].loss == NULL ? DUET_OK : DUET_ERROR_GRAPH);
        if (rows[i].loss != NULL) assert_message(&error, rows[i].loss);
        if (rows[i].loss != NULL) assert_message(&error, "test_mistakes_of_data.c:");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_name_data_that_they_are_not_for),
        cmocka_unit_test(a_code_is_not_advised_to_be_scaled),
        cmocka_unit_test(losses_name_what_they_are_given_of_the_data),
        cmocka_unit_test(losses_that_nothing_reads_want_nothing),
        cmocka_unit_test(losses_let_rounding_pass),
        cmocka_unit_test(losses_are_used_in_other_shapes),
        cmocka_unit_test(losses_look_at_what_is_made_of_examples),
        cmocka_unit_test(classes_are_not_told_from_labels),
        cmocka_unit_test(targets_that_a_loss_moves_are_mistakes),
    };
    return RUN_TESTS("mistakes_of_data", tests, open_sets, close_all);
}
