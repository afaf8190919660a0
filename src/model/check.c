/* SPDX-License-Identifier: MIT */
/* What is asked of a model as a whole, once its build function has said everything: what no single call can see. Each
 * mistake names the line that said it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/deal.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "model/model.h"
#include "nn/optimiser.h"

static void out_of_memory(const duet_build *build)
{
    duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
}

/* A training phase must not read the latent of duet_latent: only requests fill it. */
static void check_latent(const duet_build *build)
{
    if (build->latent == NULL || build->options.mode != DUET_BUILD_TRAIN) return;
    bool *depends = duet_build_dependents(build, &build->latent, 1);
    const duet_procedure_description *train = &build->procedures[0];
    for (size_t i = 0; depends != NULL && i < train->phase_count; i++)
        if (duet_phase_depends(&train->phases[i], depends))
            duet_graph_fail_at(
                build->latent_where, build->graph,
                "latent: phase \"%s\" of the training reads it, and only use fills it: a phase draws its "
                "own latents by duet_prior_draw",
                train->phases[i].name);
    if (depends == NULL) out_of_memory(build);
    free(depends);
}

/* Inputs of the model's own would be zeros: a request fills those of the model's examples, latents and labels. */
static void check_inputs(const duet_build *build)
{
    for (size_t id = 0; id < duet_graph_count(build->graph); id++) {
        duet_node node = duet_graph_at(build->graph, id);
        if (node->op != &duet_op_input || node == build->batch || node == build->latent || node == build->labels)
            continue;
        duet_graph_fail_at(node->where, build->graph,
                           "input \"%s\": nobody fills it in a model: examples come by duet_model_batch, classes by "
                           "duet_model_labels, latents by duet_latent, numbers by duet_use_number",
                           (const char *)node->attributes.object);
    }
}

/* Procedures other than "train" may write to scratch only: using a model must not change it. */
static void check_scratch(const duet_build *build)
{
    for (size_t p = 1; p < build->procedure_count; p++) {
        const duet_procedure_description *procedure = &build->procedures[p];
        for (size_t i = 0; i < procedure->phase_count; i++) {
            const duet_phase_description *phase = &procedure->phases[i];
            bool within = true;
            for (size_t a = 0; a < phase->assign_count; a++) {
                duet_node target = duet_node_in_memory(phase->assigns[a].target);
                const duet_variable *variable = target->attributes.object;
                within = within && target->op == &duet_op_variable && variable->storage->store == build->scratch;
            }
            for (size_t o = 0; o < phase->objective_count; o++)
                for (size_t g = 0; g < phase->objectives[o].group_count; g++)
                    within = within && phase->objectives[o].groups[g]->store == build->scratch;
            if (!within)
                duet_graph_fail_at(phase->where, build->graph,
                                   "procedure \"%s\", phase \"%s\": it writes to the model; use writes to scratch "
                                   "(duet_scratch, duet_scratch_group)",
                                   procedure->name, phase->name);
        }
    }
}

/* Outputs of the training take no phase, so that nothing has been written to scratch that they read: it would be zeros,
 * but for parameters of a scratch group, which are what they start as, such as a projection at random. In a graph for
 * use the scratch store holds more, such as the random clock. */
static void check_scratch_outputs(const duet_build *build)
{
    const duet_procedure_description *train = &build->procedures[0];
    for (size_t id = 0; build->options.mode == DUET_BUILD_TRAIN && id < duet_graph_count(build->graph); id++) {
        duet_node node = duet_graph_at(build->graph, id);
        const duet_variable *variable = node->attributes.object;
        if (node->op != &duet_op_variable || variable->storage->store != build->scratch || variable->optimised)
            continue;
        bool *depends = duet_build_dependents(build, &node, 1);
        for (size_t i = 0; depends != NULL && i < train->output_count; i++)
            if (depends[train->outputs[i].value->id])
                duet_graph_fail_at(
                    train->outputs[i].where, build->graph,
                    "output \"%s\": it reads the scratch \"%s\", which is zeros where no procedure has "
                    "filled it: what a training leaves for use is a state (duet_state), and outputs of a "
                    "procedure come after duet_procedure",
                    train->outputs[i].name, variable->name);
        if (depends == NULL) out_of_memory(build);
        free(depends);
    }
}

