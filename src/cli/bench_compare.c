/* SPDX-License-Identifier: MIT */
/* Devices side by side: each result is a column, each workload a block of rows. Workloads of the same name, batch,
 * settings and data compare; of each number the best one is marked. */
#include "cli/bench_compare.h"
#include "cli/bench_bars.h"
#include "cli/bench_record.h"
#include "cli/output.h"
#include "cli/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_FILES = CLI_COUNT_OF(((cli_list *)0)->items) };

/* A number of a result, or of one of its workloads. */
typedef struct quantity {
    const char *key, *words, *format;
    double scale;
    int better; /* 1: the larger, -1: the smaller, 0: neither is */
} quantity;

static const quantity peaks[] = {
    {"gflops", "multiply-adds, GFLOP/s", "%.1f", 1, 1},
    {"gigabytes_per_second", "memory, GB/s", "%.1f", 1, 1},
    {"launch_us", "a launch, streamed, us", "%.1f", 1, -1},
    {"launch_waited_us", "a launch, waited for, us", "%.1f", 1, -1},
};

static const quantity steps[] = {
    {"ms_median", "ms a step", "%.3f", 1, -1},      {"images_per_second", "images/s", "%.0f", 1, 1},
    {"share_of_peak", "of peak", "%.0f%%", 100, 0}, {"launches", "launches", "%.0f", 1, 0},
    {"rss_mib", "peak memory, MiB", "%.0f", 1, -1}, {"first_seconds", "first step, s", "%.2f", 1, -1},
    {"images_per_joule", "images/J", "%.1f", 1, 1},
};

/* Whether a document is a result of this program's. */
static bool is_result(const json_t *document)
{
    return json_is_string(json_object_get(document, "device")) &&
           json_is_string(json_object_get(document, "version")) && json_is_object(json_object_get(document, "peaks")) &&
           json_is_array(json_object_get(document, "workloads")) && cli_json_number_at(document, "schema") == 1;
}

/* NULL after a message. */
static json_t *read_result(const char *path)
{
    struct stat about;
    json_error_t fault;
    if (stat(path, &about) != 0) {
        cli_complain(CLI_FAILED, "%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(about.st_mode)) {
        cli_complain(CLI_FAILED, "%s: is not a plain file: save what 'duet bench --json' prints and name that", path);
        return NULL;
    }
    json_t *document = json_load_file(path, 0, &fault);
    if (document != NULL && is_result(document)) return document;
    if (document == NULL && cli_json_check() != CLI_DONE) return NULL;
    cli_complain(CLI_FAILED, "%s: is no result of 'duet bench --json'%s%s", path, document == NULL ? ": " : "",
                 document == NULL ? fault.text : "");
    json_decref(document);
    return NULL;
}

/* The results' numbers of one work, as they stand in the files' order; null where one has none. */
static json_t *workload_row(const json_t *results, json_t *work)
{
    json_t *row = json_copy(work), *values = json_array(), *result, *workload, *found;
    size_t i, j;
    json_array_foreach(results, i, result)
    {
        found = NULL;
        json_array_foreach(json_object_get(result, "workloads"), j, workload)
        {
            json_t *own = cli_bench_work(workload);
            if (json_equal(own, work)) found = workload;
            json_decref(own);
        }
        json_array_append(values, found != NULL ? found : json_null());
    }
    json_object_set_new(row, "results", values);
    return row;
}

static bool is_listed(const json_t *works, const json_t *work)
{
    json_t *listed;
    size_t i;
    json_array_foreach(works, i, listed) if (json_equal(listed, work)) return true;
    return false;
}

/* Every work that some result has, in the order of the first that has it. */
static json_t *workload_rows(const json_t *results)
{
    json_t *rows = json_array(), *works = json_array(), *result, *workload;
    size_t i, j;
    json_array_foreach(results, i, result) json_array_foreach(json_object_get(result, "workloads"), j, workload)
    {
        json_t *work = cli_bench_work(workload);
        if (!is_listed(works, work)) {
            json_array_append(works, work);
            json_array_append_new(rows, workload_row(results, work));
        }
        json_decref(work);
    }
    json_decref(works);
    return rows;
}

/* People. */

/* "A", "B", ...: columns are narrower than names. */
static const char *letter_of(size_t index, char text[4])
{
    snprintf(text, 4, index < 26 ? "%c" : "%c%c", index < 26 ? (int)('A' + index) : (int)('A' + index / 26 - 1),
             (int)('A' + index % 26));
    return text;
}

static void print_devices(const json_t *results)
{
    json_t *result;
    size_t i;
    json_array_foreach(results, i, result)
    {
        char letter[4], conditions[400];
        const char *doubt = cli_bench_doubt(result);
        cli_print(stdout, "%s  %s (%s, %s, driver %s), duet %s: %s%s%s%s\n   %s\n", letter_of(i, letter),
                  cli_json_text_at(result, "device"), cli_json_text_at(result, "kind"),
                  cli_json_text_at(result, "platform"), cli_json_text_at(result, "driver"),
                  cli_json_text_at(result, "version"), cli_json_text_at(result, "file"), doubt != NULL ? " (" : "",
                  doubt != NULL ? doubt : "", doubt != NULL ? ")" : "",
                  cli_bench_conditions(result, conditions, sizeof conditions));
    }
}

static bool is_wrong(const json_t *workload)
{
    return json_is_false(json_object_get(json_object_get(workload, "check"), "right"));
}

/* A row: a number of each of `objects`. False: none has it, and it is left out. */
static bool add_row(cli_table *table, const char *first, const quantity *what, json_t *const *objects, size_t count)
{
    double best = NAN;
    size_t known = 0;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const double value = cli_json_number_at(objects[i], what->key);
        known += !isnan(value);
        any = any || !isnan(value) || (what == steps && is_wrong(objects[i]));
        best = what->better > 0 ? fmax(best, value) : what->better < 0 ? fmin(best, value) : best;
    }
    if (!any) return false;
    cli_table_cell(table, "%s", first);
    cli_table_cell(table, "%s", what->words);
    for (size_t i = 0; i < count; i++) {
        char shown[48];
        const double value = cli_json_number_at(objects[i], what->key);
        snprintf(shown, sizeof shown, what->format, what->scale * value);
        if (isnan(value))
            cli_table_cell(table, "%s ", what == steps && is_wrong(objects[i]) ? "WRONG" : "-");
        else
            cli_table_cell(table, "%s%c", shown, known > 1 && value == best ? '*' : ' ');
    }
    return true;
}

