/* SPDX-License-Identifier: MIT */
/* Assignments take effect after all reads of a plan. Where nothing later needs the old value the kernel that computes
 * the new one writes it in place; else a copy at the end does. */
#include "plan/lower.h"

static bool overlaps(const duet_lowering *lowering, int tensor, const duet_variable *variable)
{
    const duet_tensor *other = &lowering->tensors[tensor];
    if (other->home != DUET_HOME_VARIABLE || other->variable->storage != variable->storage) return false;
    return other->variable->offset < variable->offset + variable->elements &&
           variable->offset < other->variable->offset + other->variable->elements;
}

/* The last step that reads the variable's old value, or -1. */
static long last_reader(const duet_lowering *lowering, const duet_variable *variable)
{
    for (long i = (long)lowering->step_count - 1; i >= 0; i--)
        for (size_t j = 0; j < lowering->steps[i].read_count; j++)
            if (overlaps(lowering, lowering->steps[i].reads[j].tensor, variable)) return i;
    return -1;
}

/* A value that a variable takes is best computed after the old one was last read: then it is written in place. */
size_t duet_lowering_after_readers(const duet_lowering *lowering, const duet_variable *variable)
{
    long last = variable == NULL ? -1 : last_reader(lowering, variable);
    if (last < 0) return 0;
    const duet_step *step = &lowering->steps[last];
    for (size_t i = 0; i < step->read_count; i++)
        if (step->kind != DUET_STEP_MAP ||
            (step->reads[i].strided && overlaps(lowering, step->reads[i].tensor, variable)))
            return (size_t)last + 1;
    return (size_t)last;
}

/* Refuses two assignments to the same memory: one of them would have no effect. */
duet_status duet_check_targets(const duet_node *roots, size_t count, duet_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (roots[i]->op->kind != DUET_OP_ASSIGN) continue;
        const duet_variable *a = roots[i]->inputs[0]->attributes.object;
        for (size_t j = 0; j < i; j++) {
            const duet_variable *b =
                roots[j]->op->kind == DUET_OP_ASSIGN ? roots[j]->inputs[0]->attributes.object : NULL;
            if (b == NULL || roots[j] == roots[i] || b->storage != a->storage) continue;
            if (b->offset < a->offset + a->elements && a->offset < b->offset + b->elements)
                return duet_fail(error, DUET_ERROR_GRAPH, "%s: \"%s\" is assigned to in the same plan as \"%s\" at %s",
                                 roots[i]->where, a->name, b->name, roots[j]->where);
        }
    }
    return DUET_OK;
}

/* Whether step `writer` may write the variable directly: no later step needs the old value, and that step itself reads
 * it only element by element. */
static bool can_write_in_place(const duet_lowering *lowering, size_t writer, const duet_variable *variable)
{
    if (last_reader(lowering, variable) > (long)writer) return false;
    const duet_step *step = &lowering->steps[writer];
    for (size_t j = 0; j < step->read_count; j++) {
        int tensor = step->reads[j].tensor;
        if (!overlaps(lowering, tensor, variable)) continue;
        const duet_variable *read = lowering->tensors[tensor].variable;
        if (step->reads[j].strided || read->offset != variable->offset || read->elements != variable->elements)
            return false;
    }
    return true;
}

void duet_lowering_place_row_write(duet_lowering *lowering, duet_node assign, size_t earliest)
{
    duet_node with_row = assign->inputs[1], counter = with_row->inputs[1], row = with_row->inputs[2];
    duet_node value = duet_node_in_memory(row);
    int target = duet_lowering_tensor(lowering, assign->inputs[0]);
    if (duet_is_leaf(value) || lowering->stored[value->id]) {
        duet_writer_reset(&lowering->probe);
        duet_write_argument(&lowering->probe, value, false);
    } else
        duet_lowering_probe(lowering, value);
    duet_write_argument(&lowering->probe, counter, true);
    size_t rows = assign->elements / row->elements;
    size_t operands = duet_lowering_earliest_step(lowering);
    duet_lowering_place_root(lowering, (duet_root){.value = value, .target = target, .counter = counter, .rows = rows},
                             operands > earliest ? operands : earliest);
}

static void place_assign(duet_lowering *lowering, duet_node assign)
{
    duet_node value = duet_node_in_memory(assign->inputs[1]);
    int target = duet_lowering_tensor(lowering, assign->inputs[0]);
    if (target == DUET_NO_TENSOR || lowering->failed) return;
    int source = duet_lowering_tensor(lowering, value);
    if (source == DUET_NO_TENSOR) return;
    size_t writer = duet_is_leaf(value) ? 0 : lowering->ready_at[value->id];
    bool in_place = !duet_is_leaf(value) && lowering->tensors[source].home == DUET_HOME_ARENA &&
                    lowering->steps[writer].kind == DUET_STEP_MAP &&
                    duet_step_computes(&lowering->steps[writer], value) &&
                    can_write_in_place(lowering, writer, lowering->tensors[target].variable);
    if (in_place) {
        lowering->tensors[source].home = DUET_HOME_VARIABLE;
        lowering->tensors[source].variable = lowering->tensors[target].variable;
        lowering->tensors[source].written = true;
    }
}

/* Copies come last, when every in-place decision is made. */
static void copy_assign(duet_lowering *lowering, duet_node assign, size_t earliest)
{
    duet_node value = duet_node_in_memory(assign->inputs[1]);
    int target = duet_lowering_tensor(lowering, assign->inputs[0]), source = duet_lowering_tensor(lowering, value);
    if (target == DUET_NO_TENSOR || source == DUET_NO_TENSOR) return;
    const duet_tensor *from = &lowering->tensors[source], *to = &lowering->tensors[target];
    if (from->written && from->variable == to->variable) return;
    duet_lowering_place_copy(lowering, value, target, earliest);
}

void duet_lowering_place_assigns(duet_lowering *lowering, const duet_node *roots, size_t count)
{
    for (size_t i = 0; i < count && !lowering->failed; i++) /* table rows are written after the plan's reads */
        if (duet_is_row_write(roots[i]) && lowering->uses[roots[i]->inputs[0]->id] > 0)
            duet_lowering_place_row_write(lowering, roots[i], lowering->step_count);
    for (size_t i = 0; i < count; i++)
        if (roots[i]->op->kind == DUET_OP_ASSIGN && !duet_is_row_write(roots[i])) place_assign(lowering, roots[i]);
    size_t end = lowering->step_count;
    for (size_t i = 0; i < count && !lowering->failed; i++)
        if (roots[i]->op->kind == DUET_OP_ASSIGN && !duet_is_row_write(roots[i])) copy_assign(lowering, roots[i], end);
}
