/* SPDX-License-Identifier: MIT */
/* Nearest neighbours by Euclidean distance: a set of queries, and references that are shown to them piece by
 * piece. Distances are one matrix product a piece, on the device. */
#ifndef DUET_SRC_RUN_NEAREST_H
#define DUET_SRC_RUN_NEAREST_H

#include "base/status.h"
#include "duet/data.h"
#include "duet/device.h"
#include "run/order.h"

/** References that are shown at a time, at most. */
enum { DUET_NEAREST_PIECE = 2000 };

typedef struct duet_nearest duet_nearest;

/** For `count` queries, [count, features]. */
duet_status duet_nearest_new(duet_nearest **search, duet_device *device, const float *queries, size_t count,
                             size_t features, duet_error *error);
void duet_nearest_free(duet_nearest **search);
/** Room for a piece of references, [DUET_NEAREST_PIECE, features], to be filled before it is shown. */
float *duet_nearest_room(duet_nearest *search);
/** The reference that has this number is not shown to query i: it is the same example. Before the first piece. */
void duet_nearest_leave_out(duet_nearest *search, size_t query, size_t reference);
/** Of equally near references one is drawn, each as likely, in place of the first: order in a file is to say nothing.
 *  Which one follows from the numbers of query and reference. Before the first piece. */
void duet_nearest_draw_ties(duet_nearest *search);
/** What the nearest has drawn, by which those of two searches that are equally near are told apart: the lower counts.
 */
uint32_t duet_nearest_lot(const duet_nearest *search, size_t query);
/** Shows the first `count` rows of the room. References are numbered in the order in which they are shown, from 0. */
duet_status duet_nearest_show(duet_nearest *search, size_t count, duet_error *error);
/** Shows those training examples of the data, in order, under the numbers that they have there, whatever was shown
 *  before. Ends between two pieces with DUET_ERROR_INTERRUPTED where *stop is not 0; `stop` NULL: it does not look. */
duet_status duet_nearest_show_training(duet_nearest *search, duet_data *data, duet_part part, const volatile int *stop,
                                       duet_error *error);
/** The number of the reference that is nearest to a query; false if none is: a query of NaNs is near nothing. */
bool duet_nearest_find(const duet_nearest *search, size_t query, size_t *reference);
/** Its squared distance; infinite if there is none. */
double duet_nearest_distance(const duet_nearest *search, size_t query);

#endif
