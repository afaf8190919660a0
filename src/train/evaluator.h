/* SPDX-License-Identifier: MIT */
/* A model in use: requests answered by a procedure, a batch of rows at a time. What a request needs of graph and plans
 * is made once and kept, so that the next one like it only runs. */
#ifndef DUET_SRC_TRAIN_EVALUATOR_H
#define DUET_SRC_TRAIN_EVALUATOR_H

#include "duet/train.h"
#include "model/model.h"

typedef struct duet_evaluator duet_evaluator;

/** Builds the model for use, to know its outputs. Model and device must outlive it. */
duet_status duet_evaluator_new(duet_evaluator **evaluator, duet_device *device, duet_model *model, duet_error *error);
void duet_evaluator_free(duet_evaluator **evaluator);

/** Numbers an example of an output, 0 if the model does not have it; of its latents, 0 if it has none. */
size_t duet_evaluator_features(const duet_evaluator *evaluator, const char *output);
size_t duet_evaluator_latent_features(const duet_evaluator *evaluator);
/** Whether what an output gives can be asked of classes: the model reads labels. */
bool duet_evaluator_has_classes(const duet_evaluator *evaluator);
/** What the model said of itself when it was built for use. */
const duet_build *duet_evaluator_build(const duet_evaluator *evaluator);

/** Answers a request (duet/train.h). The training that may go on with the same model does not notice. */
duet_status duet_evaluator_use(duet_evaluator *evaluator, const duet_request *request, duet_error *error);

#endif
