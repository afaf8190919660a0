/* SPDX-License-Identifier: MIT */
/* A metric is a row: what it is called, whether a run can give it, which outputs it wants of every example of a split,
 * and how it takes them in. All metrics that are asked for share one pass over the split. */
#ifndef DUET_SRC_METRIC_METRIC_H
#define DUET_SRC_METRIC_METRIC_H

#include "base/status.h"
#include "duet/metric.h"
#include "run/run.h"

/** Rows of one output that were drawn so far, from row 0 on. */
typedef struct duet_metric_drawn {
    const char *output;
    float *values;
    size_t count;
} duet_metric_drawn;

/** Rows of features, [count, width]. */
typedef struct duet_feature_set {
    float *values; /**< NULL: not asked for yet */
    size_t count, width;
} duet_feature_set;

/** What one metric of a pass asked for and others can have too. */
typedef struct duet_metric_stock {
    duet_metric_drawn drawn[8];
    size_t count;
    duet_feature_set sample_features, example_features;
} duet_metric_stock;

/** One metric at work: what was asked, its state, and the values so far. */
typedef struct duet_metric_task {
    duet_run *run;
    duet_split split;
    uint64_t seed;
    duet_metric_stock *stock;
    void *state; /**< the metric's own: one block, which the pass frees */
    duet_metric_value *values;
    size_t capacity, count;
} duet_metric_task;

/** A piece of the split: examples first .. first + count - 1, and the rows of each output in the metric's order. */
typedef struct duet_metric_piece {
    size_t first, count;
    const float *examples;
    const uint8_t *labels; /**< NULL: the split has none */
    const float *values[4];
} duet_metric_piece;

typedef struct duet_metric {
    duet_metric_row row;
    bool (*applies)(duet_run *run);
    /** The outputs wanted of every example, at most four, NULL after the last; NULL: no pass is needed. */
    const char *const *(*outputs)(duet_run *run, duet_split split);
    /** Makes task->state; NULL: there is none. */
    duet_status (*begin)(duet_metric_task *task, duet_error *error);
    void (*take)(duet_metric_task *task, const duet_metric_piece *piece);
    /** Adds the values. */
    duet_status (*finish)(duet_metric_task *task, duet_error *error);
    /** Refuses fewer examples of the split, or given features, than the metric needs, in words that name the number.
     *  NULL: it needs one. */
    duet_status (*enough)(duet_run *run, duet_split split, duet_error *error);
    /** Why it does not apply, in words; NULL, or what gives NULL: the summary says for what it is. */
    const char *(*refusal)(duet_run *run);
    size_t samples; /**< the least that it needs of samples that are given in place of the model's own */
    /** Which of two values is the better one, where that follows from the run; NULL: the first measure says it. */
    duet_better (*better)(duet_run *run);
    /** The output that it asks of some examples by itself; NULL: none, or none that may read their classes. */
    const char *(*asks)(duet_run *run);
} duet_metric;

extern const duet_metric duet_metric_elbo, duet_metric_nll, duet_metric_bits_per_dimension, duet_metric_active_units,
    duet_metric_mse, duet_metric_sharpness, duet_metric_accuracy, duet_metric_classes, duet_metric_agreement,
    duet_metric_modes, duet_metric_neighbour_spread, duet_metric_frechet, duet_metric_latent_mmd,
    duet_metric_latent_rank, duet_metric_nearest_neighbour, duet_metric_reconstruction_agreement,
    duet_metric_cluster_accuracy, duet_metric_inception_score, duet_metric_kernel_distance, duet_metric_latent_mse,
    duet_metric_log_likelihood, duet_metric_memorisation, duet_metric_precision, duet_metric_ssim,
    duet_metric_combinations, duet_metric_latent_probe, duet_metric_linear_probe, duet_metric_mutual_information_gap,
    duet_metric_ais, duet_metric_cost, duet_metric_jensen_shannon, duet_metric_jensen_shannon_discriminator;

