/* SPDX-License-Identifier: MIT */
/* A step explained: what each phase minimises, updates, reports and assigns, in the model's own names, and its plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duet/nn.h"
#include "graph/node.h"
#include "plan/explain.h"
#include "train/trainer.h"

enum { LONGEST = 96 };

/* Names of the model's values, by which the expressions of a phase are spelt out. */
typedef struct vocabulary {
    duet_node_name *rows;
    size_t count, room;
    char (*texts)[LONGEST];
    size_t text_count;
} vocabulary;

static void add_name(vocabulary *known, duet_node node, const char *name)
{
    if (node != NULL && known->count < known->room) known->rows[known->count++] = (duet_node_name){node, name};
}

static void add_losses(vocabulary *known, const duet_phase_description *phase)
{
    for (size_t i = 0; i < phase->objective_count; i++) {
        char *text = known->texts[known->text_count++];
        if (phase->objective_count == 1)
            snprintf(text, LONGEST, "loss");
        else
            snprintf(text, LONGEST, "loss %zu", i + 1);
        add_name(known, phase->objectives[i].loss, text);
    }
}

/* An output has a row an example. If a report has the same name, that is its mean, and the output is "each NAME". */
static void add_outputs(vocabulary *known, const duet_build *build, const duet_phase_description *phase)
{
    for (size_t i = 0; i < build->procedures[0].output_count; i++) {
        const duet_output_row *output = &build->procedures[0].outputs[i];
        if (output->value == NULL || output->value->op->kind == DUET_OP_VARIABLE) continue;
        char *text = known->texts[known->text_count++];
        bool reported = false;
        for (size_t j = 0; j < phase->report_count; j++) reported |= strcmp(phase->reports[j].name, output->name) == 0;
        snprintf(text, LONGEST, "%s%.80s", reported ? "each " : "", output->name);
        add_name(known, output->value, text);
    }
}

/* Room for all names of a phase; false if memory is short. */
static bool open_vocabulary(vocabulary *known, const duet_build *build, const duet_phase_description *phase)
{
    size_t texts = build->procedures[0].output_count + (phase == NULL ? 0 : phase->objective_count);
    *known = (vocabulary){.room = 1 + texts + (phase == NULL ? 0 : phase->report_count)};
    known->rows = calloc(known->room, sizeof *known->rows);
    known->texts = calloc(texts + 1, sizeof *known->texts);
    return known->rows != NULL && known->texts != NULL;
}

static void close_vocabulary(vocabulary *known)
{
    free(known->rows);
    free(known->texts);
}

static void learn(vocabulary *known, const duet_build *build, const duet_phase_description *phase)
{
    if (phase == NULL) return;
    for (size_t i = 0; i < phase->report_count; i++)
        if (phase->reports[i].value != NULL) add_name(known, phase->reports[i].value, phase->reports[i].name);
    add_losses(known, phase);
    add_name(known, build->batch, "batch");
    add_outputs(known, build, phase);
}

static const char *find_name(const void *context, duet_node node)
{
    const vocabulary *known = context;
    for (size_t i = 0; i < known->count; i++)
        if (duet_node_in_memory(known->rows[i].node) == node) return known->rows[i].name;
    return NULL;
}

static void say(const vocabulary *known, duet_node node, char text[DUET_EXPLAINED_WORDS])
{
    duet_node_words(node, find_name, known, text, DUET_EXPLAINED_WORDS);
}

/* The name under which the phase reports the value, if it does; else the value spelt out. */
static void say_or_name(const vocabulary *known, const duet_phase_description *phase, duet_node node,
                        char text[DUET_EXPLAINED_WORDS])
{
    say(known, node, text);
    for (size_t i = 0; i < phase->report_count; i++)
        if (phase->reports[i].value == node) snprintf(text, DUET_EXPLAINED_WORDS, "%s", phase->reports[i].name);
}

static void explain_updates(duet_explained_phase *phase, const duet_phase_description *from, const vocabulary *known)
{
    for (size_t i = 0; i < from->objective_count; i++)
        for (size_t g = 0; g < from->objectives[i].group_count; g++) {
            const duet_objective *objective = &from->objectives[i];
            duet_explained_update *update = &phase->updates[phase->update_count++];
            update->group = duet_group_name(objective->groups[g]);
            update->parameters = duet_group_parameters(objective->groups[g]);
            update->states = duet_group_states(objective->groups[g]);
            say_or_name(known, from, objective->loss, update->loss);
            update->gated = objective->gate != NULL;
            if (update->gated) say_or_name(known, from, objective->gate, update->gate);
        }
}

static void explain_values(duet_explained_phase *phase, const duet_phase_description *from, const vocabulary *known)
{
    for (size_t i = 0; i < from->report_count; i++) {
        duet_explained_value *value = &phase->reports[phase->report_count++];
        value->name = from->reports[i].name;
        if (from->reports[i].value != NULL)
            say(known, from->reports[i].value, value->words);
        else
            snprintf(value->words, sizeof value->words, "norm of the update of %s",
                     duet_group_name(from->reports[i].group));
    }
    for (size_t i = 0; i < from->assign_count; i++) {
        duet_explained_value *value = &phase->assigns[phase->assign_count++];
        value->name = ((const duet_variable *)duet_node_in_memory(from->assigns[i].target)->attributes.object)->name;
        say_or_name(known, from, from->assigns[i].value, value->words);
    }
}

