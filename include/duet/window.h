/* SPDX-License-Identifier: MIT */
/* How windows lie on pictures: what pooling and convolutions share. Pictures are [batch, height, width, channels].
 * duet_window_same (op.h) takes the picture from a node. */
#ifndef DUET_WINDOW_H
#define DUET_WINDOW_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Windows over a picture; entry 0 is along its height, entry 1 along its width. Along a dimension, element k of window
 * o (k from 0 to size - 1) lies at o * stride + k * dilation - pad_before; outside the picture it is padding. There are
 *  (extent + pad_before + pad_after - dilation * (size - 1) - 1) / stride + 1 windows, rounded down. A plain value:
 * fill it in, or take one from the functions below. Size, stride and dilation are at least 1. */
typedef struct duet_window {
    size_t size[2];
    size_t stride[2];
    size_t dilation[2];
    size_t pad_before[2], pad_after[2];
} duet_window;

/** Square windows, none of which leaves the picture (VALID): no padding, dilation 1. */
DUET_API duet_window duet_window_valid(size_t size, size_t stride);
/** Square windows with `padding` rows and columns on each of the four sides; dilation 1. */
DUET_API duet_window duet_window_padded(size_t size, size_t stride, size_t padding);
/** `window` with the padding that TensorFlow calls SAME over a picture of height x width: the least with which there
 * are ceil(extent / stride) windows along each dimension. What cannot be halved goes after, so padding may be
 * asymmetric. */
DUET_API duet_window duet_window_pad_same(duet_window window, size_t height, size_t width);
/** How many windows there are along dimension `axis` (0: height, 1: width) of a picture with that extent; 0 if none
 * fits or a number of the window makes no sense. */
DUET_API size_t duet_window_count(const duet_window *window, size_t axis, size_t extent);

#ifdef __cplusplus
}
#endif

#endif
