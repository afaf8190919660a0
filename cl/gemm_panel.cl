/* SPDX-License-Identifier: MIT */
/* Matrix product for processors with vector registers and caches: C = op(A) op(B), or C += op(A) op(B), row-major,
 * single precision.
 *
 * Mapping: one work-item computes a block of C in strips 2 LANES columns wide, and a strip in tiles of ROWS rows. A
 * tile stays in registers while k runs: each step loads two vectors of B, and for each row one number of A that it
 * multiplies with both, so 2 ROWS multiply-adds need only ROWS + 2 loads. Work-groups are of one work-item: on a CPU a
 * work-group is a loop on one core, so there is nothing to share and no barrier.
 *
 * Packing: for neighbouring k the two vectors of B lie a whole row of B apart, on other pages when B is wide. So a
 * work-item first copies K_BLOCK rows of its columns into a panel, in which they follow each other; all tiles of the
 * strip use it. This also hides whether B is transposed, and fills up the last columns with zeros.
 *
 *        B [k, n]           panel [K_BLOCK][2 LANES]             C [m, n]
 *     +----+----+--+                +----+                    +----+----+--+
 *     |    |////|  |     pack       |////|      product       |    |tile|  |  ROWS
 *     |    |////|  |     --->       |////|      --->          |    |tile|  |
 *     |    |    |  |                +----+                    |    |  : |  |
 *     +----+----+--+                                          +----+----+--+
 *
 * A work-item takes all its strips through one block of k before the next, so this part of A comes from memory once and
 * then from the second-level cache. Sums wait in local memory from one block to the next. After the last block each row
 * of a tile goes through FINISH, which adds a bias, applies an activation or whatever the plan asks for, and stores.
 *
 * What bounds it: the multiply-add units, if a tile fits the registers (2 ROWS sums, two vectors of B, one of A: ROWS =
 * 6 for 16 registers, AVX2 and SSE; 12 for 32, AVX-512 and NEON) and a panel the first-level cache. With fewer rows the
 * loads bound it, with more the compiler spills sums to memory. Unrolling by four keeps the loop's own work small. */

#include "panel.cl"

/* One tile over `depth` steps. op(A) lies in one of two ways: k side by side and rows `stride` apart, or rows side by
 * side and k `stride` apart. */
#define TILE(name, EACH)                                                                                               \
    __attribute__((noinline))                                                                                          \
    void name(const ulong rows, const ulong depth, __global const float *a, const ulong stride,                        \
              __local const vector *panel, __local vector *sums, const uint resumes)                                   \
    {                                                                                                                  \
        EACH(START)                                                                                                    \
        if (resumes) { EACH(RESUME) }                                                                                  \
        ulong i = 0;                                                                                                   \
        for (; i + 4 <= depth; i += 4) { STEP(EACH) STEP(EACH) STEP(EACH) STEP(EACH) }                                 \
        for (; i < depth; i++) STEP(EACH)                                                                              \
        EACH(KEEP)                                                                                                     \
    }
#define K_STRIDE 1
#define ROW(r) min((ulong)r, rows - 1) * stride
TILE(rows_tile, EACH_ROW)
TILE(rows_low_tile, EACH_OF_FEW)
#undef K_STRIDE
#undef ROW
#define K_STRIDE stride
#define ROW(r) min((ulong)r, rows - 1)
TILE(columns_low_tile, EACH_OF_FEW)
#undef ROW
#define ROW(r) r /* all ROWS rows of A must exist */
TILE(columns_tile, EACH_ROW)

/* Prefetches `count` cache lines, from number `first` on, of a panel that is packed from `b` soon: packing reads short
 * pieces of many rows, which a processor does not foresee. Only a hint: addresses past the end of B do no harm. */
void fetch_panel(__global const float *b, const ulong stride, const bool in_rows, const ulong first, const ulong count)
{
    for (ulong i = first; i < first + count; i++)
        FETCH(b + (in_rows ? i * stride : (i % COLUMNS) * stride + i / COLUMNS * LINE))
}

