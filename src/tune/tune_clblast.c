/* SPDX-License-Identifier: MIT */
/* Tuning CLBlast's own parameters. They belong to a device and a process, so each set replaces the one before, and the
 * speed that CLBlast has by itself is measured first. */
#include "tune/tune_child.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"

enum { LATE_SETS = 3 };

static const double clblast_seconds = 0.3;
static const double clblast_gain = 1.1; /* sets cannot take turns: each needs programs of its own */

static json_t *set_trial(const duet_tune_child *it, size_t kernel, json_t *set)
{
    return json_pack("{s:s, s:o, s:f}", "kernel", duet_clblast_kernel_at(kernel)->name, "set", set, "seconds",
                     duet_tune_seconds(it->options));
}

/** `set` counts from 1; 0 is what CLBlast takes by itself, measured before any other in a process. */
static duet_status try_set(duet_tune_child *it, size_t kernel, size_t set, duet_error *error)
{
    const size_t extent = duet_clblast_kernel_at(kernel)->extent;
    const duet_gemm_shape cube = {.m = extent, .n = extent, .k = extent};
    const duet_gemm_choice choice = {.provider = duet_gemm_provider_find("clblast")};
    json_t *trial = set_trial(it, kernel, set == 0 ? json_object() : duet_clblast_set_to_json(kernel, set - 1));
    duet_gemm_trial measured = {.error = NAN};
    duet_error fault = {0};
    bool begins = false;
    DUET_TRY(duet_tune_begin(it, trial, &begins, error));
    if (!begins) return DUET_OK;
    duet_status status = DUET_OK;
    if (set > 0) status = duet_clblast_override(it->device, kernel, set - 1, &fault);
    if (status == DUET_OK) status = duet_gemm_try(it->device, &choice, &cube, clblast_seconds, &measured, &fault);
    return duet_tune_judge(it, trial, &measured, &cube, status, &fault, error);
}

/** The set of the fastest right trial, if it is faster than CLBlast's own by more than the noise. */
static json_t *fastest_set(const json_t *record)
{
    double own = 0, fastest = 0;
    const json_t *trial;
    json_t *best = NULL;
    size_t index;
    json_array_foreach(json_object_get(record, "trials"), index, trial)
    {
        json_t *set = json_object_get(trial, "set");
        const double speed = json_number_value(json_object_get(trial, "gflops"));
        if (!duet_tune_is(trial, "right")) continue;
        if (json_object_size(set) == 0) own = speed;
        if (speed <= fastest) continue;
        fastest = speed;
        best = set;
    }
    return best != NULL && fastest > clblast_gain * own ? json_incref(best) : json_object();
}

/** Whether the last sets all took too long: a driver that compiles that slowly will not be faster with the next. */
static bool is_tiring(const json_t *record, double seconds)
{
    const json_t *trials = json_object_get(record, "trials");
    const size_t count = json_array_size(trials);
    bool tiring = count >= LATE_SETS;
    for (size_t i = 1; tiring && i <= LATE_SETS; i++)
        tiring = duet_tune_is_late(json_array_get(trials, count - i), seconds);
    return tiring;
}

static bool lacks_late(const json_t *record)
{
    const json_t *trials = json_object_get(record, "trials"), *trial;
    size_t index;
    bool lacks = false;
    json_array_foreach(trials, index, trial) lacks = lacks || duet_tune_is(trial, duet_verdict_late);
    return lacks;
}

/** The set that a kernel is used with from here on. */
static duet_status tell_best(duet_tune_child *it, size_t kernel, const json_t *record, duet_error *error)
{
    json_t *told = set_trial(it, kernel, fastest_set(record));
    duet_json_set(&told, "full", json_true()); /* all that fit were tried */
    if (!lacks_late(record)) (void)json_object_del(told, "seconds");
    return duet_tune_tell(it, "best", told, error);
}

duet_status duet_tune_clblast(duet_tune_child *it, bool *restart, duet_error *error)
{
    const double seconds = duet_tune_seconds(it->options);
    for (size_t kernel = 0; kernel < DUET_CLBLAST_KERNELS && !*restart; kernel++) {
        const char *name = duet_clblast_kernel_at(kernel)->name;
        const json_t *records = json_object_get(it->document, "clblast");
        if (duet_tune_is_done(json_object_get(records, name), it->options)) continue;
        for (size_t set = 0; set <= duet_clblast_kernel_at(kernel)->set_count; set++)
            if (!is_tiring(json_object_get(records, name), seconds) &&
                (set == 0 || duet_clblast_set_fits(it->device, kernel, set - 1)))
                DUET_TRY(try_set(it, kernel, set, error));
        DUET_TRY(tell_best(it, kernel, json_object_get(records, name), error));
        *restart = true;
    }
    return *restart ? duet_tune_send(it, "restart", json_true(), error) : DUET_OK;
}
