/* SPDX-License-Identifier: MIT */
/* Variables of the store as nodes of a graph, and the assignments that change them. */
#include "graph/node.h"
#include "graph/variable.h"

const duet_op duet_op_variable = {.name = "variable", .kind = DUET_OP_VARIABLE};
const duet_op duet_op_assign = {.name = "assign", .kind = DUET_OP_ASSIGN};
static const duet_op copy = {.name = "copy", .kind = DUET_OP_ELEMENTWISE, .expression = "a"};

duet_node duet_variable_node(duet_graph *graph, duet_variable *variable)
{
    duet_attributes attributes = {.object = variable};
    return duet_node_make(variable->name, graph, &duet_op_variable, variable->type, variable->shape, NULL, 0,
                          &attributes, true);
}

duet_node duet_store_state_at(const char *where, duet_graph *graph, duet_store *store, const char *name, duet_type type,
                              duet_shape shape, duet_initialiser start)
{
    duet_variable *variable = duet_store_find(store, name);
    if (variable == NULL) {
        duet_error error = {0};
        duet_storage *storage = duet_storage_new(store, type);
        if (storage == NULL)
            (void)duet_fail(&error, DUET_ERROR_MEMORY, "out of memory");
        else
            variable = duet_variable_new(store, storage, name, shape, start, &error);
        if (variable == NULL) {
            duet_graph_take(where, graph, name, &error);
            return duet_node_broken(graph);
        }
    }
    if (variable->type != type || !duet_shape_equal(variable->shape, shape)) {
        char had[96], wants[96];
        duet_graph_fail_at(where, graph, "state \"%s\" is %s and was asked for as %s", name,
                           duet_value_text(variable->type, variable->shape, had), duet_value_text(type, shape, wants));
        return duet_node_broken(graph);
    }
    return duet_variable_node(graph, variable);
}

duet_node duet_state_at(const char *where, duet_graph *graph, const char *name, duet_type type, duet_shape shape,
                        duet_initialiser start)
{
    return duet_store_state_at(where, graph, duet_graph_store(graph), name, type, shape, start);
}

duet_node duet_working_state(duet_graph *graph, const char *name, duet_type type, duet_shape shape,
                             duet_initialiser start)
{
    return duet_store_state_at(name, graph, duet_graph_working_store(graph), name, type, shape, start);
}

duet_node duet_assign_at(const char *where, duet_node target, duet_node value)
{
    if (duet_node_is_broken(target)) return target;
    if (value == NULL) duet_graph_fail_at(where, target->graph, "assign: the value is NULL");
    if (duet_node_is_broken(value)) return duet_node_broken(target->graph);
    char wants[96], has[96];
    if (target->op != &duet_op_variable) {
        duet_graph_fail_at(where, target->graph, "assign: the target is %s, not a state", target->op->name);
        return duet_node_broken(target->graph);
    }
    if (target->type != value->type || target->elements != value->elements) {
        duet_graph_fail_at(where, target->graph, "assign: the state is %s and the value %s",
                           duet_node_text(target, wants), duet_node_text(value, has));
        return duet_node_broken(target->graph);
    }
    if (duet_node_in_memory(value)->op == &duet_op_variable) /* read now: it may be assigned to as well */
        value = duet_node_make(where, target->graph, &copy, value->type, value->shape, &value, 1, NULL, true);
    return duet_node_make(where, target->graph, &duet_op_assign, target->type, target->shape,
                          (duet_node[]){target, value}, 2, NULL, true);
}
