/* SPDX-License-Identifier: MIT */
/* The planner, seen through plans explained: who lies in whose memory and when, whether every gradient is stored and
 * used, whether old values are read before new ones are written. */
#include "explain_parts.h"

static const plan_case cases[] = {
    {"vae", "vae", NULL, TEST_BATCH, {"hidden=24", "latent=3"}},
    {"vae, odd batch", "vae", NULL, 37, {"hidden=24,12", "latent=3"}},
    {"vae, plain", "vae", "plain", TEST_BATCH, {"hidden=24", "latent=3"}},
    {"vae, panel", "vae", "panel", TEST_BATCH, {"hidden=24", "latent=3"}},
    {"vae, clblast", "vae", "clblast", TEST_BATCH, {"hidden=24", "latent=3"}},
    {"vae, sgd",
     "vae",
     NULL,
     TEST_BATCH,
     {"hidden=24", "optimiser=sgd", "momentum=0.9", "kl=monte-carlo", "warm_up=9"}},
    {"vae, operands rearranged", "vae", "panel", 300, {"hidden=1024,320"}, "ring8"},
    {"vae, CLBlast's workspace", "vae", "clblast", 1024, {"hidden=1024"}, "ring8"},
    {"ae", "ae", NULL, TEST_BATCH, {"hidden=24", "latent=3"}},
    {"gan", "gan", NULL, TEST_BATCH, {"generator_hidden=24", "discriminator_hidden=24", "latent=3"}},
    {"gan, panel, k 3", "gan", "panel", 16, {"generator_hidden=24,16", "discriminator_hidden=40", "k=3", "g_steps=2"}},
    {"convolutions", "conv-ae", NULL, TEST_BATCH, {NULL}, "pictures.npy"},
    {"convolutions, tile", "conv-ae", "conv-tile", TEST_BATCH, {NULL}, "pictures.npy"},
    {"convolutions, unfolded", "conv-ae", "unfold", TEST_BATCH, {NULL}, "pictures.npy"},
    {"gan, rmsprop", "gan", NULL, TEST_BATCH, {"optimiser=rmsprop", "clip_norm=1", "instance_noise=1", "loss=minimax"}},
};
enum { CASES = sizeof cases / sizeof *cases };

static const plan_case *find_case(const char *name)
{
    size_t i = 0;
    while (i < CASES && strcmp(cases[i].name, name) != 0) i++;
    assert_true(i < CASES);
    return &cases[i];
}

static bool touches(const duet_explained_launch *launch, size_t tensor)
{
    return reads(launch, tensor) || stores(launch, tensor);
}

/* The launches between which a tensor is used, from the launches themselves. */
static bool find_life(const duet_explanation *plan, size_t tensor, size_t *first, size_t *last)
{
    *first = SIZE_MAX, *last = 0;
    for (size_t i = 0; i < plan->launch_count; i++) {
        if (!touches(&plan->launches[i], tensor)) continue;
        if (*first == SIZE_MAX) *first = i;
        *last = i;
    }
    return *first != SIZE_MAX;
}

static bool is_shared(const duet_explanation *plan, size_t tensor)
{
    return plan->memories[plan->tensors[tensor].memory].kind == DUET_MEMORY_ARENA;
}

/* Pairs that have bytes of the arena in common while both are in use. */
static size_t count_collisions(const duet_explanation *plan)
{
    size_t collisions = 0, first_a, last_a, first_b, last_b;
    for (size_t a = 0; a < plan->tensor_count; a++) {
        if (!is_shared(plan, a) || !find_life(plan, a, &first_a, &last_a)) continue;
        for (size_t b = 0; b < a; b++) {
            if (!is_shared(plan, b) || !find_life(plan, b, &first_b, &last_b)) continue;
            const duet_explained_tensor *left = &plan->tensors[a], *right = &plan->tensors[b];
            bool meet = left->memory == right->memory && left->offset < right->offset + right->bytes &&
                        right->offset < left->offset + left->bytes;
            assert_int_equal(meet, duet_tensors_overlap(left, right));
            collisions += meet && first_a <= last_b && first_b <= last_a;
        }
    }
    return collisions;
}

static void memory_is_not_shared_in_use(const duet_explanation *plan)
{
    assert_int_equal(count_collisions(plan), 0);
    for (size_t i = 0; i < plan->tensor_count; i++) {
        const duet_explained_tensor *tensor = &plan->tensors[i];
        size_t first, last;
        assert_in_range(tensor->memory, 0, plan->memory_count - 1);
        assert_in_range(tensor->offset + tensor->bytes, 1, plan->memories[tensor->memory].bytes);
        if (!is_shared(plan, i)) continue;
        assert_true(find_life(plan, i, &first, &last)); /* nothing is kept for nobody */
        assert_in_range(first, tensor->first, tensor->last);
        assert_in_range(last, tensor->first, tensor->last);
        assert_true(stores(&plan->launches[first], i)); /* nothing is read that was not stored */
        for (size_t j = 0; j < plan->launches[first].result_count; j++)
            assert_false(plan->launches[first].results[j].tensor == i && plan->launches[first].results[j].adds);
    }
}

