/* SPDX-License-Identifier: MIT */
/* Lesson 6 without pieces: one work-item adds up all. It repeats to the bit, too. */
__kernel void alone(const uint n, __global const float *x, __global float *result)
{
    float sum = 0.0f;
    for (uint i = 0; i < n; i++) sum += x[i];
    result[0] = sum;
}
