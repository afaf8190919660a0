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
 * suffer less.
 * Intervals: Wilson's of the shares and that of a mean of the density, over the rows counted, and wider by what the
 * other set's rows, drawn as well, have part in: by the jackknife a row of it has the share that it alone is the reason
 * of. Of 60 draws of both sets, 500 rows each, they held the mean in 85 to 100% where those of the rows counted alone
 * held it in 35 to 95%: equal distributions of 2 and 16 dimensions, a narrower, a shifted and a heavy-tailed one, a
 * collapse. */
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

/* Of each row how many of the other set's it met, and the last one. */
typedef struct meetings {
    size_t *count, *last;
} meetings;

/* Rows of one set: squared radii of their balls, what each ball counts for, what those count for that each lies in, the
 * balls of the other set that it lies in, and the rows of the other set that lie in its own. */
typedef struct balls {
    const float *rows;
    size_t count;
    double *radii, *shares, *around;
    meetings holders, visitors;
    size_t *reasons; /* of how many rows of the other set each is the only reason */
} balls;

static duet_status make_balls(balls *it, const duet_feature_set *set, duet_error *error)
{
    const size_t count = set->count;
    double *room = calloc(3 * count, sizeof *room);
    size_t *counts = calloc(5 * count, sizeof *counts);
    *it = (balls){set->values, count, room, room + count, room + 2 * count};
    it->holders = (meetings){counts, counts + count};
    it->visitors = (meetings){counts + 2 * count, counts + 3 * count};
    it->reasons = counts + 4 * count;
    if (room == NULL || counts == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu rows", count);
    return duet_neighbour_shares(set->values, count, set->width, K, it->radii, it->shares, error);
}

static void free_balls(balls *it)
{
    free(it->radii);
    free(it->holders.count);
}

static void add_meeting(meetings *of, size_t row, size_t other)
{
    of->count[row]++;
    of->last[row] = other;
}

static void meet(balls *samples, balls *examples, size_t width)
{
    for (size_t i = 0; i < samples->count; i++)
        for (size_t j = 0; j < examples->count; j++) {
            double distance = duet_squared_distance(samples->rows + i * width, examples->rows + j * width, width);
            if (distance <= examples->radii[j]) {
                samples->around[i] += examples->shares[j];
                add_meeting(&samples->holders, i, j);
                add_meeting(&examples->visitors, j, i);
            }
            if (distance <= samples->radii[i]) add_meeting(&examples->holders, j, i);
        }
}

/* The share of `count` rows that met some of the others, by whom it varies too. */
static void add_share(duet_metric_task *task, const char *name, const meetings *of, size_t count, balls *others)
{
    size_t hits = 0;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < others->count; i++) others->reasons[i] = 0;
    for (size_t i = 0; i < count; i++) {
        hits += of->count[i] > 0;
        if (of->count[i] == 1) others->reasons[of->last[i]]++;
    }
    for (size_t i = 0; i < others->count; i++) {
        const double part = (double)others->reasons[i] / (double)count;
        sum += part;
        squares += part * part;
    }
    duet_metric_add_share_of_both(task, name, hits, count, squares - sum * sum / (double)others->count);
}

/* A mean over the samples of sums over the examples. */
static void add_density(duet_metric_task *task, balls *samples, const balls *examples)
{
    const double others = (double)examples->count;
    double mean, low, high, sum = 0, squares = 0;
    for (size_t i = 0; i < samples->count; i++) samples->around[i] /= K;
    duet_mean_interval(samples->around, samples->count, &mean, &low, &high);
    for (size_t j = 0; j < examples->count; j++) {
        const double part = examples->shares[j] * (double)examples->visitors.count[j] / (K * (double)samples->count);
        sum += part;
        squares += part * part;
    }
    const double beside = duet_student(examples->count - 1) * sqrt(fmax(squares - sum * sum / others, 0));
    const double reach = isnan(high) && beside > 0 ? beside : hypot(high - mean, beside);
    duet_metric_add_within(task, "density", mean, mean - reach, mean + reach, 0, INFINITY, samples->count);
}

static void add_values(duet_metric_task *task, balls *samples, balls *examples)
{
    add_share(task, "precision", &samples->holders, samples->count, examples);
    add_share(task, "recall", &examples->holders, examples->count, samples);
    add_density(task, samples, examples);
    add_share(task, "coverage", &examples->visitors, examples->count, samples);
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
    free_balls(&samples);
    free_balls(&examples);
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
