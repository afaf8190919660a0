/* SPDX-License-Identifier: MIT */
/* A model in use: requests answered by a procedure, a batch of rows at a time. The graph and the plans of a request are
 * kept, so that the next request of the same kind only replays them. */
#ifndef DUET_SRC_TRAIN_EVALUATOR_H
#define DUET_SRC_TRAIN_EVALUATOR_H

#include "device/device.h"
#include "duet/train.h"
#include "model/model.h"

typedef struct duet_evaluator duet_evaluator;

/** Builds the model for use, to know its outputs. Model and device must outlive it. */
duet_status duet_evaluator_new(duet_evaluator **evaluator, duet_device *device, duet_model *model, duet_error *error);
void duet_evaluator_free(duet_evaluator **evaluator);

/** How many numbers a row of an output has; 0: the model has no such output, or it is not one row an example. The same
 *  for the latents. */
size_t duet_evaluator_features(const duet_evaluator *evaluator, const char *output);
size_t duet_evaluator_latent_features(const duet_evaluator *evaluator);
/** Whether the model reads labels, so that a request can give classes. */
bool duet_evaluator_has_classes(const duet_evaluator *evaluator);
/** The model built for use, to look up its outputs, procedures and knobs; nothing runs it. */
const duet_build *duet_evaluator_build(const duet_evaluator *evaluator);

/** Answers a request (duet/train.h). Does not disturb a training of the same model. */
duet_status duet_evaluator_use(duet_evaluator *evaluator, const duet_request *request, duet_error *error);
/** Where outputs of the requests from now on go in place of the host's memory, as duet_run_use_buffers has it;
 * borrowed. NULL: nowhere else. */
void duet_evaluator_set_buffers(duet_evaluator *evaluator, const cl_mem *buffers);
/** How many rows of a request go through together, and that many for each of its parts, if it is answered in parts. */
size_t duet_evaluator_rows(const duet_request *request);
/** Whether requests from now on are parts of larger ones: then each is planned for all the rows of its `batch`, be it
 *  as few as it may, so that its numbers are those that the whole one gives. */
void duet_evaluator_set_part(duet_evaluator *evaluator, bool is_part);
/** Refuses settings that the model does not take, or values out of their range. */
duet_status duet_evaluator_check(duet_evaluator *evaluator, const char *const *settings, size_t count,
                                 duet_error *error);
/** *inputs: bits of duet_request_input, of what the outputs, or phases of the procedure, depend on. */
duet_status duet_evaluator_inputs(const duet_evaluator *evaluator, const duet_request *request, unsigned *inputs,
                                  duet_error *error);
/** *flops: those of each row of a request, counted from the shapes of its plans; nothing is replayed. */
duet_status duet_evaluator_flops(duet_evaluator *evaluator, const duet_request *request, double *flops,
                                 duet_error *error);

#endif
