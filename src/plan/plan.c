/* SPDX-License-Identifier: MIT */
/* Plans: lowered, placed in memory, their kernels built as few programs, their launches made once. A replay enqueues a
 * flat list and does nothing else. */
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/size.h"
#include "graph/deal.h"
#include "plan/exchange.h"
#include "plan/explain.h"
#include "plan/programs.h"
#include "plan/state.h"

static void free_texts(duet_plan *plan)
{
    for (size_t i = 0; i < plan->text_count; i++) free(plan->texts[i].arguments);
    free(plan->texts);
    plan->texts = NULL;
    plan->text_count = 0;
}

static void release_set(plan_set *set)
{
    if (set == NULL || --set->users > 0) return;
    for (size_t i = 0; i < set->slab_count && set->slabs != NULL; i++) duet_buffer_free(&set->slabs[i]);
    duet_programs_free(&set->programs);
    free(set->slabs);
    free(set->slab_bytes);
    free(set);
}

void duet_plan_free(duet_plan **plan)
{
    if (plan == NULL || *plan == NULL) return;
    duet_error ignored = {0};
    duet_device_finish((*plan)->device, &ignored);
    duet_launch_list_clear(&(*plan)->launches);
    free_texts(*plan);
    duet_lowering_free(&(*plan)->lowering);
    release_set((*plan)->set);
    free((*plan)->name);
    free(*plan);
    *plan = NULL;
}

static duet_plan *plan_allocate(plan_set *set, duet_device *device, const char *name)
{
    duet_plan *plan = calloc(1, sizeof *plan);
    char *copy = strdup(name == NULL ? "plan" : name);
    if (plan == NULL || copy == NULL) {
        free(plan);
        free(copy);
        return NULL;
    }
    plan->set = set;
    plan->device = device;
    plan->name = copy;
    set->users++;
    return plan;
}

static duet_status lower(duet_plan *plan, const duet_node *roots, size_t count, duet_error *error)
{
    duet_graph *graph = NULL;
    for (size_t i = 0; i < count; i++) {
        if (roots[i] == NULL) return duet_fail(error, DUET_ERROR_GRAPH, "plan \"%s\": a root is NULL", plan->name);
        if (graph == NULL) graph = duet_node_graph(roots[i]);
        if (duet_node_graph(roots[i]) != graph)
            return duet_fail(error, DUET_ERROR_GRAPH, "plan \"%s\": its roots belong to two graphs", plan->name);
    }
    if (graph == NULL) return duet_fail(error, DUET_ERROR_GRAPH, "plan \"%s\" has no roots", plan->name);
    DUET_TRY(duet_graph_check(graph, error));
    for (size_t i = 0; i < count; i++)
        if (duet_node_is_broken(roots[i]))
            return duet_fail(error, DUET_ERROR_GRAPH, "plan \"%s\": root %zu could not be built", plan->name, i + 1);
    DUET_TRY(duet_lower(&plan->lowering, plan->device, graph, roots, count, error));
    if (!duet_device_is_checking(plan->device)) return DUET_OK;
    for (size_t i = 0; i < plan->lowering.tensor_count; i++)
        if (plan->lowering.tensors[i].home == DUET_HOME_ARENA) plan->lowering.tensors[i].home = DUET_HOME_OWN;
    return DUET_OK;
}

static bool is_input(const duet_tensor *tensor)
{
    return tensor->node != NULL && tensor->node->op->kind == DUET_OP_INPUT;
}

/* Allocates the plan's own tensors and the variables it touches; values from fill functions may still be missing. */
static duet_status allocate_tensors(duet_plan *plan, duet_error *error)
{
    for (size_t i = 0; i < plan->lowering.tensor_count; i++) {
        duet_tensor *tensor = &plan->lowering.tensors[i];
        if (tensor->home == DUET_HOME_OWN)
            DUET_TRY(duet_buffer_new(plan->device, tensor->elements * duet_type_size(tensor->type), true,
                                     &tensor->buffer, error));
        plan->awaited += is_input(tensor);
        if (tensor->home == DUET_HOME_VARIABLE)
            DUET_TRY(duet_storage_begin(tensor->variable->storage, plan->device, error));
    }
    return DUET_OK;
}

