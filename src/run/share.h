/* SPDX-License-Identifier: MIT */
/* A run whose requests several ranks share, as the one that asks sees it: rank 0. */
#ifndef DUET_SRC_RUN_SHARE_H
#define DUET_SRC_RUN_SHARE_H

#include "run/run.h"

/** duet_evaluator_use, by all ranks that share the run where there are any and the request has batches for them. */
duet_status duet_share_answer(duet_run *run, const duet_request *request, duet_error *error);
/** The others close the run, if they have opened it. */
void duet_share_end(duet_run *run);

#endif
