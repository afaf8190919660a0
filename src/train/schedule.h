/* SPDX-License-Identifier: MIT */
/* A procedure made ready for a device: one plan a phase, replayed as often as the phase says, and what ends
 * the pass. Training and every use of a trained model run through it. */
#ifndef DUET_SRC_TRAIN_SCHEDULE_H
#define DUET_SRC_TRAIN_SCHEDULE_H

#include "device/launch.h"
#include "duet/plan.h"
#include "graph/variable.h"
#include "model/model.h"

enum {
    DUET_HISTORY_ROWS = 1024, /* replays of a phase whose terms the device remembers */
    DUET_QUEUED = 8,          /* marked replays under way at most: the host waits for the oldest before the next */
};

/** A value that a phase checks for being finite: one of its reports, the gradient of a group, or (both NULL) a loss. */
typedef struct duet_watched {
    const char *phase, *report, *group;
} duet_watched;

typedef struct duet_scheduled_phase {
    const duet_phase_description *description;
    size_t repeats;         /* replays a step; the description's 0 is replaced by `batches` */
    duet_variable *history; /* [DUET_HISTORY_ROWS, reports]; NULL if it reports nothing */
    duet_variable *sum;     /* [reports]: of a step's replays, where they are more than that; else NULL */
    duet_variable *replays; /* how many the device counts, whose trainer's ever; NULL if it reports nothing */
    uint64_t ahead;         /* what that is more than `repeats` make of the steps, modulo 2^32 */
} duet_scheduled_phase;

typedef struct duet_schedule {
    duet_device *device;
    const duet_model *model;
    const duet_build *build;
    const duet_procedure_description *procedure;
    duet_scheduled_phase *phases;
    size_t phase_count;
    duet_plan **plans; /* one a phase, then the one that ends a pass, if it has roots and no phase does that */
    size_t plan_count;
    duet_watched *watched;
    size_t watched_count, watched_capacity;
    const char **terms;
    size_t term_count, term_capacity;
    duet_variable *fault_term, *fault_step; /* NULL: no phase watches anything */
    uint64_t first;                         /* steps that were done before this training began or went on */
    uint64_t fault_at;                      /* steps before the one in which a fault was found */
    bool fault_is_of_data;                  /* whose numbers are beyond what a float32 can square */
    bool fault_is_early;                    /* which no update of that step had touched */
    cl_event events[DUET_QUEUED];
    uint64_t marks; /* events asked for so far */
    float *rows;    /* room for the largest history */
} duet_schedule;

/** Plans a procedure of `build`. `batches`: the repeats of a phase that says 0. `last`: the roots that end a pass: of a
 * plan of their own, or, if they are assignments and every pass ends with one replay of the last phase, of that
 * phase's. Model, build and device must outlive it. Free it with duet_schedule_clear, also after a failure. */
duet_status duet_schedule_make(duet_schedule *schedule, duet_device *device, const duet_model *model,
                               const duet_build *build, const duet_procedure_description *procedure, size_t batches,
                               const duet_node *last, size_t last_count, duet_error *error);
void duet_schedule_clear(duet_schedule *schedule);

/** Enqueues plan `index`. `marks`: with an event, after waiting for the event DUET_QUEUED marks back. */
duet_status duet_schedule_enqueue(duet_schedule *schedule, size_t index, bool marks, duet_error *error);
/** The plan that ends a pass, be it a phase's. */
duet_plan *duet_schedule_last(const duet_schedule *schedule);

/** Replays of a phase in the first `steps` steps. */
uint64_t duet_schedule_replays(const duet_scheduled_phase *phase, uint64_t steps);
/** Adds all terms of the replays in the steps after `from` up to `to`, the last ones enqueued, to `sums`, and to
 * `counts` how many these are. The device remembers the replays of duet_schedule_remembers steps; of earlier ones of a
 * phase none or the latest count. Waits for what is enqueued. */
duet_status duet_schedule_add(duet_schedule *schedule, uint64_t from, uint64_t to, double *sums, uint64_t *counts,
                              duet_error *error);
uint64_t duet_schedule_remembers(const duet_schedule *schedule);
/** After `steps` steps of a store in which other trainings may have counted: finds where the device will remember the
 * next replays. Waits for what is enqueued. */
duet_status duet_schedule_align(duet_schedule *schedule, uint64_t steps, duet_error *error);
/** DUET_ERROR_NUMERIC with step and term if a loss or a gradient was not finite. Waits for what is enqueued. */
duet_status duet_schedule_check(duet_schedule *schedule, duet_error *error);

/* Of phase.c. */

/** The most nodes that duet_phase_roots can write for a phase. */
size_t duet_phase_room(const duet_schedule *schedule, size_t index);
/** The nodes of one replay of phase `index`: updates, assigns, counters, history, fault flag. Adds to
 * schedule->watched. Mistakes stay in the graph. Returns how many nodes were written to `roots`. */
size_t duet_phase_roots(duet_schedule *schedule, size_t index, duet_node *roots);
/** Finds the history and fault variables once all phases' nodes are made. */
void duet_phase_find_variables(duet_schedule *schedule);

#endif
