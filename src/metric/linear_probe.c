/* SPDX-License-Identifier: MIT */
/* Whether a linear classifier reads classes from codes: fitted to codes of 5,000 training examples, tested on those of
 * 2,000 of the split (Alain & Bengio 2016, arXiv:1610.01644). Raw pixels score well too: compare with them, and with an
 * untrained encoder. Wilson's interval, over the examples tested: the probe counts as given. */
#include <stdlib.h>

#include "metric/metric.h"
#include "metric/probe.h"

enum { FITTED = 5000, TESTED = 2000, MOST_LATENTS = 1024 };

static bool encodes(duet_run *run)
{
    size_t width = duet_run_features(run, DUET_LATENT);
    return width > 0 && width <= MOST_LATENTS;
}

static bool applies(duet_run *run)
{
    return duet_metric_why_no_classes(run) == NULL && encodes(run);
}

static const char *refusal(duet_run *run)
{
    return encodes(run) ? duet_metric_why_no_classes(run) : NULL;
}

/* One training example a class is the least that can name it. */
static duet_status enough(duet_run *run, duet_split split, duet_error *error)
{
    DUET_TRY(duet_metric_enough_labels(run, "linear-probe", error));
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    size_t least = split == DUET_TRAIN ? 2 * info->classes : info->classes;
    if (info->count[DUET_TRAIN] >= least) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA, "linear-probe of %zu classes needs %zu training examples; %s has %zu",
                     info->classes, least, info->name, info->count[DUET_TRAIN]);
}

/* Codes to fit to, then codes to test on. */
typedef struct codes {
    size_t places[FITTED + TESTED];
    uint8_t labels[FITTED + TESTED];
    size_t fitted, tested, width;
    float *values;
} codes;

/* On the training split, of every seven examples five are fitted to and two tested on. */
static void choose_within(codes *it, size_t total)
{
    size_t all = total < FITTED + TESTED ? total : FITTED + TESTED, places[FITTED + TESTED];
    duet_metric_places(total, all, places);
    for (size_t i = 0; i < all; i++)
        if (i % 7 < 5) it->places[it->fitted++] = places[i];
    for (size_t i = 0; i < all; i++)
        if (i % 7 >= 5) it->places[it->fitted + it->tested++] = places[i];
}

static void choose(codes *it, const duet_metric_task *task)
{
    size_t n = duet_metric_examples(task), total = duet_data_describe(duet_run_data(task->run))->count[DUET_TRAIN];
    if (task->split == DUET_TRAIN) {
        choose_within(it, total);
        return;
    }
    it->fitted = total < FITTED ? total : FITTED;
    it->tested = n < TESTED ? n : TESTED;
    duet_metric_places(total, it->fitted, it->places);
    duet_metric_places(n, it->tested, it->places + it->fitted);
}

static duet_status probe(codes *it, duet_metric_task *task, duet_error *error)
{
    const size_t classes = duet_data_describe(duet_run_data(task->run))->classes;
    size_t hits;
    it->values = malloc((it->fitted + it->tested) * it->width * sizeof *it->values);
    if (it->values == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %d codes", FITTED);
    float *tested = it->values + it->fitted * it->width;
    DUET_TRY(duet_metric_ask(task, DUET_TRAIN, it->places, it->fitted, DUET_LATENT, it->values, it->labels, error));
    DUET_TRY(duet_metric_ask(task, task->split, it->places + it->fitted, it->tested, DUET_LATENT, tested,
                             it->labels + it->fitted, error));
    const duet_probe_set fit = {it->values, it->labels, it->fitted};
    const duet_probe_set test = {tested, it->labels + it->fitted, it->tested};
    DUET_TRY(duet_probe(&fit, &test, it->width, classes, &hits, error));
    duet_metric_add_share(task, "linear-probe", hits, it->tested);
    return DUET_OK;
}

static duet_status finish(duet_metric_task *task, duet_error *error)
{
    codes *it = calloc(1, sizeof *it);
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for codes");
    it->width = duet_run_features(task->run, DUET_LATENT);
    choose(it, task);
    duet_metric_tell_of_codes(task);
    duet_status status = duet_metric_tell_of_labels(task, true, error);
    if (status == DUET_OK) status = probe(it, task, error);
    free(it->values);
    free(it);
    return status;
}

static const duet_metric_measure measures[] = {
    {"linear-probe", NULL, DUET_LARGER, DUET_OF_LATENTS, 2},
    {NULL},
};

const duet_metric duet_metric_linear_probe = {
    .row =
        {"linear-probe", "share",
         "examples, at most 2,000, whose class softmax regression reads from their codes, fitted to those of at most "
         "5,000 training examples; for models that encode in at most 1,024 numbers, on data with labels",
         .measures = measures},
    .applies = applies,
    .finish = finish,
    .better = duet_metric_better_of_codes,
    .enough = enough,
    .refusal = refusal,
};
