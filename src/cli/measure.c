/* SPDX-License-Identifier: MIT */
/* Measurements of `duet bench`. Each opens the device for itself, since it runs in a process of its own. */
#include "cli/measure.h"
#include "cli/child.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static duet_status open_device(duet_device **device, const cli_measurement *it, duet_error *error)
{
    duet_status status = duet_device_open(device, it->device, error);
    if (status != DUET_OK) return status;
    duet_device_set_log(*device, cli_log, NULL);
    duet_device_use_tuning(*device);
    return duet_device_set_gemm(*device, it->gemm, error);
}

/* Seconds of one of many short trials. */
static double trial_seconds(const cli_measurement *it, double share)
{
    const double most = 12;
    return share * fmin(it->seconds, most);
}

/* The device and its peaks. */

int cli_measure_device(FILE *results, const void *measurement)
{
    duet_device *device = NULL;
    duet_error error = {0};
    if (open_device(&device, measurement, &error) != DUET_OK) return cli_fail(&error);
    const duet_device_info *info = duet_device_describe(device);
    int status =
        cli_child_send(results, json_pack("{s:o s:o s:o s:s}", "device", cli_json_text(info->name), "driver",
                                          cli_json_text(info->driver), "platform", cli_json_text(info->platform),
                                          "kind", duet_device_kind_name(info->kind)));
    duet_device_close(&device);
    return status;
}

int cli_measure_peaks(FILE *results, const void *measurement)
{
    const cli_measurement *it = measurement;
    duet_device *device = NULL;
    duet_error error = {0};
    duet_peaks peaks;
    int status = CLI_DONE;
    if (open_device(&device, it, &error) == DUET_OK &&
        duet_peaks_measure(device, trial_seconds(it, 1.0 / 12), &peaks, &error) == DUET_OK)
        status = cli_child_send(results, json_pack("{s:o s:o s:o s:o}", "gflops", cli_json_number(peaks.gflops),
                                                   "gigabytes_per_second", cli_json_number(peaks.gigabytes_per_second),
                                                   "launch_us", cli_json_number(peaks.launch_us), "launch_waited_us",
                                                   cli_json_number(peaks.launch_waited_us)));
    duet_device_close(&device);
    return error.status == DUET_OK ? status : cli_fail(&error);
}

/* Products. */

static json_t *extents_json(const duet_product *product)
{
    const char transpose[3] = {product->transpose_a ? 't' : 'n', product->transpose_b ? 't' : 'n', '\0'};
    if (product->convolution.use != DUET_NO_CONVOLUTION)
        return json_pack("{s:o}", "convolution", cli_convolution_json(&product->convolution));
    return json_pack("{s:I s:I s:I s:s}", "m", (json_int_t)product->m, "n", (json_int_t)product->n, "k",
                     (json_int_t)product->k, "transpose", transpose);
}

static json_t *product_json(const duet_product *product, const char *provider, bool chosen,
                            const duet_product_timing *timing)
{
    char words[DUET_PRODUCT_WORDS];
    json_t *row = extents_json(product),
           *names = json_pack("{s:s s:s s:b}", "words", duet_product_words(product, words), "provider", provider,
                              "chosen", (int)chosen);
    json_object_update(row, names);
    json_decref(names);
    json_t *rest =
        timing->skipped[0] != '\0'
            ? json_pack("{s:s}", "skipped", timing->skipped)
            : json_pack("{s:o s:o s:o s:o}", "gflops", cli_json_number(timing->gflops), "ms_median",
                        cli_json_number(1e3 * timing->seconds_median), "ms_min",
                        cli_json_number(1e3 * timing->seconds_least), "error", cli_json_number(timing->error));
    json_object_update(row, rest);
    json_decref(rest);
    return row;
}

static bool product_at(const cli_measurement *it, size_t index, duet_product *product)
{
    if (it->convolves) return index < DUET_BENCHED_CONVOLUTIONS && duet_common_convolution(index, product);
    return index < DUET_BENCHED_PRODUCTS && duet_common_product(index, product);
}

static size_t count_products(const cli_measurement *it)
{
    duet_product product;
    size_t count = 0;
    while (product_at(it, count, &product)) count++;
    return count;
}

static int measure_product(FILE *results, duet_device *device, const cli_measurement *it, const duet_product *product,
                           bool late, duet_error *error)
{
    const double share = it->convolves ? 1.0 / 40 : 1.0 / 20; /* there are more of them */
    const char *chosen = duet_gemm_chosen(device, product);
    const char *provider = it->provider != NULL ? it->provider : chosen;
    duet_product_timing timing = {.skipped = "the time for products is used up"};
    if (!late) duet_product_time(device, provider, product, trial_seconds(it, share), &timing, error);
    if (error->status != DUET_OK) return CLI_FAILED;
    return cli_child_send(results, product_json(product, provider, strcmp(provider, chosen) == 0, &timing));
}

int cli_measure_products(FILE *results, const void *measurement)
{
    const cli_measurement *it = measurement;
    const double begin = duet_seconds();
    duet_device *device = NULL;
    duet_error error = {0};
    duet_product product;
    int status = CLI_DONE;
    open_device(&device, it, &error);
    for (size_t i = 0; error.status == DUET_OK && status == CLI_DONE && product_at(it, i, &product); i++) {
        cli_progress_count("product", i, count_products(it), it->provider == NULL ? "" : it->provider);
        status = measure_product(results, device, it, &product, duet_seconds() - begin > it->limit, &error);
    }
    cli_progress_clear();
    duet_device_close(&device);
    return error.status == DUET_OK ? status : cli_fail(&error);
}

