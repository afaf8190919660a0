/* SPDX-License-Identifier: MIT */
/* Mistakes in a build function: each is named, with the line that made it. */
#include "phase_parts.h"

static void misspell_output(duet_model *m)
{
    duet_output(m, "sampel", duet_model_batch(m));
}
static void own_a_standard_output(duet_model *m)
{
    duet_own_output(m, DUET_SAMPLE, duet_model_batch(m));
}
static void give_an_output_twice(duet_model *m)
{
    duet_own_output(m, "mine", duet_model_batch(m));
    duet_own_output(m, "mine", duet_model_batch(m));
}
static void open_a_procedure_twice(duet_model *m)
{
    duet_procedure(m, "other");
    duet_procedure(m, "other");
}
static void assign_without_phase(duet_model *m)
{
    duet_procedure(m, "other");
    duet_phase_assign(m, duet_scratch(m, "x", DUET_FLOAT32, DUET_SHAPE(1)), duet_constant(duet_model_graph(m), 1));
}
static void share_with_nobody(duet_model *m)
{
    duet_phase(m, "first", 1);
    duet_phase_share_batch(m);
}
static void share_with_many(duet_model *m)
{
    duet_phase(m, "first", 2);
    duet_phase(m, "second", 1);
    duet_phase_share_batch(m);
}

static void move_a_model_in_use(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_procedure(m, "other");
    duet_phase(m, "descend", 1);
    duet_minimise(m, duet_square(test_parameter(m, net, "w", 1)), net);
}
static void assign_to_a_state_in_use(duet_model *m)
{
    duet_node state = test_number(m, "memory", 0);
    duet_procedure(m, "other");
    duet_phase(m, "write", 1);
    duet_phase_assign(m, state, duet_shift(state, 1));
}

static duet_node itself(duet_model *m, duet_node z)
{
    (void)m;
    return z;
}
static void invert_without_latent(duet_model *m)
{
    duet_invert(m, itself);
}

static void report_a_vector(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_report(m, "x", duet_model_batch(m));
}

static void repeat_a_phase(duet_model *m)
{
    duet_phase(m, "same", 1);
    duet_phase(m, "same", 1);
}

static void run_every_0th_step(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_phase_every(m, 0);
}

static void read_a_setting_there_is_not(duet_model *m)
{
    (void)duet_setting_number(m, "nonsense");
}

static void read_sizes_as_a_number(duet_model *m)
{
    (void)duet_setting_number(m, "hidden");
}

static void read_a_choice_as_a_number(duet_model *m)
{
    (void)duet_setting_number(m, "net.optimiser");
}

static void read_a_number_as_sizes(duet_model *m)
{
    size_t sizes[DUET_MOST_SIZES];
    (void)duet_setting_sizes(m, "lr", sizes);
}

static void read_a_number_as_a_choice(duet_model *m)
{
    (void)duet_setting_is(m, "depth", "2");
}

static void ask_for_no_choice(duet_model *m)
{
    (void)duet_setting_is(m, "mode", "ture");
}

static void stack_layers_of_a_count(duet_model *m)
{
    (void)duet_hidden_layers(m, duet_model_group(m, "net"), "depth", duet_model_batch(m));
}

static void stack_layers_of_no_setting(duet_model *m)
{
    (void)duet_hidden_layers(m, duet_model_group(m, "net"), "nonsense", duet_model_batch(m));
}

static void read_labels_there_are_not(duet_model *m)
{
    (void)duet_model_labels(m);
}

static void want_other_multiples(duet_model *m)
{
    (void)duet_model_pictures(m, 4);
}

static void want_two_latents(duet_model *m)
{
    const duet_prior two = duet_prior_normal(2), three = duet_prior_normal(3);
    (void)duet_latent(m, &two, 1);
    (void)duet_latent(m, &three, 1);
}

static void want_a_latent_from_high_to_low(duet_model *m)
{
    const duet_prior prior = duet_prior_uniform(2, 1, -1);
    (void)duet_latent(m, &prior, 1);
}

static void want_a_latent_without_deviation(duet_model *m)
{
    static const float centres[] = {0, 1};
    const duet_prior parts[] = {duet_prior_normal(2), duet_prior_mixture(1, 2, centres, 0)};
    (void)duet_latent(m, parts, 2);
}

static void train_on_latents_of_use(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    const duet_prior prior = duet_prior_normal(2);
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_batch_mean(duet_dense(net, "layer", duet_latent(m, &prior, 1), 1)), net);
}

