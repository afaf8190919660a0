/* The evidence lower bound, Kingma & Welling 2014 (arXiv:1312.6114), eq. 3, in nats an example: -(nll + kl). */
#include <stdlib.h>

#include "metric/metric.h"

static bool applies(duet_run *run)
{
    return duet_run_features(run, "nll") == 1 && duet_run_features(run, "kl") == 1;
}

static void keep(void *context, size_t first, size_t count, const float *examples, const float *values)
{
    double *numbers = context;
    (void)examples;
    for (size_t i = 0; i < count; i++) numbers[first + i] = values[i];
}

static duet_status compute(duet_metric_task *task, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    double *nll = calloc(n, sizeof *nll), *kl = calloc(n, sizeof *kl), *elbo = calloc(n, sizeof *elbo);
    duet_status status = DUET_OK;
    if (nll == NULL || kl == NULL || elbo == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", n);
    /* Both passes draw the same latents: the noise follows from the seed alone. */
    if (status == DUET_OK) status = duet_metric_visit(task, "nll", keep, nll, error);
    if (status == DUET_OK) status = duet_metric_visit(task, "kl", keep, kl, error);
    if (status == DUET_OK) {
        for (size_t i = 0; i < n; i++) elbo[i] = -(nll[i] + kl[i]);
        duet_metric_add_mean(task, "elbo", elbo, n);
        duet_metric_add_mean(task, "nll", nll, n);
        duet_metric_add_mean(task, "kl", kl, n);
    }
    free(nll);
    free(kl);
    free(elbo);
    return status;
}

const duet_metric duet_metric_elbo = {
    {"elbo", "nats", "evidence lower bound of an example and its two terms; for models with a likelihood and a prior",
     false},
    applies,
    compute,
};
