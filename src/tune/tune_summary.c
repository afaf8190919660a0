/* SPDX-License-Identifier: MIT */
/* What duet_tune tells of a document: a row a product, choices as words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "tune/tune_work.h"

static void append(char *text, size_t size, const char *more)
{
    const size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", more);
}

void duet_tune_choice_words(const json_t *choice, char *text, size_t size)
{
    const json_t *value, *parameters = json_object_get(choice, "parameters");
    const char *name = json_string_value(json_object_get(choice, "provider")), *key;
    if (name == NULL) name = json_string_value(json_object_get(choice, "kernel"));
    if (parameters == NULL) parameters = json_object_get(choice, "set");
    snprintf(text, size, "%s", name != NULL ? name : "");
    json_object_foreach((json_t *)parameters, key, value)
    {
        char pair[48];
        snprintf(pair, sizeof pair, " %s=%lld", key, (long long)json_integer_value(value));
        append(text, size, pair);
    }
}

static double gflops_of(const json_t *object)
{
    const json_t *gflops = json_object_get(object, "gflops");
    return json_is_number(gflops) ? json_number_value(gflops) : NAN;
}

static void count_verdicts(const json_t *record, duet_tune_row *row)
{
    size_t index;
    const json_t *trial;
    json_array_foreach(json_object_get(record, "trials"), index, trial)
    {
        row->tried++;
        row->wrong += duet_tune_is(trial, "wrong");
        row->crashed += duet_tune_is(trial, "crashed");
        row->late += duet_tune_is(trial, duet_verdict_late);
        row->failed += duet_tune_is(trial, duet_verdict_failed);
    }
}

duet_status duet_tune_summarise(const duet_tune_task *task, const char *path, duet_tune_summary *summary,
                                duet_error *error)
{
    const json_t *key = json_object_get(task->document, "measured_on"), *shape;
    size_t index;
    snprintf(summary->file, sizeof summary->file, "%s", path != NULL ? path : "");
    if (key == NULL) return DUET_OK;
    snprintf(summary->device, sizeof summary->device, "%s", json_string_value(json_object_get(key, "name")));
    snprintf(summary->driver, sizeof summary->driver, "%s", json_string_value(json_object_get(key, "driver")));
    summary->rows = calloc(json_array_size(task->shapes) + 1, sizeof *summary->rows);
    if (summary->rows == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a summary");
    json_array_foreach(task->shapes, index, shape)
    {
        const json_t *record = duet_tune_record(task->document, shape), *best = json_object_get(record, "best");
        const json_t *preset = json_object_get(record, "preset");
        duet_gemm_shape read;
        if (duet_product_from_json(shape, &read) != NULL) continue;
        duet_tune_row *row = &summary->rows[summary->count++];
        *row = (duet_tune_row){.m = read.m,
                               .n = read.n,
                               .k = read.k,
                               .transpose_a = read.transpose_a,
                               .transpose_b = read.transpose_b,
                               .convolution = duet_convolution_told(&read.convolution)};
        row->preset_gflops = gflops_of(preset);
        row->best_gflops = gflops_of(best);
        if (preset != NULL) duet_tune_choice_words(preset, row->preset, sizeof row->preset);
        if (json_is_object(best)) duet_tune_choice_words(best, row->best, sizeof row->best);
        count_verdicts(record, row);
    }
    return DUET_OK;
}

void duet_tune_summary_free(duet_tune_summary *summary)
{
    free(summary->rows);
    summary->rows = NULL;
    summary->count = 0;
}
