/* SPDX-License-Identifier: MIT */
/* duet models: the kinds of model, with the paper each comes from. */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/table.h"

struct arguments {
    bool json;
};

static const cli_option options[] = {
    {CLI_FLAG, "json", 0, offsetof(struct arguments, json), NULL, "print one JSON document, settings included", 0, 0},
};

static int print_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < duet_family_count(); i++) {
        const duet_family *family = duet_family_at(i);
        json_array_append_new(list, json_pack("{s:s s:s s:s s:o}", "name", family->name, "summary", family->summary,
                                              "paper", family->paper, "settings", cli_settings_json(family)));
    }
    return cli_json_print(json_pack("{s:o}", "models", list));
}

static int run(int argc, char **argv)
{
    static const char *const heads[] = {"name", "what it is", "paper"};
    struct arguments arguments = {0};
    int status;
    if (!cli_parse(&cli_models, argc, argv, &arguments, &status)) return status;
    if (arguments.json) return print_json();
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    for (size_t i = 0; i < duet_family_count(); i++) {
        const duet_family *family = duet_family_at(i);
        cli_table_cell(&table, "%s", family->name);
        cli_table_cell(&table, "%s", family->summary);
        cli_table_cell(&table, "%s", family->paper);
    }
    return cli_table_print(&table, stdout);
}

const cli_command cli_models = {
    .name = "models",
    .summary = "list the kinds of model",
    .details = "'duet train MODEL --help' lists a model's settings.",
    .examples = "duet models --json | jq -r .models[].name",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
