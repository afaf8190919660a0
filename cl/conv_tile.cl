/* SPDX-License-Identifier: MIT */
/* Convolutions for GPUs: the product of tile.cl, with A read through the window. No picture is unfolded in memory.
 *
 *     y: rows (image, height, width),      k (tap, channel),       A = x, B = w
 *     x: rows (image, height, width),      k (tap, feature),       A = y, B = w transposed
 *     w: rows (tap, channel),              k (image, height, width), A = x, B = y
 *
 * Mapping: as in gemm_tile.cl, one work-group for each tile of C. Dimension 2 counts groups of channels, pieces of k
 * and, for the data gradient, kinds of pixels. With a stride of 2 x 2, pixels at even places meet other taps than
 * pixels at odd places: each of the four kinds is a product of its own over its own taps, at stride 1, without zeros.
 * In general, pixels of one phase meet every (stride / gcd(stride, dilation))-th tap, or none.
 *
 * Along height and along width, a row reads A at row * scale + tap * step + origin, in all three products (`view`);
 * outside the tensor it reads 0. Neighbouring k are neighbouring channels of one pixel. So a slice of A is read in
 * whole vectors if the channels of a group are a multiple of WIDTH, else (as for a picture of one channel) number by
 * number. Where rows begin is computed once; each step of TILE_K costs a work-item two divisions (for w, two for each
 * vector of A) beside ITEM_M ITEM_N TILE_K multiply-adds.
 *
 * Taps in the padding are multiplied as zeros: a tile's rows span several lines of a picture, so a tap is seldom
 * outside for all of them.
 *
 * What bounds it, by reasoning, not measured: the same as gemm_tile.cl. A comes from memory about once, since the other
 * taps find the same pixels in a cache. The weights' gradient has few tiles and a long k, so k is cut into pieces. */
#include "convolution.cl"
#include "tile.cl"

#ifndef CONV_TILE_CL
#define CONV_TILE_CL

#if GROUP % (TILE_M / WIDTH) || GROUP % (TILE_K / WIDTH)
#error "conv_tile.cl: a work-item's vectors lie in one column of a slice"
#endif

/* How a group of channels of a tensor is read through the window, along height and width. */
typedef struct {
    uint extent[2], channels;           /* of the tensor */
    uint first, depth;                  /* the group's first channel, and how many it has */
    uint rows[2], taps[2];              /* extents of what reads it: results or pixels of an image, and taps */
    int scale[2], step[2], origin[2];   /* row r meets tap t at r * scale + t * step + origin */
    uint first_tap[2], tap_step[2];     /* tap t of this view is tap first_tap + t * tap_step of the window */
    uint phase[2], stride[2];           /* row r is pixel r * stride + phase */
} view;

/* The view of x: its rows are results. */
INLINE view view_of_picture(const convolution s, const uint group)
{
    view look;
    look.channels = s.channels;
    look.depth = s.channels / s.groups;
    look.first = group * look.depth;
    UNROLL for (uint axis = 0; axis < 2; axis++) {
        look.extent[axis] = s.picture[axis];
        look.rows[axis] = s.result[axis];
        look.taps[axis] = s.kernel_size[axis];
        look.scale[axis] = (int)s.stride[axis];
        look.step[axis] = (int)s.dilation[axis];
        look.origin[axis] = -(int)s.pad[axis];
        look.first_tap[axis] = look.phase[axis] = 0;
        look.tap_step[axis] = look.stride[axis] = 1;
    }
    return look;
}

/* The view of y: its rows are the pixels of one kind. Pixel r * stride + phase meets result r + (phase + pad - tap *
 * dilation) / stride, with each tap for which that is a whole number. */
INLINE view view_of_result(const convolution s, const uint group, const uint kind)
{
    view look;
    look.channels = s.features;
    look.depth = s.features / s.groups;
    look.first = group * look.depth;
    look.phase[0] = kind / s.stride[1];
    look.phase[1] = kind % s.stride[1];
    UNROLL for (uint axis = 0; axis < 2; axis++) {
        const int stride = (int)s.stride[axis], dilation = (int)s.dilation[axis];
        const int start = (int)(look.phase[axis] + s.pad[axis]), taps = (int)s.kernel_size[axis];
        int tap = 0, every = 1;
        while (tap < taps && (start - tap * dilation) % stride != 0) tap++;
        while (every * dilation % stride != 0) every++;
        look.extent[axis] = s.result[axis];
        look.rows[axis] =
            look.phase[axis] < s.picture[axis] ? (s.picture[axis] - look.phase[axis] + stride - 1) / stride : 0;
        look.taps[axis] = (uint)((taps - tap + every - 1) / every);
        look.scale[axis] = 1;
        look.step[axis] = -(every * dilation / stride);
        look.origin[axis] = (start - tap * dilation) / stride;
        look.first_tap[axis] = (uint)tap;
        look.tap_step[axis] = (uint)every;
        look.stride[axis] = (uint)stride;
    }
    return look;
}

