/* SPDX-License-Identifier: MIT */
/* Metrics: numbers that judge a trained run. One row a metric. */
#ifndef DUET_METRIC_H
#define DUET_METRIC_H

#include "run.h"

#ifdef __cplusplus
extern "C" {
#endif

/** By what a metric looks at samples and examples. */
typedef enum duet_feature_use {
    DUET_BY_NO_FEATURES, /**< by their own numbers, or by what the model says */
    DUET_BY_FEATURES,    /**< by features: those from files if some were given, else the judge's */
    DUET_BY_JUDGE,       /**< by the classes that the judge sees, if there is one */
} duet_feature_use;

/** Which of two values is the better one. */
typedef enum duet_better { DUET_NEITHER, DUET_LARGER, DUET_SMALLER, DUET_NEAREST_ONE } duet_better;

/** What a value speaks of, in the order in which groups are shown. */
typedef enum duet_measure_group {
    DUET_OF_QUALITY, /**< how good samples are */
    DUET_OF_VARIETY, /**< how varied they are */
    DUET_OF_COPIES,  /**< whether they copy the training data */
    DUET_OF_LIKELIHOOD,
    DUET_OF_RECONSTRUCTION,
    DUET_OF_LATENTS,
    DUET_OF_JUDGEMENT, /**< telling real from made */
    DUET_OF_COST,
    DUET_OF_MORE, /**< what helps to read another value */
} duet_measure_group;

/** One value that a metric gives. */
typedef struct duet_metric_measure {
    const char *name;
    const char *unit; /**< NULL: its metric's */
    duet_better better;
    duet_measure_group group;
    unsigned place; /**< in its group, from 1 on; 0: after those that have one */
} duet_metric_measure;

typedef struct duet_metric_row {
    const char *name;
    const char *unit;
    const char *summary;
    bool on_request; /**< it takes long: computed only where it is named */
    duet_feature_use by_features;
    /** Every value that it can give; after the last a NULL name. The first is the metric's own: what is best by the
     *  metric is best by it. */
    const duet_metric_measure *measures;
} duet_metric_row;

/** A metric's value and its interval of 95%, which docs/commands.md says how it is made; low and high are NaN without
 *  one, as where all that was seen is alike and says nothing of what else there may be. n: the examples or samples it
 * was taken over. */
typedef struct duet_metric_value {
    const char *name; /**< static */
    double value, low, high;
    size_t n;
    const duet_metric_row *row; /**< the metric that gave it */
} duet_metric_value;

DUET_API const duet_metric_row *duet_metric_at(size_t index); /**< NULL past the end */
/** What a run must be for the metric, such as "for models that encode": the end of the summary. */
DUET_API const char *duet_metric_needs(const duet_metric_row *row);
/** The measure of a value that the metric gives; NULL: it gives none of that name. */
DUET_API const duet_metric_measure *duet_metric_measure_find(const duet_metric_row *row, const char *name);
/** NULL if there is none of that name. */
DUET_API const duet_metric_row *duet_metric_find(const char *name);
/** Whether the run's model has what the metric needs, and its test split (without one, the training split) enough. */
DUET_API bool duet_metric_applies(duet_run *run, const char *metric);
/** Refuses, in words, a metric that there is not (DUET_ERROR_USAGE), that the model cannot give (likewise), or of fewer
 *  examples than it needs (DUET_ERROR_DATA, with the number needed). */
DUET_API duet_status duet_metric_check(duet_run *run, const char *metric, duet_split split, duet_error *error);
/** Why the run cannot give a metric that does not apply, in words of its own; NULL where duet_metric_needs says it. */
DUET_API const char *duet_metric_refusal(duet_run *run, const char *metric);
/** Computes one metric on a split. It may write several values (at most `capacity`); returns through *count. What
 * cannot be computed of these data is NaN, and duet_metric_reason says why. Errors: DUET_ERROR_USAGE for an unknown
 * metric or one the model cannot give. */
DUET_API duet_status duet_metric_compute(duet_run *run, const char *metric, duet_split split, uint64_t seed,
                                         duet_metric_value *values, size_t capacity, size_t *count, duet_error *error);

/** Why the value of this name, as a metric gave it last, is NaN: a condition of the data, as where all that it compares
 *  with is alike, in words. NULL: it is a number, or what the model computes is not finite. */
DUET_API const char *duet_metric_reason(const duet_run *run, const char *value);

/** Several metrics in one pass over the split; their values follow each other in the order of the names. */
DUET_API duet_status duet_metric_compute_all(duet_run *run, const char *const *metrics, size_t metric_count,
                                             duet_split split, uint64_t seed, duet_metric_value *values,
                                             size_t capacity, size_t *count, duet_error *error);

/** Told of a metric that cannot be computed, and why. */
typedef void (*duet_metric_left_out)(void *context, const char *metric, const duet_error *reason);
/** The same where a metric that cannot be computed costs itself alone: those that duet_metric_check refuses are left
 *  out, and should the pass of the others fail, each is computed by itself. `left_out` is told of every one that has no
 *  values. Errors: DUET_ERROR_INTERRUPTED, DUET_ERROR_DEVICE and DUET_ERROR_NO_DEVICE, which end all, and
 *  DUET_ERROR_MEMORY. */
DUET_API duet_status duet_metric_compute_each(duet_run *run, const char *const *metrics, size_t metric_count,
                                              duet_split split, uint64_t seed, duet_metric_value *values,
                                              size_t capacity, size_t *count, duet_metric_left_out left_out,
                                              void *context, duet_error *error);

/** *identity: of the metric's features with what the run has now, a judge or files; of metrics that compare features
 *  if `metric` is NULL. Its name is "" for a metric that takes none. */
DUET_API duet_status duet_metric_features(duet_run *run, const char *metric, duet_features_identity *identity,
                                          duet_error *error);
/** DUET_ERROR_USAGE, in words, unless two values of the metric were made by the same features. */
DUET_API duet_status duet_features_check(const duet_features_identity *a, const duet_features_identity *b,
                                         const char *metric, duet_error *error);

/** What a judge's word is worth. */
typedef struct duet_judge_weight {
    duet_metric_value
        accuracy;  /**< how often it is right about examples of its own data, on the split that judges it */
    double chance; /**< the share of their commonest class: who always says that one is right so often */
    duet_split split;
    const char *data; /**< its name; borrowed of the judge */
} duet_judge_weight;

/** Errors: those of the judge's accuracy, for which its own data are needed. */
DUET_API duet_status duet_judge_weigh(duet_run *judge, duet_judge_weight *weight, duet_error *error);
/** Whether it is not surely right more often than by chance, so that what it says of samples may mean little: in words
 *  for a warning. */
DUET_API bool duet_judge_may_guess(const duet_judge_weight *weight, char *words, size_t size);

/** Which of two of the metric's own values is the better one: what the first of its measures says, unless that follows
 *  from the run, as of accuracy: a classifier's is the better the larger, a discriminator's is neither. */
DUET_API duet_better duet_metric_better(duet_run *run, const char *metric);

/** Wilson's interval of 95% of a share, `hits` of n, 0 to n (Wilson 1927, J. Am. Stat. Assoc. 22). */
DUET_API void duet_share_interval(size_t hits, size_t n, double *low, double *high);

/** The mean of n numbers, and its interval of 95%: t standard errors each way, t of Student's distribution; NaN for a
 *  single number, and where all are equal, which tells nothing of how far another one would lie. */
DUET_API void duet_mean_interval(const double *numbers, size_t n, double *mean, double *low, double *high);

/** At each of `count` latents ([count, latents]; with `classes` of a model that is told some, else NULL) the numerical
 *  rank of d decode / d latent, into ranks [count]: singular values above a hundredth of the largest, by central
 *  differences. Costs two decodes a latent. */
DUET_API duet_status duet_latent_rank(duet_run *run, const float *latents, const uint8_t *classes, size_t count,
                                      double *ranks, duet_error *error);

/** A discriminator at one place of the line. */
typedef struct duet_curve_point {
    double x, p, q;       /**< densities of the data and of samples, blurred alike */
    double best;          /**< D* = p / (p + q), the best discriminator; NaN where there is too little of both to say */
    double discriminator; /**< the model's: sigmoid of its logit */
} duet_curve_point;

/** A discriminator from `low` to `high` at `count` points, beside the best one, of a GAN whose logit is log-odds on
 *  generated data of one dimension. q is estimated from 20,000 samples of the seed. Errors: DUET_ERROR_USAGE for any
 *  other run, in words. */
DUET_API duet_status duet_discriminator_curve(duet_run *run, double low, double high, uint64_t seed,
                                              duet_curve_point *points, size_t count, duet_error *error);

/** The training example that is nearest to each of `count` rows of the data's numbers, and its Euclidean distance. A
 * row of NaNs is near nothing: SIZE_MAX and infinity. Ranks that share the run search together. */
DUET_API duet_status duet_nearest_training(duet_run *run, const float *rows, size_t count, size_t *places,
                                           double *distances, duet_error *error);

/** How well scores tell strange examples from usual ones. */
typedef struct duet_separation {
    double auroc;             /**< the share of pairs in which the strange example has the higher score, ties half */
    double low, high;         /**< its interval of 95% (after Newcombe 2006, method 5) */
    double average_precision; /**< area under precision over recall, strange examples being what is looked for */
    double average_precision_low, average_precision_high; /**< its interval of 95% (infinitesimal jackknife) */
    size_t usual, strange;    /**< examples of each kind */
} duet_separation;

/** Scores of both kinds, the higher the stranger; NaN counts as the highest. Errors: DUET_ERROR_USAGE without scores of
 *  one kind. */
DUET_API duet_status duet_separate(const float *usual, size_t usual_count, const float *strange, size_t strange_count,
                                   duet_separation *result, duet_error *error);

/* Watching a training. */

/** What a monitor computes and decides. Its texts must outlive the monitor. */
typedef struct duet_monitor_options {
    const char *const *metrics; /**< computed at each epoch's end on the test split (without one, the training split) */
    size_t metric_count;
    const char *best;      /**< the metric whose best state is kept as best.safetensors; NULL: none */
    uint64_t patience;     /**< epochs without a better one after which the training stops; 0: it does not */
    const char *judge;     /**< a classifier's run for metrics that ask one; NULL: nobody, or who run.json of the run
                              that goes on names, if that judge still says the same (duet_train_options.judge) */
    const duet_family *judge_family; /**< of a judge of the program's own family, which must outlive the monitor; NULL:
                                        the built-in one */
    bool judge_is_weighed;           /**< the program has told of its worth (duet_judge_weigh): the monitor does not */
    bool stop_on_collapse; /**< look for lost modes, classes and latents, and stop where few are left */
    uint64_t seed;         /**< of the metrics' own noise */
    const char *resume;    /**< the run that goes on, whose earlier values count; NULL: a new one. What is not said of
                              metrics, best and patience is as run.json has it; "none" as the only metric, or as the
                              best, says that there is none any more */
} duet_monitor_options;

typedef struct duet_monitor duet_monitor;

/** Errors: DUET_ERROR_USAGE for a metric that there is not, or of whose first value neither of two is better, and for a
 *  judge whom nothing asks. */
DUET_API duet_status duet_monitor_new(duet_monitor **monitor, const duet_monitor_options *options, duet_error *error);
DUET_API void duet_monitor_free(duet_monitor **monitor);
/** What it watches, of the options and of the run that goes on, for duet_train_options.watch. */
DUET_API const duet_watch *duet_monitor_watch(const duet_monitor *monitor);
/** For duet_train_options.at_start, with the monitor as `watcher`: refuses metrics that the run cannot give, and a
 *  recorded judge that is not what it was; a judge that may guess is warned of. With nothing to watch it only says what
 * a run that goes on was watched by.
 */
DUET_API duet_status duet_monitor_check(void *monitor, duet_run *run, duet_error *error);
/** For duet_train_options.at_epoch, with the monitor as `watcher`. */
DUET_API duet_status duet_monitor_look(void *monitor, duet_run *run, uint64_t epoch, duet_verdict *verdict,
                                       duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
