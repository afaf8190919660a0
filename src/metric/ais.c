/* SPDX-License-Identifier: MIT */
/* log p(x) in nats of models with a decoder, by annealed importance sampling (Neal 2001; Wu et al. 2017,
 * arXiv:1611.04273): src/model/anneal.c, asked for examples that lie evenly over the split. In the mean it is a lower
 * bound. How far below is checked on the model's own samples, whose latents are known: walks back from these bound
 * log p(x) from above (Grosse et al. 2015, arXiv:1511.02543), and the gap of both is what is wrong at most, on such
 * samples. Known failure: real examples may be harder than samples; then few of the chains carry all the weight, which
 * ais-chains shows. Of a generator it is the likelihood of the model with noise of a deviation that the asker chose,
 * and says as much of that choice as of the model. */
#include <math.h>
#include <stdlib.h>

#include "metric/metric.h"

static const char output[] = "annealed";

/* A generator's samples are to have a density first. */
static bool lacks_noise(duet_run *run)
{
    const uint64_t read = run->read; /* to ask whether it can be computed has no effect */
    const bool lacks = duet_run_takes(run, "sigma") && duet_run_setting(run, "sigma") == NULL;
    run->read = read;
    return lacks;
}

static bool applies(duet_run *run)
{
    return duet_run_features(run, output) == 1 && !lacks_noise(run);
}

static const char *refusal(duet_run *run)
{
    if (duet_run_features(run, DUET_NLL) == 1 && duet_run_features(run, DUET_KL) == 0)
        return duet_metric_why_no_likelihood(run);
    if (duet_run_features(run, output) == 1)
        return "a generator has no likelihood: its samples lie on a surface of no volume. \"sigma\" (--set sigma=0.1) "
               "lays normal noise of that deviation on each of their numbers, and ais is the likelihood of the model "
               "with that noise";
    return "walks from the prior to the posterior need a decoder, and a prior of latents that has a slope everywhere";
}

/* Numbers of `count` rows: what is asked about, and what is said. */
typedef struct question {
    size_t count;
    float *examples, *latents, *forth, *back, *chains, *acceptance;
    uint8_t *classes; /* NULL: the model reads none */
    double *numbers;
} question;

static void forget(question *it)
{
    float *const all[] = {it->examples, it->latents, it->forth, it->back, it->chains, it->acceptance};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    free(it->classes);
    free(it->numbers);
}

static duet_status prepare(const duet_metric_task *task, question *it, size_t count, duet_error *error)
{
    size_t features = duet_shape_elements(duet_data_describe(duet_run_data(task->run))->shape);
    bool classes = duet_run_has_classes(task->run);
    *it = (question){.count = count,
                     .examples = malloc(count * features * sizeof(float)),
                     .latents = malloc(count * duet_run_latent_features(task->run) * sizeof(float)),
                     .forth = malloc(count * sizeof(float)),
                     .back = malloc(count * sizeof(float)),
                     .chains = malloc(count * sizeof(float)),
                     .acceptance = malloc(count * sizeof(float)),
                     .classes = classes ? calloc(count, 1) : NULL,
                     .numbers = malloc(count * sizeof(double))};
    if (it->examples != NULL && it->latents != NULL && it->forth != NULL && it->back != NULL && it->chains != NULL &&
        it->acceptance != NULL && it->numbers != NULL && (!classes || it->classes != NULL))
        return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", count);
}

static duet_status use(const duet_metric_task *task, const question *it, bool examples, bool latents,
                       const duet_wanted *wanted, size_t outputs, duet_error *error)
{
    const duet_request request = {.count = it->count,
                                  .seed = task->seed,
                                  .examples = examples ? it->examples : NULL,
                                  .latents = latents ? it->latents : NULL,
                                  .classes = it->classes,
                                  .outputs = wanted,
                                  .output_count = outputs};
    return duet_run_answer(task->run, &request, error);
}