size_t duet_trainer_plan_count(const duet_trainer *trainer)
{
    return trainer->schedule.plan_count;
}

const duet_plan *duet_trainer_plan(const duet_trainer *trainer, size_t index)
{
    return index < trainer->schedule.plan_count ? trainer->schedule.plans[index] : NULL;
}

duet_optimiser duet_trainer_optimiser(const duet_trainer *trainer)
{
    return duet_model_optimiser(trainer->model, NULL);
}

static bool updates(const duet_phase_description *phase, const duet_group *group)
{
    for (size_t i = 0; i < phase->objective_count; i++)
        for (size_t g = 0; g < phase->objectives[i].group_count; g++)
            if (phase->objectives[i].groups[g] == group) return true;
    return false;
}

/* Whether the phase computes anything with the group's parameters; false, too, if memory is short. */
static bool reads(const duet_build *build, const duet_phase_description *phase, const duet_group *group)
{
    bool *depends = duet_build_dependents(build, NULL, 0), found = false;
    for (size_t id = 0; depends != NULL && id < duet_graph_count(build->graph); id++) {
        duet_node node = duet_graph_at(build->graph, id);
        const duet_variable *variable = node->op == &duet_op_variable ? node->attributes.object : NULL;
        depends[id] = variable != NULL && variable->storage == group->storage;
        for (size_t i = 0; i < node->input_count; i++) depends[id] |= depends[node->inputs[i]->id];
    }
    if (depends != NULL) found = duet_phase_depends(phase, depends);
    free(depends);
    return found;
}

/* Groups that the phase reads and leaves alone. */
static void explain_rests(duet_explained_phase *phase, const duet_trainer *trainer, const duet_phase_description *from)
{
    duet_group *group;
    for (size_t i = 0; (group = duet_store_group_at(trainer->model->store, i)) != NULL; i++)
        if (!updates(from, group) && reads(trainer->build, from, group))
            phase->rests[phase->rest_count++] = duet_group_name(group);
}

static size_t count_groups(const duet_store *store)
{
    size_t count = 0;
    while (duet_store_group_at(store, count) != NULL) count++;
    return count;
}

static bool make_room(duet_explained_phase *phase, const duet_store *store, const duet_phase_description *from)
{
    size_t updates = 0;
    for (size_t i = 0; i < from->objective_count; i++) updates += from->objectives[i].group_count;
    phase->updates = calloc(updates + 1, sizeof *phase->updates);
    phase->reports = calloc(from->report_count + 1, sizeof *phase->reports);
    phase->assigns = calloc(from->assign_count + 1, sizeof *phase->assigns);
    phase->rests = calloc(count_groups(store) + 1, sizeof *phase->rests);
    return phase->updates != NULL && phase->reports != NULL && phase->assigns != NULL && phase->rests != NULL;
}

static duet_status explain_phase(const duet_trainer *trainer, size_t index, vocabulary *known,
                                 duet_explained_phase *phase, duet_error *error)
{
    const duet_schedule *schedule = &trainer->schedule;
    const duet_phase_description *from = index < schedule->phase_count ? schedule->phases[index].description : NULL;
    if (!open_vocabulary(known, trainer->build, from) ||
        (from != NULL && !make_room(phase, trainer->model->store, from)))
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while explaining a step");
    learn(known, trainer->build, from);
    if (from != NULL) {
        phase->name = from->name;
        phase->repeats = schedule->phases[index].repeats;
        phase->every = from->every;
        phase->draws = from->draws;
        explain_updates(phase, from, known);
        explain_values(phase, from, known);
        explain_rests(phase, trainer, from);
    }
    return duet_plan_explain_named(schedule->plans[index], known->rows, known->count, &phase->plan, error);
}

duet_status duet_trainer_explain(const duet_trainer *trainer, size_t index, duet_explained_phase *phase,
                                 duet_error *error)
{
    vocabulary known;
    *phase = (duet_explained_phase){
        .name = "step", .repeats = 1, .every = 1, .only_counts = index >= trainer->schedule.phase_count};
    if (index >= trainer->schedule.plan_count)
        return duet_fail(error, DUET_ERROR_USAGE, "a step has %zu plan%s: there is none of number %zu",
                         trainer->schedule.plan_count, trainer->schedule.plan_count == 1 ? "" : "s", index);
    duet_status status = explain_phase(trainer, index, &known, phase, error);
    close_vocabulary(&known);
    if (status != DUET_OK) duet_explained_phase_free(phase);
    return status;
}

void duet_explained_phase_free(duet_explained_phase *phase)
{
    if (phase == NULL) return;
    free(phase->updates);
    free(phase->reports);
    free(phase->assigns);
    free((void *)phase->rests);
    duet_explanation_free(&phase->plan);
    *phase = (duet_explained_phase){0};
}
