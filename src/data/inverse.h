/* SPDX-License-Identifier: MIT */
/* Test pictures that are dark where those to learn from are light. */
#ifndef DUET_SRC_DATA_INVERSE_H
#define DUET_SRC_DATA_INVERSE_H

#include "data/rows.h"

/** Says that the test rows look like training rows whose numbers were turned round, 255 - array or 1 - array. Some
 *  hundred rows of each are looked at. `ranges`: of both splits. */
duet_status duet_tell_of_inverse(duet_rows *train, duet_rows *test, const duet_range ranges[2],
                                 const duet_data_options *options, duet_error *error);

#endif
