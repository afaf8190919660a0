/* SPDX-License-Identifier: MIT */
/* Examples at places of a set, which are read in the order of its file. */
#ifndef DUET_SRC_DATA_PLACES_H
#define DUET_SRC_DATA_PLACES_H

#include "data/data.h"

/** The examples at these places, in any order and as often as they are named, [count, features], and their labels
 *  (NULL: not wanted). Places are counted from example `from` of both splits on, of which training comes first. */
duet_status duet_data_read_places(duet_data *data, size_t from, const size_t *places, size_t count, float *values,
                                  uint8_t *labels, duet_error *error);

#endif
