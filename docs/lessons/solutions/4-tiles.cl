/* SPDX-License-Identifier: MIT */
/* Lesson 4: c = a b. A work-group of TILE x TILE work-items computes a tile of c of that size. It walks along k in steps
 * of TILE; at each, it copies a slice of a and one of b into local memory and multiplies from there. The host defines
 * TILE. Check with: duet lesson 4 FOLDER */

__kernel void product(const uint m, const uint n, const uint k, __global const float *a, __global const float *b,
                      __global float *c)
{
    const size_t column = get_global_id(0), row = get_global_id(1);
    const size_t across = get_local_id(0), down = get_local_id(1);
    float sum = 0.0f;
    /* HOLE: two slices in local memory; for each step along k: copy, wait, multiply, wait.
     * Edges: zeros where a or b ends. Nobody may leave early: every work-item reaches every barrier. */
    __local float slice_a[TILE][TILE], slice_b[TILE][TILE];
    for (uint start = 0; start < k; start += TILE) {
        slice_a[down][across] = row < m && start + across < k ? a[row * k + start + across] : 0.0f;
        slice_b[down][across] = start + down < k && column < n ? b[(start + down) * n + column] : 0.0f;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint i = 0; i < TILE; i++) sum += slice_a[down][i] * slice_b[i][across];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (row < m && column < n) c[row * n + column] = sum;
    /* END */
}
