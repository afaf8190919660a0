/* SPDX-License-Identifier: MIT */
/* log p(x) of models that know a bound alone, by importance weighting (Burda et al. 2016, arXiv:1509.00519): the
 * model's procedure "likelihood", asked for examples that lie evenly over the split. */
#include <stdlib.h>

#include "metric/metric.h"

enum { EXAMPLES = 1000 };

static const char output[] = "log_likelihood";

static bool applies(duet_run *run)
{
    return duet_run_features(run, output) == 1;
}

/* The examples asked about, and what was said of them. */
typedef struct question {
    float *examples, *answers;
    uint8_t *classes; /* NULL: the data has none */
    double *numbers;
} question;

static duet_status read_examples(const duet_metric_task *task, const question *it, size_t count, duet_error *error)
{
    duet_data *data = duet_run_data(task->run);
    size_t all = duet_metric_examples(task), features = duet_shape_elements(duet_data_describe(data)->shape);
    for (size_t i = 0; i < count; i++) {
        size_t example = i * all / count;
        DUET_TRY(duet_data_read(data, task->split, example, 1, it->examples + i * features, error));
        if (it->classes != NULL) DUET_TRY(duet_data_labels(data, task->split, example, 1, it->classes + i, error));
    }
    return DUET_OK;
}

static duet_status answer(duet_metric_task *task, const question *it, size_t count, duet_error *error)
{
    const duet_wanted wanted = {output, it->answers};
    const duet_request request = {.count = count,
                                  .seed = task->seed,
                                  .examples = it->examples,
                                  .classes = it->classes,
                                  .outputs = &wanted,
                                  .output_count = 1};
    DUET_TRY(read_examples(task, it, count, error));
    DUET_TRY(duet_run_use(task->run, &request, error));
    for (size_t i = 0; i < count; i++) it->numbers[i] = (double)it->answers[i];
    duet_metric_add_mean(task, "log-likelihood", it->numbers, count);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t all = duet_metric_examples(task), count = all < EXAMPLES ? all : EXAMPLES;
    size_t features = duet_shape_elements(duet_data_describe(duet_run_data(task->run))->shape);
    bool labelled = duet_run_has_classes(task->run);
    const question it = {malloc(count * features * sizeof(float)), malloc(count * sizeof(float)),
                         labelled ? malloc(count) : NULL, malloc(count * sizeof(double))};
    bool made = it.examples != NULL && it.answers != NULL && it.numbers != NULL && (!labelled || it.classes != NULL);
    duet_status status = made ? answer(task, &it, count, error)
                              : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", count);
    free(it.examples);
    free(it.answers);
    free(it.classes);
    free(it.numbers);
    return status;
}

const duet_metric duet_metric_log_likelihood = {
    .row = {"log-likelihood", "nats",
            "log p(x) of 1,000 examples by importance weighting with 1,000 draws each, or --set k=N; only where it is "
            "named; for variational autoencoders",
            .better = 1, .on_request = true},
    .applies = applies,
    .finish = finish,
};
