/* SPDX-License-Identifier: MIT */
/* Rules of health: a row each, about terms that families report under the same names (d_loss, g_loss, accuracy, kl) and
 * mean the same by. They look at means over a report's steps, so that a single odd step breaks no rule. */
#include "run/health.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/data.h"
#include "graph/variable.h"
#include "model/advice.h"
#include "model/multiple.h"

/* A model and the report of its training that is looked at. */
typedef struct patient {
    const duet_model *model;
    const duet_build *build;
    const duet_progress *report;
} patient;

static bool gives(const patient *it, const char *output)
{
    return duet_build_output(it->build, output) != NULL;
}

static bool has_discriminator(const patient *it)
{
    const duet_group *group;
    for (size_t i = 0; (group = duet_store_group_at(it->model->store, i)) != NULL; i++)
        if (strcmp(duet_group_name(group), "discriminator") == 0) return true;
    return false;
}

/* Whether a term is what the rules take it for. A classifier has an accuracy too, and a model of a program's own calls
 * its terms what it likes: what it trains and gives says what they are of. */
static bool is_meant(const patient *it, const char *name)
{
    if (strcmp(name, "kl") == 0) return gives(it, DUET_KL);
    if (strcmp(name, "accuracy") == 0 && gives(it, DUET_CLASS_LOGITS)) return false;
    return has_discriminator(it);
}

/* NaN if there is no such term: every comparison with it is false, so no rule breaks. */
static double mean_of(const patient *it, const char *name)
{
    for (size_t i = 0; i < it->report->terms; i++)
        if (strcmp(it->report->names[i], name) == 0) return it->report->means[i];
    return NAN;
}

/* The same of what the rules take for a family's own. */
static double term(const patient *it, const char *name)
{
    return is_meant(it, name) ? mean_of(it, name) : NAN;
}

static bool setting_is(const patient *it, const char *key, const char *value)
{
    const char *text = duet_model_setting_text(it->model, key);
    return text != NULL && strcmp(text, value) == 0;
}

/* The same, or the family has no such setting. */
static bool is_usual(const patient *it, const char *key, const char *value)
{
    return duet_model_setting_text(it->model, key) == NULL || setting_is(it, key, value);
}

/* Whether D's loss is a cross-entropy, which is never below 0 while targets lie in [0, 1]. */
static bool is_cross_entropy(const patient *it)
{
    return setting_is(it, "loss", "non-saturating") || setting_is(it, "loss", "minimax");
}

static bool is_below_zero(const patient *it)
{
    return is_cross_entropy(it) && term(it, "d_loss") < 0;
}

/* Whether nothing but a penalty around real examples holds a critic; otherwise its loss is as large as examples are far
 * from each other. */
static bool is_held_badly(const patient *it)
{
    const bool around_real = setting_is(it, "penalty", "r1") || setting_is(it, "penalty", "dragan");
    return setting_is(it, "loss", "wasserstein") && around_real && is_usual(it, "discriminator.spectral_norm", "no") &&
           is_usual(it, "discriminator.clip_weights", "0");
}

/* The divergences of f-GAN, and such a critic, have no bound; a hundred nats are far beyond any that two sets of
 * samples show. */
static bool falls_and_falls(const patient *it)
{
    const bool diverges = setting_is(it, "loss", "f-kl") || setting_is(it, "loss", "f-reverse-kl");
    return (diverges || is_held_badly(it)) && term(it, "d_loss") < -100;
}

/* If both losses are of the same state, then by Jensen's inequality the mean of -log D over generated examples is at
 * least -log(1 - e^-L). Here L is D's whole loss, which is at least its mean loss on them. G's loss is taken after D's
 * update, which tends to raise it. A third of the bound is left for what differs between batches. */
static bool breaks_the_bound(const patient *it)
{
    double d_loss = term(it, "d_loss"), g_loss = term(it, "g_loss");
    if (!setting_is(it, "loss", "non-saturating") || !is_usual(it, "label_noise", "0") ||
        !is_usual(it, "fake_smoothing", "0") || !is_usual(it, "g_steps", "1"))
        return false;
    return d_loss > 0 && g_loss < 0.67 * -log1p(-exp(-d_loss)) - 0.05;
}

/* The report's term that the training minimises, itself or a multiple of it, and what is minimised of it. NULL: none
 * is reported. */
static const char *find_minimised(const patient *it, const duet_phase_description *phase, double *minimised)
{
    for (size_t o = 0; o < phase->objective_count; o++) {
        duet_multiple of = {1, 0};
        for (duet_node node = phase->objectives[o].loss; node != NULL; node = duet_multiple_step(node, &of))
            for (size_t r = 0; r < phase->report_count; r++)
                if (phase->reports[r].value == node) {
                    *minimised = of.factor * mean_of(it, phase->reports[r].name) + of.term;
                    return phase->reports[r].name;
                }
    }
    return NULL;
}

/* Beyond what a sum over a batch of log-likelihoods comes to, at deviations that float32 still tells from 0, and a
 * critic as steep as 1. */
static double lowest_sound(const patient *it)
{
    const duet_data_info *info = duet_data_describe(it->model->data);
    const double range = fmax(fabs((double)info->low[0]), fabs((double)info->high[0]));
    const double numbers = (double)duet_shape_elements(info->shape) * (double)it->build->batch_size;
    return -30 * numbers * fmax(1, isfinite(range) ? range : 1);
}

