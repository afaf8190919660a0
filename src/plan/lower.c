/* SPDX-License-Identifier: MIT */
/* Lowering: each value that lies in memory gets a step, in topological order: a place in a map kernel (steps.c), a
 * reduction, a matmul, or a part of a pack. Then steps are put together into launches (bundle.c). */
#include "plan/lower.h"

#include <stdlib.h>
#include <string.h>

static void place_computed(duet_lowering *lowering, duet_node node)
{
    duet_lowering_probe(lowering, node);
    if (lowering->failed) return;
    size_t operands = duet_lowering_earliest_step(lowering),
           readers = duet_lowering_after_readers(lowering, lowering->assigned[node->id]);
    duet_lowering_place_root(lowering, (duet_root){.value = node, .target = duet_lowering_tensor(lowering, node)},
                             operands > readers ? operands : readers);
}

/* The step that adds up the pieces of the reduction of step `index`; NULL if memory is short. */
static duet_step *add_partials(duet_lowering *lowering, size_t index)
{
    const size_t numbers = lowering->steps[index].outputs * lowering->steps[index].pieces;
    int scratch = duet_lowering_add_tensor(lowering, NULL, DUET_FLOAT32, numbers, DUET_HOME_ARENA);
    duet_step *partials = scratch == DUET_NO_TENSOR ? NULL : duet_lowering_add_step(lowering, DUET_STEP_PARTIALS);
    if (partials == NULL) return NULL;
    duet_step *sums = &lowering->steps[index];
    sums->scratch = scratch;
    partials->node = sums->node;
    partials->outputs = sums->outputs;
    partials->length = sums->length;
    partials->pieces = sums->pieces;
    partials->layout = sums->layout;
    duet_step_add_read(partials, scratch, true);
    return partials;
}

static void place_reduce(duet_lowering *lowering, duet_node node)
{
    duet_lowering_probe(lowering, node);
    duet_step *step = lowering->failed ? NULL : duet_lowering_add_step(lowering, DUET_STEP_REDUCE);
    if (step == NULL) return;
    size_t index = lowering->step_count - 1;
    step->node = node;
    duet_reduce_share_out(lowering->device, step);
    for (size_t i = 0; i < lowering->probe.load_count; i++)
        if (!duet_step_add_read(step, duet_lowering_tensor(lowering, lowering->probe.loads[i].node), true)) {
            duet_fail(lowering->error, DUET_ERROR_GRAPH, "%s: \"%s\" reads more than %d tensors in one kernel",
                      node->where, node->op->name, DUET_STEP_LOADS);
            lowering->failed = true;
        }
    step->numbers = lowering->probe.constant_count;
    if (step->pieces > 1) {
        step = add_partials(lowering, index);
        if (step == NULL) return;
    }
    step->roots[step->root_count++] = (duet_root){.value = node, .target = duet_lowering_tensor(lowering, node)};
    lowering->ready_at[node->id] = lowering->step_count - 1;
}

/* Each gradient is written to its place in the pack; one that already lies elsewhere is copied. */
static void place_pack(duet_lowering *lowering, duet_node node)
{
    const duet_storage *storage = node->attributes.object;
    int pack = duet_lowering_tensor(lowering, node);
    size_t input = 0, ready = 0;
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(storage->store, i)) != NULL && !lowering->failed; i++) {
        if (variable->storage != storage || !variable->saved || input == node->input_count) continue;
        duet_node gradient = duet_node_in_memory(node->inputs[input++]);
        int part = duet_lowering_tensor(lowering, gradient);
        if (part == DUET_NO_TENSOR || pack == DUET_NO_TENSOR) return;
        bool is_free = lowering->tensors[part].home == DUET_HOME_ARENA && gradient->type == DUET_FLOAT32;
        if (!is_free) part = duet_lowering_add_tensor(lowering, NULL, DUET_FLOAT32, gradient->elements, DUET_HOME_PART);
        if (part == DUET_NO_TENSOR) return;
        lowering->tensors[part].home = DUET_HOME_PART;
        lowering->tensors[part].whole = pack;
        lowering->tensors[part].part_offset = variable->offset;
        if (!is_free) duet_lowering_place_copy(lowering, gradient, part, 0);
        for (size_t step = 0; step < lowering->step_count; step++)
            for (size_t root = 0; root < lowering->steps[step].root_count; root++)
                if (lowering->steps[step].roots[root].target == part && step > ready) ready = step;
    }
    lowering->ready_at[node->id] = ready;
}

