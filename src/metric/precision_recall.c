/* SPDX-License-Identifier: MIT */
/* Precision and recall, Kynkaanniemi et al. 2019 (arXiv:1904.06991), density and coverage, Naeem et al. 2020
 * (arXiv:2002.09797). Each row of features has a ball that reaches to its k-th neighbour of its own set, k = 5:
 *   precision: samples within the ball of some example         recall: examples within the ball of some sample
 *   density: balls of examples that a sample lies in, over k    coverage: examples whose ball has a sample in it
 * Where several rows of a set are as far as the k-th, as in tables of discrete columns, a ball holds more than k of
 * them, which neither paper speaks of: in the density it then counts k over those it holds, so that of two sets of one
 * distribution it is about 1 there too. Where more than k rows are equal their balls have no radius and hold what
 * equals them alone. A distance equal to the radius lies within, so a set against itself has precision, recall and
 * coverage 1. One odd example with a large ball makes precision, one odd sample recall, too high; density and coverage
 * suffer less. Intervals: Wilson's of the shares and that of a mean of the density, over the rows counted; the other
 * set and its balls count as given. */
#include <math.h>
#include <stdlib.h>

#include "data/data.h"
#include "metric/features.h"
#include "run/distances.h"

enum { LEAST = 100, K = 5 };

static bool applies(duet_run *run)
{
    return duet_metric_has_features(run);
}

/* Rows of one set: squared radii of their balls, what each ball counts for, how many balls of the other set each lies
 * in, and how many rows of the other set lie in its own. */
typedef struct balls {
    const float *rows;
    size_t count;
    double *radii, *shares, *around, *visitors;
} balls;

static duet_status make_balls(balls *it, const duet_feature_set *set, duet_error *error)
{
    size_t count = set->count;
    double *room = calloc(4 * count, sizeof *room);
    *it = (balls){set->values, count, room, room + count, room + 2 * count, room + 3 * count};
    if (room == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu rows", count);
    return duet_neighbour_shares(set->values, count, set->width, K, it->radii, it->shares, error);
}

static void meet(balls *samples, balls *examples, size_t width)
{
    for (size_t i = 0; i < samples->count; i++)
        for (size_t j = 0; j < examples->count; j++) {
            double distance = duet_squared_distance(samples->rows + i * width, examples->rows + j * width, width);
            bool in_example = distance <= examples->radii[j], in_sample = distance <= samples->radii[i];
            samples->around[i] += in_example ? examples->shares[j] : 0;
            examples->visitors[j] += in_example;
            examples->around[j] += in_sample;
            samples->visitors[i] += in_sample;
        }
}

static size_t count_any(const double *counts, size_t count)
{
    size_t some = 0;
    for (size_t i = 0; i < count; i++) some += counts[i] > 0;
    return some;
}

static void add_values(duet_metric_task *task, const balls *samples, const balls *examples)
{
    duet_metric_add_share(task, "precision", count_any(samples->around, samples->count), samples->count);
    duet_metric_add_share(task, "recall", count_any(examples->around, examples->count), examples->count);
    for (size_t i = 0; i < samples->count; i++) samples->around[i] /= K;
    duet_metric_add_mean_within(task, "density", samples->around, samples->count, 0, INFINITY);
    duet_metric_add_share(task, "coverage", count_any(examples->visitors, examples->count), examples->count);
}

/* Notes that many examples are equal to more than k others. */
static void tell_of_equals(const duet_metric_task *task, const balls *examples)
{
    size_t equal = 0;
    for (size_t i = 0; i < examples->count; i++) equal += examples->radii[i] == 0;
    if (task->run->live || equal * 100 <= examples->count) return;
    duet_notes_add(&duet_run_data(task->run)->notes, false,
                   "precision, density and coverage: %zu of %zu examples equal %d others or more by their features: "
                   "their balls have no radius, and a sample lies in them only where it equals them too",
                   equal, examples->count, K);
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    return duet_metric_enough_features(run, split, LEAST, "precision", error);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    duet_feature_set sets[2] = {{0}};
    balls samples = {0}, examples = {0};
    duet_status status = duet_metric_feature_pair(task, &sets[0], &sets[1], error);
    if (status == DUET_OK) status = make_balls(&samples, &sets[0], error);
    if (status == DUET_OK) status = make_balls(&examples, &sets[1], error);
    if (status == DUET_OK) {
        meet(&samples, &examples, sets[0].width);
        add_values(task, &samples, &examples);
        tell_of_equals(task, &examples);
    }
    free(samples.radii);
    free(examples.radii);
    free(sets[0].values);
    free(sets[1].values);
    return status;
}

static const duet_metric_measure measures[] = {
    {"precision", NULL, DUET_LARGER, DUET_OF_QUALITY, 5},
    {"recall", NULL, DUET_LARGER, DUET_OF_VARIETY, 1},
    {"density", "ratio to the data", DUET_LARGER, DUET_OF_QUALITY, 6},
    {"coverage", NULL, DUET_LARGER, DUET_OF_VARIETY, 2},
    {NULL},
};

const duet_metric duet_metric_precision = {
    .row = {"precision", "share",
            "precision, recall, density and coverage of up to 2,500 samples and as many examples by balls to the fifth "
            "neighbour among features; for models that sample, with a judge or with --features",
            .by_features = DUET_BY_FEATURES, .measures = measures},
    .applies = applies,
    .finish = finish,
    .enough = enough,
    .refusal = duet_metric_why_no_features,
};
