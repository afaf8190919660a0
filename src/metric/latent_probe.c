/* SPDX-License-Identifier: MIT */
/* Whether what is drawn lies openly in the latent that it is drawn from: samples of 5,000 latents, the judge's class of
 * each, and softmax regression from latents to these classes, fitted to one half and tested on the other. Beside it the
 * share that saying the commonest class would have. A model without an encoder can be asked this too, if its latents
 * have a meaning at all; a bent one that no plane cuts is not seen. */
#include <stdlib.h>

#include "metric/metric.h"
#include "metric/probe.h"

enum { HALF = 2500, SAMPLES = 2 * HALF, MOST_LATENTS = 1024, CLASSES = 256 };

static bool decodes(duet_run *run)
{
    size_t width = duet_run_features(run, DUET_PRIOR);
    return width > 0 && width <= MOST_LATENTS && duet_run_features(run, DUET_DECODE) > 0 && duet_metric_draws(run);
}

static bool applies(duet_run *run)
{
    return duet_run_judge(run) != NULL && duet_run_given_samples(run) == NULL && decodes(run);
}

static const char *refusal(duet_run *run)
{
    if (duet_run_given_samples(run) != NULL) return "samples that are given come from no latents";
    return decodes(run) ? duet_metric_why_no_judge(run) : NULL;
}

static size_t count_commonest(const uint8_t *labels, size_t count)
{
    size_t counts[CLASSES] = {0}, most = 0;
    for (size_t i = 0; i < count; i++) counts[labels[i]]++;
    for (size_t i = 0; i < CLASSES; i++)
        if (counts[i] > most) most = counts[i];
    return most;
}

static duet_status probe(duet_metric_task *task, const float *latents, const uint8_t *labels, duet_error *error)
{
    const size_t width = duet_run_features(task->run, DUET_PRIOR);
    const duet_probe_set fit = {latents, labels, HALF}, test = {latents + HALF * width, labels + HALF, HALF};
    size_t hits;
    DUET_TRY(
        duet_probe(&fit, &test, width, duet_run_features(duet_run_judge(task->run), DUET_CLASS_LOGITS), &hits, error));
    duet_metric_add_share(task, "latent-probe", hits, HALF);
    duet_metric_add_share(task, "commonest-class", count_commonest(labels + HALF, HALF), HALF);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    float *latents = NULL, *samples = NULL;
    uint8_t labels[SAMPLES];
    duet_status status = duet_metric_sample(task, DUET_PRIOR, SAMPLES, &latents, error);
    if (status == DUET_OK) status = duet_metric_sample(task, DUET_SAMPLE, SAMPLES, &samples, error);
    if (status == DUET_OK) status = duet_metric_judge(task, samples, SAMPLES, labels, error);
    if (status == DUET_OK) status = probe(task, latents, labels, error);
    free(latents);
    free(samples);
    return status;
}

static const duet_metric_measure measures[] = {
    {"latent-probe", NULL, DUET_NEITHER, DUET_OF_LATENTS, 3},
    {"commonest-class", NULL, DUET_NEITHER, DUET_OF_LATENTS, 10},
    {NULL},
};

const duet_metric duet_metric_latent_probe = {
    .row = {"latent-probe", "share",
            "samples whose class, as the judge says, softmax regression reads from their latents, fitted to 2,500 and "
            "tested on 2,500, and the share of the commonest class; for models that decode at most 1,024 latents, with "
            "a judge",
            .by_features = DUET_BY_JUDGE, .measures = measures},
    .applies = applies,
    .finish = finish,
    .refusal = refusal,
};
