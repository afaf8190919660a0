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

/* What came of a device's checks. One that could not be run says nothing of the numbers. */
typedef struct examination {
    const duet_device_info *info;
    duet_check_row *rows;
    bool *ran; /* by row */
    size_t count, faults, failures;
    duet_error failure; /* the first */
} examination;

static void run_check(duet_device *device, examination *it, size_t index)
{
    duet_error error = {0};
    duet_check_row *row = &it->rows[index];
    it->ran[index] = duet_check_run(device, index, row, &error) == DUET_OK;
    if (it->ran[index]) {
        it->faults += !row->sound;
        return;
    }
    if (it->failures++ == 0) it->failure = error;
    if (row->name[0] == '\0') snprintf(row->name, sizeof row->name, "check %zu", index);
    row->sound = false;
    row->forward = row->gradient = row->second = NAN;
    snprintf(row->words, sizeof row->words, "could not be run: %.230s", error.message);
}

/* The other checks still run after one that fails, unless the device can do nothing at all. */
static void run_checks(duet_device *device, examination *it)
{
    duet_device_set_log(device, cli_log, NULL);
    for (size_t i = 0; i < it->count && it->failure.status != DUET_ERROR_NO_DEVICE; i++) {
        cli_progress_count("check", i, it->count, i == 0 ? "" : it->rows[i - 1].name);
        run_check(device, it, i);
        duet_device_set_log(device, NULL, NULL); /* that each check is compiled is no news */
    }
    cli_progress_clear();
}

static int print_json(const examination *it)
{
    const duet_check_row *rows = it->rows;
    json_t *list = json_array();
    for (size_t i = 0; i < it->count; i++)
        json_array_append_new(list,
                              json_pack("{s:s s:b s:b s:o s:o s:o s:o}", "name", rows[i].name, "ran", (int)it->ran[i],
                                        "sound", (int)rows[i].sound, "forward", cli_json_number(rows[i].forward),
                                        "gradient", cli_json_number(rows[i].gradient), "second",
                                        cli_json_number(rows[i].second), "words", cli_json_text(rows[i].words)));
    return cli_json_print(json_pack("{s:o s:o s:I s:I s:o}", "device", cli_json_text(it->info->name), "driver",
                                    cli_json_text(it->info->driver), "faults", (json_int_t)it->faults, "failed",
                                    (json_int_t)it->failures, "checks", list));
}

static void error_cell(cli_table *table, double error)
{
    if (isnan(error))
        cli_table_cell(table, "-");
    else
        cli_table_cell(table, "%.3f", error);
}

/* In words, after the table. */
static void print_verdict(const examination *it)
{
    const char *name = it->info->name;
    printf("\nErrors are in units of what rounding allows: above 1 is a fault.\n");
    for (size_t i = 0; i < it->count; i++)
        if (it->ran[i] && !it->rows[i].sound)
            printf("%sfault%s in %s: %s\n", cli_escape(stdout, CLI_RED), cli_escape(stdout, CLI_PLAIN),
                   it->rows[i].name, it->rows[i].words);
    if (it->faults > 0)
        printf("%s: %zu of %zu checks found a fault; do not trust this device with driver %s\n", name, it->faults,
               it->count, it->info->driver);
    else if (it->failures == 0)
        printf("%s%s: all %zu checks are sound%s\n", cli_escape(stdout, CLI_GREEN), name, it->count,
               cli_escape(stdout, CLI_PLAIN));
    else
        printf("%s: %zu of %zu checks are sound, the others could not be run\n", name, it->count - it->failures,
               it->count);
}

static int print_table(const examination *it)
{
    static const char *const heads[] = {"check", ">forward", ">gradient", ">second", "verdict"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    for (size_t i = 0; i < it->count; i++) {
        const duet_check_row *row = &it->rows[i];
        cli_table_cell(&table, "%s", row->name);
        error_cell(&table, row->forward);
        error_cell(&table, row->gradient);
        error_cell(&table, row->second);
        cli_table_cell(&table, "%s", !it->ran[i] ? "not run" : row->sound ? "sound" : "FAULT");
    }
    int status = cli_table_print(&table, stdout);
    print_verdict(it);
    return status;
}

static size_t first_failure(const examination *it)
{
    size_t index = 0;
    while (it->ran[index]) index++;
    return index;
}

/* Wrong numbers first; what could not be run is a failure of the work, and its own words say of what. */
static int conclude(const examination *it, int status)
{
    if (it->failures > 0)
        cli_complain(CLI_DONE, "%zu of %zu checks could not be run, the first, %s, for this: %s", it->failures,
                     it->count, it->rows[first_failure(it)].name, it->failure.message);
    if (it->faults > 0) return CLI_WRONG;
    return status == CLI_DONE && it->failures > 0 ? CLI_FAILED : status;
}

static int examine(duet_device *device, bool json)
{
    examination it = {.info = duet_device_describe(device), .count = duet_check_count()};
    it.rows = calloc(it.count + 1, sizeof *it.rows);
    it.ran = calloc(it.count + 1, sizeof *it.ran);
    int status = CLI_DONE;
    if (it.rows == NULL || it.ran == NULL) {
        status = cli_complain(CLI_FAILED, "there is too little memory for %zu checks", it.count);
    } else {
        fprintf(stderr, "%s (%s, driver %s): %zu checks\n", it.info->name, it.info->platform, it.info->driver,
                it.count);
        run_checks(device, &it);
        if (it.failure.status == DUET_ERROR_NO_DEVICE)
            status = cli_fail(&it.failure);
        else
            status = conclude(&it, json ? print_json(&it) : print_table(&it));
    }
    free(it.rows);
    free(it.ran);
    return status;
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
    .details =
        "Exit status 4 if a number is wrong, 1 if checks could not be run. Run it first where a driver is in doubt.",
    .examples = "duet doctor --device gpu",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_EACH_PROCESS,
};
