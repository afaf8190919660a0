/* SPDX-License-Identifier: MIT */
/* The benchmark's findings for people and for programs. docs/performance.md says what each column means. */
#include "cli/bench_report.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"

#include <math.h>
#include <string.h>

enum { MOST_PROVIDERS = 8 };
static const double most_change = 0.05;

/* The better one of the two measurements of a peak: the larger rate, the smaller time. */
static double better(const cli_findings *findings, const char *key, bool larger)
{
    const double before = cli_json_number_at(json_array_get(findings->before, 0), key);
    const double after = cli_json_number_at(json_array_get(findings->after, 0), key);
    return larger ? fmax(before, after) : fmin(before, after);
}

/* The larger of the two peak rates of multiply-adds in GFLOP/s; NaN if none was measured. */
static double peak_of(const cli_findings *findings)
{
    return better(findings, "gflops", true);
}

/* False if the device's peak changed by over 5% between the two measurements: something else used the machine. Null:
 * they were not both made, so that nobody knows. */
static json_t *trusted_json(const cli_findings *findings)
{
    const double before = cli_json_number_at(json_array_get(findings->before, 0), "gflops");
    const double after = cli_json_number_at(json_array_get(findings->after, 0), "gflops");
    if (isnan(before) || isnan(after)) return json_null();
    return json_boolean(fabs(before - after) <= most_change * fmax(before, after));
}

/* `error` is in units of what rounding allows, so above 1 is wrong; null: it was not finite. */
static bool is_wrong(const json_t *product)
{
    return json_object_get(product, "error") != NULL && !(cli_json_number_at(product, "error") <= 1);
}

/* A workload whose losses are known and were others here. */
static bool learns_wrong(const json_t *workload)
{
    return json_is_false(json_object_get(json_object_get(workload, "check"), "right"));
}

bool cli_findings_wrong(const cli_findings *findings)
{
    size_t index;
    const json_t *product;
    json_array_foreach(findings->products, index, product) if (is_wrong(product)) return true;
    json_array_foreach(findings->convolutions, index, product) if (is_wrong(product)) return true;
    json_array_foreach(findings->workloads, index, product) if (learns_wrong(product)) return true;
    return false;
}

/* Programs. */

/* Appends to `rows` the products that were measured, or those that were skipped. */
static json_t *add_products(json_t *rows, const json_t *products, bool skipped)
{
    json_t *product;
    size_t index;
    json_array_foreach(products, index, product)
    {
        if ((json_object_get(product, "skipped") != NULL) == skipped) json_array_append(rows, product);
    }
    return rows;
}

