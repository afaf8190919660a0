/* SPDX-License-Identifier: MIT */
/* Runs: whole trainings into a directory, checkpoints, and finished runs opened to be used (docs/runs.md has the
 * files). */
#ifndef DUET_RUN_H
#define DUET_RUN_H

#include "ranks.h"
#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Checkpoints, for programs that run the trainer themselves. */

/** Weights, states, moments and counters as one safetensors file, by write, sync, rename. DUET_ERROR_NUMERIC, and the
 *  old file stays, after a loss or a gradient that was not finite. */
DUET_API duet_status duet_trainer_save(duet_trainer *trainer, const char *path, duet_error *error);
/** Goes on where a file of the same model and batch size left off, to the bit if data and seed are the same too.
 *  DUET_ERROR_DATA for another model's, be it by a setting that is no rate or by data of another kind (shape, range,
 *  and where the model asks for them classes or bytes), or a damaged file, of which nothing is taken. */
DUET_API duet_status duet_trainer_load(duet_trainer *trainer, const char *path, duet_error *error);

/** What a checkpoint says of itself. */
typedef struct duet_checkpoint_facts {
    uint64_t step;     /**< steps done */
    char checksum[32]; /**< of its bytes: two checkpoints of one checksum are the same */
} duet_checkpoint_facts;

/** Reads the checkpoint of a run's directory, or the .safetensors file in one, through and checks each byte, and that
 * it is of the run that run.json describes, without a device. Errors: DUET_ERROR_FILE where there is none,
 *  DUET_ERROR_DATA for one that is cut, damaged or of another run. */
DUET_API duet_status duet_checkpoint_check(const char *run, duet_checkpoint_facts *facts, duet_error *error);
/** The checksum (duet_data_checksum) of `data` as a run would be judged on them, with "-last" behind it where the last
 *  tenth is the test split; NULL: of those that it was trained on.
 *  Errors: also those of opening data, DUET_ERROR_DATA where its own were replaced. */
DUET_API duet_status duet_run_data_checksum(const char *run, const char *data, char checksum[32], duet_error *error);

/* A whole training into a run directory. */

typedef struct duet_progress {
    uint64_t step, steps; /**< steps done, and in all */
    double epoch, epochs;
    double seconds, images_per_second; /**< of training alone, without watching, pictures, checkpoints and pages */
    size_t terms;
    const char *const *names;
    const double *means; /**< since the last report; NaN of a term that no step since then computed */
    bool report;         /**< a line was written to metrics.jsonl; otherwise only a sign of life */
    const char *health;  /**< what ails the training by this report, such as "discriminator-wins"; NULL: nothing */
} duet_progress;

typedef struct duet_run duet_run;

enum { DUET_VERDICT_VALUES = 32 };

/** What somebody who watches a training says at an epoch's end. */
typedef struct duet_verdict {
    size_t count; /**< values for a line of metrics.jsonl with "split": "test" */
    const char *names[DUET_VERDICT_VALUES];
    double values[DUET_VERDICT_VALUES];
    char features[24]; /**< the checksum of what gave the features of values by features; "": nothing did */
    bool best;         /**< keep this state as best.safetensors in the run's directory */
    bool collapsed;    /**< what `stop` says is a failure */
    char stop[256];    /**< why the training is to stop here; "": it goes on */
} duet_verdict;

/** What a training is watched by, kept in run.json for when it goes on. */
typedef struct duet_watch {
    const char *const *metrics; /**< measured at each epoch's end */
    size_t metric_count;
    const char *best;  /**< the metric whose best state is kept; NULL: none */
    uint64_t patience; /**< epochs without a better one after which the training stops; 0: it does not */
} duet_watch;

