/* SPDX-License-Identifier: MIT */
/* Whether the numbers of the test examples are of the same kind as those of the training examples. */
#ifndef DUET_SRC_DATA_ALIKE_H
#define DUET_SRC_DATA_ALIKE_H

#include "data/rows.h"

/** Says which columns of a table are in another order, of another scale or filled in one of the splits, or that one
 *  split of what is no table is of another scale. Some thousand rows of each are looked at; of few nothing is said, nor
 * of files of pictures, which have a scale by themselves. `names`: of the columns, a line each, or NULL. *told:
 * something was said. */
duet_status duet_tell_of_unlike_splits(duet_rows *const rows[2], const char *names, const duet_data_options *options,
                                       bool *told, duet_error *error);

/** Says that the test examples were scaled by their own numbers, their mean and deviation or least and greatest, where
 *  that shows. All rows are read. */
duet_status duet_tell_of_own_scale(duet_rows *const rows[2], const duet_range ranges[2],
                                   const duet_data_options *options, duet_error *error);

#endif
