/* SPDX-License-Identifier: MIT */
/* Measurements of `duet bench` but for its workloads. Each opens the device for itself, since it runs in a process of
 * its own. */
#include "cli/measure.h"
#include "cli/child.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <math.h>
#include <string.h>

duet_status cli_measure_open(duet_device **device, const cli_measurement *it, duet_error *error)
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

/* What else than the device decides the numbers. */
static json_t *conditions_json(const cli_measurement *it, const duet_device *device)
{
    json_t *environment = json_object();
    const char *entry;
    for (size_t i = 0; (entry = duet_environment_at(i)) != NULL; i++) {
        const char *equals = strchr(entry, '=');
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)(equals - entry), entry);
        json_object_set_new(environment, name, cli_json_text(equals + 1));
    }
    return json_pack("{s:s s:o s:b s:o}", "gemm", it->gemm != NULL ? it->gemm : "auto", "seconds",
                     cli_json_number(it->seconds), "tuned", (int)duet_device_is_tuned(device), "environment",
                     environment);
}

int cli_measure_device(FILE *results, const void *measurement)
{
    duet_device *device = NULL;
    duet_error error = {0};
    if (cli_measure_open(&device, measurement, &error) != DUET_OK) return cli_fail(&error);
    const duet_device_info *info = duet_device_describe(device);
    int status = cli_child_send(
        results, json_pack("{s:o s:o s:o s:s s:o}", "device", cli_json_text(info->name), "driver",
                           cli_json_text(info->driver), "platform", cli_json_text(info->platform), "kind",
                           duet_device_kind_name(info->kind), "conditions", conditions_json(measurement, device)));
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
    if (cli_measure_open(&device, it, &error) == DUET_OK &&
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
    cli_measure_open(&device, it, &error);
    for (size_t i = 0; error.status == DUET_OK && status == CLI_DONE && product_at(it, i, &product); i++) {
        cli_progress_count("product", i, count_products(it), it->provider == NULL ? "" : it->provider);
        status = measure_product(results, device, it, &product, duet_seconds() - begin > it->limit, &error);
    }
    cli_progress_clear();
    duet_device_close(&device);
    return error.status == DUET_OK ? status : cli_fail(&error);
}
