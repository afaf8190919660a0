/* SPDX-License-Identifier: MIT */
/* What the terms of a report say about a training's health. */
#ifndef DUET_SRC_RUN_HEALTH_H
#define DUET_SRC_RUN_HEALTH_H

#include "duet/run.h"
#include "model/model.h"

/** Steps of a training before which nothing is called a collapse: of few examples an epoch is over before anything is
 *  learnt, and what has not begun has not broken down. An epoch of 60,000 at 128 a step has 468. */
enum { DUET_BEGINNING = 400 };

/** A rule that a report breaks. */
typedef struct duet_finding {
    const char *name; /* in metrics.jsonl; a static string; NULL: the report breaks no rule */
    bool collapse;    /* nothing more is learnt, so stop_on_collapse ends the training */
    char words[400];  /* what was found, and the settings that may help */
} duet_finding;

/** The first rule that the report of the model's training, `build`, breaks. A rule looks at one report alone, so that a
 *  resumed training finds the same as one that was never interrupted. */
duet_finding duet_health_find(const duet_model *model, const duet_build *build, const duet_progress *report);

#endif
