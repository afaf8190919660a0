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
 * makes a C of its own in memory. A second kernel adds them up in the order of k, so the result is always the same. */

#include "tile.cl"

/* Fetches a slice: `tile` of the `edge` rows or columns of C, from `first` on, and k from `start` on, up to `end`.
 * ALONG: the matrix's rows run along k; ACROSS: they run along C's edge. */
#define FETCH_ALONG(matrix, edge, first, tile, loads, fetched)                                                         \
    fetch_slice(matrix, (uint)k, first, (uint)edge, start, end, TILE_K / WIDTH, loads, fetched)
#define FETCH_ACROSS(matrix, edge, first, tile, loads, fetched)                                                        \
    fetch_slice(matrix, (uint)edge, start, end, first, (uint)edge, tile / WIDTH, loads, fetched)

/* Launched with a work-group for each tile of C and piece of k, `depth` long; piece p writes at c + p * m * n. */
#define PRODUCT(kernel_name, A_FORM, KEEP_A, B_FORM, KEEP_B)                                                           \
    __kernel __attribute__((reqd_work_group_size(GROUP_N, GROUP_M, 1)))                                                \
    void kernel_name(const ulong m, const ulong n, const ulong k, const ulong depth, __global const float *restrict a, \
                     const ulong a_offset, __global const float *restrict b, const ulong b_offset, __global float *c,  \
                     const ulong c_offset, const uint add FINISH_PARAMETERS)                                           \
    {                                                                                                                  \
        const uint first_row = (uint)get_group_id(1) * TILE_M, first_column = (uint)get_group_id(0) * TILE_N;          \
        const ulong piece = get_group_id(2);                                                                           \
        const uint end = (uint)min((piece + 1) * depth, k);                                                            \
        uint start = (uint)(piece * depth);                                                                            \
        a += a_offset;                                                                                                 \
        b += b_offset;                                                                                                 \
        c += c_offset + piece * m * n;                                                                                 \
        SUM_TILE(A_FORM(a, m, first_row, TILE_M, A_LOADS, some_a), KEEP_A,                                             \
                 B_FORM(b, n, first_column, TILE_N, B_LOADS, some_b), KEEP_B)                                          \
        UNROLL for (uint r = 0; r < ITEM_M; r++) {                                                                     \
            UNROLL for (uint v = 0; v < VECTORS; v++) {                                                                \
                const ulong row = first_row + item_row + r;                                                            \
                const ulong column = first_column + (item_vector + v * GROUP_N) * WIDTH;                               \
                lanes sum;                                                                                             \
                sum.whole = sums[r][v];                                                                                \
                WRITE(row < m, row, column, n, sum)                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }

/* Named after how A and B are stored: n as op(A) is, t transposed. */
#define GEMM_NN(name) PRODUCT(name, FETCH_ALONG, keep_along, FETCH_ACROSS, keep_across)
#define GEMM_NT(name) PRODUCT(name, FETCH_ALONG, keep_along, FETCH_ALONG, keep_along)
#define GEMM_TN(name) PRODUCT(name, FETCH_ACROSS, keep_across, FETCH_ACROSS, keep_across)
#define GEMM_TT(name) PRODUCT(name, FETCH_ACROSS, keep_across, FETCH_ALONG, keep_along)
FORM(gemm_tile)
TILE_SUM(tile_sum)
