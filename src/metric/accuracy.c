/* SPDX-License-Identifier: MIT */
/* Accuracy: how often a discriminator or a classifier is right. A discriminator takes for real what its logit is above
 * 0 of, as in training, so that 0 is right of a sample; 0.5 is the game's equilibrium, and near 1 the generator has
 * lost. How sure it is are its margins: the mean logit of real examples and minus that of samples. A classifier is
 * right if the label's logit is the largest, the first one where several are, as in training. */
#include <stdlib.h>

#include "metric/metric.h"

static bool discriminates(duet_run *run)
{
    return duet_run_features(run, DUET_LOGIT) == 1 && duet_run_features(run, DUET_SAMPLE_LOGIT) == 1;
}

/* What does both is judged as a classifier where there are labels. */
static bool classifies(duet_run *run)
{
    bool labels = duet_data_describe(duet_run_data(run))->classes > 0;
    return duet_run_features(run, DUET_CLASS_LOGITS) > 0 && (labels || !discriminates(run));
}

/* A label beyond the classes that the run knows is of none that it could be right about. */
static duet_status check_labels(duet_run *run, duet_split split, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    size_t known = duet_run_features(run, DUET_CLASS_LOGITS), total = data->count[split];
    if (data->generated || data->classes <= known) return DUET_OK;
    uint8_t *labels = malloc(total);
    if (labels == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu labels", total);
    duet_status status = duet_data_labels(duet_run_data(run), split, 0, total, labels, error);
    if (status == DUET_OK) status = duet_run_check_labels(run, data, labels, total, error);
    free(labels);
    return status;
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    if (!classifies(run)) return DUET_OK;
    if (data->labelled[split]) return check_labels(run, split, error);
    return duet_fail(error, DUET_ERROR_DATA, "accuracy compares with labels, and the %s split of %s has none",
                     split == DUET_TEST ? "test" : "training", data->name);
}

static bool applies(duet_run *run)
{
    return classifies(run) || (discriminates(run) && duet_metric_why_not_played(run) == NULL);
}

static const char *refusal(duet_run *run)
{
    return discriminates(run) ? duet_metric_why_not_played(run) : NULL;
}

static const char *const *outputs(duet_run *run, duet_split split)
{
    static const char *const logit[] = {DUET_LOGIT, NULL}, *const class_logits[] = {DUET_CLASS_LOGITS, NULL};
    (void)split;
    return classifies(run) ? class_logits : logit;
}

/* State: a margin, above 0 if the judgement is right, and at 0 too if it is of a sample; first of the split's examples,
 * then of as many samples. */
static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, 2 * duet_metric_examples(task) * sizeof(double), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    double *margins = (double *)task->state + piece->first;
    size_t classes = duet_run_features(task->run, DUET_CLASS_LOGITS);
    const float *logits = piece->values[0];
    bool by_labels = classifies(task->run);
    for (size_t i = 0; i < piece->count; i++) {
        if (!by_labels)
            margins[i] = logits[i];
        else
            margins[i] =
                piece->labels != NULL && duet_metric_most_likely(logits + i * classes, classes) == piece->labels[i];
    }
}

/* How many margins are above 0, or not below it. */
static size_t count_right(const double *margins, size_t count, bool at_0)
{
    size_t right = 0;
    for (size_t i = 0; i < count; i++) right += margins[i] > 0 || (at_0 && margins[i] == 0);
    return right;
}

static duet_status finish_classifier(duet_metric_task *task, duet_error *error)
{
    uint8_t label; /* read for the error that a split without labels gives */
    DUET_TRY(duet_data_labels(duet_run_data(task->run), task->split, 0, 1, &label, error));
    if (duet_run_features(task->run, DUET_CLASS_LOGITS) > 1) DUET_TRY(duet_metric_tell_of_labels(task, false, error));
    size_t n = duet_metric_examples(task);
    duet_metric_add_share(task, "accuracy", count_right(task->state, n, false), n);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    double *real = task->state, *fake = real + n;
    float *logits = NULL;
    if (classifies(task->run)) return finish_classifier(task, error);
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE_LOGIT, n, &logits, error));
    for (size_t i = 0; i < n; i++) fake[i] = -(double)logits[i];
    free(logits);
    duet_metric_add_mean(task, "margin-real", real, n);
    duet_metric_add_mean(task, "margin-fake", fake, n);
    size_t right_of_real = count_right(real, n, false), right_of_fake = count_right(fake, n, true);
    duet_metric_add_share(task, "accuracy", right_of_real + right_of_fake, 2 * n);
    duet_metric_add_share(task, "accuracy-real", right_of_real, n);
    duet_metric_add_share(task, "accuracy-fake", right_of_fake, n);
    return DUET_OK;
}

/* A discriminator that is always right has won, which is not what the game is for. */
static duet_better better(duet_run *run)
{
    return classifies(run) ? DUET_LARGER : DUET_NEITHER;
}

static const duet_metric_measure measures[] = {
    {"accuracy", NULL, DUET_NEITHER, DUET_OF_JUDGEMENT, 1},
    {"margin-real", "logits", DUET_NEITHER, DUET_OF_JUDGEMENT, 4},
    {"margin-fake", "logits", DUET_NEITHER, DUET_OF_JUDGEMENT, 5},
    {"accuracy-real", NULL, DUET_NEITHER, DUET_OF_JUDGEMENT, 2},
    {"accuracy-fake", NULL, DUET_NEITHER, DUET_OF_JUDGEMENT, 3},
    {NULL},
};

const duet_metric duet_metric_accuracy = {
    {"accuracy", "share",
     "the discriminator's, on real examples and on as many samples, and its margins, the mean logit and minus that of "
     "samples; or a classifier's, on the labels; for models that judge single examples, classifiers on data with "
     "labels",
     .measures = measures},
    applies,
    outputs,
    begin,
    take,
    finish,
    .enough = enough,
    .refusal = refusal,
    .better = better,
};
