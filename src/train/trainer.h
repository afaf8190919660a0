/* SPDX-License-Identifier: MIT */
/* The trainer's insides: the procedure "train" as a schedule, and how its steps make up epochs. */
#ifndef DUET_SRC_TRAIN_TRAINER_H
#define DUET_SRC_TRAIN_TRAINER_H

#include "duet/train.h"
#include "train/schedule.h"

struct duet_trainer {
    duet_device *device;
    duet_model *model;
    duet_build *build;
    duet_schedule schedule;
    size_t batch;
    size_t batches;           /* whole batches in an epoch */
    uint64_t steps, reported; /* steps enqueued; how many of them had their losses told */
    uint64_t added;           /* how many of them are in `sums`, whose losses are to be told next */
    bool torn;                /* a step was begun and not ended, so that parameters are of none */
    double *sums;             /* of each term, and how many replays they are of */
    uint64_t *counts;
};

/** duet_trainer_new without what ranks exchange in it, for ranks that have something else to say meanwhile. */
duet_status duet_trainer_plan_here(duet_trainer **trainer, duet_device *device, duet_model *model, size_t batch,
                                   duet_error *error);
/** Refuses trainers of ranks whose plans ask for other sums: DUET_ERROR_USAGE, on all of them. */
duet_status duet_trainer_compare(const duet_trainer *trainer, duet_error *error);

/** Warns of parameters that an output reads and no loss moves, though their group is minimised. */
duet_status duet_trainer_tell_of_unreached(const duet_trainer *trainer, duet_error *error);

/** Batches that the first `steps` steps draw. If no phase reads the data, one a step, so that epochs still end. */
uint64_t duet_trainer_draws(const duet_trainer *trainer, uint64_t steps);
/** Epochs completed after `steps` steps. */
uint64_t duet_trainer_epochs_after(const duet_trainer *trainer, uint64_t steps);
/** The smallest number of steps that completes `epochs` epochs. */
uint64_t duet_trainer_steps_for(const duet_trainer *trainer, uint64_t epochs);
/** How many steps the device remembers the losses of: the host need not read them more often. */
uint64_t duet_trainer_history_steps(const duet_trainer *trainer);
/** Warns of groups whose rates come to 0 before step `total`, the training's last, and of warm-ups and fading noise
 * that have not come to their end by then. */
void duet_trainer_tell_of_rates(const duet_trainer *trainer, uint64_t total);
/** DUET_ERROR_NUMERIC with step and term if a loss or a gradient was not finite. Waits for the steps enqueued. */
duet_status duet_trainer_check(duet_trainer *trainer, duet_error *error);
/** Waits until the examples of the next step can be had, or its first three batches (*ready), so long at most. */
duet_status duet_trainer_wait(duet_trainer *trainer, double seconds, bool *ready, duet_error *error);
/** Where another trainer of the model did its last step: goes on with the steps that the store counts by now. What that
 * trainer has still to tell of its losses is taken in first, before they are written over. Waits for the steps. */
duet_status duet_trainer_take_turn(duet_trainer *trainer, duet_error *error);
/** Sets the counts that a checkpoint restores: steps done, and how many of them had their losses read. From now on the
 * store's counts are this trainer's. */
void duet_trainer_continue(duet_trainer *trainer, uint64_t steps, uint64_t reported);

#endif
