/* SPDX-License-Identifier: MIT */
/* What is tried for a product, by what is known already: what was late by this limit, is unfit, or was far behind on a
 * larger product of the kind is left out. */
#include "tune/tune_child.h"

#include <math.h>
#include <string.h>

#include "base/json.h"

enum { QUICK_CANDIDATES = 8 };

static const double hopeless_share = 0.5; /* of the preset's speed on a larger product */

json_t *duet_tune_trial_of(const duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *choice)
{
    json_t *trial = duet_product_to_json(shape);
    const duet_gemm_choice preset = {choice->provider, choice->provider->preset(it->device, shape)};
    duet_json_join(&trial, duet_choice_to_json(choice));
    duet_json_set(&trial, "whole", json_boolean(duet_gemm_same_choice(choice, &preset)));
    return trial;
}

const json_t *duet_tune_known(const duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *choice)
{
    json_t *trial = duet_tune_trial_of(it, shape, choice);
    const json_t *known = duet_tune_trial(duet_tune_record(it->document, trial), trial);
    json_decref(trial);
    return known;
}

double duet_tune_speed(const duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *choice)
{
    const json_t *known = duet_tune_known(it, shape, choice);
    return duet_tune_is(known, "right") ? json_number_value(json_object_get(known, "gflops")) : NAN;
}

/** Whether a provider's preset was seen to be far behind on a product of the same kind that was tuned before. */
static bool is_hopeless(const duet_tune_child *it, const duet_gemm_provider *provider, const duet_gemm_shape *wanted)
{
    const json_t *shape;
    size_t index;
    bool hopeless = false;
    json_array_foreach(it->shapes, index, shape)
    {
        const json_t *record = duet_tune_record(it->document, shape), *preset = json_object_get(record, "preset");
        duet_gemm_shape read;
        if (preset == NULL || duet_product_from_json(shape, &read) != NULL) continue;
        if (read.convolution.use != wanted->convolution.use || !duet_gemm_fits(provider, it->device, &read)) continue;
        const duet_gemm_choice choice = {provider, provider->preset(it->device, &read)};
        const json_t *known = duet_tune_known(it, &read, &choice);
        if (known == NULL || duet_tune_is(known, duet_verdict_failed)) continue;
        if (duet_tune_is(known, duet_verdict_late) && !duet_tune_is_late(known, duet_tune_seconds(it->options)))
            continue;
        const double best = json_number_value(json_object_get(preset, "gflops"));
        hopeless = hopeless || !(duet_tune_speed(it, &read, &choice) >= hopeless_share * best);
    }
    return hopeless;
}

static bool was_late(const duet_tune_child *it, const duet_gemm_choice *choice)
{
    json_t *trial = duet_choice_to_json(choice);
    const bool late = duet_tune_was_late(it->document, trial, duet_tune_seconds(it->options));
    json_decref(trial);
    return late;
}

static void add(duet_tune_child *it, duet_tune_candidates *list, const duet_gemm_choice *choice)
{
    const bool fits = !duet_tuning_is_unfit(duet_device_tuning(it->device), choice),
               late = fits && was_late(it, choice);
    bool is_new = list->count < DUET_TUNE_CANDIDATES && fits && !late;
    list->lacks_late = list->lacks_late || late;
    for (size_t i = 0; is_new && i < list->count; i++) is_new = !duet_gemm_same_choice(&list->items[i], choice);
    if (is_new) list->items[list->count++] = *choice;
}

static void add_variants(duet_tune_child *it, duet_tune_candidates *list, const duet_gemm_provider *provider,
                         const duet_gemm_shape *shape, size_t most)
{
    duet_gemm_choice choice = {.provider = provider};
    for (size_t i = 0; provider->candidate != NULL && i < most; i++) {
        if (!provider->candidate(it->device, shape, i, &choice.parameters)) return;
        add(it, list, &choice);
    }
}

void duet_tune_list(duet_tune_child *it, const duet_gemm_choice *preset, const duet_gemm_shape *shape,
                    duet_tune_candidates *list)
{
    static const double small_product = 1e6;
    const bool full = it->options->full;
    const duet_gemm_provider *provider;
    *list = (duet_tune_candidates){.count = 0};
    add_variants(it, list, preset->provider, shape, full ? DUET_TUNE_CANDIDATES : QUICK_CANDIDATES);
    for (size_t i = 0; (provider = duet_gemm_provider_at(i)) != NULL; i++) {
        const bool plain =
            provider == duet_gemm_provider_find("plain") || provider == duet_gemm_provider_find("conv-plain");
        if (provider == preset->provider || !duet_gemm_fits(provider, it->device, shape)) continue;
        if (plain ? duet_gemm_flops(shape) > small_product : !full && is_hopeless(it, provider, shape)) continue;
        const duet_gemm_choice choice = {provider, provider->preset(it->device, shape)};
        add(it, list, &choice);
        if (full && !is_hopeless(it, provider, shape)) add_variants(it, list, provider, shape, QUICK_CANDIDATES);
    }
}
