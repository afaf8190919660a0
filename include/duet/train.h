/* SPDX-License-Identifier: MIT */
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

/** Plans every phase of the model for `batch` examples. Model, data and device must outlive it. A model may have
 * several, of one batch or of others, in turns: each goes on with the model's steps where the last one left off, and
 * tells the losses of its own. */
DUET_API duet_status duet_trainer_new(duet_trainer **trainer, duet_device *device, duet_model *model, size_t batch,
                                      duet_error *error);
DUET_API void duet_trainer_free(duet_trainer **trainer);
/** Enqueues one step, that is one pass of the schedule, and returns while it runs; waits only for a step at least
 *  eight back. Of data that are streamed (duet_data_set_streaming) it waits for the reading of its examples too, and
 * for a draw some draws back; errors are also those of reading. */
DUET_API duet_status duet_trainer_step(duet_trainer *trainer, duet_error *error);
/** Steps of the model done, by whichever trainer, when this one made its last step (none yet: when it was made). */
DUET_API uint64_t duet_trainer_steps(const duet_trainer *trainer);
/** Epochs begun and finished so far, as a real number: as if all these steps had been of this trainer's batch. */
DUET_API double duet_trainer_epoch(const duet_trainer *trainer);
DUET_API size_t duet_trainer_steps_an_epoch(const duet_trainer *trainer);

/** Loss terms: name of term i, NULL past the end. */
DUET_API const char *duet_trainer_term(const duet_trainer *trainer, size_t index);
/** Means of the terms over the replays of their phase since the last call (NaN without one; after a checkpoint was
 *  loaded, over those that it remembers: at most the last 1024, or all of the last step where that has more). Waits for
 *  the steps. `count` of them are written, in the order of duet_trainer_term. Errors: DUET_ERROR_NUMERIC names the step
 *  and the term, or the group whose gradient, that first was not finite; parameters are those before it. */
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
    size_t repeats;   /**< replays of its plan a step */
    size_t every;     /**< of so many steps one runs it */
    bool draws;       /**< each replay draws a batch of its own */
    bool only_counts; /**< no phase of the model, but the plan that counts the step */
    duet_explained_update *updates;
    size_t update_count;
    const char **rests; /**< groups that it reads and leaves alone */
    size_t rest_count;
    duet_explained_value *reports, *assigns;
    size_t report_count, assign_count;
    duet_explanation plan;
} duet_explained_phase;

/** The plans of a step: one a phase, in the order in which they run, and, where the last phase does not run just once
 *  in each step and so cannot count it, a last one, "step", that does. */
DUET_API size_t duet_trainer_plan_count(const duet_trainer *trainer);
/** Borrowed; NULL past the end. */
DUET_API const duet_plan *duet_trainer_plan(const duet_trainer *trainer, size_t index);
/** Explains plan `index` and the phase it belongs to ("step" minimises and reports nothing). Free it with
 *  duet_explained_phase_free. Errors: DUET_ERROR_USAGE past the end, DUET_ERROR_MEMORY. */
DUET_API duet_status duet_trainer_explain(const duet_trainer *trainer, size_t index, duet_explained_phase *phase,
                                          duet_error *error);
DUET_API void duet_explained_phase_free(duet_explained_phase *phase);
/** What a trained model does: a procedure, "" for outputs that take no phase. */
typedef struct duet_explained_use {
    char name[32];
    struct duet_explained_use_phase {
        char name[32];
        size_t repeats;
    } * phases;
    size_t phase_count;
    const char **outputs; /**< the model's: they live as long as it */
    size_t output_count;
} duet_explained_use;

/** The model's procedures in the order in which it opens them. Free them with duet_explained_use_free. */
DUET_API duet_status duet_model_explain_use(duet_model *model, duet_explained_use **rows, size_t *count,
                                            duet_error *error);
DUET_API void duet_explained_use_free(duet_explained_use **rows, size_t count);

/** How every group is updated. */
DUET_API duet_optimiser duet_trainer_optimiser(const duet_trainer *trainer);

/* A trained model in use. */

/** An output that is asked for, and where it goes: [count, numbers an example], the caller's. That is no memory of
 *  another output, and none of what the request gives, but for the same rows, which are read before they are written.
 */
typedef struct duet_wanted {
    const char *name;
    float *values;
} duet_wanted;

/** What is asked of a trained model: one pass of a procedure for each batch of rows. What row r draws follows from the
 *  seed and r alone, whatever the batch, and is the same on every device to rounding. */
typedef struct duet_request {
    const char *procedure;       /**< NULL: the one that gives the first output */
    size_t count;                /**< rows */
    size_t first;                /**< the number of the first: a pass in pieces draws what a whole one would */
    uint64_t seed;               /**< of all that is drawn */
    const float *examples;       /**< [count, features of the data] in the model's own scale; NULL: none */
    const float *latents;        /**< [count, latent features]; NULL: drawn from the prior */
    const uint8_t *classes;      /**< [count], for a model that reads labels; NULL: drawn, each as often as training
                                    examples have it */
    const char *const *settings; /**< "key=value" of the procedure, such as "steps=200"; "weights=average" reads the
                                    averages that were kept, "weights=trained" the weights as they were trained, which
                                    is what all families but those with `averaged` do if nothing is said */
    size_t setting_count;
    const duet_wanted *outputs; /**< all from the same pass */
    size_t output_count;
    size_t batch;                                                     /**< rows at a time; 0: 100 */
    void (*progress)(void *context, uint64_t repeat, uint64_t total); /**< after each replay of a phase; NULL: none */
    void *context;
    const volatile int *stop; /**< as in duet_train_options, looked at between replays; NULL: none */
    bool any_range;           /**< examples may lie beyond the range of the run's data, as another model's samples do */
    size_t *not_finite;       /**< how many numbers of the outputs are not finite; NULL: one is an error */
} duet_request;

/** What a request may give a row of. */
typedef enum duet_request_input {
    DUET_READS_EXAMPLES = 1 << 0,
    DUET_READS_LATENTS = 1 << 1,
    DUET_READS_CLASSES = 1 << 2
} duet_request_input;

#ifdef __cplusplus
}
#endif

#endif
