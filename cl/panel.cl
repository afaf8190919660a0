/* SPDX-License-Identifier: MIT */
/* What the kernels for processors with vector registers share: the parts of a register tile over a panel, which
 * gemm_panel.cl explains, and how a panel is packed. Pasted once a program, as other kernels' helpers are; its end, the
 * default of FINISH, once a kernel. */
#ifndef PANEL_CL
#define PANEL_CL

/* The host gives these: ROWS of a tile (6 or 12), LANES of a vector (4, 8 or 16), K_BLOCK, the most steps of k in a
 * panel, and SUM_ROWS, the rows of sums, of all strips together, that a work-item can keep. */
#ifndef ROWS
#define ROWS     6
#define LANES    8
#define K_BLOCK  32
#define SUM_ROWS 64
#endif

#define COLUMNS     (2 * LANES)
#define PASTE(a, b) a##b
#define NAME(a, b)  PASTE(a, b)
#define LOAD        NAME(vload, LANES)
#define STORE       NAME(vstore, LANES)
typedef NAME(float, LANES) vector;

#define INLINE   static inline __attribute__((always_inline))
#define OUTLINED __attribute__((noinline)) /* compiled once for all kernels of a program: compilers take long over tiles */

/* A tile's sums are variables of their own rather than an array, so that every compiler keeps them in registers:
 * EACH_ROW(X) writes X(0) X(1) ... for a tile's rows. The last rows of a strip use tiles of two thirds the height where
 * those fit better: 128 rows are 20 x 6 + 2 x 4. `height` is a tile's, ROWS or FEW_ROWS; as it is a constant where a
 * tile is compiled, the parts of rows past it vanish. */
#if ROWS == 12
#define FEW_ROWS    8
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#else
#define FEW_ROWS    4
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)
#endif

/* A tile adds op(A)'s rows times a panel to `sums` ([rows][COLUMNS]). Row r of op(A) begins at a + ROW(r), which each
 * file defines for its tiles. A tile over the lower edge of C computes its last row several times: A is never read past
 * its end. Macros, since sums have numbers in their names and `a` and `panel` lie in one address space or another. */
#define START(r)                                                                                                       \
    const ulong row##r = ROW(r);                                                                                       \
    vector left##r = 0.0f, right##r = 0.0f;
#define RESUME(r)                                                                                                      \
    if (r < height) {                                                                                                  \
        left##r = sums[2 * r];                                                                                         \
        right##r = sums[2 * r + 1];                                                                                    \
    }
