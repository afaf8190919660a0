/* SPDX-License-Identifier: MIT */
/* duet report: one run as a page. */
#include "cli/commands.h"
#include "cli/evaluation.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *run, *out, *judge, *device, *data;
    cli_list settings;
    bool afresh, json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "RUN", 0, PLACE(run), NULL, "a run's directory", 0, 0},
    {CLI_TEXT, "judge", 0, PLACE(judge), "RUN",
     "a run of a classifier, which says what samples show (default: the\none that judged this run before)", 0, 0},
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH", "evaluate on this data (default: the run's own)", 0, 0},
    {CLI_LIST, "set", 0, PLACE(settings), "KEY=VALUE",
     "a number of the model's way of sampling, or weights=average or\nweights=trained; several times", 0, 0},
    {CLI_TEXT, "out", 0, PLACE(out), "FILE.html", "the page (default: report.html in the run)", 0, 0},
    {CLI_FLAG, "afresh", 0, PLACE(afresh), NULL, "evaluate again, also where nothing has changed", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document: what the page shows but for pictures", 0, 0},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
};

static int print_json(const char *run)
{
    duet_error error = {0};
    char *text;
    if (duet_page_document(&run, 1, &text, &error) != DUET_OK) return cli_fail_opened(&error);
    cli_json_put(text);
    free(text);
    return CLI_DONE;
}

static int write_page(const struct arguments *arguments, const char *path)
{
    duet_error error = {0};
    if (duet_page_write(path, &arguments->run, 1, &error) != DUET_OK) return cli_fail_opened(&error);
    if (!arguments->json) cli_print_name(path);
    return CLI_DONE;
}

static int evaluate(const struct arguments *arguments)
{
    const cli_list runs = {.items = {arguments->run}, .count = 1};
    return cli_evaluation_ensure(arguments->run, &(cli_evaluation_wish){.device = arguments->device,
                                                                        .data = arguments->data,
                                                                        .judge = arguments->judge,
                                                                        .settings = &arguments->settings,
                                                                        .runs = &runs,
                                                                        .afresh = arguments->afresh});
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    int status;
    if (!cli_parse(&cli_report, argc, argv, &arguments, &status)) return status;
    if (arguments.out != NULL && !cli_ends_in(arguments.out, ".html"))
        return cli_complain(CLI_MISTAKE, "--out takes a file name that ends in .html, not '%s'", arguments.out);
    status = cli_settings_look(&arguments.settings);
    if (status != CLI_DONE) return status;
    duet_error error = {0};
    char *path = arguments.out != NULL ? strdup(arguments.out) : duet_page_file(arguments.run, "report.html");
    if (path == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a file name");
    if (duet_page_check(arguments.run, path, &error) != DUET_OK) status = cli_fail_opened(&error);
    if (status == CLI_DONE) status = evaluate(&arguments);
    if (status == CLI_DONE) status = write_page(&arguments, path);
    if (status == CLI_DONE && arguments.json) status = print_json(arguments.run);
    free(path);
    return status;
}

const cli_command cli_report = {
    .name = "report",
    .summary = "show a trained run as one page, report.html",
    .details =
        "The page needs no other file and no network: samples, reconstructions, losses, metrics, settings, and a "
        "blind\n"
        "sheet on which people can try to tell real pictures from made ones. The metrics are kept in the run as\n"
        "evaluation.json and computed anew only where the checkpoint, the data, the judge or --set is another one.",
    .examples = "duet report runs/vae --judge runs/judge",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_FIRST_PROCESS,
};