static void minimise_what_does_not_depend(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net"), *other = duet_model_group(m, "other");
    (void)test_parameter(m, other, "w", 1);
    duet_phase(m, "only", 1);
    duet_minimise(m, test_parameter(m, net, "w", 1), other);
}

static void minimise_a_stopped_gradient(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_stop_gradient(test_parameter(m, net, "w", 1)), net);
}

static void descend_what_does_not_depend(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net"), *code = duet_scratch_group(m, "code");
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    (void)duet_parameter(duet_model_graph(m), code, "z", DUET_SHAPE(1), zero);
    duet_procedure(m, "other");
    duet_phase(m, "descend", 1);
    duet_minimise(m, duet_square(test_parameter(m, net, "w", 1)), code);
}

static void minimise_over_nothing(duet_model *m)
{
    duet_group *none = NULL;
    duet_phase(m, "only", 1);
    duet_minimise(m, test_parameter(m, duet_model_group(m, "net"), "w", 1), none);
}

static void minimise_twice_in_a_phase(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_phase(m, "only", 1);
    duet_minimise(m, test_parameter(m, net, "w", 1), net);
    duet_minimise(m, test_parameter(m, net, "w", 1), net);
}

static void minimise_a_vector(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_dense(net, "layer", duet_model_batch(m), 1), net);
}

static void gate_by_a_vector(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_phase(m, "only", 1);
    duet_minimise_gated(m, test_parameter(m, net, "w", 1), duet_model_batch(m), net);
}

static void train_nothing(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_report(m, "x", test_parameter(m, duet_model_group(m, "net"), "w", 1));
}

/* Settings are asked for as group.key. */
static void name_a_group_with_a_dot(duet_model *m)
{
    (void)duet_hidden_layers(m, duet_model_group(m, "a.b"), "hidden", duet_model_batch(m));
}

static void reconstruct_other_widths(duet_model *m)
{
    duet_output(m, DUET_RECONSTRUCTION, duet_slice(duet_model_batch(m), 1, 0, 35));
}

static void sample_other_rows(duet_model *m)
{
    duet_output(m, DUET_SAMPLE, duet_normal(duet_model_graph(m), DUET_SHAPE(3, 36)));
}

static void give_a_mean_for_the_nll(duet_model *m)
{
    duet_output(m, DUET_NLL, duet_batch_mean(duet_model_batch(m)));
}

static void fill_no_input(duet_model *m)
{
    duet_node labels =
        duet_input(duet_model_graph(m), "labels", DUET_FLOAT32, DUET_SHAPE(duet_model_batch_size(m), 36));
    duet_output(m, DUET_SAMPLE, labels);
}

static void assign_to_no_state(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_phase_assign(m, duet_shift(test_number(m, "memory", 0), 1), duet_constant(duet_model_graph(m), 1));
}

static void assign_what_does_not_fit(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_phase_assign(m, test_number(m, "memory", 0), duet_model_batch(m));
}

static void assign_another_type(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_phase_assign(m, test_number(m, "memory", 0), duet_clock(duet_model_graph(m)));
}

static void report_an_index(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_report(m, "x", duet_clock(duet_model_graph(m)));
}

static void give_indices_for_the_nll(duet_model *m)
{
    duet_output(m, DUET_NLL, duet_to_index(duet_sum_features(duet_model_batch(m))));
}

static void centre_by_the_batch(duet_model *m)
{
    duet_node x = duet_model_batch(m);
    duet_own_output(m, "mine", duet_subtract(x, duet_mean(x, DUET_AXIS(0), true)));
}

static void tell_by_a_product_of_rows(duet_model *m)
{
    duet_node x = duet_model_batch(m), alike = duet_matmul(x, x, true, false);
    duet_output(m, DUET_RECONSTRUCTION, duet_matmul(x, alike, false, false));
}

