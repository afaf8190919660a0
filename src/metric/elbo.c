/* SPDX-License-Identifier: MIT */
/* The evidence lower bound, Kingma & Welling 2014 (arXiv:1312.6114), eq. 3, in nats an example: -(nll + kl). Each
 * example has one draw of its posterior, so what differs between examples holds the noise of the draw as well: the
 * interval of the mean covers both, the choice of examples and the draws. */
#include <math.h>

#include "base/text.h"
#include "data/data.h"
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

/* Whether the interval of the mean lies below 0, and no chance put it there. A kl may be drawn, log q(z | x) - log
 * p(z), with a mean that rare draws far above 0 lift where most lie below: no interval sees those. But the mean of
 * exp(-kl) is 1 or less then, and so is that of its product over examples, which is above e^10 at most once in e^10
 * times (Markov's inequality). What is 0 may be below by rounding. */
static bool is_surely_below_zero(const double ends[3], size_t n)
{
    const double chance = 10, rounding = 1e-3;
    return (isnan(ends[2]) || ends[2] < 0) && ends[0] < -rounding && ends[0] * (double)n < -chance;
}

/* A model of a program's own may give it with another sign, or something else. */
static void tell_of_sign(const duet_metric_task *task, const double ends[3])
{
    char interval[64] = "";
    if (task->run->live) return;
    if (!isnan(ends[1])) (void)duet_text_print(interval, sizeof interval, " [%.4g, %.4g]", ends[1], ends[2]);
    duet_notes_add(&duet_run_data(task->run)->notes, false,
                   "%s: the output \"" DUET_KL "\" of %s is %.4g%s in the mean, where a divergence of the posterior "
                   "from the prior is 0 or more, so that the elbo, -(nll + kl), is too large by at least %.4g: give "
                   "log q(z | x) - log p(z) in that order, or duet_gaussian_kl as it is",
                   duet_data_describe(duet_run_data(task->run))->name,
                   duet_model_family(duet_run_model(task->run))->name, ends[0], interval, -ends[0]);
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    double ends[3];
    size_t n = duet_metric_examples(task);
    const double *nll = task->state, *kl = nll + n, *elbo = kl + n;
    (void)error;
    duet_metric_add_mean(task, "elbo", elbo, n);
    duet_metric_add_mean(task, "nll", nll, n);
    duet_mean_interval(kl, n, &ends[0], &ends[1], &ends[2]);
    if (is_surely_below_zero(ends, n)) tell_of_sign(task, ends);
    /* where all of it lies below 0, nothing is left to cut */
    duet_metric_add_mean_within(task, "kl", kl, n, ends[2] < 0 ? -INFINITY : 0, INFINITY);
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