typedef struct duet_train_options {
    const duet_family *family;
    const char *data; /**< NULL: fashion-mnist, or what a resumed run was trained on; given for one, where that is now
                           (DUET_ERROR_DATA if it is not the same) */
    bool other_data;  /**< a resumed run may go on with data that are not the same, which run.json records */
    bool other_model; /**< a resumed run may go on with a family of the program's own that trains otherwise than the one
                           it began with, as with another loss or activation, which run.json records */
    duet_data *own_data;         /**< a set that is open, used in place of `data` and of the one that a resumed run
                                      names; NULL: none. It stays the caller's */
    const char *device;          /**< a selector, NULL: the preferred device */
    const char *gemm;            /**< a GEMM provider, NULL: the preset, or what a resumed run was given */
    const char *const *settings; /**< "key=value" */
    size_t setting_count;
    uint64_t steps,
        epochs;   /**< one of them, a total, also when resuming; both 0: what duet_family_training_size says */
    size_t batch; /**< 0: what it says too */
    uint64_t seed;
    uint64_t checkpoint_every; /**< steps; 0: at the end of each epoch only */
    const char *out;           /**< the run directory; NULL: runs/MODEL-DATA-N, the first N that is free */
    const char *resume;        /**< a run directory to go on with; model, settings, batch and seed are its own, and
                                  DUET_ERROR_USAGE refuses others but for rates (lr, lr_schedule, lr_steps, lr_warm_up,
                                  lr_final, clip_norm, of a group too), which change from here on. Its family must be given
                                  where it is not built in, and is DUET_ERROR_USAGE where it is another one of the same
                                  name: it composes another training by the checksum in run.json (other_model) */
    bool stream;               /**< read the training examples while the device works, as duet_data_set_streaming */
    bool profile;
    void (*progress)(void *context, const duet_progress *progress);
    duet_log_function log;
    void *context;
    const volatile int *stop; /**< set to non-zero (by a signal handler) to stop at the next step's end */
    bool stop_on_collapse;    /**< stop where a report shows that nothing more is learnt */
    /** Looks at each epoch's end, after its report, at the run as it is now, which is borrowed for the training; of a
     *  training that ends within its first epoch at that end, as epoch 0. NULL: nobody does. duet_monitor_look is one.
     *  An error that it returns or sets ends the training; DUET_ERROR_USAGE for names of values that are no text in
     *  UTF-8, or are those of another value or of a line's own keys. */
    duet_status (*at_epoch)(void *watcher, duet_run *run, uint64_t epoch, duet_verdict *verdict, duet_error *error);
    /** Asked before anything is written whether at_epoch will be able to look; its error is the training's. NULL:
     * nobody asks. duet_monitor_check is one. */
    duet_status (*at_start)(void *watcher, duet_run *run, duet_error *error);
    void *watcher;
    const duet_watch *watch; /**< what the watcher looks at, kept in run.json; NULL: nothing, or what the resumed run
                                was watched by (duet_monitor_watch), which a warning says where nobody looks any more.
                                DUET_ERROR_USAGE without at_epoch */
    const char *judge; /**< the classifier's run that the watcher asks, kept in run.json; NULL: nobody, or the resumed
                          run's. DUET_ERROR_USAGE without at_epoch */
    duet_ranks *ranks; /**< who trains together, each rank calling duet_train with the same options, `batch`
                          being that of all; NULL: alone. Rank 0 alone writes, logs and reports, watches and has
                          its folders looked at; the others leave out, resume, at_start, at_epoch, watch and judge
                          aside, but for whether there is a run to go on with. Of devices that fit, each rank of
                          a machine takes another one. What differs between ranks is DUET_ERROR_DATA */
    double rank_patience; /**< seconds that a step may wait for another rank, ten times as long in the first steps,
                             in which drivers still compile; 0: 60 */
} duet_train_options;

typedef struct duet_train_summary {
    char run[1024];
    uint64_t steps;
    double epochs, seconds, images_per_second; /**< seconds: of the whole call; the rate is that of training alone */
    char stopped[256];                         /**< why it ended before its total; "": it did not, or was interrupted */
    bool collapsed;                            /**< that was a failure: nothing more was learnt */
    double exchanging; /**< of ranks: the share of the training's time in which this one waited for others and their
                          bytes */
    int stop;          /**< what the stop flag was that ended it, which may be another rank's; 0: none did */
    bool alone; /**< of ranks: it failed, and the others do not know: they wait for this one until somebody ends them */
} duet_train_summary;

