/* SPDX-License-Identifier: MIT */
/* What the files of the evaluator share: requests of one kind made ready (evaluator_prepare.c) and answered
 * (evaluator_answer.c). */
#ifndef DUET_SRC_TRAIN_PREPARED_H
#define DUET_SRC_TRAIN_PREPARED_H

#include "train/evaluator.h"
#include "train/schedule.h"

enum { DUET_USUAL_ROWS = 100 };

/** A graph and its plans, for requests of one kind. */
typedef struct duet_prepared {
    char *kind;
    duet_build *build;
    duet_procedure_description procedure; /* what is run; its phases belong to the build */
    duet_schedule schedule;
    duet_node *outputs; /* in the order of the request */
    size_t rows;
    bool reads_examples, reads_classes; /* outputs or phases depend on them */
    struct duet_prepared *next;
} duet_prepared;

struct duet_evaluator {
    duet_device *device;
    duet_model *model;
    duet_build *described;
    duet_prepared *kept; /* most recently used first */
    bool recalibrated, is_part;
    const cl_mem *buffers; /* of the outputs; NULL: all go to the host */
};

/** Numbers in one row of a node; 0 if its first dimension is not the batch. */
size_t duet_row_features(duet_node node, size_t rows);
/** The node of an output; NULL: there is none. The latents are an output even if the model does not declare it. */
duet_node duet_evaluator_output(const duet_build *build, const char *name);

/** The graph and plans of the request's kind, made if none are kept. *found is the evaluator's. */
duet_status duet_evaluator_prepare(duet_evaluator *evaluator, const duet_request *request, duet_prepared **found,
                                   duet_error *error);
void duet_prepared_free(duet_prepared *old);
/** How often its phases go round. */
size_t duet_prepared_rounds(const duet_prepared *made);

/** Answers a request by the weights that its own settings name. */
duet_status duet_evaluator_answer(duet_evaluator *evaluator, const duet_request *request, duet_error *error);

#endif
