/* SPDX-License-Identifier: MIT */
/* Whether sets hold the same rows. */
#ifndef DUET_SRC_DATA_SAME_ROWS_H
#define DUET_SRC_DATA_SAME_ROWS_H

#include "data/data.h"

enum { DUET_ROWS_ASKED = 16 };

/** The examples of both splits. */
size_t duet_data_rows(const duet_data *data);
/** Whether there are several, all like the first. */
duet_status duet_data_are_rows_equal(duet_data *data, bool *equal, duet_error *error);
/** Whether they are, in this order, those of `other`, whose rows are as long. */
duet_status duet_data_are_rows_same(duet_data *data, duet_data *other, bool *same, duet_error *error);
/** Whether the first DUET_ROWS_ASKED are rows of `other`, whose rows are as long, and no two of them alike. Of a large
 * set the first 16,384 are searched. */
duet_status duet_data_are_rows_among(duet_data *data, duet_data *other, bool *among, duet_error *error);

#endif
