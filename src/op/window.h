/* SPDX-License-Identifier: MIT */
/* Checking windows against the picture that they lie on, for pooling and convolutions. */
#ifndef DUET_SRC_OP_WINDOW_H
#define DUET_SRC_OP_WINDOW_H

#include "duet/graph.h"
#include "duet/window.h"

/** The numbers of windows over a picture of shape `picture`, [batch, height, width, channels], along height and width.
 *  False if there are none: then the graph has a mistake in the name of `op`. On success every index that the windows
 *  reach, padding included, is below 2^31, so kernels may compute it in uint and compare it once with the extent. */
bool duet_window_lay(const char *where, duet_graph *graph, const char *op, duet_shape picture,
                     const duet_window *window, size_t counts[2]);

/** Whether some of `count` windows along dimension `axis` reach outside a picture with that extent. */
bool duet_window_leaves(const duet_window *window, size_t axis, size_t count, size_t extent);

#endif
