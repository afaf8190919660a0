/* SPDX-License-Identifier: MIT */
/* Pictures of a training as it goes: the same latents and examples every epoch, so that epochs can be compared. */
#ifndef DUET_SRC_RUN_PICTURES_H
#define DUET_SRC_RUN_PICTURES_H

#include "train/evaluator.h"

/** Writes FOLDER/epoch-NNNN.png (samples) and FOLDER/epoch-NNNN-reconstruction.png, each where the model has that
 *  output and the data can be drawn: pictures as a grid, one- and two-dimensional numbers as a histogram or points. */
duet_status duet_pictures_write(const char *folder, duet_evaluator *evaluator, duet_data *data, uint64_t epoch,
                                uint64_t seed, duet_error *error);

#endif
