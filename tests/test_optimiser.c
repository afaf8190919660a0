/* SPDX-License-Identifier: MIT */
/* Optimisers against steps worked by hand in double, three updates each, on a quadratic whose gradient is known. */
#include "workshop.h"

#include "duet/nn.h"

enum { COUNT = 3, STEPS = 3 };

/* loss = sum(slope p + curve p^2 / 2), so that the gradient is slope + curve p. The last number is another parameter of
 * the group. */
static const double start[COUNT] = {0.5, 0.5, 0.25};
static const double slope[COUNT] = {0.7, -1.3, 2.0}, curve[COUNT] = {2.0, 0.5, -1.0};

/* What the optimiser keeps, in double. */
typedef struct by_hand {
    double p[COUNT], first[COUNT], second[COUNT];
    uint64_t updates;
} by_hand;

/* The learning rate of update number `t`, from 0. */
static double rate_at(const duet_optimiser *o, uint64_t t)
{
    const double pi = acos(-1);
    double rate = o->learning_rate, share = 1;
    if (o->rate_steps > 0) share = (double)t / (double)o->rate_steps;
    double held = share < 1 ? share : 1;
    if (o->schedule == DUET_RATE_LINEAR) rate *= 1 + (o->rate_final - 1) * held;
    if (o->schedule == DUET_RATE_COSINE) rate *= o->rate_final + (1 - o->rate_final) * (1 + cos(pi * held)) / 2;
    if (o->schedule == DUET_RATE_STEP) rate *= pow(o->rate_final, floor(share));
    if (t < o->rate_warm_up) rate *= (double)(t + 1) / (double)o->rate_warm_up;
    return rate;
}

static void update_by_hand(by_hand *state, const duet_optimiser *o, double gate)
{
    double g[COUNT], norm = 0, rate = gate * rate_at(o, state->updates);
    if (gate == 0) return;
    for (int i = 0; i < COUNT; i++) {
        g[i] = slope[i] + curve[i] * state->p[i];
        norm += g[i] * g[i];
    }
    norm = sqrt(norm);
    double t = (double)++state->updates, from[COUNT], moved = 0;
    memcpy(from, state->p, sizeof from);
    for (int i = 0; i < COUNT; i++) {
        double *p = &state->p[i], *m = &state->first[i], *v = &state->second[i];
        if (o->clip_norm > 0 && norm > o->clip_norm) g[i] *= o->clip_norm / norm;
        if (o->kind != DUET_ADAMW) g[i] += o->weight_decay * *p;
        if (o->kind == DUET_SGD) {
            *m = o->momentum * *m + g[i];
            *p -= rate * *m;
        } else if (o->kind == DUET_RMSPROP) {
            *v = o->beta2 * *v + (1 - o->beta2) * g[i] * g[i];
            *m = o->momentum * *m + g[i] / (sqrt(*v) + o->epsilon);
            *p -= rate * *m;
        } else {
            if (o->kind == DUET_ADAMW) *p -= rate * o->weight_decay * *p;
            *m = o->beta1 * *m + (1 - o->beta1) * g[i];
            *v = o->beta2 * *v + (1 - o->beta2) * g[i] * g[i];
            *p -= rate * (*m / (1 - pow(o->beta1, t))) / (sqrt(*v / (1 - pow(o->beta2, t))) + o->epsilon);
        }
    }
    for (int i = 0; i < COUNT; i++) moved += (state->p[i] - from[i]) * (state->p[i] - from[i]);
    double share = o->clip_update > 0 && sqrt(moved) > o->clip_update ? o->clip_update / sqrt(moved) : 1;
    for (int i = 0; i < COUNT; i++) state->p[i] = from[i] + share * (state->p[i] - from[i]);
}

/* The same on the device. */
typedef struct on_device {
    workshop w;
    duet_node gate, allowed;
} on_device;

static void begin(on_device *it, const duet_optimiser *optimiser)
{
    const duet_initialiser half = {DUET_INIT_CONSTANT, 0.5f, 0, 0}, quarter = {DUET_INIT_CONSTANT, 0.25f, 0, 0};
    it->w = workshop_open(1);
    it->gate = duet_input(it->w.graph, "gate", DUET_FLOAT32, DUET_SCALAR_SHAPE);
    it->allowed = duet_input(it->w.graph, "allowed", DUET_FLOAT32, DUET_SCALAR_SHAPE);
    duet_node two = duet_parameter(it->w.graph, it->w.group, "two", DUET_SHAPE(2), half);
    duet_node one = duet_parameter(it->w.graph, it->w.group, "one", DUET_SHAPE(1), quarter);
    duet_node terms[COUNT], loss = duet_constant(it->w.graph, 0), roots[8];
    for (size_t i = 0; i < COUNT; i++) {
        duet_node p = i < 2 ? duet_slice(two, 0, i, 1) : one;
        terms[i] = duet_add(duet_scale(p, slope[i]), duet_scale(duet_square(p), curve[i] / 2));
        loss = duet_add(loss, duet_sum(terms[i], DUET_ALL_AXES, false));
    }
    size_t count = duet_update(it->w.group, optimiser, loss, it->gate, it->allowed, roots);
    workshop_plan(&it->w, "update", roots, count);
}

