/* SPDX-License-Identifier: MIT */
/* Matrix product for GPUs: C = op(A) op(B), or C += op(A) op(B), row-major, single precision.
 *
 * Mapping: one work-group computes a tile of C, TILE_M x TILE_N. It walks along k in steps of TILE_K: its work-items
 * copy a slice of op(A) and one of op(B) into local memory, wait for each other, and multiply from there. Each
 * work-item owns ITEM_M rows and ITEM_N columns of the tile and keeps their sums in registers. Dimension 0 counts
 * columns of C, dimension 1 rows, dimension 2 pieces of k.
 *
 *                      slice of op(B), TILE_K x TILE_N          a work-item's part of a tile, for ITEM_N = 2 WIDTH:
 *                            +-------------+                    ITEM_M neighbouring rows; of each row a vector of
 *                            |/////////////|                    WIDTH columns in each half, so that neighbouring
 *                            +-------------+                    work-items read and write neighbouring vectors
 *      slice of op(A)        +-------------+
 *         +--+               |             |                     item 0   item 1       item 0   item 1
 *         |//|    product    | tile of C   |                    +--------+--------+---+--------+--------+---+
 *         |//|    ------>    |             |                    | vector | vector |...| vector | vector |...|
 *         +--+               +-------------+                    +--------+--------+---+--------+--------+---+
 *     TILE_M x TILE_K
 *
 * Local memory: both slices lie with k as the slow index, so that step i of the product reads row i of each: vectors
 * that neighbours share (of A) or that lie side by side (of B), without two lanes asking one bank for different words.
 * Global memory is always read along its rows, in vectors; a matrix whose rows run along k is transposed on its way
 * into local memory. There PADDING matters: without it, lanes that hold different k of one row would all write to the
 * same bank, as a row of the slice is a multiple of the number of banks long.
 *
 * Waiting: the next slices are fetched into registers before the multiply-adds of this one, which hide the memory's
 * latency. With BUFFERS = 2 they go into other places than the ones being read, which saves one of two barriers a step
 * for twice the local memory. All work-items reach every barrier: edges are filled up with zeros, never left out.
 *
 * What bounds it, by reasoning, not measured. Local memory: with 8 x 8 sums a step of a work-item reads 16 numbers for
 * 64 multiply-adds, 4 a number, about what a GPU delivers of both (32 numbers and 128 multiply-adds a clock and compute
 * unit); with 4 x 4 only 2, so local memory bounds it near half the peak. Memory: a tile of 128 x 128 makes 64
 * multiply-adds of each number it reads, 64 x 64 makes 32, 32 x 32 makes 16. A GPU of 10 TFLOP/s and 400 GB/s needs 50,
 * or 25 where every other number comes from the second-level cache, as those of neighbouring tiles do. Occupancy: a
 * tile of 128 x 128 in 256 work-items takes 17 KB and some 120 registers an item, so two groups fit a compute unit and
 * one multiplies while the other waits at a barrier. Expect 60 to 80% of the peak for large matrices. Those of a few
 * hundred rows are bound by how many compute units get a tile, hence small tiles and pieces of k.
 *
 * Pieces of k: where C has too few tiles for all compute units, as a weight's gradient often does, each piece of k
 * makes a C of its own in memory. tile_sum.cl adds them up in the order of k, so the result is always the same. */

#include "tile.cl"

#ifndef GEMM_TILE_CL
#define GEMM_TILE_CL

/* Fetches a slice: `tile` of the `edge` rows or columns of C, from `first` on, and k from `start` on, up to `end`. The
 * matrix's rows run along k, which has `k` steps in all, or along C's edge. */
INLINE void fetch_tile(__global const float *matrix, const bool along_k, const uint edge, const uint first,
                       const uint tile, const uint k, const uint start, const uint end, const uint loads,
                       vector *fetched)
{
    if (along_k)
        fetch_slice(matrix, k, first, edge, start, end, TILE_K / WIDTH, loads, fetched);
    else
        fetch_slice(matrix, edge, start, end, first, edge, tile / WIDTH, loads, fetched);
}

#endif

/* What tells the kernels of this file apart: whether A is stored [k, m], and B [n, k]. */
#ifndef KERNEL_NAME
#define KERNEL_NAME  gemm_tile
#define A_TRANSPOSED 0
#define B_TRANSPOSED 0
#endif

/* Launched with a work-group for each tile of C and piece of k, `depth` long; piece p writes at c + p * m * n. */
__kernel __attribute__((reqd_work_group_size(GROUP_N, GROUP_M, 1)))
void KERNEL_NAME(const ulong m, const ulong n, const ulong k, const ulong depth, __global const float *restrict a,
                 const ulong a_offset, __global const float *restrict b, const ulong b_offset, __global float *c,
                 const ulong c_offset, const uint add FINISH_PARAMETERS)
{
    __local vector slice_a[BUFFERS * TILE_K * A_PITCH], slice_b[BUFFERS * TILE_K * B_PITCH];
    vector sums[ITEM_M][VECTORS], some_a[A_LOADS], some_b[B_LOADS];
    const bool a_along = !A_TRANSPOSED, b_along = B_TRANSPOSED;
    const uint item_row = (uint)get_local_id(1) * ITEM_M, item_vector = (uint)get_local_id(0);
    const uint first_row = (uint)get_group_id(1) * TILE_M, first_column = (uint)get_group_id(0) * TILE_N;
    const ulong piece = get_group_id(2);
    const uint end = (uint)min((piece + 1) * depth, k);
    uint start = (uint)(piece * depth);
    a += a_offset;
    b += b_offset;
    c += c_offset + piece * m * n;
    UNROLL for (uint r = 0; r < ITEM_M; r++) {
        UNROLL for (uint v = 0; v < VECTORS; v++) sums[r][v] = 0.0f;
    }
    fetch_tile(a, a_along, (uint)m, first_row, TILE_M, (uint)k, start, end, A_LOADS, some_a);
    fetch_tile(b, b_along, (uint)n, first_column, TILE_N, (uint)k, start, end, B_LOADS, some_b);
    for (uint buffer = 0; start < end; buffer = BUFFERS - 1 - buffer) {
        __local vector *now_a = slice_a + buffer * TILE_K * A_PITCH, *now_b = slice_b + buffer * TILE_K * B_PITCH;
        WAIT_FOR_READERS
        keep_slice(some_a, a_along, TILE_M, A_LOADS, now_a, A_PITCH);
        keep_slice(some_b, b_along, TILE_N, B_LOADS, now_b, B_PITCH);
        barrier(CLK_LOCAL_MEM_FENCE);
        start += TILE_K;
        fetch_tile(a, a_along, (uint)m, first_row, TILE_M, (uint)k, start, end, A_LOADS, some_a);
        fetch_tile(b, b_along, (uint)n, first_column, TILE_N, (uint)k, start, end, B_LOADS, some_b);
        multiply(now_a + item_row / WIDTH, now_b + item_vector, sums);
    }
    UNROLL for (uint r = 0; r < ITEM_M; r++) {
        UNROLL for (uint v = 0; v < VECTORS; v++) {
            const ulong row = first_row + item_row + r;
            const ulong column = first_column + (item_vector + v * GROUP_N) * WIDTH;
            lanes sum;
            sum.whole = sums[r][v];
            WRITE(row < m, row, column, n, sum)
        }
    }
}
