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
 * Global memory is always read along its rows, in vectors; a matrix whose rows run along k is turned round on its way
 * into local memory. There PADDING matters: without it, lanes that hold different k of one row would all write to the
 * same bank, as a row of the slice is a multiple of the number of banks long.
 *
 * Waiting: the next slices are fetched into registers before the multiply-adds of this one, which hide the way from
 * memory. With BUFFERS = 2 they go into other places than the ones being read, which saves one of two barriers a step
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
 * makes a C of its own in memory, and a second kernel adds them up in the order of k: each time the same result. */

/* TILE_M, TILE_N, TILE_K, ITEM_M, ITEM_N, WIDTH (1, 2, 4 or 8), PADDING, BUFFERS (1 or 2) and FORM, which of the four
 * transposes to compile, come from the host. */
#define GROUP_M (TILE_M / ITEM_M)
#define GROUP_N (TILE_N / ITEM_N)
#define GROUP   (GROUP_M * GROUP_N)
#define VECTORS (ITEM_N / WIDTH)
/* Vectors of a slice that a work-item copies, and from one row of a slice to the next. */
#define A_LOADS (TILE_M * TILE_K / (WIDTH * GROUP))
#define B_LOADS (TILE_N * TILE_K / (WIDTH * GROUP))
#define A_PITCH ((TILE_M + PADDING) / WIDTH)
#define B_PITCH ((TILE_N + PADDING) / WIDTH)

#if TILE_M % ITEM_M || TILE_N % ITEM_N || ITEM_M % WIDTH || ITEM_N % WIDTH || TILE_K % WIDTH || PADDING % WIDTH
#error "gemm_tile.cl: tiles are whole items, items and slices whole vectors"
#endif
#if TILE_M * TILE_K % (WIDTH * GROUP) || TILE_N * TILE_K % (WIDTH * GROUP)
#error "gemm_tile.cl: each work-item copies as many vectors of a slice as the others"
#endif

/* Sums stay in registers only if every index of their arrays is a constant: all loops over them are unrolled. */
#define UNROLL _Pragma("unroll")
#define INLINE static inline __attribute__((always_inline))

#if WIDTH == 1
typedef float vector;
#define LOAD(from) (*(from))
#else
#define PASTE(a, b) a##b
#define NAME(a, b)  PASTE(a, b)
typedef NAME(float, WIDTH) vector;
#define LOAD(from) NAME(vload, WIDTH)(0, from)
#endif
typedef union {
    vector whole;
    float lane[WIDTH];
} lanes;

/* What happens to `count` neighbouring elements of a row of C, from (row, column) on, once they are computed. A plan
 * defines its own, with parameters of its own, before it makes a kernel by one of the GEMM_ macros below. */
#define RUN WIDTH
#define RUN_SPACE __private
#define FINISH_PARAMETERS
#define FINISH(row, column, product, count)                                                                            \
    for (uint lane = 0; lane < count; lane++) c[(row) * n + (column) + lane] = (product)[lane];

/* Adds WIDTH sums (a `lanes`) to what C holds, if so asked, and hands them on; at the end of a row, as many as there
 * are. Apart from each other, since an array of a run whose length varies cannot stay in registers. */
#define WRITE(row, column, sum)                                                                                        \
    if (row < m && column + WIDTH <= n) {                                                                              \
        float product[WIDTH];                                                                                          \
        UNROLL for (uint j = 0; j < WIDTH; j++) product[j] = sum.lane[j];                                              \
        if (add) {                                                                                                     \
            UNROLL for (uint j = 0; j < WIDTH; j++) product[j] += c[row * n + column + j];                             \
        }                                                                                                              \
        FINISH((uint)row, (uint)column, product, WIDTH)                                                                \
    } else if (row < m && column < n) {                                                                                \
        float part[WIDTH];                                                                                             \
        UNROLL for (uint j = 0; j < WIDTH; j++) part[j] = sum.lane[j];                                                 \
        for (uint j = 0; add && column + j < n; j++) part[j] += c[row * n + column + j];                               \
        FINISH((uint)row, (uint)column, part, (uint)(n - column))                                                      \
    }

INLINE uint item_of_group(void)
{
    return (uint)(get_local_id(1) * GROUP_N + get_local_id(0));
}

/* A vector of a row of a matrix, from number `at` of it on. Where the row has ended it is 0, and nothing is read. */
INLINE vector fetch(__global const float *from, const uint at, const uint end)
{
    if (at + WIDTH <= end) return LOAD(from);
    lanes some;
    UNROLL for (uint j = 0; j < WIDTH; j++) some.lane[j] = at + j < end ? from[j] : 0.0f;
    return some.whole;
}

