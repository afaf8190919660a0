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
 * Masks: where B or C is masked, each k (or row) and each column has a number, and only pairs with low <= high count;
 * one of both has the lows. Where both kinds rise, as MADE's do, the mask is a triangle and half of the work is
 * nothing. A strip has as bound the number of its most generous column. Steps of k out of bounds at either end of a
 * block are neither packed nor multiplied; a tile whose rows all are is zero. What is skipped would have added zeros,
 * so sums are the same to the bit. Where B is masked, a packed panel is too, so that B need not be stored with its
 * mask. Strips are dealt from both ends, so that work-items side by side have alike much to
 * do.
 *
 *       packed |########........|   ########  in bounds, however few of the strip's columns want it
 *              |<- K_BLOCK   ->|    ........  skipped
 *
 * What bounds it: the multiply-add units, if a tile fits the registers (2 ROWS sums, two vectors of B, one of A: ROWS =
 * 6 for 16 registers, AVX2 and SSE; 12 for 32, AVX-512 and NEON) and a panel the first-level cache. With fewer rows the
 * loads bound it, with more the compiler spills sums to memory. Unrolling by four keeps the loop's own work small. */

#include "panel.cl"

#ifndef GEMM_PANEL_CL
#define GEMM_PANEL_CL

/* How op(A) lies in memory. Slabs: see gemm_panel_slabs.cl. */
#define IN_ROWS    0 /* k side by side, rows `stride` apart */
#define IN_COLUMNS 1 /* rows side by side, k `stride` apart */
#define IN_SLABS   2 /* in columns of ROWS rows */

/* One tile over `depth` steps. In columns, a tile of ROWS rows is only used where all of them exist. */
#define ROW(r) (in_rows ? min((ulong)r, rows - 1) * stride : height == ROWS ? r : min((ulong)r, rows - 1))
#define NEXT_STEP                                                                                                      \
    STEP                                                                                                               \
    a += in_rows ? 1 : stride;                                                                                         \
    panel += 2;
INLINE void tile(const uint height, const bool in_rows, const ulong rows, const ulong depth, __global const float *a,
                 const ulong stride, __local const vector *panel, __local vector *sums, const uint resumes)
{
    EACH_ROW(START)
    if (resumes) { EACH_ROW(RESUME) }
    ulong i = 0;
    for (; i + 4 <= depth; i += 4) { NEXT_STEP NEXT_STEP NEXT_STEP NEXT_STEP }
    for (; i < depth; i++) { NEXT_STEP }
    EACH_ROW(KEEP)
}
#undef ROW
#undef NEXT_STEP

OUTLINED void rows_tile(const ulong rows, const ulong depth, __global const float *a, const ulong stride,
                        __local const vector *panel, __local vector *sums, const uint resumes)
{
    tile(ROWS, true, rows, depth, a, stride, panel, sums, resumes);
}

OUTLINED void rows_low_tile(const ulong rows, const ulong depth, __global const float *a, const ulong stride,
                            __local const vector *panel, __local vector *sums, const uint resumes)
{
    tile(FEW_ROWS, true, rows, depth, a, stride, panel, sums, resumes);
}

OUTLINED void columns_tile(const ulong rows, const ulong depth, __global const float *a, const ulong stride,
                           __local const vector *panel, __local vector *sums, const uint resumes)
{
    tile(ROWS, false, rows, depth, a, stride, panel, sums, resumes);
}

OUTLINED void columns_low_tile(const ulong rows, const ulong depth, __global const float *a, const ulong stride,
                               __local const vector *panel, __local vector *sums, const uint resumes)
{
    tile(FEW_ROWS, false, rows, depth, a, stride, panel, sums, resumes);
}

/* Prefetches `count` cache lines, from number `first` on, of a panel that is packed from `b` soon: packing reads short
 * pieces of many rows, which a processor does not foresee. Only a hint: addresses past the end of B do no harm. */
void fetch_panel(__global const float *b, const ulong stride, const bool in_rows, const ulong first, const ulong count)
{
    for (ulong i = first; i < first + count; i++)
        FETCH(b + (in_rows ? i * stride : (i % COLUMNS) * stride + i / COLUMNS * LINE))
}

/* What has numbers beside the columns. */
#define NOTHING    0
#define STEPS_OF_K 1
#define ROWS_OF_C  2