static json_t *workloads_json(const cli_findings *findings)
{
    json_t *rows = json_array(), *workload;
    const double peak = peak_of(findings);
    size_t index;
    json_array_foreach(findings->workloads, index, workload)
    {
        static const char *const scores[] = {"ms_median", "ms_min", "images_per_second", "images_per_joule"};
        json_t *row = json_copy(workload);
        for (size_t i = 0; learns_wrong(row) && i < CLI_COUNT_OF(scores); i++)
            json_object_set_new(row, scores[i], json_null());
        const double rate = cli_json_number_at(row, "gflop") / (1e-3 * cli_json_number_at(row, "ms_median"));
        json_object_set_new(row, "share_of_peak", cli_json_number(rate / peak));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *peaks_json(const cli_findings *findings)
{
    return json_pack("{s:o s:o s:o s:o s:o s:o}", "gflops", cli_json_number(peak_of(findings)), "gigabytes_per_second",
                     cli_json_number(better(findings, "gigabytes_per_second", true)), "launch_us",
                     cli_json_number(better(findings, "launch_us", false)), "launch_waited_us",
                     cli_json_number(better(findings, "launch_waited_us", false)), "gflops_before",
                     cli_json_number(cli_json_number_at(json_array_get(findings->before, 0), "gflops")), "gflops_after",
                     cli_json_number(cli_json_number_at(json_array_get(findings->after, 0), "gflops")));
}

int cli_findings_print_json(const cli_findings *findings)
{
    const json_t *device = json_array_get(findings->device, 0);
    return cli_json_print(
        json_pack("{s:s s:s s:s s:s s:s s:O s:o s:o s:o s:o s:o s:o s:O}", "version", duet_version(), "device",
                  cli_json_text_at(device, "device"), "driver", cli_json_text_at(device, "driver"), "platform",
                  cli_json_text_at(device, "platform"), "kind", cli_json_text_at(device, "kind"), "conditions",
                  json_object_get(device, "conditions"), "peaks", peaks_json(findings), "trusted",
                  trusted_json(findings), "gemm", add_products(json_array(), findings->products, false), "convolutions",
                  add_products(json_array(), findings->convolutions, false), "skipped",
                  add_products(add_products(json_array(), findings->products, true), findings->convolutions, true),
                  "workloads", workloads_json(findings), "failed", findings->failed));
}

/* People. */

static void number_cell(cli_table *table, const char *format, double value)
{
    char shown[48];
    snprintf(shown, sizeof shown, format, value);
    cli_table_cell(table, "%s", isnan(value) ? "-" : shown);
}

static int print_peaks(const cli_findings *findings)
{
    static const struct {
        const char *key, *what, *unit;
    } rows[] = {{"gflops", "multiply-adds", "GFLOP/s"},
                {"gigabytes_per_second", "memory, read and written", "GB/s"},
                {"launch_us", "a launch, streamed", "us"},
                {"launch_waited_us", "a launch, waited for", "us"}};
    static const char *const heads[] = {"peak", ">before", ">after", "unit"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    printf("\n");
    for (size_t i = 0; i < CLI_COUNT_OF(rows); i++) {
        cli_table_cell(&table, "%s", rows[i].what);
        number_cell(&table, "%.1f", cli_json_number_at(json_array_get(findings->before, 0), rows[i].key));
        number_cell(&table, "%.1f", cli_json_number_at(json_array_get(findings->after, 0), rows[i].key));
        cli_table_cell(&table, "%s", rows[i].unit);
    }
    return cli_table_print(&table, stdout);
}

static size_t list_providers(const json_t *products, const char *names[MOST_PROVIDERS])
{
    size_t count = 0, index;
    const json_t *product;
    json_array_foreach(products, index, product)
    {
        bool known = false;
        for (size_t i = 0; i < count; i++) known |= strcmp(names[i], cli_json_text_at(product, "provider")) == 0;
        if (!known && count < MOST_PROVIDERS) names[count++] = cli_json_text_at(product, "provider");
    }
    return count;
}

static bool same_product(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"m", "n", "k", "transpose", "convolution"};
    for (size_t i = 0; i < CLI_COUNT_OF(keys); i++) {
        const json_t *here = json_object_get(a, keys[i]), *there = json_object_get(b, keys[i]);
        if (here != there && !json_equal(here, there)) return false;
    }
    return true;
}

static const json_t *find_product(const json_t *products, const json_t *like, const char *provider)
{
    size_t index;
    const json_t *product;
    json_array_foreach(products, index, product)
    {
        if (same_product(product, like) && strcmp(cli_json_text_at(product, "provider"), provider) == 0) return product;
    }
    return NULL;
}

/* The rate of one provider, with "*" if it is the one that plans use. */
static void rate_cell(cli_table *table, const json_t *product)
{
    const char *mark = json_is_true(json_object_get(product, "chosen")) ? "*" : " ";
    if (product == NULL || json_object_get(product, "skipped") != NULL)
        cli_table_cell(table, "- ");
    else if (is_wrong(product))
        cli_table_cell(table, "WRONG%s", mark);
    else
        cli_table_cell(table, "%.1f%s", cli_json_number_at(product, "gflops"), mark);
}

/* The row of a product: the rate of each provider, and which share of the peak the best one reaches. */
static void product_row(const json_t *products, double peak, cli_table *table, const json_t *like,
                        const char *const *names, size_t count)
{
    double best = NAN;
    cli_table_cell(table, "%s", cli_json_text_at(like, "words"));
    for (size_t i = 0; i < count; i++) {
        const json_t *product = find_product(products, like, names[i]);
        rate_cell(table, product);
        if (!is_wrong(product)) best = fmax(best, cli_json_number_at(product, "gflops"));
    }
    number_cell(table, "%.0f%%", 100 * best / peak);
}

static int print_products(const json_t *products, double peak, const char *head, const char *title)
{
    const char *names[MOST_PROVIDERS], *heads[MOST_PROVIDERS + 2] = {head};
    char right[MOST_PROVIDERS][40];
    const size_t count = list_providers(products, names);
    if (count == 0) return CLI_DONE;
    for (size_t i = 0; i < count; i++) {
        snprintf(right[i], sizeof right[i], ">%.30s ", names[i]);
        heads[1 + i] = right[i];
    }
    heads[1 + count] = ">best of peak";
    cli_table table = {.heads = heads, .columns = count + 2};
    size_t index;
    const json_t *product;
    json_array_foreach(products, index, product)
    {
        size_t first = 0;
        while (!same_product(json_array_get(products, first), product)) first++;
        if (first == index) product_row(products, peak, &table, product, names, count);
    }
    printf("\n%s, GFLOP/s (* what a plan uses here, - left out):\n", title);
    return cli_table_print(&table, stdout);
}

/* What a broken driver, or a change of the arithmetic, makes of a workload. */
static void print_wrong_losses(const cli_findings *findings)
{
    size_t index;
    const json_t *workload;
    json_array_foreach(findings->workloads, index, workload)
    {
        const json_t *check = json_object_get(workload, "check"), *expected = json_object_get(check, "expected");
        const char *term;
        json_t *value;
        if (!learns_wrong(workload)) continue;
        json_object_foreach((json_t *)(uintptr_t)expected, term, value)
            printf("%s: %s is %.6g at step %d, and should be %.6g\n", cli_json_text_at(workload, "workload"), term,
                   cli_json_number_at(json_object_get(check, "losses"), term), (int)cli_json_number_at(check, "step"),
                   json_number_value(value));
    }
}

static int print_workloads(const cli_findings *findings)
{
    static const char *const heads[] = {"workload", ">batch",    ">ms median",   ">ms least",   ">images/s",
                                        ">of peak", ">launches", ">peak memory", ">first step", ">images/J"};
    if (json_array_size(findings->workloads) == 0) return CLI_DONE;
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    json_t *rows = workloads_json(findings);
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        cli_table_cell(&table, "%s", cli_json_text_at(row, "workload"));
        number_cell(&table, "%.0f", cli_json_number_at(row, "batch"));
        if (learns_wrong(row))
            cli_table_cell(&table, "WRONG");
        else
            number_cell(&table, "%.3f", cli_json_number_at(row, "ms_median"));
        number_cell(&table, "%.3f", cli_json_number_at(row, "ms_min"));
        number_cell(&table, "%.0f", cli_json_number_at(row, "images_per_second"));
        number_cell(&table, "%.0f%%", 100 * cli_json_number_at(row, "share_of_peak"));
        number_cell(&table, "%.0f", cli_json_number_at(row, "launches"));
        number_cell(&table, "%.0f MiB", cli_json_number_at(row, "rss_mib"));
        number_cell(&table, "%.2f s", cli_json_number_at(row, "first_seconds"));
        number_cell(&table, "%.1f", cli_json_number_at(row, "images_per_joule"));
    }
    json_decref(rows);
    printf("\nTraining steps, each workload in a process of its own:\n");
    int status = cli_table_print(&table, stdout);
    print_wrong_losses(findings);
    return status;
}

int cli_findings_print(const cli_findings *findings)
{
    const json_t *device = json_array_get(findings->device, 0);
    int status = CLI_DONE;
    printf("%s (%s, %s, driver %s)\n", cli_json_text_at(device, "device"), cli_json_text_at(device, "kind"),
           cli_json_text_at(device, "platform"), cli_json_text_at(device, "driver"));
    if (json_array_size(findings->before) > 0) status = print_peaks(findings);
    const double peak = peak_of(findings);
    if (status == CLI_DONE)
        status = print_products(findings->products, peak, ">product", "Matrix products m x n x k, plain operands");
    if (status == CLI_DONE)
        status = print_products(findings->convolutions, peak, "convolution",
                                "Convolutions window/stride picture->result, FLOPs of the taps inside the picture");
    if (status == CLI_DONE) status = print_workloads(findings);
    if (json_is_false(trusted_json(findings)))
        printf("\n%sNot to be trusted%s: the peak changed by over 5%% meanwhile. Something else uses this machine.\n",
               cli_escape(stdout, CLI_RED), cli_escape(stdout, CLI_PLAIN));
    return status;
}
