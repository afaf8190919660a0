/* SPDX-License-Identifier: MIT */
/* Samples that the metrics of one pass share. Row i of a request follows from the seed and i alone, so the first 500 of
 * 2,500 samples are those that 500 would be, and only what is missing is drawn. For models that draw in many steps,
 * samples are most of what an evaluation costs. */
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"

void duet_metric_stock_clear(duet_metric_stock *stock)
{
    for (size_t i = 0; i < stock->count; i++) free(stock->drawn[i].values);
    free(stock->sample_features.values);
    free(stock->example_features.values);
    *stock = (duet_metric_stock){0};
}

bool duet_metric_draws(duet_run *run)
{
    return duet_run_features(run, DUET_SAMPLE) == duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
}

const char *duet_metric_why_not_played(duet_run *run)
{
    return duet_run_given_samples(run) == NULL
               ? NULL
               : "the discriminator plays against what the model draws, and samples are given in its place";
}

size_t duet_metric_sample_count(duet_run *run, size_t most)
{
    duet_data *given = duet_run_given_samples(run);
    if (given == NULL) return most;
    size_t there = duet_data_describe(given)->count[DUET_TRAIN] + duet_data_describe(given)->count[DUET_TEST];
    return there < most ? there : most;
}

/* The entry of that output, new if there is none; NULL: there is no room for one more. */
static duet_metric_drawn *entry_of(duet_metric_stock *stock, const char *output)
{
    size_t i = 0;
    while (i < stock->count && strcmp(stock->drawn[i].output, output) != 0) i++;
    if (i == sizeof stock->drawn / sizeof *stock->drawn) return NULL;
    if (i == stock->count) stock->drawn[stock->count++] = (duet_metric_drawn){.output = output};
    return &stock->drawn[i];
}

/* Draws rows first .. first + count - 1 into `values`. */
static duet_status draw(const duet_metric_task *task, const char *output, size_t first, size_t count, float *values,
                        duet_error *error)
{
    const duet_wanted wanted = {output, values};
    const duet_request request = {
        .count = count, .first = first, .seed = task->seed, .outputs = &wanted, .output_count = 1};
    return duet_run_answer(task->run, &request, error);
}

/* Takes what is there and draws the rest, which the stock then has too. */
static duet_status take(const duet_metric_task *task, duet_metric_drawn *drawn, size_t count, size_t features,
                        float *values, duet_error *error)
{
    size_t known = drawn->count < count ? drawn->count : count;
    if (known > 0) memcpy(values, drawn->values, known * features * sizeof *values);
    if (known == count) return DUET_OK;
    DUET_TRY(draw(task, drawn->output, known, count - known, values + known * features, error));
    float *grown = realloc(drawn->values, count * features * sizeof *grown);
    if (grown == NULL) return DUET_OK; /* the next metric draws them again */
    memcpy(grown + known * features, values + known * features, (count - known) * features * sizeof *grown);
    drawn->values = grown;
    drawn->count = count;
    return DUET_OK;
}

duet_status duet_metric_sample(const duet_metric_task *task, const char *output, size_t count, float **values,
                               duet_error *error)
{
    size_t features = duet_run_features(task->run, output);
    duet_metric_drawn *drawn = entry_of(task->stock, output);
    *values = malloc(count * features * sizeof **values);
    if (*values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu samples", count);
    duet_status status = drawn == NULL ? draw(task, output, 0, count, *values, error)
                                       : take(task, drawn, count, features, *values, error);
    if (status == DUET_OK) return DUET_OK;
    free(*values);
    *values = NULL;
    return status;
}