/* Workloads. */

enum { MOST_BLOCKS = 1000, MOST_STEPS_A_BLOCK = 20, WARM_STEPS = 3, MOST_TERMS = 64 };

typedef struct step_times {
    double milliseconds[MOST_BLOCKS]; /* a step's mean in each block, sorted at the end */
    size_t blocks;
    double means[MOST_TERMS]; /* loss terms of the last block */
    double first_seconds;
} step_times;

/* Milliseconds a step of one block. Reading the losses waits for the block to end. */
static double time_block(duet_trainer *trainer, size_t steps, double *means, duet_error *error)
{
    const double begin = duet_seconds();
    for (size_t i = 0; i < steps && error->status == DUET_OK; i++) duet_trainer_step(trainer, error);
    if (error->status == DUET_OK) duet_trainer_losses(trainer, means, MOST_TERMS, error);
    return 1e3 * (duet_seconds() - begin) / (double)steps;
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Blocks of twenty steps, or of fewer where a step is long. */
static void time_steps(duet_trainer *trainer, double begin, double seconds, step_times *times, duet_error *error)
{
    const double block_milliseconds = 100;
    time_block(trainer, 1, times->means, error);
    times->first_seconds = duet_seconds() - begin;
    double step = 0;
    for (size_t i = 0; i < WARM_STEPS && step < block_milliseconds; i++)
        step = time_block(trainer, 1, times->means, error);
    const double wanted = floor(block_milliseconds / step);
    const size_t steps = wanted < 1 ? 1 : wanted > MOST_STEPS_A_BLOCK ? MOST_STEPS_A_BLOCK : (size_t)wanted;
    const double start = duet_seconds();
    do {
        times->milliseconds[times->blocks++] = time_block(trainer, steps, times->means, error);
    } while (error->status == DUET_OK && times->blocks < MOST_BLOCKS && duet_seconds() - start < seconds);
    qsort(times->milliseconds, times->blocks, sizeof *times->milliseconds, ascending);
}

/* The largest resident memory that this process has had, driver included. */
static double resident_mebibytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return NAN;
#ifdef __APPLE__
    return (double)usage.ru_maxrss / (1024 * 1024);
#else
    return (double)usage.ru_maxrss / 1024;
#endif
}

/* GFLOP of a step's matrix products and convolutions, from the profile of one more step. */
static double count_products_of_step(duet_device *device, duet_trainer *trainer, duet_error *error)
{
    duet_profile_row *rows = NULL;
    size_t count = 0;
    double flops = 0, means[MOST_TERMS];
    if (duet_device_set_profiling(device, true, error) != DUET_OK) return NAN;
    time_block(trainer, 1, means, error);
    if (error->status != DUET_OK || duet_device_profile(device, &rows, &count, error) != DUET_OK) return NAN;
    for (size_t i = 0; i < count; i++)
        if (strncmp(rows[i].kernel, "gemm ", strlen("gemm ")) == 0 ||
            strncmp(rows[i].kernel, "conv ", strlen("conv ")) == 0)
            flops += rows[i].flops;
    free(rows);
    return 1e-9 * flops;
}

static json_t *workload_json(const cli_measurement *it, const duet_trainer *trainer, const step_times *times,
                             double resident, double gflop)
{
    const double median = times->milliseconds[times->blocks / 2];
    json_t *losses = json_object();
    const char *term;
    for (size_t i = 0; i < MOST_TERMS && (term = duet_trainer_term(trainer, i)) != NULL; i++)
        json_object_set_new(losses, term, cli_json_number(times->means[i]));
    return json_pack("{s:s s:I s:o s:o s:o s:o s:o s:o s:I s:o}", "workload", it->workload, "batch",
                     (json_int_t)it->batch, "ms_median", cli_json_number(median), "ms_min",
                     cli_json_number(times->milliseconds[0]), "images_per_second",
                     cli_json_number(1e3 * (double)it->batch / median), "gflop", cli_json_number(gflop), "rss_mib",
                     cli_json_number(resident), "first_seconds", cli_json_number(times->first_seconds), "steps",
                     (json_int_t)duet_trainer_steps(trainer), "losses", losses);
}

int cli_measure_workload(FILE *results, const void *measurement)
{
    const cli_measurement *it = measurement;
    const double begin = duet_seconds() - it->before;
    static step_times times;
    duet_device *device = NULL;
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    duet_error error = {0};
    int status = CLI_DONE;
    if (open_device(&device, it, &error) == DUET_OK && duet_data_open(&data, NULL, &error) == DUET_OK &&
        duet_model_new(&model, it->family, data, it->settings->items, it->settings->count, 0, &error) == DUET_OK &&
        duet_trainer_new(&trainer, device, model, it->batch, &error) == DUET_OK)
        time_steps(trainer, begin, it->seconds, &times, &error);
    if (error.status == DUET_OK) {
        const double resident = resident_mebibytes();
        const double gflop = count_products_of_step(device, trainer, &error);
        if (error.status == DUET_OK)
            status = cli_child_send(results, workload_json(it, trainer, &times, resident, gflop));
    }
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
    return error.status == DUET_OK ? status : cli_fail(&error);
}
