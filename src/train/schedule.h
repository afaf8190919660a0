/* SPDX-License-Identifier: MIT */
/* A procedure made ready for a device: one plan a phase, replayed as often as the phase says, and a last plan that ends
 * the pass. Training and every use of a trained model run through it. */
#ifndef DUET_SRC_TRAIN_SCHEDULE_H
#define DUET_SRC_TRAIN_SCHEDULE_H

#include "device/launch.h"
#include "duet/plan.h"
#include "graph/variable.h"
#include "model/model.h"

enum {
    DUET_HISTORY_ROWS = 1024, /* replays of a phase whose terms the device remembers */
    DUET_QUEUED = 8,          /* work is enqueued when what was enqueued this far back is done */
};

/** What the fault flag can name: a report of a phase, the gradient of a group in it, or (both NULL) a loss of it. */
typedef struct duet_watched {
    const char *phase, *report, *group;
} duet_watched;

typedef struct duet_scheduled_phase {
    const duet_phase_description *description;
    size_t repeats;         /* replays a step, 0 resolved */
    duet_variable *history; /* [DUET_HISTORY_ROWS, reports]; NULL if it reports nothing */
} duet_scheduled_phase;

typedef struct duet_schedule {
    duet_device *device;
    const duet_model *model;
    const duet_build *build;
    const duet_procedure_description *procedure;
    duet_scheduled_phase *phases;
    size_t phase_count;
    duet_plan **plans; /* one a phase, then the one that ends a pass */
    size_t plan_count;
    duet_watched *watched;
    size_t watched_count, watched_capacity;
    const char **terms;
    size_t term_count, term_capacity;
    duet_variable *fault_term, *fault_step; /* NULL: no phase watches anything */
    cl_event events[DUET_QUEUED];
    uint64_t marks; /* events asked for so far */
    float *rows;    /* room for the largest history */
} duet_schedule;

/** Plans a procedure of `build`. `batches`: what a phase with 0 repeats does. `last`: the roots of the plan that ends a
 *  pass. Model, build and device must outlive it. Free it with duet_schedule_clear, also after a failure. */
duet_status duet_schedule_make(duet_schedule *schedule, duet_device *device, const duet_model *model,
                               const duet_build *build, const duet_procedure_description *procedure, size_t batches,
                               const duet_node *last, size_t last_count, duet_error *error);
void duet_schedule_clear(duet_schedule *schedule);

/** Enqueues plan `index`; `marks`: with an event, for which room is made by waiting for the one DUET_QUEUED back. */
duet_status duet_schedule_enqueue(duet_schedule *schedule, size_t index, bool marks, duet_error *error);
/** The plan that ends a pass. */
duet_plan *duet_schedule_last(const duet_schedule *schedule);

/** Replays of a phase in the first `steps` steps. */
uint64_t duet_schedule_replays(const duet_scheduled_phase *phase, uint64_t steps);
/** Means of all terms over the replays of their phase in the steps after `from` up to `to`: at most the last
 *  DUET_HISTORY_ROWS, NaN for none. Waits. */
duet_status duet_schedule_means(duet_schedule *schedule, uint64_t from, uint64_t to, double *means, duet_error *error);
/** DUET_ERROR_NUMERIC with step and term if a loss or a gradient was not finite. Waits for what is enqueued. */
duet_status duet_schedule_check(duet_schedule *schedule, duet_error *error);

/* Of phase.c. */

/** Room that the nodes of a phase need. */
size_t duet_phase_room(const duet_schedule *schedule, size_t index);
/** The nodes of one replay of phase `index`: updates, assigns, counters, history, fault flag. Lists what it watches.
 *  Mistakes stay in the graph. Returns how many nodes were written to `roots`. */
size_t duet_phase_roots(duet_schedule *schedule, size_t index, duet_node *roots);
/** Finds the history and fault variables once all phases' nodes are made. */
void duet_phase_find_variables(duet_schedule *schedule);

#endif
