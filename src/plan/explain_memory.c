/* SPDX-License-Identifier: MIT */
/* A plan's memory explained: which buffers there are, what each holds, and where in them every tensor lies. Names
 * follow from the variables: a gradient is named after its parameter, a buffer after its group. */
#include "plan/explainer.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 256 };

static bool is_flat(const duet_variable *variable)
{
    return !variable->saved && variable->fill == NULL;
}

/* Examples lie in a store of their own. */
static duet_memory_kind storage_kind(const duet_storage *storage, const duet_store *models)
{
    duet_memory_kind kind = storage->store == models ? DUET_MEMORY_STATE : DUET_MEMORY_DATA;
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(storage->store, i)) != NULL; i++) {
        if (variable->storage != storage) continue;
        if (variable->optimised) return DUET_MEMORY_PARAMETERS;
        if (is_flat(variable)) kind = DUET_MEMORY_MOMENTS;
    }
    return kind;
}

/* The buffer's name. With a flat view it is the view's name without its ending: "encoder" or "encoder.moment1". Else,
 * for parameters and layers' states, what stands before the first dot; for others the variable's name. */
static void storage_name(const duet_storage *storage, duet_memory_kind kind, char name[LONGEST_NAME])
{
    const duet_variable *variable, *first = NULL, *flat = NULL;
    bool several = false;
    for (size_t i = 0; (variable = duet_store_at(storage->store, i)) != NULL; i++) {
        if (variable->storage != storage) continue;
        several = first != NULL;
        if (first == NULL) first = variable;
        if (is_flat(variable)) flat = variable;
    }
    snprintf(name, LONGEST_NAME, "%s", flat != NULL ? flat->name : first != NULL ? first->name : "");
    bool of_layers = kind == DUET_MEMORY_STATE && several;
    char *dot = flat != NULL                                  ? strrchr(name, '.')
                : kind == DUET_MEMORY_PARAMETERS || of_layers ? strchr(name, '.')
                                                              : NULL;
    if (dot != NULL) snprintf(dot, LONGEST_NAME - (size_t)(dot - name), "%s", of_layers ? ".states" : "");
}

static void add_variables(duet_explainer *e, const duet_storage *storage, size_t memory)
{
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(storage->store, i)) != NULL; i++) {
        if (variable->storage != storage || is_flat(variable)) continue;
        uint64_t size = duet_type_size(variable->type);
        e->variables[e->variable_count++] = (duet_explained_variable){.name = duet_explainer_text(e, variable->name),
                                                                      .memory = memory,
                                                                      .type = variable->type,
                                                                      .shape = variable->shape,
                                                                      .offset = variable->offset * size,
                                                                      .bytes = variable->elements * size};
    }
}

static size_t add_memory(duet_explainer *e, duet_memory_kind kind, const char *name, const char *group, uint64_t bytes,
                         const void *identity)
{
    e->memories[e->memory_count] =
        (duet_explained_memory){.kind = kind,
                                .name = duet_explainer_text(e, name),
                                .group = group == NULL ? NULL : duet_explainer_text(e, group),
                                .bytes = bytes,
                                .identity = identity};
    return e->memory_count++;
}

static size_t storage_memory(duet_explainer *e, const duet_storage *storage)
{
    for (size_t i = 0; i < e->memory_count; i++)
        if (e->memories[i].identity == storage) return i;
    char name[LONGEST_NAME], group[LONGEST_NAME];
    duet_memory_kind kind = storage_kind(storage, duet_graph_store(e->lowering->graph));
    storage_name(storage, kind, name);
    snprintf(group, sizeof group, "%s", name);
    char *dot = kind == DUET_MEMORY_MOMENTS ? strchr(group, '.') : NULL;
    if (dot != NULL) *dot = '\0';
    bool grouped = kind == DUET_MEMORY_PARAMETERS || kind == DUET_MEMORY_MOMENTS;
    size_t elements = storage->type == DUET_FLOAT32 ? duet_storage_flat_elements(storage) : storage->elements;
    size_t memory =
        add_memory(e, kind, name, grouped ? group : NULL, (uint64_t)elements * duet_type_size(storage->type), storage);
    add_variables(e, storage, memory);
    return memory;
}

static uint64_t bytes_of(const duet_tensor *tensor)
{
    return (uint64_t)tensor->elements * duet_type_size(tensor->type);
}

static size_t own_memory(duet_explainer *e, const duet_tensor *tensor)
{
    char name[LONGEST_NAME], group[LONGEST_NAME];
    for (size_t i = 0; i < e->memory_count; i++)
        if (e->memories[i].identity == tensor) return i;
    duet_node node = tensor->node;
    if (node != NULL && node->op->kind == DUET_OP_PACK) {
        storage_name(node->attributes.object, DUET_MEMORY_PARAMETERS, group);
        snprintf(name, sizeof name, "gradients of %.200s", group);
        return add_memory(e, DUET_MEMORY_GRADIENTS, name, group, bytes_of(tensor), tensor);
    }
    snprintf(name, sizeof name, "buffer %zu", e->memory_count);
    return add_memory(e, DUET_MEMORY_OWN, name, NULL, bytes_of(tensor), tensor);
}

/* Tensors. */

static void mark(duet_explainer *e, int tensor)
{
    for (; tensor != DUET_NO_TENSOR && e->index_of[tensor] == DUET_NO_TENSOR;
         tensor = e->lowering->tensors[tensor].whole)
        e->index_of[tensor] = 0;
}

