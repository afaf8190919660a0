/* SPDX-License-Identifier: MIT */
/* Lesson 5: c = a b. One work-item computes a block of four rows and four columns of c and keeps it in registers.
 * Dimension 0 counts blocks along the columns, dimension 1 along the rows; m and n are multiples of 4. Check with:
 * duet lesson 5 FOLDER */

__kernel void product(const uint m, const uint n, const uint k, __global const float *a, __global const float *b,
                      __global float *c)
{
    const size_t column = get_global_id(0) * 4, row = get_global_id(1) * 4;
    if (row >= m || column >= n) return;
    a += row * k;
    b += column;
    /* HOLE: four sums, a float4 each. A step reads one vector of b and four numbers of a.
     * Store them with vstore4(sum, 0, address). */

}
