/* SPDX-License-Identifier: MIT */
/* duet bench: a device's peaks, its products, the training steps of a few workloads; the same command on any device.
 * OpenCL is used in child processes only, so that each workload's memory is its own. */
#include "cli/bench_compare.h"
#include "cli/bench_report.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/measure.h"
#include "cli/output.h"
#include "cli/providers.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/workloads.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct arguments {
    const char *device, *gemm, *out;
    uint64_t seconds, minutes, batch;
    cli_list only, workloads, settings, files;
    bool json, compare;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERANDS_OPTIONAL, "FILE...", 0, PLACE(files), NULL, "with --compare: results, as --json prints them", 0, 0},
    {CLI_FLAG, "compare", 0, PLACE(compare), NULL, "measure nothing: put the results in FILE... side by side", 0, 0},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE.svg", "with --compare: draw them too, as bars", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
    {CLI_LIST, "only", 0, PLACE(only), "PART",
     "peaks, gemm, convolutions or workloads; may be given several times\n(default: all)", 0, 0},
    {CLI_LIST, "workload", 0, PLACE(workloads), "NAME",
     "one of the workloads below or of 'duet models'; may be given several\ntimes (default: all workloads)", 0, 0},
    {CLI_COUNT, "seconds", 0, PLACE(seconds), "N",
     "how long each workload is timed; what else is measured takes a share of\nit (default: 6)", 1, 60},
    {CLI_COUNT, "minutes", 0, PLACE(minutes), "N",
     "the most that all of it may take: more for a device whose driver compiles\nfor long (default: 4)", 2, 1440},
    {CLI_COUNT, "batch", 0, PLACE(batch), "N", "examples a step (default: the workload's own)", 1, 1 << 20},
    {CLI_TEXT, "gemm", 0, PLACE(gemm), "NAME",
     "only this provider of matrix products or convolutions, also in the\nworkloads: one of those below, or auto, what "
     "plans choose",
     0, 0},
    {CLI_LIST, "set", 0, PLACE(settings), "KEY=VALUE", "set one of a workload's settings; may be given several times",
     0, 0},
};

enum { PEAKS, GEMM, CONVOLUTIONS, WORKLOADS, PARTS };
static const char *const part_names[PARTS] = {"peaks", "gemm", "convolutions", "workloads"};

const char *cli_bench_part_at(size_t index)
{
    return index < PARTS ? part_names[index] : NULL;
}

/* The whole run ends within MINUTES, or what is asked for: then each part has as much more. */
enum { MINUTES = 4, WHOLE_SECONDS = 225, PEAK_SECONDS = 30, PRODUCTS_SECONDS = 90, CONVOLUTIONS_SECONDS = 60 };
enum { MOST_WORKLOADS = 64 };

typedef struct bench {
    const struct arguments *arguments;
    bool parts[PARTS];
    cli_workload workloads[MOST_WORKLOADS];
    size_t workload_count;
    cli_measurement measurement;
    cli_list settings; /* of the workload that is being measured */
    double begin;
    cli_findings findings;
    int status; /* of the first part that failed; else CLI_DONE */
} bench;

/* The command line. */

static int choose_parts(bench *it)
{
    const cli_list *only = &it->arguments->only;
    for (size_t part = 0; part < PARTS; part++) it->parts[part] = only->count == 0;
    for (size_t i = 0; i < only->count; i++) {
        size_t part = 0;
        while (part < PARTS && strcmp(part_names[part], only->items[i]) != 0) part++;
        if (part == PARTS)
            return cli_complain(CLI_MISTAKE, "--only takes peaks, gemm, convolutions or workloads, not '%s'",
                                only->items[i]);
        it->parts[part] = true;
    }
    return CLI_DONE;
}

