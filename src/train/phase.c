/* SPDX-License-Identifier: MIT */
/* A phase as nodes: its updates, counters, loss history and fault flag. All gradients of a phase are taken at the same
 * parameters, because a plan reads every variable's old value; after a loss or a gradient that is not finite nothing is
 * updated. What is made here belongs to the line that opened the phase: a model may assign to a counter as well. */
#include "train/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "duet/nn.h"
#include "duet/op.h"
#include "graph/node.h"
#include "nn/optimiser.h"
#include "op/where.h"

static const duet_initialiser zero = {DUET_INIT_CONSTANT, 0, 0, 0};

static duet_node scalar_state(duet_graph *graph, const char *name, duet_type type)
{
    return duet_working_state(graph, name, type, DUET_SCALAR_SHAPE, zero);
}

/* "trainer.kind.PHASE" */
static const char *phase_state_name(char name[64], const char *kind, const duet_phase_description *phase)
{
    snprintf(name, 64, "trainer.%s.%s", kind, phase->name);
    return name;
}

static bool is_reported(const duet_phase_description *phase, duet_node value)
{
    for (size_t i = 0; i < phase->report_count; i++)
        if (phase->reports[i].value == value) return true;
    return false;
}

/* A scalar that is not finite if the group's gradient is not, or if its squares overflow, which would spoil the
 * optimiser's moments. Where the gate is 0 the gradient is not used, so any will do: 0. */
static duet_node squared_norm(const duet_objective *objective, duet_group *group)
{
    duet_node gradient = duet_group_gradient_at(objective->where, group, objective->loss);
    duet_node squares = duet_sum_at(objective->where, duet_square_at(objective->where, gradient), DUET_ALL_AXES, false);
    if (objective->gate == NULL) return squares;
    duet_node rests = duet_constant(duet_node_graph(gradient), 0);
    return duet_select_at(objective->where, objective->gate, squares, rests);
}

static void add_watched(duet_schedule *schedule, duet_watched watched)
{
    if (duet_array_grow(&schedule->watched, schedule->watched_count, &schedule->watched_capacity,
                        sizeof *schedule->watched))
        schedule->watched[schedule->watched_count++] = watched;
    else
        duet_graph_refuse(schedule->build->graph, DUET_ERROR_MEMORY, "out of memory for a schedule");
}

/* Writes to `values` what the phase watches: its reports, the losses that are not among them, the gradients' norms.
 * Returns how many. */
static size_t watch(duet_schedule *schedule, const duet_phase_description *phase, duet_node *values)
{
    size_t count = 0;
    for (size_t i = 0; i < phase->report_count; i++) {
        if (phase->reports[i].value == NULL) continue; /* of an update, which is as finite as its gradient */
        add_watched(schedule, (duet_watched){phase->name, phase->reports[i].name, NULL});
        values[count++] = phase->reports[i].value;
    }
    for (size_t i = 0; i < phase->objective_count; i++) {
        if (is_reported(phase, phase->objectives[i].loss)) continue;
        add_watched(schedule, (duet_watched){phase->name, NULL, NULL});
        values[count++] = phase->objectives[i].loss;
    }
    for (size_t i = 0; i < phase->objective_count; i++)
        for (size_t g = 0; g < phase->objectives[i].group_count; g++) {
            duet_group *group = phase->objectives[i].groups[g];
            add_watched(schedule, (duet_watched){phase->name, NULL, duet_group_name(group)});
            values[count++] = squared_norm(&phase->objectives[i], group);
        }
    return count;
}

/* The most values that watch() writes. */
static size_t most_watched(const duet_phase_description *phase)
{
    size_t count = phase->report_count + phase->objective_count;
    for (size_t i = 0; i < phase->objective_count; i++) count += phase->objectives[i].group_count;
    return count;
}

/* Updates the fault flag, 0 or 1 + the index in schedule->watched of the first value that was not finite (`first` is
 * the index of values[0]), and the step at which that was. Returns `allowed`: 1 while there is no fault, else 0. */
