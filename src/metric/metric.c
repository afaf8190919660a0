/* The table of metrics, and what several of them need: passes over a split, samples, means with intervals. */
#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/size.h"

enum { PIECE = 1000, PIECE_STREAM = 0x4D455452 };

static const duet_metric *const metrics[] = {
    &duet_metric_elbo,     &duet_metric_active_units, &duet_metric_mse,
    &duet_metric_accuracy, &duet_metric_classes,      &duet_metric_modes,
};
enum { METRICS = sizeof metrics / sizeof *metrics };

const duet_metric_row *duet_metric_at(size_t index)
{
    return index < METRICS ? &metrics[index]->row : NULL;
}

static const duet_metric *find(const char *name)
{
    for (size_t i = 0; i < METRICS; i++)
        if (strcmp(metrics[i]->row.name, name) == 0) return metrics[i];
    return NULL;
}

bool duet_metric_applies(duet_run *run, const char *name)
{
    const duet_metric *metric = find(name);
    return metric != NULL && metric->applies(run);
}

duet_status duet_metric_compute(duet_run *run, const char *name, duet_split split, uint64_t seed,
                                duet_metric_value *values, size_t capacity, size_t *count, duet_error *error)
{
    duet_metric_task task = {run, split, seed, values, capacity, 0};
    const duet_metric *metric = find(name);
    *count = 0;
    if (metric == NULL) return duet_fail(error, DUET_ERROR_USAGE, "there is no metric \"%s\"", name);
    if (!metric->applies(run))
        return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" cannot be computed for a run of \"%s\" on %s: %s", name,
                         duet_model_family(duet_run_model(run))->name, duet_data_describe(duet_run_data(run))->name,
                         metric->row.summary);
    if (duet_metric_examples(&task) == 0)
        return duet_fail(error, DUET_ERROR_USAGE, "%s has no %s examples", duet_data_describe(duet_run_data(run))->name,
                         split == DUET_TRAIN ? "training" : "test");
    DUET_TRY(metric->compute(&task, error));
    *count = task.count < capacity ? task.count : capacity;
    return DUET_OK;
}

size_t duet_metric_examples(const duet_metric_task *task)
{
    return duet_data_describe(duet_run_data(task->run))->count[task->split];
}

void duet_metric_add(duet_metric_task *task, const char *name, double value, double low, double high, size_t n)
{
    if (task->count < task->capacity) task->values[task->count] = (duet_metric_value){name, value, low, high, n};
    task->count++;
}

void duet_metric_add_mean(duet_metric_task *task, const char *name, const double *numbers, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) mean += numbers[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) squares += (numbers[i] - mean) * (numbers[i] - mean);
    double reach = n > 1 ? 1.96 * sqrt(squares / (double)(n - 1) / (double)n) : NAN;
    duet_metric_add(task, name, mean, mean - reach, mean + reach, n);
}

/* Each piece draws its noise from a seed of its own, so that no two examples share any. */
static uint64_t piece_seed(uint64_t seed, size_t piece)
{
    duet_philox_block block = duet_philox_element(seed, PIECE_STREAM, 0, (uint32_t)piece);
    return (uint64_t)block.word[1] << 32 | block.word[0];
}

duet_status duet_metric_visit(const duet_metric_task *task, const char *output, duet_metric_visitor visit,
                              void *context, duet_error *error)
{
    duet_data *data = duet_run_data(task->run);
    size_t total = duet_metric_examples(task), features = duet_run_features(task->run, output);
    size_t example = duet_shape_elements(duet_data_describe(data)->shape);
    float *examples = malloc(PIECE * example * sizeof *examples), *values = malloc(PIECE * features * sizeof *values);
    duet_status status = DUET_OK;
    if (examples == NULL || values == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", PIECE);
    for (size_t first = 0; status == DUET_OK && first < total; first += PIECE) {
        size_t count = total - first < PIECE ? total - first : PIECE;
        status = duet_data_read(data, task->split, first, count, examples, error);
        if (status == DUET_OK)
            status = duet_run_apply(task->run, output, examples, count, piece_seed(task->seed, first / PIECE), values,
                                    error);
        if (status == DUET_OK) visit(context, first, count, examples, values);
    }
    free(examples);
    free(values);
    return status;
}

duet_status duet_metric_sample(const duet_metric_task *task, const char *output, size_t count, float **values,
                               duet_error *error)
{
    size_t latent = duet_run_latent_features(task->run), features = duet_run_features(task->run, output);
    float *latents = malloc(count * latent * sizeof *latents);
    *values = malloc(count * features * sizeof **values);
    duet_status status = DUET_OK;
    if (latents == NULL || *values == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu samples", count);
    if (status == DUET_OK) {
        duet_run_prior(task->run, count, task->seed, latents);
        status = duet_run_decode(task->run, output, latents, count, *values, error);
    }
    free(latents);
    if (status == DUET_OK) return DUET_OK;
    free(*values);
    *values = NULL;
    return status;
}
