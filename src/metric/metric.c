/* SPDX-License-Identifier: MIT */
/* The table of metrics, the pass over a split that they share, and what several of them need. */
#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/size.h"

enum { PIECE = 1000, OUTPUTS = 4 /* a metric's */ };

static const duet_metric *const metrics[] = {
    &duet_metric_elbo,
    &duet_metric_nll,
    &duet_metric_bits_per_dimension,
    &duet_metric_active_units,
    &duet_metric_mse,
    &duet_metric_sharpness,
    &duet_metric_accuracy,
    &duet_metric_classes,
    &duet_metric_agreement,
    &duet_metric_modes,
    &duet_metric_neighbour_spread,
    &duet_metric_frechet,
    &duet_metric_latent_mmd,
    &duet_metric_latent_rank,
    &duet_metric_nearest_neighbour,
    &duet_metric_reconstruction_agreement,
    &duet_metric_cluster_accuracy,
    &duet_metric_inception_score,
    &duet_metric_kernel_distance,
    &duet_metric_latent_mse,
    &duet_metric_log_likelihood,
    &duet_metric_ais,
    &duet_metric_cost,
    &duet_metric_jensen_shannon,
    &duet_metric_jensen_shannon_discriminator,
    &duet_metric_memorisation,
    &duet_metric_precision,
    &duet_metric_ssim,
    &duet_metric_combinations,
    &duet_metric_latent_probe,
    &duet_metric_linear_probe,
    &duet_metric_mutual_information_gap,
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

const duet_metric_row *duet_metric_find(const char *name)
{
    const duet_metric *metric = find(name);
    return metric == NULL ? NULL : &metric->row;
}

const duet_metric_measure *duet_metric_measure_find(const duet_metric_row *row, const char *name)
{
    for (const duet_metric_measure *it = row->measures; it->name != NULL; it++)
        if (strcmp(it->name, name) == 0) return it;
    return NULL;
}

duet_better duet_metric_better(duet_run *run, const char *name)
{
    const duet_metric *metric = find(name);
    if (metric == NULL) return DUET_NEITHER;
    return metric->better != NULL ? metric->better(run) : metric->row.measures[0].better;
}

bool duet_metric_may_have_best(const char *name)
{
    const duet_metric *metric = find(name);
    return metric != NULL && (metric->better != NULL || metric->row.measures[0].better != DUET_NEITHER);
}

bool duet_metric_applies(duet_run *run, const char *name)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    return duet_metric_check(run, name, data->count[DUET_TEST] > 0 ? DUET_TEST : DUET_TRAIN, NULL) == DUET_OK;
}

size_t duet_metric_examples(const duet_metric_task *task)
{
    return duet_data_describe(duet_run_data(task->run))->count[task->split];
}

size_t duet_metric_count(const duet_metric_task *task, const char *key, size_t initial)
{
    const char *text = duet_run_setting(task->run, key);
    double number;
    return text != NULL && duet_number_read(text, &number) && number >= 0 ? (size_t)number : initial;
}

duet_status duet_metric_new_state(duet_metric_task *task, size_t bytes, duet_error *error)
{
    task->state = calloc(1, bytes);
    if (task->state != NULL) return DUET_OK;
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a metric over %zu examples",
                     duet_metric_examples(task));
}

void duet_metric_add_count(duet_metric_task *task, const char *name, double value, double low, double high, size_t n)
{
    if (task->count < task->capacity) task->values[task->count] = (duet_metric_value){name, value, low, high, n};
    task->count++;
}

const char *duet_metric_reason(const duet_run *run, const char *value)
{
    for (size_t i = 0; i < run->unknowns; i++)
        if (strcmp(run->unknown[i].value, value) == 0) return run->unknown[i].reason;
    return NULL;
}

void duet_metric_add_unknown(duet_metric_task *task, const char *name, const char *reason, size_t n)
{
    duet_run *run = task->run;
    duet_metric_add_count(task, name, NAN, NAN, NAN, n);
    if (run->unknowns < sizeof run->unknown / sizeof *run->unknown)
        run->unknown[run->unknowns++] = (duet_run_unknown){name, reason};
}

