/* SPDX-License-Identifier: MIT */
/* Values into a plan's inputs and out of its roots, from and to the host or another buffer of the device. */
#include "plan/state.h"

bool duet_plan_holds(const duet_plan *plan, duet_node node)
{
    duet_node memory = node == NULL ? NULL : duet_node_in_memory(node);
    return memory != NULL && memory->graph == plan->lowering.graph && plan->lowering.tensor_of[memory->id] >= 0;
}

/* The tensor that holds `node`. Tensors in the shared arena are refused: they are soon overwritten. */
static duet_status find_tensor(duet_plan *plan, duet_node node, duet_tensor **tensor, duet_error *error)
{
    if (!duet_plan_holds(plan, node))
        return duet_fail(error, DUET_ERROR_USAGE, "plan \"%s\" neither reads nor computes that node", plan->name);
    *tensor = &plan->lowering.tensors[plan->lowering.tensor_of[duet_node_in_memory(node)->id]];
    if ((*tensor)->home != DUET_HOME_ARENA) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "plan \"%s\": that node is no root of it", plan->name);
}

static duet_status check_size(const duet_plan *plan, duet_node node, size_t bytes, bool or_less, duet_error *error)
{
    duet_node memory = duet_node_in_memory(node);
    const size_t size = memory->elements * duet_type_size(memory->type);
    if (bytes == size || (or_less && bytes < size)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "plan \"%s\": the node has %zu bytes, not %zu", plan->name, size, bytes);
}

/* Where an input of that size lies. */
static duet_status find_input(duet_plan *plan, duet_node input, size_t bytes, duet_tensor **tensor, duet_error *error)
{
    DUET_TRY(find_tensor(plan, input, tensor, error));
    DUET_TRY(check_size(plan, input, bytes, false, error));
    if (input->op->kind == DUET_OP_INPUT) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE, "plan \"%s\": \"%s\" is no input", plan->name, input->op->name);
}

/* Where a root's value lies, once there is one. */
static duet_status find_root(duet_plan *plan, duet_node root, size_t bytes, bool or_less, duet_tensor **tensor,
                             duet_error *error)
{
    DUET_TRY(find_tensor(plan, root, tensor, error));
    DUET_TRY(check_size(plan, root, bytes, or_less, error));
    if (plan->replayed || (*tensor)->home == DUET_HOME_VARIABLE || (*tensor)->given) return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     "plan \"%s\" has computed nothing yet: duet_plan_replay comes before a read", plan->name);
}

/* The first byte of a tensor in its buffer. */
static size_t byte_of(const duet_plan *plan, const duet_tensor *tensor, cl_mem *buffer)
{
    duet_place place = duet_plan_place(plan, (int)(tensor - plan->lowering.tensors));
    *buffer = place.buffer;
    return place.offset * duet_type_size(tensor->type);
}

static void mark_given(duet_plan *plan, duet_tensor *tensor)
{
    plan->awaited -= !tensor->given;
    tensor->given = true;
}

duet_status duet_plan_write(duet_plan *plan, duet_node input, const void *values, size_t bytes, duet_error *error)
{
    duet_tensor *tensor = NULL;
    cl_mem buffer = NULL;
    DUET_TRY(find_input(plan, input, bytes, &tensor, error));
    size_t at = byte_of(plan, tensor, &buffer);
    DUET_TRY(duet_buffer_write(plan->device, buffer, at, values, bytes, error));
    mark_given(plan, tensor);
    return DUET_OK;
}

duet_status duet_plan_write_buffer(duet_plan *plan, duet_node input, cl_mem from, size_t offset, size_t bytes,
                                   duet_error *error)
{
    duet_tensor *tensor = NULL;
    cl_mem buffer = NULL;
    DUET_TRY(find_input(plan, input, bytes, &tensor, error));
    DUET_TRY(duet_buffer_check(plan->device, from, offset, bytes, false, error));
    size_t at = byte_of(plan, tensor, &buffer);
    DUET_TRY(duet_buffer_copy(plan->device, from, offset, buffer, at, bytes, error));
    mark_given(plan, tensor);
    return DUET_OK;
}

duet_status duet_plan_read(duet_plan *plan, duet_node root, void *values, size_t bytes, duet_error *error)
{
    duet_tensor *tensor = NULL;
    cl_mem buffer = NULL;
    DUET_TRY(find_root(plan, root, bytes, false, &tensor, error));
    size_t at = byte_of(plan, tensor, &buffer);
    return duet_buffer_read(plan->device, buffer, at, values, bytes, error);
}

duet_status duet_plan_read_buffer(duet_plan *plan, duet_node root, cl_mem to, size_t offset, size_t bytes,
                                  duet_error *error)
{
    duet_tensor *tensor = NULL;
    cl_mem buffer = NULL;
    DUET_TRY(find_root(plan, root, bytes, true, &tensor, error));
    DUET_TRY(duet_buffer_check(plan->device, to, offset, bytes, false, error));
    size_t at = byte_of(plan, tensor, &buffer);
    return duet_buffer_copy(plan->device, buffer, at, to, offset, bytes, error);
}
