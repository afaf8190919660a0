/* Groups and their parameters: a network's numbers in one flat block. */
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

size_t duet_group_parameters(const duet_group *group)
{
    size_t count = 0;
    duet_variable *variable;
    for (size_t i = 0; (variable = duet_store_at(group->store, i)) != NULL; i++)
        if (variable->storage == group->storage && variable->saved) count += variable->elements;
    return count;
}

duet_node duet_parameter_at(const char *where, duet_graph *graph, duet_group *group, const char *name, duet_shape shape,
                            duet_initialiser start)
{
    char full[192], had[96], wants[96];
    if (group == NULL || snprintf(full, sizeof full, "%s.%s", group->name, name) >= (int)sizeof full) {
        duet_graph_fail_at(where, graph, "parameter \"%s\": %s", name,
                           group == NULL ? "no group" : "the name is too long");
        return duet_node_broken(graph);
    }
    duet_variable *variable = duet_store_find(group->store, full);
    if (variable == NULL) {
        duet_error error = {0};
        variable = duet_variable_new(group->store, group->storage, full, shape, start, &error);
        if (variable == NULL) {
            duet_graph_fail_at(where, graph, "parameter \"%s\": %s", full, error.message);
            return duet_node_broken(graph);
        }
        variable->optimised = true;
    }
    if (variable->storage != group->storage || !variable->saved) {
        duet_graph_fail_at(where, graph, "parameter \"%s\": the name is in use elsewhere", full);
        return duet_node_broken(graph);
    }
    if (duet_shape_equal(variable->shape, shape)) return duet_variable_node(graph, variable);
    duet_graph_fail_at(where, graph, "parameter \"%s\" is %s and was asked for as %s", full,
                       duet_shape_text(variable->shape, had), duet_shape_text(shape, wants));
    return duet_node_broken(graph);
}
