/* SPDX-License-Identifier: MIT */
/* How far the codes of the data, together, lie from the prior that samples are made of: the squared maximum mean
 * discrepancy of 1,000 codes and as many draws of the prior. Kernel and scale are those of Tolstikhin et al. 2018
 * (WAE, arXiv:1711.01558), sec. 4: C / (C + |x - y|^2), C the mean squared distance of two draws of the prior. */
#include <math.h>
#include <stdlib.h>

#include "metric/kernel_distance.h"
#include "metric/metric.h"

enum { CODES = 1000 };

/* Codes as the model draws them, or as its encoder says them where it has no posterior. */
static const char *code_output(duet_run *run)
{
    return duet_run_features(run, DUET_POSTERIOR_DRAW) > 0 ? DUET_POSTERIOR_DRAW : DUET_LATENT;
}

static bool applies(duet_run *run)
{
    size_t features = duet_run_features(run, code_output(run));
    return features > 0 && features == duet_run_features(run, DUET_PRIOR) && duet_run_features(run, DUET_SAMPLE) > 0;
}

static const char *const *outputs(duet_run *run)
{
    static const char *const drawn[] = {DUET_POSTERIOR_DRAW, NULL}, *const said[] = {DUET_LATENT, NULL};
    return duet_run_features(run, DUET_POSTERIOR_DRAW) > 0 ? drawn : said;
}

static size_t count_codes(const duet_metric_task *task)
{
    size_t examples = duet_metric_examples(task);
    return examples < CODES ? examples : CODES;
}

static size_t code_features(const duet_metric_task *task)
{
    return duet_run_features(task->run, code_output(task->run));
}

static duet_status begin(duet_metric_task *task, duet_error *error)
{
    return duet_metric_new_state(task, count_codes(task) * code_features(task) * sizeof(float), error);
}

/* Keeps examples that lie evenly over the split: the first one of each of `count` parts. */
static void take(duet_metric_task *task, const duet_metric_piece *piece)
{
    size_t count = count_codes(task), examples = duet_metric_examples(task), features = code_features(task);
    float *codes = task->state;
    for (size_t i = 0; i < piece->count; i++) {
        size_t example = piece->first + i, part = example * count / examples;
        if (example > 0 && (example - 1) * count / examples == part) continue;
        for (size_t k = 0; k < features; k++) codes[part * features + k] = piece->values[0][i * features + k];
    }
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    size_t count = count_codes(task), features = code_features(task);
    float *drawn = NULL;
    DUET_TRY(duet_metric_sample(task, DUET_PRIOR, count, &drawn, error));
    const duet_kernel kernel = {DUET_KERNEL_INVERSE_MULTIQUADRATIC, duet_mean_squared_distance(drawn, count, features)};
    double distance = duet_kernel_distance(&kernel, task->state, count, drawn, count, features);
    duet_metric_add(task, "latent-mmd", distance, NAN, NAN, count);
    free(drawn);
    return DUET_OK;
}

const duet_metric duet_metric_latent_mmd = {
    {"latent-mmd", "squared, of a kernel up to 1",
     "how far 1,000 codes of the data lie from as many draws of the prior, near 0 if not at all; for models that "
     "encode and sample",
     -1},
    applies,
    outputs,
    begin,
    take,
    finish,
};
