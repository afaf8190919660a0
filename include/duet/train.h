/* Training: the schedule run on a device, checkpoints, and run directories (docs/runs.md has the files). */
#ifndef DUET_TRAIN_H
#define DUET_TRAIN_H

#include "device.h"
#include "explain.h"
#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The trainer: for programs that want the loop in their own hands. */

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

/** Weights, states, moments and counters as one safetensors file, by write, sync, rename. DUET_ERROR_NUMERIC, and the
 *  old file stays, after a loss or a gradient that was not finite. */
DUET_API duet_status duet_trainer_save(duet_trainer *trainer, const char *path, duet_error *error);
/** Goes on where a file of the same model and batch size left off, to the bit. DUET_ERROR_DATA for another model's or a
 *  damaged file, of which nothing is taken. */
DUET_API duet_status duet_trainer_load(duet_trainer *trainer, const char *path, duet_error *error);

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

/* A whole training into a run directory. */

typedef struct duet_progress {
    uint64_t step, steps; /**< steps done, and in all */
    double epoch, epochs;
    double seconds, images_per_second;
    size_t terms;
    const char *const *names;
    const double *means; /**< since the last report */
    bool report;         /**< a line was written to metrics.jsonl; otherwise only a sign of life */
} duet_progress;

typedef struct duet_train_options {
    const duet_family *family;
    const char *data;            /**< NULL: fashion-mnist */
    const char *device;          /**< a selector, NULL: the preferred device */
    const char *gemm;            /**< a GEMM provider, NULL: the preset, or what a resumed run was given */
    const char *const *settings; /**< "key=value" */
    size_t setting_count;
    uint64_t steps, epochs; /**< totals, also when resuming; both 0: what duet_family_training_size says */
    size_t batch;           /**< 0: what it says too */
    uint64_t seed;
    uint64_t checkpoint_every; /**< steps; 0: at the end of each epoch only */
    const char *out;           /**< the run directory; NULL: runs/MODEL-DATA-N, the first N that is free */
    const char *resume; /**< a run directory to go on with; model, data, settings, batch and seed are its own. Its
                           family must be given where it is not built in */
    bool profile;
    void (*progress)(void *context, const duet_progress *progress);
    duet_log_function log;
    void *context;
    const volatile int *stop; /**< set to non-zero (by a signal handler) to stop at the next step's end */
} duet_train_options;

typedef struct duet_train_summary {
    char run[1024];
    uint64_t steps;
    double epochs, seconds, images_per_second;
} duet_train_summary;

/** Trains into a run directory. On DUET_ERROR_INTERRUPTED and DUET_ERROR_NUMERIC the summary is filled too.
 *  With `profile`, *device_out receives the open device for duet_device_profile (the caller closes it); else NULL. */
DUET_API duet_status duet_train(const duet_train_options *options, duet_train_summary *summary,
                                duet_device **device_out, duet_error *error);

/* A finished or stopped run, opened to be used. */

typedef struct duet_run duet_run;

/** Opens run.json and the checkpoint, and the model and data they name. `device` as in duet_device_open. Errors:
 *  DUET_ERROR_DATA for a model that is not built in, a damaged file, or data of another shape or range than the run's.
 */
DUET_API duet_status duet_run_open(duet_run **run, const char *directory, const char *device, duet_error *error);
DUET_API void duet_run_close(duet_run **run);
DUET_API duet_model *duet_run_model(duet_run *run);
DUET_API duet_data *duet_run_data(duet_run *run);
DUET_API duet_device *duet_run_device(duet_run *run);
/** The same with other data than run.json names (NULL: as recorded), or with a family of the program's own, which must
 *  outlive the run (NULL: the built-in one of that name). Errors: also DUET_ERROR_FILE for a run of another family. */
DUET_API duet_status duet_run_open_with(duet_run **run, const char *directory, const char *device, const char *data,
                                        const duet_family *family, duet_error *error);

/** Whether the model has an output of this name ("sample", "reconstruction", "latent", ...) and how many numbers an
 *  example it has: 0 if it has none. */
DUET_API size_t duet_run_features(duet_run *run, const char *output);
/** Numbers of the latent input that "sample" reads: 0 if it reads none. */
DUET_API size_t duet_run_latent_features(duet_run *run);

/** count standard normal latents from `seed`, the same on every device: [count, latent features]. */
DUET_API void duet_run_prior(duet_run *run, size_t count, uint64_t seed, float *latents);
/** Output `output` of `count` latents: [count, features]. Errors: DUET_ERROR_USAGE if the model does not have it. */
DUET_API duet_status duet_run_decode(duet_run *run, const char *output, const float *latents, size_t count,
                                     float *values, duet_error *error);
/** Output `output` of `count` examples in the model's own scale ([count, features of the data]). Noise inside the model
 *  (a sampled latent) comes from `seed`. */
DUET_API duet_status duet_run_apply(duet_run *run, const char *output, const float *examples, size_t count,
                                    uint64_t seed, float *values, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
