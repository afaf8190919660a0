/* The discriminator's accuracy: how often it calls a real example real (logit above 0) and a sample a sample. 0.5 is
 * what the game's equilibrium gives; near 1 the generator has lost. */
#include <stdlib.h>

#include "metric/metric.h"

static bool applies(duet_run *run)
{
    return duet_run_features(run, "logit") == 1 && duet_run_features(run, "sample_logit") == 1;
}

static void judge(void *context, size_t first, size_t count, const float *examples, const float *values)
{
    double *right = context;
    (void)examples;
    for (size_t i = 0; i < count; i++) right[first + i] = values[i] > 0;
}

static duet_status compute(duet_metric_task *task, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    double *right = calloc(2 * n, sizeof *right);
    float *logits = NULL;
    if (right == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", n);
    duet_status status = duet_metric_visit(task, "logit", judge, right, error);
    if (status == DUET_OK) status = duet_metric_sample(task, "sample_logit", n, &logits, error);
    if (status == DUET_OK) {
        for (size_t i = 0; i < n; i++) right[n + i] = logits[i] < 0;
        duet_metric_add_mean(task, "accuracy", right, 2 * n);
        duet_metric_add_mean(task, "accuracy-real", right, n);
        duet_metric_add_mean(task, "accuracy-fake", right + n, n);
    }
    free(logits);
    free(right);
    return status;
}

const duet_metric duet_metric_accuracy = {
    {"accuracy", "share",
     "the discriminator's, on real examples and on as many samples; for models with a discriminator"},
    applies,
    compute,
};
