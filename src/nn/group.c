/* SPDX-License-Identifier: MIT */
/* Groups: a network's parameters in one flat block, and the states of its layers beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duet/nn.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "nn/optimiser.h"

duet_group *duet_group_of(duet_store *store, const char *name)
{
    return duet_store_group(store, name);
}

const char *duet_group_name(const duet_group *group)
{
    return group->name;
}

void duet_group_set_initialiser(duet_group *group, const duet_initialiser *initialiser)
{
    group->initialises = initialiser != NULL;
    if (initialiser != NULL) group->initialiser = *initialiser;
}

void duet_group_set_spectral_norm(duet_group *group, bool normalises)
{
    group->spectral_norm = normalises;
}

void duet_average_begin(duet_graph *graph)
{
    duet_graph_scopes(graph)->average++;
}

void duet_average_end(duet_graph *graph)
{
    if (duet_graph_scopes(graph)->average > 0)
        duet_graph_scopes(graph)->average--;
    else
        duet_graph_refuse(graph, DUET_ERROR_GRAPH, "duet_average_end: no duet_average_begin came before it");
}

void duet_name_begin(duet_graph *graph, const char *name)
{
    duet_scopes *scopes = duet_graph_scopes(graph);
    size_t used = strlen(scopes->prefix), length = strlen(name);
    if (used + length + 2 > sizeof scopes->prefix) {
        duet_graph_refuse(graph, DUET_ERROR_GRAPH, "duet_name_begin \"%s\": the names of scopes are too long together",
                          name);
        return;
    }
    snprintf(scopes->prefix + used, sizeof scopes->prefix - used, "%s.", name);
}

/* Takes the last name off, and the dot after it. */
void duet_name_end(duet_graph *graph)
{
    char *prefix = duet_graph_scopes(graph)->prefix, *last;
    if (prefix[0] == '\0') {
        duet_graph_refuse(graph, DUET_ERROR_GRAPH, "duet_name_end: no duet_name_begin came before it");
        return;
    }
    prefix[strlen(prefix) - 1] = '\0';
    last = strrchr(prefix, '.');
    *(last == NULL ? prefix : last + 1) = '\0';
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

/* The variable that the graph reads: in a scope of averages the average of `variable` if one is kept, else itself. */
static duet_variable *averaged(duet_graph *graph, duet_variable *variable)
{
    char name[224];
    if (duet_graph_scopes(graph)->average == 0) return variable;
    snprintf(name, sizeof name, "%s." DUET_AVERAGE_SLOT, variable->name);
    duet_variable *average = duet_store_find(variable->storage->store, name);
    return average == NULL ? variable : average;
}

/* Finds or makes "group.name" among the group's parameters or states. */
static duet_node group_variable(const char *where, duet_graph *graph, duet_group *group, bool optimised,
                                const char *name, duet_shape shape, duet_initialiser start)
{
    const char *what = optimised ? "parameter" : "state", *prefix = duet_graph_scopes(graph)->prefix;
    char full[192], had[96], wants[96];
    if (group == NULL || snprintf(full, sizeof full, "%s.%s%s", group->name, prefix, name) >= (int)sizeof full) {
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
            duet_graph_take(where, graph, full, &error);
            return duet_node_broken(graph);
        }
        variable->optimised = optimised;
    }
    if (variable->storage != storage || !variable->saved) {
        duet_graph_fail_at(where, graph, "%s \"%s\": the name is in use elsewhere", what, full);
        return duet_node_broken(graph);
    }
    if (duet_shape_equal(variable->shape, shape)) return duet_variable_node(graph, averaged(graph, variable));
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

static duet_status copy_state(duet_variable *state, duet_device *device, const char *name, duet_error *error)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_store *store = state->storage->store;
    char full[256];
    snprintf(full, sizeof full, "%s.%s", state->name, name);
    duet_variable *copy = duet_store_find(store, full);
    if (copy == NULL) {
        duet_storage *storage = duet_storage_new(store, state->type);
        copy = storage == NULL ? NULL : duet_variable_new(store, storage, full, state->shape, zero, error);
        if (copy == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for \"%s\"", full);
        copy->saved = false;
    }
    float *values = malloc(state->elements * sizeof *values);
    if (values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for \"%s\"", full);
    duet_status status = duet_storage_ensure(state->storage, device, error);
    if (status == DUET_OK) status = duet_storage_ensure(copy->storage, device, error);
    if (status == DUET_OK) status = duet_variable_read(state, values, error);
    if (status == DUET_OK) status = duet_variable_write(copy, values, error);
    free(values);
    return status;
}

duet_status duet_group_copy_states(duet_group *group, duet_device *device, const char *name, size_t *count,
                                   duet_error *error)
{
    duet_variable *state;
    for (size_t i = 0; (state = duet_store_at(group->store, i)) != NULL; i++) {
        if (state->storage != group->states || !state->saved) continue;
        DUET_TRY(copy_state(state, device, name, error));
        ++*count;
    }
    return DUET_OK;
}