/* A variable's old value is what all launches see: none reads it after its memory was written. */
static void old_values_are_read_first(const duet_explanation *plan)
{
    for (size_t i = 0; i < plan->launch_count; i++)
        for (size_t j = 0; j < plan->launches[i].result_count; j++) {
            const duet_explained_tensor *written = &plan->tensors[plan->launches[i].results[j].tensor];
            duet_memory_kind kind = plan->memories[written->memory].kind;
            if (kind == DUET_MEMORY_ARENA || kind == DUET_MEMORY_GRADIENTS || kind == DUET_MEMORY_OWN) continue;
            for (size_t later = i + 1; later < plan->launch_count; later++)
                for (size_t k = 0; k < plan->launches[later].read_count; k++) {
                    const duet_explained_tensor *read = &plan->tensors[plan->launches[later].reads[k]];
                    if (read == written && read->replaces) continue;
                    assert_false(duet_tensors_overlap(read, written));
                }
        }
}

static void launches_are_described(const duet_explanation *plan, const duet_plan *real)
{
    assert_int_equal(plan->launch_count, duet_plan_launches(real));
    uint64_t slabs = 0;
    for (size_t i = 0; i < plan->memory_count; i++)
        if (plan->memories[i].kind == DUET_MEMORY_ARENA) slabs += plan->memories[i].bytes;
    assert_int_equal(slabs, duet_plan_arena_bytes(real));
    for (size_t i = 0; i < plan->launch_count; i++) {
        const duet_explained_launch *launch = &plan->launches[i];
        assert_true(launch->result_count > 0);
        assert_true(launch->bytes > 0);
        assert_true(launch->library || launch->work_items > 0);
        assert_true((launch->kind == DUET_LAUNCH_MATMUL || launch->kind == DUET_LAUNCH_CONVOLUTION) ==
                    (launch->product.provider != NULL));
        for (size_t j = 0; j < launch->result_count; j++) {
            assert_in_range(launch->results[j].tensor, 0, plan->tensor_count - 1);
            assert_true(launch->results[j].value[0] != '\0');
        }
        if (launch->library || launch->file != NULL) continue;
        char head[160];
        snprintf(head, sizeof head, "__kernel void %s(", launch->name);
        assert_non_null(strstr(duet_plan_source(real), head));
    }
}

static const duet_explained_memory *find_memory(const duet_explanation *plan, duet_memory_kind kind, const char *group)
{
    for (size_t i = 0; i < plan->memory_count; i++)
        if (plan->memories[i].kind == kind && strcmp(plan->memories[i].group, group) == 0) return &plan->memories[i];
    return NULL;
}

/* The last launch that stores `tensor`, and whether a later one reads the memory it lies in. */
static bool is_used_later(const duet_explanation *plan, size_t tensor)
{
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < plan->launch_count; i++)
        if (stores(&plan->launches[i], tensor)) last = i;
    for (size_t i = last == SIZE_MAX ? plan->launch_count : last + 1; i < plan->launch_count; i++)
        for (size_t j = 0; j < plan->launches[i].read_count; j++)
            if (duet_tensors_overlap(&plan->tensors[plan->launches[i].reads[j]], &plan->tensors[tensor])) return true;
    return false;
}

/* Each parameter of an updated group has its gradient stored where it belongs, read by the update, and takes a new
 * value in its own memory. */
static void parameters_learn(const duet_explained_phase *phase)
{
    const duet_explanation *plan = &phase->plan;
    for (size_t i = 0; i < phase->update_count; i++) {
        const char *group = phase->updates[i].group;
        const duet_explained_memory *parameters = find_memory(plan, DUET_MEMORY_PARAMETERS, group),
                                    *gradients = find_memory(plan, DUET_MEMORY_GRADIENTS, group);
        size_t numbers = 0, replaced = 0;
        assert_non_null(parameters);
        assert_non_null(gradients);
        assert_true(phase->updates[i].loss[0] != '\0');
        for (size_t j = 0; j < plan->variable_count; j++) {
            const duet_explained_variable *variable = &plan->variables[j];
            if (&plan->memories[variable->memory] != parameters) continue;
            char name[256];
            snprintf(name, sizeof name, "gradient of %.200s", variable->name);
            size_t gradient = find_tensor(plan, name);
            if (gradient == plan->tensor_count) fail_msg("there is no %s", name);
            assert_ptr_equal(&plan->memories[plan->tensors[gradient].memory], gradients);
            assert_int_equal(plan->tensors[gradient].offset, variable->offset);
            assert_int_equal(plan->tensors[gradient].bytes, variable->bytes);
            assert_true(is_used_later(plan, gradient));
            numbers += duet_shape_elements(variable->shape);
        }
        assert_int_equal(numbers, phase->updates[i].parameters);
        for (size_t j = 0; j < plan->tensor_count; j++)
            replaced += plan->tensors[j].replaces && &plan->memories[plan->tensors[j].memory] == parameters;
        assert_int_equal(replaced, 1);
    }
}