#define MULTIPLY(r)                                                                                                    \
    if (r < height) {                                                                                                  \
        const vector factor = a[row##r];                                                                               \
        left##r += factor * b_left;                                                                                    \
        right##r += factor * b_right;                                                                                  \
    }
#define KEEP(r)                                                                                                        \
    if (r < height) {                                                                                                  \
        sums[2 * r] = left##r;                                                                                         \
        sums[2 * r + 1] = right##r;                                                                                    \
    }

/* The vector itself. For AVX-512 clang makes two of each vector, of half the width, except in functions that give
 * vectors to others or take some: a tile's sums, then twice as many, would no longer fit the registers. */
INLINE vector whole(const vector v)
{
    return v;
}

/* A step of k: two vectors of the panel, and of each row of op(A) a number that multiplies both. */
#define STEP                                                                                                           \
    {                                                                                                                  \
        const vector b_left = whole(panel[0]), b_right = whole(panel[1]);                                              \
        EACH_ROW(MULTIPLY)                                                                                             \
    }

/* Whether the next tile is a low one when `left` rows remain: the last one, or the first of two, which are lower than a
 * high one and a low one. */
bool is_low_next(const ulong left)
{
    return left <= FEW_ROWS || (left > ROWS && left <= 2 * FEW_ROWS);
}

/* The rows of that tile; a tile of up to FEW_ROWS is a low one. */
ulong next_rows(const ulong left)
{
    return min(left, (ulong)(is_low_next(left) ? FEW_ROWS : ROWS));
}

/* Prefetches a cache line, which has LINE floats. */
#if defined(__x86_64__) || defined(__aarch64__) /* only where the processor is known */
#define FETCH(from) __builtin_prefetch((const void *)(ulong)(from));
#else
#define FETCH(from) (void)(from);
#endif
#define LINE 16

/* Prefetches a run of a row. Only a hint: addresses past the end do no harm. */
#define FETCH_RUN(from)                                                                                                \
    for (uint line = 0; line < COLUMNS; line += LINE) FETCH((from) + line)

/* Transposes a 4 x 4 block: rows lie `stride` apart in `from` and COLUMNS apart in `to`. */
void transpose_four(__global const float *from, const ulong stride, __local float *to)
{
    const float4 a = vload4(0, from), b = vload4(0, from + stride);
    const float4 c = vload4(0, from + 2 * stride), d = vload4(0, from + 3 * stride);
    vstore4((float4)(a.s0, b.s0, c.s0, d.s0), 0, to);
    vstore4((float4)(a.s1, b.s1, c.s1, d.s1), 0, to + COLUMNS);
    vstore4((float4)(a.s2, b.s2, c.s2, d.s2), 0, to + 2 * COLUMNS);
    vstore4((float4)(a.s3, b.s3, c.s3, d.s3), 0, to + 3 * COLUMNS);
}

/* Of each half of two rows the first or the last two numbers: one by one by turns, or two by two. */
INLINE float8 pairs_low(const float8 a, const float8 b)
{
    return (float8)(a.s0, b.s0, a.s1, b.s1, a.s4, b.s4, a.s5, b.s5);
}

INLINE float8 pairs_high(const float8 a, const float8 b)
{
    return (float8)(a.s2, b.s2, a.s3, b.s3, a.s6, b.s6, a.s7, b.s7);
}

INLINE float8 fours_low(const float8 a, const float8 b)
{
    return (float8)(a.s01, b.s01, a.s45, b.s45);
}

INLINE float8 fours_high(const float8 a, const float8 b)
{
    return (float8)(a.s23, b.s23, a.s67, b.s67);
}

/* The same for an 8 x 8 block, with half as many loads and stores for each number: rows meet in pairs, then in fours. */
void transpose_eight(__global const float *from, const ulong stride, __local float *to)
{
    const float8 a = vload8(0, from), b = vload8(0, from + stride);
    const float8 c = vload8(0, from + 2 * stride), d = vload8(0, from + 3 * stride);
    const float8 e = vload8(0, from + 4 * stride), f = vload8(0, from + 5 * stride);
    const float8 g = vload8(0, from + 6 * stride), h = vload8(0, from + 7 * stride);
    const float8 ab0 = pairs_low(a, b), ab2 = pairs_high(a, b), cd0 = pairs_low(c, d), cd2 = pairs_high(c, d);
    const float8 ef0 = pairs_low(e, f), ef2 = pairs_high(e, f), gh0 = pairs_low(g, h), gh2 = pairs_high(g, h);
    const float8 top0 = fours_low(ab0, cd0), top1 = fours_high(ab0, cd0), top2 = fours_low(ab2, cd2),
                 top3 = fours_high(ab2, cd2);
    const float8 low0 = fours_low(ef0, gh0), low1 = fours_high(ef0, gh0), low2 = fours_low(ef2, gh2),
                 low3 = fours_high(ef2, gh2);
    vstore8((float8)(top0.lo, low0.lo), 0, to);
    vstore8((float8)(top1.lo, low1.lo), 0, to + COLUMNS);
    vstore8((float8)(top2.lo, low2.lo), 0, to + 2 * COLUMNS);
    vstore8((float8)(top3.lo, low3.lo), 0, to + 3 * COLUMNS);
    vstore8((float8)(top0.hi, low0.hi), 0, to + 4 * COLUMNS);
    vstore8((float8)(top1.hi, low1.hi), 0, to + 5 * COLUMNS);
    vstore8((float8)(top2.hi, low2.hi), 0, to + 6 * COLUMNS);
    vstore8((float8)(top3.hi, low3.hi), 0, to + 7 * COLUMNS);
}

/* Packs `depth` rows of a panel from B stored [k, n]: they are pieces of B's rows, `stride` apart. */
void pack_rows(__global const float *b, const ulong stride, const ulong columns, const ulong depth, __local vector *panel)
{
    for (ulong i = 0; columns == COLUMNS && i < depth; i++, b += stride) {
        panel[2 * i] = LOAD(0, b);
        panel[2 * i + 1] = LOAD(1, b);
    }
    __local float *to = (__local float *)panel;
    for (ulong i = 0; columns < COLUMNS && i < depth; i++, b += stride)
        for (ulong j = 0; j < COLUMNS; j++) to[i * COLUMNS + j] = j < columns ? b[j] : 0.0f;
}

/* The same from B stored [n, k]: the panel's columns are pieces of B's rows. */
void pack_columns(__global const float *b, const ulong stride, const ulong columns, const ulong depth,
                  __local vector *panel)
{
    __local float *to = (__local float *)panel;
    ulong i = 0;
    for (; LANES >= 8 && columns == COLUMNS && i + 8 <= depth; i += 8)
        for (ulong j = 0; j < COLUMNS; j += 8) transpose_eight(b + j * stride + i, stride, to + i * COLUMNS + j);
    for (; columns == COLUMNS && i + 4 <= depth; i += 4)
        for (ulong j = 0; j < COLUMNS; j += 4) transpose_four(b + j * stride + i, stride, to + i * COLUMNS + j);
    for (; i < depth; i++)
        for (ulong j = 0; j < COLUMNS; j++) to[i * COLUMNS + j] = j < columns ? b[j * stride + i] : 0.0f;
}

/* Finishes a row of a strip: adds what C holds if `add` is set, then calls FINISH. A macro, since FINISH names the
 * kernel's own parameters. Whole rows are finished by code of their own, whose loops have a constant length. */
#define FINISH_ROW(row, column, columns, done)                                                                         \
    {                                                                                                                  \
        for (uint j = 0; add && j < (columns); j++) (done)[j] += c[(ulong)(row) * n + (column) + j];                   \
        if ((columns) == COLUMNS) {                                                                                    \
            FINISH((uint)(row), (uint)(column), (done), COLUMNS)                                                       \
        } else {                                                                                                       \
            FINISH((uint)(row), (uint)(column), (done), (uint)(columns))                                               \
        }                                                                                                              \
    }

#endif

/* Prefetches where FINISH reads and writes whole runs, for the one from (row, column) on. A plan defines its own. */
#ifndef FINISH_FETCH
#define FINISH_FETCH(row, column) FETCH_RUN(c + (ulong)(row) * n + (column))
#endif

/* What happens to `count` finished neighbouring elements of a row of C, from (row, column) on, up to COLUMNS of them in
 * local memory. A plan defines its own, with its own parameters (see gemm_plain.cl). */
#ifndef FINISH
#define FINISH_PARAMETERS
#define FINISH(row, column, product, count)                                                                            \
    if (count == COLUMNS) {                                                                                            \
        STORE(LOAD(0, product), 0, c + (row) * n + (column));                                                          \
        STORE(LOAD(1, product), 1, c + (row) * n + (column));                                                          \
    } else {                                                                                                           \
        for (uint lane = 0; lane < count; lane++) c[(row) * n + (column) + lane] = (product)[lane];                    \
    }
#endif
