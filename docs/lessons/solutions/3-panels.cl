/* SPDX-License-Identifier: MIT */
/* Lesson 3: a matrix in panels of PANEL columns. The panels lie one behind the other; in a panel, PANEL numbers of row
 * 0, then of row 1, and so on. Work-items are numbered as the panels' elements lie. Check with: duet lesson 3 FOLDER */

#define PANEL 8

__kernel void pack(const uint rows, const uint columns, __global const float *matrix, __global float *panels)
{
    const size_t item = get_global_id(0);
    const size_t count = (columns + PANEL - 1) / PANEL; /* of panels */
    if (item >= count * rows * PANEL) return;
    /* HOLE: which row and column of the matrix belong at panels[item]? Past the last column stands 0. */
    const size_t lane = item % PANEL, row = item / PANEL % rows, panel = item / PANEL / rows;
    const size_t column = panel * PANEL + lane;
    panels[item] = column < columns ? matrix[row * columns + column] : 0.0f;
    /* END */
}