/** Whether there are runs of whose values by the metric one is better. */
bool duet_metric_may_have_best(const char *name);
/** Refuses data without training examples, which the metric `name` goes by. */
duet_status duet_metric_enough_training(duet_run *run, const char *name, duet_error *error);
/** Refuses data of which one split has no labels, where the metric `name` goes by those of both. */
duet_status duet_metric_enough_labels(duet_run *run, const char *name, duet_error *error);
/** Whether the output is made of examples and of their classes too, and those of the split have no labels. */
bool duet_metric_lacks_classes(duet_run *run, duet_split split, const char *output);
/** Whether the model is told classes, and the examples of the task's split have labels that say them. */
bool duet_metric_tells_classes(const duet_metric_task *task);
/** Why the judge that was to be asked is not; NULL: it is, or none was given, as the summary says. */
const char *duet_metric_why_no_judge(duet_run *run);
/** The same of metrics that compare samples by its features; NULL also where the model draws no samples. */
const char *duet_metric_why_no_features(duet_run *run);
/** The classes that samples are asked of by what goes by each class alike, where samples that stand for examples are
 *  drawn as often as those have each: as many of each that was learnt. Notes that some were not. */
void duet_metric_ask_classes(const duet_metric_task *task, uint8_t *asked, size_t count);
/** How many classes `classes` surely counts of samples that have each as often as the training examples: rare ones, and
 *  those that a label names and no example has, are none that samples lack. All where nobody knows; NaN: each is rare.
 */
double duet_metric_expect_classes(duet_run *run);
/** Notes that the labels of the split are one class, and, for what goes `by_training` examples, that some are of
 * classes that these lack. A training is told of its data when it begins. */
duet_status duet_metric_tell_of_labels(const duet_metric_task *task, bool by_training, duet_error *error);
/** `better` of what is read from codes: the larger, but of codes that are made of classes too, as of a conditional VAE,
 *  neither: much may be read from them whatever was learnt, and little is what such a model is for. */
duet_better duet_metric_better_of_codes(duet_run *run);
/** Notes that codes are of that kind. */
void duet_metric_tell_of_codes(const duet_metric_task *task);
/** Why the data do not tell classes apart; NULL: some of their examples have labels, of two classes or more. */
const char *duet_metric_why_no_classes(duet_run *run);
/** Why the run's model has no such likelihood: a refusal. */
const char *duet_metric_why_no_likelihood(duet_run *run);
/** Why a discriminator's word of samples is not asked: others are given in place of those that it plays against. NULL:
 *  none are. */
const char *duet_metric_why_not_played(duet_run *run);
/** Why no discriminator of the run says the log-odds of real and generated; NULL: one does. */
const char *duet_metric_why_no_odds(duet_run *run);
/** A count that requests set ("examples=200"), for the metric itself; `initial` where nothing is said. */
size_t duet_metric_count(const duet_metric_task *task, const char *key, size_t initial);
/** How many examples the task's split has. */
size_t duet_metric_examples(const duet_metric_task *task);
/** Allocates task->state, `bytes` of zeros. */
duet_status duet_metric_new_state(duet_metric_task *task, size_t bytes, duet_error *error);
/** Adds a value; past the capacity only the count grows. low, high: its interval, NAN without one. One without width is
 *  left out: where all numbers are equal, nothing tells how far another one would lie. */
void duet_metric_add(duet_metric_task *task, const char *name, double value, double low, double high, size_t n);
/** The same where such values lie from `least` to `most` (an infinity: anywhere), beyond which no end goes, but to hold
 *  the value itself, which an estimate without bias may have beyond. */
void duet_metric_add_within(duet_metric_task *task, const char *name, double value, double low, double high,
                            double least, double most, size_t n);
/** Adds a count whose ends were counted each by itself, and may be equal. */
void duet_metric_add_count(duet_metric_task *task, const char *name, double value, double low, double high, size_t n);
/** Adds NaN, and remembers why, a static text: these data, and not the model, leave nothing to compute. */
void duet_metric_add_unknown(duet_metric_task *task, const char *name, const char *reason, size_t n);
/** Adds how many of `kinds` n samples show, times `unit`; seen: how many samples show each. A kind seen l times on
 *  average is missed with e^-l, whose variance e^-l (1 - e^-l) is below l e^-l, so the number covered varies by at most
 *  the number seen once: the interval reaches 1.96 times its root. Upwards it reaches at least as far as there may be
 *  samples of kinds not seen, none of n, by Wilson's interval. A bootstrap, which can only lose kinds, lies too low. */
