/* SPDX-License-Identifier: MIT */
/* Whether reconstructions keep what an example is: the share that the judge takes for the class that it takes the
 * example itself for. A bidirectional GAN's may be far off in pixels and still agree. */
#include <stdlib.h>

#include "metric/metric.h"

enum { EXAMPLES = 2000 };

static bool reconstructs(duet_run *run)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    return duet_run_features(run, DUET_RECONSTRUCTION) == duet_shape_elements(data->shape);
}

static bool applies(duet_run *run)
{
    return duet_run_judge(run) != NULL && reconstructs(run);
}

static const char *refusal(duet_run *run)
{
    return reconstructs(run) ? duet_metric_why_no_judge(run) : NULL;
}

static const char *asks(duet_run *run)
{
    (void)run;
    return DUET_RECONSTRUCTION;
}

/* A model that is told classes is told those of the examples. */
static duet_status reconstruct(const duet_metric_task *task, const size_t *places, size_t count, float *examples,
                               float *made, duet_error *error)
{
    uint8_t labels[EXAMPLES], *told = duet_metric_tells_classes(task) ? labels : NULL;
    DUET_TRY(duet_metric_read(task, task->split, places, count, examples, told, error));
    const duet_wanted wanted = {DUET_RECONSTRUCTION, made};
    const duet_request request = {.count = count,
                                  .seed = task->seed,
                                  .examples = examples,
                                  .classes = told,
                                  .outputs = &wanted,
                                  .output_count = 1};
    return duet_run_answer(task->run, &request, error);
}

static duet_status compare(duet_metric_task *task, float *examples, float *made, duet_error *error)
{
    size_t places[EXAMPLES], n = duet_metric_examples(task), count = n < EXAMPLES ? n : EXAMPLES;
    uint8_t before[EXAMPLES], after[EXAMPLES];
    size_t same = 0;
    duet_metric_places(n, count, places);
    DUET_TRY(reconstruct(task, places, count, examples, made, error));
    DUET_TRY(duet_metric_judge(task, examples, count, before, error));
    DUET_TRY(duet_metric_judge(task, made, count, after, error));
    for (size_t i = 0; i < count; i++) same += before[i] == after[i];
    duet_metric_add_share(task, "reconstruction-agreement", same, count);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t features = duet_run_features(task->run, DUET_RECONSTRUCTION);
    float *examples = malloc(EXAMPLES * features * sizeof *examples),
          *made = malloc(EXAMPLES * features * sizeof *made);
    duet_status status = examples == NULL || made == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", EXAMPLES)
                             : compare(task, examples, made, error);
    free(examples);
    free(made);
    return status;
}

static const duet_metric_measure measures[] = {
    {"reconstruction-agreement", NULL, DUET_LARGER, DUET_OF_RECONSTRUCTION, 5},
    {NULL},
};

const duet_metric duet_metric_reconstruction_agreement = {
    .row = {"reconstruction-agreement", "share",
            "examples, at most 2,000, whose reconstruction the judge takes for the class of the example itself; for "
            "models that reconstruct, with --judge",
            .by_features = DUET_BY_JUDGE, .measures = measures},
    .applies = applies,
    .asks = asks,
    .finish = finish,
    .refusal = refusal,
};
