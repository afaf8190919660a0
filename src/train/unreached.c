/* SPDX-License-Identifier: MIT */
/* Parameters that an output reads and no loss moves, though losses move others of their group: most often a layer that
 * goes by one name in the training and by another where its output is given. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "train/trainer.h"

enum { MOST_NAMED = 6 };

/* What is looked at, and flags of its nodes. */
typedef struct look {
    const duet_build *build;
    const duet_store *store;
    bool *moved; /* that an objective moves, or a phase assigns */
    bool *seen;  /* room */
} look;

/* The parameter of the model's that the node is; NULL: it is none. Those that have numbers already, as what was learnt
 * elsewhere has, may rest. */
static const duet_variable *parameter_of(const look *it, duet_node node)
{
    const duet_variable *variable = node->op == &duet_op_variable ? node->attributes.object : NULL;
    if (variable == NULL || !variable->optimised || variable->storage->store != it->store) return NULL;
    return variable->storage->buffer == NULL ? variable : NULL;
}

static bool stops_gradient(duet_node node)
{
    return strcmp(node->op->name, "stop_gradient") == 0;
}

/* Marks what the marked nodes are computed from. A loss is followed as its gradient goes, but past a stop_gradient too:
 * whoever wrote that means what is behind it to rest. An output is followed through all but those, likewise. */
static void mark_operands(const look *it, bool of_loss)
{
    for (size_t id = duet_graph_count(it->build->graph); id-- > 0;) {
        const duet_node node = duet_graph_at(it->build->graph, id);
        const bool ends = of_loss ? node->op->blocks_gradient && !stops_gradient(node) : stops_gradient(node);
        for (size_t i = 0; it->seen[id] && !ends && i < node->input_count; i++) it->seen[node->inputs[i]->id] = true;
    }
}

static void forget_seen(const look *it)
{
    memset(it->seen, 0, duet_graph_count(it->build->graph) * sizeof *it->seen);
}

static void mark_moved(const look *it, const duet_objective *objective)
{
    forget_seen(it);
    it->seen[objective->loss->id] = true;
    mark_operands(it, true);
    for (size_t id = 0; id <= objective->loss->id; id++) {
        const duet_variable *variable = parameter_of(it, duet_graph_at(it->build->graph, id));
        for (size_t g = 0; it->seen[id] && variable != NULL && g < objective->group_count; g++)
            it->moved[id] |= variable->storage == objective->groups[g]->storage;
    }
}

static void mark_all_moved(const look *it)
{
    const duet_procedure_description *train = &it->build->procedures[0];
    for (size_t p = 0; p < train->phase_count; p++) {
        const duet_phase_description *phase = &train->phases[p];
        for (size_t o = 0; o < phase->objective_count; o++) mark_moved(it, &phase->objectives[o]);
        for (size_t a = 0; a < phase->assign_count; a++)
            it->moved[duet_node_in_memory(phase->assigns[a].target)->id] = true;
    }
}

/* Whether some objective moves the variable's group. A group that none moves is told of as a whole. */
static bool is_of_moving_group(const look *it, const duet_variable *variable)
{
    const duet_procedure_description *train = &it->build->procedures[0];
    for (size_t p = 0; p < train->phase_count; p++)
        for (size_t o = 0; o < train->phases[p].objective_count; o++)
            for (size_t g = 0; g < train->phases[p].objectives[o].group_count; g++)
                if (train->phases[p].objectives[o].groups[g]->storage == variable->storage) return true;
    return false;
}

/* What a procedure's output takes of its phases counts as read by it. Those of the training are not replayed for its
 * outputs. */
static void mark_read(const look *it, size_t procedure, const duet_output_row *output)
{
    const duet_procedure_description *description = &it->build->procedures[procedure];
    forget_seen(it);
    it->seen[output->value->id] = true;
    for (size_t p = 0; procedure > 0 && p < description->phase_count; p++) {
        const duet_phase_description *phase = &description->phases[p];
        for (size_t o = 0; o < phase->objective_count; o++) it->seen[phase->objectives[o].loss->id] = true;
        for (size_t a = 0; a < phase->assign_count; a++) it->seen[phase->assigns[a].value->id] = true;
    }
    mark_operands(it, false);
}

/* Names what the output reads that nothing moves, each once. */
static void tell_of_output(duet_device *device, const look *it, size_t procedure, const duet_output_row *output)
{
    duet_text names = {0};
    size_t count = 0;
    mark_read(it, procedure, output);
    for (size_t id = 0; id < duet_graph_count(it->build->graph); id++) {
        const duet_variable *variable = parameter_of(it, duet_graph_at(it->build->graph, id));
        if (!it->seen[id] || it->moved[id] || variable == NULL || !is_of_moving_group(it, variable)) continue;
        it->moved[id] = true; /* told */
        if (count++ < MOST_NAMED) duet_text_add(&names, "%s\"%s\"", count > 1 ? ", " : "", variable->name);
    }
    if (count > MOST_NAMED) duet_text_add(&names, " and %zu more", count - MOST_NAMED);
    if (count > 0 && !names.failed)
        duet_device_say(device,
                        "warning: the output \"%s\" reads parameters that no loss moves, so that they learn nothing: "
                        "%s; most often the layer has another name where the loss is made. Where they are meant "
                        "to rest, duet_stop_gradient of what the layer gives says so",
                        output->name, duet_text_get(&names));
    duet_text_free(&names);
}

duet_status duet_trainer_tell_of_unreached(const duet_trainer *trainer, duet_error *error)
{
    const duet_build *build = trainer->build;
    const size_t nodes = duet_graph_count(build->graph);
    const look it = {build, trainer->model->store, calloc(nodes + 1, sizeof *it.moved),
                     calloc(nodes + 1, sizeof *it.seen)};
    const bool room = it.moved != NULL && it.seen != NULL;
    if (room) mark_all_moved(&it);
    for (size_t p = 0; room && p < build->procedure_count; p++)
        for (size_t o = 0; o < build->procedures[p].output_count; o++)
            tell_of_output(trainer->device, &it, p, &build->procedures[p].outputs[o]);
    free(it.moved);
    free(it.seen);
    return room ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a trainer");
}