/* Where a row of the view begins: the place of its first tap, and its image's first pixel. Rows past the last read
 * zeros. */
typedef struct {
    int at[2];
    uint image;
} place;

INLINE place place_of(const view look, const uint row, const uint rows)
{
    place where = {{-(1 << 30), 0}, 0};
    if (row >= rows) return where;
    where.image = row / (look.rows[0] * look.rows[1]) * look.extent[0] * look.extent[1];
    where.at[0] = (int)(row / look.rows[1] % look.rows[0]) * look.scale[0] + look.origin[0];
    where.at[1] = (int)(row % look.rows[1]) * look.scale[1] + look.origin[1];
    return where;
}

/* The element that a row reads with a tap, at the group's first channel; NOWHERE in the padding or past the last tap.
 */
#define NOWHERE 0xffffffffu
INLINE uint element_of(const view look, const place where, const uint tap)
{
    if (tap >= look.taps[0] * look.taps[1]) return NOWHERE;
    const uint down = (uint)(where.at[0] + (int)(tap / look.taps[1]) * look.step[0]);
    const uint right = (uint)(where.at[1] + (int)(tap % look.taps[1]) * look.step[1]);
    if (down >= look.extent[0] || right >= look.extent[1]) return NOWHERE;
    return (where.image + down * look.extent[1] + right) * look.channels + look.first;
}

/* A vector of a row of the view, from number `from` of (tap, channel) on. */
INLINE vector gather(__global const float *tensor, const view look, const place where, const uint from)
{
    lanes some;
    some.whole = 0.0f;
    const uint in_channel = from % look.depth;
    if (in_channel + WIDTH <= look.depth) {
        const uint element = element_of(look, where, from / look.depth);
        if (element != NOWHERE) some.whole = LOAD(tensor + element + in_channel);
    } else {
        UNROLL for (uint j = 0; j < WIDTH; j++) {
            const uint element = element_of(look, where, (from + j) / look.depth);
            if (element != NOWHERE) some.lane[j] = tensor[element + (from + j) % look.depth];
        }
    }
    return some.whole;
}

/* A slice of A whose rows run along k: a work-item's vectors have the same k and different rows, which begin at
 * `where`. */
INLINE void fetch_rows(__global const float *a, const view look, const place *where, const uint start, vector *fetched)
{
    const uint from = start + item_of_group() % (TILE_K / WIDTH) * WIDTH;
    UNROLL for (uint load = 0; load < A_LOADS; load++) fetched[load] = gather(a, look, where[load], from);
}

/* A slice of A across k: a work-item's vectors have the same rows (taps and channels) and different k (results). */
INLINE void fetch_taps(__global const float *a, const view look, const uint first_row, const uint start, const uint k,
                       vector *fetched)
{
    const uint from = first_row + item_of_group() % (TILE_M / WIDTH) * WIDTH;
    UNROLL for (uint load = 0; load < A_LOADS; load++) {
        const uint line = (item_of_group() + load * GROUP) / (TILE_M / WIDTH);
        fetched[load] = gather(a, look, place_of(look, start + line, k), from);
    }
}

/* A slice of B, which is w transposed: columns are channels, k is (tap of the view, feature). */
INLINE uint weight_of(const convolution s, const view look, const uint tap, const uint column)
{
    const uint down = look.first_tap[0] + tap / look.taps[1] * look.tap_step[0];
    const uint right = look.first_tap[1] + tap % look.taps[1] * look.tap_step[1];
    return ((down * s.kernel_size[1] + right) * (s.channels / s.groups) + column) * s.features + look.first;
}

INLINE void fetch_turned(__global const float *w, const convolution s, const view look, const uint first_column,
                         const uint start, const uint k, vector *fetched)
{
    const uint from = start + item_of_group() % (TILE_K / WIDTH) * WIDTH, feature = from % look.depth;
    UNROLL for (uint load = 0; load < B_LOADS; load++) {
        const uint column = first_column + (item_of_group() + load * GROUP) / (TILE_K / WIDTH);
        const bool is_inside = column < s.channels / s.groups;
        lanes some;
        some.whole = 0.0f;
        if (is_inside && from < k && feature + WIDTH <= look.depth) {
            some.whole = LOAD(w + weight_of(s, look, from / look.depth, column) + feature);
        } else {
            UNROLL for (uint j = 0; j < WIDTH; j++) {
                if (is_inside && from + j < k)
                    some.lane[j] = w[weight_of(s, look, (from + j) / look.depth, column) + (from + j) % look.depth];
            }
        }
        fetched[load] = some.whole;
    }
}

/* A slice of B, which is w as it is stored, or y: each k is a row of n features, of which the group has `columns`. */
INLINE void fetch_group(__global const float *b, const uint group, const uint columns, const uint n,
                        const uint first_column, const uint start, const uint end, vector *fetched)
{
    fetch_slice(b + group * columns, n, start, end, first_column, columns, TILE_N / WIDTH, B_LOADS, fetched);
}

