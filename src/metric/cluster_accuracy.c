/* SPDX-License-Identifier: MIT */
/* Whether categories found without labels are classes, Chen et al. 2016 (arXiv:1606.03657), sec. 7.2: each category
 * stands for the class that most of its training examples have, and the accuracy is the share of examples whose
 * likeliest category stands for their class. Its interval is Wilson's; what the categories stand for counts as given.
 */
#include <stdlib.h>

#include "metric/metric.h"

enum { EXAMPLES = 10000, CLASSES = 256 };

/* An example of the split, as the pass saw it. */
typedef struct seen {
    size_t category;
    uint8_t label;
} seen;

static bool applies(duet_run *run)
{
    return duet_metric_why_no_classes(run) == NULL && duet_run_features(run, DUET_CODE_LOGITS) > 0;
}

static const char *refusal(duet_run *run)
{
    return duet_run_features(run, DUET_CODE_LOGITS) > 0 ? duet_metric_why_no_classes(run) : NULL;
}

static const char *const *outputs(duet_run *run, duet_split split)
{
    static const char *const names[] = {DUET_CODE_LOGITS, NULL};
    (void)run;
    (void)split;
    return names;
}

static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, duet_metric_examples(task) * sizeof(seen), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    seen *all = task->state;
    size_t categories = duet_run_features(task->run, DUET_CODE_LOGITS);
    for (size_t i = 0; i < piece->count; i++)
        all[piece->first + i] =
            (seen){.category = duet_metric_most_likely(piece->values[0] + i * categories, categories),
                   .label = piece->labels[i]};
}

/* The class that most training examples of each category have. */
static void vote(const float *logits, const uint8_t *labels, size_t count, size_t categories, uint8_t *stands_for)
{
    for (size_t category = 0; category < categories; category++) {
        size_t votes[CLASSES] = {0};
        for (size_t i = 0; i < count; i++)
            if (duet_metric_most_likely(logits + i * categories, categories) == category) votes[labels[i]]++;
        stands_for[category] = 0;
        for (size_t k = 1; k < CLASSES; k++)
            if (votes[k] > votes[stands_for[category]]) stands_for[category] = (uint8_t)k;
    }
}

static duet_status learn(const duet_metric_task *task, size_t categories, uint8_t *stands_for, duet_error *error)
{
    size_t total = duet_data_describe(duet_run_data(task->run))->count[DUET_TRAIN];
    size_t places[EXAMPLES], count = total < EXAMPLES ? total : EXAMPLES;
    uint8_t labels[EXAMPLES];
    float *logits = malloc(count * categories * sizeof *logits);
    if (logits == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", EXAMPLES);
    duet_metric_places(total, count, places);
    duet_status status = duet_metric_ask(task, DUET_TRAIN, places, count, DUET_CODE_LOGITS, logits, labels, error);
    if (status == DUET_OK) vote(logits, labels, count, categories, stands_for);
    free(logits);
    return status;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    DUET_TRY(duet_metric_tell_of_labels(task, true, error));
    size_t n = duet_metric_examples(task), categories = duet_run_features(task->run, DUET_CODE_LOGITS);
    const seen *all = task->state;
    uint8_t *stands_for = malloc(categories);
    size_t right = 0;
    duet_status status = stands_for == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", n)
                                            : learn(task, categories, stands_for, error);
    for (size_t i = 0; status == DUET_OK && i < n; i++) right += stands_for[all[i].category] == all[i].label;
    if (status == DUET_OK) duet_metric_add_share(task, "cluster-accuracy", right, n);
    free(stands_for);
    return status;
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    (void)split;
    DUET_TRY(duet_metric_enough_labels(run, "cluster-accuracy", error));
    return duet_metric_enough_training(run, "cluster-accuracy", error);
}

static const duet_metric_measure measures[] = {
    {"cluster-accuracy", NULL, DUET_LARGER, DUET_OF_LATENTS, 5},
    {NULL},
};

const duet_metric duet_metric_cluster_accuracy = {
    {"cluster-accuracy", "share",
     "examples whose likeliest category stands for their class, that of most training examples of the category; for "
     "models that find classes without labels, on data with labels",
     .measures = measures},
    applies,
    outputs,
    begin,
    take,
    finish,
    enough,
    refusal,
};
