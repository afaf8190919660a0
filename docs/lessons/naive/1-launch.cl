/* SPDX-License-Identifier: MIT */
/* Lesson 1, as one would write it in C: one work-item does all. */
__kernel void scaled_sum(const uint n, const float factor, __global const float *x, __global const float *y,
                         __global float *result)
{
    for (size_t i = 0; i < n; i++) result[i] = factor * x[i] + y[i];
}
