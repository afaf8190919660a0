/* SPDX-License-Identifier: MIT */
/* log p(x) in nats of models that know a bound alone, by importance weighting (Burda et al. 2016, arXiv:1509.00519):
 * the model's procedure "likelihood", asked for examples of all parts of the split; and where the likelihood is of
 * bytes, bits a feature. Known failure: in the mean it is a lower bound, far below where the posterior is far from the
 * true one, and nothing in it tells; the metric ais does without a posterior. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"

enum { EXAMPLES = 1000 };

static const char output[] = "log_likelihood", in_bits[] = "log_likelihood_bits";

static bool applies(duet_run *run)
{
    return duet_run_features(run, output) == 1;
}

/* The examples asked about, and what was said of them. */
typedef struct question {
    float *examples, *answers, *bits;
    uint8_t *classes; /* NULL: the data has none */
    double *numbers;
} question;

static const char *asks(duet_run *run)
{
    (void)run;
    return output;
}

static duet_status read_examples(const duet_metric_task *task, const question *it, size_t count, duet_error *error)
{
    size_t *places = malloc(count * sizeof *places);
    if (places == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", count);
    duet_metric_places(duet_metric_examples(task), count, places);
    duet_status status = duet_metric_read(task, task->split, places, count, it->examples, it->classes, error);
    free(places);
    return status;
}

static duet_status answer(duet_metric_task *task, const question *it, size_t count, duet_error *error)
{
    const duet_wanted wanted[] = {{output, it->answers}, {in_bits, it->bits}};
    bool bytes = duet_run_features(task->run, in_bits) == 1;
    const duet_request request = {.count = count,
                                  .seed = task->seed,
                                  .examples = it->examples,
                                  .classes = it->classes,
                                  .outputs = wanted,
                                  .output_count = bytes ? 2 : 1};
    DUET_TRY(read_examples(task, it, count, error));
    DUET_TRY(duet_run_answer(task->run, &request, error));
    for (size_t i = 0; i < count; i++) it->numbers[i] = (double)it->answers[i];
    duet_metric_add_mean(task, "log-likelihood", it->numbers, count);
    for (size_t i = 0; i < count && bytes; i++) it->numbers[i] = (double)it->bits[i];
    if (bytes) duet_metric_add_mean_within(task, "log-likelihood-bits", it->numbers, count, 0, INFINITY);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t all = duet_metric_examples(task), wanted = duet_metric_count(task, "examples", EXAMPLES);
    size_t count = all < wanted ? all : wanted;
    if (wanted == 0) /* what else is no number of examples the request refuses; none are not asked about */
        return duet_fail(error, DUET_ERROR_USAGE, "examples: \"0\" is not a whole number from 2 to 1000000");
    size_t features = duet_shape_elements(duet_data_describe(duet_run_data(task->run))->shape);
    bool labelled = duet_metric_tells_classes(task);
    const question it = {malloc(count * features * sizeof(float)), malloc(count * sizeof(float)),
                         malloc(count * sizeof(float)), labelled ? malloc(count) : NULL,
                         malloc(count * sizeof(double))};
    bool made = it.examples != NULL && it.answers != NULL && it.bits != NULL && it.numbers != NULL &&
                (!labelled || it.classes != NULL);
    duet_status status = made ? answer(task, &it, count, error)
                              : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", count);
    free(it.examples);
    free(it.answers);
    free(it.bits);
    free(it.classes);
    free(it.numbers);
    return status;
}

const char *duet_metric_why_no_likelihood(duet_run *run)
{
    if (duet_run_features(run, DUET_CLASS_LOGITS) > 0) return "a classifier says nothing of how likely examples are";
    if (duet_run_features(run, output) == 1)
        return "its likelihood is known by a bound alone: elbo, log-likelihood, ais";
    if (duet_run_features(run, DUET_NLL) == 1 && duet_run_features(run, DUET_KL) == 0 &&
        duet_run_features(run, DUET_LOGIT) == 0)
        return "its likelihood is exact: nll gives it, and bits-per-dimension where it is of bytes";
    if (duet_run_features(run, DUET_SAMPLE_LOGIT) > 0 || duet_run_takes(run, "sigma"))
        return "a GAN has no likelihood: its samples lie on a surface of no volume, so that almost every example has "
               "the "
               "density 0. With noise laid upon them there is one, which depends on the noise: "
               "metric ais, with sigma set";
    return "the model draws or rebuilds examples, but no formula of it says how likely one is";
}

static const duet_metric_measure measures[] = {
    {"log-likelihood", NULL, DUET_LARGER, DUET_OF_LIKELIHOOD, 1},
    {"log-likelihood-bits", "bits a feature", DUET_SMALLER, DUET_OF_LIKELIHOOD, 3},
    {NULL},
};

const duet_metric duet_metric_log_likelihood = {
    .row = {"log-likelihood", "nats",
            "log p(x) of 1,000 examples (--set examples=N) by importance weighting with 1,000 draws each (--set "
            "k=5000); only where it is named; for variational autoencoders",
            .on_request = true, .measures = measures},
    .applies = applies,
    .asks = asks,
    .finish = finish,
    .refusal = duet_metric_why_no_likelihood,
};
