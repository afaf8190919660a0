/* SPDX-License-Identifier: MIT */
/* Lesson 3, with neighbouring work-items down a column: what they read lies a row apart, what they write a vector. */
#define PANEL 8
__kernel void pack(const uint rows, const uint columns, __global const float *matrix, __global float *panels)
{
    const size_t item = get_global_id(0), row = item % rows, column = item / rows;
    const size_t count = (columns + PANEL - 1) / PANEL;
    if (item >= count * rows * PANEL) return;
    panels[(column / PANEL * rows + row) * PANEL + column % PANEL] =
        column < columns ? matrix[row * columns + column] : 0.0f;
}