static void add_within(duet_metric_task *task, const question *it, const char *name, const float *values, double least,
                       double most)
{
    for (size_t i = 0; i < it->count; i++) it->numbers[i] = (double)values[i];
    duet_metric_add_mean_within(task, name, it->numbers, it->count, least, most);
}

static void add(duet_metric_task *task, const question *it, const char *name, const float *values, const float *less)
{
    for (size_t i = 0; i < it->count; i++) it->numbers[i] = (double)values[i] - (less == NULL ? 0 : (double)less[i]);
    duet_metric_add_mean(task, name, it->numbers, it->count);
}

static const char *asks(duet_run *run)
{
    (void)run;
    return output;
}

static duet_status walk(duet_metric_task *task, question *it, duet_error *error)
{
    size_t *places = malloc(it->count * sizeof *places);
    if (places == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", it->count);
    duet_metric_places(duet_metric_examples(task), it->count, places);
    duet_status status = duet_metric_read(task, task->split, places, it->count, it->examples,
                                          duet_metric_tells_classes(task) ? it->classes : NULL, error);
    free(places);
    const duet_wanted wanted[] = {
        {output, it->forth}, {"annealed_chains", it->chains}, {"annealed_acceptance", it->acceptance}};
    if (status == DUET_OK) status = use(task, it, true, false, wanted, 3, error);
    if (status != DUET_OK) return status;
    add(task, it, "ais", it->forth, NULL);
    add_within(task, it, "ais-chains", it->chains, 1, (double)duet_metric_count(task, "chains", DUET_CHAINS));
    add_within(task, it, "ais-acceptance", it->acceptance, 0, 1);
    return DUET_OK;
}

/* Both bounds of samples whose latents are known. */
static duet_status check(duet_metric_task *task, question *it, duet_error *error)
{
    if (it->classes != NULL) duet_metric_ask_classes(task, it->classes, it->count);
    const duet_wanted made[] = {{"simulated", it->examples}, {DUET_PRIOR, it->latents}};
    const duet_wanted forth = {output, it->forth}, back = {"annealed_back", it->back};
    DUET_TRY(use(task, it, false, false, made, 2, error));
    DUET_TRY(use(task, it, true, false, &forth, 1, error));
    DUET_TRY(use(task, it, true, true, &back, 1, error));
    add(task, it, "ais-simulated", it->forth, NULL);
    add(task, it, "ais-gap", it->back, it->forth);
    return DUET_OK;
}

static duet_status with(duet_metric_task *task, size_t count,
                        duet_status (*ask)(duet_metric_task *task, question *it, duet_error *error), duet_error *error)
{
    question it;
    duet_status status = prepare(task, &it, count, error);
    if (status == DUET_OK) status = ask(task, &it, error);
    forget(&it);
    return status;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t all = duet_metric_examples(task), wanted = duet_metric_count(task, "examples", 100);
    size_t simulated = duet_metric_count(task, "simulated", 20);
    DUET_TRY(with(task, wanted < all ? wanted : all, walk, error));
    return simulated > 1 ? with(task, simulated, check, error) : DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"ais", NULL, DUET_LARGER, DUET_OF_LIKELIHOOD, 2},          {"ais-chains", "chains", DUET_NEITHER, DUET_OF_MORE, 0},
    {"ais-acceptance", "share", DUET_NEITHER, DUET_OF_MORE, 0}, {"ais-simulated", NULL, DUET_NEITHER, DUET_OF_MORE, 0},
    {"ais-gap", NULL, DUET_NEITHER, DUET_OF_MORE, 0},           {NULL},
};

const duet_metric duet_metric_ais = {
    .row = {"ais", "nats",
            "log p(x) of 100 examples (--set examples=N) by annealed importance sampling, checked on 20 samples from "
            "both sides; only where it is named; for models with a decoder, generators with --set sigma=S",
            .on_request = true, .measures = measures},
    .applies = applies,
    .asks = asks,
    .finish = finish,
    .refusal = refusal,
};
