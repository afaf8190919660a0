/* Groups: a network's parameters in one flat block, and the states of its layers beside it. */
#include <stdio.h>

#include "duet/nn.h"
#include "graph/node.h"
#include "graph/variable.h"

duet_group *duet_group_of(duet_store *store, const char *name)
{
    return duet_store_group(store, name);
}

const char *duet_group_name(const duet_group *group)
{
    return group->name;
}

static size_t count_saved(const duet_store *store, const duet_storage *storage)
{
    size_t count = 0;
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(store, i)) != NULL; i++)
        if (variable->storage == storage && variable->saved) count += variable->elements;
    return count;
}

size_t duet_group_parameters(const duet_group *group)
{
    return count_saved(group->store, group->storage);
}

size_t duet_group_states(const duet_group *group)
{
    return count_saved(group->store, group->states);
}

/* Finds or makes "group.name" among the group's parameters or states. */
static duet_node group_variable(const char *where, duet_graph *graph, duet_group *group, bool optimised,
                                const char *name, duet_shape shape, duet_initialiser start)
{
    const char *what = optimised ? "parameter" : "state";
    char full[192], had[96], wants[96];
    if (group == NULL || snprintf(full, sizeof full, "%s.%s", group->name, name) >= (int)sizeof full) {
        duet_graph_fail_at(where, graph, "%s \"%s\": %s", what, name,
                           group == NULL ? "no group" : "the name is too long");
        return duet_node_broken(graph);
    }
    duet_storage *storage = optimised ? group->storage : group->states;
    duet_variable *variable = duet_store_find(group->store, full);
    if (variable == NULL) {
        duet_error error = {0};
        variable = duet_variable_new(group->store, storage, full, shape, start, &error);
        if (variable == NULL) {
            duet_graph_fail_at(where, graph, "%s \"%s\": %s", what, full, error.message);
            return duet_node_broken(graph);
        }
        variable->optimised = optimised;
    }
    if (variable->storage != storage || !variable->saved) {
        duet_graph_fail_at(where, graph, "%s \"%s\": the name is in use elsewhere", what, full);
        return duet_node_broken(graph);
    }
    if (duet_shape_equal(variable->shape, shape)) return duet_variable_node(graph, variable);
    duet_graph_fail_at(where, graph, "%s \"%s\" is %s and was asked for as %s", what, full,
                       duet_shape_text(variable->shape, had), duet_shape_text(shape, wants));
    return duet_node_broken(graph);
}

duet_node duet_parameter_at(const char *where, duet_graph *graph, duet_group *group, const char *name, duet_shape shape,
                            duet_initialiser start)
{
    return group_variable(where, graph, group, true, name, shape, start);
}

duet_node duet_layer_state_at(const char *where, duet_graph *graph, duet_group *group, const char *name,
                              duet_shape shape, duet_initialiser start)
{
    return group_variable(where, graph, group, false, name, shape, start);
}
