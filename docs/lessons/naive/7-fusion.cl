/* SPDX-License-Identifier: MIT */
/* Lesson 7, a launch for each operation: each reads its operand from memory and writes its result there. */
__kernel void multiply(const uint rows, const uint columns, __global const float *x, __global const float *scale,
                       __global float *y)
{
    const size_t i = get_global_id(0);
    if (i < (size_t)rows * columns) y[i] = x[i] * scale[i % columns];
}

__kernel void add(const uint rows, const uint columns, __global const float *shift, __global float *y)
{
    const size_t i = get_global_id(0);
    if (i < (size_t)rows * columns) y[i] += shift[i % columns];
}

__kernel void relu(const uint rows, const uint columns, __global float *y)
{
    const size_t i = get_global_id(0);
    if (i < (size_t)rows * columns) y[i] = fmax(y[i], 0.0f);
}
