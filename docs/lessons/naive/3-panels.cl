/* SPDX-License-Identifier: MIT */
/* Lesson 3, with dimension 0 down a column: what neighbouring work-items read lies a row apart. */
#define PANEL 8
__kernel void pack(const uint rows, const uint columns, __global const float *matrix, __global float *panels)
{
    const size_t row = get_global_id(0), column = get_global_id(1);
    const size_t end = (columns + PANEL - 1) / PANEL * PANEL;
    if (row >= rows || column >= end) return;
    panels[(column / PANEL * rows + row) * PANEL + column % PANEL] =
        column < columns ? matrix[row * columns + column] : 0.0f;
}