/* A block of rows, of which the first that is there has the name. */
static void add_rows(cli_table *table, const char *name, const quantity *rows, size_t row_count, json_t *const *objects,
                     size_t count)
{
    for (size_t i = 0; i < row_count; i++)
        if (add_row(table, name, &rows[i], objects, count)) name = "";
}

static void add_peaks(cli_table *table, const json_t *results)
{
    json_t *objects[MOST_FILES], *result;
    size_t count = 0, i;
    json_array_foreach(results, i, result) objects[count++] = json_object_get(result, "peaks");
    add_rows(table, "peaks", peaks, CLI_COUNT_OF(peaks), objects, count);
}

static void add_workload(cli_table *table, const json_t *row)
{
    json_t *objects[MOST_FILES], *workload;
    char name[400];
    size_t count = 0, i;
    json_array_foreach(json_object_get(row, "results"), i, workload) objects[count++] = workload;
    cli_bench_work_name(row, name, sizeof name);
    add_rows(table, name, steps, CLI_COUNT_OF(steps), objects, count);
}

static int print_tables(const json_t *results, const json_t *rows)
{
    const char *heads[MOST_FILES + 2] = {"workload, batch", ""};
    char letters[MOST_FILES][8];
    const json_t *row;
    size_t count = json_array_size(results), i;
    for (i = 0; i < count; i++) {
        char letter[4];
        snprintf(letters[i], sizeof letters[i], ">%s ", letter_of(i, letter));
        heads[2 + i] = letters[i];
    }
    cli_table table = {.heads = heads, .columns = count + 2};
    print_devices(results);
    printf("\n");
    add_peaks(&table, results);
    json_array_foreach(rows, i, row) add_workload(&table, row);
    if (table.count == 0) printf("There is nothing to compare: neither peaks nor workloads.\n");
    return table.count == 0 ? CLI_DONE : cli_table_print(&table, stdout);
}

int cli_bench_compare(const cli_list *files, const char *out, bool json)
{
    int status = CLI_DONE;
    json_t *results = json_array();
    for (size_t i = 0; i < files->count && status == CLI_DONE; i++) {
        json_t *result = read_result(files->items[i]);
        if (result == NULL) status = CLI_FAILED;
        if (result != NULL) json_object_set_new(result, "file", cli_json_text(files->items[i]));
        if (result != NULL) json_array_append_new(results, result);
    }
    json_t *rows = status == CLI_DONE ? workload_rows(results) : json_array();
    if (status == CLI_DONE && out != NULL) status = cli_bench_draw(results, rows, out);
    if (status == CLI_DONE)
        status = json ? cli_json_print(json_pack("{s:O s:O}", "results", results, "workloads", rows))
                      : print_tables(results, rows);
    json_decref(rows);
    json_decref(results);
    return status;
}
