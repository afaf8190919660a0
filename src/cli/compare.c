/* SPDX-License-Identifier: MIT */
/* duet compare: runs side by side, as tables here and as a page. What they differ in comes first. The comparison itself
 * is the library's (duet_page_document): tables, --json and page say the same. */
#include "cli/commands.h"
#include "cli/evaluation.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/run.h"
#include "cli/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 68, WORD = 32 };

struct arguments {
    cli_list runs, settings;
    const char *out, *data, *judge, *device;
    bool afresh, json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERANDS, "RUN RUN...", 0, PLACE(runs), NULL, "directories of runs, two or more", 0, 0},
    {CLI_TEXT, "judge", 0, PLACE(judge), "RUN",
     "a run of a classifier, which says what samples show (default: those\nthat judged the runs before)", 0, 0},
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH", "evaluate on this data (default: the runs' own)", 0, 0},
    {CLI_LIST, "set", 0, PLACE(settings), "KEY=VALUE",
     "a number of the models' way of sampling, or weights=average or\nweights=trained; several\ntimes. Left out for "
     "runs that do not take it",
     0, 0},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE.html", "write a page too, with pictures and curves", 0, 0},
    {CLI_FLAG, "afresh", 0, PLACE(afresh), NULL, "evaluate again, also where nothing has changed", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

static json_t *part(json_t *document, const char *name)
{
    return json_object_get(document, name);
}

/* Heads of a table with a column a run behind the first ones. */
static cli_table begin_table(json_t *document, const char *const *first, size_t count, const char *heads[MOST_COLUMNS])
{
    json_t *run;
    size_t i;
    for (i = 0; i < count; i++) heads[i] = first[i];
    json_array_foreach(part(document, "runs"), i, run)
    {
        if (count + i < MOST_COLUMNS) heads[count + i] = cli_json_text_at(run, "name");
    }
    return (cli_table){.heads = heads, .columns = count + json_array_size(part(document, "runs"))};
}

/* Settings that every run has and that differ; those of some models only are counted. */
static int print_differences(json_t *document)
{
    static const char *const first[] = {"differs in"};
    const char *heads[MOST_COLUMNS];
    cli_table table = begin_table(document, first, 1, heads);
    json_t *row, *value;
    size_t i, j, some = 0;
    json_array_foreach(part(document, "differences"), i, row)
    {
        if (!json_is_true(json_object_get(row, "everywhere"))) {
            some++;
            continue;
        }
        cli_table_cell(&table, "%s", cli_json_text_at(row, "setting"));
        json_array_foreach(json_object_get(row, "values"), j, value)
            cli_table_cell(&table, "%s", json_string_value(value));
    }
    bool any = table.count > 0;
    int status = cli_table_print(&table, stdout);
    if (!any) printf("(nothing that all of them have)\n");
    if (some > 0) printf("and %zu settings that only some of these models have: --json or --out shows them\n", some);
    printf("\n");
    return status;
}

static void add_cost(cli_table *table, json_t *document, const char *name, const char *key,
                     const char *(*show)(double, char *, size_t))
{
    json_t *run;
    size_t i;
    cli_table_cell(table, "%s", name);
    json_array_foreach(part(document, "runs"), i, run)
    {
        char text[WORD];
        double value = cli_json_number_at(json_object_get(run, "cost"), key);
        cli_table_cell(table, "%s", isnan(value) ? "not known" : show(value, text, sizeof text));
    }
}

static const char *show_milliseconds(double number, char *text, size_t size)
{
    char digits[32];
    snprintf(text, size, "%s ms", cli_digits(number, 3, digits, sizeof digits));
    return text;
}

static const char *show_count(double number, char *text, size_t size)
{
    snprintf(text, size, "%.0f", number);
    return text;
}

static const char *show_bytes(double number, char *text, size_t size)
{
    return cli_bytes((uint64_t)number, text, size);
}

static int print_cost(json_t *document)
{
    static const char *const first[] = {"cost"};
    const char *heads[MOST_COLUMNS];
    cli_table table = begin_table(document, first, 1, heads);
    add_cost(&table, document, "time in all", "seconds", cli_duration);
    add_cost(&table, document, "steps", "step", show_count);
    add_cost(&table, document, "a step", "step_ms", show_milliseconds);
    add_cost(&table, document, "parameters", "parameters", show_count);
    add_cost(&table, document, "memory", "memory_bytes", show_bytes);
    add_cost(&table, document, "checkpoint", "checkpoint_bytes", show_bytes);
    int status = cli_table_print(&table, stdout);
    printf("\n");
    return status;
}

/* With an interval, so many digits that it has two of them. */
static void show_value(json_t *cell, bool is_best, char *text, size_t size)
{
    double value = cli_json_number_at(cell, "value"), low = cli_json_number_at(cell, "low"),
           high = cli_json_number_at(cell, "high");
    const char *mark = is_best ? " *" : "";
    double half = (high - low) / 2;
    if (isnan(value)) {
        snprintf(text, size, "-");
    } else if (!(half > 0)) {
        char digits[32];
        const bool whole = fmod(value, 1) == 0 && fabs(value) < 1e12;
        snprintf(text, size, "%s%s", cli_digits(value, whole ? 12 : 4, digits, sizeof digits), mark);
    } else if (half < 1e-6) {
        snprintf(text, size, "%.3g (%.3g to %.3g)%s", value, low, high, mark);
    } else {
        int digits = (int)fmax(0, fmin(8, 1 - floor(log10(half))));
        snprintf(text, size, "%.*f (%.*f to %.*f)%s", digits, value, digits, low, digits, high, mark);
    }
}

static bool is_best(json_t *metric, size_t run)
{
    json_t *index;
    size_t i;
    json_array_foreach(json_object_get(metric, "best"), i, index)
    {
        if (json_integer_value(index) == (json_int_t)run) return true;
    }
    return false;
}

/* "smaller", "near 1", or nothing. */
static void show_direction(json_t *metric, char *text, size_t size)
{
    const char *better = cli_json_text_at(metric, "better");
    if (strcmp(better, "near") == 0)
        snprintf(text, size, "near %g", cli_json_number_at(metric, "target"));
    else
        snprintf(text, size, "%s", strcmp(better, "neither") == 0 ? "" : better);
}

static int print_metrics(json_t *document)
{
    static const char *const first[] = {"metric", "better"};
    const char *heads[MOST_COLUMNS];
    cli_table table = begin_table(document, first, 2, heads);
    json_t *metric, *cell;
    size_t i, j;
    json_array_foreach(part(document, "metrics"), i, metric)
    {
        char text[4 * WORD];
        bool given = false;
        json_array_foreach(json_object_get(metric, "values"), j, cell)
        {
            given = given || !isnan(cli_json_number_at(cell, "value"));
        }
        if (!given) continue;
        show_direction(metric, text, sizeof text);
        cli_table_cell(&table, "%s", cli_json_text_at(metric, "name"));
        cli_table_cell(&table, "%s", text);
        json_array_foreach(json_object_get(metric, "values"), j, cell)
        {
            show_value(cell, is_best(metric, j), text, sizeof text);
            cli_table_cell(&table, "%s", text);
        }
    }
    int status = cli_table_print(&table, stdout);
    printf("* told apart from a worse run: their intervals of 95%% do not overlap\n");
    return status;
}

/* Whether run `run` gives the metric's leading value, so that the values beside it could be expected. */
static bool gives_leading(json_t *document, json_t *metric, size_t run)
{
    json_t *other;
    size_t i;
    json_array_foreach(part(document, "metrics"), i, other)
    {
        if (strcmp(cli_json_text_at(other, "name"), cli_json_text_at(metric, "metric")) == 0)
            return !isnan(cli_json_number_at(json_array_get(json_object_get(other, "values"), run), "value"));
    }
    return true;
}

/* Why run `run` has a dash for the metric; NULL: it has none, or one that its metric's own line explains. */
static const char *reason_of(json_t *document, json_t *metric, size_t run)
{
    bool leads = strcmp(cli_json_text_at(metric, "name"), cli_json_text_at(metric, "metric")) == 0;
    json_t *cell = json_array_get(json_object_get(metric, "values"), run);
    return leads || gives_leading(document, metric, run) ? json_string_value(json_object_get(cell, "reason")) : NULL;
}

/* The line of a reason, with the names of the runs that give it; only at the first of them. */
static void print_reason(json_t *document, json_t *metric, size_t run, const char *reason)
{
    size_t count = json_array_size(part(document, "runs")), alike = 0;
    for (size_t i = 0; i < count; i++) {
        const char *own = reason_of(document, metric, i);
        bool same = own != NULL && strcmp(own, reason) == 0;
        if (same && i < run) return;
        alike += same;
    }
    cli_print(stdout, "  %s", cli_json_text_at(metric, "name"));
    for (size_t i = run, said = 0; alike < count && i < count; i++) {
        const char *own = reason_of(document, metric, i);
        if (own == NULL || strcmp(own, reason) != 0) continue;
        cli_print(stdout, "%s%s", said++ == 0 ? " (" : ", ",
                  cli_json_text_at(json_array_get(part(document, "runs"), i), "name"));
        if (said == alike) printf(")");
    }
    cli_print(stdout, ": %s\n", reason);
}

/* Why dashes stand in the table: of each metric that some run lacks, each reason once, with the runs that it is of. */
static void print_missing(json_t *document)
{
    json_t *metric;
    size_t i, runs = json_array_size(part(document, "runs"));
    bool any = false;
    json_array_foreach(part(document, "metrics"), i, metric)
    {
        for (size_t run = 0; run < runs; run++) {
            const char *reason = reason_of(document, metric, run);
            if (reason == NULL) continue;
            if (!any) printf("\nNot given by every run:\n");
            any = true;
            print_reason(document, metric, run, reason);
        }
    }
}

/* Settings of use that all runs have; where they differ, they stand among the differences. */
static void print_use(json_t *document)
{
    json_t *row;
    size_t i;
    json_array_foreach(part(document, "common"), i, row)
    {
        if (strcmp(cli_json_text_at(row, "setting"), "set at use") == 0 &&
            strcmp(cli_json_text_at(row, "value"), "nothing") != 0)
            cli_print(stdout, "all made with %s\n", cli_json_text_at(row, "value"));
    }
}

static void print_verdicts(json_t *document)
{
    json_t *verdict;
    size_t i;
    json_array_foreach(part(document, "verdicts"), i, verdict)
        cli_print(stdout, "%s%s: %s\n", i == 0 ? "\n" : "", cli_json_text_at(verdict, "group"),
                  cli_json_text_at(verdict, "text"));
}

static int print_tables(json_t *document)
{
    int status = print_differences(document);
    if (status == CLI_DONE) status = print_cost(document);
    if (status == CLI_DONE) status = print_metrics(document);
    print_use(document);
    print_missing(document);
    print_verdicts(document);
    return status;
}

static int show(const struct arguments *arguments)
{
    duet_error error = {0};
    char *text;
    if (duet_page_document(arguments->runs.items, arguments->runs.count, &text, &error) != DUET_OK)
        return cli_fail_opened(&error);
    int status = CLI_DONE;
    if (arguments->json) {
        cli_json_put(text);
    } else {
        json_t *document = json_loads(text, 0, NULL);
        status = cli_json_check();
        if (status == CLI_DONE) status = print_tables(document);
        json_decref(document);
    }
    free(text);
    return status;
}

static int check(const struct arguments *arguments)
{
    if (arguments->runs.count < 2)
        return cli_complain(CLI_MISTAKE, "'duet compare' needs two runs or more; 'duet report' shows one");
    if (arguments->out != NULL && !cli_ends_in(arguments->out, ".html"))
        return cli_complain(CLI_MISTAKE, "--out takes a file name that ends in .html, not '%s'", arguments->out);
    return cli_settings_look(&arguments->settings);
}

/* One that cannot be evaluated is told of before the others are, which may take minutes. */
static int check_runs(const cli_list *runs)
{
    duet_checkpoint_facts facts;
    duet_error error = {0};
    for (size_t i = 0; i < runs->count; i++)
        if (duet_checkpoint_check(runs->items[i], &facts, &error) != DUET_OK ||
            duet_page_check(runs->items[i], NULL, &error) != DUET_OK)
            return cli_fail_opened(&error);
    return CLI_DONE;
}

/* One that only some of the runs read is left out for the others, and one that none reads changes nothing. */
static int evaluate(const struct arguments *arguments)
{
    bool used[CLI_COUNT_OF(arguments->settings.items)] = {false};
    int status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < arguments->runs.count; i++)
        status =
            cli_evaluation_ensure(arguments->runs.items[i], &(cli_evaluation_wish){.device = arguments->device,
                                                                                   .data = arguments->data,
                                                                                   .judge = arguments->judge,
                                                                                   .settings = &arguments->settings,
                                                                                   .runs = &arguments->runs,
                                                                                   .used = used,
                                                                                   .afresh = arguments->afresh});
    for (size_t i = 0; status == CLI_DONE && i < arguments->settings.count; i++)
        if (!used[i])
            status = cli_complain(CLI_FAILED, "--set %s has no effect: no metric and no picture of these runs reads it",
                                  arguments->settings.items[i]);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    duet_error error = {0};
    int status;
    if (!cli_parse(&cli_compare, argc, argv, &arguments, &status)) return status;
    status = check(&arguments);
    if (status == CLI_DONE) status = check_runs(&arguments.runs);
    if (status == CLI_DONE && arguments.out != NULL &&
        duet_page_check(arguments.runs.items[0], arguments.out, &error) != DUET_OK)
        status = cli_fail_opened(&error);
    if (status == CLI_DONE) status = evaluate(&arguments);
    if (status == CLI_DONE && arguments.out != NULL &&
        duet_page_write(arguments.out, arguments.runs.items, arguments.runs.count, &error) != DUET_OK)
        status = cli_fail_opened(&error);
    return status == CLI_DONE ? show(&arguments) : status;
}

const cli_command cli_compare = {
    .name = "compare",
    .summary = "show trained runs side by side",
    .details =
        "Settings in which the runs differ come first, then cost and metrics with their intervals of 95%; a run is\n"
        "marked as better only where its interval does not overlap that of a worse one. Metrics and pictures are\n"
        "kept in each run (evaluation.json, report/) and made anew only where the checkpoint, the data, the judge\n"
        "or --set is another one. Metrics by features are compared only under one judge, and nothing is compared on "
        "different data.",
    .examples = "duet compare runs/vae runs/gan --judge runs/judge --out both.html",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
