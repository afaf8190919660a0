/* SPDX-License-Identifier: MIT */
/* Steps and tensors while a plan is lowered, and which values share a map kernel: a value joins the kernel that has one
 * of its operands in registers, else the latest kernel of its extent that comes after all it reads. */
#include "plan/lower.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum { SMALL = 4096 }; /* elements of a map whose bytes matter less than its launch */

duet_status duet_lowering_no_memory(duet_lowering *lowering)
{
    lowering->failed = true;
    return duet_fail(lowering->error, DUET_ERROR_MEMORY, "out of memory while planning");
}

int duet_lowering_add_tensor(duet_lowering *lowering, duet_node node, duet_type type, size_t elements, duet_home home)
{
    if (!duet_array_grow(&lowering->tensors, lowering->tensor_count, &lowering->tensor_capacity,
                         sizeof *lowering->tensors)) {
        duet_lowering_no_memory(lowering);
        return DUET_NO_TENSOR;
    }
    duet_tensor *tensor = &lowering->tensors[lowering->tensor_count++];
    tensor->node = node;
    tensor->type = type;
    tensor->elements = elements;
    tensor->home = home;
    tensor->whole = DUET_NO_TENSOR;
    tensor->first = SIZE_MAX;
    if (node != NULL && lowering->tensor_of[node->id] == DUET_NO_TENSOR)
        lowering->tensor_of[node->id] = (int)lowering->tensor_count - 1;
    return (int)lowering->tensor_count - 1;
}

/* The tensor that holds a stored node, made at its first use. */
int duet_lowering_tensor(duet_lowering *lowering, duet_node node)
{
    node = duet_node_in_memory(node);
    if (lowering->tensor_of[node->id] != DUET_NO_TENSOR) return lowering->tensor_of[node->id];
    duet_home home = node->op->kind == DUET_OP_VARIABLE                                  ? DUET_HOME_VARIABLE
                     : node->op->kind == DUET_OP_INPUT || node->op->kind == DUET_OP_PACK ? DUET_HOME_OWN
                                                                                         : DUET_HOME_ARENA;
    int tensor = duet_lowering_add_tensor(lowering, node, node->type, node->elements, home);
    if (tensor != DUET_NO_TENSOR && home == DUET_HOME_VARIABLE)
        lowering->tensors[tensor].variable = (duet_variable *)(uintptr_t)node->attributes.object;
    return tensor;
}

/* Steps. */

duet_step *duet_lowering_add_step(duet_lowering *lowering, duet_step_kind kind)
{
    if (!duet_array_grow(&lowering->steps, lowering->step_count, &lowering->step_capacity, sizeof *lowering->steps)) {
        duet_lowering_no_memory(lowering);
        return NULL;
    }
    duet_step *step = &lowering->steps[lowering->step_count++];
    step->kind = kind;
    step->scratch = DUET_NO_TENSOR;
    return step;
}

bool duet_step_add_read(duet_step *step, int tensor, bool strided)
{
    for (size_t i = 0; i < step->read_count; i++) {
        if (step->reads[i].tensor != tensor) continue;
        step->reads[i].strided |= strided;
        return true;
    }
    if (step->read_count == DUET_STEP_LOADS) return false;
    step->reads[step->read_count++] = (duet_read){tensor, strided};
    return true;
}

bool duet_step_computes(const duet_step *step, duet_node node)
{
    bool by_element =
        step->kind == DUET_STEP_MAP || (step->kind == DUET_STEP_PRODUCT && step->gemm.provider->source != NULL);
    for (size_t i = 0; by_element && i < step->root_count; i++)
        if (step->roots[i].value == node && step->roots[i].counter == NULL) return true;
    return false;
}

/* The first step that may compute the probed value: after the steps of all it loads, or in such a step itself if it
 * uses that step's value element by element. */
size_t duet_lowering_earliest_step(const duet_lowering *lowering)
{
    size_t earliest = 0;
    for (size_t i = 0; i < lowering->probe.load_count; i++) {
        const duet_load *load = &lowering->probe.loads[i];
        if (duet_is_leaf(load->node)) continue;
        size_t ready = lowering->ready_at[load->node->id];
        bool joins =
            !load->strided && ready < lowering->step_count && duet_step_computes(&lowering->steps[ready], load->node);
        size_t after = joins ? ready : ready + 1;
        if (after > earliest) earliest = after;
    }
    return earliest;
}

