/* SPDX-License-Identifier: MIT */
/* Test examples for a set that has none of its own. */
#ifndef DUET_SRC_DATA_DIVIDE_H
#define DUET_SRC_DATA_DIVIDE_H

#include "data/data.h"

/** Divides the training rows of `data` between its splits: a tenth, and one at least, is the test split. Each split
 *  reads the rows on its own. DUET_DIVISION_GIVEN: nothing was said, so the last. DUET_ERROR_DATA for fewer than two
 * rows. */
duet_status duet_data_divide(duet_data *data, duet_division how, duet_error *error);

#endif
