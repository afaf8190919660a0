/* SPDX-License-Identifier: MIT */
/* What a build function describes: procedures, their phases and outputs, and what each phase minimises, reports and
 * assigns. It is kept as data; nothing here runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "model/model.h"
#include "nn/optimiser.h"
#include "op/where.h"

static void out_of_memory(const duet_build *build)
{
    duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
}

/* The procedure that is being described. The pointer is valid until another procedure is opened. */
static duet_procedure_description *open_procedure(const duet_build *build)
{
    return &build->procedures[build->open];
}

/* The last phase of the open procedure. NULL if it has none: that is a mistake in the graph, which names `what`. */
static duet_phase_description *open_phase(const char *where, const duet_build *build, const char *what)
{
    duet_procedure_description *procedure = open_procedure(build);
    if (procedure->phase_count > 0) return &procedure->phases[procedure->phase_count - 1];
    duet_graph_fail(build->graph, "%s: open a phase first with duet_phase", what);
    return NULL;
}

static void take_name(const char *where, duet_graph *graph, const char *what, const char *name, char kept[32])
{
    if (!duet_graph_takes_name(where, graph, what, name)) name = "unnamed"; /* the mistake is reported in its place */
    if (snprintf(kept, 32, "%s", name) >= 32)
        duet_graph_fail(graph, "%s \"%s\": a name has at most 31 characters", what, name);
}

void duet_procedure_at(const char *where, duet_model *model, const char *name)
{
    duet_build *build = model->build;
    if (name != NULL && duet_build_procedure(build, name) != NULL) {
        duet_graph_fail(build->graph, "procedure \"%s\": there is one of that name already", name);
        return;
    }
    if (!duet_array_grow(&build->procedures, build->procedure_count, &build->procedure_capacity,
                         sizeof *build->procedures)) {
        out_of_memory(build);
        return;
    }
    build->open = build->procedure_count++;
    take_name(where, build->graph, "procedure", name, build->procedures[build->open].name);
}

void duet_procedure_rounds_at(const char *where, duet_model *model, size_t rounds)
{
    duet_procedure_description *procedure = open_procedure(model->build);
    if (model->build->open == 0 || rounds == 0)
        duet_graph_fail(model->build->graph, "procedure \"%s\": %s", procedure->name,
                        rounds == 0 ? "0 rounds run no phase" : "a step of training is one round");
    procedure->rounds = rounds;
}

void duet_phase_at(const char *where, duet_model *model, const char *name, size_t repeats)
{
    duet_build *build = model->build;
    duet_procedure_description *procedure = open_procedure(build);
    if (!duet_array_grow(&procedure->phases, procedure->phase_count, &procedure->phase_capacity,
                         sizeof *procedure->phases)) {
        out_of_memory(build);
        return;
    }
    duet_phase_description *phase = &procedure->phases[procedure->phase_count];
    take_name(where, build->graph, "phase", name, phase->name);
    for (size_t i = 0; i < procedure->phase_count; i++)
        if (strcmp(procedure->phases[i].name, phase->name) == 0)
            duet_graph_fail(build->graph, "phase \"%s\": there is one of that name already", phase->name);
    procedure->phase_count++;
    phase->where = where;
    phase->repeats = repeats;
    phase->every = 1;
}

void duet_phase_every_at(const char *where, duet_model *model, size_t steps)
{
    duet_phase_description *phase = open_phase(where, model->build, "phase_every");
    if (phase == NULL) return;
    if (phase->shares)
        duet_graph_fail(model->build->graph, "phase \"%s\" shares a batch: it runs in every step", phase->name);
    if (steps == 0) duet_graph_fail(model->build->graph, "phase \"%s\": every 0th step is none", phase->name);
    phase->every = steps > 0 ? steps : 1;
}

void duet_phase_share_batch_at(const char *where, duet_model *model)
{
    duet_procedure_description *procedure = open_procedure(model->build);
    duet_phase_description *phase = open_phase(where, model->build, "phase_share_batch");
    if (phase == NULL) return;
    const duet_phase_description *before = procedure->phase_count > 1 ? phase - 1 : NULL;
    phase->shares = before != NULL;
    if (before == NULL || before->repeats != 1 || before->every != 1 || phase->every != 1)
        duet_graph_fail(model->build->graph,
                        "phase \"%s\" shares the batch of the phase before it, which must be replayed once a step",
                        phase->name);
}