/** Trains into a run directory, which no other process may train into meanwhile (DUET_ERROR_FILE). On
 * DUET_ERROR_INTERRUPTED and DUET_ERROR_NUMERIC the summary is filled too. With `profile`, *device_out receives the
 * open device for duet_device_profile (the caller closes it); else NULL. */
DUET_API duet_status duet_train(const duet_train_options *options, duet_train_summary *summary,
                                duet_device **device_out, duet_error *error);

/** Makes a folder in a run, such as RUN/samples, where there is none. DUET_ERROR_FILE if it cannot be made, and for a
 * link, which would lead what is written out of the run. */
DUET_API duet_status duet_folder_make(const char *path, duet_error *error);

/** The commit that this library was built from, twelve hexadecimal digits: versions that are not released differ by it
 *  alone. "" where the build did not know. Static storage. */
DUET_API const char *duet_commit(void);

/* A finished or stopped run, opened to be used. */

/** Opens run.json and the checkpoint; `directory` may also be a checkpoint in it, such as RUN/best.safetensors; a
 * family of the program's own goes to duet_run_open_with. The data are known by run.json and opened when their examples
 * are first asked for (duet_data_ready), the weights those of the checkpoint as it is now: a training that goes
 * on changes nothing of an open run. `device` as in duet_device_open. Errors: DUET_ERROR_DATA for a model that is
 * not built in, a damaged file, or a run of 0.1.0 whose data are of another shape or range by now. */
DUET_API duet_status duet_run_open(duet_run **run, const char *directory, const char *device, duet_error *error);
/** The same with other data than run.json names (NULL: as recorded), or with a family of the program's own, which must
 *  outlive the run (NULL: the built-in one of that name). Errors: also DUET_ERROR_FILE for a run of another family. */
DUET_API duet_status duet_run_open_with(duet_run **run, const char *directory, const char *device, const char *data,
                                        const duet_family *family, duet_error *error);
/** The same on a device that is open, which stays the caller's and must outlive the run. */
DUET_API duet_status duet_run_open_on(duet_run **run, const char *directory, duet_device *device, const char *data,
                                      const duet_family *family, duet_error *error);
/** What opening the run has to say against it: that the family of the program's own that it was opened with computes
 *  outputs otherwise than the one that trained it, by checksums in run.json. NULL: nothing. Lives as long as the run.
 */
DUET_API const char *duet_run_doubt(const duet_run *run);
DUET_API void duet_run_close(duet_run **run);
DUET_API duet_model *duet_run_model(duet_run *run);
DUET_API duet_data *duet_run_data(duet_run *run);
/** Whether they are those that the run was trained on, under whatever name it was opened with: by all that run.json
 * says of them, their checksum too, for which they are read through. */
DUET_API duet_status duet_run_data_is_own(duet_run *run, bool *own, duet_error *error);
/** Opens data as duet_run_open_with does for a run, beside its own: they must fit it, and classes that have names are
 *  numbered as the run's. `unsaid` as in duet_data_open_divided. The caller closes them. */
DUET_API duet_status duet_run_open_data(duet_run *run, const char *name, duet_division unsaid, duet_data **data,
                                        duet_error *error);
DUET_API duet_device *duet_run_device(duet_run *run);
/** The last part of the directory's path; "" for a training under way. */
DUET_API const char *duet_run_name(const duet_run *run);
/** The run's directory, and the examples a step of its training; "" and 0 for a training under way. */
DUET_API const char *duet_run_directory(const duet_run *run);
DUET_API size_t duet_run_batch(const duet_run *run);

/** How fast a training was between a report and the one before. */
typedef struct duet_run_speed {
    double seconds_a_step, images_per_second;
} duet_run_speed;

/** Those of all reports in the run's metrics.jsonl, in order; none where there is no such file. The first one has the
 *  driver's compiling in it. Free *rows with free(). */
DUET_API duet_status duet_run_speeds(duet_run *run, duet_run_speed **rows, size_t *count, duet_error *error);

/** Whether the run's metrics.jsonl is not what its checkpoint counts on: it cannot be read, ends before the steps whose
 *  losses the checkpoint says were reported, or is another run's, by its losses and epochs. `words` then says so. Not
 *  where it is missing, or the checkpoint is not sound. Without a device; the checkpoint is read through. */
