/* A step explained: what each phase minimises, updates, reports and assigns, in the model's own names, and its plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duet/nn.h"
#include "graph/node.h"
#include "plan/explain.h"
#include "train/trainer.h"

enum { MOST_NAMES = 2 + DUET_MAX_REPORTS * DUET_MAX_PHASES + DUET_MAX_OBJECTIVES + DUET_MAX_OUTPUTS, LONGEST = 96 };

/* What the model's own values are called in the words of a phase. */
typedef struct vocabulary {
    duet_node_name rows[MOST_NAMES];
    size_t count;
    char texts[DUET_MAX_OBJECTIVES + DUET_MAX_OUTPUTS][LONGEST];
    size_t text_count;
} vocabulary;

static void add_name(vocabulary *known, duet_node node, const char *name)
{
    if (node != NULL && known->count < MOST_NAMES) known->rows[known->count++] = (duet_node_name){node, name};
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

/* An output has a row an example; a report of the same name is its mean. */
static void add_outputs(vocabulary *known, const duet_build *build, const duet_phase_description *phase)
{
    for (size_t i = 0; i < build->output_count; i++) {
        const duet_output_row *output = &build->outputs[i];
        if (output->value == NULL || output->value->op->kind == DUET_OP_VARIABLE) continue;
        char *text = known->texts[known->text_count++];
        bool reported = false;
        for (size_t j = 0; j < phase->report_count; j++) reported |= strcmp(phase->reports[j].name, output->name) == 0;
        snprintf(text, LONGEST, "%s%.80s", reported ? "each " : "", output->name);
        add_name(known, output->value, text);
    }
}

static void learn(vocabulary *known, const duet_build *build, const duet_phase_description *phase)
{
    *known = (vocabulary){.count = 0};
    if (phase == NULL) return;
    for (size_t i = 0; i < phase->report_count; i++) add_name(known, phase->reports[i].value, phase->reports[i].name);
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

/* By the name under which the phase reports it, if it does. */
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
        say(known, from->reports[i].value, value->words);
    }
    for (size_t i = 0; i < from->assign_count; i++) {
        duet_explained_value *value = &phase->assigns[phase->assign_count++];
        value->name = ((const duet_variable *)duet_node_in_memory(from->assign_targets[i])->attributes.object)->name;
        say_or_name(known, from, from->assign_values[i], value->words);
    }
}

size_t duet_trainer_plan_count(const duet_trainer *trainer)
{
    return trainer->phase_count + 1;
}

const duet_plan *duet_trainer_plan(const duet_trainer *trainer, size_t index)
{
    return index <= trainer->phase_count ? trainer->plans[index] : NULL;
}

duet_optimiser duet_trainer_optimiser(const duet_trainer *trainer)
{
    return duet_model_optimiser(trainer->model);
}

static bool make_room(duet_explained_phase *phase, const duet_phase_description *from)
{
    size_t updates = 0;
    for (size_t i = 0; i < from->objective_count; i++) updates += from->objectives[i].group_count;
    phase->updates = calloc(updates + 1, sizeof *phase->updates);
    phase->reports = calloc(from->report_count + 1, sizeof *phase->reports);
    phase->assigns = calloc(from->assign_count + 1, sizeof *phase->assigns);
    return phase->updates != NULL && phase->reports != NULL && phase->assigns != NULL;
}

duet_status duet_trainer_explain(const duet_trainer *trainer, size_t index, duet_explained_phase *phase,
                                 duet_error *error)
{
    *phase = (duet_explained_phase){.name = "step", .repeats = 1};
    if (index > trainer->phase_count)
        return duet_fail(error, DUET_ERROR_USAGE, "a step has %zu plans: there is none of number %zu",
                         trainer->phase_count + 1, index);
    vocabulary *known = malloc(sizeof *known);
    if (known == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory while explaining a step");
    const duet_phase_description *from = index < trainer->phase_count ? trainer->phases[index].description : NULL;
    duet_status status = DUET_OK;
    learn(known, trainer->build, from);
    if (from != NULL) {
        phase->name = from->name;
        phase->repeats = trainer->phases[index].repeats;
        phase->draws = from->draws;
        if (!make_room(phase, from))
            status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory while explaining a step");
    }
    if (from != NULL && status == DUET_OK) {
        explain_updates(phase, from, known);
        explain_values(phase, from, known);
    }
    if (status == DUET_OK)
        status = duet_plan_explain_named(trainer->plans[index], known->rows, known->count, &phase->plan, error);
    free(known);
    if (status != DUET_OK) duet_explained_phase_free(phase);
    return status;
}

void duet_explained_phase_free(duet_explained_phase *phase)
{
    if (phase == NULL) return;
    free(phase->updates);
    free(phase->reports);
    free(phase->assigns);
    duet_explanation_free(&phase->plan);
    *phase = (duet_explained_phase){0};
}
