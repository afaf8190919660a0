/* SPDX-License-Identifier: MIT */
/* Lesson 7, a launch for each operation: each reads its operand from memory and writes its result there. */
__kernel void multiply(const uint rows, const uint columns, __global const float *x, __global const float *scale,
                       __global float *y)
{
    const size_t column = get_global_id(0), row = get_global_id(1), i = row * columns + column;
    if (row < rows && column < columns) y[i] = x[i] * scale[column];
}

__kernel void add(const uint rows, const uint columns, __global const float *shift, __global float *y)
{
    const size_t column = get_global_id(0), row = get_global_id(1), i = row * columns + column;
    if (row < rows && column < columns) y[i] += shift[column];
}

__kernel void relu(const uint rows, const uint columns, __global float *y)
{
    const size_t column = get_global_id(0), row = get_global_id(1), i = row * columns + column;
    if (row < rows && column < columns) y[i] = fmax(y[i], 0.0f);
}