/* Forgets why values of the metric could not be computed before. */
static void forget_unknown(duet_run *run, const duet_metric *metric)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->unknowns; i++)
        if (duet_metric_measure_find(&metric->row, run->unknown[i].value) == NULL)
            run->unknown[kept++] = run->unknown[i];
    run->unknowns = kept;
}

void duet_metric_add(duet_metric_task *task, const char *name, double value, double low, double high, size_t n)
{
    const double rounding = 1e-12;
    bool has_width = high - low > rounding * fmax(fabs(low), fabs(high));
    duet_metric_add_count(task, name, value, has_width ? low : NAN, has_width ? high : NAN, n);
}

void duet_metric_add_within(duet_metric_task *task, const char *name, double value, double low, double high,
                            double least, double most, size_t n)
{
    const bool known = high > low; /* else NAN, which fmin and fmax would pass over */
    duet_metric_add(task, name, value, known ? fmin(fmax(low, least), value) : NAN,
                    known ? fmax(fmin(high, most), value) : NAN, n);
}

void duet_metric_add_covered(duet_metric_task *task, const char *name, const size_t *seen, size_t kinds, double unit,
                             size_t n)
{
    size_t covered = 0, once = 0;
    double none, unseen;
    for (size_t i = 0; i < kinds; i++) {
        covered += seen[i] > 0;
        once += seen[i] == 1;
    }
    duet_share_interval(0, n, &none, &unseen);
    double reach = 1.96 * sqrt((double)once), low = fmax((double)covered - reach, 0);
    double high = fmin((double)covered + fmax(reach, unseen * (double)n), (double)kinds);
    duet_metric_add_count(task, name, unit * (double)covered, unit * low, unit * high, n);
}

/* P(|T| < t) with tangent = t / sqrt(degrees): Student's distribution as a sum of cosines (Abramowitz & Stegun 1964,
 * Handbook of Mathematical Functions, 26.7.3 and 26.7.4). */
static double student_within(size_t degrees, double tangent)
{
    const double pi = 3.14159265358979323846, angle = atan(tangent), cosine = cos(angle);
    const bool odd = degrees % 2 == 1;
    double term = odd ? cosine : 1, sum = degrees == 1 ? 0 : term;
    for (size_t k = odd ? 3 : 2; k < degrees; k += 2) {
        term *= cosine * cosine * (double)(k - 1) / (double)k;
        sum += term;
    }
    return odd ? 2 / pi * (angle + sin(angle) * sum) : sin(angle) * sum;
}

double duet_student(size_t degrees)
{
    enum { MANY = 200 }; /* from here on Cornish-Fisher's expansion is right to seven digits */
    const double z = 1.959963984540054, v = (double)degrees;
    if (degrees >= MANY) return z + (pow(z, 3) + z) / (4 * v) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * v * v);
    double low = 0, high = 16; /* of one degree it is 12.7 */
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        if (student_within(degrees, middle) < 0.95)
            low = middle;
        else
            high = middle;
    }
    return sqrt(v) * low;
}

/* The mean, and the variance of the mean. */
static void measure(const double *numbers, size_t n, double *mean, double *variance)
{
    double squares = 0;
    *mean = 0;
    for (size_t i = 0; i < n; i++) *mean += numbers[i];
    *mean /= (double)n;
    for (size_t i = 0; i < n; i++) squares += (numbers[i] - *mean) * (numbers[i] - *mean);
    *variance = n > 1 ? squares / (double)(n - 1) / (double)n : NAN;
}

void duet_mean_interval(const double *numbers, size_t n, double *mean, double *low, double *high)
{
    double variance;
    bool vary = false; /* the variance of what is all equal may be of the mean's rounding, and not 0 */
    for (size_t i = 1; i < n; i++) vary |= numbers[i] != numbers[0];
    measure(numbers, n, mean, &variance);
    double reach = vary ? duet_student(n - 1) * sqrt(variance) : NAN;
    *low = *mean - reach;
    *high = *mean + reach;
}

void duet_metric_add_mean_within(duet_metric_task *task, const char *name, const double *numbers, size_t n,
                                 double least, double most)
{
    double mean, low, high;
    duet_mean_interval(numbers, n, &mean, &low, &high);
    duet_metric_add_within(task, name, mean, low, high, least, most, n);
}

