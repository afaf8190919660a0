/* SPDX-License-Identifier: MIT */
/* What a discriminator knows of the Jensen-Shannon divergence, in nats: at its optimum its log-likelihood, E log D(x) +
 * E log(1 - D(G(z))), is 2 JSD - log 4 (Goodfellow et al. 2014, arXiv:1406.2661, theorem 1), and below that for every
 * other D, so (that + log 4) / 2 is a lower bound in the mean over examples that D did not learn from. On those of its
 * training it says more than it knows; the gap is what it learnt by heart. Of a game of classes it is that of examples
 * with their classes. Known failure: a D with too little capacity, or too little training, says little of a large
 * divergence; below 0 it is worse than a coin. It needs a logit that is meant as the log-odds of real and generated. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "metric/metric.h"

enum { EXAMPLES = 10000 };

static bool applies(duet_run *run)
{
    return duet_metric_why_no_odds(run) == NULL;
}

static bool is_set(duet_model *model, const char *key)
{
    const char *text = duet_model_setting_text(model, key);
    double number;
    return text != NULL && duet_number_read(text, &number) && number != 0;
}

const char *duet_metric_why_no_odds(duet_run *run)
{
    static const char *const losses[] = {"minimax", "non-saturating", "f-js"};
    duet_model *model = duet_run_model(run);
    const char *loss = duet_model_setting_text(model, "loss");
    bool known = false;
    if (duet_run_features(run, DUET_LOGIT) != 1 || duet_run_features(run, DUET_SAMPLE_LOGIT) != 1 || loss == NULL)
        return "the model has no discriminator that judges single examples";
    if (duet_run_features(run, DUET_POSTERIOR_DRAW) > 0)
        return "its discriminator does not tell examples from samples alone: it sees codes or reconstructions too";
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) known = known || strcmp(loss, losses[i]) == 0;
    if (!known)
        return "its loss does not make the logit the log-odds of real and generated, which minimax, non-saturating and "
               "f-js do";
    if (is_set(model, "label_smoothing") || is_set(model, "fake_smoothing") || is_set(model, "label_noise"))
        return "smoothed or noisy labels move the best logit away from the log-odds of real and generated";
    return duet_metric_why_not_played(run);
}

/* The mean of log sigmoid(sign * logit), and its squared standard error. */
static double mean_log(const float *logits, size_t n, double sign, double *variance)
{
    double mean = 0, squares = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            double x = sign * (double)logits[i], value = fmin(x, 0) - log1p(exp(-fabs(x)));
            if (pass == 0) mean += value / (double)n;
            if (pass == 1) squares += (value - mean) * (value - mean);
        }
    *variance = n > 1 ? squares / (double)(n - 1) / (double)n : NAN;
    return mean;
}

/* What is asked about. */
typedef struct question {
    size_t *places;
    float *examples;
    uint8_t *labels; /* NULL: the model reads none */
} question;

static duet_status ask_about(const duet_metric_task *task, const question *it, duet_split split, size_t count,
                             float *logits, duet_error *error)
{
    duet_metric_places(duet_data_describe(duet_run_data(task->run))->count[split], count, it->places);
    DUET_TRY(duet_metric_read(task, split, it->places, count, it->examples, it->labels, error));
    const duet_wanted wanted = {DUET_LOGIT, logits};
    const duet_request request = {.count = count,
                                  .seed = task->seed,
                                  .examples = it->examples,
                                  .classes = it->labels,
                                  .outputs = &wanted,
                                  .output_count = 1};
    return duet_run_answer(task->run, &request, error);
}

static duet_status ask(const duet_metric_task *task, duet_split split, size_t count, float *logits, duet_error *error)
{
    size_t features = duet_shape_elements(duet_data_describe(duet_run_data(task->run))->shape);
    bool labelled = duet_run_has_classes(task->run);
    question it = {malloc(count * sizeof *it.places), malloc(count * features * sizeof *it.examples),
                   labelled ? malloc(count) : NULL};
    bool made = it.places != NULL && it.examples != NULL && (!labelled || it.labels != NULL);
    duet_status status = made ? ask_about(task, &it, split, count, logits, error)
                              : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", count);
    free(it.places);
    free(it.examples);
    free(it.labels);
    return status;
}

static duet_status add(duet_metric_task *task, duet_split split, const char *name, const float *on_samples,
                       duet_error *error)
{
    size_t all = duet_data_describe(duet_run_data(task->run))->count[split], count = all < EXAMPLES ? all : EXAMPLES;
    float *logits = malloc((count + 1) * sizeof *logits);
    if (logits == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", count);
    duet_status status = count == 0 ? DUET_OK : ask(task, split, count, logits, error);
    if (status == DUET_OK && count > 0) {
        double of_real, of_fake, real = mean_log(logits, count, 1, &of_real);
        double fake = mean_log(on_samples, EXAMPLES, -1, &of_fake);
        double value = (real + fake + log(4)) / 2, reach = 1.96 * sqrt(of_real + of_fake) / 2;
        duet_metric_add_within(task, name, value, value - reach, value + reach, -INFINITY, log(2), count);
    }
    free(logits);
    return status;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    float *on_samples;
    DUET_TRY(duet_metric_sample(task, DUET_SAMPLE_LOGIT, EXAMPLES, &on_samples, error));
    duet_status status = add(task, DUET_TEST, "jensen-shannon-discriminator", on_samples, error);
    if (status == DUET_OK) status = add(task, DUET_TRAIN, "jensen-shannon-discriminator-training", on_samples, error);
    free(on_samples);
    return status;
}

static const duet_metric_measure measures[] = {
    {"jensen-shannon-discriminator", NULL, DUET_NEITHER, DUET_OF_JUDGEMENT, 6},
    {"jensen-shannon-discriminator-training", NULL, DUET_NEITHER, DUET_OF_MORE, 0},
    {NULL},
};

const duet_metric duet_metric_jensen_shannon_discriminator = {
    .row = {"jensen-shannon-discriminator", "nats",
            "a discriminator's own estimate of the Jensen-Shannon divergence, (E log D(x) + E log(1 - D(G(z))) + log "
            "4) / 2, on test examples and on training ones; only where it is named; for GANs whose logit is log-odds",
            .on_request = true, .measures = measures},
    .applies = applies,
    .finish = finish,
    .refusal = duet_metric_why_no_odds,
};
