/* SPDX-License-Identifier: MIT */
/* The exact negative log-likelihood, in nats an example: of a density for flows, of a probability for autoregressive
 * models. A model with a KL term knows only a bound, which is the metric elbo. */
#include "metric/metric.h"

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_NLL) == 1 && duet_run_features(run, DUET_KL) == 0 &&
           duet_run_features(run, DUET_LOGIT) == 0;
}

static const char *const *outputs(duet_run *run, duet_split split)
{
    static const char *const names[] = {DUET_NLL, NULL};
    (void)run;
    (void)split;
    return names;
}

static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, duet_metric_examples(task) * sizeof(double), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    double *nll = task->state;
    for (size_t i = 0; i < piece->count; i++) nll[piece->first + i] = (double)piece->values[0][i];
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    (void)error;
    duet_metric_add_mean(task, "nll", task->state, duet_metric_examples(task));
    return DUET_OK;
}

static const duet_metric_measure measures[] = {
    {"nll", NULL, DUET_SMALLER, DUET_OF_LIKELIHOOD, 7},
    {NULL},
};

const duet_metric duet_metric_nll = {
    {"nll", "nats", "negative log-likelihood of an example, exact; for flows and autoregressive models",
     .measures = measures},
    applies,
    outputs,
    begin,
    take,
    finish,
    .refusal = duet_metric_why_no_likelihood,
};
