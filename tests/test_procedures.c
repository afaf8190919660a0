/* SPDX-License-Identifier: MIT */
/* Procedures at use: what requests get, what they may set, and the mistakes that are named. */
#include "use.h"

#include "phase_parts.h"

#include "graph/variable.h"
#include "model/model.h"

/* "count" adds `by` to a scratch row `steps` times, from the latents, and gives it. */
static void build_counter(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(2);
    size_t steps = duet_use_count(m, "steps", 3, 0, 1000, "times");
    double by = duet_use_number(m, "by", 0.5, -10, 10, "what is added");
    duet_node z = duet_latent(m, &prior, 1), w = test_parameter(m, duet_model_group(m, "net"), "w", 1);
    duet_phase(m, "train", 1);
    duet_minimise(m, duet_square(w), duet_model_group(m, "net"));
    duet_own_output(m, "doubled", duet_scale(z, 2));

    duet_procedure(m, "count");
    duet_node x = duet_scratch(m, "x", DUET_FLOAT32, DUET_SHAPE(duet_model_batch_size(m), 2));
    duet_phase(m, "begin", 1);
    duet_phase_assign(m, x, z);
    duet_phase(m, "add", steps);
    duet_phase_assign(m, x, duet_shift(x, by));
    duet_own_output(m, "counted", duet_scale(x, 1));
    duet_own_output(m, "from", duet_scale(z, 1));
}

typedef struct used {
    test_parts parts;
    duet_evaluator *evaluator;
} used;

static void open_used(used *it, const duet_family *family)
{
    duet_error error = {0};
    open_parts(&it->parts, family, plain);
    assert_ok(duet_evaluator_new(&it->evaluator, device, it->parts.model, &error), &error);
}

static void close_used(used *it)
{
    duet_evaluator_free(&it->evaluator);
    test_parts_close(&it->parts);
}

static void procedures_run_with_settings_of_the_request(void **state)
{
    (void)state;
    enum { N = 25 };
    static const char *const settings[] = {"steps=7", "by=-2"};
    float counted[N][2], from[N][2];
    used it;
    duet_family family = family_of(build_counter);
    open_used(&it, &family);
    const duet_wanted wanted[] = {{"counted", counted[0]}, {"from", from[0]}};
    for (size_t given = 0; given <= 2; given++)
        for (size_t batch = 0; batch <= 10; batch += 5) {
            duet_error error = {0};
            const duet_request request = {.count = N,
                                          .seed = 4,
                                          .settings = settings,
                                          .setting_count = given,
                                          .outputs = wanted,
                                          .output_count = 2,
                                          .batch = batch};
            assert_ok(duet_evaluator_use(it.evaluator, &request, &error), &error);
            double added = given == 0 ? 3 * 0.5 : given == 1 ? 7 * 0.5 : 7 * -2.0;
            for (size_t i = 0; i < N; i++)
                for (size_t k = 0; k < 2; k++) assert_close(counted[i][k], from[i][k] + added, 1e-5);
            assert_true(from[0][0] != from[1][0] && from[0][0] != from[N - 1][0]);
        }
    close_used(&it);
}

/* "spiral" doubles a number twice and adds 1, round after round. */
static void build_spiral(duet_model *m)
{
    duet_procedure(m, "spiral");
    duet_procedure_rounds(m, 3);
    duet_node x = duet_scratch(m, "x", DUET_FLOAT32, DUET_SHAPE(duet_model_batch_size(m), 1));
    duet_phase(m, "double", 2);
    duet_phase_assign(m, x, duet_scale(x, 2));
    duet_phase(m, "add", 1);
    duet_phase_assign(m, x, duet_shift(x, 1));
    duet_own_output(m, "spun", duet_scale(x, 1));
}

static void build_rounds_of_training(duet_model *m)
{
    duet_procedure_rounds(m, 3);
}

/* What the training counts is read by an output too. */
static void build_of_the_step(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node row = duet_broadcast(duet_model_step(m), DUET_SHAPE(duet_model_batch_size(m)));
    duet_phase(m, "train", 1);
    duet_minimise(m, duet_multiply(duet_square(test_parameter(m, net, "w", 1)), duet_warm_up(m, 8)), net);
    duet_own_output(m, "steps", row);
    duet_own_output(m, "warmth", duet_broadcast(duet_warm_up(m, 8), duet_node_shape(row)));
}

