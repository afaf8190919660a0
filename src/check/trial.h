/* SPDX-License-Identifier: MIT */
/* A trial is a case with its numbers: the inputs, what the reference makes of them, and how the reference changes when
 * they do. The loss whose derivatives are compared is sum(output * weights) with fixed random weights. */
#ifndef DUET_SRC_CHECK_TRIAL_H
#define DUET_SRC_CHECK_TRIAL_H

#include "base/status.h"
#include "check/case.h"

typedef struct duet_trial {
    const duet_case *row;
    duet_plain_arena *arena; /**< borrowed: each evaluation starts it anew */
    size_t input_count;
    size_t start[DUET_CASE_INPUTS + 1]; /**< where each input's elements begin in the arrays below */
    double *values;                     /**< all inputs, exactly as the device gets them */
    double *direction;                  /**< along which the second derivative is taken; 0 for inputs not varied */
    duet_shape shape;                   /**< of the output */
    size_t outputs;
    double *expected, *weights; /**< the output by the reference, and what it is weighted by */
} duet_trial;

duet_status duet_trial_new(duet_trial *trial, const duet_case *row, duet_plain_arena *arena, duet_error *error);
void duet_trial_free(duet_trial *trial);

/** Whether derivatives by this input are compared. */
bool duet_trial_varies(const duet_trial *trial, size_t input);
/** The derivative of the loss at the inputs along `along` (as many numbers as values). */
double duet_trial_slope(const duet_trial *trial, const double *along);
/** The derivative along `along` of the loss's derivative along the trial's direction. */
double duet_trial_second_slope(const duet_trial *trial, const double *along);

#endif