void duet_metric_add_mean(duet_metric_task *task, const char *name, const double *numbers, size_t n)
{
    duet_metric_add_mean_within(task, name, numbers, n, -INFINITY, INFINITY);
}

void duet_metric_add_ratio(duet_metric_task *task, const char *name, const double *above, size_t n, const double *below,
                           size_t m)
{
    double top, bottom, top_variance, bottom_variance;
    measure(above, n, &top, &top_variance);
    measure(below, m, &bottom, &bottom_variance);
    double ratio = top / bottom, variance = (top_variance + ratio * ratio * bottom_variance) / (bottom * bottom);
    double reach = n > 1 && m > 1 ? duet_student((n < m ? n : m) - 1) * sqrt(variance) : NAN;
    duet_metric_add_within(task, name, ratio, ratio - reach, ratio + reach, 0, INFINITY, n);
}

void duet_metric_add_paired_ratio(duet_metric_task *task, const char *name, const double *above, const double *below,
                                  size_t n)
{
    double top, bottom, variance, squares = 0;
    measure(above, n, &top, &variance);
    measure(below, n, &bottom, &variance);
    double ratio = top / bottom;
    for (size_t i = 0; i < n; i++) squares += (above[i] - ratio * below[i]) * (above[i] - ratio * below[i]);
    double reach = n > 1 ? duet_student(n - 1) * sqrt(squares / (double)(n - 1) / (double)n) / bottom : NAN;
    duet_metric_add_within(task, name, ratio, ratio - reach, ratio + reach, 0, INFINITY, n);
}

/* Wilson's, of a share of so many draws, which need not be a whole number. */
static void find_share_interval(double share, double count, double *low, double *high)
{
    const double z = 1.959964, scale = 1 + z * z / count, middle = (share + z * z / (2 * count)) / scale;
    const double reach = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / scale;
    *low = share == 0 ? 0 : middle - reach; /* to the bit, where rounding would leave a little */
    *high = share == 1 ? 1 : middle + reach;
}

void duet_share_interval(size_t hits, size_t n, double *low, double *high)
{
    find_share_interval((double)hits / (double)n, (double)n, low, high);
}

void duet_metric_add_share(duet_metric_task *task, const char *name, size_t hits, size_t n)
{
    duet_metric_add_share_of_both(task, name, hits, n, 0);
}

void duet_metric_add_share_of_both(duet_metric_task *task, const char *name, size_t hits, size_t n, double variance)
{
    const double share = (double)hits / (double)n, own = share * (1 - share) / (double)n;
    double low, high;
    find_share_interval(share, own > 0 ? (double)n * own / (own + variance) : (double)n, &low, &high);
    duet_metric_add(task, name, share, low, high, n);
}

/* The pass. */

/* One metric of a pass. */
typedef struct part {
    const duet_metric *metric;
    duet_metric_task task;
    size_t places[OUTPUTS], outputs; /* where its outputs are in `wanted` */
} part;

/* Several metrics at work on one split, and room for a piece of it. */
typedef struct pass {
    part *parts;
    size_t count;
    duet_wanted *wanted; /* room for OUTPUTS a metric */
    size_t wanted_count;
    float *examples;
    uint8_t *labels; /* NULL: the split has none */
    duet_metric_stock stock;
} pass;

/* The index of an output in `wanted`, to which it is added if need be; SIZE_MAX: out of memory. */
static size_t want(pass *it, duet_run *run, const char *name)
{
    size_t i = 0;
    while (i < it->wanted_count && strcmp(it->wanted[i].name, name) != 0) i++;
    if (i < it->wanted_count) return i;
    float *values = malloc(PIECE * duet_run_features(run, name) * sizeof *values);
    if (values == NULL) return SIZE_MAX;
    it->wanted[i] = (duet_wanted){name, values};
    return it->wanted_count++;
}

static duet_status fail_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d examples", PIECE);
}

static duet_status begin(pass *it, part *one, duet_error *error)
{
    const duet_metric *metric = one->metric;
    const char *const *outputs = metric->outputs == NULL ? NULL : metric->outputs(one->task.run, one->task.split);
    for (one->outputs = 0; outputs != NULL && outputs[one->outputs] != NULL; one->outputs++) {
        size_t *place = &one->places[one->outputs];
        *place = want(it, one->task.run, outputs[one->outputs]);
        if (*place == SIZE_MAX) return fail_memory(error);
    }
    return metric->begin == NULL ? DUET_OK : metric->begin(&one->task, error);
}