static void compare_with_the_largest(duet_model *m)
{
    duet_node x = duet_model_batch(m);
    duet_own_output(m, "mine", duet_subtract(x, duet_max(x, DUET_AXIS(0), true)));
}
static void compare_all_pairs(duet_model *m)
{
    duet_node x = duet_model_batch(m);
    duet_own_output(m, "mine", duet_matmul(x, x, false, true));
}
static void turn_rows_into_columns(duet_model *m)
{
    duet_node x = duet_model_batch(m);
    duet_own_output(m, "mine", duet_reshape(duet_transpose(x), duet_node_shape(x)));
}
static void leave_heads_in_front(duet_model *m)
{
    duet_node x = duet_model_batch(m);
    const size_t rows = duet_node_shape(x).dims[0], forth[] = {1, 0, 2};
    duet_node heads = duet_permute(duet_reshape(x, DUET_SHAPE(rows, 6, 6)), forth); /* more of them than rows */
    duet_own_output(m, "mine", duet_softmax(duet_reshape(heads, duet_node_shape(x))));
}
static void shift_rows(duet_model *m)
{
    duet_node x = duet_model_batch(m);
    const size_t rows = duet_node_shape(x).dims[0];
    duet_node parts[] = {duet_slice(x, 0, 1, rows - 1), duet_slice(x, 0, 0, 1)};
    duet_own_output(m, "mine", duet_concat(parts, 2, 0));
}

/* What is of each row alone, though rows lie elsewhere on the way: attention within an example, heads in front. */
static void attend_within_rows(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node x = duet_model_batch(m);
    const size_t rows = duet_node_shape(x).dims[0], forth[] = {2, 0, 1, 3}, back[] = {1, 2, 0, 3}, out[] = {1, 0, 2};
    duet_node parts = duet_permute(duet_reshape(x, DUET_SHAPE(rows, 3, 4, 3)), forth); /* [4, rows, 3, 3] */
    duet_node share = duet_softmax(duet_batched_matmul(parts, parts, false, true));
    duet_node heard = duet_permute(duet_batched_matmul(share, parts, false, false), back); /* [rows, 3, 4, 3] */
    duet_node heads = duet_permute(duet_reshape(heard, DUET_SHAPE(rows, 6, 6)), out);      /* [6, rows, 6] */
    const duet_initialiser start = {.kind = DUET_INIT_HE_NORMAL, .scale = 1};
    duet_node weight = duet_weight(duet_model_graph(m), net, "heads", DUET_SHAPE(6, 6, 2), start);
    duet_node each = duet_permute(duet_batched_matmul(heads, weight, false, false), out); /* [rows, 6, 2] */
    duet_node both[] = {duet_flatten(each), x};
    duet_own_output(m, "attended", duet_concat(both, 2, 1));
}
static void decode_both_at_once(duet_model *m)
{
    duet_node x = duet_model_batch(m), both[] = {x, duet_negate(x)};
    const size_t rows = duet_node_shape(x).dims[0];
    duet_node y = duet_dense(duet_model_group(m, "net"), "layer", duet_concat(both, 2, 0), 5);
    duet_own_output(m, "second", duet_slice(y, 0, rows, rows));
    duet_node drawn = duet_repeat_rows(x, 3);
    drawn = duet_add(drawn, duet_normal(duet_model_graph(m), duet_node_shape(drawn)));
    duet_own_output(m, "mean", duet_mean(duet_reshape(drawn, DUET_SHAPE(rows, 3, 36)), DUET_AXIS(1), false));
    duet_own_output(m, "largest", duet_largest(x));
    duet_node index = duet_to_index(duet_reshape(duet_slice(x, 1, 0, 1), DUET_SHAPE(rows)));
    duet_own_output(m, "found",
                    duet_take(duet_reshape(duet_range(duet_model_graph(m), 6), DUET_SHAPE(2, 3)), 0, index));
    duet_own_output(m, "turned", duet_transpose(duet_softmax(duet_transpose(duet_reshape(x, DUET_SHAPE(rows, 6, 6))))));
}

static void rows_of_outputs_may_go_ways_of_their_own(void **state)
{
    void (*const builds[])(duet_model * m) = {attend_within_rows, decode_both_at_once};
    (void)state;
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        duet_family family = family_of(builds[i]);
        duet_error error = refusal_of_family(&family, plain, DUET_BUILD_EVAL, DUET_OK);
        assert_string_equal(error.message, "");
    }
}

static void sample_what_is_given(duet_model *m)
{
    duet_output(m, DUET_SAMPLE, duet_negate(duet_model_batch(m)));
}
static void sample_from_what_is_given(duet_model *m)
{
    duet_node x = duet_model_batch(m), chain;
    duet_procedure(m, "walk");
    chain = duet_scratch(m, "chain", DUET_FLOAT32, duet_node_shape(x));
    duet_phase(m, "begin", 1);
    duet_phase_assign(m, chain, x);
    duet_output(m, DUET_SAMPLE, chain);
}

