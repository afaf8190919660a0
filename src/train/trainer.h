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
    size_t batches;           /* whole ones in an epoch */
    uint64_t steps, reported; /* steps enqueued; those of them whose losses have been asked for */
};

/** Batches that the first `steps` steps draw; where no phase reads the data, one a step by convention. */
uint64_t duet_trainer_draws(const duet_trainer *trainer, uint64_t steps);
/** Epochs completed after `steps` steps. */
uint64_t duet_trainer_epochs_after(const duet_trainer *trainer, uint64_t steps);
/** The steps that complete `epochs` epochs. */
uint64_t duet_trainer_steps_for(const duet_trainer *trainer, uint64_t epochs);
/** How many steps losses may be left unread without the history forgetting some. */
uint64_t duet_trainer_history_steps(const duet_trainer *trainer);
/** DUET_ERROR_NUMERIC with step and term if a loss or a gradient was not finite. Waits for the steps enqueued. */
duet_status duet_trainer_check(duet_trainer *trainer, duet_error *error);
/** Goes on after `steps` steps, of which `reported` were reported: what a checkpoint says. */
void duet_trainer_continue(duet_trainer *trainer, uint64_t steps, uint64_t reported);

#endif
