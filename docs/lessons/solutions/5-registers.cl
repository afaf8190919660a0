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
    float4 sum0 = 0.0f, sum1 = 0.0f, sum2 = 0.0f, sum3 = 0.0f;
    for (uint i = 0; i < k; i++) {
        const float4 some_b = vload4(0, b + (size_t)i * n);
        sum0 += a[i] * some_b;
        sum1 += a[k + i] * some_b;
        sum2 += a[2 * k + i] * some_b;
        sum3 += a[3 * k + i] * some_b;
    }
    c += row * n + column;
    vstore4(sum0, 0, c);
    vstore4(sum1, 0, c + n);
    vstore4(sum2, 0, c + 2 * n);
    vstore4(sum3, 0, c + 3 * n);
    /* END */
}