static void step(on_device *it, float gate, float allowed, float p[COUNT])
{
    duet_error error = {0};
    assert_ok(duet_plan_write(it->w.plan, it->gate, &gate, sizeof gate, &error), &error);
    assert_ok(duet_plan_write(it->w.plan, it->allowed, &allowed, sizeof allowed, &error), &error);
    assert_ok(duet_plan_replay(it->w.plan, &error), &error);
    assert_ok(duet_store_read(it->w.store, device, "net.two", p, 2 * sizeof *p, &error), &error);
    assert_ok(duet_store_read(it->w.store, device, "net.one", p + 2, sizeof *p, &error), &error);
}

static void end(on_device *it)
{
    workshop_close(&it->w);
}

static void compare_gated(const duet_optimiser *optimiser, const double *gates, size_t steps)
{
    by_hand expected = {.updates = 0};
    on_device it;
    memcpy(expected.p, start, sizeof start);
    begin(&it, optimiser);
    for (size_t i = 0; i < steps; i++) {
        float p[COUNT];
        update_by_hand(&expected, optimiser, gates[i]);
        step(&it, (float)gates[i], 1, p);
        for (int k = 0; k < COUNT; k++) assert_close(p[k], expected.p[k], 4e-6 * (1 + fabs(expected.p[k])));
    }
    end(&it);
}

static void compare(duet_optimiser optimiser)
{
    const double gates[STEPS] = {1, 1, 1};
    compare_gated(&optimiser, gates, STEPS);
}

static void sgd_follows_its_rule(void **state)
{
    (void)state;
    compare((duet_optimiser){.kind = DUET_SGD, .learning_rate = 0.1});
    compare((duet_optimiser){.kind = DUET_SGD, .learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.05});
}

static void rmsprop_follows_its_rule(void **state)
{
    (void)state;
    duet_optimiser o = {.kind = DUET_RMSPROP, .learning_rate = 0.05, .beta2 = 0.9, .epsilon = 1e-8};
    compare(o);
    o.momentum = 0.5;
    o.weight_decay = 0.1;
    compare(o);
}

static void adam_follows_algorithm_1(void **state)
{
    (void)state;
    duet_optimiser o = duet_adam(0.1);
    assert_close(o.beta1, 0.9, 0);
    assert_close(o.beta2, 0.999, 0);
    assert_close(o.epsilon, 1e-8, 0);
    compare(o);
    o.beta1 = 0.5;
    o.epsilon = 0.1;
    o.weight_decay = 0.2;
    compare(o);
}

static void adamw_decays_apart(void **state)
{
    (void)state;
    duet_optimiser o = duet_adam(0.1);
    o.kind = DUET_ADAMW;
    o.weight_decay = 0.3;
    compare(o);
}

static void clipping_scales_to_the_norm(void **state)
{
    (void)state;
    duet_optimiser o = {.kind = DUET_SGD, .learning_rate = 0.1, .clip_norm = 0.5};
    compare(o); /* far above the norm: scaled */
    o.clip_norm = 100;
    compare(o); /* far below it: untouched */
}

/* Whatever the optimiser, and decoupled decay included; a limit that is not reached changes nothing. */
static void updates_are_held_to_a_norm(void **state)
{
    (void)state;
    static const duet_optimiser_kind kinds[] = {DUET_SGD, DUET_RMSPROP, DUET_ADAM, DUET_ADAMW};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        duet_optimiser o = duet_adam(0.1);
        o.kind = kinds[i];
        o.weight_decay = 0.1;
        o.clip_update = 0.05;
        compare(o);
        o.clip_update = 100;
        compare(o);
    }
}

static void schedules_follow_their_formulas(void **state)
{
    (void)state;
    static const duet_rate_schedule schedules[] = {DUET_RATE_CONSTANT, DUET_RATE_LINEAR, DUET_RATE_COSINE,
                                                   DUET_RATE_STEP};
    const double gates[6] = {1, 1, 1, 1, 1, 1};
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        duet_optimiser o = {.kind = DUET_SGD, .learning_rate = 0.1, .schedule = schedules[i], .rate_final = 0.25};
        o.rate_steps = schedules[i] == DUET_RATE_CONSTANT ? 0 : 4; /* and two updates past the end */
        compare_gated(&o, gates, 6);
        o.rate_warm_up = 3;
        compare_gated(&o, gates, 6);
    }
}

