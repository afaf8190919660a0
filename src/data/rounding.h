/* SPDX-License-Identifier: MIT */
/* What float32 makes of the numbers of a table's columns that a file has in double or as text. */
#ifndef DUET_SRC_DATA_ROUNDING_H
#define DUET_SRC_DATA_ROUNDING_H

#include "data/rows.h"

/** Makes the reach of a column that of one more number; `first`: of that one alone. */
void duet_reach_widen(duet_reach *reach, bool first, double number);
/** Says that float32 does not tell the numbers of a column of so many rows apart, as of times in seconds; false: it
 *  does. `column` and `remedy` in words. */
bool duet_tell_of_rounding(const duet_reach *reach, size_t rows, const char *path, const char *column,
                           const char *remedy, duet_notes *notes);
/** The same of all columns of the arrays of both splits that have been read by now; rows[DUET_TEST] is NULL where there
 *  is one. What is taken off a column is one number for both. */
void duet_tell_of_rounded_columns(duet_rows *const rows[2], const duet_data_options *options);

#endif
