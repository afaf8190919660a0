/* SPDX-License-Identifier: MIT */
/* Running a procedure: k repeats of a phase are k replays of its plan, and a pass is nothing but their launches. The
 * host waits only for replays that it enqueued some time ago, so that the device never runs dry. */
#include "train/schedule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/size.h"
#include "graph/node.h"
#include "plan/plan.h"

static duet_status fail_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a schedule");
}

static duet_status list_phases(duet_schedule *schedule, size_t batches, duet_error *error)
{
    const duet_procedure_description *procedure = schedule->procedure;
    schedule->phases = calloc(procedure->phase_count + 1, sizeof *schedule->phases);
    schedule->plans = calloc(procedure->phase_count + 1, sizeof *schedule->plans);
    if (schedule->phases == NULL || schedule->plans == NULL) return fail_memory(error);
    schedule->phase_count = procedure->phase_count;
    for (size_t i = 0; i < schedule->phase_count; i++) {
        const duet_phase_description *phase = &procedure->phases[i];
        schedule->phases[i].description = phase;
        schedule->phases[i].repeats = phase->repeats > 0 ? phase->repeats : batches;
    }
    return DUET_OK;
}

/* The names of the terms of all phases. */
static duet_status list_terms(duet_schedule *schedule, duet_error *error)
{
    for (size_t p = 0; p < schedule->phase_count; p++) {
        const duet_phase_description *phase = schedule->phases[p].description;
        for (size_t i = 0; i < phase->report_count; i++) {
            if (!duet_array_grow(&schedule->terms, schedule->term_count, &schedule->term_capacity,
                                 sizeof *schedule->terms))
                return fail_memory(error);
            schedule->terms[schedule->term_count++] = phase->reports[i].name;
        }
    }
    return DUET_OK;
}

/* For each plan its name, its roots and how many they are; `nodes` is the room for the roots. */
typedef struct plan_list {
    const char **names;
    duet_node *nodes;
    const duet_node **roots;
    size_t *counts;
} plan_list;

static bool list_new(plan_list *list, size_t plans, size_t nodes)
{
    list->names = calloc(plans, sizeof *list->names);
    list->nodes = calloc(nodes + 1, sizeof *list->nodes);
    list->roots = calloc(plans, sizeof *list->roots);
    list->counts = calloc(plans, sizeof *list->counts);
    return list->names != NULL && list->nodes != NULL && list->roots != NULL && list->counts != NULL;
}

static void list_free(plan_list *list)
{
    free(list->names);
    free(list->nodes);
    free(list->roots);
    free(list->counts);
}

/* Whether what ends a pass can be done by its last phase: assignments, and a phase that every pass runs once. */
static bool can_join(const duet_schedule *schedule, const duet_node *last, size_t last_count)
{
    if (schedule->phase_count == 0) return false;
    const duet_scheduled_phase *phase = &schedule->phases[schedule->phase_count - 1];
    bool joins = phase->repeats == 1 && phase->description->every == 1;
    for (size_t i = 0; i < last_count; i++) joins = joins && last[i]->op->kind == DUET_OP_ASSIGN;
    return joins;
}

static duet_status plan_all(duet_schedule *schedule, plan_list *list, const duet_node *last, size_t last_count,
                            duet_error *error)
{
    const bool joins = can_join(schedule, last, last_count);
    size_t plans = schedule->phase_count + (last_count > 0 && !joins), used = 0;
    for (size_t i = 0; i < schedule->phase_count; i++) {
        list->names[i] = schedule->phases[i].description->name;
        list->roots[i] = list->nodes + used;
        list->counts[i] = duet_phase_roots(schedule, i, list->nodes + used);
        used += list->counts[i];
    }
    for (size_t i = 0; i < last_count && joins; i++) {
        list->nodes[used + i] = last[i];
        list->counts[plans - 1]++;
    }
    if (last_count > 0 && !joins) {
        list->names[plans - 1] = schedule->phase_count == 0 ? schedule->procedure->name : "step";
        list->roots[plans - 1] = last;
        list->counts[plans - 1] = last_count;
    }
    DUET_TRY(
        duet_plan_new_many(schedule->plans, plans, schedule->device, list->names, list->roots, list->counts, error));
    schedule->plan_count = plans;
    return DUET_OK;
}