static void hand_out(pass *it, size_t first, size_t count)
{
    for (size_t m = 0; m < it->count; m++) {
        part *one = &it->parts[m];
        if (one->metric->take == NULL) continue;
        duet_metric_piece piece = {.first = first, .count = count, .examples = it->examples, .labels = it->labels};
        for (size_t i = 0; i < one->outputs; i++) piece.values[i] = it->wanted[one->places[i]].values;
        one->metric->take(&one->task, &piece);
    }
}

static duet_status pass_piece(pass *it, duet_run *run, duet_split split, uint64_t seed, size_t first, size_t count,
                              duet_error *error)
{
    duet_data *data = duet_run_data(run);
    DUET_TRY(duet_data_read(data, split, first, count, it->examples, error));
    if (it->labels != NULL) DUET_TRY(duet_data_labels(data, split, first, count, it->labels, error));
    const duet_request request = {.count = count,
                                  .first = first,
                                  .seed = seed,
                                  .examples = it->examples,
                                  .classes = duet_run_has_classes(run) ? it->labels : NULL,
                                  .outputs = it->wanted,
                                  .output_count = it->wanted_count};
    DUET_TRY(duet_run_answer(run, &request, error));
    hand_out(it, first, count);
    return DUET_OK;
}

static duet_status run_pass(pass *it, duet_run *run, duet_split split, uint64_t seed, duet_error *error)
{
    duet_data *data = duet_run_data(run);
    size_t total = duet_metric_examples(&it->parts[0].task);
    if (it->wanted_count == 0) return DUET_OK;
    bool labelled = duet_data_has_labels(data, split);
    it->examples = malloc(PIECE * duet_shape_elements(duet_data_describe(data)->shape) * sizeof *it->examples);
    it->labels = labelled ? malloc(PIECE) : NULL;
    if (it->examples == NULL || (labelled && it->labels == NULL)) return fail_memory(error);
    for (size_t first = 0; first < total; first += PIECE)
        DUET_TRY(pass_piece(it, run, split, seed, first, total - first < PIECE ? total - first : PIECE, error));
    return DUET_OK;
}

const char *duet_metric_needs(const duet_metric_row *row)
{
    const char *semicolon = strrchr(row->summary, ';');
    return semicolon == NULL ? row->summary : semicolon + 1 + strspn(semicolon + 1, " ");
}

const char *duet_metric_refusal(duet_run *run, const char *name)
{
    const duet_metric *metric = find(name);
    return metric == NULL || metric->refusal == NULL || metric->applies(run) ? NULL : metric->refusal(run);
}

duet_status duet_metric_enough_training(duet_run *run, const char *name, duet_error *error)
{
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    if (data->count[DUET_TRAIN] > 0) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "%s goes by training examples too, and %s has none", name, data->name);
}

static duet_status fail_unknown(const char *name, duet_error *error)
{
    duet_spelling nearest = {.word = name};
    char hint[80];
    for (size_t i = 0; i < METRICS; i++) duet_spelling_offer(&nearest, metrics[i]->row.name);
    return duet_fail(error, DUET_ERROR_USAGE, "there is no metric \"%s\"%s", name,
                     duet_spelling_words(&nearest, hint, sizeof hint));
}

/* What depends on classes too needs those of the examples. */
static duet_status check_classes(duet_run *run, const duet_metric *metric, duet_split split, duet_error *error)
{
    const char *const *outputs = metric->outputs == NULL ? NULL : metric->outputs(run, split);
    bool lacks = metric->asks != NULL && duet_metric_lacks_classes(run, split, metric->asks(run));
    for (size_t i = 0; outputs != NULL && outputs[i] != NULL; i++)
        lacks |= duet_metric_lacks_classes(run, split, outputs[i]);
    if (!lacks) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s is made of examples and their classes, which %s is told, and the %s split of %s has no labels",
                     metric->row.name, duet_model_family(duet_run_model(run))->name,
                     split == DUET_TRAIN ? "training" : "test", duet_data_describe(duet_run_data(run))->name);
}