static void a_plan_is_sound(void **state)
{
    step opened;
    step_open(&opened, *state);
    for (size_t i = 0; i < opened.count; i++) {
        launches_are_described(&opened.phases[i].plan, duet_trainer_plan(opened.parts.trainer, i));
        memory_is_not_shared_in_use(&opened.phases[i].plan);
        old_values_are_read_first(&opened.phases[i].plan);
        parameters_learn(&opened.phases[i]);
        assert_int_equal(opened.phases[i].only_counts, opened.phases[i].update_count == 0);
    }
    step_close(&opened);
}

/* A phase that read another one's tensors in the arena would read what was there before. The data and the parameters
 * are the same buffers in all of them. */
static void phases_share_buffers(void **state)
{
    (void)state;
    step opened;
    step_open(&opened, find_case("gan"));
    assert_string_equal(opened.phases[0].name, "discriminator");
    assert_string_equal(opened.phases[1].name, "generator");
    const duet_explained_memory *first = find_memory(&opened.phases[0].plan, DUET_MEMORY_PARAMETERS, "generator"),
                                *second = find_memory(&opened.phases[1].plan, DUET_MEMORY_PARAMETERS, "generator");
    assert_ptr_equal(first->identity, second->identity);
    assert_ptr_equal(opened.phases[0].plan.memories[0].identity, opened.phases[1].plan.memories[0].identity);
    assert_null(find_memory(&opened.phases[0].plan, DUET_MEMORY_GRADIENTS, "generator"));
    step_close(&opened);
}

/* The search for collisions sees one: two tensors in use at the same time are laid over each other. */
static void collisions_are_seen(void **state)
{
    (void)state;
    step opened;
    step_open(&opened, &cases[0]);
    duet_explanation plan = opened.phases[0].plan;
    duet_explained_tensor *tensors = malloc(plan.tensor_count * sizeof *tensors);
    assert_non_null(tensors);
    memcpy(tensors, plan.tensors, plan.tensor_count * sizeof *tensors);
    plan.tensors = tensors;
    assert_int_equal(count_collisions(&plan), 0);
    for (size_t i = 0; i < plan.tensor_count; i++)
        if (is_shared(&plan, i)) tensors[i].offset = 0;
    assert_true(count_collisions(&plan) > 0);
    free(tensors);
    step_close(&opened);
}

/* Four groups of one size: were their updates mixed in a kernel, some could not be written in place, and the new values
 * of a whole group would wait in the arena. */
static void updates_of_equal_groups_are_in_place(void **state)
{
    (void)state;
    static const plan_case row = {"nice", "nice", NULL, TEST_BATCH, {"hidden=96,96", "alpha=0"}, NULL};
    step opened;
    size_t groups = 0;
    uint64_t smallest = UINT64_MAX;
    step_open(&opened, &row);
    const duet_explanation *plan = &opened.phases[0].plan;
    for (size_t i = 0; i < plan->memory_count; i++) {
        const duet_explained_memory *memory = &plan->memories[i];
        if (memory->kind != DUET_MEMORY_PARAMETERS || strstr(memory->group, "coupling") == NULL) continue;
        if (memory->bytes < smallest) smallest = memory->bytes;
        groups++;
    }
    assert_int_equal(groups, 4);
    for (size_t i = 0; i < plan->tensor_count; i++)
        if (is_shared(plan, i) && plan->tensors[i].bytes >= smallest)
            fail_msg("%s takes %llu bytes of the arena", plan->tensors[i].name,
                     (unsigned long long)plan->tensors[i].bytes);
    step_close(&opened);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(phases_share_buffers),
        cmocka_unit_test(collisions_are_seen),
        cmocka_unit_test(updates_of_equal_groups_are_in_place),
    };
    enum { OTHERS = sizeof others / sizeof *others };
    struct CMUnitTest tests[CASES + OTHERS];
    for (size_t i = 0; i < CASES; i++) tests[i] = TEST_ROW(cases[i].name, a_plan_is_sound, &cases[i]);
    memcpy(tests + CASES, others, sizeof others);
    return RUN_TESTS("planner", tests, begin, close_all);
}