static void sum_latents_of_a_procedure(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(2);
    duet_node z = duet_latent(m, &prior, 1);
    duet_procedure(m, "other");
    duet_own_output(m, "mine", duet_multiply(z, duet_sum(z, DUET_ALL_AXES, false)));
}

static void give_scratch_of_no_procedure(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node row = duet_scratch(m, "row", DUET_FLOAT32, DUET_SHAPE(duet_model_batch_size(m)));
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_square(test_parameter(m, net, "w", 1)), net);
    duet_own_output(m, "mine", duet_shift(row, 1));
}

static void report_twice(duet_model *m)
{
    duet_phase(m, "first", 1);
    duet_report(m, "x", test_number(m, "memory", 0));
    duet_phase(m, "second", 1);
    duet_report(m, "x", test_number(m, "memory", 0));
}

static const duet_setting own_settings[] = {
    DUET_SIZES("hidden", "4", "widths"),
    DUET_COUNT("depth", 2, 1, 9, "layers"),
    DUET_CHOICE("mode", "true", "true|false", "how"),
};

/* How the build of a model of this function ends, with that status. */
static duet_error refusal_of(void (*build_function)(duet_model *m), duet_build_mode mode, duet_status status)
{
    duet_family family = family_of(build_function);
    family.settings = own_settings;
    family.setting_count = sizeof own_settings / sizeof *own_settings;
    return refusal_of_family(&family, plain, mode, status);
}

static duet_node narrow(duet_model *m, duet_node z)
{
    return duet_dense(duet_model_group(m, "net"), "layer", z, 35);
}
static void invert_other_widths(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(2);
    (void)duet_latent(m, &prior, 1);
    duet_invert(m, narrow);
}
static duet_node one_number(duet_model *m, duet_node z)
{
    return duet_dense(duet_model_group(m, "net"), "layer", z, 1);
}
static void reconstruct_by_one_number(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_batch_mean(duet_squared_error(one_number(m, duet_model_batch(m)), duet_model_batch(m))), net);
}
static void invert_one_number(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(2);
    (void)duet_latent(m, &prior, 1);
    duet_invert(m, one_number);
}
static void anneal_other_widths(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(2);
    (void)duet_latent(m, &prior, 1);
    duet_anneal_decoder(m, narrow);
}

static void begin_by_no_number(duet_model *m)
{
    const duet_initialiser odd_one = {DUET_INIT_CONSTANT, NAN, 0, 0};
    (void)duet_parameter(duet_model_graph(m), duet_model_group(m, "net"), "w", DUET_SHAPE(1), odd_one);
}
static void begin_in_no_way(duet_model *m)
{
    const duet_initialiser odd_one = {(duet_initialiser_kind)99, 1, 0, 0};
    (void)duet_parameter(duet_model_graph(m), duet_model_group(m, "net"), "w", DUET_SHAPE(1), odd_one);
}

#define LATIN1 "caf\xe9" /* what no file of a run can keep */

static void call_a_layer_in_latin1(duet_model *m)
{
    (void)duet_dense(duet_model_group(m, "net"), LATIN1, duet_model_batch(m), 2);
}
static void call_a_state_in_latin1(duet_model *m)
{
    const duet_initialiser zero = {DUET_INIT_CONSTANT, 0, 0, 0};
    (void)duet_state(duet_model_graph(m), LATIN1, DUET_FLOAT32, DUET_SHAPE(1), zero);
}
static void call_a_phase_in_latin1(duet_model *m)
{
    duet_phase(m, LATIN1, 1);
}
static void call_a_procedure_in_latin1(duet_model *m)
{
    duet_procedure(m, LATIN1);
}
static void report_in_latin1(duet_model *m)
{
    duet_phase(m, "only", 1);
    duet_report(m, LATIN1, duet_constant(duet_model_graph(m), 1));
}
static void give_an_output_in_latin1(duet_model *m)
{
    duet_own_output(m, LATIN1, duet_model_batch(m));
}
static void give_an_output_no_name(duet_model *m)
{
    duet_own_output(m, NULL, duet_model_batch(m));
}