void duet_phase_optimiser_at(const char *where, duet_model *model, const duet_optimiser *optimiser)
{
    duet_phase_description *phase = open_phase(where, model->build, "phase_optimiser");
    char wrong[128];
    if (phase == NULL) return;
    if (duet_optimiser_is_wrong(optimiser, wrong, sizeof wrong))
        duet_graph_fail(model->build->graph, "the optimiser of phase \"%s\": %s", phase->name, wrong);
    phase->has_optimiser = true;
    phase->optimiser = *optimiser;
}

void duet_phase_own_moments_at(const char *where, duet_model *model)
{
    duet_phase_description *phase = open_phase(where, model->build, "phase_own_moments");
    if (phase != NULL) phase->owns_moments = true;
}

/* Whether `value`, which a call has as its `what`, is a node of this graph; a mistake if not. */
static bool is_ours(const char *where, const duet_build *build, const char *what, duet_node value)
{
    if (value == NULL)
        duet_graph_fail(build->graph, "%s is NULL", what);
    else if (value->graph != build->graph)
        duet_graph_fail(build->graph, "%s belongs to another graph", what);
    return value != NULL && value->graph == build->graph && !duet_node_is_broken(value);
}

/* The same of a number. */
static bool is_number(const char *where, const duet_build *build, const char *what, duet_node value)
{
    char text[96];
    if (!is_ours(where, build, what, value)) return false;
    if (value->elements == 1 && value->type == DUET_FLOAT32) return true;
    duet_graph_fail(build->graph, "%s: a scalar is needed, float32, this is %s", what, duet_node_text(value, text));
    return false;
}

/* Whether the phase may move the group by one more objective. */
static bool may_move(const char *where, const duet_model *model, const duet_phase_description *phase,
                     const duet_group *group)
{
    duet_graph *graph = model->build->graph;
    bool known = group->store == model->store || group->store == model->build->scratch;
    if (!known) duet_graph_fail(graph, "minimise: the group \"%s\" belongs to another model", group->name);
    for (size_t o = 0; o < phase->objective_count; o++)
        for (size_t g = 0; g < phase->objectives[o].group_count; g++) {
            if (phase->objectives[o].groups[g] != group) continue;
            duet_graph_fail(graph,
                            "minimise: phase \"%s\" moves the group \"%s\" twice: add the losses, or open another "
                            "phase",
                            phase->name, group->name);
            known = false;
        }
    return known;
}

void duet_minimise_at(const char *where, duet_model *model, duet_node loss, duet_node gate, duet_group *const *groups)
{
    duet_build *build = model->build;
    duet_phase_description *phase = open_phase(where, build, "minimise");
    if (phase == NULL || !is_number(where, build, "minimise: the loss", loss)) return;
    if (gate != NULL && !is_number(where, build, "minimise: the gate", gate)) return;
    if (groups[0] == NULL) duet_graph_fail(build->graph, "minimise: no group is named, or the first one is NULL");
    if (!duet_array_grow(&phase->objectives, phase->objective_count, &phase->objective_capacity,
                         sizeof *phase->objectives)) {
        out_of_memory(build);
        return;
    }
    duet_objective *objective = &phase->objectives[phase->objective_count++];
    objective->where = where;
    objective->loss = loss;
    objective->gate = gate;
    for (size_t i = 0; groups[i] != NULL; i++) {
        if (!may_move(where, model, phase, groups[i])) continue;
        if (!duet_array_grow(&objective->groups, objective->group_count, &objective->group_capacity,
                             sizeof *objective->groups)) {
            out_of_memory(build);
            return;
        }
        objective->groups[objective->group_count++] = groups[i];
    }
}

/* Each becomes a key of a report's JSON object, beside those that every report has. */
bool duet_report_is_taken(const duet_procedure_description *procedure, const char *name)
{
    static const char *const taken[] = {"step", "epoch", "split", "seconds", "images_per_second", "health"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0) return true;
    for (size_t p = 0; p < procedure->phase_count; p++)
        for (size_t i = 0; i < procedure->phases[p].report_count; i++)
            if (strcmp(name, procedure->phases[p].reports[i].name) == 0) return true;
    return false;
}