/* Values from files come last, so that files can be read while all else is made ready. */
static duet_status fill_variables(duet_plan *plan, duet_error *error)
{
    for (size_t i = 0; i < plan->lowering.tensor_count; i++) {
        const duet_tensor *tensor = &plan->lowering.tensors[i];
        if (tensor->home == DUET_HOME_VARIABLE)
            DUET_TRY(duet_storage_ensure(tensor->variable->storage, plan->device, error));
    }
    return DUET_OK;
}

static duet_status allocate_arena(plan_set *set, duet_device *device, duet_error *error)
{
    set->slabs = calloc(set->slab_count + 1, sizeof *set->slabs);
    if (set->slabs == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while planning");
    for (size_t i = 0; i < set->slab_count; i++)
        DUET_TRY(duet_buffer_new(device, set->slab_bytes[i], false, &set->slabs[i], error));
    return DUET_OK;
}

duet_place duet_plan_place(const duet_plan *plan, int index)
{
    const duet_tensor *tensor = &plan->lowering.tensors[index];
    size_t size = duet_type_size(tensor->type);
    switch (tensor->home) {
    case DUET_HOME_ARENA: return (duet_place){plan->set->slabs[tensor->slab], tensor->offset / size};
    case DUET_HOME_OWN: return (duet_place){tensor->buffer, 0};
    case DUET_HOME_VARIABLE: return (duet_place){tensor->variable->storage->buffer, tensor->variable->offset};
    case DUET_HOME_PART: break;
    }
    duet_place whole = duet_plan_place(plan, tensor->whole);
    return (duet_place){whole.buffer, whole.offset + tensor->part_offset};
}

/* Writes the kernels of one turn, steps `first` to `end` - 1. A product without an epilogue has arguments that the
 * provider sets, not the plan. */
static duet_status write_turn(duet_plan *plan, size_t first, size_t end, duet_error *error)
{
    duet_lowering *lowering = &plan->lowering;
    const duet_step *step = &lowering->steps[first];
    bool is_product = step->kind == DUET_STEP_PRODUCT;
    duet_gemm_source source = {.options = ""};
    size_t table = 0;
    if (step->kind == DUET_STEP_ALL_REDUCE) return DUET_OK;
    if (is_product && step->gemm.provider->source == NULL) return DUET_OK;
    if (is_product) step->gemm.provider->source(plan->device, &step->shape, &step->gemm.parameters, &source);
    duet_kernel_table *kernels = duet_programs_table(&plan->set->programs, source.options, &table, error);
    if (kernels == NULL) return DUET_ERROR_MEMORY;
    if (is_product) DUET_TRY(duet_kernel_add_product(kernels, &source, step->root_count > 1, error));
    if (is_product && step->root_count == 1) return DUET_OK;
    duet_kernel_text *text = &plan->texts[plan->text_count++];
    duet_status status = is_product        ? duet_kernel_write_product(lowering, first, &source, kernels, text, error)
                         : end - first > 1 ? duet_kernel_write_bundle(lowering, first, end, kernels, text, error)
                                           : duet_kernel_write(lowering, first, kernels, text, error);
    text->table = table;
    return status;
}

static duet_status write_texts(duet_plan *plan, duet_error *error)
{
    const duet_lowering *lowering = &plan->lowering;
    plan->texts = calloc(lowering->step_count + 1, sizeof *plan->texts);
    if (plan->texts == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while planning");
    for (size_t first = 0, end; first < lowering->step_count; first = end) {
        end = duet_lowering_turn_end(lowering, first);
        DUET_TRY(write_turn(plan, first, end, error));
    }
    return DUET_OK;
}

/* Sets the arguments from number `index` on. */
static duet_status set_arguments(const duet_plan *plan, const duet_kernel_text *text, cl_kernel kernel, cl_uint index,
                                 duet_error *error)
{
    for (size_t i = 0; i < text->size_count; i++) {
        cl_uint size = text->sizes[i];
        DUET_TRY(duet_kernel_set(kernel, index++, sizeof size, &size, error));
    }
    for (size_t i = 0; i < text->argument_count; i++) {
        const duet_kernel_argument *argument = &text->arguments[i];
        if (argument->tensor == DUET_NO_TENSOR) {
            DUET_TRY(duet_kernel_set(kernel, index++, sizeof argument->number, &argument->number, error));
            continue;
        }
        duet_place place = duet_plan_place(plan, argument->tensor);
        cl_ulong offset = place.offset;
        DUET_TRY(duet_kernel_set(kernel, index++, sizeof place.buffer, &place.buffer, error));
        DUET_TRY(duet_kernel_set(kernel, index++, sizeof offset, &offset, error));
    }
    return DUET_OK;
}

static const char *kernel_name(const duet_plan *plan, const duet_kernel_text *text)
{
    return plan->set->programs.items[text->table].kernels.items[text->kernel].name;
}

static duet_status add_kernel(duet_plan *plan, const duet_kernel_text *text, duet_error *error)
{
    const char *name = kernel_name(plan, text);
    duet_launch launch = {.dimensions = text->rows > 0 ? 2 : 1,
                          .global = {duet_size_round_up(text->work_items, text->local), text->rows},
                          .local = {text->local, text->local_rows},
                          .flops = text->flops,
                          .bytes = text->bytes};
    snprintf(launch.name, sizeof launch.name, "%s", name);
    snprintf(launch.function, sizeof launch.function, "%s", name);
    DUET_TRY(duet_kernel_new(plan->set->programs.items[text->table].program, name, &launch.kernel, error));
    cl_kernel kernel = launch.kernel; /* the list owns it from here on */
    DUET_TRY(duet_launch_append(&plan->launches, &launch, error));
    return set_arguments(plan, text, kernel, 0, error);
}

/* Adds a product. With an epilogue (`text`, else NULL) it is an instance of the provider's kernel. */
static duet_status add_product(duet_plan *plan, const duet_step *step, const duet_kernel_text *text, duet_error *error)
{
    const duet_gemm_provider *provider = step->gemm.provider;
    int stored = step->roots[step->roots[0].target == DUET_NO_TENSOR ? 1 : 0].target;
    duet_gemm_product product = {
        .shape = step->shape,
        .parameters = step->gemm.parameters,
        .a = duet_plan_place(plan, step->a),
        .b = duet_plan_place(plan, step->b),
        .c = duet_plan_place(plan, stored),
        .workspace = step->scratch == DUET_NO_TENSOR ? (duet_place){0} : duet_plan_place(plan, step->scratch),
        .low = step->low == DUET_NO_TENSOR ? (duet_place){0} : duet_plan_place(plan, step->low),
        .high = step->high == DUET_NO_TENSOR ? (duet_place){0} : duet_plan_place(plan, step->high),
        .low_numbers = step->low_numbers,
        .high_numbers = step->high_numbers,
        .adds = step->adds,
        .kernel = text == NULL ? NULL : kernel_name(plan, text),
    };
    if (provider->source != NULL) {
        duet_gemm_source source;
        provider->source(plan->device, &step->shape, &step->gemm.parameters, &source);
        product.program = duet_programs_find(&plan->set->programs, source.options);
    }
    cl_uint arguments = 0;
    DUET_TRY(provider->lower(plan->device, &product, &plan->launches, &arguments, error));
    if (text == NULL) return DUET_OK;
    duet_launch *launch = &plan->launches.items[plan->launches.count - 1];
    size_t length = strlen(launch->name);
    for (size_t i = 1; i < step->root_count; i++, length = strlen(launch->name))
        snprintf(launch->name + length, sizeof launch->name - length, i == 1 ? ", %s" : " %s",
                 step->roots[i].value->op->name);
    launch->flops += text->flops;
    launch->bytes += text->bytes;
    return set_arguments(plan, text, launch->kernel, arguments, error);
}

/* An exchange for all sums over ranks of the turn that begins with step `first`. */
static duet_status make_exchange(const duet_plan *plan, size_t first, duet_exchange **made, duet_error *error)
{
    duet_exchange_piece *pieces = NULL;
    size_t count = 0;
    duet_status status = duet_lowering_pieces(&plan->lowering, first, duet_lowering_turn_end(&plan->lowering, first),
                                              &pieces, &count, error);
    duet_place *from = calloc(2 * count + 1, sizeof *from), *to = from + count;
    if (from == NULL && status == DUET_OK)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory while planning");
    for (size_t i = 0; i < count && status == DUET_OK; i++) {
        from[i] = duet_plan_place(plan, pieces[i].from);
        to[i] = duet_plan_place(plan, pieces[i].to);
        from[i].offset += pieces[i].first;
        to[i].offset += pieces[i].first;
    }
    if (status == DUET_OK)
        status = duet_exchange_new(made, plan->device, duet_graph_dealer(plan->lowering.graph)->ranks, pieces, from, to,
                                   count, error);
    free(from);
    free(pieces);
    return status;
}

/* All exchanges of the plan, by step; NULL where none begins. */
static duet_status make_exchanges(const duet_plan *plan, duet_exchange **exchanges, duet_error *error)
{
    for (size_t i = 0; i < plan->lowering.step_count; i = duet_lowering_turn_end(&plan->lowering, i))
        if (plan->lowering.steps[i].kind == DUET_STEP_ALL_REDUCE)
            DUET_TRY(make_exchange(plan, i, &exchanges[i], error));
    return DUET_OK;
}

/* What later exchanges need and that turn has computed. */
static duet_status add_fetches(duet_plan *plan, duet_exchange *const *exchanges, size_t after, size_t turn,
                               duet_error *error)
{
    for (size_t i = after; i < plan->lowering.step_count; i++)
        if (exchanges[i] != NULL)
            DUET_TRY(duet_exchange_append_fetches(exchanges[i], turn, i, &plan->launches, error));
    return DUET_OK;
}

/* The launches of the turn that begins with step `first`. */
static duet_status add_turn(duet_plan *plan, size_t first, duet_exchange **exchanges, const duet_kernel_text *text,
                            duet_error *error)
{
    const duet_step *step = &plan->lowering.steps[first];
    duet_exchange *exchange = exchanges[first];
    if (step->kind == DUET_STEP_PRODUCT) return add_product(plan, step, text, error);
    if (exchange == NULL) return text != NULL ? add_kernel(plan, text, error) : DUET_OK;
    exchanges[first] = NULL;
    return duet_exchange_append(exchange, &plan->launches, error);
}

static duet_status add_turns(duet_plan *plan, duet_exchange **exchanges, duet_error *error)
{
    size_t next = 0, made = 0;
    for (size_t i = 0, end; i < plan->lowering.step_count; i = end) {
        const duet_kernel_text *text =
            next < plan->text_count && plan->texts[next].step == i ? &plan->texts[next++] : NULL;
        end = duet_lowering_turn_end(&plan->lowering, i);
        DUET_TRY(add_turn(plan, i, exchanges, text, error));
        for (; made < plan->launches.count; made++) plan->launches.items[made].step = i;
        DUET_TRY(add_fetches(plan, exchanges, end, plan->lowering.steps[i].turn, error));
        made = plan->launches.count; /* fetches belong to the steps of their sums */
    }
    return DUET_OK;
}

static duet_status make_launches(duet_plan *plan, duet_error *error)
{
    duet_exchange **exchanges = calloc(plan->lowering.step_count + 1, sizeof(duet_exchange *));
    duet_status status = exchanges == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory while planning")
                                           : make_exchanges(plan, exchanges, error);
    if (status == DUET_OK) status = add_turns(plan, exchanges, error);
    for (size_t i = 0; exchanges != NULL && i < plan->lowering.step_count; i++)
        if (exchanges[i] != NULL) duet_exchange_free(&exchanges[i]);
    free(exchanges);
    free_texts(plan);
    return status;
}

static duet_status make_all(plan_set *set, duet_plan **plans, size_t count, duet_device *device,
                            const duet_node *const *roots, const size_t *counts, duet_error *error)
{
    size_t limit = (size_t)duet_device_describe(device)->allocation_bytes;
    for (size_t i = 0; i < count; i++) {
        DUET_TRY(lower(plans[i], roots[i], counts[i], error));
        DUET_TRY(duet_place_tensors(&plans[i]->lowering, limit, &set->slab_bytes, &set->slab_count, error));
        DUET_TRY(write_texts(plans[i], error));
    }
    DUET_TRY(duet_programs_build(&set->programs, device, plans[0]->name, error));
    DUET_TRY(allocate_arena(set, device, error));
    for (size_t i = 0; i < count; i++) {
        DUET_TRY(allocate_tensors(plans[i], error));
        DUET_TRY(make_launches(plans[i], error));
    }
    for (size_t i = 0; i < count; i++) DUET_TRY(fill_variables(plans[i], error));
    return DUET_OK;
}

duet_status duet_plan_new_many(duet_plan **plans, size_t plan_count, duet_device *device, const char *const *names,
                               const duet_node *const *roots, const size_t *counts, duet_error *error)
{
    for (size_t i = 0; i < plan_count; i++) plans[i] = NULL;
    plan_set *set = calloc(1, sizeof *set);
    if (set == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while planning");
    set->users = 1;
    duet_status status = DUET_OK;
    for (size_t i = 0; i < plan_count && status == DUET_OK; i++) {
        plans[i] = plan_allocate(set, device, names[i]);
        if (plans[i] == NULL) status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory while planning");
    }
    if (status == DUET_OK && plan_count > 0) status = make_all(set, plans, plan_count, device, roots, counts, error);
    if (status != DUET_OK)
        for (size_t i = 0; i < plan_count; i++) duet_plan_free(&plans[i]);
    release_set(set);
    return status;
}

duet_status duet_plan_new(duet_plan **plan, duet_device *device, const char *name, const duet_node *roots, size_t count,
                          duet_error *error)
{
    return duet_plan_new_many(plan, 1, device, &name, &roots, &count, error);
}

/* Names the first input that nobody has filled. */
static duet_status refuse_empty(const duet_plan *plan, duet_error *error)
{
    const duet_tensor *tensor = plan->lowering.tensors;
    while (!is_input(tensor) || tensor->given) tensor++;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "plan \"%s\" reads the input \"%s\", which duet_plan_write has not filled yet", plan->name,
                     (const char *)tensor->node->attributes.object);
}

duet_status duet_plan_enqueue(duet_plan *plan, cl_event *last, duet_error *error)
{
    if (plan->awaited > 0) return refuse_empty(plan, error);
    const duet_status status = duet_launch_replay(plan->device, &plan->launches, last, error);
    plan->replayed = status == DUET_OK;
    return status;
}

duet_status duet_plan_replay(duet_plan *plan, duet_error *error)
{
    return duet_plan_enqueue(plan, NULL, error);
}

size_t duet_plan_launches(const duet_plan *plan)
{
    return plan->launches.count;
}

size_t duet_plan_arena_bytes(const duet_plan *plan)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->set->slab_count; i++) bytes += plan->set->slab_bytes[i];
    return bytes;
}

const char *duet_plan_source(const duet_plan *plan)
{
    return plan->set->programs.source == NULL ? "" : plan->set->programs.source;
}

uint64_t duet_plan_exchanges(const duet_plan *plan)
{
    uint64_t sum = DUET_CHECKSUM_BEGIN;
    for (size_t i = 0; i < plan->lowering.step_count; i++) {
        const duet_step *step = &plan->lowering.steps[i];
        if (step->kind != DUET_STEP_ALL_REDUCE) continue;
        const uint64_t told[] = {step->level, step->elements};
        sum = duet_checksum_add(sum, told, sizeof told);
    }
    return sum;
}

duet_plan_parts duet_plan_open(const duet_plan *plan)
{
    return (duet_plan_parts){.name = plan->name,
                             .lowering = &plan->lowering,
                             .launches = &plan->launches,
                             .slab_bytes = plan->set->slab_bytes,
                             .slab_count = plan->set->slab_count};
}
