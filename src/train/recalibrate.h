/* SPDX-License-Identifier: MIT */
/* Batch norm under averaged weights: the running statistics belong to the weights that were trained, not to their
 * average, so they are taken anew. */
#ifndef DUET_SRC_TRAIN_RECALIBRATE_H
#define DUET_SRC_TRAIN_RECALIBRATE_H

#include "model/model.h"

/** Gives each group that keeps an average of its weights states of their own for the average, "layer.mean.average" and
 * so on, which no checkpoint holds: statistics of samples made with the averaged weights, some hundred batches of them.
 * Does nothing if these groups have no states; if the model makes no samples, the states are those of the trained
 * weights. `stop` as in duet_request. Takes seconds for convolutional networks and says so on the log. */
duet_status duet_recalibrate(duet_device *device, duet_model *model, const volatile int *stop, duet_error *error);
/** Whether there are averages to use: some group keeps one, and all that do have had an update. */
duet_status duet_averages_begun(duet_device *device, duet_model *model, bool *begun, duet_error *error);

#endif
