/* SPDX-License-Identifier: MIT */
/* A judge: a classifier's run says what samples show. */
#include <stdlib.h>

#include "metric/metric.h"

size_t duet_metric_most_likely(const float *logits, size_t classes)
{
    size_t best = 0;
    for (size_t k = 1; k < classes; k++)
        if (logits[k] > logits[best]) best = k;
    return best;
}

duet_status duet_metric_judge_logits(const duet_metric_task *task, const float *samples, size_t count, float **logits,
                                     duet_error *error)
{
    duet_run *judge = duet_run_judge(task->run);
    *logits = malloc(count * duet_run_features(judge, DUET_CLASS_LOGITS) * sizeof **logits);
    if (*logits == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu samples", count);
    const duet_wanted wanted = {DUET_CLASS_LOGITS, *logits};
    const duet_request request = {.count = count, .examples = samples, .outputs = &wanted, .output_count = 1};
    return duet_run_use(judge, &request, error);
}

duet_status duet_metric_judge(const duet_metric_task *task, const float *samples, size_t count, uint8_t *classes,
                              duet_error *error)
{
    size_t features = duet_run_features(duet_run_judge(task->run), DUET_CLASS_LOGITS);
    float *logits;
    duet_status status = duet_metric_judge_logits(task, samples, count, &logits, error);
    for (size_t i = 0; status == DUET_OK && i < count; i++)
        classes[i] = (uint8_t)duet_metric_most_likely(logits + i * features, features);
    free(logits);
    return status;
}
