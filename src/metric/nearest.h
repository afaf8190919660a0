/* SPDX-License-Identifier: MIT */
/* Nearest neighbours by Euclidean distance: a set of queries, and labelled references that are shown to them piece by
 * piece. Distances are one matrix product a piece, on the device. */
#ifndef DUET_SRC_METRIC_NEAREST_H
#define DUET_SRC_METRIC_NEAREST_H

#include "base/status.h"
#include "duet/device.h"

/** References that are shown at a time, at most. */
enum { DUET_NEAREST_PIECE = 2000 };

typedef struct duet_nearest duet_nearest;

/** For `count` queries, [count, features]. */
duet_status duet_nearest_new(duet_nearest **search, duet_device *device, const float *queries, size_t count,
                             size_t features, duet_error *error);
void duet_nearest_free(duet_nearest **search);
/** Room for a piece of references, [DUET_NEAREST_PIECE, features], to be filled before it is shown. */
float *duet_nearest_room(duet_nearest *search);
/** Shows the first `count` rows of the room, with their labels. */
duet_status duet_nearest_show(duet_nearest *search, const uint8_t *labels, size_t count, duet_error *error);
/** The label of the reference that is nearest to a query; false if none is: a query of NaNs is near nothing. */
bool duet_nearest_label(const duet_nearest *search, size_t query, uint8_t *label);

#endif
