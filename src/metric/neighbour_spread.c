/* SPDX-License-Identifier: MIT */
/* How far samples lie from each other: the mean distance of each of 500 samples to the nearest other one, over the same
 * of 500 examples. A generator that draws few things again and again is near 0 though each of them may be good; noise
 * is far from everything, so above 1 is no praise. It needs no labels and no judge. Where each of these examples has a
 * twin among them, as in tables of few discrete columns, there is no ratio.
 *
 * The interval is that of a ratio of two means, by the delta method, whose variances are the jackknife's over 24 groups
 * of rows: two rows that are each other's nearest have one distance, and one row may be the nearest of many, so that
 * distances taken for independent make it too narrow. Of two sets of one distribution it holds 1 in 95% to 100% of
 * simulated cases (60 and 500 rows of 2 to 784 numbers, clusters, heavy tails), where independent ones did in 63% to
 * 100%; of numbers without a mean (Cauchy's) in 78% to 86%. Of ten rows of ten clusters, of which sorted examples are one each, the ratio itself is too small. */
#include <math.h>
#include <stdlib.h>

#include "base/permute.h"
#include "metric/metric.h"
#include "run/distances.h"

enum { ROWS = 500, LEAST = 2, MOST_GROUPS = 24, STREAM = 0x6e656172 };

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_SAMPLE) == duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    if (data->count[split] >= LEAST) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "neighbour-spread needs at least %d examples; %s has %zu", LEAST,
                     data->name, data->count[split]);
}

/* A row's distance to its nearest other one, whose group may be left out, and to the nearest outside that group. */
typedef struct neighbour {
    size_t own, group;
    double distance, other;
} neighbour;

static void meet(neighbour *it, size_t group, double distance)
{
    if (distance < it->distance) {
        if (group != it->group) it->other = it->distance;
        it->group = group;
        it->distance = distance;
    } else if (group != it->group) {
        it->other = fmin(it->other, distance);
    }
}

static void find_neighbours(neighbour *found, const float *rows, size_t count, size_t features)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            const double distance = sqrt(duet_squared_distance(rows + i * features, rows + j * features, features));
            meet(&found[i], found[j].own, distance);
            meet(&found[j], found[i].own, distance);
        }
}

/* The mean distance of the rows of all groups but one (`groups`: but none) to the nearest row of these. */
static double mean_without(const neighbour *found, size_t count, size_t group)
{
    double sum = 0;
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        if (found[i].own == group) continue;
        sum += found[i].group == group ? found[i].other : found[i].distance;
        rows++;
    }
    return sum / (double)rows;
}

/* A mean distance and its variance. */
typedef struct spread {
    double mean, variance;
} spread;

/* Groups of two rows or more, so that none is left without a neighbour; of less than two there is no variance. */
static size_t group_count(size_t count)
{
    return count / 2 < MOST_GROUPS ? count / 2 : MOST_GROUPS;
}

static spread spread_of(const float *rows, size_t count, size_t features, uint64_t seed)
{
    neighbour found[ROWS];
    const size_t groups = group_count(count);
    double without[MOST_GROUPS], mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t own = duet_philox_permute(seed, STREAM, 0, (uint32_t)i, (uint32_t)count) % groups;
        found[i] = (neighbour){own, groups, INFINITY, INFINITY};
    }
    find_neighbours(found, rows, count, features);
    for (size_t k = 0; k < groups; k++) mean += (without[k] = mean_without(found, count, k)) / (double)groups;
    for (size_t k = 0; k < groups; k++) squares += (without[k] - mean) * (without[k] - mean);
    return (spread){mean_without(found, count, groups), squares * (double)(groups - 1) / (double)groups};
}

static void add_ratio(duet_metric_task *task, spread samples, spread data, size_t count)
{
    const char *const name = "neighbour-spread";
    if (!(data.mean > 0)) {
        duet_metric_add_unknown(task, name,
                                "each of the examples that it looks at has a twin among them, so that no distance to "
                                "the nearest is left to compare with",
                                count);
        return;
    }
    const size_t groups = group_count(count);
    const double ratio = samples.mean / data.mean, variance = samples.variance + ratio * ratio * data.variance;
    const double reach = groups > 1 ? duet_student(groups - 1) * sqrt(variance) / data.mean : NAN;
    duet_metric_add_within(task, name, ratio, ratio - reach, ratio + reach, 0, INFINITY, count);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t features = duet_run_features(task->run, DUET_SAMPLE), total = duet_metric_examples(task);
    size_t count = duet_metric_sample_count(task->run, total < ROWS ? total : ROWS);
    size_t places[ROWS];
    float *rows = NULL;
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, count, &rows, error));
    const spread of_samples = spread_of(rows, count, features, task->seed);
    duet_metric_places(total, count, places);
    duet_status status = duet_metric_read(task, task->split, places, count, rows, NULL, error);
    if (status == DUET_OK) add_ratio(task, of_samples, spread_of(rows, count, features, task->seed), count);
    free(rows);
    return status;
}

static const duet_metric_measure measures[] = {
    {"neighbour-spread", NULL, DUET_NEAREST_ONE, DUET_OF_VARIETY, 7},
    {NULL},
};

const duet_metric duet_metric_neighbour_spread = {
    .row = {"neighbour-spread", "ratio to the data",
            "mean distance of 500 samples to the nearest other, over that of as many examples, near 0 where all look "
            "alike; for models that sample",
            .measures = measures},
    .applies = applies,
    .finish = finish,
    .enough = enough,
    .samples = LEAST,
};
