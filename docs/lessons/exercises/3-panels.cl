/* SPDX-License-Identifier: MIT */
/* Lesson 3: a matrix in panels of PANEL columns. The panels lie one behind the other; in a panel, PANEL numbers of row
 * 0, then of row 1, and so on. Dimension 0 counts columns, rounded up to whole panels, dimension 1 rows. Check with:
 * duet lesson 3 FOLDER */

#define PANEL 8

__kernel void pack(const uint rows, const uint columns, __global const float *matrix, __global float *panels)
{
    const size_t column = get_global_id(0), row = get_global_id(1);
    const size_t end = (columns + PANEL - 1) / PANEL * PANEL; /* of the last panel */
    if (row >= rows || column >= end) return;
    /* HOLE: where in panels does element (row, column) belong? Behind the last column of the matrix stand zeros. */

}
