/* SPDX-License-Identifier: MIT */
/* Work that takes each rank as long as it takes: preparing a training, an epoch's pictures. Whoever is done waits for
 * the others, and whoever is not says a few times a second that it lives. So such a wait is never too long, and a rank
 * that is gone is missed as soon as in a step. */
#ifndef DUET_SRC_RUN_MEETING_H
#define DUET_SRC_RUN_MEETING_H

#include "duet/ranks.h"

typedef struct duet_meeting {
    const char *what;      /* that ranks are busy with, such as "preparing its first step" */
    duet_log_function log; /* hears once a minute whom this rank waits for; NULL: nobody */
    void *log_context;
    const volatile int *stop; /* NULL: none */
    volatile int *halt; /* the work ends soon where this is not 0, which it becomes once `stop` is not or another rank
                           has failed; NULL: it does not look. Work that ended for another's sake counts as done */
} duet_meeting;

/** Calls `work` (NULL: this rank has nothing to do) and returns when all ranks are done with theirs. `work` must leave
 *  the ranks alone: signs of life go through them meanwhile, from a thread. If some rank's work failed, all return the
 *  error of the first, and *shared is true; an error with *shared false is this rank's alone. */
duet_status duet_meet(duet_ranks *ranks, const duet_meeting *meeting,
                      duet_status (*work)(void *context, duet_error *error), void *context, bool *shared,
                      duet_error *error);

#endif
