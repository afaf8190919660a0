/* SPDX-License-Identifier: MIT */
/* What changes with the steps beside the length of a training: a rate that has come to 0 leaves a group as it is,
 * whatever the steps that follow cost, and one that is still rising at the end has hardly been used. */
#include "train/trainer.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

/* Updates of a group in the first `steps` steps that `owner`'s moments count: those of the phase that has its own, or,
 * NULL, of all others. *gated: they are the most that there may be. */
static uint64_t count_updates(const duet_trainer *trainer, const duet_group *group, const duet_phase_description *owner,
                              uint64_t steps, bool *gated)
{
    uint64_t count = 0;
    for (size_t p = 0; p < trainer->schedule.phase_count; p++) {
        const duet_scheduled_phase *scheduled = &trainer->schedule.phases[p];
        const duet_phase_description *phase = scheduled->description;
        if (phase->has_optimiser || (phase->owns_moments ? phase : NULL) != owner) continue;
        for (size_t o = 0; o < phase->objective_count; o++)
            for (size_t g = 0; g < phase->objectives[o].group_count; g++) {
                if (phase->objectives[o].groups[g] != group) continue;
                count += duet_schedule_replays(scheduled, steps);
                *gated |= phase->objectives[o].gate != NULL;
            }
    }
    return count;
}

/* Adds where the group's rate comes to 0 before step `total`, if it does, and returns whether. */
static bool add_end(const duet_trainer *trainer, const duet_group *group, const duet_phase_description *owner,
                    uint64_t total, duet_text *words)
{
    const duet_optimiser optimiser = duet_model_optimiser(trainer->model, duet_group_name(group));
    const bool falls = optimiser.schedule == DUET_RATE_LINEAR || optimiser.schedule == DUET_RATE_COSINE;
    bool gated = false;
    const uint64_t all = count_updates(trainer, group, owner, total, &gated);
    if (!falls || optimiser.rate_final > 0 || all <= optimiser.rate_steps) return false;
    uint64_t low = 0, high = total;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (count_updates(trainer, group, owner, middle, &gated) < optimiser.rate_steps)
            low = middle + 1;
        else
            high = middle;
    }
    duet_text_add(words, "%sof %s after step %" PRIu64 "%s (%s.lr_steps=%" PRIu64 " is all of its updates)",
                  words->length > 0 ? ", " : "", duet_group_name(group), low, gated ? " unless its gate closes" : "",
                  duet_group_name(group), all);
    return true;
}

typedef bool add_group(const duet_trainer *trainer, const duet_group *group, const duet_phase_description *owner,
                       uint64_t total, duet_text *words);

/* By the group's own counter of updates, else by those of phases that have one. */
static void add_first(add_group *add, const duet_trainer *trainer, const duet_group *group, uint64_t total,
                      duet_text *words)
{
    if (add(trainer, group, NULL, total, words)) return;
    for (size_t p = 0; p < trainer->schedule.phase_count; p++) {
        const duet_phase_description *phase = trainer->schedule.phases[p].description;
        if (phase->owns_moments && add(trainer, group, phase, total, words)) return;
    }
}

/* Adds the group's warm-up if it has more updates than there are until step `total`. */
static bool add_warm_up(const duet_trainer *trainer, const duet_group *group, const duet_phase_description *owner,
                        uint64_t total, duet_text *words)
{
    const uint64_t asked = duet_model_optimiser(trainer->model, duet_group_name(group)).rate_warm_up;
    bool gated = false;
    const uint64_t all = count_updates(trainer, group, owner, total, &gated);
    if (all == 0 || all >= asked) return false;
    duet_text_add(words, "%slr_warm_up of %s (%" PRIu64 " of %" PRIu64 " updates)", words->length > 0 ? ", " : "",
                  duet_group_name(group), all, asked);
    return true;
}

/* Adds the group's schedule of rates if it is not through by step `total`: stairs, if not one of them is reached. */
static bool add_schedule(const duet_trainer *trainer, const duet_group *group, const duet_phase_description *owner,
                         uint64_t total, duet_text *words)
{
    const duet_optimiser it = duet_model_optimiser(trainer->model, duet_group_name(group));
    bool gated = false;
    const uint64_t all = count_updates(trainer, group, owner, total, &gated);
    const uint64_t reached = it.schedule == DUET_RATE_STEP && all > 0 ? all - 1 : all;
    if (it.schedule == DUET_RATE_CONSTANT || it.rate_final == 1 || all == 0 || reached >= it.rate_steps) return false;
    duet_text_add(words, "%slr_steps of %s (%" PRIu64 " of %" PRIu64 " updates)", words->length > 0 ? ", " : "",
                  duet_group_name(group), all, it.rate_steps);
    return true;
}

static void add_steps(const char *what, double asked, uint64_t total, duet_text *words)
{
    if (asked > (double)total)
        duet_text_add(words, "%s%s (%" PRIu64 " of %.9g steps)", words->length > 0 ? ", " : "", what, total, asked);
}

static void tell_of_unfinished(const duet_trainer *trainer, uint64_t total)
{
    duet_text words = {0};
    const duet_group *group;
    for (size_t i = 0; (group = duet_store_group_at(trainer->model->store, i)) != NULL; i++)
        add_first(add_warm_up, trainer, group, total, &words);
    for (size_t i = 0; (group = duet_store_group_at(trainer->model->store, i)) != NULL; i++)
        add_first(add_schedule, trainer, group, total, &words);
    add_steps("warm_up", trainer->build->warm_up, total, &words);
    add_steps("instance_noise_steps", trainer->build->fading, total, &words);
    if (words.length > 0 && !words.failed)
        duet_device_say(trainer->device,
                        "warning: the training ends at step %" PRIu64
                        ", before what was to have come to its end by then: %s: ask for fewer, or train for longer",
                        total, duet_text_get(&words));
    duet_text_free(&words);
}

static void tell_of_ends(const duet_trainer *trainer, uint64_t total)
{
    duet_text words = {0};
    const duet_group *group;
    for (size_t i = 0; (group = duet_store_group_at(trainer->model->store, i)) != NULL; i++)
        add_first(add_end, trainer, group, total, &words);
    if (words.length > 0 && !words.failed)
        duet_device_say(trainer->device,
                        "warning: learning rates come to 0 before the training's end at step %" PRIu64
                        ", and nothing is learnt from there on (lr_final above 0, such as 0.1, leaves some): %s",
                        total, duet_text_get(&words));
    duet_text_free(&words);
}

void duet_trainer_tell_of_rates(const duet_trainer *trainer, uint64_t total)
{
    tell_of_ends(trainer, total);
    tell_of_unfinished(trainer, total);
}