DUET_API bool duet_run_doubts_reports(const char *run, char *words, size_t size);

/** Whether `run` is RUN/best.safetensors, the state of an epoch that was chosen by a metric on the test examples:
 * `words` then says by which, and that what is measured on these is better than on others. */
DUET_API bool duet_run_is_chosen(const char *run, char *words, size_t size);

/** Whether metrics of the test split are of a tenth of examples that are nobody's test set, as other data than the
 * run's own that have none are divided: in words for a note. They are read through for it. Errors: of reading. */
DUET_API duet_status duet_run_tells_share(duet_run *run, bool *tells, char *words, size_t size, duet_error *error);

/** Opens a run on the device of another one, which must outlive it. */
DUET_API duet_status duet_run_open_beside(duet_run **run, const char *directory, duet_run *other, duet_error *error);
/** The same, of a family of the program's own, which must outlive the run; NULL: the built-in one. */
DUET_API duet_status duet_run_open_beside_with(duet_run **run, const char *directory, duet_run *other,
                                               const duet_family *family, duet_error *error);
/** Lets metrics of `run` that name classes ask `judge`, a run of a classifier opened beside it on data of the same
 *  shape; it must stay open meanwhile. NULL: nobody. Classes are matched by name where both sets have names. Where the
 *  values are of another scale, or one set alone has names, duet_data_note of the run's data says so.
 *  DUET_ERROR_DATA for one that has learnt other examples or another number of classes: the run then has none, and
 *  refuses metrics that need one with these words, until another one or NULL is set. duet_judge_weigh says whether its
 *  word means anything. */
DUET_API duet_status duet_run_set_judge(duet_run *run, duet_run *judge, duet_error *error);
DUET_API duet_run *duet_run_judge(duet_run *run);

/** Lets metrics take the examples of a data set (duet_data_open: a .npy of any program's, or a named one) for the run's
 * samples: whoever asks the run for DUET_SAMPLE gets rows first .. first + count - 1 of them in an order that is drawn,
 * the same for as many, so that the first few of a sorted file are of all of it; of a set with a test split of its own
 * those of the training split come first. DUET_ERROR_DATA past the last. NULL: the model's own again. Errors: those of
 * opening, DUET_ERROR_DATA for examples of another shape than the run's data; rows of as many numbers fit too.
 * duet_data_note of duet_run_given_samples says what is the matter with them. */
DUET_API duet_status duet_run_set_samples(duet_run *run, const char *data, duet_error *error);
/** What was set; NULL: the samples are the model's own. */
DUET_API duet_data *duet_run_given_samples(duet_run *run);
/** Whether anything has asked for them so far: if not, they had no effect. */
DUET_API bool duet_run_samples_read(const duet_run *run);

/** What a row of features is of. */
typedef enum duet_feature_source { DUET_OF_SAMPLES, DUET_OF_EXAMPLES } duet_feature_source;

/** What gave the features of a metric. Values by different ones say nothing about each other. */
typedef struct duet_features_identity {
    char name[256];    /**< the name of the judge's directory, or of the file of the data's features; "": nothing did */
    char checksum[24]; /**< of the judge's weights, or of that file's numbers: one encoder and one set of examples */
} duet_features_identity;

/** Writes rows of features as FILE.npy, [count, width], and a note beside it, FILE-judge.json, that says what gave them
 *  and of what they are. Two rows or more. Errors: DUET_ERROR_FILE. */
DUET_API duet_status duet_features_write(const char *path, const float *values, size_t count, size_t width,
                                         duet_feature_source of, const duet_features_identity *by, duet_error *error);
/** Of what rows of features are: samples that a run drew, or examples. */
typedef struct duet_features_origin {
    duet_run *run;     /**< the one that drew the samples, by the settings that it has; NULL: they are examples */
    uint64_t seed;     /**< of the samples */
    duet_data *data;   /**< whose examples they are; not looked at with a run */
    const char *split; /**< which of them: "train", "test" or "all"; not looked at with a run */
} duet_features_origin;

