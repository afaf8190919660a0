/* SPDX-License-Identifier: MIT */
/* Lesson 1: result = factor x + y. One work-item, one element. Check with: duet lesson 1 FOLDER */

__kernel void scaled_sum(const uint n, const float factor, __global const float *x, __global const float *y,
                         __global float *result)
{
    /* HOLE: which element is this work-item's? Those past the end leave. The others store their element.
     */
    const size_t i = get_global_id(0);
    if (i >= n) return;
    result[i] = factor * x[i] + y[i];
    /* END */
}