/* Of a strip's columns the number that lets most in: the least low or the greatest high. */
INLINE float bound_of(__global const float *columns, const ulong count, const bool are_low)
{
    float bound = columns[0];
    for (ulong j = 1; j < count; j++) bound = are_low ? fmin(bound, columns[j]) : fmax(bound, columns[j]);
    return bound;
}

/* Zeros where the mask has them in a packed panel, so that B may come without: `steps` are the numbers of its rows,
 * which are `have_lows`, and `columns` those of its columns. */
INLINE void mask_panel(__global const float *steps, const ulong depth, const bool have_lows,
                       __global const float *columns, const ulong count, __local vector *panel)
{
    for (ulong i = 0; count == COLUMNS && i < depth; i++) {
        const vector step = steps[i], left = LOAD(0, columns), right = LOAD(1, columns), none = 0.0f;
        panel[2 * i] = select(none, panel[2 * i], have_lows ? step <= left : step >= left);
        panel[2 * i + 1] = select(none, panel[2 * i + 1], have_lows ? step <= right : step >= right);
    }
    __local float *to = (__local float *)panel;
    for (ulong i = 0; count < COLUMNS && i < depth; i++)
        for (ulong j = 0; j < count; j++)
            if (have_lows ? !(steps[i] <= columns[j]) : !(steps[i] >= columns[j])) to[i * COLUMNS + j] = 0.0f;
}

/* How many of `count` numbers in a row, which are `are_low`, are out of bounds: from the first on, or from the last. */
INLINE ulong skipped_first(__global const float *numbers, const ulong count, const float bound, const bool are_low)
{
    ulong i = 0;
    while (i < count && (are_low ? numbers[i] > bound : numbers[i] < bound)) i++;
    return i;
}

INLINE ulong skipped_last(__global const float *numbers, const ulong count, const float bound, const bool are_low)
{
    ulong i = 0;
    while (i < count && (are_low ? numbers[count - 1 - i] > bound : numbers[count - 1 - i] < bound)) i++;
    return i;
}

#endif

/* What tells the kernels of this file apart: how op(A) lies, whether B is stored [n, k], what is masked beside the
 * columns, and whether that has the lows. Whatever depends on them is a constant. */
#ifndef KERNEL_NAME
#define KERNEL_NAME  gemm_panel
#define A_LIES       IN_ROWS
#define B_TRANSPOSED 0
#define MASKED       NOTHING
#define HAS_LOWS     0
#endif

#undef MASK_PARAMETERS
#undef MASK_OTHERS
#undef MASK_COLUMNS
#if MASKED == NOTHING
#define MASK_PARAMETERS
#define MASK_OTHERS  0
#define MASK_COLUMNS 0
#else
#define MASK_PARAMETERS                                                                                                \
    , __global const float *low, const ulong low_offset, __global const float *high, const ulong high_offset
#define MASK_OTHERS  (HAS_LOWS ? low + low_offset : high + high_offset)
#define MASK_COLUMNS (HAS_LOWS ? high + high_offset : low + low_offset)
#endif

