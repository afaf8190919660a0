/* SPDX-License-Identifier: MIT */
/* The moves of states that a plan makes: those whose trigger the plan computes. Several moves of one state are chained:
 * each starts from the value that the one before it gives. */
#include <stdlib.h>

#include "duet/nn.h"
#include "graph/node.h"
#include "op/where.h"

/* One flag a node, indexed by node id: whether the roots depend on it. NULL: out of memory. */
static bool *find_computed(duet_graph *graph, const duet_node *roots, size_t count)
{
    bool *computed = calloc(duet_graph_count(graph), sizeof *computed);
    if (computed == NULL) return NULL;
    for (size_t i = 0; i < count; i++) computed[roots[i]->id] = true;
    for (size_t id = duet_graph_count(graph); id-- > 0;) {
        duet_node node = duet_graph_at(graph, id);
        for (size_t i = 0; i < node->input_count && computed[id]; i++) computed[node->inputs[i]->id] = true;
    }
    return computed;
}

/* keep * from + (1 - keep) * value */
static duet_node moved(const duet_follower *follower, duet_node from)
{
    const char *where = follower->where;
    if (follower->keep == 0) return follower->value;
    return duet_add(duet_scale(from, follower->keep), duet_scale(follower->value, 1 - follower->keep));
}

/* The new value of follower `first`'s state after all its moves whose trigger is computed; the state itself if there is
 * none. Marks all followers of that state in `done`. */
static duet_node follow(const duet_graph *graph, size_t first, const bool *computed, bool *done)
{
    const duet_follower *follower, *start = duet_graph_follower(graph, first);
    duet_node state = start->state, at = state;
    for (size_t i = first; (follower = duet_graph_follower(graph, i)) != NULL; i++) {
        if (follower->state != state) continue;
        done[i] = true;
        if (computed[follower->trigger->id]) at = moved(follower, at);
    }
    return at;
}

size_t duet_state_updates_at(const char *where, const duet_node *roots, size_t count, duet_node allowed,
                             duet_node *updates, size_t room)
{
    size_t made = 0, followers = 0;
    for (size_t i = 0; i < count; i++)
        if (duet_node_is_broken(roots[i])) return 0;
    if (count == 0) return 0;
    duet_graph *graph = roots[0]->graph;
    while (duet_graph_follower(graph, followers) != NULL) followers++;
    bool *computed = find_computed(graph, roots, count), *done = calloc(followers + 1, sizeof *done);
    if (computed == NULL || done == NULL)
        duet_graph_refuse(graph, DUET_ERROR_MEMORY, "out of memory for the updates of states");
    for (size_t i = 0; i < followers && computed != NULL && done != NULL; i++) {
        if (done[i]) continue;
        duet_node state = duet_graph_follower(graph, i)->state, value = follow(graph, i, computed, done);
        if (value == state) continue;
        if (made == room) {
            duet_graph_fail(graph, "a plan updates more than %zu states of layers", room);
            break;
        }
        if (allowed != NULL) value = duet_select(allowed, value, state);
        updates[made++] = duet_assign(state, value);
    }
    free(computed);
    free(done);
    return made;
}
