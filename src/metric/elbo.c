/* The evidence lower bound, Kingma & Welling 2014 (arXiv:1312.6114), eq. 3, in nats an example: -(nll + kl). */
#include <math.h>

#include "metric/metric.h"

static bool applies(duet_run *run)
{
    return duet_run_features(run, "nll") == 1 && duet_run_features(run, "kl") == 1;
}

static void add(void *context, size_t first, size_t count, const float *examples, const float *values)
{
    double *sum = context;
    (void)first;
    (void)examples;
    for (size_t i = 0; i < count; i++) *sum += (double)values[i];
}

/* Numbers without an interval: the mean over the whole split is what papers and other programs state. */
static duet_status compute(duet_metric_task *task, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    double nll = 0, kl = 0;
    /* Both passes draw the same latents: the noise follows from the seed alone. */
    DUET_TRY(duet_metric_visit(task, "nll", add, &nll, error));
    DUET_TRY(duet_metric_visit(task, "kl", add, &kl, error));
    duet_metric_add(task, "elbo", -(nll + kl) / (double)n, NAN, NAN, n);
    duet_metric_add(task, "nll", nll / (double)n, NAN, NAN, n);
    duet_metric_add(task, "kl", kl / (double)n, NAN, NAN, n);
    return DUET_OK;
}

const duet_metric duet_metric_elbo = {
    {"elbo", "nats", "evidence lower bound of an example and its two terms; for models with a likelihood and a prior"},
    applies,
    compute,
};
