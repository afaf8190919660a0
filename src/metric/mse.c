/* Mean squared error of the reconstruction, a number a feature (a pixel): comparable across sizes, unlike a sum. */
#include <stdlib.h>

#include "metric/metric.h"

typedef struct errors {
    size_t features;
    double *of_example;
} errors;

static bool applies(duet_run *run)
{
    size_t features = duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
    return duet_run_features(run, "reconstruction") == features;
}

static void measure(void *context, size_t first, size_t count, const float *examples, const float *values)
{
    const errors *all = context;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = i * all->features; k < (i + 1) * all->features; k++)
            sum += ((double)values[k] - examples[k]) * ((double)values[k] - examples[k]);
        all->of_example[first + i] = sum / (double)all->features;
    }
}

static duet_status compute(duet_metric_task *task, duet_error *error)
{
    size_t n = duet_metric_examples(task);
    errors all = {duet_run_features(task->run, "reconstruction"), calloc(n, sizeof(double))};
    if (all.of_example == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu examples", n);
    duet_status status = duet_metric_visit(task, "reconstruction", measure, &all, error);
    if (status == DUET_OK) duet_metric_add_mean(task, "mse", all.of_example, n);
    free(all.of_example);
    return status;
}

const duet_metric duet_metric_mse = {
    {"mse", "squared units a feature", "mean squared error of the reconstruction; for models that reconstruct"},
    applies,
    compute,
};
