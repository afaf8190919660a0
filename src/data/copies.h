/* SPDX-License-Identifier: MIT */
/* Examples that are there twice: one in training and one in the test makes what is learnt by heart pass for understood.
 */
#ifndef DUET_SRC_DATA_COPIES_H
#define DUET_SRC_DATA_COPIES_H

#include "data/data.h"

/** A number that equal bytes have, and others but by a chance of 2^-64. */
uint64_t duet_print(const void *bytes, size_t count);

/** *prints: that of each row of a file, which the caller frees. Reads through it. */
duet_status duet_copies_print(duet_rows *rows, uint64_t **prints, duet_error *error);

/** Says how many test examples are training examples too, or how many of those are copies of others, where chance does
 *  not explain them. `prints`: of the rows of the training file, and of the test file; NULL for the latter: both
 *  splits are of one file. */
duet_status duet_tell_of_copies(const duet_data_part *parts, uint64_t *const prints[2],
                                const duet_data_options *options, duet_error *error);

#endif