static void outputs_read_the_steps_of_the_training(void **state)
{
    (void)state;
    enum { N = 3 };
    float steps[N], warmth[N];
    used it;
    duet_family family = family_of(build_of_the_step);
    open_used(&it, &family);
    const duet_wanted wanted[] = {{"steps", steps}, {"warmth", warmth}};
    const duet_request request = {.count = N, .outputs = wanted, .output_count = 2};
    for (size_t done = 0; done <= 4; done += 2) {
        duet_error error = {0};
        assert_ok(duet_evaluator_use(it.evaluator, &request, &error), &error);
        for (size_t i = 0; i < N; i++) assert_close(steps[i], (double)done, 0);
        for (size_t i = 0; i < N; i++) assert_close(warmth[i], ((double)done + 1) / 8, 1e-7);
        test_steps(&it.parts, 2);
    }
    close_used(&it);
}

/* A group of scratch that no procedure moves is what it starts as. */
static void build_of_scratch(duet_model *m)
{
    duet_node w = test_parameter(m, duet_scratch_group(m, "fixed"), "w", 3);
    duet_phase(m, "train", 1);
    duet_minimise(m, duet_square(test_parameter(m, duet_model_group(m, "net"), "w", 1)), duet_model_group(m, "net"));
    duet_own_output(m, "fixed", duet_broadcast(w, DUET_SHAPE(duet_model_batch_size(m), 1)));
}

static void outputs_read_groups_of_scratch_as_they_start(void **state)
{
    (void)state;
    float fixed[2];
    used it;
    duet_error error = {0};
    duet_family family = family_of(build_of_scratch);
    open_used(&it, &family);
    const duet_wanted wanted = {"fixed", fixed};
    const duet_request request = {.count = 2, .outputs = &wanted, .output_count = 1};
    assert_ok(duet_evaluator_use(it.evaluator, &request, &error), &error);
    for (size_t i = 0; i < 2; i++) assert_close(fixed[i], 3, 0);
    close_used(&it);
}

static void count_repeats(void *context, uint64_t repeat, uint64_t total)
{
    assert_int_equal(repeat, ++*(uint64_t *)context);
    assert_int_equal(total, 2 * 3 * 3); /* batches, rounds, replays */
}

static void phases_go_round(void **state)
{
    (void)state;
    enum { N = 6 };
    float spun[N];
    uint64_t repeats = 0;
    duet_error error = {0};
    duet_model *model;
    duet_data *data;
    duet_evaluator *evaluator;
    duet_family family = family_of(build_spiral), mistaken = family_of(build_rounds_of_training);
    assert_ok(duet_data_open(&data, plain, &error), &error);
    assert_ok(duet_model_new(&model, &family, data, NULL, 0, 7, &error), &error);
    assert_ok(duet_evaluator_new(&evaluator, device, model, &error), &error);
    const duet_wanted wanted = {"spun", spun};
    const duet_request request = {
        .count = N, .batch = 4, .outputs = &wanted, .output_count = 1, .progress = count_repeats, .context = &repeats};
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    for (size_t i = 0; i < N; i++) assert_close(spun[i], 21, 0);
    assert_int_equal(repeats, 18);
    duet_evaluator_free(&evaluator);
    duet_model_free(&model);
    assert_ok(duet_model_new(&model, &mistaken, data, NULL, 0, 7, &error), &error);
    assert_status(duet_evaluator_new(&evaluator, device, model, &error), DUET_ERROR_GRAPH, &error);
    assert_message(&error, "a step of training is one round");
    duet_model_free(&model);
    duet_data_close(&data);
}

static void requests_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *procedure, *output, *setting, *message;
    } rows[] = {
        {NULL, "counted", "stepz=3", "steps by"},           {NULL, "counted", "steps=0.5", "whole number"},
        {NULL, "counted", "by=11", "from -10 to 10"},       {NULL, "count", NULL, "has no output"},
        {"cont", "counted", NULL, "no procedure \"cont\""},
    };
    float values[2];
    used it;
    duet_family family = family_of(build_counter);
    open_used(&it, &family);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        const duet_wanted wanted = {rows[i].output, values};
        const duet_request request = {.procedure = rows[i].procedure,
                                      .count = 1,
                                      .settings = &rows[i].setting,
                                      .setting_count = rows[i].setting != NULL,
                                      .outputs = &wanted,
                                      .output_count = 1};
        assert_status(duet_evaluator_use(it.evaluator, &request, &error), DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].message);
    }
    duet_error error = {0};
    const duet_request empty = {.count = 1};
    assert_status(duet_evaluator_use(it.evaluator, &empty, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "names no outputs");
    close_used(&it);
}