static bool has_rows(const duet_build *build, duet_node node)
{
    return node->shape.rank > 0 && node->shape.dims[0] == build->batch_size;
}

/* `rows`: what became of the rows of what a request gives, or draws. */
static void check_output(const duet_build *build, const duet_output_row *output, const duet_fate *rows)
{
    const duet_node value = output->value;
    const duet_deal in_front = {1, value->elements / build->batch_size};
    const bool astray = rows->mixer == NULL && rows->deal.outer > 0 && has_rows(build, value) &&
                        (rows->deal.outer != in_front.outer || rows->deal.inner != in_front.inner);
    const duet_node culprit = astray ? value : rows->mixer;
    if (culprit == NULL) return;
    duet_graph_fail_at(output->where, build->graph,
                       "output \"%s\": the %s at %s %s, and in use rows come in batches of any size, the last one "
                       "filled up with zeros: each row of an output is to be of its own example; what a training finds "
                       "of many, a state keeps (duet_state_follow), and what is for training alone needs no output",
                       output->name, rows->sums ? "sum" : culprit->op->name, culprit->where,
                       astray ? "leaves rows no longer one after the other" : "takes rows together");
}

/* In use a batch holds the rows that a request has left, and zeros where they are fewer: rows of an output must not
 * depend on each other. */
static void check_rows(const duet_build *build)
{
    const duet_node all[] = {build->batch, build->latent, build->labels};
    duet_node sources[sizeof all / sizeof *all];
    size_t count = 0;
    if (build->options.mode != DUET_BUILD_EVAL || build->options.learns || build->batch_size < 2) return;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] != NULL && has_rows(build, all[i])) sources[count++] = all[i];
    duet_fate *rows = duet_deal_follow(build->graph, sources, count, build->batch_size);
    for (size_t p = 0; rows != NULL && p < build->procedure_count; p++)
        for (size_t i = 0; i < build->procedures[p].output_count; i++) {
            const duet_output_row *output = &build->procedures[p].outputs[i];
            check_output(build, output, &rows[output->value->id]);
        }
    if (rows == NULL) out_of_memory(build);
    free(rows);
}

/* In a graph for use the training is described too, but may read averages in the parameters' place. */
static void check_objectives(const duet_build *build)
{
    char what[128];
    for (size_t p = build->options.mode == DUET_BUILD_TRAIN ? 0 : 1; p < build->procedure_count; p++)
        for (size_t i = 0; i < build->procedures[p].phase_count; i++) {
            const duet_phase_description *phase = &build->procedures[p].phases[i];
            snprintf(what, sizeof what, "minimise: the loss of phase \"%s\"", phase->name);
            for (size_t o = 0; o < phase->objective_count; o++)
                for (size_t g = 0; g < phase->objectives[o].group_count; g++) {
                    const duet_objective *objective = &phase->objectives[o];
                    duet_loss_check(objective->where, what, objective->loss, objective->groups[g]);
                }
        }
}

/* What is known of a node when parameters move. FREE: nothing. LINEAR: it goes wherever they do. STOPPED: a gradient of
 * such a node was stopped in it, so that beside another it may cancel that, as where a step passes its gradient on, in
 * whatever order it is written. */
typedef enum bond { FREE, STOPPED, LINEAR } bond;

static bool is_named(duet_node node, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(node->op->name, names[i]) == 0) return true;
    return false;
}

static bond bond_of(duet_node node, const bond *bonds)
{
    static const char *const sums[] = {"add", "subtract"}, *const products[] = {"multiply", "divide"},
                             *const linear[] = {"negate", "sum"}, *const stops[] = {"stop_gradient"};
    bond highest = FREE, last = FREE;
    size_t linears = 0, stopped = 0;
    for (size_t i = 0; i < node->input_count; i++) {
        last = bonds[node->inputs[i]->id];
        linears += last == LINEAR;
        stopped += last == STOPPED;
        highest = last > highest ? last : highest;
    }
    if (node->op->blocks_gradient) return highest > FREE && is_named(node, stops, 1) ? STOPPED : FREE;
    if (is_named(node, sums, 2)) return stopped > 0 ? STOPPED : highest;
    if (is_named(node, products, 2))
        return linears > 1 || (last == LINEAR && strcmp(node->op->name, "divide") == 0) ? FREE : highest;
    if (node->op->kind != DUET_OP_ELEMENTWISE && node->op->kind != DUET_OP_REDUCE) return highest;
    return is_named(node, linear, 2) ? highest : FREE;
}