static duet_node watch_faults(const char *where, const duet_schedule *schedule, size_t first, const duet_node *values,
                              size_t count, duet_node *roots, size_t *root_count)
{
    duet_graph *graph = schedule->build->graph;
    duet_node term = scalar_state(graph, "trainer.fault_term", DUET_FLOAT32);
    duet_node step = scalar_state(graph, "trainer.fault_step", DUET_UINT32);
    duet_node none = duet_constant(graph, 0), found = none;
    for (size_t i = count; i-- > 0;)
        found = duet_select(duet_is_finite(duet_reshape(values[i], DUET_SCALAR_SHAPE)), found,
                            duet_constant(graph, (double)(first + i + 1)));
    duet_node sound = duet_equal(term, none);
    duet_node new_term = duet_select(sound, found, term);
    roots[(*root_count)++] = duet_assign(term, new_term);
    roots[(*root_count)++] = duet_assign(step, duet_select(sound, schedule->build->step, step));
    return duet_equal(new_term, none);
}

/* The sum of the rows of one step, for phases that the history is too short for, by Kahan's method: its error does not
 * grow with their number. A checkpoint lies between steps, and holds of these states the last step's sum,
 * which may be still to be told. */
static void sum_reports(const duet_build *build, const duet_scheduled_phase *phase, duet_node row, duet_node *roots,
                        size_t *root_count)
{
    const char *where = phase->description->where;
    duet_graph *graph = build->graph;
    duet_shape shape = duet_node_shape(row);
    char name[64];
    duet_node turn = scalar_state(graph, phase_state_name(name, "turn", phase->description), DUET_FLOAT32);
    duet_node sum =
        duet_working_state(graph, phase_state_name(name, "sum", phase->description), DUET_FLOAT32, shape, zero);
    duet_node lost =
        duet_working_state(graph, phase_state_name(name, "lost", phase->description), DUET_FLOAT32, shape, zero);
    static const char *const own[] = {"turn", "sum", "lost"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        duet_variable *variable =
            duet_store_find(duet_graph_working_store(graph), phase_state_name(name, own[i], phase->description));
        if (variable == NULL) continue;
        variable->saved = strcmp(own[i], "sum") == 0;
        variable->may_miss = true;
    }
    duet_node none = duet_constant(graph, 0), next = duet_shift(turn, 1);
    duet_node goes_on = duet_not_equal(turn, none),
              ends = duet_equal(next, duet_constant(graph, (double)phase->repeats));
    duet_node before = duet_select(goes_on, sum, none), fresh = duet_subtract(row, duet_select(goes_on, lost, none));
    duet_node after = duet_watch(duet_add(before, fresh));
    roots[(*root_count)++] = duet_assign(sum, after);
    roots[(*root_count)++] = duet_assign(lost, duet_subtract(duet_subtract(after, before), fresh));
    roots[(*root_count)++] = duet_assign(turn, duet_select(ends, none, next));
}

/* `norms`: how far the update of each report's group goes, where it reports that. */
static void remember_reports(const duet_build *build, const duet_scheduled_phase *scheduled, const duet_node *norms,
                             duet_node *roots, size_t *root_count)
{
    const duet_phase_description *phase = scheduled->description;
    if (phase->report_count == 0) return;
    const char *where = phase->where;
    char name[64];
    duet_node *row = calloc(phase->report_count, sizeof *row);
    if (row == NULL) {
        duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a schedule");
        return;
    }
    for (size_t i = 0; i < phase->report_count; i++) {
        duet_node value = phase->reports[i].group != NULL ? norms[i] : phase->reports[i].value;
        if (value == NULL) value = duet_constant(build->graph, 0); /* of an update that is a mistake */
        row[i] = duet_reshape(value, DUET_SHAPE(1));
    }
    duet_node history = duet_working_state(build->graph, phase_state_name(name, "history", phase), DUET_FLOAT32,
                                           DUET_SHAPE(DUET_HISTORY_ROWS, phase->report_count), zero);
    duet_node replays = scalar_state(build->graph, phase_state_name(name, "replays", phase), DUET_UINT32);
    duet_node joined = duet_concat(row, phase->report_count, 0);
    free(row);
    roots[(*root_count)++] = duet_assign(history, duet_with_row(history, replays, joined));
    roots[(*root_count)++] = duet_assign(replays, duet_increment(replays));
    if (scheduled->repeats > DUET_HISTORY_ROWS) sum_reports(build, scheduled, joined, roots, root_count);
}

/* Updates the states of the layers that the phase runs: those that its reports, losses, gates or assigned values depend
 * on. `needed` holds the `count` watched values and has room for the gates and assigned values. */
static size_t update_states(const duet_phase_description *phase, duet_node *needed, size_t count, duet_node allowed,
                            duet_node *roots, size_t room)
{
    const char *where = phase->where;
    for (size_t i = 0; i < phase->objective_count; i++)
        if (phase->objectives[i].gate != NULL) needed[count++] = phase->objectives[i].gate;
    for (size_t i = 0; i < phase->assign_count; i++) needed[count++] = phase->assigns[i].value;
    return duet_state_updates(needed, count, allowed, roots, room);
}

