/* SPDX-License-Identifier: MIT */
/* What a training has lost, by the metrics that show it. One look may be of a bad moment: a training ends where two
 * looks running show a collapse. */
#include "metric/monitor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "device/device.h"
#include "model/advice.h"
#include "run/health.h"
#include "run/run.h"

/* By number the signs of a collapse, as a look has them; NaN: not measured. */
enum { ACTIVE_UNITS, HIGH_QUALITY, MODES, NEIGHBOUR_SPREAD, CLASSES, SIGNS };
static const char *const sign_names[SIGNS] = {"active-units", "high-quality", "modes", "neighbour-spread", "classes"};

typedef struct loss {
    const char *name;  /* how it begins in messages; NULL: nothing is lost */
    const char *words; /* and goes on */
    bool collapse;
    duet_advice advice[DUET_MOST_ADVICE]; /* of settings that the family takes */
} loss;

static const loss nothing = {NULL, NULL, false, {{NULL}}};
#define CALMER_GAME                                                                                                    \
    {                                                                                                                  \
        {"generator.lr=0", "a lower generator.lr"}, {"discriminator.spectral_norm=yes", NULL},                         \
        {                                                                                                              \
            "pack=2", NULL, "1"                                                                                        \
        }                                                                                                              \
    }
static const loss lost_latents = {"posterior-collapse",
                                  "no latent is active",
                                  true,
                                  {{"beta=0", "a smaller beta"}, {"warm_up=1", "warm_up over some epochs", "0"}}};
static const loss lost_modes = {"mode-drop",
                                "half of the modes or more get no sample",
                                true,
                                {{"preset=stable", NULL},
                                 {"generator.lr=0", "a lower generator.lr"},
                                 {"instance_noise=0.1", NULL, "0"},
                                 {"pack=2", NULL, "1"}}};
static const loss lost_samples = {"sample-collapse", "samples lie twenty times nearer to each other than examples do",
                                  true, CALMER_GAME};
static const loss lost_classes = {"mode-drop", "half of the classes or more get no sample", false, CALMER_GAME};
static const loss lost_most_classes = {"mode-drop", "four fifths of the classes or more get no sample", true,
                                       CALMER_GAME};
static const loss *const losses[] = {&lost_latents, &lost_modes, &lost_samples, &lost_classes, &lost_most_classes};

/* Missing modes count only once a quarter of the samples is good, which early in training they are not. Few classes are
 * a collapse of a game, `judges`: what other models draw while they learn is a blur that looks like one class. */
static const loss *find_loss(const double signs[SIGNS], double kinds, bool judges, double steps)
{
    if (steps < DUET_BEGINNING) return &nothing;
    if (signs[ACTIVE_UNITS] == 0) return &lost_latents;
    if (signs[HIGH_QUALITY] > 0.25 && signs[MODES] <= kinds / 2) return &lost_modes;
    if (signs[NEIGHBOUR_SPREAD] < 0.05) return &lost_samples;
    if (judges && signs[CLASSES] <= kinds / 5) return &lost_most_classes;
    return signs[CLASSES] <= kinds / 2 ? &lost_classes : &nothing;
}

static void take_signs(const duet_verdict *verdict, double signs[SIGNS])
{
    for (size_t sign = 0; sign < SIGNS; sign++) {
        signs[sign] = NAN;
        for (size_t i = 0; i < verdict->count; i++)
            if (strcmp(verdict->names[i], sign_names[sign]) == 0) signs[sign] = verdict->values[i];
    }
}

/* Whether the look before showed a collapse, also where the run has gone on since. */
static bool was_lost(const duet_monitor *monitor, double kinds, bool judges)
{
    if (monitor->looked || monitor->options.resume == NULL) return monitor->lost;
    json_t *report = duet_monitor_last_past(monitor->options.resume);
    double signs[SIGNS];
    for (size_t sign = 0; sign < SIGNS; sign++) {
        const json_t *value = json_object_get(report, sign_names[sign]);
        signs[sign] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    const double steps = json_number_value(json_object_get(report, "step"));
    json_decref(report);
    return find_loss(signs, kinds, judges, steps)->collapse;
}

static void describe(const loss *found, const duet_model *model, char *text, size_t size)
{
    duet_text advice = {0};
    duet_advice_add(&advice, model, found->advice);
    (void)duet_text_print(text, size, "%s: %s%s", found->name, found->words, duet_text_get(&advice));
    duet_text_free(&advice);
}

bool duet_monitor_loss_at(size_t index, const duet_model *model, char *text, size_t size)
{
    if (index >= sizeof losses / sizeof *losses) return false;
    describe(losses[index], model, text, size);
    return true;
}

void duet_monitor_judge_loss(duet_monitor *monitor, duet_run *run, duet_verdict *verdict)
{
    const double kinds = duet_metric_expect_classes(run);
    const bool judges = duet_run_features(run, DUET_LOGIT) > 0;
    double signs[SIGNS];
    take_signs(verdict, signs);
    const loss *found = find_loss(signs, kinds, judges, (double)run->from.steps);
    const bool again = was_lost(monitor, kinds, judges);
    char text[sizeof verdict->stop];
    monitor->looked = true;
    monitor->lost = found->collapse;
    if (found->name != NULL) {
        describe(found, duet_run_model(run), text, sizeof text);
        if (found->words != monitor->said) duet_device_say(duet_run_device(run), "warning: %s", text);
    }
    monitor->said = found->words;
    if (!monitor->options.stop_on_collapse || !found->collapse || !again) return;
    snprintf(verdict->stop, sizeof verdict->stop, "%s", text);
    verdict->collapsed = true;
}
