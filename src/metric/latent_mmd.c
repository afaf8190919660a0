/* SPDX-License-Identifier: MIT */
/* How far the codes of the data, together, lie from the prior that samples are made of: the squared maximum mean
 * discrepancy of 1,000 codes and as many draws of the prior. Kernel and scale are those of Tolstikhin et al. 2018
 * (WAE, arXiv:1711.01558), sec. 4: C / (C + |x - y|^2), C the mean squared distance of two draws of the prior.
 * The interval comes from ten blocks of the rows (metric/kernel.h) in an order that the seed draws, since a file sorted
 * by class would make blocks of one class each; there is none below 20 examples. */
#include <stdlib.h>

#include "metric/features.h"
#include "metric/kernel.h"

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

/* Examples that lie evenly over the split, and what is asked of them. */
typedef struct part {
    size_t count, features;
    float *examples, *codes;
    uint8_t *classes; /* NULL: the model is told none */
} part;

static void free_part(part *it)
{
    free(it->examples);
    free(it->codes);
    free(it->classes);
}

static duet_status read_part(part *it, const duet_metric_task *task, duet_error *error)
{
    duet_data *data = duet_run_data(task->run);
    size_t places[CODES], total = duet_metric_examples(task),
                          numbers = duet_shape_elements(duet_data_describe(data)->shape);
    bool labelled = duet_metric_tells_classes(task);
    *it = (part){.count = total < CODES ? total : CODES,
                 .features = duet_run_features(task->run, code_output(task->run))};
    it->examples = malloc(it->count * numbers * sizeof *it->examples);
    it->codes = malloc(it->count * it->features * sizeof *it->codes);
    it->classes = labelled ? malloc(it->count) : NULL;
    if (it->examples == NULL || it->codes == NULL || (labelled && it->classes == NULL))
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu codes", it->count);
    duet_metric_places(total, it->count, places);
    return duet_metric_read(task, task->split, places, it->count, it->examples, it->classes, error);
}

/* Of these examples alone, not of the split: a code may be the end of a long procedure. */
static duet_status encode(part *it, const duet_metric_task *task, duet_error *error)
{
    DUET_TRY(read_part(it, task, error));
    const duet_wanted wanted = {code_output(task->run), it->codes};
    const duet_request request = {.count = it->count,
                                  .seed = task->seed,
                                  .examples = it->examples,
                                  .classes = it->classes,
                                  .outputs = &wanted,
                                  .output_count = 1};
    return duet_run_answer(task->run, &request, error);
}

static duet_status add_value(duet_metric_task *task, const part *it, const float *drawn, duet_error *error)
{
    const duet_kernel kernel = {DUET_KERNEL_INVERSE_MULTIQUADRATIC,
                                duet_mean_squared_distance(drawn, it->count, it->features)};
    const duet_feature_set codes = {it->codes, it->count, it->features};
    duet_feature_set mixed = {0};
    if (!(kernel.scale > 0)) {
        duet_metric_add_unknown(task, "latent-mmd", "all draws of the prior are alike, so that its kernel has no width",
                                it->count);
        return DUET_OK;
    }
    DUET_TRY(duet_metric_shuffle(&codes, codes.count, task->seed, &mixed, error));
    double distance = duet_kernel_distance(&kernel, codes.values, codes.count, drawn, codes.count, codes.width);
    double reach = duet_kernel_reach(&kernel, mixed.values, drawn, codes.count, codes.width);
    free(mixed.values);
    duet_metric_add(task, "latent-mmd", distance, distance - reach, distance + reach, codes.count);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    part it;
    float *drawn = NULL;
    duet_status status = encode(&it, task, error);
    if (status == DUET_OK) status = duet_metric_sample(task, DUET_PRIOR, it.count, &drawn, error);
    if (status == DUET_OK) status = add_value(task, &it, drawn, error);
    free(drawn);
    free_part(&it);
    return status;
}

static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    if (data->count[split] >= 2) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "latent-mmd needs at least 2 examples; %s has %zu", data->name,
                     data->count[split]);
}

static const duet_metric_measure measures[] = {
    {"latent-mmd", NULL, DUET_SMALLER, DUET_OF_LATENTS, 6},
    {NULL},
};

const duet_metric duet_metric_latent_mmd = {
    .row =
        {"latent-mmd", "squared, of a kernel up to 1",
         "how far 1,000 codes of the data lie from as many draws of the prior, near 0 if not at all; for models that "
         "encode and sample",
         .measures = measures},
    .applies = applies,
    .asks = code_output,
    .finish = finish,
    .enough = enough,
};
