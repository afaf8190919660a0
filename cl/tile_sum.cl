/* SPDX-License-Identifier: MIT */
/* C = the sum of the pieces of k, [pieces][m][n], that gemm_tile.cl or conv_tile.cl left, first to last.
 *
 * Mapping: one work-item a vector of a row. Bound by memory: it reads each piece once. */
#include "tile.cl"

#ifndef KERNEL_NAME
#define KERNEL_NAME tile_sum
#endif

__kernel void KERNEL_NAME(const ulong m, const ulong n, const uint pieces, __global const float *restrict parts,
                          const ulong parts_offset, __global float *c, const ulong c_offset,
                          const uint add FINISH_PARAMETERS)
{
    const ulong vectors_of_row = (n + WIDTH - 1) / WIDTH;
    const ulong row = get_global_id(0) / vectors_of_row, column = get_global_id(0) % vectors_of_row * WIDTH;
    if (row >= m) return; /* the number of work-items is rounded up to whole groups */
    lanes sum;
    sum.whole = 0.0f;
    c += c_offset;
    parts += parts_offset + row * n + column;
    for (uint piece = 0; piece < pieces; piece++, parts += m * n)
        sum.whole += fetch(parts, (uint)column, (uint)n);
    WRITE(true, row, column, n, sum)
}
