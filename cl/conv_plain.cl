/* SPDX-License-Identifier: MIT */
/* Convolutions, the plain twin: the three products of the family, each as the loops that define it.
 *
 * Mapping: one work-item computes one element of the result. Work-items are numbered along the last dimension, so
 * neighbours read the same pixel and neighbouring weights.
 *
 * What bounds it: memory, as each multiplication needs two loads. It is here to be read, to check the fast kernels
 * against, and for shapes that those do not take. */
#include "convolution.cl"

#ifndef CONV_PLAIN_CL
#define CONV_PLAIN_CL

/* y: row (image, height, width), column: the feature. */
float forward_sum(const convolution s, __global const float *x, __global const float *w, const size_t row,
                  const size_t column)
{
    const uint channels = s.channels / s.groups, group = (uint)column / (s.features / s.groups);
    const uint o[2] = {(uint)(row / s.result[1]) % s.result[0], (uint)(row % s.result[1])};
    const size_t image = row / s.result[1] / s.result[0];
    float sum = 0.0f;
    for (uint i = 0; i < s.kernel_size[0]; i++)
        for (uint j = 0; j < s.kernel_size[1]; j++) {
            const uint h = pixel_of(s, 0, o[0], i), v = pixel_of(s, 1, o[1], j);
            if (h >= s.picture[0] || v >= s.picture[1]) continue;
            __global const float *pixel =
                x + ((image * s.picture[0] + h) * s.picture[1] + v) * s.channels + group * channels;
            __global const float *tap = w + ((size_t)i * s.kernel_size[1] + j) * channels * s.features + column;
            for (uint k = 0; k < channels; k++) sum += pixel[k] * tap[(size_t)k * s.features];
        }
    return sum;
}

/* x: row (image, height, width), column: the channel. */
float data_sum(const convolution s, __global const float *y, __global const float *w, const size_t row,
               const size_t column)
{
    const uint channels = s.channels / s.groups, features = s.features / s.groups, group = (uint)column / channels;
    const uint at[2] = {(uint)(row / s.picture[1]) % s.picture[0], (uint)(row % s.picture[1])};
    const size_t image = row / s.picture[1] / s.picture[0];
    float sum = 0.0f;
    for (uint i = 0; i < s.kernel_size[0]; i++)
        for (uint j = 0; j < s.kernel_size[1]; j++) {
            const uint h = result_of(s, 0, at[0], i), v = result_of(s, 1, at[1], j);
            if (h >= s.result[0] || v >= s.result[1]) continue;
            const size_t tap = ((size_t)i * s.kernel_size[1] + j) * channels + column % channels;
            __global const float *result =
                y + ((image * s.result[0] + h) * s.result[1] + v) * s.features + group * features;
            for (uint k = 0; k < features; k++) sum += result[k] * w[tap * s.features + group * features + k];
        }
    return sum;
}

/* w: row (tap, channel of the group), column: the feature. */
float weights_sum(const convolution s, __global const float *x, __global const float *y, const size_t row,
                  const size_t column)
{
    const uint channels = s.channels / s.groups, group = (uint)column / (s.features / s.groups);
    const uint in_channel = group * channels + (uint)(row % channels), tap = (uint)(row / channels);
    float sum = 0.0f;
    for (size_t image = 0; image < s.images; image++)
        for (uint h = 0; h < s.result[0]; h++)
            for (uint v = 0; v < s.result[1]; v++) {
                const uint a = pixel_of(s, 0, h, tap / s.kernel_size[1]), b = pixel_of(s, 1, v, tap % s.kernel_size[1]);
                if (a >= s.picture[0] || b >= s.picture[1]) continue;
                sum += x[((image * s.picture[0] + a) * s.picture[1] + b) * s.channels + in_channel] *
                       y[((image * s.result[0] + h) * s.result[1] + v) * s.features + column];
            }
    return sum;
}

#endif

/* As in gemm_plain.cl. The result is seen as a matrix of `rows` rows of n. */
#ifndef KERNEL_NAME
#define KERNEL_NAME conv_plain
#define USE         FORWARD
#endif
#ifndef FINISH
#define FINISH_PARAMETERS
#define FINISH(row, column, product, count) c[(size_t)(row) * n + (column)] = product[0];
#endif

__kernel void KERNEL_NAME(const convolution s, const ulong rows, const ulong n, __global const float *a,
                          const ulong a_offset, __global const float *b, const ulong b_offset, __global float *c,
                          const ulong c_offset, const uint add FINISH_PARAMETERS)
{
    const size_t item = get_global_id(0);
    if (item >= rows * n) return; /* the number of work-items is rounded up to whole groups */
    const size_t row = item / n, column = item % n;
    a += a_offset;
    b += b_offset;
    c += c_offset;
    float sum;
    if (USE == FORWARD)
        sum = forward_sum(s, a, b, row, column);
    else if (USE == DATA)
        sum = data_sum(s, a, b, row, column);
    else
        sum = weights_sum(s, a, b, row, column);
    const float product[1] = {add ? c[item] + sum : sum};
    FINISH((uint)row, (uint)column, product, 1)
}
