/* SPDX-License-Identifier: MIT */
/* Tiles in local memory, shared by gemm_tile.cl, which explains them, and conv_tile.cl. C is computed in tiles of
 * TILE_M x TILE_N by work-groups of GROUP_N x GROUP_M work-items, each of which keeps ITEM_M x ITEM_N sums. Pasted once
 * a program; its end, the default of FINISH, once a kernel. */
#ifndef TILE_CL
#define TILE_CL

/* The host gives these. WIDTH is 1, 2, 4 or 8, BUFFERS 1 or 2. */
#ifndef TILE_M
#define TILE_M  64
#define TILE_N  64
#define TILE_K  16
#define ITEM_M  4
#define ITEM_N  4
#define WIDTH   4
#define PADDING 4
#define BUFFERS 1
#endif

#define GROUP_M (TILE_M / ITEM_M)
#define GROUP_N (TILE_N / ITEM_N)
#define GROUP   (GROUP_M * GROUP_N)
#define VECTORS (ITEM_N / WIDTH)
/* LOADS: vectors of a slice that a work-item copies. PITCH: vectors from one row of a slice to the next. */
#define A_LOADS (TILE_M * TILE_K / (WIDTH * GROUP))
#define B_LOADS (TILE_N * TILE_K / (WIDTH * GROUP))
#define A_PITCH ((TILE_M + PADDING) / WIDTH)
#define B_PITCH ((TILE_N + PADDING) / WIDTH)

#if TILE_M % ITEM_M || TILE_N % ITEM_N || ITEM_M % WIDTH || ITEM_N % WIDTH || TILE_K % WIDTH || PADDING % WIDTH
#error "tiles are whole items, items and slices whole vectors"
#endif
#if TILE_M * TILE_K % (WIDTH * GROUP) || TILE_N * TILE_K % (WIDTH * GROUP)
#error "each work-item copies as many vectors of a slice as the others"
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

/* Hands WIDTH sums (a `lanes`) to FINISH, added to what C holds if `add` is set; fewer at the end of a row, none
 * outside C. C has rows of n. Whole and partial vectors are written by separate code: an array of varying length cannot
 * stay in registers. A macro, since FINISH names the kernel's own parameters. */
#define WRITE(is_inside, row, column, end, sum)                                                                        \
    if ((is_inside) && (column) + WIDTH <= (end)) {                                                                    \
        float product[WIDTH];                                                                                          \
        UNROLL for (uint j = 0; j < WIDTH; j++) product[j] = sum.lane[j];                                              \
        if (add) {                                                                                                     \
            UNROLL for (uint j = 0; j < WIDTH; j++) product[j] += c[(ulong)(row) * n + (column) + j];                  \
        }                                                                                                              \
        FINISH((uint)(row), (uint)(column), product, WIDTH)                                                            \
    } else if ((is_inside) && (column) < (end)) {                                                                      \
        float part[WIDTH];                                                                                             \
        UNROLL for (uint j = 0; j < WIDTH; j++) part[j] = sum.lane[j];                                                 \
        for (uint j = 0; add && (column) + j < (end); j++) part[j] += c[(ulong)(row) * n + (column) + j];              \
        FINISH((uint)(row), (uint)(column), part, (uint)((end) - (column)))                                            \
    }

INLINE uint item_of_group(void)
{
    return (uint)(get_local_id(1) * GROUP_N + get_local_id(0));
}

/* A vector of a matrix row, from number `at` on; past the end of the row it is 0, and nothing is read. */
INLINE vector fetch(__global const float *from, const uint at, const uint end)
{
    if (at + WIDTH <= end) return LOAD(from);
    lanes some;
    UNROLL for (uint j = 0; j < WIDTH; j++) some.lane[j] = at + j < end ? from[j] : 0.0f;
    return some.whole;
}

/* This work-item's vectors of a slice that begins at (row, column) of a matrix of `rows` x `columns`. Vectors are
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

/* Writes a slice of `tile` rows or columns of C into local memory, where k is the slow index. Its vectors were fetched
 * along k, or across. */
INLINE void keep_slice(const vector *fetched, const bool along_k, const uint tile, const uint loads,
                       __local vector *slice, const uint pitch)
{
    __local float *to = (__local float *)slice;
    UNROLL for (uint load = 0; load < loads; load++) {
        const uint number = item_of_group() + load * GROUP;
        if (along_k) {
            const uint line = number / (TILE_K / WIDTH), position = number % (TILE_K / WIDTH) * WIDTH;
            lanes some;
            some.whole = fetched[load];
            UNROLL for (uint j = 0; j < WIDTH; j++) to[(position + j) * pitch * WIDTH + line] = some.lane[j];
        } else {
            slice[number / (tile / WIDTH) * pitch + number % (tile / WIDTH)] = fetched[load];
        }
    }
}

/* Adds the slices' product to the sums: for each k a column of A's slice times a row of B's. `a` and `b` point to this
 * work-item's first vector in each. */
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

#endif

/* What happens to `count` finished neighbouring elements of a row of C, from (row, column) on, up to WIDTH of them in
 * private memory. A plan defines its own, with its own parameters (see gemm_plain.cl). */
#ifndef FINISH
#define FINISH_PARAMETERS
#define FINISH(row, column, product, count)                                                                            \
    for (uint lane = 0; lane < count; lane++) c[(ulong)(row) * n + (column) + lane] = (product)[lane];
#endif