static void stop_a_procedure(void *context, uint64_t repeat, uint64_t total)
{
    (void)total;
    if (repeat == 2) *(volatile int *)context = 1;
}

static void a_procedure_stops_between_repeats(void **state)
{
    (void)state;
    volatile int stop = 0;
    float values[2];
    used it;
    duet_error error = {0};
    duet_family family = family_of(build_counter);
    const duet_wanted wanted = {"counted", values};
    open_used(&it, &family);
    const duet_request request = {.count = 1,
                                  .outputs = &wanted,
                                  .output_count = 1,
                                  .progress = stop_a_procedure,
                                  .context = (void *)&stop,
                                  .stop = &stop};
    assert_status(duet_evaluator_use(it.evaluator, &request, &error), DUET_ERROR_INTERRUPTED, &error);
    assert_message(&error, "2 of 4");
    close_used(&it);
}

/* Neither does one without repeats begin its first batch. */
static void samples_stop_between_batches(void **state)
{
    (void)state;
    volatile int stop = 1;
    float values[2];
    used it;
    duet_error error = {0};
    duet_family family = family_of(build_counter);
    const duet_wanted wanted = {"doubled", values};
    const duet_request request = {.count = 1, .outputs = &wanted, .output_count = 1, .stop = &stop};
    open_used(&it, &family);
    assert_status(duet_evaluator_use(it.evaluator, &request, &error), DUET_ERROR_INTERRUPTED, &error);
    assert_message(&error, "0 of 1 examples");
    close_used(&it);
}

/* Nothing that use does enters the store of the model, where checkpoints look. */
static void scratch_is_in_no_checkpoint(void **state)
{
    (void)state;
    float values[2];
    used it;
    size_t before = 0, after = 0;
    duet_error error = {0};
    duet_family family = family_of(build_counter);
    const duet_wanted wanted = {"counted", values};
    open_used(&it, &family);
    const duet_store *store = duet_model_store(it.parts.model);
    while (duet_store_at(store, before) != NULL) before++;
    assert_ok(
        duet_evaluator_use(it.evaluator, &(duet_request){.count = 1, .outputs = &wanted, .output_count = 1}, &error),
        &error);
    while (duet_store_at(store, after) != NULL) after++;
    assert_int_equal(after, before);
    assert_null(duet_store_find(store, "x"));
    close_used(&it);
}

/* The latent that a generator made its own samples from is found again, from other starts. */
static void invert_finds_the_latents_of_own_samples(void **state)
{
    (void)state;
    enum { N = 12, LATENT = 3 };
    static const char *const names[] = {"gan", "vae"};
    static const char *const settings[2][3] = {{"latent=3", "generator_hidden=16", "discriminator_hidden=8"},
                                               {"latent=3", "hidden=16", "beta=1"}};
    for (size_t f = 0; f < 2; f++) {
        test_parts parts;
        duet_evaluator *evaluator;
        duet_error error = {0};
        float samples[N * 36], errors[N], found[N * LATENT], decoded[N * 36], spread[N];
        test_parts_open(&parts, device, duet_family_find(names[f]), plain, settings[f], 3);
        test_steps(&parts, 60);
        assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
        assert_int_equal(duet_evaluator_features(evaluator, DUET_SAMPLE), 36);
        const duet_wanted sample = {DUET_SAMPLE, samples};
        const duet_wanted wanted[] = {
            {"inverse_error", errors}, {"inverse", found}, {"inverse_decode", decoded}, {"restart_spread", spread}};
        static const char *const more[] = {"steps=300", "restarts=4"};
        assert_ok(duet_evaluator_use(
                      evaluator, &(duet_request){.count = N, .seed = 1, .outputs = &sample, .output_count = 1}, &error),
                  &error);
        const duet_request request = {.count = N,
                                      .seed = 2,
                                      .examples = samples,
                                      .settings = more,
                                      .setting_count = 2,
                                      .outputs = wanted,
                                      .output_count = 4};
        assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
        for (size_t i = 0; i < N; i++) {
            double squares = 0;
            for (size_t k = 0; k < 36; k++)
                squares += pow((double)decoded[i * 36 + k] - (double)samples[i * 36 + k], 2);
            assert_close(errors[i], squares / 36, 1e-6);
            assert_true(errors[i] < 1e-4f && spread[i] >= 0);
        }
        /* The latents found decode to what was reported. */
        float again[N * 36];
        assert_ok(test_evaluate(evaluator, TEST_FROM_LATENTS, DUET_DECODE, found, N, 0, again, &error), &error);
        for (size_t k = 0; k < N * 36; k++) assert_close(again[k], decoded[k], 1e-5);
        duet_evaluator_free(&evaluator);
        test_parts_close(&parts);
    }
}

