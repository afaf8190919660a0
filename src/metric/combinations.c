/* SPDX-License-Identifier: MIT */
/* Which combinations of factors samples show, counted where the data are `shapes`: factors are read off each sample
 * (shape_reader.c). A sample is unreadable if the picture of its factors leaves over a fifth of its sum of squares
 * unexplained; invented if no combination that the data draw lies within half a pixel of its place and a quarter of its
 * size. The others cover combinations, with the interval of duet_metric_add_covered. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"
#include "metric/shape_reader.h"

enum { SAMPLES = 2500 };

static const double most_unexplained = 0.2;
static const float reach[SHAPES_FACTORS] = {[SHAPES_X] = 0.5f, [SHAPES_Y] = 0.5f, [SHAPES_SIZE] = 0.25f};

static bool applies(duet_run *run)
{
    return duet_run_data(run)->generated == &duet_shapes && duet_run_features(run, DUET_SAMPLE) == SHAPES_NUMBERS;
}

/* What was seen: how often each combination, and of the samples how many show none. */
typedef struct tally {
    bool drawn[SHAPES_COMBINATIONS + 1]; /* by the data; the last stands for none */
    size_t seen[SHAPES_COMBINATIONS], invented, unreadable;
} tally;

/* The combination of the data that the factors lie in, or that lies within reach; SHAPES_COMBINATIONS: none. */
static size_t find(const tally *it, const float *factors)
{
    for (size_t i = 0; i < 27; i++) { /* the first: not moved */
        const int steps[] = {0, -1, 1};
        float moved[SHAPES_FACTORS];
        for (size_t k = 0; k < SHAPES_FACTORS; k++) moved[k] = factors[k];
        moved[SHAPES_X] += (float)steps[i % 3] * reach[SHAPES_X];
        moved[SHAPES_Y] += (float)steps[i / 3 % 3] * reach[SHAPES_Y];
        moved[SHAPES_SIZE] += (float)steps[i / 9] * reach[SHAPES_SIZE];
        size_t found = duet_shapes_combination(moved);
        if (it->drawn[found]) return found;
    }
    return SHAPES_COMBINATIONS;
}

static void count_sample(tally *it, const float *sample)
{
    duet_shape_reading reading;
    duet_shape_read(sample, &reading);
    if (reading.unexplained > most_unexplained) {
        it->unreadable++;
        return;
    }
    size_t found = find(it, reading.factors);
    if (found == SHAPES_COMBINATIONS)
        it->invented++;
    else
        it->seen[found]++;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    const duet_data *data = duet_run_data(task->run);
    const size_t there = data->combination_count;
    float *samples = NULL;
    tally it = {0};
    size_t seen[SHAPES_COMBINATIONS];
    for (size_t i = 0; i < there; i++) it.drawn[data->combinations[i]] = true;
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error));
    for (size_t i = 0; i < SAMPLES; i++) count_sample(&it, samples + i * SHAPES_NUMBERS);
    free(samples);
    for (size_t i = 0; i < there; i++) seen[i] = it.seen[data->combinations[i]];
    duet_metric_add_covered(task, "combinations", seen, there, 1 / (double)there, SAMPLES);
    duet_metric_add_share(task, "invented", it.invented, SAMPLES);
    duet_metric_add_share(task, "unreadable", it.unreadable, SAMPLES);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"combinations", NULL, DUET_LARGER, DUET_OF_VARIETY, 3},
    {"invented", NULL, DUET_NEITHER, DUET_OF_MORE, 0},
    {"unreadable", NULL, DUET_NEITHER, DUET_OF_MORE, 0},
    {NULL},
};

const duet_metric duet_metric_combinations = {
    .row = {"combinations", "share",
            "combinations of factors, of those in the data, that 2,500 samples show; samples that show another "
            "(invented) and none (unreadable); for models that sample, on shapes",
            .measures = measures},
    .applies = applies,
    .finish = finish,
    .samples = SAMPLES,
};
