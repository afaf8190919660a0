/* SPDX-License-Identifier: MIT */
/* The mutual information gap, Chen et al. 2018 (arXiv:1802.04942), eq. 6: for each factor how much more the latent that
 * knows most of it knows than the next, in parts of the factor's entropy, averaged over factors. 1: each factor has a
 * latent of its own. 0: factors are spread over latents, or not known at all. Estimated as by Locatello et al. 2019
 * (arXiv:1811.12359), app. B: codes (posterior means) in 20 equal bins between their least and largest, continuous
 * factors in 10, and plug-in entropies of the counts. A factor that cannot be read from a single latent scores low
 * however well it is known, as does one that a rotation of the latents would separate. Only where the true factors are
 * known: a class is no factor of its own beside others. */
#include <math.h>
#include <stdlib.h>

#include "metric/bootstrap.h"
#include "metric/metric.h"

enum { EXAMPLES = 10000, CODE_BINS = 20, FACTOR_BINS = 10, MOST_BINS = 32, REPEATS = 100 };

static bool applies(duet_run *run)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    for (size_t k = 0; k < info->factor_count; k++)
        if (!info->factors[k].continuous && info->factors[k].count > MOST_BINS) return false;
    return info->factor_count > 0 && duet_run_features(run, DUET_LATENT) > 0;
}

/* Codes and factors of examples by the numbers of their bins, a column each, one after the other. */
typedef struct binned {
    size_t count, latents, factors;
    uint8_t *codes, *values; /* [latents, count], [factors, count] */
} binned;

static size_t place(double value, double low, double high, size_t bins)
{
    double at = high > low ? (value - low) / (high - low) * (double)bins : 0;
    return at >= (double)bins ? bins - 1 : at > 0 ? (size_t)at : 0;
}

static void bin_codes(binned *it, const float *codes)
{
    for (size_t j = 0; j < it->latents; j++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < it->count; i++) {
            low = fmin(low, (double)codes[i * it->latents + j]);
            high = fmax(high, (double)codes[i * it->latents + j]);
        }
        for (size_t i = 0; i < it->count; i++)
            it->codes[j * it->count + i] = (uint8_t)place((double)codes[i * it->latents + j], low, high, CODE_BINS);
    }
}

static void bin_factors(binned *it, const duet_factor *factors, const float *values)
{
    for (size_t k = 0; k < it->factors; k++)
        for (size_t i = 0; i < it->count; i++) {
            double value = (double)values[i * it->factors + k];
            it->values[k * it->count + i] =
                (uint8_t)(factors[k].continuous ? place(value, factors[k].low, factors[k].high, FACTOR_BINS)
                                                : (size_t)value);
        }
}

/* Entropy in nats of counts that add up to n. */
static double entropy(const size_t *counts, size_t bins, double n)
{
    double sum = 0;
    for (size_t i = 0; i < bins; i++)
        if (counts[i] > 0) sum -= (double)counts[i] / n * log((double)counts[i] / n);
    return sum;
}

/* I(code; value) of rows, and through *own the entropy of the value. */
static double information(const uint8_t *codes, const uint8_t *values, const size_t *rows, size_t count, double *own)
{
    size_t both[CODE_BINS * MOST_BINS] = {0}, of_codes[CODE_BINS] = {0}, of_values[MOST_BINS] = {0};
    for (size_t i = 0; i < count; i++) both[(size_t)codes[rows[i]] * MOST_BINS + values[rows[i]]]++;
    for (size_t i = 0; i < CODE_BINS * MOST_BINS; i++) {
        of_codes[i / MOST_BINS] += both[i];
        of_values[i % MOST_BINS] += both[i];
    }
    const double n = (double)count;
    *own = entropy(of_values, MOST_BINS, n);
    return entropy(of_codes, CODE_BINS, n) + *own - entropy(both, CODE_BINS * MOST_BINS, n);
}

static double gap_of(const binned *it, size_t factor, const size_t *rows, size_t count)
{
    double first = 0, second = 0, own = 0;
    for (size_t j = 0; j < it->latents; j++) {
        double known = information(it->codes + j * it->count, it->values + factor * it->count, rows, count, &own);
        second = fmax(second, fmin(known, first));
        first = fmax(first, known);
    }
    return own > 0 ? (first - second) / own : 0; /* nothing can be known of a factor that does not vary */
}

static double mean_gap(const void *context, const size_t *rows, size_t count)
{
    const binned *it = context;
    double sum = 0;
    for (size_t k = 0; k < it->factors; k++) sum += gap_of(it, k, rows, count);
    return sum / (double)it->factors;
}

static duet_status ask(binned *it, const duet_metric_task *task, float *codes, float *values, size_t *places,
                       uint8_t *labels, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(task->run));
    for (size_t i = 0; i < it->count; i++) places[i] = i;
    DUET_TRY(duet_metric_ask(task, task->split, places, it->count, DUET_LATENT, codes, labels, error));
    DUET_TRY(duet_data_factors(duet_run_data(task->run), task->split, 0, it->count, values, error));
    bin_codes(it, codes);
    bin_factors(it, info->factors, values);
    return DUET_OK;
}

static duet_status measure(binned *it, duet_metric_task *task, size_t *rows, duet_error *error)
{
    double low, high;
    float *codes = malloc(it->count * it->latents * sizeof *codes);
    float *values = malloc(it->count * it->factors * sizeof *values);
    uint8_t *labels = malloc(it->count);
    duet_status status = codes == NULL || values == NULL || labels == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu codes", it->count)
                             : ask(it, task, codes, values, rows, labels, error);
    free(codes);
    free(values);
    free(labels);
    DUET_TRY(status);
    const double value = mean_gap(it, rows, it->count);
    DUET_TRY(duet_bootstrap(mean_gap, it, value, it->count, REPEATS, task->seed, &low, &high, error));
    duet_metric_tell_of_codes(task);
    duet_metric_add_within(task, "mutual-information-gap", value, low, high, 0, 1, it->count);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    const size_t there = duet_metric_examples(task);
    binned it = {.count = there < EXAMPLES ? there : EXAMPLES,
                 .latents = duet_run_features(task->run, DUET_LATENT),
                 .factors = duet_data_describe(duet_run_data(task->run))->factor_count};
    size_t *rows = malloc(it.count * sizeof *rows);
    it.codes = malloc(it.latents * it.count);
    it.values = malloc(it.factors * it.count);
    duet_status status = rows == NULL || it.codes == NULL || it.values == NULL
                             ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu codes", it.count)
                             : measure(&it, task, rows, error);
    free(rows);
    free(it.codes);
    free(it.values);
    return status;
}

static const duet_metric_measure measures[] = {
    {"mutual-information-gap", NULL, DUET_LARGER, DUET_OF_LATENTS, 4},
    {NULL},
};

const duet_metric duet_metric_mutual_information_gap = {
    .row = {"mutual-information-gap", "share",
            "how much more of each true factor the latent that knows most of it knows than the next, of 10,000 codes; "
            "for models that encode, on data whose factors are known",
            .measures = measures},
    .applies = applies,
    .finish = finish,
    .better = duet_metric_better_of_codes,
};
