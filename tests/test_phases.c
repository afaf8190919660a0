/* SPDX-License-Identifier: MIT */
/* Phases of a training step: which of them draw a batch, share one, or rest. */
#include "phase_parts.h"

#include "train/schedule.h"
#include "train/trainer.h"

/* The mean number of the batch's classes, from the labels alone. */
static duet_node mean_class(duet_model *m)
{
    duet_node labels = duet_model_labels(m), sum = NULL;
    for (size_t k = 0; k < duet_features(labels); k++) {
        duet_node column = duet_scale(duet_slice(labels, 1, k, 1), (double)k);
        sum = sum == NULL ? column : duet_add(sum, column);
    }
    return duet_batch_mean(sum);
}

static void build_labels(duet_model *m)
{
    duet_phase(m, "labels", 3);
    duet_report(m, "class", mean_class(m));
    duet_minimise(m, duet_square(test_parameter(m, duet_model_group(m, "net"), "w", 1)), duet_model_group(m, "net"));
}

/* The gate alone reads the batch: w counts lr times the gates, one a replay. */
static void build_gate(duet_model *m)
{
    duet_node w = test_parameter(m, duet_model_group(m, "net"), "w", 0);
    duet_phase(m, "gated", 2);
    duet_minimise_gated(m, duet_negate(w), mean_class(m), duet_model_group(m, "net"));
}

/* Both phases read; the second shares the batch of the first. */
static void build_shared(duet_model *m)
{
    duet_node x = duet_batch_mean(duet_model_batch(m));
    duet_phase(m, "first", 1);
    duet_report(m, "x1", x);
    duet_minimise(m, duet_square(test_parameter(m, duet_model_group(m, "net"), "w", 1)), duet_model_group(m, "net"));
    duet_phase(m, "second", 1);
    duet_phase_share_batch(m);
    duet_report(m, "x2", x);
    duet_minimise(m, duet_square(test_parameter(m, duet_model_group(m, "other"), "w", 1)),
                  duet_model_group(m, "other"));
}

/* The second phase runs in steps 0, 3, 6, ...: its parameter counts them. */
static void build_every(duet_model *m)
{
    duet_phase(m, "always", 2);
    duet_minimise(m, duet_negate(test_parameter(m, duet_model_group(m, "net"), "w", 0)), duet_model_group(m, "net"));
    duet_phase(m, "seldom", 1);
    duet_phase_every(m, 3);
    duet_report(m, "x", duet_batch_mean(duet_model_batch(m)));
    duet_minimise(m, duet_negate(test_parameter(m, duet_model_group(m, "other"), "w", 0)),
                  duet_model_group(m, "other"));
}

/* Two phases move one group, down slopes of 1000 and of 1. */
static void build_twice(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_node w = test_parameter(m, net, "w", 0);
    duet_phase(m, "steep", 1);
    duet_report(m, "w", w);
    duet_minimise(m, duet_scale(w, 1000), net);
    duet_phase(m, "shallow", 1);
    duet_phase_own_moments(m);
    duet_minimise(m, w, net);
}

/* Rows of a phase's history. */
static void read_history(test_parts *parts, const char *name, float rows[DUET_HISTORY_ROWS])
{
    duet_error error = {0};
    assert_ok(
        duet_store_read(duet_model_store(parts->model), device, name, rows, DUET_HISTORY_ROWS * sizeof *rows, &error),
        &error);
}

/* Example i has class i / 8 mod 4 and batches of 8 come in order, so that the mean class tells them apart. */
static void phases_that_read_labels_alone_draw(void **state)
{
    (void)state;
    test_parts parts;
    float rows[DUET_HISTORY_ROWS];
    duet_family family = family_of(build_labels);
    open_parts(&parts, &family, labelled);
    test_steps(&parts, 1);
    read_history(&parts, "trainer.history.labels", rows);
    for (size_t i = 0; i < 3; i++) assert_close(rows[i], (double)(i % 4), 1e-6);
    assert_int_equal(test_read_count(&parts, "trainer.draws"), 3);
    test_parts_close(&parts);
}

static void phases_whose_gate_reads_draw(void **state)
{
    (void)state;
    test_parts parts;
    duet_family family = family_of(build_gate);
    open_parts(&parts, &family, labelled);
    test_steps(&parts, 2); /* gates 0, 1, 2, 3 */
    assert_close(test_read(&parts, "net.w"), 0 + 1 + 2 + 3, 1e-5);
    assert_int_equal(test_read_count(&parts, "trainer.draws"), 4);
    test_parts_close(&parts);
}

static void phases_may_share_a_batch(void **state)
{
    (void)state;
    test_parts parts;
    float first[DUET_HISTORY_ROWS], second[DUET_HISTORY_ROWS];
    duet_family family = family_of(build_shared);
    open_parts(&parts, &family, plain);
    test_steps(&parts, 3);
    read_history(&parts, "trainer.history.first", first);
    read_history(&parts, "trainer.history.second", second);
    assert_memory_equal(first, second, 3 * sizeof *first);
    assert_true(first[0] != first[1] && first[1] != first[2]);
    assert_int_equal(test_read_count(&parts, "trainer.draws"), 3);
    assert_int_equal(duet_trainer_steps_an_epoch(parts.trainer), TEST_BATCHES);
    test_parts_close(&parts);
}