/* *found: the row of that name, or a workload made of the built-in family of that name. */
static int find_workload(const char *name, cli_workload *found)
{
    char hint[80];
    duet_spelling nearest = {.word = name};
    const cli_workload *row = cli_workload_find(name);
    if (row != NULL) {
        *found = *row;
        return CLI_DONE;
    }
    if (duet_family_find(name) != NULL) {
        *found = (cli_workload){.name = name, .family = name};
        return CLI_DONE;
    }
    for (size_t i = 0; (row = cli_workload_at(i)) != NULL; i++) duet_spelling_offer(&nearest, row->name);
    for (size_t i = 0; i < duet_family_count(); i++) duet_spelling_offer(&nearest, duet_family_at(i)->name);
    return cli_complain(CLI_MISTAKE, "there is no workload '%s'%s ('duet bench --help' lists them)", name,
                        duet_spelling_words(&nearest, hint, sizeof hint));
}

static int choose_workloads(bench *it)
{
    const cli_list *names = &it->arguments->workloads;
    const cli_workload *row;
    int status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < names->count; i++)
        status = find_workload(names->items[i], &it->workloads[it->workload_count++]);
    for (size_t i = 0; names->count == 0 && (row = cli_workload_at(i)) != NULL; i++)
        it->workloads[it->workload_count++] = *row;
    for (size_t i = 0; status == CLI_DONE && i < it->workload_count; i++)
        status = cli_settings_check(&cli_bench, cli_workload_family(&it->workloads[i]), &it->arguments->settings);
    return status;
}

/* Whether a part that is measured asks the provider of --gemm: "auto" and "plain" are of both kinds. */
static bool is_asked(const bench *it, const char *provider)
{
    bool of_both = strcmp(provider, "auto") == 0 || strcmp(provider, "plain") == 0, convolves = false;
    const char *name;
    for (size_t i = 0; (name = duet_gemm_name(i)) != NULL; i++)
        if (strcmp(name, provider) == 0) convolves = duet_gemm_convolves(i);
    return it->parts[WORKLOADS] || (it->parts[GEMM] && (of_both || !convolves)) ||
           (it->parts[CONVOLUTIONS] && (of_both || convolves));
}

/* Options that no part reads which --only leaves: named, and where nothing at all would be measured by them, refused.
 */
static int check_use(const bench *it)
{
    const struct arguments *arguments = it->arguments;
    const struct {
        const char *name;
        bool given;
    } of_workloads[] = {{"--workload", arguments->workloads.count > 0},
                        {"--batch", arguments->batch != 0},
                        {"--set", arguments->settings.count > 0}};
    for (size_t i = 0; !it->parts[WORKLOADS] && i < CLI_COUNT_OF(of_workloads); i++)
        if (of_workloads[i].given)
            cli_complain(CLI_DONE, "%s is for workloads, which --only leaves out: it has no effect",
                         of_workloads[i].name);
    if (arguments->gemm == NULL || is_asked(it, arguments->gemm)) return CLI_DONE;
    if (it->parts[PEAKS])
        return cli_complain(CLI_DONE, "--gemm %s is asked by no part that --only leaves: it has no effect",
                            arguments->gemm);
    return cli_complain(CLI_MISTAKE,
                        "--gemm %s is no provider of what --only names, so that nothing would be measured: "
                        "it computes %s",
                        arguments->gemm, it->parts[GEMM] ? "convolutions" : "gemm");
}

static int choose(bench *it)
{
    int status = choose_parts(it);
    if (status == CLI_DONE) status = choose_workloads(it);
    if (status == CLI_DONE) status = cli_gemm_check(it->arguments->gemm);
    if (status == CLI_DONE) status = check_use(it);
    return status;
}

/* The parts. */

/* Runs one part in a child of at most `seconds`. A failure is noted, and the other parts still run. */
static void measure(bench *it, const char *name, cli_child_work work, double seconds, json_t *documents)
{
    fprintf(stderr, "%s ...\n", name);
    int status = cli_child_run(work, &it->measurement, seconds, name, "--minutes", documents);
    if (status == CLI_DONE) return;
    json_array_append_new(it->findings.failed, json_string(name));
    if (it->status == CLI_DONE) it->status = status;
}

static double wanted_seconds(const bench *it)
{
    return it->arguments->seconds != 0 ? (double)it->arguments->seconds : 6;
}