static void place_all(duet_lowering *lowering)
{
    for (size_t id = 0; id < duet_graph_count(lowering->graph) && !lowering->failed; id++) {
        duet_node node = duet_graph_at(lowering->graph, id);
        if (!lowering->needed[id]) continue;
        if (duet_is_row_write(node) && lowering->uses[node->inputs[0]->id] == 0)
            duet_lowering_place_row_write(lowering, node, 0);
        if (!lowering->stored[id]) continue;
        if (duet_node_is_product(node))
            duet_lowering_place_product(lowering, node);
        else if (node->op->kind == DUET_OP_REDUCE)
            place_reduce(lowering, node);
        else if (node->op->kind == DUET_OP_PACK)
            place_pack(lowering, node);
        else if (node->op->kind == DUET_OP_ALL_REDUCE)
            duet_lowering_place_all_reduce(lowering, node);
        else if (lowering->added_to[id] != NULL)
            duet_lowering_place_sum(lowering, node, lowering->added_to[id]);
        else if (duet_is_computed(node))
            place_computed(lowering, node);
    }
}

/* Results that the host reads keep memory of their own: other plans share the arena. */
static void keep_results(duet_lowering *lowering, const duet_node *roots, size_t count)
{
    for (size_t i = 0; i < count && !lowering->failed; i++) {
        if (roots[i]->op->kind == DUET_OP_ASSIGN) continue;
        int tensor = duet_lowering_tensor(lowering, roots[i]);
        if (tensor != DUET_NO_TENSOR && lowering->tensors[tensor].home == DUET_HOME_ARENA)
            lowering->tensors[tensor].home = DUET_HOME_OWN;
    }
}

static void live(duet_lowering *lowering, int tensor, size_t turn)
{
    if (tensor == DUET_NO_TENSOR) return;
    duet_tensor *record = &lowering->tensors[tensor];
    if (record->first > turn) record->first = turn;
    if (record->last < turn) record->last = turn;
}

static void find_lifetimes(duet_lowering *lowering)
{
    for (size_t i = 0; i < lowering->step_count; i++) {
        const duet_step *step = &lowering->steps[i];
        for (size_t j = 0; j < step->read_count; j++) live(lowering, step->reads[j].tensor, step->turn);
        for (size_t j = 0; j < step->root_count; j++) live(lowering, step->roots[j].target, step->turn);
        live(lowering, step->scratch, step->turn);
    }
}

duet_status duet_lower(duet_lowering *lowering, duet_device *device, duet_graph *graph, const duet_node *roots,
                       size_t count, duet_error *error)
{
    size_t nodes = duet_graph_count(graph);
    *lowering = (duet_lowering){.device = device, .graph = graph, .error = error};
    lowering->needed = calloc(nodes, sizeof *lowering->needed);
    lowering->stored = calloc(nodes, sizeof *lowering->stored);
    lowering->uses = calloc(nodes, sizeof *lowering->uses);
    lowering->tensor_of = calloc(nodes, sizeof *lowering->tensor_of);
    lowering->assigned = calloc(nodes, sizeof(duet_variable *));
    lowering->ready_at = calloc(nodes, sizeof *lowering->ready_at);
    lowering->added_to = calloc(nodes, sizeof(duet_node));
    lowering->levels = calloc(nodes, sizeof *lowering->levels);
    if (!lowering->needed || !lowering->stored || !lowering->uses || !lowering->tensor_of || !lowering->ready_at ||
        !lowering->assigned || !lowering->added_to || !lowering->levels)
        return duet_lowering_no_memory(lowering);
    for (size_t i = 0; i < nodes; i++) lowering->tensor_of[i] = DUET_NO_TENSOR;
    for (size_t i = 0; i < count; i++)
        if (roots[i]->op->kind == DUET_OP_ASSIGN)
            lowering->assigned[duet_node_in_memory(roots[i]->inputs[1])->id] =
                (duet_variable *)(uintptr_t)roots[i]->inputs[0]->attributes.object;

    DUET_TRY(duet_check_targets(roots, count, error));
    duet_lowering_find_levels(lowering);
    duet_lowering_materialise(lowering, roots, count);
    DUET_TRY(duet_lowering_check_dealt(lowering, error));
    if (!lowering->failed) place_all(lowering);
    if (!lowering->failed) keep_results(lowering, roots, count);
    if (!lowering->failed) duet_lowering_place_assigns(lowering, roots, count);
    if (!lowering->failed) duet_lowering_drop_products(lowering);
    if (!lowering->failed) DUET_TRY(duet_lowering_bundle(lowering));
    if (!lowering->failed) find_lifetimes(lowering);
    if (!lowering->failed) return DUET_OK;
    return duet_fail(error, DUET_ERROR_GRAPH, "a kernel of the plan is too large to write");
}

void duet_lowering_free(duet_lowering *lowering)
{
    for (size_t i = 0; i < lowering->tensor_count; i++)
        if (lowering->tensors[i].home == DUET_HOME_OWN) duet_buffer_free(&lowering->tensors[i].buffer);
    free(lowering->needed);
    free(lowering->stored);
    free(lowering->uses);
    free(lowering->tensor_of);
    free(lowering->assigned);
    free(lowering->added_to);
    free(lowering->levels);
    free(lowering->ready_at);
    free(lowering->tensors);
    free(lowering->steps);
    duet_writer_free(&lowering->probe);
    *lowering = (duet_lowering){0};
}