static void ask_in_latin1(duet_model *m)
{
    (void)duet_use_count(m, LATIN1, 1, 0, 2, "help");
}
static void ask_for_a_pair(duet_model *m)
{
    (void)duet_use_number(m, "a=b", 1, 0, 2, "help");
}
static void ask_at_length(duet_model *m)
{
    (void)duet_use_number(m, "a_key_of_more_than_thirty-one_characters", 1, 0, 2, "help");
}
static void ask_without_help(duet_model *m)
{
    (void)duet_use_count(m, "key", 1, 0, 2, NULL);
}

/* They have no place in the code, as duet_use_count is told of none. */
static void settings_of_use_have_names(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        const char *message;
    } rows[] = {{ask_in_latin1, "\"caf?\" of use has a name that is not UTF-8"},
                {ask_for_a_pair, "\"a=b\" of use has a name with '='"},
                {ask_at_length, "has too long a name"},
                {ask_without_help, "\"key\" of use has a help that is not UTF-8 text"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = refusal_of(rows[i].build, DUET_BUILD_EVAL, DUET_ERROR_GRAPH);
        assert_message(&error, rows[i].message);
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        const char *message;
        duet_build_mode mode;
    } rows[] = {
        {misspell_output, "none of the standard ones (sample reconstruction", DUET_BUILD_EVAL},
        {own_a_standard_output, "give it by duet_output", DUET_BUILD_EVAL},
        {give_an_output_twice, "there is one of that name already", DUET_BUILD_EVAL},
        {open_a_procedure_twice, "there is one of that name already", DUET_BUILD_EVAL},
        {assign_without_phase, "open a phase first", DUET_BUILD_EVAL},
        {share_with_nobody, "shares the batch of the phase before it", DUET_BUILD_EVAL},
        {share_with_many, "must be replayed once a step", DUET_BUILD_EVAL},
        {move_a_model_in_use, "use writes to scratch", DUET_BUILD_EVAL},
        {assign_to_a_state_in_use, "use writes to scratch", DUET_BUILD_EVAL},
        {invert_without_latent, "the model has no latent", DUET_BUILD_EVAL},
        {report_a_vector, "a scalar is needed", DUET_BUILD_TRAIN},
        {repeat_a_phase, "there is one of that name already", DUET_BUILD_TRAIN},
        {run_every_0th_step, "every 0th step is none", DUET_BUILD_TRAIN},
        {read_a_setting_there_is_not, "has no setting \"nonsense\"", DUET_BUILD_TRAIN},
        {read_sizes_as_a_number, "the setting \"hidden\" is a list of sizes, and is read as a number", DUET_BUILD_EVAL},
        {read_a_choice_as_a_number, "\"net.optimiser\" is a choice, and is read as a number", DUET_BUILD_EVAL},
        {read_a_number_as_sizes, "\"lr\" is a number, and is read as a list of sizes", DUET_BUILD_EVAL},
        {read_a_number_as_a_choice, "\"depth\" is a whole number, and is read as a choice", DUET_BUILD_EVAL},
        {ask_for_no_choice, "\"mode\" is one of true|false, and is never \"ture\"", DUET_BUILD_EVAL},
        {stack_layers_of_a_count, "\"depth\" is a whole number, and is read as a list of sizes", DUET_BUILD_EVAL},
        {stack_layers_of_no_setting, "has no setting \"nonsense\"", DUET_BUILD_TRAIN},
        {want_two_latents, "a model has one latent", DUET_BUILD_TRAIN},
        {want_a_latent_from_high_to_low, "latent: it is uniform from 1 to -1", DUET_BUILD_TRAIN},
        {want_a_latent_without_deviation, "latent: its deviation or scale is 0", DUET_BUILD_TRAIN},
        {train_on_latents_of_use, "draws its own latents by duet_prior_draw", DUET_BUILD_TRAIN},
        {minimise_what_does_not_depend, "does not depend on the parameters of the group \"other\"", DUET_BUILD_TRAIN},
        {minimise_a_stopped_gradient, "does not depend on the parameters of the group \"net\"", DUET_BUILD_TRAIN},
        {descend_what_does_not_depend, "does not depend on the parameters of the group \"code\"", DUET_BUILD_EVAL},
        {minimise_over_nothing, "no group is named, or the first one is NULL", DUET_BUILD_TRAIN},
        {minimise_twice_in_a_phase, "moves the group \"net\" twice", DUET_BUILD_TRAIN},
        {minimise_a_vector, "the loss: a scalar is needed, float32, this is [4, 1]", DUET_BUILD_TRAIN},
        {gate_by_a_vector, "the gate: a scalar is needed, float32, this is [4, 36]", DUET_BUILD_TRAIN},
        {train_nothing, "nothing would be trained", DUET_BUILD_TRAIN},
        {name_a_group_with_a_dot, "a group is named \"a.b\"", DUET_BUILD_EVAL},
        {reconstruct_other_widths, "4 rows of 36 float32 numbers were expected, this is [4, 35]", DUET_BUILD_EVAL},
        {sample_other_rows, "4 rows of 36 float32 numbers were expected, this is [3, 36]", DUET_BUILD_EVAL},
        {give_a_mean_for_the_nll, "4 rows of 1 float32 numbers were expected, this is []", DUET_BUILD_EVAL},
        {fill_no_input, "input \"labels\": nobody fills it", DUET_BUILD_EVAL},
        {assign_to_no_state, "not a state", DUET_BUILD_TRAIN},
        {assign_what_does_not_fit, "the state is [] and the value [4, 36]", DUET_BUILD_TRAIN},
        {assign_another_type, "the state is [] and the value uint32 []", DUET_BUILD_TRAIN},
        {report_an_index, "report \"x\": a scalar is needed, float32, this is uint32 []", DUET_BUILD_TRAIN},
        {give_indices_for_the_nll, "were expected, this is uint32 [4]", DUET_BUILD_EVAL},
        {centre_by_the_batch, "output \"mine\": the sum at ", DUET_BUILD_EVAL},
        {tell_by_a_product_of_rows, "output \"reconstruction\": the sum at ", DUET_BUILD_EVAL},
        {compare_with_the_largest, "output \"mine\": the max at ", DUET_BUILD_EVAL},
        {compare_all_pairs, "output \"mine\": the matmul at ", DUET_BUILD_EVAL},
        {shift_rows, "takes rows together", DUET_BUILD_EVAL},
        {leave_heads_in_front, "output \"mine\": the max at ", DUET_BUILD_EVAL},
        {turn_rows_into_columns, "leaves rows no longer one after the other", DUET_BUILD_EVAL},
        {sample_what_is_given, "output \"sample\": it is made of the examples of the batch", DUET_BUILD_EVAL},
        {sample_from_what_is_given, "output \"sample\": it is made of the examples of the batch", DUET_BUILD_EVAL},
        {sum_latents_of_a_procedure, "output \"mine\": the sum at ", DUET_BUILD_EVAL},
        {give_scratch_of_no_procedure, "output \"mine\": it reads the scratch \"row\"", DUET_BUILD_TRAIN},
        {report_twice, "report \"x\": the name is taken", DUET_BUILD_TRAIN},
        {invert_other_widths, "said is [20, 35]", DUET_BUILD_EVAL},
        {anneal_other_widths, "36]", DUET_BUILD_EVAL},
        {reconstruct_by_one_number, "what is said is [4, 1], and what it is compared with [4, 36]", DUET_BUILD_TRAIN},
        {begin_by_no_number, "cannot start by an initialiser of kind 0 and scale nan", DUET_BUILD_TRAIN},
        {begin_in_no_way, "cannot start by an initialiser of kind 99 and scale 1", DUET_BUILD_TRAIN},
        {invert_one_number, "what is said is [20, 1]", DUET_BUILD_EVAL},
        {call_a_layer_in_latin1, "the name \"net.caf?.weight\" is not UTF-8", DUET_BUILD_TRAIN},
        {call_a_state_in_latin1, "the name \"caf?\" is not UTF-8", DUET_BUILD_TRAIN},
        {call_a_phase_in_latin1, "phase \"caf?\": the name is not UTF-8", DUET_BUILD_TRAIN},
        {call_a_procedure_in_latin1, "procedure \"caf?\": the name is not UTF-8", DUET_BUILD_EVAL},
        {report_in_latin1, "report \"caf?\": the name is not UTF-8", DUET_BUILD_TRAIN},
        {give_an_output_in_latin1, "output \"caf?\": the name is not UTF-8", DUET_BUILD_EVAL},
        {give_an_output_no_name, "output: the name is NULL", DUET_BUILD_EVAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = refusal_of(rows[i].build, rows[i].mode, DUET_ERROR_GRAPH);
        assert_message(&error, rows[i].message);
        assert_message(&error, "test_mistakes.c:");
        assert_message(&error, "(model phases, examples of ");
        assert_null(strstr(error.message, "src/"));
    }
}

static void use_a_count_beyond_its_ends(duet_model *m)
{
    (void)duet_use_count(m, "k", 5, 10, 20, "how many");
}
static void use_a_number_that_is_none(duet_model *m)
{
    (void)duet_use_number(m, "k", NAN, 0, 1, "how much");
}

static void numbers_of_use_begin_within_their_ends(void **state)
{
    (void)state;
    duet_error count = refusal_of(use_a_count_beyond_its_ends, DUET_BUILD_EVAL, DUET_ERROR_GRAPH);
    assert_message(&count, "use \"k\": its initial value 5 is not within 10 to 20");
    duet_error number = refusal_of(use_a_number_that_is_none, DUET_BUILD_EVAL, DUET_ERROR_GRAPH);
    assert_message(&number, "use \"k\": its initial value nan is not within 0 to 1");
}

static duet_optimiser odd; /* what the next model is built with */

static void optimise_oddly(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_phase(m, "only", 1);
    duet_phase_optimiser(m, &odd);
    duet_minimise(m, duet_square(test_parameter(m, net, "w", 1)), net);
}

static void optimisers_that_cannot_be_meant_are_named(void **state)
{
    (void)state;
    static const struct {
        duet_optimiser optimiser;
        const char *message;
    } rows[] = {
        {{.kind = (duet_optimiser_kind)99}, "there is no optimiser 99"},
        {{.schedule = (duet_rate_schedule)7}, "there is no schedule of rates 7"},
        {{.learning_rate = -0.01}, "learning_rate is -0.01, and a number from 0 on was expected"},
        {{.learning_rate = NAN}, "learning_rate is nan"},
        {{.learning_rate = INFINITY}, "learning_rate is inf"},
        {{.kind = DUET_ADAM, .beta1 = 1}, "beta1 is 1, and a decay from 0 to below 1 was expected"},
        {{.kind = DUET_ADAMW, .beta2 = 1.5}, "beta2 is 1.5"},
        {{.momentum = 2}, "momentum is 2, and a decay"},
        {{.kind = DUET_ADAM, .momentum = 0.9}, "momentum is 0.9, and Adam has none: its beta1"},
        {{.epsilon = -1}, "epsilon is -1"},
        {{.weight_decay = -5}, "weight_decay is -5"},
        {{.clip_norm = -1}, "clip_norm is -1"},
        {{.clip_update = NAN}, "clip_update is nan"},
        {{.clip_weights = -1}, "clip_weights is -1"},
        {{.average = 1.5}, "average is 1.5"},
        {{.average_warm_up = -1}, "average_warm_up is -1"},
        {{.schedule = DUET_RATE_LINEAR}, "rate_steps is 0"},
        {{.rate_steps = 9}, "rate_steps is 9, and a constant rate takes none"},
        {{.average_warm_up = 9}, "average_warm_up is 9, and nothing is averaged"},
        {{.schedule = DUET_RATE_STEP, .rate_steps = 9, .rate_final = -1}, "rate_final is -1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        odd = rows[i].optimiser;
        duet_error error = refusal_of(optimise_oddly, DUET_BUILD_TRAIN, DUET_ERROR_GRAPH);
        assert_message(&error, "the optimiser of phase \"only\": ");
        assert_message(&error, rows[i].message);
        assert_message(&error, "test_mistakes.c:");
    }
}

/* What does not fit a model are data: no line of its code is wrong. */
static void data_that_do_not_fit_are_named(void **state)
{
    (void)state;
    static const struct {
        void (*build)(duet_model *m);
        const char *message;
    } rows[] = {
        {read_labels_there_are_not, "the model phases learns from labels"},
        {want_other_multiples,
         "the model phases needs pictures: examples of [height, width, channels], height and width "
         "multiples of 4, were expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = refusal_of(rows[i].build, DUET_BUILD_TRAIN, DUET_ERROR_DATA);
        assert_ptr_equal(strstr(error.message, rows[i].message), error.message);
        assert_null(strstr(error.message, ".c:"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(rows_of_outputs_may_go_ways_of_their_own),
        cmocka_unit_test(settings_of_use_have_names),
        cmocka_unit_test(numbers_of_use_begin_within_their_ends),
        cmocka_unit_test(optimisers_that_cannot_be_meant_are_named),
        cmocka_unit_test(data_that_do_not_fit_are_named),
    };
    return RUN_TESTS("mistakes", tests, open_sets, close_all);
}