static duet_status make_plans(duet_schedule *schedule, const duet_node *last, size_t last_count, duet_error *error)
{
    plan_list list;
    size_t nodes = last_count;
    for (size_t i = 0; i < schedule->phase_count; i++) nodes += duet_phase_room(schedule, i);
    duet_status status = list_new(&list, schedule->phase_count + 1, nodes) ? DUET_OK : fail_memory(error);
    if (status == DUET_OK) status = plan_all(schedule, &list, last, last_count, error);
    list_free(&list);
    return status;
}

duet_status duet_schedule_make(duet_schedule *schedule, duet_device *device, const duet_model *model,
                               const duet_build *build, const duet_procedure_description *procedure, size_t batches,
                               const duet_node *last, size_t last_count, duet_error *error)
{
    size_t most = 1;
    *schedule = (duet_schedule){.device = device, .model = model, .build = build, .procedure = procedure};
    DUET_TRY(list_phases(schedule, batches, error));
    DUET_TRY(list_terms(schedule, error));
    DUET_TRY(make_plans(schedule, last, last_count, error));
    duet_phase_find_variables(schedule);
    for (size_t i = 0; i < schedule->phase_count; i++)
        if (schedule->phases[i].description->report_count > most) most = schedule->phases[i].description->report_count;
    schedule->rows = malloc(DUET_HISTORY_ROWS * most * sizeof *schedule->rows);
    return schedule->rows == NULL ? fail_memory(error) : DUET_OK;
}

void duet_schedule_clear(duet_schedule *schedule)
{
    for (size_t i = 0; i < DUET_QUEUED; i++) (void)duet_event_wait(&schedule->events[i], NULL);
    for (size_t i = 0; schedule->plans != NULL && i <= schedule->phase_count; i++) duet_plan_free(&schedule->plans[i]);
    free(schedule->phases);
    free(schedule->plans);
    free(schedule->watched);
    free(schedule->terms);
    free(schedule->rows);
    *schedule = (duet_schedule){0};
}

duet_status duet_schedule_enqueue(duet_schedule *schedule, size_t index, bool marks, duet_error *error)
{
    if (!marks) return duet_plan_enqueue(schedule->plans[index], NULL, error);
    cl_event *event = &schedule->events[schedule->marks % DUET_QUEUED];
    DUET_TRY(duet_event_wait(event, error));
    DUET_TRY(duet_plan_enqueue(schedule->plans[index], event, error));
    schedule->marks++;
    return DUET_OK;
}

duet_plan *duet_schedule_last(const duet_schedule *schedule)
{
    return schedule->plans[schedule->plan_count - 1];
}

uint64_t duet_schedule_replays(const duet_scheduled_phase *phase, uint64_t steps)
{
    uint64_t every = phase->description->every;
    return (steps / every + (steps % every != 0)) * phase->repeats;
}

uint64_t duet_schedule_remembers(const duet_schedule *schedule)
{
    size_t most = 1;
    for (size_t i = 0; i < schedule->phase_count; i++)
        if (schedule->phases[i].repeats > most) most = schedule->phases[i].repeats;
    return most < DUET_HISTORY_ROWS ? DUET_HISTORY_ROWS / most : 1;
}

duet_status duet_schedule_align(duet_schedule *schedule, uint64_t steps, duet_error *error)
{
    for (size_t i = 0; i < schedule->phase_count; i++) {
        duet_scheduled_phase *phase = &schedule->phases[i];
        uint32_t replays;
        if (phase->replays == NULL) continue;
        DUET_TRY(duet_variable_read(phase->replays, &replays, error));
        phase->ahead = (uint32_t)(replays - (uint32_t)duet_schedule_replays(phase, steps));
    }
    return DUET_OK;
}

/* Adds one phase's terms over its replays `first` to `last` - 1. */
static duet_status add_phase(duet_schedule *schedule, const duet_scheduled_phase *phase, uint64_t first, uint64_t last,
                             double *sums, uint64_t *counts, duet_error *error)
{
    size_t terms = phase->description->report_count;
    if (first == last) return DUET_OK;
    if (phase->sum != NULL) {
        DUET_TRY(duet_variable_read(phase->sum, schedule->rows, error));
        for (size_t i = 0; i < terms; i++) sums[i] += (double)schedule->rows[i];
        for (size_t i = 0; i < terms; i++) counts[i] += phase->repeats;
        return DUET_OK;
    }
    if (last - first > DUET_HISTORY_ROWS) first = last - DUET_HISTORY_ROWS;
    DUET_TRY(duet_variable_read(phase->history, schedule->rows, error));
    for (size_t i = 0; i < terms; i++) {
        for (uint64_t k = first; k < last; k++)
            sums[i] += (double)schedule->rows[(size_t)((k + phase->ahead) % DUET_HISTORY_ROWS) * terms + i];
        counts[i] += last - first;
    }
    return DUET_OK;
}