duet_status duet_metric_check(duet_run *run, const char *name, duet_split split, duet_error *error)
{
    const duet_metric *metric = find(name);
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    if (metric == NULL) return fail_unknown(name, error);
    if (split != DUET_TRAIN && split != DUET_TEST)
        return duet_fail(error, DUET_ERROR_USAGE, "there is no split %d: DUET_TRAIN or DUET_TEST was expected",
                         (int)split);
    const char *reason = duet_metric_refusal(run, name);
    if (!metric->applies(run))
        return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" cannot be computed for a run of \"%s\" on %s: %s%s", name,
                         duet_model_family(duet_run_model(run))->name, data->name, reason == NULL ? "it is " : "",
                         reason == NULL ? duet_metric_needs(&metric->row) : reason);
    if (data->count[split] == 0)
        return duet_fail(error, DUET_ERROR_USAGE, "%s has no %s examples", data->name,
                         split == DUET_TRAIN ? "training" : "test");
    size_t samples = duet_metric_sample_count(run, metric->samples);
    if (samples < metric->samples)
        return duet_fail(error, DUET_ERROR_DATA, "%s needs at least %zu samples; %s has %zu", name, metric->samples,
                         duet_data_describe(duet_run_given_samples(run))->name, samples);
    DUET_TRY(check_classes(run, metric, split, error));
    return metric->enough == NULL ? DUET_OK : metric->enough(run, split, error);
}

static duet_status compute(pass *it, duet_run *run, duet_split split, uint64_t seed, duet_error *error)
{
    for (size_t m = 0; m < it->count; m++) DUET_TRY(begin(it, &it->parts[m], error));
    DUET_TRY(run_pass(it, run, split, seed, error));
    for (size_t m = 0; m < it->count; m++) {
        const duet_metric *metric = it->parts[m].metric;
        duet_metric_task *task = &it->parts[m].task;
        size_t before = m == 0 ? 0 : it->parts[m - 1].task.count;
        task->count = before;
        forget_unknown(run, metric);
        DUET_TRY(metric->finish(task, error));
        for (size_t i = before; i < task->count && i < task->capacity; i++) task->values[i].row = &metric->row;
    }
    return DUET_OK;
}

static duet_status make_pass(pass *it, size_t count, duet_error *error)
{
    *it = (pass){.parts = calloc(count, sizeof *it->parts), .count = count};
    it->wanted = calloc(count, OUTPUTS * sizeof *it->wanted);
    return it->parts != NULL && it->wanted != NULL ? DUET_OK : fail_memory(error);
}

static void clear_pass(pass *it)
{
    for (size_t i = 0; it->parts != NULL && i < it->count; i++) free(it->parts[i].task.state);
    for (size_t i = 0; i < it->wanted_count; i++) free(it->wanted[i].values);
    duet_metric_stock_clear(&it->stock);
    free(it->parts);
    free(it->wanted);
    free(it->examples);
    free(it->labels);
}

duet_status duet_metric_compute_all(duet_run *run, const char *const *names, size_t name_count, duet_split split,
                                    uint64_t seed, duet_metric_value *values, size_t capacity, size_t *count,
                                    duet_error *error)
{
    *count = 0;
    if (name_count == 0) return DUET_OK;
    for (size_t i = 0; i < name_count; i++) DUET_TRY(duet_metric_check(run, names[i], split, error));
    pass it;
    duet_status status = make_pass(&it, name_count, error);
    for (size_t i = 0; status == DUET_OK && i < name_count; i++) {
        it.parts[i].metric = find(names[i]);
        it.parts[i].task = (duet_metric_task){
            .run = run, .split = split, .seed = seed, .stock = &it.stock, .values = values, .capacity = capacity};
    }
    if (status == DUET_OK) status = compute(&it, run, split, seed, error);
    if (status == DUET_OK) {
        size_t made = it.parts[it.count - 1].task.count;
        *count = made < capacity ? made : capacity;
    }
    clear_pass(&it);
    return status;
}

duet_status duet_metric_compute(duet_run *run, const char *name, duet_split split, uint64_t seed,
                                duet_metric_value *values, size_t capacity, size_t *count, duet_error *error)
{
    return duet_metric_compute_all(run, &name, 1, split, seed, values, capacity, count, error);
}