/* Launched with a work-item for each block of C. Dimension 0 counts blocks of row_block rows, dimension 1 blocks of
 * `strips` strips, dimension 2 products whose matrices lie one after the other. Their results are the rows of one tall
 * C, and a product's own rows begin at `top`. op(A) lies in rows, columns or slabs; a tile's rows begin at row *
 * A_TILE. */
#define PRODUCT(kernel_name, LIES_IN, SLABS, A_TILE, A_K, A_STRIDE, PACK, B_STRIDE, B_COLUMN, B_K)                     \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const ulong m, const ulong n, const ulong k, const ulong row_block, const ulong strips,           \
                     __global const float *restrict a, const ulong a_offset, __global const float *restrict b,         \
                     const ulong b_offset, __global float *c, const ulong c_offset, const uint add FINISH_PARAMETERS)  \
    {                                                                                                                  \
        __local vector panel[2 * K_BLOCK], sums[2 * (SUM_ROWS + FEW_ROWS)];                                            \
        const ulong first_row = get_global_id(0) * row_block, end_row = min(first_row + row_block, m);                 \
        const ulong first_column = get_global_id(1) * strips * COLUMNS;                                                \
        const ulong end_column = min(first_column + strips * COLUMNS, n);                                              \
        const ulong lines_a_tile = K_BLOCK * COLUMNS / LINE * ROWS / (end_row - first_row + ROWS);                     \
        const ulong sums_a_strip = k > K_BLOCK ? 2 * (row_block + FEW_ROWS) : 0;                                       \
        const ulong top = get_global_id(2) * m;                                                                        \
        a += a_offset + top * k;                                                                                       \
        b += b_offset + get_global_id(2) * k * n;                                                                      \
        c += c_offset;                                                                                                 \
        for (ulong start = 0; start < k; start += K_BLOCK) {                                                           \
            const ulong depth = min((ulong)K_BLOCK, k - start);                                                        \
            const bool is_last = start + depth == k;                                                                   \
            __local vector *strip_sums = sums;                                                                         \
            for (ulong column = first_column; column < end_column; column += COLUMNS, strip_sums += sums_a_strip) {    \
                const ulong columns = min((ulong)COLUMNS, n - column);                                                 \
                __global const float *from_b = b + column * B_COLUMN + start * B_K;                                    \
                __global const float *next =                                                                           \
                    column + COLUMNS < end_column ? from_b + COLUMNS * B_COLUMN                                        \
                                                  : b + first_column * B_COLUMN + (start + K_BLOCK) * B_K;             \
                ulong fetched = 0;                                                                                     \
                PACK(from_b, B_STRIDE, columns, depth, panel);                                                         \
                for (ulong row = first_row; row < end_row;) {                                                          \
                    const ulong left = end_row - row;                                                                  \
                    const bool splits = !SLABS && left > ROWS && left <= 2 * FEW_ROWS;                                 \
                    const bool is_low = left <= FEW_ROWS || splits || (!SLABS && A_TILE == 1 && left < ROWS);          \
                    const ulong rows = min(left, (ulong)(is_low ? FEW_ROWS : ROWS));                                   \
                    __global const float *from = a + row * A_TILE + start * A_K;                                       \
                    __local vector *to = strip_sums + 2 * (row - first_row);                                           \
                    __local float *done = (__local float *)to;                                                         \
                    if (is_low)                                                                                        \
                        LIES_IN##_low_tile(rows, depth, from, A_STRIDE, panel, to, start > 0);                         \
                    else                                                                                               \
                        LIES_IN##_tile(rows, depth, from, A_STRIDE, panel, to, start > 0);                             \
                    for (ulong r = 0; is_last && add && r < rows; r++)                                                 \
                        for (ulong j = 0; j < columns; j++)                                                            \
                            done[r * COLUMNS + j] += c[(top + row + r) * n + column + j];                              \
                    for (ulong r = 0; is_last && columns == COLUMNS && r < rows; r++)                                  \
                        FINISH((uint)(top + row + r), (uint)column, done + r * COLUMNS, COLUMNS)                       \
                    for (ulong r = 0; is_last && columns < COLUMNS && r < rows; r++)                                   \
                        FINISH((uint)(top + row + r), (uint)column, done + r * COLUMNS, (uint)columns)                 \
                    fetch_panel(next, B_STRIDE, B_COLUMN == 1, fetched, lines_a_tile);                                 \
                    fetched += lines_a_tile;                                                                           \
                    row += rows;                                                                                       \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

/* Named after how A and B are stored: n as op(A) is, t transposed, s in slabs of ROWS rows (pack_slabs). */
#define GEMM_NN(name) PRODUCT(name, rows, 0, k, 1, k, pack_rows, n, 1, n)
#define GEMM_NT(name) PRODUCT(name, rows, 0, k, 1, k, pack_columns, k, k, 1)
#define GEMM_TN(name) PRODUCT(name, columns, 0, 1, m, m, pack_rows, n, 1, n)
#define GEMM_TT(name) PRODUCT(name, columns, 0, 1, m, m, pack_columns, k, k, 1)
#define GEMM_SN(name) PRODUCT(name, columns, 1, k, ROWS, ROWS, pack_rows, n, 1, n)
#define GEMM_ST(name) PRODUCT(name, columns, 1, k, ROWS, ROWS, pack_columns, k, k, 1)
GEMM_NN(gemm_nn)
GEMM_NT(gemm_nt)
GEMM_TN(gemm_tn)
GEMM_TT(gemm_tt)
GEMM_SN(gemm_sn)
GEMM_ST(gemm_st)

/* Copies op(A) into slabs, [m / ROWS][k][ROWS], if its rows are many and far apart in memory: a tile then reads one
 * stream instead of ROWS. Mapping: one work-item copies SLAB_DEPTH columns of one slab; dimension 0 counts the slabs,
 * dimension 1 the pieces of k. Bound by memory: it reads and writes A once. */
#define SLABS(kernel_name, AT, COPY_FOUR)                                                                              \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const ulong m, const ulong k, __global const float *restrict a, const ulong a_offset,             \
                     __global float *restrict slabs, const ulong slabs_offset)                                         \
    {                                                                                                                  \
        const ulong row = get_global_id(0) * ROWS, rows = min((ulong)ROWS, m - row);                                   \
        ulong i = get_global_id(1) * SLAB_DEPTH;                                                                       \
        const ulong end = min(i + SLAB_DEPTH, k);                                                                      \
        a += a_offset;                                                                                                 \
        slabs += slabs_offset + row * k;                                                                               \
        for (; rows == ROWS && i + 4 <= end; i += 4)                                                                   \
            for (ulong r = 0; r < ROWS; r += 2) COPY_FOUR(a + AT(r, i), slabs + i * ROWS + r)                          \
        for (; i < end; i++)                                                                                           \
            for (ulong r = 0; r < ROWS; r++) slabs[i * ROWS + r] = a[AT(min(r, rows - 1), i)];                         \
    }
#define IN_ROWS(r, i)    ((row + (r)) * k + (i))
#define IN_COLUMNS(r, i) ((i) * m + row + (r))
/* Four columns of two rows. */
#define FOUR_OF_ROWS(from, to)                                                                                         \
    {                                                                                                                  \
        const float4 upper = vload4(0, from), lower = vload4(0, from + k);                                             \
        vstore2((float2)(upper.s0, lower.s0), 0, to);                                                                  \
        vstore2((float2)(upper.s1, lower.s1), 0, to + ROWS);                                                           \
        vstore2((float2)(upper.s2, lower.s2), 0, to + 2 * ROWS);                                                       \
        vstore2((float2)(upper.s3, lower.s3), 0, to + 3 * ROWS);                                                       \
    }
#define FOUR_OF_COLUMNS(from, to)                                                                                      \
    {                                                                                                                  \
        vstore2(vload2(0, from), 0, to);                                                                               \
        vstore2(vload2(0, from + m), 0, to + ROWS);                                                                    \
        vstore2(vload2(0, from + 2 * m), 0, to + 2 * ROWS);                                                            \
        vstore2(vload2(0, from + 3 * m), 0, to + 3 * ROWS);                                                            \
    }
SLABS(slabs_of_rows, IN_ROWS, FOUR_OF_ROWS)
SLABS(slabs_of_columns, IN_COLUMNS, FOUR_OF_COLUMNS)
