/* SPDX-License-Identifier: MIT */
/* Folds the matrix that unfold.cl makes back into a picture: each pixel is the sum of all elements that were read from
 * it.
 *
 * Mapping: one work-item for each element written, numbered along the last dimension, so that neighbours read and write
 * neighbouring channels.
 *
 * What bounds it: memory. Each pixel adds an element for each tap that meets it: about kernel / stride^2 times the
 * picture's bytes are read. */
#include "convolution.cl"

__kernel void fold(const convolution s, __global const float *unfolded, const ulong unfolded_offset, __global float *x,
                   const ulong x_offset, const uint add)
{
    const size_t item = get_global_id(0), pixel = item / s.channels;
    const size_t image = pixel / s.picture[1] / s.picture[0];
    if (image >= s.images) return; /* work-items come in whole groups */
    const uint at[2] = {(uint)(pixel / s.picture[1] % s.picture[0]), (uint)(pixel % s.picture[1])};
    const size_t columns = (size_t)s.kernel_size[0] * s.kernel_size[1] * s.channels;
    float sum = add ? x[x_offset + item] : 0.0f;
    unfolded += unfolded_offset + item % s.channels;
    for (uint i = 0; i < s.kernel_size[0]; i++)
        for (uint j = 0; j < s.kernel_size[1]; j++) {
            const uint h = result_of(s, 0, at[0], i), w = result_of(s, 1, at[1], j);
            if (h >= s.result[0] || w >= s.result[1]) continue;
            const size_t row = (image * s.result[0] + h) * s.result[1] + w;
            sum += unfolded[row * columns + (i * s.kernel_size[1] + j) * s.channels];
        }
    x[x_offset + item] = sum;
}