/* The slices of both operands. `end`: of the piece of k; `k`: of all. */
INLINE void fetch_a(const uint use, __global const float *a, const view look, const place *where, const uint first_row,
                    const uint start, const uint end, vector *fetched)
{
    if (use == WEIGHTS)
        fetch_taps(a, look, first_row, start, end, fetched);
    else
        fetch_rows(a, look, where, start, fetched);
}

INLINE void fetch_b(const uint use, __global const float *b, const convolution s, const view look, const uint group,
                    const uint first_column, const uint start, const uint end, const uint k, vector *fetched)
{
    if (use == DATA)
        fetch_turned(b, s, look, first_column, start, k, fetched);
    else
        fetch_group(b, group, s.features / s.groups, s.features, first_column, start, end, fetched);
}

/* The row of C, pixels of all kinds, that belongs to a row of the view. */
INLINE uint pixel_row(const convolution s, const view look, const uint row)
{
    const uint down = row / look.rows[1] % look.rows[0] * look.stride[0] + look.phase[0];
    const uint right = row % look.rows[1] * look.stride[1] + look.phase[1];
    return (row / look.rows[1] / look.rows[0] * s.picture[0] + down) * s.picture[1] + right;
}

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_tile
#define USE         FORWARD
#endif

/* Launched with a work-group for each tile of C, group of channels, piece of k (`depth` long) and kind of pixel. Piece
 * p writes at c + p * elements. */
__kernel __attribute__((reqd_work_group_size(GROUP_N, GROUP_M, 1)))
void KERNEL_NAME(const convolution s, const ulong elements, const uint depth, __global const float *restrict a,
                 const ulong a_offset, __global const float *restrict b, const ulong b_offset, __global float *c,
                 const ulong c_offset, const uint add FINISH_PARAMETERS)
{
    __local vector slice_a[BUFFERS * TILE_K * A_PITCH], slice_b[BUFFERS * TILE_K * B_PITCH];
    vector sums[ITEM_M][VECTORS], some_a[A_LOADS], some_b[B_LOADS];
    const uint item_row = (uint)get_local_id(1) * ITEM_M, item_vector = (uint)get_local_id(0);
    const uint first_row = (uint)get_group_id(1) * TILE_M, first_column = (uint)get_group_id(0) * TILE_N;
    const uint n = USE == DATA ? s.channels : s.features, columns = n / s.groups;
    const uint kinds = USE == DATA ? s.stride[0] * s.stride[1] : 1, part = (uint)get_group_id(2);
    const uint kind = part % kinds, group = part / kinds % s.groups, piece = part / kinds / s.groups;
    const view look = USE == DATA ? view_of_result(s, group, kind) : view_of_picture(s, group);
    const uint all_rows = s.images * look.rows[0] * look.rows[1], all_taps = look.taps[0] * look.taps[1] * look.depth;
    const uint rows = USE == WEIGHTS ? all_taps : all_rows, k = USE == WEIGHTS ? all_rows : all_taps;
    const uint end = first_row < rows ? min((piece + 1) * depth, k) : 0;
    uint start = piece * depth;
    place where[A_LOADS];
    UNROLL for (uint load = 0; load < A_LOADS; load++) where[load] =
        place_of(look, first_row + (item_of_group() + load * GROUP) / (TILE_K / WIDTH), rows);
    a += a_offset;
    b += b_offset;
    c += c_offset + piece * elements;
    UNROLL for (uint r = 0; r < ITEM_M; r++) {
        UNROLL for (uint v = 0; v < VECTORS; v++) sums[r][v] = 0.0f;
    }
    fetch_a(USE, a, look, where, first_row, start, end, some_a);
    fetch_b(USE, b, s, look, group, first_column, start, end, k, some_b);
    for (uint buffer = 0; start < end; buffer = BUFFERS - 1 - buffer) {
        __local vector *now_a = slice_a + buffer * TILE_K * A_PITCH, *now_b = slice_b + buffer * TILE_K * B_PITCH;
        WAIT_FOR_READERS
        keep_slice(some_a, USE != WEIGHTS, TILE_M, A_LOADS, now_a, A_PITCH);
        keep_slice(some_b, USE == DATA, TILE_N, B_LOADS, now_b, B_PITCH);
        barrier(CLK_LOCAL_MEM_FENCE);
        start += TILE_K;
        fetch_a(USE, a, look, where, first_row, start, end, some_a);
        fetch_b(USE, b, s, look, group, first_column, start, end, k, some_b);
        multiply(now_a + item_row / WIDTH, now_b + item_vector, sums);
    }
    UNROLL for (uint r = 0; r < ITEM_M; r++) {
        const uint row = first_row + item_row + r;
        const uint row_of_c = USE == DATA && row < rows ? pixel_row(s, look, row) : row;
        UNROLL for (uint v = 0; v < VECTORS; v++) {
            const uint column = first_column + (item_vector + v * GROUP_N) * WIDTH;
            lanes sum;
            sum.whole = sums[r][v];
            WRITE(row < rows, row_of_c, group * columns + column, (group + 1) * columns, sum)
        }
    }
}
