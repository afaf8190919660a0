/* SPDX-License-Identifier: MIT */
/* What is known while duet_tune works, as one JSON document that parent and child both put their findings into, and
 * what of it the file keeps. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"
#include "tune/tune_work.h"

enum { PRODUCT_KEYS = 5 };
static const char *const product_keys[PRODUCT_KEYS] = {"transpose", "m", "n", "k", "convolution"};

static bool same_product(const json_t *a, const json_t *b)
{
    bool same = true;
    for (size_t i = 0; i < PRODUCT_KEYS; i++) {
        const json_t *here = json_object_get(a, product_keys[i]), *there = json_object_get(b, product_keys[i]);
        same = same && (here == there || json_equal(here, there)); /* neither may have it */
    }
    return same;
}

/** Copies what is there of the keys. */
static int copy_keys(json_t *to, const json_t *from, const char *const *keys, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, keys[i]);
        if (value != NULL) failed |= json_object_set(to, keys[i], value);
    }
    return failed;
}

json_t *duet_tune_record(const json_t *document, const json_t *trial)
{
    const char *kernel = json_string_value(json_object_get(trial, "kernel"));
    json_t *record;
    size_t index;
    if (kernel != NULL) return json_object_get(json_object_get(document, "clblast"), kernel);
    json_array_foreach(json_object_get(document, "products"), index, record)
    {
        if (same_product(record, trial)) return record;
    }
    return NULL;
}

static json_t *make_record(json_t *document, const json_t *trial)
{
    const char *kernel = json_string_value(json_object_get(trial, "kernel"));
    json_t *record = json_pack("{s:[]}", "trials");
    if (kernel == NULL) duet_json_keep(&record, copy_keys(record, trial, product_keys, PRODUCT_KEYS) == 0);
    const int failed = kernel != NULL ? json_object_set_new(json_object_get(document, "clblast"), kernel, record)
                                      : json_array_append_new(json_object_get(document, "products"), record);
    return failed == 0 ? record : NULL;
}

json_t *duet_tune_trial(const json_t *record, const json_t *trial)
{
    static const char *const keys[] = {"provider", "parameters", "set"};
    json_t *other;
    size_t index;
    json_array_foreach(json_object_get(record, "trials"), index, other)
    {
        bool same = true;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            const json_t *here = json_object_get(trial, keys[i]), *there = json_object_get(other, keys[i]);
            same = same && (here == there || json_equal(here, there));
        }
        if (same) return other;
    }
    return NULL;
}

const char duet_verdict_failed[] = "failed", duet_verdict_late[] = "late";

bool duet_tune_is(const json_t *trial, const char *verdict)
{
    const char *has = json_string_value(json_object_get(trial, "verdict"));
    return has != NULL && strcmp(has, verdict) == 0;
}

double duet_tune_seconds(const duet_tune_options *options)
{
    static const double usual = 30;
    return options->seconds > 0 ? options->seconds : usual;
}

bool duet_tune_is_late(const json_t *trial, double seconds)
{
    return duet_tune_is(trial, duet_verdict_late) && json_number_value(json_object_get(trial, "seconds")) >= seconds;
}

bool duet_tune_was_late(const json_t *document, const json_t *trial, double seconds)
{
    bool late = false;
    const json_t *record;
    size_t index;
    json_array_foreach(json_object_get(document, "products"), index, record)
    {
        late = late || duet_tune_is_late(duet_tune_trial(record, trial), seconds);
    }
    return late;
}

bool duet_tune_is_done(const json_t *record, const duet_tune_options *options)
{
    const json_t *limit = json_object_get(record, "seconds");
    const bool patient = limit == NULL || json_number_value(limit) >= duet_tune_seconds(options);
    const bool full = !options->full || json_is_true(json_object_get(record, "full"));
    return json_object_get(record, "best") != NULL && json_object_get(record, "incomplete") == NULL && full && patient;
}

bool duet_tune_may_pass(const json_t *trial)
{
    const bool preset = json_is_true(json_object_get(trial, "preset"));
    return duet_tune_is(trial, duet_verdict_failed) || (preset && duet_tune_is(trial, duet_verdict_late));
}

