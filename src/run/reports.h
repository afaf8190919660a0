/* SPDX-License-Identifier: MIT */
/* Whether the reports beside a checkpoint are those that it counts on: asked by a training that goes on, and by all
 * that shows losses or how long a step took. */
#ifndef DUET_SRC_RUN_REPORTS_H
#define DUET_SRC_RUN_REPORTS_H

#include <jansson.h>
#include <stdbool.h>

#include "duet/base.h"

/** Whether reports that end at step `told` end before the step up to which the checkpoint counts on some: `words` then
 *  says so. */
bool duet_reports_fall_short(uint64_t counted, uint64_t told, char *words, size_t size);
/** Whether `last`, the last report of a training (NULL: there is none), lacks one of the terms that a run has, or is of
 *  another epoch than `due` (NAN: not known), as one of another run: `words` then says so. One of the same model, data
 *  and batch cannot be told from the run's own. */
bool duet_reports_differ(const json_t *last, const char *const *terms, size_t count, double due, char *words,
                         size_t size);

#endif
