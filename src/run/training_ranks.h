/* SPDX-License-Identifier: MIT */
/* What a training does because it is one of several ranks. Alone, each of these does at once what is left of it. */
#ifndef DUET_SRC_RUN_TRAINING_RANKS_H
#define DUET_SRC_RUN_TRAINING_RANKS_H

#include "run/training.h"

/* All ranks come to each of these at the same point of the same step. Once one has returned an error that every rank
 * has, run->shared is true. */

/** Calls `work` on this rank (NULL: nothing) and waits until all ranks are done with theirs; `what` as in
 * duet_meeting. The work leaves the ranks alone. */
duet_status duet_training_meet(duet_training *run, const char *what, duet_status (*work)(duet_training *, duet_error *),
                               duet_error *error);
/** Gives all ranks the same end of something short that each has done by itself. */
duet_status duet_training_settle(duet_training *run, duet_status status, duet_error *error);
/** Gives every rank the text of rank 0: *text, which the caller frees, is replaced on the others. NULL stays NULL. */
duet_status duet_training_share_text(duet_training *run, char **text, duet_error *error);
/** Gives every rank what rank 0 says of why the training is to stop. */
duet_status duet_training_share_stop(duet_training *run, duet_error *error);

/** Refuses ranks of which one resumes and another begins. */
duet_status duet_training_check_resuming(duet_training *run, duet_error *error);
/** Refuses ranks that do not have rank 0's program, settings, batch, seed, totals and data. Model and device are there.
 */
duet_status duet_training_check_same(duet_training *run, duet_error *error);
/** Gives ranks whose device is rank 0's kind the tuning that it has, so that they add up in one order. */
duet_status duet_training_share_tuning(duet_training *run, duet_error *error);
/** Says which rank is where and on what device, and keeps it for run.json. */
duet_status duet_training_seat(duet_training *run, duet_error *error);

/** Gives the ranks the checkpoint that rank 0 has loaded. */
duet_status duet_training_share_checkpoint(duet_training *run, duet_error *error);
/** Waits for the device and sees that all ranks' parameters and states are the same bits; if not, rank 0's are given to
 *  all, which it says the first time. */
duet_status duet_training_make_alike(duet_training *run, duet_error *error);

/** Whether the training is to stop here: run->stop becomes what the stop flag of some rank is. Asked ahead of each
 *  step; the ranks look at each other's flags every few steps only, some 30 ms apart. */
duet_status duet_training_ask_stop(duet_training *run, duet_error *error);

#endif
