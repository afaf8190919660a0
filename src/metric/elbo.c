/* SPDX-License-Identifier: MIT */
/* The evidence lower bound, Kingma & Welling 2014 (arXiv:1312.6114), eq. 3, in nats an example: -(nll + kl). */
#include <math.h>

#include "metric/metric.h"

typedef struct sums {
    double nll, kl;
} sums;

static bool applies(duet_run *run)
{
    return duet_run_features(run, DUET_NLL) == 1 && duet_run_features(run, DUET_KL) == 1;
}

static const char *const *outputs(duet_run *run)
{
    static const char *const names[] = {DUET_NLL, DUET_KL, NULL};
    (void)run;
    return names;
}

static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, sizeof(sums), error);
}

static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    sums *all = task->state;
    for (size_t i = 0; i < piece->count; i++) {
        all->nll += (double)piece->values[0][i];
        all->kl += (double)piece->values[1][i];
    }
}

/* The values have no interval: papers and other programs state the mean over the whole split. */
static duet_status finish(duet_metric_task *task, duet_error *error)
{
    const sums *all = task->state;
    size_t n = duet_metric_examples(task);
    (void)error;
    duet_metric_add(task, "elbo", -(all->nll + all->kl) / (double)n, NAN, NAN, n);
    duet_metric_add(task, "nll", all->nll / (double)n, NAN, NAN, n);
    duet_metric_add(task, "kl", all->kl / (double)n, NAN, NAN, n);
    return DUET_OK;
}

const duet_metric duet_metric_elbo = {
    {"elbo", "nats", "evidence lower bound of an example and its two terms; for models with a likelihood and a prior",
     1},
    applies,
    outputs,
    begin,
    take,
    finish,
};