static void gates_scale_and_rest(void **state)
{
    (void)state;
    const double gates[6] = {1, 0, 0.5, 0, 0, 1}; /* at 0 moments, and Adam's count of updates, rest too */
    duet_optimiser o = duet_adam(0.1);
    compare_gated(&o, gates, 6);
    o = (duet_optimiser){.kind = DUET_SGD, .learning_rate = 0.1, .momentum = 0.9};
    compare_gated(&o, gates, 6);
}

/* `allowed` 0 is what follows a NaN: nothing moves, whatever the gate says. */
static void forbidden_updates_change_nothing(void **state)
{
    (void)state;
    duet_optimiser o = duet_adam(0.1);
    float before[COUNT], after[COUNT];
    on_device it;
    begin(&it, &o);
    step(&it, 1, 1, before);
    for (int i = 0; i < 2; i++) {
        step(&it, 1, 0, after);
        assert_memory_equal(before, after, sizeof before);
    }
    step(&it, 1, 1, after);
    by_hand expected = {.updates = 0};
    memcpy(expected.p, start, sizeof start);
    for (int i = 0; i < 2; i++) update_by_hand(&expected, &o, 1);
    for (int k = 0; k < COUNT; k++) assert_close(after[k], expected.p[k], 1e-5);
    end(&it);
}

/* One of two numbers has no gradient, as a dead unit has none. */
static void what_has_no_gradient_rests_without_epsilon_too(void **state)
{
    (void)state;
    const duet_optimiser optimisers[] = {
        {.kind = DUET_RMSPROP, .learning_rate = 0.1, .beta2 = 0.9},
        {.kind = DUET_ADAM, .learning_rate = 0.1, .beta1 = 0.9, .beta2 = 0.999},
    };
    const duet_initialiser half = {DUET_INIT_CONSTANT, 0.5f, 0, 0};
    for (size_t i = 0; i < 2; i++) {
        duet_error error = {0};
        float p[2];
        duet_node roots[8];
        workshop w = workshop_open(1);
        duet_node two = duet_parameter(w.graph, w.group, "two", DUET_SHAPE(2), half);
        duet_node loss = duet_sum(duet_slice(two, 0, 0, 1), DUET_ALL_AXES, false);
        const size_t count = duet_update(w.group, &optimisers[i], loss, NULL, NULL, roots);
        workshop_plan(&w, "update", roots, count);
        assert_ok(duet_plan_replay(w.plan, &error), &error);
        assert_ok(duet_store_read(w.store, device, "net.two", p, sizeof p, &error), &error);
        assert_close(p[0], i == 0 ? 0.5 - 0.1 / sqrt(0.1) : 0.4, 1e-5);
        assert_close(p[1], 0.5, 0);
        workshop_close(&w);
    }
}

/* Whoever plans an update alone is told why there is none. */
static void updates_that_cannot_be_meant_are_told_by_their_plan(void **state)
{
    (void)state;
    const char *stays = "update: the loss does not depend on the parameters of the group \"net\"";
    const char *falls = "the optimiser of \"net\": learning_rate is -0.1";
    const duet_initialiser half = {DUET_INIT_CONSTANT, 0.5f, 0, 0};
    enum { OWN, OTHER, STOPPED, LOSSES };
    for (size_t i = 0; i < LOSSES; i++) {
        duet_error error = {0};
        duet_node roots[8];
        workshop w = workshop_open(2);
        duet_node own = duet_parameter(w.graph, w.group, "w", DUET_SCALAR_SHAPE, half);
        duet_node other = duet_parameter(w.graph, duet_group_of(w.store, "other"), "w", DUET_SCALAR_SHAPE, half);
        const duet_node losses[LOSSES] = {own, other, duet_stop_gradient(own)};
        const duet_optimiser optimiser = duet_adam(i == OWN ? -0.1 : 0.1);
        const size_t count = duet_update(w.group, &optimiser, losses[i], NULL, NULL, roots);
        assert_status(duet_plan_new(&w.plan, device, "update", roots, count, &error), DUET_ERROR_GRAPH, &error);
        assert_message(&error, i == OWN ? falls : stays);
        assert_message(&error, "test_optimiser.c");
        workshop_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_follows_its_rule),
        cmocka_unit_test(rmsprop_follows_its_rule),
        cmocka_unit_test(adam_follows_algorithm_1),
        cmocka_unit_test(adamw_decays_apart),
        cmocka_unit_test(clipping_scales_to_the_norm),
        cmocka_unit_test(updates_are_held_to_a_norm),
        cmocka_unit_test(schedules_follow_their_formulas),
        cmocka_unit_test(gates_scale_and_rest),
        cmocka_unit_test(forbidden_updates_change_nothing),
        cmocka_unit_test(what_has_no_gradient_rests_without_epsilon_too),
        cmocka_unit_test(updates_that_cannot_be_meant_are_told_by_their_plan),
    };
    return RUN_TESTS("optimiser", tests, open_device, close_device);
}
