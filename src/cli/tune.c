/* SPDX-License-Identifier: MIT */
/* duet tune: the fastest way to multiply each of a model's matrices on a device, measured once and kept. */
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"

#include <math.h>

struct arguments {
    const char *model, *data, *device;
    uint64_t batch, seconds;
    cli_list settings;
    bool full, again, json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND_OPTIONAL, "MODEL", 0, PLACE(model), NULL, "one of 'duet models'; not needed with --full", 0, 0},
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH", "the data it will be trained on (default: fashion-mnist)", 0, 0},
    {CLI_COUNT, "batch", 0, PLACE(batch), "N", "examples a step (default: the model's own)", 1, 1 << 20},
    {CLI_LIST, "set", 0, PLACE(settings), "KEY=VALUE", "set one of the model's settings; may be given several times", 0,
     0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    {CLI_COUNT, "seconds", 0, PLACE(seconds), "N",
     "the most that one candidate may take, compilers included (default: 30);\na larger one measures what took longer "
     "before",
     1, 3600},
    {CLI_FLAG, "full", 0, PLACE(full), NULL,
     "every candidate, and common products besides the model's: minutes\ninstead of seconds", 0, 0},
    {CLI_FLAG, "again", 0, PLACE(again), NULL, "forget what was measured before", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
};

/* On a terminal the line is rewritten; elsewhere there is one a product. */
static void show(void *context, const duet_tune_progress *progress)
{
    size_t *told = context;
    char words[288];
    snprintf(words, sizeof words, "%s  %s", progress->what, progress->candidate);
    cli_progress_count("product", progress->product, progress->products, words);
    if (cli_on_terminal(stderr) || *told == progress->product + 1) return;
    *told = progress->product + 1;
    if (progress->products > 0)
        fprintf(stderr, "product %zu/%zu %s\n", progress->product + 1, progress->products, progress->what);
    else
        fprintf(stderr, "%s\n", progress->what);
}

static void tell(void *context, const char *line)
{
    cli_progress_clear();
    cli_log(context, line);
}

static int print_json(const duet_tune_summary *summary)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < summary->count; i++) {
        const duet_tune_row *row = &summary->rows[i];
        const char transpose[3] = {row->transpose_a ? 't' : 'n', row->transpose_b ? 't' : 'n', '\0'};
        json_array_append_new(rows,
                              json_pack("{s:I s:I s:I s:s s:o s:o s:o s:o s:o s:I s:I s:I s:I s:I}", "m",
                                        (json_int_t)row->m, "n", (json_int_t)row->n, "k", (json_int_t)row->k,
                                        "transpose", transpose, "convolution", cli_convolution_json(&row->convolution),
                                        "preset", row->preset[0] != '\0' ? json_string(row->preset) : json_null(),
                                        "preset_gflops", cli_json_number(row->preset_gflops), "best",
                                        row->best[0] != '\0' ? json_string(row->best) : json_null(), "best_gflops",
                                        cli_json_number(row->best_gflops), "tried", (json_int_t)row->tried, "wrong",
                                        (json_int_t)row->wrong, "crashed", (json_int_t)row->crashed, "late",
                                        (json_int_t)row->late, "failed", (json_int_t)row->failed));
    }
    return cli_json_print(json_pack("{s:o s:o s:o s:I s:o}", "device", cli_json_text(summary->device), "driver",
                                    cli_json_text(summary->driver), "file", cli_json_text(summary->file), "measured",
                                    (json_int_t)summary->measured, "products", rows));
}

static void speed_cell(cli_table *table, double gflops)
{
    if (isfinite(gflops))
        cli_table_cell(table, "%.1f", gflops);
    else
        cli_table_cell(table, "-");
}

