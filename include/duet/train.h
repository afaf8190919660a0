/* Training: the schedule run on a device, for programs that want the loop in their own hands. */
#ifndef DUET_TRAIN_H
#define DUET_TRAIN_H

#include "device.h"
#include "explain.h"
#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct duet_trainer duet_trainer;

/** Plans every phase of the model for `batch` examples. Model, data and device must outlive it. */
DUET_API duet_status duet_trainer_new(duet_trainer **trainer, duet_device *device, duet_model *model, size_t batch,
                                      duet_error *error);
DUET_API void duet_trainer_free(duet_trainer **trainer);
/** Enqueues one step, that is one pass of the schedule, and returns while it runs; waits only for a step at least four
 *  back. */
DUET_API duet_status duet_trainer_step(duet_trainer *trainer, duet_error *error);
DUET_API uint64_t duet_trainer_steps(const duet_trainer *trainer);
/** Epochs begun and finished so far, as a real number. */
DUET_API double duet_trainer_epoch(const duet_trainer *trainer);
DUET_API size_t duet_trainer_steps_an_epoch(const duet_trainer *trainer);

/** Loss terms: name of term i, NULL past the end. */
DUET_API const char *duet_trainer_term(const duet_trainer *trainer, size_t index);
/** Means of the terms over the replays of their phase since the last call (at most the last 1024; NaN without a step).
 *  Waits for the steps. `count` of them are written, in the order of duet_trainer_term. Errors:
 *  DUET_ERROR_NUMERIC names the step and the term, or the group whose gradient, that first was not finite; parameters
 *  are those before it. */
DUET_API duet_status duet_trainer_losses(duet_trainer *trainer, double *means, size_t count, duet_error *error);

/* What a step is made of. */

enum { DUET_EXPLAINED_WORDS = 240 };

/** A group that a phase updates. Names are the model's and the store's: they live as long as the trainer. */
typedef struct duet_explained_update {
    const char *group;
    size_t parameters;               /**< numbers in the group */
    size_t states;                   /**< numbers in its layers' states, which are not optimised */
    char loss[DUET_EXPLAINED_WORDS]; /**< what is minimised, such as "sum(each nll + each kl) * 0.0078125" */
    bool gated;
    char gate[DUET_EXPLAINED_WORDS]; /**< what scales the update; at 0 the group rests */
} duet_explained_update;

/** A value by name: a term that is reported, a state that is assigned. */
typedef struct duet_explained_value {
    const char *name;
    char words[DUET_EXPLAINED_WORDS];
} duet_explained_value;

typedef struct duet_explained_phase {
    const char *name;
    size_t repeats; /**< replays of its plan a step */
    bool draws;     /**< each replay draws a batch of its own */
    duet_explained_update *updates;
    size_t update_count;
    duet_explained_value *reports, *assigns;
    size_t report_count, assign_count;
    duet_explanation plan;
} duet_explained_phase;

/** The plans of a step: one a phase, in the order in which they run, and a last one, "step", that counts it. */
DUET_API size_t duet_trainer_plan_count(const duet_trainer *trainer);
/** Borrowed; NULL past the end. */
DUET_API const duet_plan *duet_trainer_plan(const duet_trainer *trainer, size_t index);
/** Explains plan `index` and the phase it belongs to (the last one's minimises and reports nothing). Free it with
 *  duet_explained_phase_free. Errors: DUET_ERROR_USAGE past the end, DUET_ERROR_MEMORY. */
DUET_API duet_status duet_trainer_explain(const duet_trainer *trainer, size_t index, duet_explained_phase *phase,
                                          duet_error *error);
DUET_API void duet_explained_phase_free(duet_explained_phase *phase);
/** How every group is updated. */
DUET_API duet_optimiser duet_trainer_optimiser(const duet_trainer *trainer);

#ifdef __cplusplus
}
#endif

#endif