/* This work-item's vectors of a slice: of a matrix with `rows` rows of `columns`, from (row, column) on. Vectors are
 * numbered along the rows, so that neighbouring work-items read neighbouring addresses. */
INLINE void fetch_slice(__global const float *matrix, const uint stride, const uint row, const uint rows,
                        const uint column, const uint columns, const uint vectors_of_row, const uint loads,
                        vector *fetched)
{
    matrix += (ulong)row * stride + column;
    UNROLL for (uint load = 0; load < loads; load++) {
        const uint number = item_of_group() + load * GROUP;
        const uint down = number / vectors_of_row, across = number % vectors_of_row * WIDTH;
        fetched[load] = fetch(matrix + down * stride + across, column + across, row + down < rows ? columns : 0);
    }
}

/* A slice of `tile` rows or columns of C, which has `edge` of them, from `first` on; along k from `start` on to `end`.
 * ALONG: the matrix's rows run along k; ACROSS: they run along C's edge. */
#define FETCH_ALONG(matrix, edge, first, tile, loads, fetched)                                                         \
    fetch_slice(matrix, (uint)k, first, (uint)edge, start, end, TILE_K / WIDTH, loads, fetched)
#define FETCH_ACROSS(matrix, edge, first, tile, loads, fetched)                                                        \
    fetch_slice(matrix, (uint)edge, start, end, first, (uint)edge, tile / WIDTH, loads, fetched)

/* Writes fetched vectors into local memory, where k is the slow index. */
INLINE void keep_along(const vector *fetched, const uint tile, const uint loads, __local vector *slice,
                       const uint pitch)
{
    __local float *to = (__local float *)slice;
    UNROLL for (uint load = 0; load < loads; load++) {
        const uint number = item_of_group() + load * GROUP;
        const uint line = number / (TILE_K / WIDTH), position = number % (TILE_K / WIDTH) * WIDTH;
        lanes some;
        some.whole = fetched[load];
        UNROLL for (uint j = 0; j < WIDTH; j++) to[(position + j) * pitch * WIDTH + line] = some.lane[j];
    }
}

INLINE void keep_across(const vector *fetched, const uint tile, const uint loads, __local vector *slice,
                        const uint pitch)
{
    UNROLL for (uint load = 0; load < loads; load++) {
        const uint number = item_of_group() + load * GROUP;
        slice[number / (tile / WIDTH) * pitch + number % (tile / WIDTH)] = fetched[load];
    }
}

/* The slices' product is added to the sums: for each k a column of A's slice times a row of B's. `a` and `b` point to
 * this work-item's first vector in each. */
INLINE void multiply(__local const vector *a, __local const vector *b, vector sums[ITEM_M][VECTORS])
{
    _Pragma("unroll 4") for (uint i = 0; i < TILE_K; i++) {
        lanes left[ITEM_M / WIDTH];
        vector right[VECTORS];
        UNROLL for (uint v = 0; v < ITEM_M / WIDTH; v++) left[v].whole = a[i * A_PITCH + v];
        UNROLL for (uint v = 0; v < VECTORS; v++) right[v] = b[i * B_PITCH + v * GROUP_N];
        UNROLL for (uint r = 0; r < ITEM_M; r++) {
            UNROLL for (uint v = 0; v < VECTORS; v++) sums[r][v] += left[r / WIDTH].lane[r % WIDTH] * right[v];
        }
    }
}

/* With one buffer, nobody may write the next slices before all have read these. */
#if BUFFERS == 1
#define WAIT_FOR_READERS barrier(CLK_LOCAL_MEM_FENCE);
#else
#define WAIT_FOR_READERS
#endif

/* Launched with groups of GROUP_N x GROUP_M work-items, a group for each tile of C and piece of k, `depth` long; piece
 * p writes to the p-th matrix after c. */
