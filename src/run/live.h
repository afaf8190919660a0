/* SPDX-License-Identifier: MIT */
/* A training under way as a run that watchers can use. */
#ifndef DUET_SRC_RUN_LIVE_H
#define DUET_SRC_RUN_LIVE_H

#include "train/evaluator.h"

/** A run whose parts are all borrowed and must outlive it; duet_run_close frees the handle alone. */
duet_status duet_run_new_live(duet_run **run, duet_device *device, duet_data *data, duet_model *model,
                              duet_evaluator *evaluator, duet_error *error);

#endif
