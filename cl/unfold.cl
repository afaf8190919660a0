/* SPDX-License-Identifier: MIT */
/* Unfolds a picture into a matrix, [images, result][tap, channel], whose rows are what the window sees for each result.
 *
 * For providers that use a plain matrix product; fold.cl is the way back.
 *
 * Mapping: one work-item for each element written, numbered along the last dimension, so that neighbours read and write
 * neighbouring channels.
 *
 * What bounds it: memory. Each pixel is written once for each tap that meets it: about kernel / stride^2 times the
 * picture's bytes. */
#include "convolution.cl"

__kernel void unfold(const convolution s, __global const float *x, const ulong x_offset, __global float *unfolded,
                     const ulong unfolded_offset)
{
    const uint columns = s.kernel_size[0] * s.kernel_size[1] * s.channels;
    const size_t item = get_global_id(0), row = item / columns;
    if (row >= (size_t)s.images * s.result[0] * s.result[1]) return; /* work-items come in whole groups */
    const uint column = (uint)(item % columns), tap = column / s.channels;
    const uint h = pixel_of(s, 0, (uint)(row / s.result[1] % s.result[0]), tap / s.kernel_size[1]);
    const uint w = pixel_of(s, 1, (uint)(row % s.result[1]), tap % s.kernel_size[1]);
    float number = 0.0f;
    if (h < s.picture[0] && w < s.picture[1]) {
        const size_t image = row / s.result[1] / s.result[0];
        number = x[x_offset + ((image * s.picture[0] + h) * s.picture[1] + w) * s.channels + column % s.channels];
    }
    unfolded[unfolded_offset + item] = number;
}
