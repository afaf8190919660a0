/* Matrix product for processors with vector registers: C = op(A) op(B), or C += op(A) op(B), row-major, single
 * precision.
 *
 * Mapping: one work-item computes a tile of C, ROWS rows by two vectors of LANES columns, and keeps it in registers all
 * the way. For each k it loads two vectors of B, and for each row one number of A that it multiplies with both: the
 * 2 ROWS multiply-adds of a step need only ROWS + 2 loads. Work-groups are of one work-item: on a CPU a work-group is a
 * loop on one core, so there is nothing to share, no local memory and no barrier.
 *
 * Packing: for neighbouring k the vectors of B lie a whole row of B apart, on other pages when B is wide. So B is first
 * copied into panels of two vectors' width, in which they follow each other; this also hides whether B is transposed,
 * and fills the last panel up with zeros, so that no tile reads past the end of B. The first dimension of the launch
 * counts tiles down a panel, which then stays in cache.
 *
 *        B [k, n]                panels [n / (2 LANES)][k][2 LANES]            C [m, n]
 *     +----+----+--+              +----+  +----+  +----+                    +----+----+--+
 *     |  0 |  1 |2 |     pack     |  0 |  |  1 |  |2 00|     product        |tile|tile|  |  ROWS
 *     |    |    |  |     --->     |    |  |    |  |  00|      --->          +----+----+--+
 *     +----+----+--+              +----+  +----+  +----+                    |    |    |  |
 *
 * What bounds it: the multiply-add units, if the tile fits the registers: 2 ROWS accumulators, two vectors of B and one
 * of A. 16 registers (AVX2, SSE) hold ROWS = 6, 32 (AVX-512, NEON) ROWS = 12. With fewer rows the loads bound it, with
 * more the compiler spills accumulators to memory. */

/* ROWS (6 or 12) and LANES (4, 8 or 16) come from the host, which asks the device for its vector width. */
#define COLUMNS   (2 * LANES)
#define PASTE(a, b) a##b
#define NAME(a, b)  PASTE(a, b)
#define LOAD      NAME(vload, LANES)
#define STORE     NAME(vstore, LANES)
typedef NAME(float, LANES) vector;

/* The accumulators are variables of their own rather than an array, so that every compiler keeps them in registers. */
#if ROWS == 12
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#else
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)
#endif

/* Writes one row of a tile; `columns` is smaller than COLUMNS in the last panel only. */
void put_row(__global float *c, const vector left, const vector right, const ulong columns, const uint add)
{
    if (columns == COLUMNS) {
        STORE(add ? left + LOAD(0, c) : left, 0, c);
        STORE(add ? right + LOAD(1, c) : right, 1, c);
        return;
    }
    float row[COLUMNS];
    STORE(left, 0, row);
    STORE(right, 1, row);
    for (ulong i = 0; i < columns; i++) c[i] = add ? c[i] + row[i] : row[i];
}

/* One tile. op(A)'s element (r, i) lies at r * row_stride + i * k_stride; both strides and `whole` are constants where
 * this is called, so the compiler makes a version for each. A tile over the lower edge of C computes its last row
 * several times and writes it once: A is never read past its end. */
void multiply_tile(const bool whole, const ulong rows, const ulong columns, const ulong k,
                   __global const float *a, const ulong row_stride, const ulong k_stride,
                   __global const float *panel, __global float *c, const ulong n, const uint add)
{
#define START(r)                                                                                                       \
    const ulong row##r = (whole || r < rows ? r : rows - 1) * row_stride;                                              \
    vector left##r = 0.0f, right##r = 0.0f;
    EACH_ROW(START)

    for (ulong i = 0; i < k; i++) {
        const vector b_left = LOAD(0, panel), b_right = LOAD(1, panel);
#define MULTIPLY(r)                                                                                                    \
    {                                                                                                                  \
        const vector factor = a[row##r];                                                                               \
        left##r += factor * b_left;                                                                                    \
        right##r += factor * b_right;                                                                                  \
    }
        EACH_ROW(MULTIPLY)
        a += k_stride;
        panel += COLUMNS;
    }

#define FINISH(r)                                                                                                      \
    if (whole || r < rows) put_row(c + r * n, left##r, right##r, columns, add);
    EACH_ROW(FINISH)
}

/* Launched with one work-item for each tile: dimension 0 counts them down, dimension 1 across. */
#define PRODUCT(kernel_name, ROW_STRIDE, K_STRIDE)                                                                     \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const ulong m, const ulong n, const ulong k, __global const float *restrict a,                    \
                     const ulong a_offset, __global const float *restrict panels, const ulong panels_offset,           \
                     __global float *restrict c, const ulong c_offset, const uint add)                                 \
    {                                                                                                                  \
        const ulong row = get_global_id(0) * ROWS, column = get_global_id(1) * COLUMNS;                                \
        const ulong rows = min((ulong)ROWS, m - row), columns = min((ulong)COLUMNS, n - column);                       \
        a += a_offset + row * ROW_STRIDE;                                                                              \
        panels += panels_offset + column * k;                                                                          \
        c += c_offset + row * n + column;                                                                              \
        if (rows == ROWS)                                                                                              \
            multiply_tile(true, rows, columns, k, a, ROW_STRIDE, K_STRIDE, panels, c, n, add);                         \
        else                                                                                                           \
            multiply_tile(false, rows, columns, k, a, ROW_STRIDE, K_STRIDE, panels, c, n, add);                        \
    }

PRODUCT(gemm_panel, k, 1)            /* A is stored [m, k] */
PRODUCT(gemm_panel_transposed, 1, m) /* A is stored [k, m] */

/* Packing. Mapping: one work-item copies PACK_ROWS rows of one panel; dimension 0 counts the panels, dimension 1 the
 * pieces of k. Bound by memory: it reads and writes B once. */

/* B is stored [k, n]: a panel's rows are pieces of B's rows. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pack_rows(const ulong n, const ulong k, __global const float *restrict b, const ulong b_offset,
               __global float *restrict panels, const ulong panels_offset)
{
    const ulong column = get_global_id(0) * COLUMNS, columns = min((ulong)COLUMNS, n - column);
    const ulong first = get_global_id(1) * PACK_ROWS, last = min(first + PACK_ROWS, k);
    b += b_offset + column;
    panels += panels_offset + column * k;
    for (ulong i = first; i < last; i++) {
        __global const float *from = b + i * n;
        __global float *to = panels + i * COLUMNS;
        if (columns == COLUMNS) {
            STORE(LOAD(0, from), 0, to);
            STORE(LOAD(1, from), 1, to);
        } else {
            for (ulong j = 0; j < COLUMNS; j++) to[j] = j < columns ? from[j] : 0.0f;
        }
    }
}

/* B is stored [n, k]: a panel's columns are pieces of B's rows. The piece written stays in the first-level cache while
 * its columns are filled one after the other. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pack_columns(const ulong n, const ulong k, __global const float *restrict b, const ulong b_offset,
                  __global float *restrict panels, const ulong panels_offset)
{
    const ulong column = get_global_id(0) * COLUMNS, columns = min((ulong)COLUMNS, n - column);
    const ulong first = get_global_id(1) * PACK_ROWS, last = min(first + PACK_ROWS, k);
    b += b_offset + column * k;
    panels += panels_offset + column * k;
    for (ulong j = 0; j < COLUMNS; j++)
        for (ulong i = first; i < last; i++) panels[i * COLUMNS + j] = j < columns ? b[j * k + i] : 0.0f;
}
