/* Accuracy: how often a model that judges is right. A discriminator calls a real example real (logit above 0) and a
 * sample a sample; 0.5 is what the game's equilibrium gives, near 1 the generator has lost. A classifier's largest
 * logit is that of the label. */
#include <stdlib.h>

#include "metric/metric.h"

static bool discriminates(duet_run *run)
{
    return duet_run_features(run, "logit") == 1 && duet_run_features(run, "sample_logit") == 1;
}

static bool classifies(duet_run *run)
{
    size_t classes = duet_data_describe(duet_run_data(run))->classes;
    return classes > 0 && duet_run_features(run, "class_logits") == classes;
}

static bool applies(duet_run *run)
{
    return discriminates(run) || classifies(run);
}

static void judge(void *context, size_t first, size_t count, const float *examples, const float *values)
{
    double *right = context;
    (void)examples;
    for (size_t i = 0; i < count; i++) right[first + i] = values[i] > 0;
}

static duet_status compute_discriminator(duet_metric_task *task, double *right, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    float *logits = NULL;
    DUET_TRY(duet_metric_visit(task, "logit", judge, right, error));
    DUET_TRY(duet_metric_sample(task, "sample_logit", n, &logits, error));
    for (size_t i = 0; i < n; i++) right[n + i] = logits[i] < 0;
    duet_metric_add_mean(task, "accuracy", right, 2 * n);
    duet_metric_add_mean(task, "accuracy-real", right, n);
    duet_metric_add_mean(task, "accuracy-fake", right + n, n);
    free(logits);
    return DUET_OK;
}

/* The class of each example's largest logit. */
typedef struct guesses {
    size_t classes;
    double *guess;
} guesses;

static void guess(void *context, size_t first, size_t count, const float *examples, const float *values)
{
    const guesses *of = context;
    (void)examples;
    for (size_t i = 0; i < count; i++, values += of->classes) {
        size_t best = 0;
        for (size_t k = 1; k < of->classes; k++)
            if (values[k] > values[best]) best = k;
        of->guess[first + i] = (double)best;
    }
}

static duet_status compute_classifier(duet_metric_task *task, double *right, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    duet_data *data = duet_run_data(task->run);
    guesses found = {duet_data_describe(data)->classes, right};
    uint8_t *labels = malloc(n);
    duet_status status =
        labels == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu labels", n) : DUET_OK;
    if (status == DUET_OK) status = duet_data_labels(data, task->split, 0, n, labels, error);
    if (status == DUET_OK) status = duet_metric_visit(task, "class_logits", guess, &found, error);
    if (status == DUET_OK) {
        for (size_t i = 0; i < n; i++) right[i] = right[i] == (double)labels[i];
        duet_metric_add_mean(task, "accuracy", right, n);
    }
    free(labels);
    return status;
}

static duet_status compute(duet_metric_task *task, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    double *right = calloc(2 * n, sizeof *right);
    if (right == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", n);
    duet_status status =
        classifies(task->run) ? compute_classifier(task, right, error) : compute_discriminator(task, right, error);
    free(right);
    return status;
}

const duet_metric duet_metric_accuracy = {
    {"accuracy", "share",
     "the discriminator's, on real examples and on as many samples, or a classifier's, on the labels; for models that "
     "judge examples"},
    applies,
    compute,
};