/* Launched with a work-item for each block of C. Dimension 0 counts blocks of row_block rows, dimension 1 blocks of
 * `strips` strips, dimension 2 products whose matrices lie one after the other. Their results are the rows of one tall
 * C, and a product's own rows begin at `top`. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const ulong m, const ulong n, const ulong k, const ulong row_block, const ulong strips,
                 __global const float *restrict a, const ulong a_offset, __global const float *restrict b,
                 const ulong b_offset, __global float *c, const ulong c_offset MASK_PARAMETERS,
                 const uint add FINISH_PARAMETERS)
{
    __local vector panel[2 * K_BLOCK], sums[2 * (SUM_ROWS + FEW_ROWS)];
    /* from one row, or step of k, of op(A) to the next, and from one column, or step of k, of op(B) */
    const ulong a_row = A_LIES == IN_COLUMNS ? 1 : k;
    const ulong a_step = A_LIES == IN_ROWS ? 1 : A_LIES == IN_COLUMNS ? m : ROWS;
    const ulong a_stride = A_LIES == IN_ROWS ? a_row : a_step;
    const ulong b_column = B_TRANSPOSED ? k : 1, b_step = B_TRANSPOSED ? 1 : n, b_stride = B_TRANSPOSED ? k : n;
    const ulong first_row = get_global_id(0) * row_block, end_row = min(first_row + row_block, m);
    const ulong from_end = get_global_id(1) / 2,
                share = get_global_id(1) % 2 ? get_global_size(1) - 1 - from_end : from_end;
    const ulong first_column = (MASKED == NOTHING ? get_global_id(1) : share) * strips * COLUMNS;
    const ulong end_column = min(first_column + strips * COLUMNS, n);
    const ulong lines_a_tile = K_BLOCK * COLUMNS / LINE * ROWS / (end_row - first_row + ROWS);
    const ulong sums_a_strip = k > K_BLOCK ? 2 * (row_block + FEW_ROWS) : 0;
    const ulong top = get_global_id(2) * m;
    __global const float *others = MASK_OTHERS, *of_columns = MASK_COLUMNS;
    a += a_offset + top * k;
    b += b_offset + get_global_id(2) * k * n;
    c += c_offset;
    for (ulong start = 0; start < k; start += K_BLOCK) {
        const ulong block = min((ulong)K_BLOCK, k - start);
        const bool is_last = start + block == k;
        __local vector *strip_sums = sums;
        for (ulong column = first_column; column < end_column; column += COLUMNS, strip_sums += sums_a_strip) {
            const ulong columns = min((ulong)COLUMNS, n - column);
            ulong first = start, depth = block;
            float bound = 0;
            if (MASKED != NOTHING) bound = bound_of(of_columns + column, columns, !HAS_LOWS);
            if (MASKED == STEPS_OF_K) {
                first += skipped_first(others + start, block, bound, HAS_LOWS);
                depth -= first - start;
                depth -= skipped_last(others + first, depth, bound, HAS_LOWS);
            }
            __global const float *from_b = b + column * b_column + first * b_step;
            __global const float *next = column + COLUMNS < end_column
                                             ? b + (column + COLUMNS) * b_column + start * b_step
                                             : b + first_column * b_column + (start + K_BLOCK) * b_step;
            ulong fetched = 0;
            if (B_TRANSPOSED)
                pack_columns(from_b, b_stride, columns, depth, panel);
            else
                pack_rows(from_b, b_stride, columns, depth, panel);
            if (MASKED == STEPS_OF_K)
                mask_panel(others + first, depth, HAS_LOWS, of_columns + column, columns, panel);
            for (ulong row = first_row; row < end_row;) {
                const ulong left = end_row - row;
                /* slabs have ROWS rows but the last; in columns a high tile would read past the last row */
                const bool is_low = A_LIES == IN_SLABS ? left <= FEW_ROWS
                                                       : is_low_next(left) || (A_LIES == IN_COLUMNS && left < ROWS);
                const ulong rows = min(left, (ulong)(is_low ? FEW_ROWS : ROWS));
                const bool is_empty = MASKED == ROWS_OF_C && skipped_first(others + row, rows, bound, HAS_LOWS) == rows;
                const ulong steps = is_empty ? 0 : depth;
                __global const float *from = a + row * a_row + first * a_step;
                __local vector *to = strip_sums + 2 * (row - first_row);
                __local float *done = (__local float *)to;
                if (A_LIES == IN_ROWS) {
                    if (is_low)
                        rows_low_tile(rows, steps, from, a_stride, panel, to, start > 0);
                    else
                        rows_tile(rows, steps, from, a_stride, panel, to, start > 0);
                } else {
                    if (is_low)
                        columns_low_tile(rows, steps, from, a_stride, panel, to, start > 0);
                    else
                        columns_tile(rows, steps, from, a_stride, panel, to, start > 0);
                }
                for (ulong r = 0; is_last && add && r < rows; r++)
                    for (ulong j = 0; j < columns; j++) done[r * COLUMNS + j] += c[(top + row + r) * n + column + j];
                for (ulong r = 0; is_last && columns == COLUMNS && r < rows; r++)
                    FINISH((uint)(top + row + r), (uint)column, done + r * COLUMNS, COLUMNS)
                for (ulong r = 0; is_last && columns < COLUMNS && r < rows; r++)
                    FINISH((uint)(top + row + r), (uint)column, done + r * COLUMNS, (uint)columns)
                if (steps > 0) fetch_panel(next, b_stride, !B_TRANSPOSED, fetched, lines_a_tile);
                fetched += lines_a_tile;
                row += rows;
            }
        }
    }
}