/* Whether the step has an operand of the probed value in registers. */
static bool computes_operand(const duet_lowering *lowering, const duet_step *step)
{
    for (size_t i = 0; i < lowering->probe.load_count; i++)
        if (duet_step_computes(step, lowering->probe.loads[i].node)) return true;
    return false;
}

/* Whether the step reads or computes one of the probed value's operands of `elements` or more; true if there are none.
 */
static bool has_large_operand(const duet_lowering *lowering, const duet_step *step, size_t elements)
{
    bool is_known = false, is_large = false;
    for (size_t i = 0; i < lowering->probe.load_count && !is_known; i++) {
        const duet_node node = lowering->probe.loads[i].node;
        if (node->elements < elements) continue;
        is_large = true;
        const int tensor = lowering->tensor_of[duet_node_in_memory(node)->id];
        for (size_t j = 0; j < step->read_count; j++) is_known |= step->reads[j].tensor == tensor;
    }
    return is_known || !is_large || computes_operand(lowering, step);
}

/* A map takes values of its extent. Large ones that variables take need an operand in common: others gain nothing and
 * keep each other from being written in place. A product takes as its epilogue only values made of it. */
static bool can_join(const duet_lowering *lowering, const duet_step *step, const duet_root *root)
{
    const size_t elements = root->value->elements;
    bool is_product = step->kind == DUET_STEP_PRODUCT && root->counter == NULL;
    if (step->kind != DUET_STEP_MAP && !(is_product && computes_operand(lowering, step))) return false;
    if (step->level != lowering->levels[root->value->id]) return false; /* or exchanges would wait for each other */
    const bool is_assigned = lowering->assigned[root->value->id] != NULL;
    if (is_assigned && elements > SMALL && !has_large_operand(lowering, step, elements)) return false;
    return step->elements == root->value->elements && step->root_count < DUET_STEP_ROOTS &&
           step->read_count + lowering->probe.load_count + DUET_STEP_ROOTS <= DUET_STEP_LOADS;
}

/* Places the root in the kernel that already has one of its operands, else in the latest that fits or a new map. */
void duet_lowering_place_root(duet_lowering *lowering, duet_root root, size_t earliest)
{
    size_t chosen = lowering->step_count;
    if (earliest < lowering->step_count && can_join(lowering, &lowering->steps[earliest], &root)) chosen = earliest;
    for (size_t i = lowering->step_count; chosen == lowering->step_count && i-- > earliest;) {
        if (!can_join(lowering, &lowering->steps[i], &root)) continue;
        chosen = i;
        break;
    }
    duet_step *step =
        chosen < lowering->step_count ? &lowering->steps[chosen] : duet_lowering_add_step(lowering, DUET_STEP_MAP);
    if (step == NULL) return;
    step->level = lowering->levels[root.value->id];
    step->elements = root.value->elements;
    bool fits = true;
    for (size_t i = 0; i < lowering->probe.load_count; i++) {
        const duet_load *load = &lowering->probe.loads[i];
        fits &= duet_step_add_read(step, duet_lowering_tensor(lowering, load->node), load->strided);
    }
    if (!fits) {
        duet_fail(lowering->error, DUET_ERROR_GRAPH, "%s: \"%s\" reads more than %d tensors in one kernel",
                  root.value->where, root.value->op->name, DUET_STEP_LOADS);
        lowering->failed = true;
    }
    if (step->row_length < lowering->probe.row_length) step->row_length = lowering->probe.row_length;
    step->numbers += lowering->probe.constant_count;
    step->roots[step->root_count++] = root;
    if (root.counter == NULL && root.target == duet_lowering_tensor(lowering, root.value))
        lowering->ready_at[root.value->id] = chosen;
}

/* Copies a value in memory to another tensor. */
void duet_lowering_place_copy(duet_lowering *lowering, duet_node node, int target, size_t earliest)
{
    duet_writer_reset(&lowering->probe);
    node = duet_node_in_memory(node);
    lowering->probe.mark_stored = lowering->stored;
    duet_write_argument(&lowering->probe, node, false);
    size_t ready = duet_is_leaf(node) ? 0 : lowering->ready_at[node->id] + 1;
    duet_lowering_place_root(lowering, (duet_root){.value = node, .target = target},
                             ready > earliest ? ready : earliest);
}