/* Whether the target is linear in a parameter of the group, which can take it anywhere. `bonds`: room for one a node.
 */
static bool is_unbounded(const duet_build *build, duet_node target, const duet_group *group, bond *bonds)
{
    for (size_t id = 0; id <= target->id; id++) {
        duet_node node = duet_graph_at(build->graph, id);
        const duet_variable *variable = node->attributes.object;
        if (node->op == &duet_op_variable)
            bonds[id] = variable->optimised && variable->storage == group->storage ? LINEAR : FREE;
        else
            bonds[id] = bond_of(node, bonds);
    }
    return bonds[target->id] == LINEAR;
}

/* A loss for targets in [0, 1] falls without end where it may move its target: most often the arguments changed
 * places. */
static void check_target(const duet_build *build, const duet_unit_want *want, bool *reached, bond *bonds)
{
    duet_node loss = want->loss; /* in whatever shape and sign */
    while (loss->op->kind == DUET_OP_VIEW || strcmp(loss->op->name, "negate") == 0) loss = loss->inputs[0];
    const duet_procedure_description *train = &build->procedures[0];
    for (size_t i = 0; i < train->phase_count; i++)
        for (size_t o = 0; o < train->phases[i].objective_count; o++) {
            const duet_objective *objective = &train->phases[i].objectives[o];
            if (!duet_gradient_reaches(objective->loss, loss, NULL, reached)) continue;
            for (size_t g = 0; g < objective->group_count; g++)
                if (is_unbounded(build, want->node, objective->groups[g], bonds))
                    duet_graph_fail_at(want->where, build->graph,
                                       "%s: the target follows from parameters of the group \"%s\", which is moved to "
                                       "make the loss small, and nothing keeps it in [0, 1]: what a network says is "
                                       "the first argument, and the target comes behind it; a target that is itself "
                                       "learnt goes through duet_sigmoid or duet_softmax",
                                       want->what, objective->groups[g]->name);
        }
}

static void check_targets(const duet_build *build)
{
    const size_t nodes = duet_graph_count(build->graph);
    const duet_unit_want *want;
    if (build->options.mode != DUET_BUILD_TRAIN) return;
    bool *reached = calloc(nodes + 1, sizeof *reached);
    bond *bonds = calloc(nodes + 1, sizeof *bonds);
    const bool room = reached != NULL && bonds != NULL;
    for (size_t i = 0; room && (want = duet_graph_unit_want(build->graph, i)) != NULL; i++)
        check_target(build, want, reached, bonds);
    if (!room) out_of_memory(build);
    free(reached);
    free(bonds);
}

/* A training that moves nothing. */
static void check_training(const duet_model *model, const duet_build *build)
{
    const duet_procedure_description *train = &build->procedures[0];
    size_t changes = 0;
    if (build->options.mode != DUET_BUILD_TRAIN) return;
    for (size_t i = 0; i < train->phase_count; i++)
        changes += train->phases[i].objective_count + train->phases[i].assign_count;
    if (train->phase_count == 0)
        duet_graph_refuse(build->graph, DUET_ERROR_GRAPH, "the model \"%s\" has no phase: nothing would be trained",
                          model->family->name);
    else if (changes == 0)
        duet_graph_fail_at(train->phases[0].where, build->graph,
                           "no phase of the training minimises or assigns anything (duet_minimise): nothing would be "
                           "trained");
}

void duet_build_check(const duet_model *model, const duet_build *build)
{
    check_training(model, build);
    check_inputs(build);
    check_scratch(build);
    check_scratch_outputs(build);
    check_rows(build);
    duet_outputs_check(build);
    check_latent(build);
    check_objectives(build);
    check_targets(build);
}