/* What a part that has these seconds of MINUTES has of the minutes asked for. */
static double allowed(const bench *it, int seconds)
{
    return it->arguments->minutes == 0 ? seconds : seconds * (double)it->arguments->minutes / MINUTES;
}

static double seconds_left(const bench *it)
{
    return allowed(it, WHOLE_SECONDS) - (duet_seconds() - it->begin);
}

/* Each provider has a child of its own, so that a crash ends no other (NULL: for each product the provider that a plan
 * would use). It begins products in the first half of its time only, so that the last one can end in time. */
static void measure_products_of(bench *it, const char *provider, bool convolves, double seconds)
{
    char title[48];
    snprintf(title, sizeof title, "%s %s", convolves ? "convolutions" : "gemm", provider != NULL ? provider : "auto");
    it->measurement.provider = provider;
    it->measurement.convolves = convolves;
    it->measurement.limit = seconds / 2;
    measure(it, title, cli_measure_products, seconds, convolves ? it->findings.convolutions : it->findings.products);
}

/* Plain products, or convolutions, by the providers of that kind. */
static void measure_products(bench *it, bool convolves, double seconds)
{
    const char *only = it->arguments->gemm, *name;
    size_t count = 0;
    if (only != NULL && strcmp(only, "auto") == 0) {
        measure_products_of(it, NULL, convolves, seconds);
        return;
    }
    if (only != NULL && strcmp(only, "plain") == 0 && convolves) only = "conv-plain";
    for (size_t i = 0; duet_gemm_name(i) != NULL; i++) count += duet_gemm_convolves(i) == convolves;
    for (size_t i = 0; (name = duet_gemm_name(i)) != NULL; i++)
        if (duet_gemm_convolves(i) == convolves && (only == NULL || strcmp(only, name) == 0))
            measure_products_of(it, name, convolves, seconds / (double)count);
}

static size_t choose_batch(const bench *it, const cli_workload *workload)
{
    if (it->arguments->batch != 0) return (size_t)it->arguments->batch;
    if (workload->batch != 0) return workload->batch;
    return duet_family_training_size(cli_workload_family(workload), it->settings.items, it->settings.count).batch;
}

/* Whether a workload is measured as its row has it. */
static bool is_row(const bench *it, const cli_workload *workload)
{
    const uint64_t batch = it->arguments->batch;
    return (batch == 0 || batch == workload->batch) && it->arguments->settings.count == 0;
}

/* The time left is shared: on a slow device the last workloads get less, and the whole run takes no longer. */
static void measure_workloads(bench *it)
{
    for (size_t i = 0; i < it->workload_count; i++) {
        const cli_workload *workload = &it->workloads[i];
        const double left = seconds_left(it) - allowed(it, PEAK_SECONDS / 2);
        const double share = left / (double)(it->workload_count - i);
        it->measurement.seconds = wanted_seconds(it) < share / 2 ? wanted_seconds(it) : share / 2;
        it->measurement.workload = workload->name;
        it->measurement.known = is_row(it, workload) ? workload : NULL;
        it->measurement.family = cli_workload_family(workload);
        cli_workload_settings(workload, &it->arguments->settings, &it->settings);
        it->measurement.settings = &it->settings;
        it->measurement.given = &it->arguments->settings;
        it->measurement.batch = choose_batch(it, workload);
        measure(it, workload->name, cli_measure_workload, share, it->findings.workloads);
    }
    it->measurement.seconds = wanted_seconds(it);
}

/* Measures the device first: without one nothing else is measured. */
static int measure_all(bench *it)
{
    const struct arguments *arguments = it->arguments;
    it->measurement = (cli_measurement){.device = arguments->device,
                                        .gemm = arguments->gemm,
                                        .seconds = wanted_seconds(it),
                                        .before = (double)clock() / CLOCKS_PER_SEC};
    int status = cli_child_run(cli_measure_device, &it->measurement, allowed(it, PEAK_SECONDS), "opening the device",
                               "--minutes", it->findings.device);
    if (status != CLI_DONE) return status;
    if (it->parts[PEAKS]) measure(it, "peaks", cli_measure_peaks, allowed(it, PEAK_SECONDS), it->findings.before);
    if (it->parts[GEMM]) measure_products(it, false, allowed(it, PRODUCTS_SECONDS));
    if (it->parts[CONVOLUTIONS]) measure_products(it, true, allowed(it, CONVOLUTIONS_SECONDS));
    if (it->parts[WORKLOADS]) measure_workloads(it);
    if (it->parts[PEAKS] && (it->parts[GEMM] || it->parts[CONVOLUTIONS] || it->parts[WORKLOADS]))
        measure(it, "peaks again", cli_measure_peaks, allowed(it, PEAK_SECONDS / 2), it->findings.after);
    return CLI_DONE;
}