static const char *find_bottomless(const patient *it)
{
    const duet_procedure_description *train = &it->build->procedures[0];
    double minimised = 0;
    for (size_t i = 0; i < train->phase_count; i++) {
        const char *name = find_minimised(it, &train->phases[i], &minimised);
        if (name != NULL && minimised < lowest_sound(it)) return name;
    }
    return NULL;
}

static bool is_bottomless(const patient *it)
{
    return find_bottomless(it) != NULL;
}

static bool has_begun(const patient *it)
{
    return it->report->epoch >= 1 && it->report->step >= DUET_BEGINNING;
}

static bool wins(const patient *it)
{
    return is_cross_entropy(it) && has_begun(it) && term(it, "accuracy") > 0.995 && term(it, "d_loss") < 0.02;
}

static bool loses(const patient *it)
{
    return has_begun(it) && term(it, "accuracy") < 0.1;
}

/* Of a posterior that says nothing a mean over a report's examples may be a little below 0 by chance. */
static bool is_no_divergence(const patient *it)
{
    return term(it, "kl") < -1;
}

static bool says_nothing(const patient *it)
{
    return has_begun(it) && term(it, "kl") < 0.05;
}

/* For want of anything that its likelihood does not take for noise. */
static bool says_nothing_of_noise(const patient *it)
{
    return it->build->faint && says_nothing(it);
}

static const struct {
    const char *name;
    bool (*broken)(const patient *it);
    bool collapse;
    const char *term, *words;             /* NULL: the term that is minimised */
    duet_advice advice[DUET_MOST_ADVICE]; /* of settings that the family takes */
} rules[] = {
    {"loss-below-zero",
     is_below_zero,
     false,
     "d_loss",
     "the discriminator's loss is below 0, which a cross-entropy cannot be unless noise takes labels past 1, where it "
     "has no lower bound",
     {{"label_noise=0", NULL}, {"label_smoothing=0.5", "label_smoothing at least as large"}}},
    {"loss-without-bound",
     falls_and_falls,
     false,
     "d_loss",
     "the discriminator's loss falls without a bound, since it tells all examples apart",
     {{"penalty=gradient", NULL, "r1"},
      {"penalty=gradient", NULL, "dragan"},
      {"instance_noise=0.1", NULL, "0"},
      {"discriminator.spectral_norm=yes", NULL}}},
    {"loss-without-bound",
     is_bottomless,
     false,
     NULL,
     "what is minimised falls without a bound: the sign of a loss or of one of its terms is turned, or nothing holds "
     "it",
     {{NULL}}},
    {"loss-bound",
     breaks_the_bound,
     false,
     "g_loss",
     "the generator's loss is smaller than the discriminator's loss of the same state allows: one of the two is not "
     "what its name says",
     {{NULL}}},
    {"discriminator-wins",
     wins,
     true,
     "d_loss",
     "the discriminator tells every example apart, and the generator learns next to nothing",
     {{"discriminator.lr=0", "a lower discriminator.lr"},
      {"label_smoothing=0.1", NULL, "0"},
      {"instance_noise=0.1", NULL, "0"},
      {"discriminator.spectral_norm=yes", NULL}}},
    {"discriminator-loses",
     loses,
     true,
     "accuracy",
     "the discriminator takes nearly every example for the other kind",
     {{"discriminator.lr=100", "a higher discriminator.lr"}, {"k=2", NULL, "1"}}},
    {"kl-below-zero",
     is_no_divergence,
     false,
     "kl",
     "the KL term is below 0, which a divergence cannot be, and falls without a bound where it is minimised: its "
     "formula "
     "or its sign is wrong",
     {{NULL}}},
    {"posterior-collapse",
     says_nothing_of_noise,
     true,
     "kl",
     "the posterior says nearly nothing of the example: all its numbers together vary less than the sigma of p(x given "
     "z), which takes them for noise; numbers scaled to a deviation of about 1 may help",
     {{NULL}}},
    {"posterior-collapse",
     says_nothing,
     true,
     "kl",
     "the posterior says nearly nothing of the example, and the decoder draws the same for all",
     {{"beta=0", "a smaller beta"}, {"warm_up=1", "warm_up over some epochs", "0"}}},
};

duet_finding duet_health_find(const duet_model *model, const duet_build *build, const duet_progress *report)
{
    const patient it = {model, build, report};
    duet_finding finding = {0};
    for (size_t i = 0; i < sizeof rules / sizeof *rules && finding.name == NULL; i++) {
        if (!rules[i].broken(&it)) continue;
        duet_text advice = {0};
        const char *name = rules[i].term != NULL ? rules[i].term : find_bottomless(&it);
        duet_advice_add(&advice, model, rules[i].advice);
        finding.name = rules[i].name;
        finding.collapse = rules[i].collapse;
        (void)duet_text_print(finding.words, sizeof finding.words, "%s%s (%s %.4g at step %llu)", rules[i].words,
                              duet_text_get(&advice), name, mean_of(&it, name), (unsigned long long)report->step);
        duet_text_free(&advice);
    }
    return finding;
}
