/* The trainer's insides: one plan a phase, and the device-side counters, history and fault flag that make a step need
 * nothing of the host but its launches. */
#ifndef DUET_SRC_TRAIN_TRAINER_H
#define DUET_SRC_TRAIN_TRAINER_H

#include "device/launch.h"
#include "duet/plan.h"
#include "duet/train.h"
#include "graph/variable.h"
#include "model/model.h"

enum {
    DUET_HISTORY_ROWS = 1024, /* replays of a phase whose terms the device remembers */
    DUET_QUEUED_STEPS = 8,    /* a step is enqueued when the one this far back is done */
    DUET_MAX_WATCHED = DUET_MAX_REPORTS + DUET_MAX_OBJECTIVES * (1 + DUET_MAX_GROUPS), /* of a phase */
    DUET_MAX_LAYER_STATES = 512,                                                       /* that one phase moves */
    DUET_MAX_PHASE_ROOTS = 640 + DUET_MAX_LAYER_STATES /* 8 objectives x 8 groups x 8 nodes, and the phase's own */
};

/** What the fault flag can name: a report of a phase, the gradient of a group in it, or (both NULL) a loss of it. */
typedef struct duet_watched {
    const char *phase, *report, *group;
} duet_watched;

typedef struct duet_trainer_phase {
    const duet_phase_description *description;
    size_t repeats;         /* replays a step, 0 resolved */
    duet_variable *history; /* [DUET_HISTORY_ROWS, reports]; NULL if it reports nothing */
} duet_trainer_phase;

struct duet_trainer {
    duet_device *device;
    duet_model *model;
    duet_build *build;
    size_t batch;
    size_t batches;        /* whole ones in an epoch */
    size_t draws_per_step; /* 0: no phase reads the data, and an epoch is `batches` steps by convention */
    duet_trainer_phase phases[DUET_MAX_PHASES];
    size_t phase_count;
    duet_plan *plans[DUET_MAX_PHASES + 1]; /* one a phase; the last, plans[phase_count], counts the step */
    duet_watched watched[DUET_MAX_PHASES * DUET_MAX_WATCHED];
    size_t watched_count;
    const char *terms[DUET_MAX_PHASES * DUET_MAX_REPORTS];
    size_t term_count;
    duet_variable *fault_term, *fault_step;
    cl_event events[DUET_QUEUED_STEPS];
    uint64_t steps, reported; /* steps enqueued; those of them whose losses have been asked for */
    float *rows;              /* room for the largest history */
};

/** The nodes of one replay of phase `index`: updates, assigns, counters, history, fault flag. Fills the phase's watched
 *  rows. Mistakes stay in the graph. Returns how many nodes were written to `roots`. */
size_t duet_schedule_phase(duet_trainer *trainer, size_t index, duet_node roots[DUET_MAX_PHASE_ROOTS]);
/** The node that ends a step: it counts the schedule's pass. */
duet_node duet_schedule_step(const duet_build *build);
/** Finds the history and fault variables once all phases' nodes are made. */
void duet_schedule_find_variables(duet_trainer *trainer);

/** Epochs completed after `steps` steps. */
uint64_t duet_trainer_epochs_after(const duet_trainer *trainer, uint64_t steps);
/** The steps that complete `epochs` epochs. */
uint64_t duet_trainer_steps_for(const duet_trainer *trainer, uint64_t epochs);
/** How many steps losses may be left unread without the history forgetting some. */
uint64_t duet_trainer_history_steps(const duet_trainer *trainer);
/** DUET_ERROR_NUMERIC with step and term if a loss or a gradient was not finite. Waits for the steps enqueued. */
duet_status duet_trainer_check(duet_trainer *trainer, duet_error *error);
/** Goes on after `steps` steps, of which `reported` were reported: what a checkpoint says. */
void duet_trainer_continue(duet_trainer *trainer, uint64_t steps, uint64_t reported);

#endif