static void phases_may_run_every_nth_step(void **state)
{
    (void)state;
    enum { STEPS = 7 };
    test_parts parts;
    duet_error error = {0};
    double means[1];
    float rows[DUET_HISTORY_ROWS];
    duet_family family = family_of(build_every);
    open_parts(&parts, &family, plain);
    test_steps(&parts, STEPS);
    assert_close(test_read(&parts, "net.w"), 2 * STEPS, 1e-5);
    assert_close(test_read(&parts, "other.w"), 3, 1e-6); /* steps 0, 3, 6 */
    assert_int_equal(test_read_count(&parts, "trainer.draws"), 3);
    read_history(&parts, "trainer.history.seldom", rows);
    assert_ok(duet_trainer_losses(parts.trainer, means, 1, &error), &error);
    assert_close(means[0], (rows[0] + rows[1] + rows[2]) / 3, 1e-6);
    assert_int_equal(duet_trainer_steps_an_epoch(parts.trainer), 1 + 3 * (TEST_BATCHES - 1));
    test_parts_close(&parts);
}

/* Adam divides a slope that stays by itself: each phase goes lr a step, as neither sees the other's gradients. */
static void a_phase_may_have_moments_of_its_own(void **state)
{
    (void)state;
    enum { STEPS = 5 };
    static const char *const adam[] = {"optimiser=adam", "lr=0.25"};
    test_parts parts;
    float w = NAN;
    duet_error error = {0};
    duet_family family = family_of(build_twice);
    test_parts_open(&parts, device, &family, plain, adam, 2);
    duet_store *store = duet_model_store(parts.model);
    for (size_t i = 1; i <= STEPS; i++) {
        test_steps(&parts, 1);
        assert_ok(duet_store_read(store, device, "net.w", &w, sizeof w, &error), &error);
        assert_close(w, -2 * 0.25 * (double)i, 1e-5);
    }
    assert_int_equal(test_read_count(&parts, "net.updates"), STEPS);
    assert_int_equal(test_read_count(&parts, "net.shallow.updates"), STEPS);
    assert_ok(duet_store_read(store, device, "net.w.moment1", &w, sizeof w, &error), &error);
    assert_close(w, 1000 * (1 - pow(0.9, STEPS)), 1e-2);
    assert_ok(duet_store_read(store, device, "net.w.shallow.moment1", &w, sizeof w, &error), &error);
    assert_close(w, 1 - pow(0.9, STEPS), 1e-5);
    test_parts_close(&parts);
}

static void assign_twice(duet_model *m)
{
    duet_node memory = test_number(m, "memory", 0);
    duet_phase_assign(m, memory, duet_shift(memory, 1));
    duet_phase_assign(m, memory, duet_shift(memory, 2));
}
static void assign_to_what_is_learnt(duet_model *m)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_phase_assign(m, duet_state(duet_model_graph(m), "net.w", DUET_FLOAT32, DUET_SHAPE(1), zero),
                      duet_reshape(duet_constant(duet_model_graph(m), 1), DUET_SHAPE(1)));
}
static void assign_to_the_clock(duet_model *m)
{
    duet_node clock = duet_clock(duet_model_graph(m));
    duet_phase_assign(m, clock, duet_increment(duet_increment(clock)));
}
static void assign_to_the_draws(duet_model *m)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_node draws = duet_state(duet_model_graph(m), "trainer.draws", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    duet_phase_assign(m, draws, duet_increment(duet_increment(draws)));
}
static void assign_to_the_step(duet_model *m)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_node step = duet_state(duet_model_graph(m), "trainer.step", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    duet_phase_assign(m, step, duet_increment(duet_increment(step)));
}

static void (*assigns)(duet_model *m); /* what the next model does besides */

static void build_assigning(duet_model *m)
{
    duet_node w = test_parameter(m, duet_model_group(m, "net"), "w", 1);
    duet_phase(m, "only", 1);
    duet_report(m, "x", duet_batch_mean(duet_model_batch(m)));
    duet_minimise(m, duet_square(w), duet_model_group(m, "net"));
    assigns(m);
}

static void what_is_assigned_to_twice_names_the_callers_line(void **state)
{
    (void)state;
    static void (*const rows[])(duet_model * m) = {assign_twice, assign_to_what_is_learnt, assign_to_the_clock,
                                                   assign_to_the_draws, assign_to_the_step};
    const duet_family family = family_of(build_assigning);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        test_parts parts = {.device = device};
        assigns = rows[i];
        assert_ok(duet_data_open(&parts.data, plain, &error), &error);
        assert_ok(duet_model_new(&parts.model, &family, parts.data, NULL, 0, 7, &error), &error);
        assert_status(duet_trainer_new(&parts.trainer, device, parts.model, 4, &error), DUET_ERROR_GRAPH, &error);
        assert_message(&error, "is assigned to in the same plan as");
        assert_message(&error, "test_phases.c:");
        assert_null(strstr(error.message, "src/"));
        test_parts_close(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_that_read_labels_alone_draw),
        cmocka_unit_test(phases_whose_gate_reads_draw),
        cmocka_unit_test(phases_may_share_a_batch),
        cmocka_unit_test(phases_may_run_every_nth_step),
        cmocka_unit_test(a_phase_may_have_moments_of_its_own),
        cmocka_unit_test(what_is_assigned_to_twice_names_the_callers_line),
    };
    return RUN_TESTS("phases", tests, open_sets, close_all);
}