#define PRODUCT(kernel_name, A_FORM, KEEP_A, B_FORM, KEEP_B)                                                           \
    __kernel __attribute__((reqd_work_group_size(GROUP_N, GROUP_M, 1)))                                                \
    void kernel_name(const ulong m, const ulong n, const ulong k, const ulong depth, __global const float *restrict a, \
                     const ulong a_offset, __global const float *restrict b, const ulong b_offset, __global float *c,  \
                     const ulong c_offset, const uint add FINISH_PARAMETERS)                                           \
    {                                                                                                                  \
        __local vector slice_a[BUFFERS * TILE_K * A_PITCH], slice_b[BUFFERS * TILE_K * B_PITCH];                       \
        vector sums[ITEM_M][VECTORS], some_a[A_LOADS], some_b[B_LOADS];                                                \
        const uint first_row = (uint)get_group_id(1) * TILE_M, first_column = (uint)get_group_id(0) * TILE_N;          \
        const ulong piece = get_group_id(2);                                                                           \
        const uint end = (uint)min((piece + 1) * depth, k);                                                            \
        const uint item_row = (uint)get_local_id(1) * ITEM_M, item_vector = (uint)get_local_id(0);                     \
        const uint item_column = first_column + item_vector * WIDTH;                                                   \
        a += a_offset;                                                                                                 \
        b += b_offset;                                                                                                 \
        c += c_offset + piece * m * n;                                                                                 \
        UNROLL for (uint r = 0; r < ITEM_M; r++) {                                                                     \
            UNROLL for (uint v = 0; v < VECTORS; v++) sums[r][v] = 0.0f;                                               \
        }                                                                                                              \
        uint start = (uint)(piece * depth);                                                                            \
        A_FORM(a, m, first_row, TILE_M, A_LOADS, some_a);                                                              \
        B_FORM(b, n, first_column, TILE_N, B_LOADS, some_b);                                                           \
        uint buffer = 0;                                                                                               \
        while (start < end) {                                                                                          \
            __local vector *now_a = slice_a + buffer * TILE_K * A_PITCH;                                               \
            __local vector *now_b = slice_b + buffer * TILE_K * B_PITCH;                                               \
            WAIT_FOR_READERS                                                                                           \
            KEEP_A(some_a, TILE_M, A_LOADS, now_a, A_PITCH);                                                           \
            KEEP_B(some_b, TILE_N, B_LOADS, now_b, B_PITCH);                                                           \
            barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
            start += TILE_K;                                                                                           \
            A_FORM(a, m, first_row, TILE_M, A_LOADS, some_a);                                                          \
            B_FORM(b, n, first_column, TILE_N, B_LOADS, some_b);                                                       \
            multiply(now_a + item_row / WIDTH, now_b + item_vector, sums);                                             \
            buffer = BUFFERS - 1 - buffer;                                                                             \
        }                                                                                                              \
        UNROLL for (uint r = 0; r < ITEM_M; r++) {                                                                     \
            UNROLL for (uint v = 0; v < VECTORS; v++) {                                                                \
                const ulong row = first_row + item_row + r, column = item_column + v * GROUP_N * WIDTH;                \
                lanes sum;                                                                                             \
                sum.whole = sums[r][v];                                                                                \
                WRITE(row, column, sum)                                                                                \
            }                                                                                                          \
        }                                                                                                              \
    }

/* Named after how A and B are stored: n as op(A) is, t transposed. */
#define GEMM_NN(name) PRODUCT(name, FETCH_ALONG, keep_along, FETCH_ACROSS, keep_across)
#define GEMM_NT(name) PRODUCT(name, FETCH_ALONG, keep_along, FETCH_ALONG, keep_along)
#define GEMM_TN(name) PRODUCT(name, FETCH_ACROSS, keep_across, FETCH_ACROSS, keep_across)
#define GEMM_TT(name) PRODUCT(name, FETCH_ACROSS, keep_across, FETCH_ALONG, keep_along)
FORM(gemm_tile)

/* C = the sum of the pieces of k, [pieces][m][n], first to last. Mapping: one work-item a vector of a row. Bound by
 * memory: it reads each piece once. */
#define GEMM_SUM(kernel_name)                                                                                          \
    __kernel void kernel_name(const ulong m, const ulong n, const uint pieces, __global const float *restrict parts,   \
                              const ulong parts_offset, __global float *c, const ulong c_offset,                       \
                              const uint add FINISH_PARAMETERS)                                                        \
    {                                                                                                                  \
        const ulong vectors_of_row = (n + WIDTH - 1) / WIDTH;                                                          \
        const ulong row = get_global_id(0) / vectors_of_row, column = get_global_id(0) % vectors_of_row * WIDTH;       \
        if (row >= m) return; /* the number of work-items is rounded up to whole groups */                             \
        lanes sum;                                                                                                     \
        sum.whole = 0.0f;                                                                                              \
        c += c_offset;                                                                                                 \
        parts += parts_offset + row * n + column;                                                                      \
        for (uint piece = 0; piece < pieces; piece++, parts += m * n)                                                  \
            sum.whole += fetch(parts, (uint)column, (uint)n);                                                          \
        WRITE(row, column, sum)                                                                                        \
    }
GEMM_SUM(gemm_sum)
