/* SPDX-License-Identifier: MIT */
/* Which work a row of a benchmark is, and under which conditions it was done, of files that people hand around. */
#include "cli/bench_record.h"
#include "cli/output.h"
#include "cli/workloads.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of a result of before, whose losses were those of its row, the work is known all the same; of others of before what
 * a step computes tells one from another. */
json_t *cli_bench_work(const json_t *workload)
{
    json_t *settings = json_object_get(workload, "settings"), *data = json_object_get(workload, "data");
    json_t *work = json_pack("{s:s s:o}", "workload", cli_json_text_at(workload, "workload"), "batch",
                             cli_json_number(cli_json_number_at(workload, "batch")));
    const bool checked = json_is_object(json_object_get(workload, "check")), told = json_is_object(settings);
    json_object_set_new(work, "settings", told ? json_incref(settings) : checked ? json_object() : json_null());
    json_object_set_new(work, "data",
                        json_is_string(data) ? json_incref(data)
                        : checked            ? json_string(cli_workload_data)
                                             : json_null());
    if (!told && !checked) json_object_set_new(work, "gflop", cli_json_number(cli_json_number_at(workload, "gflop")));
    return work;
}

/* Behind what is there, cut between two characters where there is no more room. */
static void add(char *text, size_t size, const char *format, ...) DUET_PRINTF(3, 4);
static void add(char *text, size_t size, const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    const int more = vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
    if (more < 0 || (size_t)more < size - length) return;
    size_t end = size - 1;
    while (end > 0 && (text[end - 1] & 0xc0) == 0x80) end--;
    if (end > 0 && (unsigned char)text[end - 1] >= 0xc0) end--;
    text[end] = '\0';
}

/* "key=value key=value". */
static void add_pairs(char *text, size_t size, const json_t *pairs, const char *before)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)pairs, key, value)
    {
        add(text, size, "%s%s=%s", before, key, json_is_string(value) ? json_string_value(value) : "?");
        before = " ";
    }
}

const char *cli_bench_work_name(const json_t *work, char *text, size_t size)
{
    const json_t *settings = json_object_get(work, "settings");
    const char *data = cli_json_text_at(work, "data");
    const double gflop = cli_json_number_at(work, "gflop");
    snprintf(text, size, "%.40s, %.0f", cli_json_text_at(work, "workload"), cli_json_number_at(work, "batch"));
    add_pairs(text, size, settings, ", ");
    if (!json_is_object(settings)) add(text, size, ", settings not recorded");
    if (!isnan(gflop)) add(text, size, ", %.4g GFLOP", gflop);
    if (data[0] != '\0' && strcmp(data, cli_workload_data) != 0) add(text, size, ", data %.16s", data);
    return text;
}

const char *cli_bench_conditions(const json_t *result, char *text, size_t size)
{
    const json_t *conditions = json_object_get(result, "conditions");
    text[0] = '\0';
    if (!json_is_object(conditions)) {
        add(text, size, "--gemm, --seconds, tuning and environment not recorded");
        return text;
    }
    add(text, size, "--gemm %.40s, --seconds %.0f, %s", cli_json_text_at(conditions, "gemm"),
        cli_json_number_at(conditions, "seconds"),
        json_is_true(json_object_get(conditions, "tuned")) ? "tuned" : "not tuned");
    add_pairs(text, size, json_object_get(conditions, "environment"), ", ");
    return text;
}

const char *cli_bench_doubt(const json_t *result)
{
    const json_t *trusted = json_object_get(result, "trusted"), *peaks = json_object_get(result, "peaks");
    if (json_is_false(trusted)) return "not to be trusted: the machine was busy";
    if (json_is_null(trusted) || json_is_null(json_object_get(peaks, "gflops_before")) ||
        json_is_null(json_object_get(peaks, "gflops_after")))
        return "whether the machine was busy is not known: no peaks before and after";
    return NULL;
}
