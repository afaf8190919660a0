/* SPDX-License-Identifier: MIT */
/* Sums over ranks as steps of a plan. All whose operands are made of equally many sums before them go in one exchange,
 * as late as other work can do without: the order follows from the graph alone, so that it is the same on every rank,
 * whatever its device and its share of the batch. */
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "graph/deal.h"
#include "plan/lower.h"

void duet_lowering_find_levels(duet_lowering *lowering)
{
    for (size_t id = 0; id < duet_graph_count(lowering->graph); id++) {
        duet_node node = duet_graph_at(lowering->graph, id);
        size_t *level = &lowering->levels[id];
        for (size_t i = 0; i < node->input_count; i++)
            if (*level < lowering->levels[node->inputs[i]->id]) *level = lowering->levels[node->inputs[i]->id];
        *level += node->op->kind == DUET_OP_ALL_REDUCE;
    }
}

duet_status duet_lowering_check_dealt(const duet_lowering *lowering, duet_error *error)
{
    for (size_t id = 0; id < duet_graph_count(lowering->graph); id++) {
        duet_node node = duet_graph_at(lowering->graph, id);
        if (!lowering->needed[id]) continue;
        if (duet_is_dealt_badly(node))
            return duet_fail(error, DUET_ERROR_GRAPH,
                             "%s: \"%s\" needs rows of the batch that other ranks have: this cannot be dealt out to "
                             "ranks; train it as one process",
                             node->where, node->op->name);
        if (node->op->kind == DUET_OP_ASSIGN && (duet_is_dealt(node) || node->is_ranked))
            return duet_fail(error, DUET_ERROR_GRAPH,
                             "%s: a state would take another value on each rank, of the rows of the batch that it has",
                             node->where);
    }
    return DUET_OK;
}

void duet_lowering_place_all_reduce(duet_lowering *lowering, duet_node node)
{
    duet_node operand = duet_node_in_memory(node->inputs[0]);
    int tensor = duet_lowering_tensor(lowering, operand);
    const bool is_alone = lowering->uses[operand->id] == 1; /* nothing else reads what this rank has */
    int target = is_alone ? tensor : duet_lowering_tensor(lowering, node);
    duet_step *step = tensor == DUET_NO_TENSOR || target == DUET_NO_TENSOR ? NULL : duet_lowering_add_step(lowering, DUET_STEP_ALL_REDUCE);
    if (step == NULL) return;
    step->node = node;
    step->level = lowering->levels[operand->id];
    step->elements = node->elements;
    duet_step_add_read(step, tensor, true);
    lowering->tensor_of[node->id] = target;
    step->roots[step->root_count++] = (duet_root){.value = node, .target = target};
    lowering->ready_at[node->id] = lowering->step_count - 1;
}

/** What a launch exchanges, through memory of the host behind it. */
typedef struct exchange {
    duet_ranks *ranks;
    size_t count, elements; /* parts; of all together */
    struct exchange_part {
        duet_place from, to;
        size_t elements;
    } parts[];
} exchange;

static float *values_of(const exchange *it)
{
    return (float *)(uintptr_t)(it->parts + it->count);
}

static duet_status run(duet_device *device, const void *arguments, cl_event *event, duet_error *error)
{
    const exchange *it = arguments;
    float *values = values_of(it), *at = values;
    for (size_t i = 0; i < it->count; at += it->parts[i++].elements)
        DUET_TRY(duet_buffer_fetch(device, it->parts[i].from.buffer, it->parts[i].from.offset * sizeof *at, at,
                                   it->parts[i].elements * sizeof *at, i + 1 == it->count, error));
    DUET_TRY(duet_ranks_sum(it->ranks, values, it->elements, error));
    at = values;
    for (size_t i = 0; i < it->count; at += it->parts[i++].elements)
        DUET_TRY(duet_buffer_send(device, it->parts[i].to.buffer, it->parts[i].to.offset * sizeof *at, at,
                                  it->parts[i].elements * sizeof *at, i + 1 == it->count ? event : NULL, error));
    return DUET_OK;
}

duet_status duet_all_reduce_launch(duet_launch_list *list, duet_ranks *ranks, const duet_place *from,
                                   const duet_place *to, const size_t *elements, size_t count, duet_error *error)
{
    size_t parts, values = 0, bytes;
    for (size_t i = 0; i < count; i++) values += elements[i];
    bool fits = duet_size_multiply(count, sizeof(struct exchange_part), &parts) &&
                duet_size_multiply(values, sizeof(float), &bytes) &&
                duet_size_add(bytes, parts + sizeof(exchange), &bytes);
    exchange *it = fits ? malloc(bytes) : NULL;
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the sums of %zu numbers", values);
    it->ranks = ranks;
    it->count = count;
    it->elements = values;
    for (size_t i = 0; i < count; i++)
        it->parts[i] = (struct exchange_part){from[i], to[i], elements[i]};
    duet_launch launch = {.call = {run, it}, .bytes = 2.0 * (double)values * sizeof(float)};
    snprintf(launch.name, sizeof launch.name, "all_reduce of %zu value%s", count, count == 1 ? "" : "s");
    return duet_launch_append(list, &launch, error);
}