duet_status duet_schedule_add(duet_schedule *schedule, uint64_t from, uint64_t to, double *sums, uint64_t *counts,
                              duet_error *error)
{
    for (size_t i = 0; i < schedule->phase_count; i++) {
        const duet_scheduled_phase *phase = &schedule->phases[i];
        if (phase->history == NULL) continue;
        DUET_TRY(add_phase(schedule, phase, duet_schedule_replays(phase, from), duet_schedule_replays(phase, to), sums,
                           counts, error));
        sums += phase->description->report_count;
        counts += phase->description->report_count;
    }
    return DUET_OK;
}

/* Whether a fault is of numbers that no update of its step has touched: those that the step began with give it. */
static bool is_before_updates(const duet_schedule *schedule, const duet_watched *watched)
{
    const duet_scheduled_phase *first = &schedule->phases[0];
    return first->repeats == 1 && strcmp(watched->phase, first->description->name) == 0;
}

static const double largest_squared = 1e18; /* such squares, and some hundred of them added up, are float32s */
enum { REMEDY_SIZE = 240 };

/* The greatest size of a number that is learnt from. */
static double greatest(const duet_schedule *schedule)
{
    const duet_data_info *info = duet_data_describe(schedule->model->data);
    return fmax(fabs((double)info->low[DUET_TRAIN]), fabs((double)info->high[DUET_TRAIN]));
}

/* What may help after a fault of the training. Numbers that this training began with no rate of its own has made. */
static void find_remedy(const duet_schedule *schedule, char words[REMEDY_SIZE])
{
    if (schedule->fault_is_of_data)
        (void)snprintf(words, REMEDY_SIZE,
                       "The training examples hold a number of size %g, whose squares no float32 can add up, so no "
                       "learning rate changes that: 'duet data' says where such numbers lie",
                       greatest(schedule));
    else if (!schedule->fault_is_early || schedule->fault_at > schedule->first)
        (void)snprintf(words, REMEDY_SIZE, "A smaller learning rate (lr) or clip_norm may help");
    else
        (void)snprintf(words, REMEDY_SIZE, "%s",
                       schedule->fault_at == 0
                           ? "Nothing had been learnt yet, so no learning rate changes that: it comes of the data's "
                             "values and the settings"
                           : "It comes of the parameters that the training went on with, so no learning rate changes "
                             "that: one of its own, trained anew with a smaller rate (lr) or clip_norm, may not come "
                             "to them");
}

duet_status duet_schedule_check(duet_schedule *schedule, duet_error *error)
{
    float term;
    uint32_t step;
    if (schedule->fault_term == NULL) return DUET_OK;
    DUET_TRY(duet_variable_read(schedule->fault_term, &term, error));
    if (term == 0) return DUET_OK;
    DUET_TRY(duet_variable_read(schedule->fault_step, &step, error));
    size_t index = (size_t)term - 1;
    if (!(term >= 1) || index >= schedule->watched_count)
        return duet_fail(error, DUET_ERROR_NUMERIC, "the fault flag holds %g, which no term has", (double)term);
    const duet_watched *watched = &schedule->watched[index];
    const char *what = watched->report != NULL ? "the term" : watched->group != NULL ? "the gradient of" : "the loss";
    const char *name = watched->report != NULL ? watched->report : watched->group, *quote = name != NULL ? "\"" : "";
    if (schedule->procedure != &schedule->build->procedures[0])
        return duet_fail(error, DUET_ERROR_NUMERIC,
                         "procedure \"%s\": %s%s%s%s%s of phase \"%s\" is not a finite number for some row of a batch",
                         schedule->procedure->name, what, name != NULL ? " " : "", quote, name != NULL ? name : "",
                         quote, watched->phase);
    schedule->fault_at = step;
    schedule->fault_is_early = is_before_updates(schedule, watched);
    schedule->fault_is_of_data = greatest(schedule) > largest_squared;
    char remedy[REMEDY_SIZE];
    find_remedy(schedule, remedy);
    return duet_fail(error, DUET_ERROR_NUMERIC,
                     "step %llu: %s%s%s%s%s of phase \"%s\" is not a finite number; parameters are as they were before "
                     "it. %s",
                     (unsigned long long)step + 1, what, name != NULL ? " " : "", quote, name != NULL ? name : "",
                     quote, watched->phase, remedy);
}
