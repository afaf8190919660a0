/* SPDX-License-Identifier: MIT */
/* What a tuning file keeps of its measurements, beside the choices that it comes to: nothing reads it but `duet tune`,
 * which would measure anew what it cannot read, without a word. */
#include <string.h>

#include "tune/tuning_file.h"

static const char *const record_keys[] = {"transpose", "m",      "n",    "k",          "convolution", "trials",
                                          "best",      "preset", "full", "incomplete", "seconds",     NULL};
static const char *const trial_keys[] = {"provider", "parameters", "set",    "verdict", "gflops",
                                         "words",    "seconds",    "preset", NULL};
static const char *const verdicts[] = {"right", "slow", "wrong", "refused", "crashed", "late", "failed", NULL};

static bool is_in(const char *const *list, const char *word)
{
    while (*list != NULL && strcmp(*list, word) != 0) list++;
    return *list != NULL;
}

static bool has_other_keys(const json_t *object, const char *const *known)
{
    const char *key;
    json_t *value;
    bool others = false;
    json_object_foreach((json_t *)object, key, value) others = others || !is_in(known, key);
    return others;
}

static const char *check_trial(const json_t *trial)
{
    const char *verdict = json_string_value(json_object_get(trial, "verdict"));
    duet_gemm_choice choice;
    if (has_other_keys(trial, trial_keys)) return "a trial has a key that is unknown";
    if (verdict == NULL || !is_in(verdicts, verdict)) return "the verdict of a trial is missing or unknown";
    return json_object_get(trial, "set") != NULL ? NULL : duet_choice_from_json(trial, &choice);
}

const char *duet_tuning_check_record(const json_t *record)
{
    const json_t *trials = json_object_get(record, "trials"), *preset = json_object_get(record, "preset"), *trial;
    duet_gemm_choice choice;
    size_t index;
    const char *fault = has_other_keys(record, record_keys) ? "a product has a key that is unknown" : NULL;
    if (fault == NULL && preset != NULL) fault = duet_choice_from_json(preset, &choice);
    if (fault == NULL && trials != NULL && !json_is_array(trials)) fault = "the trials of a product are no list";
    json_array_foreach(trials, index, trial)
    {
        if (fault == NULL) fault = check_trial(trial);
    }
    return fault;
}
