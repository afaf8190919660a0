/* SPDX-License-Identifier: MIT */
/* Lesson 2: c = a b, the naive way. One work-item, one element of c. Dimension 0 counts columns of c, dimension 1 rows.
 * a is m x k, b is k x n, c is m x n, all row-major. Check with: duet lesson 2 FOLDER */

__kernel void product(const uint m, const uint n, const uint k, __global const float *a, __global const float *b,
                      __global float *c)
{
    const size_t column = get_global_id(0), row = get_global_id(1);
    if (row >= m || column >= n) return; /* the number of work-items is rounded up to whole groups */
    /* HOLE: add up k products, then store the sum. */
    float sum = 0.0f;
    for (uint i = 0; i < k; i++) sum += a[row * k + i] * b[i * n + column];
    c[row * n + column] = sum;
    /* END */
}
