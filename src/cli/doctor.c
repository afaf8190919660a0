/* SPDX-License-Identifier: MIT */
/* duet doctor: every op on the chosen device against the plain reference; what is wrong is said in words. */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/table.h"

#include <math.h>
#include <stdlib.h>

struct arguments {
    const char *device;
    bool json;
};

static const cli_option options[] = {
    {CLI_TEXT, "device", 0, offsetof(struct arguments, device), "SEL", "the device to examine ('duet devices')", 0, 0},
    {CLI_FLAG, "json", 0, offsetof(struct arguments, json), NULL, "print one JSON document", 0, 0},
};

/* A check that the driver could not even run counts as a fault, and the other checks still run. */
static void run_check(duet_device *device, size_t index, duet_check_row *row)
{
    duet_error error = {0};
    if (duet_check_run(device, index, row, &error) == DUET_OK) return;
    if (row->name[0] == '\0') snprintf(row->name, sizeof row->name, "check %zu", index);
    row->sound = false;
    row->forward = row->gradient = row->second = NAN;
    snprintf(row->words, sizeof row->words, "could not be run: %.230s", error.message);
}

/* Returns how many checks found a fault. */
static size_t run_checks(duet_device *device, duet_check_row *rows, size_t count)
{
    size_t faults = 0;
    for (size_t i = 0; i < count; i++) {
        cli_progress_count("check", i, count, i == 0 ? "" : rows[i - 1].name);
        run_check(device, i, &rows[i]);
        faults += !rows[i].sound;
    }
    cli_progress_clear();
    return faults;
}

static int print_json(const duet_device_info *info, const duet_check_row *rows, size_t count, size_t faults)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s s:b s:o s:o s:o s:o}", "name", rows[i].name, "sound",
                                              (int)rows[i].sound, "forward", cli_json_number(rows[i].forward),
                                              "gradient", cli_json_number(rows[i].gradient), "second",
                                              cli_json_number(rows[i].second), "words", cli_json_text(rows[i].words)));
    return cli_json_print(json_pack("{s:o s:o s:I s:o}", "device", cli_json_text(info->name), "driver",
                                    cli_json_text(info->driver), "faults", (json_int_t)faults, "checks", list));
}

static void error_cell(cli_table *table, double error)
{
    if (isnan(error))
        cli_table_cell(table, "-");
    else
        cli_table_cell(table, "%.3f", error);
}

static int print_table(const duet_device_info *info, const duet_check_row *rows, size_t count, size_t faults)
{
    static const char *const heads[] = {"check", ">forward", ">gradient", ">second", "verdict"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    for (size_t i = 0; i < count; i++) {
        cli_table_cell(&table, "%s", rows[i].name);
        error_cell(&table, rows[i].forward);
        error_cell(&table, rows[i].gradient);
        error_cell(&table, rows[i].second);
        cli_table_cell(&table, "%s", rows[i].sound ? "sound" : "FAULT");
    }
    int status = cli_table_print(&table, stdout);
    printf("\nErrors are in units of what rounding allows: above 1 is a fault.\n");
    for (size_t i = 0; i < count; i++)
        if (!rows[i].sound)
            printf("%sfault%s in %s: %s\n", cli_escape(stdout, CLI_RED), cli_escape(stdout, CLI_PLAIN), rows[i].name,
                   rows[i].words);
    if (faults == 0)
        printf("%s%s: all %zu checks are sound%s\n", cli_escape(stdout, CLI_GREEN), info->name, count,
               cli_escape(stdout, CLI_PLAIN));
    else
        printf("%s: %zu of %zu checks found a fault; do not trust this device with driver %s\n", info->name, faults,
               count, info->driver);
    return status;
}

static int examine(duet_device *device, bool json)
{
    size_t count = duet_check_count();
    duet_check_row *rows = calloc(count == 0 ? 1 : count, sizeof *rows);
    if (rows == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu checks", count);
    const duet_device_info *info = duet_device_describe(device);
    fprintf(stderr, "%s (%s, driver %s): %zu checks\n", info->name, info->platform, info->driver, count);
    size_t faults = run_checks(device, rows, count);
    int status = json ? print_json(info, rows, count, faults) : print_table(info, rows, count, faults);
    free(rows);
    return status == CLI_DONE && faults > 0 ? CLI_WRONG : status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    int status;
    if (!cli_parse(&cli_doctor, argc, argv, &arguments, &status)) return status;
    duet_device *device = NULL;
    duet_error error = {0};
    if (duet_device_open(&device, arguments.device, &error) != DUET_OK) return cli_fail(&error);
    status = examine(device, arguments.json);
    duet_device_close(&device);
    return status;
}

const cli_command cli_doctor = {
    .name = "doctor",
    .summary = "try every op of a device against a plain reference",
    .details = "Exit status 4 if a number is wrong. Run it first where a driver is in doubt.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