void duet_report_at(const char *where, duet_model *model, const char *name, duet_node scalar)
{
    duet_build *build = model->build;
    char what[128];
    duet_phase_description *phase = open_phase(where, build, "report");
    if (!duet_graph_takes_name(where, build->graph, "report", name)) return;
    snprintf(what, sizeof what, "report \"%.100s\"", name);
    if (phase == NULL || !is_number(where, build, what, scalar)) return;
    if (duet_report_is_taken(open_procedure(build), name))
        duet_graph_fail(build->graph, "%s: the name is taken: give it another", what);
    if (!duet_array_grow(&phase->reports, phase->report_count, &phase->report_capacity, sizeof *phase->reports)) {
        out_of_memory(build);
        return;
    }
    phase->reports[phase->report_count++] = (duet_report_row){name, scalar, NULL};
}

void duet_phase_assign_at(const char *where, duet_model *model, duet_node state, duet_node value)
{
    duet_build *build = model->build;
    duet_phase_description *phase = open_phase(where, build, "assign");
    if (phase == NULL) return;
    if (!is_ours(where, build, "assign: the state", state) || !is_ours(where, build, "assign: the value", value))
        return;
    if (duet_node_is_broken(duet_assign(state, value))) return; /* which says what does not fit */
    if (!duet_array_grow(&phase->assigns, phase->assign_count, &phase->assign_capacity, sizeof *phase->assigns)) {
        out_of_memory(build);
        return;
    }
    phase->assigns[phase->assign_count++] = (duet_assignment){where, state, value};
}

/* Outputs. */

static void add_output(const char *where, duet_model *model, const char *name, duet_node value)
{
    duet_build *build = model->build;
    char what[128];
    snprintf(what, sizeof what, "output \"%.100s\"", name != NULL ? name : "");
    if (!duet_graph_takes_name(where, build->graph, "output", name) || !is_ours(where, build, what, value)) return;
    duet_output_check(where, model, name, value);
    duet_procedure_description *procedure = open_procedure(build);
    duet_node known;
    if (duet_build_find_output(build, name, &known) != NULL)
        duet_graph_fail(build->graph, "output \"%s\": there is one of that name already", name);
    else if (!duet_array_grow(&procedure->outputs, procedure->output_count, &procedure->output_capacity,
                              sizeof *procedure->outputs))
        out_of_memory(build);
    else
        procedure->outputs[procedure->output_count++] = (duet_output_row){name, where, value};
}

void duet_output_at(const char *where, duet_model *model, const char *name, duet_node value)
{
    char names[256] = "";
    const char *known;
    if (duet_output_is_standard(name)) {
        add_output(where, model, name, value);
        return;
    }
    if (!duet_graph_takes_name(where, model->build->graph, "output", name)) return;
    for (size_t i = 0; (known = duet_standard_output(i)) != NULL; i++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, " %s", known);
    }
    duet_graph_fail(model->build->graph,
                    "output \"%s\" is none of the standard ones (%s): name the model's own by duet_own_output", name,
                    names + 1);
}

void duet_own_output_at(const char *where, duet_model *model, const char *name, duet_node value)
{
    if (duet_output_is_standard(name))
        duet_graph_fail(model->build->graph, "output \"%s\" is a standard one: give it by duet_output", name);
    else
        add_output(where, model, name, value);
}

const duet_procedure_description *duet_build_find_output(const duet_build *build, const char *name, duet_node *value)
{
    for (size_t p = 0; p < build->procedure_count; p++)
        for (size_t i = 0; i < build->procedures[p].output_count; i++)
            if (strcmp(build->procedures[p].outputs[i].name, name) == 0) {
                *value = build->procedures[p].outputs[i].value;
                return &build->procedures[p];
            }
    *value = NULL;
    return NULL;
}

duet_node duet_build_output(const duet_build *build, const char *name)
{
    duet_node value;
    (void)duet_build_find_output(build, name, &value);
    return value;
}

const duet_procedure_description *duet_build_procedure(const duet_build *build, const char *name)
{
    for (size_t i = 0; i < build->procedure_count; i++)
        if (strcmp(build->procedures[i].name, name) == 0) return &build->procedures[i];
    return NULL;
}