static size_t count_followers(const duet_graph *graph)
{
    size_t count = 0;
    while (duet_graph_follower(graph, count) != NULL) count++;
    return count;
}

enum { UPDATE_ROOTS = 8, OWN_ROOTS = 12 }; /* of each group's update; of fault flag, history and counters */

size_t duet_phase_room(const duet_schedule *schedule, size_t index)
{
    const duet_phase_description *phase = schedule->phases[index].description;
    return UPDATE_ROOTS * most_watched(phase) + phase->assign_count + count_followers(schedule->build->graph) +
           OWN_ROOTS;
}

static size_t update_groups(const duet_schedule *schedule, const duet_phase_description *phase, duet_node allowed,
                            duet_node *norms, duet_node *roots)
{
    size_t made = 0;
    for (size_t i = 0; i < phase->objective_count; i++) {
        const duet_objective *objective = &phase->objectives[i];
        for (size_t g = 0; g < objective->group_count; g++) {
            duet_group *group = objective->groups[g];
            const duet_optimiser by_settings = duet_model_optimiser(schedule->model, duet_group_name(group));
            if (!phase->has_optimiser) duet_model_mark_optimiser(schedule->model, duet_group_name(group));
            duet_optimiser optimiser = phase->has_optimiser ? phase->optimiser : by_settings;
            if (group->store == schedule->model->store &&
                optimiser.average == 0) { /* kept whichever optimiser moves it */
                optimiser.average = by_settings.average;
                optimiser.average_warm_up = by_settings.average_warm_up;
            }
            if (phase->owns_moments) optimiser.name = phase->name;
            duet_node *norm = NULL;
            for (size_t r = 0; r < phase->report_count; r++)
                if (phase->reports[r].group == group) norm = &norms[r];
            made += duet_update_measured_at(objective->where, group, &optimiser, objective->loss, objective->gate,
                                            allowed, roots + made, norm);
        }
    }
    return made;
}

size_t duet_phase_roots(duet_schedule *schedule, size_t index, duet_node *roots)
{
    const duet_build *build = schedule->build;
    const duet_phase_description *phase = schedule->phases[index].description;
    const char *where = phase->where;
    size_t first = schedule->watched_count, made = 0;
    size_t room = most_watched(phase) + phase->objective_count + phase->assign_count + 1;
    duet_node *values = calloc(room + phase->report_count, sizeof(duet_node)), *norms = values + room;
    if (values == NULL) {
        duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a schedule");
        return 0;
    }
    size_t watched = watch(schedule, phase, values);
    duet_node allowed = NULL;
    if (watched > 0) allowed = watch_faults(where, schedule, first, values, watched, roots, &made);
    made += update_groups(schedule, phase, allowed, norms, roots + made);
    for (size_t i = 0; i < phase->assign_count; i++) {
        const duet_assignment *it = &phase->assigns[i];
        duet_node value = it->value;
        if (allowed != NULL) value = duet_select_at(it->where, allowed, value, it->target);
        roots[made++] = duet_assign_at(it->where, it->target, value);
    }
    made += update_states(phase, values, watched, allowed, roots + made, count_followers(build->graph));
    remember_reports(build, &schedule->phases[index], norms, roots, &made);
    free(values);
    duet_node clock = duet_clock(build->graph);
    roots[made++] = duet_assign(clock, duet_increment(clock));
    if (phase->draws) roots[made++] = duet_assign(build->draws, duet_increment(build->draws));
    return made;
}

void duet_phase_find_variables(duet_schedule *schedule)
{
    const duet_store *store = duet_graph_working_store(schedule->build->graph);
    char name[64];
    for (size_t i = 0; i < schedule->phase_count; i++) {
        duet_scheduled_phase *phase = &schedule->phases[i];
        phase->history = duet_store_find(store, phase_state_name(name, "history", phase->description));
        phase->replays = duet_store_find(store, phase_state_name(name, "replays", phase->description));
        if (phase->repeats > DUET_HISTORY_ROWS) /* the store may hold another trainer's */
            phase->sum = duet_store_find(store, phase_state_name(name, "sum", phase->description));
    }
    schedule->fault_term = duet_store_find(store, "trainer.fault_term");
    schedule->fault_step = duet_store_find(store, "trainer.fault_step");
}
