/* SPDX-License-Identifier: MIT */
/* Agreement: how often a judge sees the class that a conditional model was asked for, on as many of each class. */
#include <stdlib.h>

#include "metric/metric.h"

enum { SAMPLES = 1000 };

static bool applies(duet_run *run)
{
    return duet_run_judge(run) != NULL && duet_run_has_classes(run) && duet_run_given_samples(run) == NULL &&
           duet_metric_why_no_classes(run) == NULL && duet_metric_draws(run);
}

static const char *refusal(duet_run *run)
{
    if (duet_run_given_samples(run) != NULL) return "samples that are given were asked for no class";
    if (!duet_run_has_classes(run)) return NULL;
    const char *reason = duet_metric_why_no_classes(run);
    return reason != NULL ? reason : duet_metric_why_no_judge(run);
}

static duet_status compare(duet_metric_task *task, float *samples, uint8_t *asked, uint8_t *seen, duet_error *error)
{
    uint8_t numbers[256];
    DUET_TRY(duet_metric_judge_numbers(task->run, numbers, error));
    duet_metric_ask_classes(task, asked, SAMPLES);
    const duet_wanted wanted = {DUET_SAMPLE, samples};
    const duet_request request = {
        .count = SAMPLES, .seed = task->seed, .classes = asked, .outputs = &wanted, .output_count = 1};
    DUET_TRY(duet_run_answer(task->run, &request, error));
    DUET_TRY(duet_metric_judge(task, samples, SAMPLES, seen, error));
    size_t right = 0;
    for (size_t i = 0; i < SAMPLES; i++) right += asked[i] == numbers[seen[i]];
    duet_metric_add_share(task, "agreement", right, SAMPLES);
    return DUET_OK;
}

/* A class that the judge does not know it never sees. */
static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    uint8_t numbers[256];
    (void)split;
    return duet_metric_judge_numbers(run, numbers, error);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    uint8_t asked[SAMPLES], seen[SAMPLES];
    float *samples = malloc(SAMPLES * duet_run_features(task->run, DUET_SAMPLE) * sizeof *samples);
    if (samples == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d samples", SAMPLES);
    duet_status status = compare(task, samples, asked, seen, error);
    free(samples);
    return status;
}

static const duet_metric_measure measures[] = {
    {"agreement", NULL, DUET_LARGER, DUET_OF_QUALITY, 10},
    {NULL},
};

const duet_metric duet_metric_agreement = {
    .row = {"agreement", "share",
            "samples of an asked class, 1,000 in all, that the judge takes for it; for models that are told classes, "
            "on data with labels, with --judge",
            .by_features = DUET_BY_JUDGE, .measures = measures},
    .applies = applies,
    .finish = finish,
    .enough = enough,
    .refusal = refusal,
};