void duet_explainer_mark(duet_explainer *e)
{
    for (size_t i = 0; i < e->lowering->tensor_count; i++) e->index_of[i] = DUET_NO_TENSOR;
    for (size_t i = 0; i < e->lowering->step_count; i++) {
        const duet_step *step = &e->lowering->steps[i];
        for (size_t j = 0; j < step->read_count; j++) mark(e, step->reads[j].tensor);
        for (size_t j = 0; j < step->root_count; j++) mark(e, step->roots[j].target);
        mark(e, step->scratch);
    }
    for (size_t i = 0; i < e->lowering->tensor_count; i++)
        if (e->index_of[i] != DUET_NO_TENSOR) e->index_of[i] = (int)e->tensor_count++;
}

/* For a part of a pack: the variable whose gradient lies there. */
static const duet_variable *packed_variable(const duet_lowering *lowering, const duet_tensor *part)
{
    duet_node pack = part->home == DUET_HOME_PART ? lowering->tensors[part->whole].node : NULL;
    if (pack == NULL || pack->op->kind != DUET_OP_PACK) return NULL;
    const duet_storage *storage = pack->attributes.object;
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(storage->store, i)) != NULL; i++)
        if (variable->storage == storage && variable->saved && variable->offset == part->part_offset) return variable;
    return NULL;
}

static const char *tensor_name(duet_explainer *e, const duet_tensor *tensor, size_t index)
{
    char name[LONGEST_NAME];
    duet_node node = tensor->node;
    const duet_variable *packed = packed_variable(e->lowering, tensor);
    const char *given = node == NULL ? NULL : duet_explainer_name(e, node);
    if (tensor->home == DUET_HOME_VARIABLE)
        snprintf(name, sizeof name, "%s%.240s", tensor->written ? "new " : "", tensor->variable->name);
    else if (packed != NULL)
        snprintf(name, sizeof name, "gradient of %.240s", packed->name);
    else if (node != NULL && node->op->kind == DUET_OP_PACK)
        snprintf(name, sizeof name, "%.240s", e->memories[own_memory(e, tensor)].name);
    else if (node != NULL && node->op->kind == DUET_OP_INPUT)
        snprintf(name, sizeof name, "%.240s", (const char *)node->attributes.object);
    else if (given != NULL)
        snprintf(name, sizeof name, "%.240s", given);
    else
        snprintf(name, sizeof name, "t%zu", index);
    return duet_explainer_text(e, name);
}

/* Where a tensor lies: its buffer, and its offset there in bytes. */
static void locate(duet_explainer *e, const duet_tensor *tensor, duet_explained_tensor *row)
{
    uint64_t parts = 0;
    for (; tensor->home == DUET_HOME_PART; tensor = &e->lowering->tensors[tensor->whole])
        parts += (uint64_t)tensor->part_offset * duet_type_size(tensor->type);
    if (tensor->home == DUET_HOME_ARENA) {
        row->memory = tensor->slab; /* slabs are the first memories */
        row->offset = tensor->offset + parts;
    } else if (tensor->home == DUET_HOME_VARIABLE) {
        row->memory = storage_memory(e, tensor->variable->storage);
        row->offset = (uint64_t)tensor->variable->offset * duet_type_size(tensor->variable->type) + parts;
    } else {
        row->memory = own_memory(e, tensor);
        row->offset = parts;
    }
}

static duet_shape shape_of(const duet_tensor *tensor)
{
    if (tensor->home == DUET_HOME_VARIABLE) return tensor->variable->shape;
    return tensor->node != NULL ? tensor->node->shape : DUET_SHAPE(tensor->elements);
}

void duet_explainer_tensors(duet_explainer *e)
{
    char name[32];
    for (size_t i = 0; i < e->plan.slab_count && !e->failed; i++) {
        snprintf(name, sizeof name, "slab %zu", i);
        add_memory(e, DUET_MEMORY_ARENA, name, NULL, e->plan.slab_bytes[i], &e->plan.slab_bytes[i]);
    }
    for (size_t i = 0; i < e->lowering->tensor_count && !e->failed; i++) {
        if (e->index_of[i] == DUET_NO_TENSOR) continue;
        const duet_tensor *tensor = &e->lowering->tensors[i];
        duet_explained_tensor *row = &e->tensors[e->index_of[i]];
        *row = (duet_explained_tensor){.name = tensor_name(e, tensor, (size_t)e->index_of[i]),
                                       .type = tensor->type,
                                       .shape = shape_of(tensor),
                                       .bytes = bytes_of(tensor),
                                       .replaces = tensor->written};
        locate(e, tensor, row);
        bool lives = tensor->first != SIZE_MAX;
        row->first = lives ? e->first_of[tensor->first] : 0;
        row->last = lives ? e->last_of[tensor->last] : e->plan.launches->count - 1;
    }
}

size_t duet_explainer_variables(const duet_lowering *lowering)
{
    size_t count = 0;
    for (size_t i = 0; i < lowering->tensor_count; i++) {
        if (lowering->tensors[i].home != DUET_HOME_VARIABLE) continue;
        const duet_storage *storage = lowering->tensors[i].variable->storage;
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = lowering->tensors[j].home == DUET_HOME_VARIABLE && lowering->tensors[j].variable->storage == storage;
        for (size_t j = 0; !seen && duet_store_at(storage->store, j) != NULL; j++)
            count += duet_store_at(storage->store, j)->storage == storage;
    }
    return count;
}