static bool is_unfit(const json_t *trial)
{
    return duet_tune_is(trial, "wrong") || duet_tune_is(trial, "crashed");
}

static int merge_trial(json_t *document, json_t *record, const json_t *trial)
{
    static const char *const keys[] = {"provider", "parameters", "set", "verdict", "gflops", "words"};
    static const char *const late_keys[] = {"seconds", "preset"};
    json_t *known = duet_tune_trial(record, trial);
    int failed = 0;
    if (known == NULL) {
        known = json_object();
        failed = json_array_append_new(json_object_get(record, "trials"), known);
    }
    if (failed == 0) failed = json_object_clear(known); /* of a trial before that took too long */
    if (failed == 0) failed = copy_keys(known, trial, keys, sizeof keys / sizeof *keys);
    if (failed == 0 && duet_tune_is(trial, duet_verdict_late)) failed = copy_keys(known, trial, late_keys, 2);
    if (failed != 0 || !is_unfit(trial) || json_object_get(trial, "provider") == NULL) return failed;
    json_t *choice = json_object();
    failed = copy_keys(choice, trial, keys, json_is_true(json_object_get(trial, "whole")) ? 1 : 2);
    return json_array_append_new(json_object_get(document, "unfit"), choice) | failed;
}

static int merge_best(json_t *record, const json_t *trial)
{
    static const char *const keys[] = {"provider", "parameters", "gflops"}, *const more[] = {"preset", "full",
                                                                                             "seconds"};
    json_t *set = json_object_get(trial, "set");
    (void)json_object_del(record, "incomplete");
    (void)json_object_del(record, "seconds");
    if (copy_keys(record, trial, more, sizeof more / sizeof *more) != 0) return -1;
    if (set != NULL) return json_object_set(record, "best", json_object_size(set) > 0 ? set : json_null());
    if (!json_is_string(json_object_get(trial, "provider"))) return json_object_set_new(record, "best", json_null());
    json_t *best = json_object();
    const int failed = copy_keys(best, trial, keys, sizeof keys / sizeof *keys);
    return json_object_set_new(record, "best", best) | failed;
}

duet_status duet_tune_merge(json_t *document, const char *kind, const json_t *trial, duet_error *error)
{
    json_t *record = duet_tune_record(document, trial);
    int failed = -1;
    if (record == NULL) record = make_record(document, trial);
    if (record != NULL && strcmp(kind, "tried") == 0) failed = merge_trial(document, record, trial);
    if (record != NULL && strcmp(kind, "best") == 0) failed = merge_best(record, trial);
    return failed == 0 ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what was measured");
}

/* The file. */

/** Takes out of a record the trials that are not kept. What was decided without them is decided again when it is next
 * asked for. False: memory is short. */
static bool strip_record(json_t *record)
{
    json_t *trials = json_object_get(record, "trials");
    const size_t count = json_array_size(trials);
    for (size_t i = count; i > 0; i--)
        if (duet_tune_may_pass(json_array_get(trials, i - 1))) (void)json_array_remove(trials, i - 1);
    if (json_array_size(trials) == count) return true;
    if (json_is_null(json_object_get(record, "best"))) (void)json_object_del(record, "best");
    return json_object_set_new(record, "incomplete", json_true()) == 0;
}

/** The document as the file has it: what failed is not in it, as it may have been the hour's fault. NULL: out of
 *  memory. */
static json_t *document_to_keep(const json_t *document)
{
    json_t *kept = json_deep_copy(document), *record;
    size_t index;
    const char *key;
    bool whole = true;
    json_array_foreach(json_object_get(kept, "products"), index, record) whole = strip_record(record) && whole;
    json_object_foreach(json_object_get(kept, "clblast"), key, record) whole = strip_record(record) && whole;
    duet_json_keep(&kept, whole);
    return kept;
}

duet_status duet_tune_keep(const json_t *document, const char *path, duet_error *error)
{
    json_t *kept = document_to_keep(document);
    char *text = duet_json_write(kept, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    json_decref(kept);
    if (text == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %s", path);
    duet_status status = duet_file_replace(path, text, strlen(text), error);
    free(text);
    return status;
}