/** The same with all that is known of what they are in the note, by which duet_run_set_features refuses them for
 * another run, checkpoint or set. Errors: also those of reading the data for their checksum. */
DUET_API duet_status duet_features_write_of(const char *path, const float *values, size_t count, size_t width,
                                            const duet_features_origin *origin, const duet_features_identity *by,
                                            duet_error *error);
/** The path of that note, which the caller frees; NULL: out of memory. */
DUET_API char *duet_features_note_path(const char *path);

/** Lets metrics that compare features take those of any encoder in place of a judge's: two .npy files, [n, width], of
 *  samples that the run drew and of the data's examples. Errors: DUET_ERROR_FILE, DUET_ERROR_DATA for files that are no
 *  rows of numbers, not equally wide, or, as their notes say, by two judges, of samples of another run or checkpoint,
 * or of examples of other data. */
DUET_API duet_status duet_run_set_features(duet_run *run, const char *of_samples, const char *of_examples,
                                           duet_error *error);
/** What was read, with notes where its rows are all equal or those of both; NULL: no features were set. */
DUET_API duet_data *duet_run_given_features(duet_run *run, duet_feature_source source);
/** Of what they are, in words, as their note says ("samples of vae at step 600, seed 0"); NULL: it is not known. Lives
 *  as long as the run has them. */
DUET_API const char *duet_run_given_origin(const duet_run *run, duet_feature_source source);

/** Whether the model has an output of this name (DUET_SAMPLE, ...) and how many numbers an example it has: 0 if it has
 *  none. */
DUET_API size_t duet_run_features(duet_run *run, const char *output);
/** Numbers of the latents: 0 if the model has none. */
DUET_API size_t duet_run_latent_features(duet_run *run);
/** Part `index` of what the latents are drawn from; NULL past the last. */
DUET_API const duet_prior *duet_run_prior(duet_run *run, size_t index);
/** Whether the model reads classes: requests may then give them. */
DUET_API bool duet_run_has_classes(duet_run *run);

/** How many classes the model was trained with; 0: it knows none. */
DUET_API size_t duet_run_classes(duet_run *run);
/** learnt: those of them that a training example has, in order, all where nobody knows. Returns how many: labels are
 *  numbers up to the largest one, between which may be such that no example has, and what a model draws of those means
 *  nothing. */
DUET_API size_t duet_run_learnt_classes(duet_run *run, uint8_t learnt[256]);
/** Whether labels of examples, `data` being those of the run or others opened for it, are of classes that the run has
 *  learnt. Errors: DUET_ERROR_DATA, which names the first that is of none. */
DUET_API duet_status duet_run_check_labels(duet_run *run, const duet_data_info *data, const uint8_t *labels,
                                           size_t count, duet_error *error);

/** Settings that every request to the run has in front of its own, such as "weights=average" for the averages that a
 *  training with the setting `average` kept. The texts must outlive the run. */
DUET_API void duet_run_set_settings(duet_run *run, const char *const *settings, size_t count);
/** A flag, as in duet_train_options, for requests to the run that have none of their own, as those of metrics: set to
 *  non-zero it ends them with DUET_ERROR_INTERRUPTED. It must outlive its use. NULL: none, as at first. */
DUET_API void duet_run_set_stop(duet_run *run, const volatile int *stop);
/** The first of them that nothing asked for so far reads, so that it had no effect; NULL: there is none. */
DUET_API const char *duet_run_unread(const duet_run *run);
/** Whether something that was asked for since has read setting `index` of them. */
DUET_API bool duet_run_has_read(const duet_run *run, size_t index);
/** Whether what makes the output reads a setting, "key=value", of a request. */
DUET_API bool duet_run_reads(duet_run *run, const char *output, const char *setting);
/** Which of DUET_READS_EXAMPLES, ... what a request asks for depends on, together: what else it gives has no effect.
 *  Looks at the procedure and the names of the outputs alone; what the model does not have reads nothing. Errors:
 *  DUET_ERROR_MEMORY. */