static int print_table(const duet_tune_summary *summary)
{
    static const char *const heads[] = {"product", ">preset", ">best", ">gain", ">tried", "what is used"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    bool alone = false;
    for (size_t i = 0; i < summary->count; i++) {
        const duet_tune_row *row = &summary->rows[i];
        const double gain = row->best_gflops / row->preset_gflops - 1;
        const duet_product product = {row->m, row->n, row->k, row->transpose_a, row->transpose_b, row->convolution};
        char words[DUET_PRODUCT_WORDS];
        cli_table_cell(&table, "%s", duet_product_words(&product, words));
        speed_cell(&table, row->preset_gflops);
        speed_cell(&table, row->best_gflops);
        if (isfinite(gain))
            cli_table_cell(&table, "%+.0f%%", 100 * gain);
        else
            cli_table_cell(&table, "-");
        cli_table_cell(&table, "%zu", row->tried);
        cli_table_cell(&table, "%s%s", row->best[0] != '\0' ? row->best : row->preset,
                       row->best[0] != '\0'     ? ""
                       : row->preset[0] != '\0' ? " (preset)"
                                                : "the preset, not measured: undecided");
        alone = alone || (row->best[0] != '\0' && !isfinite(row->preset_gflops));
    }
    const int status = cli_table_print(&table, stdout);
    printf("\nProducts m x n x k, convolutions window/stride picture->result, GFLOP/s; a candidate is taken where it "
           "beats the preset by more than 3%%%s.\n",
           alone ? ", or where the preset does not run" : "");
    return status;
}

/* Warns of candidates that were wrong, crashed or were too slow. */
static void warn_of_faults(const duet_tune_summary *summary)
{
    size_t wrong = 0, crashed = 0, late = 0;
    for (size_t i = 0; i < summary->count; i++) {
        wrong += summary->rows[i].wrong;
        crashed += summary->rows[i].crashed;
        late += summary->rows[i].late;
    }
    if (wrong + crashed + late > 0)
        cli_complain(
            0,
            "left out on %s with driver %s: %zu candidates with wrong numbers, %zu that crashed, %zu that took "
            "too long",
            summary->device, summary->driver, wrong, crashed, late);
}

static int tune(const struct arguments *arguments, const duet_family *family)
{
    size_t told = 0;
    const duet_tune_options tune_options = {
        .family = family,
        .data = arguments->data,
        .device = arguments->device,
        .settings = arguments->settings.items,
        .setting_count = arguments->settings.count,
        .batch = arguments->batch,
        .seconds = (double)arguments->seconds,
        .full = arguments->full,
        .again = arguments->again,
        .progress = show,
        .log = tell,
        .context = &told,
        .stop = cli_catch_interrupt(),
    };
    duet_tune_summary summary;
    duet_error error = {0};
    const duet_status result = duet_tune(&tune_options, &summary, &error);
    cli_progress_clear();
    int status = result == DUET_OK ? CLI_DONE : cli_fail(&error);
    if (result == DUET_OK) {
        warn_of_faults(&summary);
        status = arguments->json ? print_json(&summary) : print_table(&summary);
        cli_print(stderr, "%zu candidates measured, kept in %s\n", summary.measured, summary.file);
    }
    duet_tune_summary_free(&summary);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    const duet_family *family = NULL;
    int status;
    if (!cli_parse(&cli_tune, argc, argv, &arguments, &status)) return status;
    if (arguments.model == NULL && !arguments.full)
        return cli_complain(CLI_MISTAKE, "'duet tune' needs MODEL, one of 'duet models', or --full");
    if (arguments.model != NULL) {
        family = cli_family(arguments.model);
        if (family == NULL) return CLI_MISTAKE;
        status = cli_settings_check(&cli_tune, family, &arguments.settings);
        if (status == CLI_DONE) status = cli_data_check(arguments.data);
        if (status != CLI_DONE) return status;
    }
    return tune(&arguments, family);
}

const cli_command cli_tune = {
    .name = "tune",
    .summary = "measure the fastest matrix products of a device, for 'duet train' to use",
    .details =
        "What is measured is kept for this device and driver in the user's cache, and used by every training from\n"
        "then on (DUET_TUNING=off or =FILE: not, or that file). Numbers are checked, and a driver that crashes takes\n"
        "one candidate along. Ctrl-C keeps what is done; the same command goes on from there.",
    .examples = "duet tune vae-conv --data photos",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
