/* SPDX-License-Identifier: MIT */
/* The evidence lower bound, Kingma & Welling 2014 (arXiv:1312.6114), eq. 3, in nats an example: -(nll + kl). Each
 * example has one draw of its posterior, so what differs between examples holds the noise of the draw as well: the
 * interval of the mean covers both, the choice of examples and the draws. */
#include <math.h>

#include "metric/metric.h"

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_NLL) == 1 && duet_run_features(run, DUET_KL) == 1;
}

static const char *const *outputs(duet_run *run, duet_split split)
{
    static const char *const names[] = {DUET_NLL, DUET_KL, NULL};
    (void)run;
    (void)split;
    return names;
}

/* State: nll of each example, kl of each, and minus their sum. */
static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, 3 * duet_metric_examples(task) * sizeof(double), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    size_t n = duet_metric_examples(task);
    double *nll = (double *)task->state + piece->first, *kl = nll + n, *elbo = kl + n;
    for (size_t i = 0; i < piece->count; i++) {
        nll[i] = (double)piece->values[0][i];
        kl[i] = (double)piece->values[1][i];
        elbo[i] = -(nll[i] + kl[i]);
    }
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    const double *nll = task->state, *kl = nll + n, *elbo = kl + n;
    (void)error;
    duet_metric_add_mean(task, "elbo", elbo, n);
    duet_metric_add_mean(task, "nll", nll, n);
    duet_metric_add_mean_within(task, "kl", kl, n, 0, INFINITY);
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"elbo", NULL, DUET_LARGER, DUET_OF_LIKELIHOOD, 4},
    /* a term of the bound: no nll of the model */
    {"nll", NULL, DUET_NEITHER, DUET_OF_LIKELIHOOD, 5},
    {"kl", NULL, DUET_NEITHER, DUET_OF_LIKELIHOOD, 6},
    {NULL},
};

const duet_metric duet_metric_elbo = {
    {"elbo", "nats", "evidence lower bound of an example and its two terms; for models with a likelihood and a prior",
     .measures = measures},
    applies,
    outputs,
    begin,
    take,
    finish,
};
