/* SPDX-License-Identifier: MIT */
/* A judge: a classifier's run says what samples show. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/class_names.h"
#include "metric/metric.h"

const char *duet_metric_why_no_judge(duet_run *run)
{
    return run->judge != NULL || run->judge_misfit[0] == '\0' ? NULL : run->judge_misfit;
}

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
    return duet_run_answer(judge, &request, error);
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

/* The number of a name; `count` if it is not there. */
static size_t find(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(names[i], name) != 0) i++;
    return i;
}

static duet_status fail_unknown(const duet_data_info *data, size_t class, const duet_data_info *learnt,
                                duet_error *error)
{
    duet_text twin = {0};
    duet_class_names_tell_twin(&twin, learnt->class_names, learnt->classes, data->class_names[class]);
    duet_status status = duet_fail(error, DUET_ERROR_DATA,
                                   "the judge knows no class \"%s\", which %s has: train one on data with classes of "
                                   "the same names%s",
                                   data->class_names[class], data->name, duet_text_get(&twin));
    duet_text_free(&twin);
    return status;
}

static duet_status find_chance(duet_run *judge, duet_split split, double *share, duet_error *error)
{
    size_t counts[256] = {0}, most = 0;
    duet_data *data = duet_run_data(judge);
    const size_t total = duet_data_describe(data)->count[split];
    uint8_t *labels = malloc(total);
    if (labels == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu labels", total);
    const duet_status status = duet_data_labels(data, split, 0, total, labels, error);
    for (size_t i = 0; status == DUET_OK && i < total; i++)
        if (++counts[labels[i]] > most) most = counts[labels[i]];
    free(labels);
    *share = (double)most / (double)total;
    return status;
}

duet_status duet_judge_weigh(duet_run *judge, duet_judge_weight *weight, duet_error *error)
{
    size_t count;
    const duet_data_info *data = duet_data_describe(duet_run_data(judge));
    *weight = (duet_judge_weight){.split = data->count[DUET_TEST] > 0 ? DUET_TEST : DUET_TRAIN, .data = data->name};
    DUET_TRY(duet_metric_compute(judge, "accuracy", weight->split, 0, &weight->accuracy, 1, &count, error));
    return find_chance(judge, weight->split, &weight->chance, error);
}

bool duet_judge_may_guess(const duet_judge_weight *weight, char *words, size_t size)
{
    const duet_metric_value *accuracy = &weight->accuracy;
    if (accuracy->low > weight->chance) return false;
    (void)duet_text_print(words, size,
                          "the judge is right about %.3g [%.3g, %.3g] of the %s examples of %s, and who always says "
                          "their commonest class is right about %.3g: the judge may be guessing, and what it says of "
                          "samples means little; train it longer (duet train --resume JUDGE and more --epochs)",
                          accuracy->value, accuracy->low, accuracy->high,
                          weight->split == DUET_TEST ? "test" : "training", weight->data, weight->chance);
    return true;
}

duet_status duet_metric_judge_numbers(duet_run *run, uint8_t numbers[256], duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run)),
                         *learnt = duet_data_describe(duet_run_data(duet_run_judge(run)));
    for (size_t k = 0; k < 256; k++) numbers[k] = (uint8_t)k;
    if (data->class_names == NULL || learnt->class_names == NULL) return DUET_OK;
    for (size_t i = 0; i < duet_run_classes(run); i++) { /* other data may have more, which nobody draws */
        size_t k = find(learnt->class_names, learnt->classes, data->class_names[i]);
        if (k == learnt->classes) return fail_unknown(data, i, learnt, error);
        numbers[k] = (uint8_t)i;
    }
    return DUET_OK;
}
