/* SPDX-License-Identifier: MIT */
/* duet datasets: the named data sets, and where each was found or how to get it. */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/table.h"

enum { MOST_SETS = 32 };

struct arguments {
    bool json;
};

static const cli_option options[] = {
    {CLI_FLAG, "json", 0, offsetof(struct arguments, json), NULL, "print one JSON document", 0, 0},
};

static int print_json(const duet_dataset_row *rows, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s s:s s:b s:o}", "name", rows[i].name, "summary", rows[i].summary,
                                        "present", (int)rows[i].present, "source", cli_json_text(rows[i].source)));
    return cli_json_print(json_pack("{s:o}", "datasets", list));
}

static int print_table(const duet_dataset_row *rows, size_t count)
{
    static const char *const heads[] = {"name", "here", "what it is", "where"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    for (size_t i = 0; i < count; i++) {
        cli_table_cell(&table, "%s", rows[i].name);
        cli_table_cell(&table, "%s", rows[i].present ? "yes" : "no");
        cli_table_cell(&table, "%s", rows[i].summary);
        cli_table_cell(&table, "%s", rows[i].source);
    }
    return cli_table_print(&table, stdout);
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    int status;
    if (!cli_parse(&cli_datasets, argc, argv, &arguments, &status)) return status;
    duet_dataset_row rows[MOST_SETS];
    size_t count = duet_dataset_list(rows, MOST_SETS);
    if (count > MOST_SETS) count = MOST_SETS;
    return arguments.json ? print_json(rows, count) : print_table(rows, count);
}

const cli_command cli_datasets = {
    .name = "datasets",
    .summary = "list the named data sets",
    .details = "--data also takes a path: 'duet data' says what a file or folder is taken for.",
    .examples = "duet datasets",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
