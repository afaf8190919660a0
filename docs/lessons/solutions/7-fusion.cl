/* SPDX-License-Identifier: MIT */
/* Lesson 7: y = relu(x scale + shift) in one launch. x and y have `rows` rows of `columns` numbers; scale and shift have
 * a number for each column. Dimension 0 counts columns, dimension 1 rows. relu(v) is v above 0, else 0. Check with:
 * duet lesson 7 FOLDER */

__kernel void fused(const uint rows, const uint columns, __global const float *x, __global const float *scale,
                    __global const float *shift, __global float *y)
{
    const size_t column = get_global_id(0), row = get_global_id(1), i = row * columns + column;
    if (row >= rows || column >= columns) return;
    /* HOLE: read x once, do all three, write y once. */
    y[i] = fmax(x[i] * scale[column] + shift[column], 0.0f);
    /* END */
}
