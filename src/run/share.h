/* SPDX-License-Identifier: MIT */
/* A run that several ranks share, as the one that asks sees it: rank 0. */
#ifndef DUET_SRC_RUN_SHARE_H
#define DUET_SRC_RUN_SHARE_H

#include "run/run.h"

/** duet_evaluator_use, by all ranks that share the run where there are any and the request has batches for them. */
duet_status duet_share_answer(duet_run *run, const duet_request *request, duet_error *error);
/** Sees to it that the others have the run open. */
duet_status duet_share_open(duet_run *run, duet_error *error);
/** The others close the run, if they have opened it. */
void duet_share_end(duet_run *run);

/** What rank 0 does of something, while each of the others does its own part. */
typedef struct duet_own_part {
    duet_run *run;
    const char *what;         /* as in duet_meeting */
    const volatile int *stop; /* NULL: nobody stops it */
    volatile int halt;        /* `work` ends soon once it is not 0 */
    duet_status (*work)(void *context, duet_error *error);
    void *context;
    duet_error error; /* what failed this part, not another's */
} duet_own_part;

/** Returns when all have done their parts. What failed this one too it says in its own words. */
duet_status duet_share_work(duet_own_part *part, duet_error *error);

#endif
