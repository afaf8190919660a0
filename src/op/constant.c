/* SPDX-License-Identifier: MIT */
/* Numbers that a graph starts from: tensors that the host gives, kept in memory beside the variables, and ranges, which
 * are a function of the index. */
#include "base/checksum.h"
#include "op/op.h"
#include "op/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static duet_status copy_values(void *context, void *destination, size_t bytes, duet_error *error)
{
    (void)error;
    memcpy(destination, context, bytes);
    return DUET_OK;
}

/* The variable that holds these values, which several graphs of a store may share; NULL with an error. Two constants
 * whose bytes hash alike are told apart by a number. */
static duet_variable *find_or_make(duet_store *store, duet_shape shape, const float *values, duet_error *error)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    size_t bytes = duet_shape_elements(shape) * sizeof *values;
    uint64_t hash = duet_checksum_add(DUET_CHECKSUM_BEGIN, values, bytes);
    char name[64];
    for (unsigned i = 0;; i++) {
        snprintf(name, sizeof name, "constant.%016llx.%u", (unsigned long long)hash, i);
        duet_variable *known = duet_store_find(store, name);
        if (known == NULL) break;
        if (duet_shape_equal(known->shape, shape) && memcmp(known->fill_context, values, bytes) == 0) return known;
    }
    void *copy = malloc(bytes > 0 ? bytes : 1);
    duet_storage *storage = copy == NULL ? NULL : duet_storage_new(store, DUET_FLOAT32);
    duet_variable *made = storage == NULL ? NULL : duet_variable_new(store, storage, name, shape, zero, error);
    if (made == NULL) {
        free(copy);
        duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a constant of %zu bytes", bytes);
        return NULL;
    }
    memcpy(copy, values, bytes);
    made->saved = false;
    made->owns_context = true;
    made->fill = copy_values;
    made->fill_context = copy;
    return made;
}

duet_node duet_constant_values_at(const char *where, duet_graph *graph, duet_shape shape, const float *values)
{
    duet_error error = {0};
    char text[96];
    size_t elements = duet_shape_elements(shape);
    if (values == NULL || elements == 0) {
        duet_graph_fail(graph, "constant_values: %s of %s", values == NULL ? "no values" : "no elements",
                        duet_shape_text(shape, text));
        return duet_node_broken(graph);
    }
    duet_variable *variable = find_or_make(duet_graph_working_store(graph), shape, values, &error);
    if (variable != NULL) return duet_variable_node(graph, variable);
    duet_graph_take(where, graph, "constant_values", &error);
    return duet_node_broken(graph);
}

const float *duet_constant_numbers(duet_node x)
{
    x = duet_node_in_memory(x);
    if (x->op != &duet_op_variable) return NULL;
    const duet_variable *variable = x->attributes.object;
    return variable->fill == copy_values ? variable->fill_context : NULL;
}

static duet_value write_range(duet_kernel_writer *writer, duet_node node, const duet_map *map)
{
    return duet_write_let(writer, DUET_FLOAT32, "(float)%s", duet_write_index(writer, node, map).text);
}

static const duet_op op_range = {.name = "range",
                                 .kind = DUET_OP_READER,
                                 .cost = 1,
                                 .write = write_range,
                                 .is_recomputed = true,
                                 .blocks_gradient = true};

duet_node duet_range_at(const char *where, duet_graph *graph, size_t count)
{
    if (count > 0 && count <= (size_t)1 << 24)
        return duet_node_make(where, graph, &op_range, DUET_FLOAT32, DUET_SHAPE(count), NULL, 0, NULL, true);
    duet_graph_fail(graph, "range: %zu numbers; 1 to 2^24, which float32 counts, were expected", count);
    return duet_node_broken(graph);
}