/* Examples without their classes would be judged under classes drawn by chance. */
static void conditions_of_examples_must_be_given(void **state)
{
    (void)state;
    enum { N = 3 };
    static const char *const settings[] = {"hidden=8", "latent=2"};
    static const uint8_t classes[N] = {0, 3, 1}, none[N] = {0, 4, 1};
    test_parts parts;
    duet_evaluator *evaluator;
    float x[N * 36] = {0}, kl[N], samples[N * 36];
    test_parts_open(&parts, device, duet_family_find("cvae"), labelled, settings, 2);
    duet_error error = {0};
    assert_ok(duet_evaluator_new(&evaluator, device, parts.model, &error), &error);
    const duet_wanted wanted = {DUET_KL, kl}, sample = {DUET_SAMPLE, samples};
    duet_request request = {.count = N, .examples = x, .outputs = &wanted, .output_count = 1};
    assert_status(duet_evaluator_use(evaluator, &request, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "made of examples and their classes");
    error = (duet_error){0};
    request.classes = none;
    assert_status(duet_evaluator_use(evaluator, &request, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "class 4 is none of the classes 0 to 3 that the model was trained on");
    error = (duet_error){0};
    request.classes = classes;
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    request = (duet_request){.count = N, .outputs = &sample, .output_count = 1}; /* drawn, where nothing is given */
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    duet_evaluator_free(&evaluator);
    test_parts_close(&parts);
}

/* "descend" reads the batch in the gate of its loss alone. */
static void build_gated(duet_model *m)
{
    duet_procedure(m, "descend");
    duet_group *code = duet_scratch_group(m, "code");
    duet_node z = test_parameter(m, code, "z", 1);
    duet_phase(m, "step", 1);
    duet_minimise_gated(m, duet_square(z), duet_batch_mean(duet_model_batch(m)), code);
    duet_own_output(m, "found", duet_broadcast(z, DUET_SHAPE(duet_model_batch_size(m), 1)));
}

static void a_gate_that_reads_needs_examples(void **state)
{
    (void)state;
    float values[2], x[2 * 36] = {0};
    duet_error error = {0};
    duet_model *model;
    duet_data *data;
    duet_evaluator *evaluator;
    duet_family family = family_of(build_gated);
    assert_ok(duet_data_open(&data, plain, &error), &error);
    assert_ok(duet_model_new(&model, &family, data, NULL, 0, 7, &error), &error);
    assert_ok(duet_evaluator_new(&evaluator, device, model, &error), &error);
    const duet_wanted wanted = {"found", values};
    duet_request request = {.count = 2, .outputs = &wanted, .output_count = 1};
    assert_status(duet_evaluator_use(evaluator, &request, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "made of examples");
    error = (duet_error){0};
    request.examples = x;
    assert_ok(duet_evaluator_use(evaluator, &request, &error), &error);
    duet_evaluator_free(&evaluator);
    duet_model_free(&model);
    duet_data_close(&data);
}

/* ---- mistakes of models ---- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(procedures_run_with_settings_of_the_request),
        cmocka_unit_test(outputs_read_the_steps_of_the_training),
        cmocka_unit_test(outputs_read_groups_of_scratch_as_they_start),
        cmocka_unit_test(phases_go_round),
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(a_procedure_stops_between_repeats),
        cmocka_unit_test(samples_stop_between_batches),
        cmocka_unit_test(scratch_is_in_no_checkpoint),
        cmocka_unit_test(invert_finds_the_latents_of_own_samples),
        cmocka_unit_test(conditions_of_examples_must_be_given),
        cmocka_unit_test(a_gate_that_reads_needs_examples),
    };
    return RUN_TESTS("procedures", tests, open_sets, close_all);
}
