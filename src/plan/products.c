/* SPDX-License-Identifier: MIT */
/* Matrix products in a plan: where they are computed, which values form their epilogues, and whether the product itself
 * is ever stored. */
#include "op/op.h"
#include "plan/lower.h"

#include <string.h>

/* Whether the node is these numbers along one axis of a matrix, the same all along the other. */
static bool is_spread(duet_node node, duet_node numbers, size_t axis)
{
    if (node->op == &duet_op_broadcast) node = node->inputs[0];
    return node->shape.rank == 2 && node->shape.dims[1 - axis] == 1 &&
           duet_node_in_memory(node) == duet_node_in_memory(numbers);
}

/* The axis of op(B)'s matrix, as it is stored, that has this extent. */
static size_t axis_of(const duet_gemm_shape *shape, duet_gemm_extent extent)
{
    return (extent == DUET_GEMM_N) != shape->transpose_b ? 1 : 0;
}

/* The second operand of a masked product, whose mask its provider sees to: what was multiplied by the mask, if that
 * lies in memory. */
static duet_node without_mask(duet_node node, const duet_gemm_shape *shape)
{
    duet_node masked = node->inputs[1];
    for (size_t i = 0; masked->op == &duet_op_multiply && i < 2; i++) {
        duet_node mask = masked->inputs[i], weights = masked->inputs[1 - i];
        if (mask->op == &duet_op_less_equal && duet_is_leaf(duet_node_in_memory(weights)) &&
            is_spread(mask->inputs[0], node->inputs[2], axis_of(shape, shape->low)) &&
            is_spread(mask->inputs[1], node->inputs[3], axis_of(shape, shape->high)))
            return weights;
    }
    return masked;
}

duet_node duet_lowering_operand(const duet_lowering *lowering, duet_node node, size_t index)
{
    duet_gemm_shape shape = {.low = DUET_GEMM_NO_EXTENT};
    if (duet_node_is_product(node) && index == 1) node->op->product(node, &shape);
    if (shape.low == DUET_GEMM_NO_EXTENT) return node->inputs[index];
    const duet_gemm_provider *provider = duet_gemm_choose(lowering->device, &shape).provider;
    return provider->masks != NULL && provider->masks(&shape) ? without_mask(node, &shape) : node->inputs[1];
}

/* A masked product reads its mask's numbers where its provider makes use of them; elsewhere it is one like others. */
static void place_mask(duet_lowering *lowering, duet_step *step)
{
    const duet_gemm_provider *provider = step->gemm.provider;
    step->low = step->high = DUET_NO_TENSOR;
    if (step->shape.low == DUET_GEMM_NO_EXTENT) return;
    if (provider->skips == NULL || !provider->skips(&step->shape)) {
        step->shape.low = step->shape.high = DUET_GEMM_NO_EXTENT;
        return;
    }
    step->low = duet_lowering_tensor(lowering, step->node->inputs[2]);
    step->high = duet_lowering_tensor(lowering, step->node->inputs[3]);
    step->low_numbers = duet_constant_numbers(step->node->inputs[2]);
    step->high_numbers = duet_constant_numbers(step->node->inputs[3]);
    duet_step_add_read(step, step->low, true);
    duet_step_add_read(step, step->high, true);
}

void duet_lowering_place_product(duet_lowering *lowering, duet_node node)
{
    duet_step *step = duet_lowering_add_step(lowering, DUET_STEP_PRODUCT);
    if (step == NULL) return;
    size_t index = lowering->step_count - 1;
    step->node = node;
    step->level = lowering->levels[node->id];
    step->elements = node->elements;
    node->op->product(node, &step->shape);
    step->gemm = duet_gemm_choose(lowering->device, &step->shape);
    step->a = duet_lowering_tensor(lowering, node->inputs[0]);
    step->b = duet_lowering_tensor(lowering, duet_lowering_operand(lowering, node, 1));
    duet_step_add_read(step, step->a, true);
    duet_step_add_read(step, step->b, true);
    place_mask(lowering, step);
    step->adds = lowering->added_to[node->id] != NULL;
    if (step->adds) {
        lowering->tensor_of[node->id] = duet_lowering_tensor(lowering, lowering->added_to[node->id]);
        duet_step_add_read(step, lowering->tensor_of[node->id], false);
    }
    const duet_gemm_provider *provider = step->gemm.provider;
    size_t workspace = provider->workspace(lowering->device, &step->shape, &step->gemm.parameters);
    if (workspace > 0) {
        int scratch = duet_lowering_add_tensor(lowering, NULL, DUET_FLOAT32, (workspace + 3) / 4, DUET_HOME_ARENA);
        if (scratch == DUET_NO_TENSOR) return;
        lowering->tensors[scratch].from_start = provider->workspace_from_start;
        step->scratch = scratch;
    }
    step->roots[0] = (duet_root){.value = node, .target = duet_lowering_tensor(lowering, node)};
    step->root_count = 1;
    lowering->ready_at[node->id] = index;
}

void duet_lowering_place_sum(duet_lowering *lowering, duet_node sum, duet_node product)
{
    size_t index = lowering->ready_at[product->id];
    lowering->tensor_of[sum->id] = duet_lowering_tensor(lowering, product);
    lowering->ready_at[sum->id] = index;
    lowering->steps[index].roots[0].value = sum;
}

/* Whether a step other than `writer` touches the tensor, or it outlives the plan. */
static bool is_needed_elsewhere(const duet_lowering *lowering, size_t writer, int tensor)
{
    if (lowering->tensors[tensor].home != DUET_HOME_ARENA) return true;
    for (size_t i = 0; i < lowering->step_count; i++) {
        const duet_step *step = &lowering->steps[i];
        if (i == writer) continue;
        for (size_t j = 0; j < step->read_count; j++)
            if (step->reads[j].tensor == tensor) return true;
        for (size_t j = 0; j < step->root_count; j++)
            if (step->roots[j].target == tensor) return true;
    }
    return false;
}

static void forget_read(duet_step *step, int tensor)
{
    size_t kept = 0;
    for (size_t i = 0; i < step->read_count; i++)
        if (step->reads[i].tensor != tensor) step->reads[kept++] = step->reads[i];
    step->read_count = kept;
}

void duet_lowering_drop_products(duet_lowering *lowering)
{
    for (size_t i = 0; i < lowering->step_count; i++) {
        duet_step *step = &lowering->steps[i];
        if (step->kind != DUET_STEP_PRODUCT || step->root_count == 1 || step->adds) continue;
        if (is_needed_elsewhere(lowering, i, step->roots[0].target)) continue;
        forget_read(step, step->roots[0].target);
        step->roots[0].target = DUET_NO_TENSOR;
    }
}
