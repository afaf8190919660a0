/* SPDX-License-Identifier: MIT */
/* The inception score, Salimans et al. 2016 (arXiv:1606.03498), sec. 4, with the judge in the place of the Inception
 * network: exp(H(y) - mean H(y | x)), from 1 to the number of classes. It is high where samples spread over the classes
 * (H(y)) and each shows one clearly (H(y | x) near 0). It never looks at the data: samples made to please the judge
 * beat real ones, and one good picture a class is enough (Barratt & Sharma 2018, arXiv:1801.01973).
 * Intervals: by bootstrap over the samples, 200 draws, of what infinitely many would give: H(y) of finitely many is too
 * low, for one-hot classes by (classes - 1) / 2 n, a third of the interval of 100 classes; of the mean H(y | x) that of
 * a mean. */
#include <math.h>
#include <stdlib.h>

#include "metric/bootstrap.h"
#include "metric/metric.h"

enum { SAMPLES = 2500, REPEATS = 200 };

static bool applies(duet_run *run)
{
    return duet_run_judge(run) != NULL && duet_metric_draws(run);
}

/* What the judge says of each sample: probabilities, [count, classes]. */
typedef struct opinions {
    size_t classes;
    const double *probabilities;
} opinions;

static double entropy(const double *probabilities, size_t classes)
{
    double sum = 0;
    for (size_t c = 0; c < classes; c++)
        if (probabilities[c] > 0) sum -= probabilities[c] * log(probabilities[c]);
    return sum;
}

/* H(y), and through *conditional the mean H(y | x). */
static double entropies(const opinions *it, const size_t *rows, size_t count, double *conditional)
{
    double marginal[256] = {0};
    *conditional = 0;
    for (size_t i = 0; i < count; i++) {
        const double *row = it->probabilities + rows[i] * it->classes;
        for (size_t c = 0; c < it->classes; c++) marginal[c] += row[c] / (double)count;
        *conditional += entropy(row, it->classes) / (double)count;
    }
    return entropy(marginal, it->classes);
}

static double score(const void *context, const size_t *rows, size_t count)
{
    double conditional, marginal = entropies(context, rows, count, &conditional);
    return exp(marginal - conditional);
}

static double marginal_entropy(const void *context, const size_t *rows, size_t count)
{
    double conditional;
    return entropies(context, rows, count, &conditional);
}

static duet_status add_estimate(duet_metric_task *task, const opinions *it, const char *name, duet_estimate estimate,
                                double least, double most, duet_error *error)
{
    size_t all[SAMPLES];
    double low, high;
    for (size_t i = 0; i < SAMPLES; i++) all[i] = i;
    const double value = estimate(it, all, SAMPLES);
    DUET_TRY(duet_bootstrap(estimate, it, value, SAMPLES, REPEATS, task->seed, &low, &high, error));
    duet_metric_add_within(task, name, value, low, high, least, most, SAMPLES);
    return DUET_OK;
}

static duet_status add_score(duet_metric_task *task, const opinions *it, duet_error *error)
{
    const double classes = (double)it->classes;
    DUET_TRY(add_estimate(task, it, "inception-score", score, 1, classes, error));
    return add_estimate(task, it, "class-entropy", marginal_entropy, 0, log(classes), error);
}

static void add_conditional(duet_metric_task *task, const opinions *it)
{
    double each[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++) each[i] = entropy(it->probabilities + i * it->classes, it->classes);
    duet_metric_add_mean_within(task, "conditional-class-entropy", each, SAMPLES, 0, log((double)it->classes));
}

static void take_softmax(const float *logits, size_t classes, double *probabilities)
{
    double most = -INFINITY, sum = 0;
    for (size_t c = 0; c < classes; c++) most = fmax(most, (double)logits[c]);
    for (size_t c = 0; c < classes; c++) sum += probabilities[c] = exp((double)logits[c] - most);
    for (size_t c = 0; c < classes; c++) probabilities[c] /= sum;
}

static duet_status ask(const duet_metric_task *task, size_t classes, double *probabilities, duet_error *error)
{
    float *samples = NULL, *logits = NULL;
    duet_status status = duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error);
    if (status == DUET_OK) status = duet_metric_judge_logits(task, samples, SAMPLES, &logits, error);
    for (size_t i = 0; i < SAMPLES && status == DUET_OK; i++)
        take_softmax(logits + i * classes, classes, probabilities + i * classes);
    free(samples);
    free(logits);
    return status;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t classes = duet_run_features(duet_run_judge(task->run), DUET_CLASS_LOGITS);
    double *probabilities = malloc(SAMPLES * classes * sizeof *probabilities);
    if (probabilities == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d samples", SAMPLES);
    const opinions it = {classes, probabilities};
    duet_status status = ask(task, classes, probabilities, error);
    if (status == DUET_OK) status = add_score(task, &it, error);
    if (status == DUET_OK) add_conditional(task, &it);
    free(probabilities);
    return status;
}

static const duet_metric_measure measures[] = {
    {"inception-score", NULL, DUET_LARGER, DUET_OF_QUALITY, 7},
    {"class-entropy", "nats", DUET_NEITHER, DUET_OF_QUALITY, 8},
    {"conditional-class-entropy", "nats", DUET_NEITHER, DUET_OF_QUALITY, 9},
    {NULL},
};

const duet_metric duet_metric_inception_score = {
    .row = {"inception-score", "classes",
            "exp(H(y) - mean H(y | x)) of the judge's classes of 2,500 samples, and both entropies in nats; for models "
            "that sample, with a judge",
            .by_features = DUET_BY_JUDGE, .measures = measures},
    .applies = applies,
    .finish = finish,
    .refusal = duet_metric_why_no_features,
    .samples = SAMPLES,
};