void duet_metric_add_covered(duet_metric_task *task, const char *name, const size_t *seen, size_t kinds, double unit,
                             size_t n);
/** Adds the mean of n numbers with its interval of 95%: mean +- t standard errors, t of Student's distribution. */
void duet_metric_add_mean(duet_metric_task *task, const char *name, const double *numbers, size_t n);
/** The same of numbers from `least` to `most` (duet_metric_add_within). */
void duet_metric_add_mean_within(duet_metric_task *task, const char *name, const double *numbers, size_t n,
                                 double least, double most);
/** Adds the ratio of two means of what is never below 0, of n numbers over m others, with its interval of 95% by the
 * delta method: t standard errors, whose square is (v + ratio^2 w) / mean_below^2, v and w being the variances of both
 * means. */
void duet_metric_add_ratio(duet_metric_task *task, const char *name, const double *above, size_t n, const double *below,
                           size_t m);
/** The same of n pairs: its variance is that of the mean of above - ratio * below. */
void duet_metric_add_paired_ratio(duet_metric_task *task, const char *name, const double *above, const double *below,
                                  size_t n);
/** Adds a share, `hits` of n, with its interval (duet_share_interval). */
void duet_metric_add_share(duet_metric_task *task, const char *name, size_t hits, size_t n);
/** The same where others than the n were drawn too, by which the share has that variance besides: the interval of as
 *  many draws as have the sum of both. */
void duet_metric_add_share_of_both(duet_metric_task *task, const char *name, size_t hits, size_t n, double variance);
/** Percentile 97.5 of Student's t. */
double duet_student(size_t degrees);
/** `most` samples, or fewer where fewer are given in place of the model's own. */
size_t duet_metric_sample_count(duet_run *run, size_t most);
/** *values: the output of the first `count` rows of the seed, [count, features]; the caller frees them. */
duet_status duet_metric_sample(const duet_metric_task *task, const char *output, size_t count, float **values,
                               duet_error *error);
void duet_metric_stock_clear(duet_metric_stock *stock);
/** `outputs` of a metric that compares examples with their reconstructions. */
const char *const *duet_metric_reconstruction(duet_run *run, duet_split split);

/* Examples by their places in a split: a few for many, where a pass over all would take long. */

/** Whether the model draws samples that are like the examples. */
bool duet_metric_draws(duet_run *run);
/** `count` places out of `total`, one by chance of each part of as many, so that a file in which classes come one after
 *  the other, or take turns, gives some of each. The same for the same numbers. */
void duet_metric_places(size_t total, size_t count, size_t *places);
/** The examples at these places, in any order, [count, features], and their labels (NULL: not wanted). */
duet_status duet_metric_read(const duet_metric_task *task, duet_split split, const size_t *places, size_t count,
                             float *examples, uint8_t *labels, duet_error *error);
/** What the run gives for them as `output`, [count, numbers], and their labels. The data must have some. */
duet_status duet_metric_ask(const duet_metric_task *task, duet_split split, const size_t *places, size_t count,
                            const char *output, float *values, uint8_t *labels, duet_error *error);

/** What the run's judge says of each of `count` samples, [count, classes]; the caller frees the logits. */
duet_status duet_metric_judge_logits(const duet_metric_task *task, const float *samples, size_t count, float **logits,
                                     duet_error *error);
/** numbers[k]: the class of the run's data that class k of its judge is: the one of the same name where both have
 * names, else k. DUET_ERROR_DATA where the judge does not know a class of the data. */
duet_status duet_metric_judge_numbers(duet_run *run, uint8_t numbers[256], duet_error *error);
/** *classes: the class for which the run's judge takes each of `count` samples. */
duet_status duet_metric_judge(const duet_metric_task *task, const float *samples, size_t count, uint8_t *classes,
                              duet_error *error);
/** The index of the largest of `classes` logits, the first if several are. */
size_t duet_metric_most_likely(const float *logits, size_t classes);

#endif
