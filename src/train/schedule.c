/* A phase as nodes: its updates, counters, loss history and fault flag. All gradients of a phase are taken at the same
 * parameters, because a plan reads every variable's old value; after a loss or a gradient that is not finite nothing is
 * updated. */
#include <stdio.h>

#include "duet/nn.h"
#include "duet/op.h"
#include "nn/optimiser.h"
#include "train/trainer.h"

static const duet_initialiser zero = {DUET_INIT_CONSTANT, 0, 0, 0};

static duet_node scalar_state(duet_graph *graph, const char *name, duet_type type)
{
    return duet_state(graph, name, type, DUET_SCALAR_SHAPE, zero);
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

/* A number that is finite if the group's gradient is; a gate that rests the update lets any gradient pass. Infinite too
 * where only the squares overflow, which would spoil the optimiser's moments. */
static duet_node squared_norm(const duet_objective *objective, duet_group *group)
{
    duet_node gradient = duet_group_gradient_at(objective->where, group, objective->loss);
    duet_node squares = duet_sum_at(objective->where, duet_square_at(objective->where, gradient), DUET_ALL_AXES, false);
    if (objective->gate == NULL) return squares;
    duet_node rests = duet_constant(duet_node_graph(gradient), 0);
    return duet_select_at(objective->where, objective->gate, squares, rests);
}

/* Lists what the phase watches: its reports, the losses that are not among them, the gradients. Returns how many. */
static size_t watch(duet_trainer *trainer, const duet_phase_description *phase, duet_node *values)
{
    size_t count = 0;
    for (size_t i = 0; i < phase->report_count; i++) {
        trainer->watched[trainer->watched_count++] = (duet_watched){phase->name, phase->reports[i].name, NULL};
        values[count++] = phase->reports[i].value;
    }
    for (size_t i = 0; i < phase->objective_count; i++) {
        if (is_reported(phase, phase->objectives[i].loss)) continue;
        trainer->watched[trainer->watched_count++] = (duet_watched){phase->name, NULL, NULL};
        values[count++] = phase->objectives[i].loss;
    }
    for (size_t i = 0; i < phase->objective_count; i++)
        for (size_t g = 0; g < phase->objectives[i].group_count; g++) {
            duet_group *group = phase->objectives[i].groups[g];
            trainer->watched[trainer->watched_count++] = (duet_watched){phase->name, NULL, duet_group_name(group)};
            values[count++] = squared_norm(&phase->objectives[i], group);
        }
    return count;
}

/* The fault flag: 0, or 1 + the number of the first watched value that was not finite. Returns `allowed`, 1 as long as
 * there is none. The step beside it runs along until then. */
static duet_node watch_faults(duet_trainer *trainer, size_t first, const duet_node *values, size_t count,
                              duet_node *roots, size_t *root_count)
{
    duet_graph *graph = trainer->build->graph;
    duet_node term = scalar_state(graph, "trainer.fault_term", DUET_FLOAT32);
    duet_node step = scalar_state(graph, "trainer.fault_step", DUET_UINT32);
    duet_node none = duet_constant(graph, 0), found = none;
    for (size_t i = count; i-- > 0;)
        found = duet_select(duet_is_finite(duet_reshape(values[i], DUET_SCALAR_SHAPE)), found,
                            duet_constant(graph, (double)(first + i + 1)));
    duet_node sound = duet_equal(term, none);
    duet_node new_term = duet_select(sound, found, term);
    roots[(*root_count)++] = duet_assign(term, new_term);
    roots[(*root_count)++] = duet_assign(step, duet_select(sound, trainer->build->step, step));
    return duet_equal(new_term, none);
}

static void remember_reports(const duet_build *build, const duet_phase_description *phase, duet_node *roots,
                             size_t *root_count)
{
    if (phase->report_count == 0) return;
    char name[64];
    duet_node row[DUET_MAX_REPORTS];
    for (size_t i = 0; i < phase->report_count; i++) row[i] = duet_reshape(phase->reports[i].value, DUET_SHAPE(1));
    duet_node history = duet_state(build->graph, phase_state_name(name, "history", phase), DUET_FLOAT32,
                                   DUET_SHAPE(DUET_HISTORY_ROWS, phase->report_count), zero);
    duet_node replays = scalar_state(build->graph, phase_state_name(name, "replays", phase), DUET_UINT32);
    duet_node joined = duet_concat(row, phase->report_count, 0);
    roots[(*root_count)++] = duet_assign(history, duet_with_row(history, replays, joined));
    roots[(*root_count)++] = duet_assign(replays, duet_increment(replays));
}

/* The layers that the phase runs learn from what passes through them: what its reports, losses, gates and assigned
 * values are made of is run. */
static size_t update_states(const duet_phase_description *phase, const duet_node *values, size_t count,
                            duet_node allowed, duet_node *roots)
{
    duet_node needed[DUET_MAX_WATCHED + DUET_MAX_OBJECTIVES + DUET_MAX_REPORTS];
    size_t made = 0;
    for (size_t i = 0; i < count; i++) needed[made++] = values[i];
    for (size_t i = 0; i < phase->objective_count; i++)
        if (phase->objectives[i].gate != NULL) needed[made++] = phase->objectives[i].gate;
    for (size_t i = 0; i < phase->assign_count; i++) needed[made++] = phase->assign_values[i];
    return duet_state_updates(needed, made, allowed, roots, DUET_MAX_LAYER_STATES);
}

size_t duet_schedule_phase(duet_trainer *trainer, size_t index, duet_node roots[DUET_MAX_PHASE_ROOTS])
{
    const duet_build *build = trainer->build;
    const duet_phase_description *phase = &build->phases[index];
    duet_optimiser optimiser = duet_model_optimiser(trainer->model);
    duet_node values[DUET_MAX_WATCHED];
    size_t first = trainer->watched_count, roots_made = 0;

    size_t watched = watch(trainer, phase, values);
    duet_node allowed = watch_faults(trainer, first, values, watched, roots, &roots_made);
    for (size_t i = 0; i < phase->objective_count; i++) {
        const duet_objective *objective = &phase->objectives[i];
        for (size_t g = 0; g < objective->group_count; g++)
            roots_made += duet_update_at(objective->where, objective->groups[g], &optimiser, objective->loss,
                                         objective->gate, allowed, roots + roots_made);
    }
    for (size_t i = 0; i < phase->assign_count; i++) {
        duet_node target = phase->assign_targets[i];
        roots[roots_made++] = duet_assign(target, duet_select(allowed, phase->assign_values[i], target));
    }
    roots_made += update_states(phase, values, watched, allowed, roots + roots_made);
    remember_reports(build, phase, roots, &roots_made);
    duet_node clock = duet_clock(build->graph);
    roots[roots_made++] = duet_assign(clock, duet_increment(clock));
    if (phase->draws) roots[roots_made++] = duet_assign(build->draws, duet_increment(build->draws));
    return roots_made;
}

duet_node duet_schedule_step(const duet_build *build)
{
    return duet_assign(build->step, duet_increment(build->step));
}

void duet_schedule_find_variables(duet_trainer *trainer)
{
    duet_store *store = duet_model_store(trainer->model);
    char name[64];
    for (size_t i = 0; i < trainer->phase_count; i++)
        trainer->phases[i].history =
            duet_store_find(store, phase_state_name(name, "history", trainer->phases[i].description));
    trainer->fault_term = duet_store_find(store, "trainer.fault_term");
    trainer->fault_step = duet_store_find(store, "trainer.fault_step");
}
