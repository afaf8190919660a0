/* SPDX-License-Identifier: MIT */
/* C, m rows of n, is the sum of the pieces that conv_panel_weights.cl or conv_panel_few_weights.cl left, first to last.
 *
 * Mapping: a work-item adds up every get_global_size(0)th row. Bound by memory: it reads each piece once. */
#include "panel.cl"

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_panel_sum
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const ulong m, const ulong n, const uint count, __global const float *restrict pieces,
                 const ulong pieces_offset, __global float *c, const ulong c_offset, const uint add FINISH_PARAMETERS)
{
    __local vector sum[2];
    __local float *done = (__local float *)sum;
    pieces += pieces_offset;
    c += c_offset;
    for (ulong r = get_global_id(0); r < m; r += get_global_size(0))
        for (ulong column = 0; column < n; column += COLUMNS) {
            const ulong columns = min((ulong)COLUMNS, n - column);
            for (ulong j = 0; j < columns; j++) done[j] = pieces[r * n + column + j];
            for (ulong piece = 1; piece < count; piece++)
                for (ulong j = 0; j < columns; j++) done[j] += pieces[(piece * m + r) * n + column + j];
            FINISH_ROW(r, column, columns, done)
        }
}
