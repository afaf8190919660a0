/* SPDX-License-Identifier: MIT */
/* Windows of one series, each of which shares most of its numbers with the next one. */
#ifndef DUET_SRC_DATA_WINDOWS_H
#define DUET_SRC_DATA_WINDOWS_H

#include "data/data.h"

/** Says that most rows, of which chance is to take the test examples, are the row before them moved on by some numbers.
 *  Some hundred are looked at, of few nothing is said, nor of pictures and of rows with few values. The part is not
 *  divided yet. */
duet_status duet_tell_of_windows(duet_data_part *part, const duet_data_options *options, duet_error *error);

#endif
