/* SPDX-License-Identifier: MIT */
/* Mistakes in a build function: each is named, with the line that made it. */
#include "model/model.h"
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

static void train_on_latents_of_use(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    const duet_prior prior = duet_prior_normal(2);
    duet_phase(m, "only", 1);
    duet_minimise(m, duet_batch_mean(duet_dense(net, "layer", duet_latent(m, &prior, 1), 1)), net);
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
        {stack_layers_of_no_setting, "has no setting \"nonsense\"", DUET_BUILD_TRAIN},
        {read_labels_there_are_not, "learns from labels", DUET_BUILD_TRAIN},
        {want_other_multiples, "height and width multiples of 4", DUET_BUILD_TRAIN},
        {want_two_latents, "a model has one latent", DUET_BUILD_TRAIN},
        {train_on_latents_of_use, "draws its own latents by duet_prior_draw", DUET_BUILD_TRAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        duet_data *data;
        duet_model *model;
        duet_build *build;
        duet_family family = family_of(rows[i].build);
        assert_ok(duet_data_open(&data, plain, &error), &error);
        assert_ok(duet_model_new(&model, &family, data, NULL, 0, 7, &error), &error);
        assert_status(duet_model_build(model, rows[i].mode, 4, &build, &error), DUET_ERROR_GRAPH, &error);
        assert_message(&error, rows[i].message);
        assert_message(&error, "test_mistakes.c:");
        assert_message(&error, "(model phases, examples of ");
        duet_model_free(&model);
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named),
    };
    return RUN_TESTS("mistakes", tests, open_sets, close_all);
}
