/* SPDX-License-Identifier: MIT */
/* Copies op(A) into slabs, [m / ROWS][k][ROWS], for gemm_panel.cl, if its rows are many and far apart in memory: a tile
 * then reads one stream instead of ROWS. The last slab repeats the last row.
 *
 *       op(A) [m, k]                          slabs
 *     +-------------+  ROWS rows        0,0 1,0 ... 5,0   0,1 1,1 ... 5,1   0,2 ...     the first, ROWS = 6
 *     +-------------+        --->
 *     |             |                   6,0 7,0 ... 11,0  6,1 ...                       the second
 *
 * Mapping: one work-item copies SLAB_DEPTH columns of one slab; dimension 0 counts the slabs, dimension 1 the pieces of
 * k. Bound by memory: it reads and writes A once. */
#include "panel.cl"

#ifndef GEMM_PANEL_SLABS_CL
#define GEMM_PANEL_SLABS_CL

#ifndef SLAB_DEPTH
#define SLAB_DEPTH 256
#endif

/* Four columns of two rows, which lie `stride` apart. */
INLINE void copy_four_of_rows(__global const float *from, const ulong stride, __global float *to)
{
    const float4 upper = vload4(0, from), lower = vload4(0, from + stride);
    vstore2((float2)(upper.s0, lower.s0), 0, to);
    vstore2((float2)(upper.s1, lower.s1), 0, to + ROWS);
    vstore2((float2)(upper.s2, lower.s2), 0, to + 2 * ROWS);
    vstore2((float2)(upper.s3, lower.s3), 0, to + 3 * ROWS);
}

/* The same where rows lie side by side, and columns `stride` apart. */
INLINE void copy_four_of_columns(__global const float *from, const ulong stride, __global float *to)
{
    vstore2(vload2(0, from), 0, to);
    vstore2(vload2(0, from + stride), 0, to + ROWS);
    vstore2(vload2(0, from + 2 * stride), 0, to + 2 * ROWS);
    vstore2(vload2(0, from + 3 * stride), 0, to + 3 * ROWS);
}

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME  gemm_panel_slabs
#define A_TRANSPOSED 0 /* whether A is stored [k, m] */
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const ulong m, const ulong k, __global const float *restrict a, const ulong a_offset,
                 __global float *restrict slabs, const ulong slabs_offset)
{
    const ulong a_row = A_TRANSPOSED ? 1 : k, a_step = A_TRANSPOSED ? m : 1;
    const ulong row = get_global_id(0) * ROWS, rows = min((ulong)ROWS, m - row);
    ulong i = get_global_id(1) * SLAB_DEPTH;
    const ulong end = min(i + SLAB_DEPTH, k);
    a += a_offset + row * a_row;
    slabs += slabs_offset + row * k;
    for (; rows == ROWS && i + 4 <= end; i += 4)
        for (ulong r = 0; r < ROWS; r += 2) {
            if (A_TRANSPOSED)
                copy_four_of_columns(a + r + i * m, m, slabs + i * ROWS + r);
            else
                copy_four_of_rows(a + r * k + i, k, slabs + i * ROWS + r);
        }
    for (; i < end; i++)
        for (ulong r = 0; r < ROWS; r++) slabs[i * ROWS + r] = a[min(r, rows - 1) * a_row + i * a_step];
}
