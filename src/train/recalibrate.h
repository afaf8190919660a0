/* SPDX-License-Identifier: MIT */
/* Batch norm under averaged weights: the running statistics belong to the weights that were trained, not to their
 * average, so they are taken anew. */
#ifndef DUET_SRC_TRAIN_RECALIBRATE_H
#define DUET_SRC_TRAIN_RECALIBRATE_H

#include "model/model.h"

/** Gives the groups that keep an average of their weights statistics of their own for it, "layer.mean.average" and so
 * on, in no checkpoint: those of new samples made with the averaged weights, some hundred batches of them. Nothing
 * where such groups remember nothing or the model makes no samples. `stop` as in duet_request. Seconds for
 * convolutional networks: said on the log. */
duet_status duet_recalibrate(duet_device *device, duet_model *model, const volatile int *stop, duet_error *error);
/** Whether there are averages to use: some group keeps one, and all that do have had an update. */
duet_status duet_averages_begun(duet_device *device, duet_model *model, bool *begun, duet_error *error);

#endif