DUET_API duet_status duet_run_inputs(duet_run *run, const duet_request *request, unsigned *inputs, duet_error *error);
/** Whether numbers from `low` to `high`, of `count` examples, are spread much otherwise than those that the run was
 *  trained on, or lie far from them, as those of another scale do: `words` then asks so, of `what`. Not of what
 *  duet_run_use refuses. Of data that a run is opened on, duet_data_note says the same. */
DUET_API bool duet_run_doubts_range(duet_run *run, const char *what, double low, double high, size_t count, char *words,
                                    size_t size);
/** FLOPs of each row of a request, counted from the shapes as duet_plan_explain does; the request is planned, not
 *  answered. Errors as of duet_run_use. */
DUET_API duet_status duet_run_flops(duet_run *run, const duet_request *request, double *flops, duet_error *error);
/** Refuses, in words, what duet_run_use would refuse: a setting that the model does not take, or a value out of its
 *  range (DUET_ERROR_USAGE). */
DUET_API duet_status duet_run_check_settings(duet_run *run, const char *const *settings, size_t count,
                                             duet_error *error);
/** Whether some procedure of the model reads the setting `key` in a request; "weights": whether it keeps averages. */
DUET_API bool duet_run_takes(duet_run *run, const char *key);
/** Key `index` of those that procedures read; NULL past the last. */
DUET_API const char *duet_run_key(duet_run *run, size_t index);
/** What they say of `key`, the last of them, which then counts as read; NULL: nothing. */
DUET_API const char *duet_run_setting(duet_run *run, const char *key);
/** Answers a request. Errors: DUET_ERROR_USAGE for an output, a procedure, a setting or a class that the model does not
 *  have, or examples that it needs and were not given; DUET_ERROR_DATA for examples beyond [0, 1] where the run's data
 *  lie within, unless the request allows any range; DUET_ERROR_INTERRUPTED; DUET_ERROR_NUMERIC for examples or latents
 * that are not finite, and, with all outputs filled, where one of them is not. Where more than one in 50 numbers that a
 * family of the program's own gives as examples lie below -1 or above 2 and the data in [0, 1], as logits do,
 * duet_data_note of the run's data says so, once. */
DUET_API duet_status duet_run_use(duet_run *run, const duet_request *request, duet_error *error);

/* A run that several ranks use (docs/distributed.md). Rank 0 alone opens it, asks it and has the answers; the others
 * serve. */

/** Rank 0: requests to the run of more than one batch are shared from now on, whoever makes them, such as metrics, and
 *  so is the search for its nearest training examples; so are those of runs that are opened beside it later. Numbers
 * are those of rank 0 alone, equal to the bit where devices and drivers are of one kind, else to rounding. The others
 * have to be in duet_run_serve, and `ranks` must outlive the run. NULL: no longer. Requests for buffers, and those for
 * samples or features that were given, are rank 0's. What fails on another rank is an error of the request;
 * DUET_ERROR_DEVICE if one no longer answers. Errors: DUET_ERROR_USAGE for another rank than 0, or a training under
 * way. */
DUET_API duet_status duet_run_share(duet_run *run, duet_ranks *ranks, duet_error *error);
/** Rank 0: has the others return from duet_run_serve, after the last request. */
DUET_API duet_status duet_run_dismiss(duet_ranks *ranks, duet_error *error);

/** How a rank serves; all zeros will do. */
typedef struct duet_serving {
    const duet_family *family; /**< of runs whose family is not built in */
    const char *device;        /**< a selector; NULL: what rank 0 opened the run by. Of devices that fit, each rank of a
                                    machine takes another one */
    duet_log_function log;     /**< hears whom this rank waits for, once a minute; NULL: nobody */
    void *context;
    const volatile int *stop; /**< as in duet_train_options */
} duet_serving;

/** The other ranks: opens what rank 0 shares, by the same path and on the same data, which must be there, and works for
 *  it until it is dismissed. What fails rank 0 is told, and this goes on. Errors: DUET_ERROR_INTERRUPTED, and those
 * that rank 0 cannot be told, after which all ranks have to end. */
DUET_API duet_status duet_run_serve(duet_ranks *ranks, const duet_serving *serving, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