static int print(const bench *it)
{
    int status = it->arguments->json ? cli_findings_print_json(&it->findings) : cli_findings_print(&it->findings);
    if (status == CLI_DONE) status = it->status;
    if (!cli_findings_wrong(&it->findings)) return status;
    return cli_complain(CLI_WRONG, "a product or a training has wrong numbers on this device: 'duet doctor' says more");
}

static int compare(const struct arguments *arguments)
{
    if (!arguments->compare)
        return cli_complain(CLI_MISTAKE, "%s is for --compare, which puts results in files side by side",
                            arguments->files.count > 0 ? arguments->files.items[0] : "--out");
    if (arguments->files.count == 0)
        return cli_complain(CLI_MISTAKE, "--compare needs files: those that 'duet bench --json > FILE' writes");
    if (arguments->device != NULL || arguments->gemm != NULL || arguments->seconds != 0 || arguments->minutes != 0 ||
        arguments->batch != 0 || arguments->only.count > 0 || arguments->workloads.count > 0 ||
        arguments->settings.count > 0)
        return cli_complain(CLI_MISTAKE, "--compare measures nothing: it goes with --json and --out alone");
    if (arguments->out != NULL && !cli_ends_in(arguments->out, ".svg"))
        return cli_complain(CLI_MISTAKE, "--out %s: drawings are written as .svg", arguments->out);
    return cli_bench_compare(&arguments->files, arguments->out, arguments->json);
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    int status;
    if (!cli_parse(&cli_bench, argc, argv, &arguments, &status)) return status;
    if (arguments.compare || arguments.files.count > 0 || arguments.out != NULL) return compare(&arguments);
    bench *it = calloc(1, sizeof *it);
    if (it == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a benchmark");
    it->arguments = &arguments;
    it->begin = duet_seconds();
    cli_findings *findings = &it->findings;
    json_t **const arrays[] = {&findings->device,       &findings->before,    &findings->after, &findings->products,
                               &findings->convolutions, &findings->workloads, &findings->failed};
    for (size_t i = 0; i < CLI_COUNT_OF(arrays); i++) *arrays[i] = json_array();
    status = choose(it);
    if (status == CLI_DONE) status = measure_all(it);
    if (status == CLI_DONE) status = print(it);
    for (size_t i = 0; i < CLI_COUNT_OF(arrays); i++) json_decref(*arrays[i]);
    free(it);
    return status;
}

static int more_help(cli_help_form form, const char *operand)
{
    static const char *const heads[] = {"workload", ">batch", "meaning"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    const cli_workload *row;
    (void)operand;
    for (size_t i = 0; (row = cli_workload_at(i)) != NULL; i++) {
        cli_table_cell(&table, "%s", row->name);
        cli_table_cell(&table, "%zu", row->batch);
        cli_table_cell(&table, "%s", row->summary);
    }
    const int status = cli_help_table(form, "Workloads", NULL, &table);
    return status == CLI_DONE ? cli_providers_print(form) : status;
}

const cli_command cli_bench = {
    .name = "bench",
    .summary = "measure a device: peaks, matrix products, convolutions, training steps",
    .details = "Ends within four minutes, or those of --minutes. Results of different devices compare; those of a busy "
               "machine do not:\n"
               "the peaks are measured before and after, and should agree within 5%.",
    .examples = "duet bench --json > here.json\n"
                "duet bench --compare here.json there.json --out bars.svg",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .more_help = more_help,
};
