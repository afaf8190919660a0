/* SPDX-License-Identifier: MIT */
/* Convolutions for processors with vector registers and caches, NHWC, single precision: register tiles as in
 * gemm_panel.cl, and no copy of the picture.
 *
 * The idea: at one place of the result, a convolution is a matrix product with a row for each image and a column for
 * each feature; k runs over the channels of all taps that lie inside the picture. From one image to the next all
 * addresses grow by the same amount, so images can be the rows of a tile, as in a plain product. A tap lies inside the
 * picture for all images or for none, so padding costs nothing. The transposed convolution only has other taps: with a
 * stride of two each place meets every second one, so nothing is multiplied by the zeros between pixels.
 *
 *      image 0  [ . . x x x . ]      row 0 of the tile: the pixels under the window, in image 0
 *      image 1  [ . . x x x . ]      row 1: the same pixels of image 1, one image further in memory
 *         :           :                :
 *
 * Mapping: a work-item computes a row of places for a block of images and `strips` strips of 2 LANES features. The
 * weights lie in panels (pack_forward, pack_data), one for each strip: all work-items read them.
 *
 * What bounds it: the multiply-add units, as in gemm_panel.cl, as long as the part of a panel that a tile runs over
 * (K_BLOCK steps) stays in the second-level cache, from which it streams. */
#include "convolution.cl"
#include "panel.cl"

/* How a tile walks over k: `runs` times `pieces` times `depth` steps. From run to run the picture advances by a_run
 * floats and the panel by panel_run vectors; likewise from piece to piece. */
typedef struct {
    ulong runs, pieces, depth;
    long a_run, a_piece, panel_run, panel_piece;
} walk;

#define WALK_TILE(name, EACH)                                                                                          \
    __attribute__((noinline))                                                                                          \
    void name(const ulong rows, const walk w, __global const float *operand, const ulong stride,                       \
              __global const vector *panels, __local vector *sums, const uint resumes)                                 \
    {                                                                                                                  \
        EACH(START)                                                                                                    \
        if (resumes) { EACH(RESUME) }                                                                                  \
        for (ulong run = 0; run < w.runs; run++, operand += w.a_run, panels += w.panel_run)                            \
            for (ulong piece = 0; piece < w.pieces; piece++) {                                                         \
                __global const float *a = operand + (long)piece * w.a_piece;                                           \
                __global const vector *panel = panels + (long)piece * w.panel_piece;                                   \
                ulong i = 0;                                                                                           \
                for (; i + 4 <= w.depth; i += 4) { STEP(EACH) STEP(EACH) STEP(EACH) STEP(EACH) }                       \
                for (; i < w.depth; i++) STEP(EACH)                                                                    \
            }                                                                                                          \
        EACH(KEEP)                                                                                                     \
    }
#define K_STRIDE 1
#define ROW(r) min((ulong)r, rows - 1) * stride
WALK_TILE(images_tile, EACH_ROW)
WALK_TILE(images_low_tile, EACH_OF_FEW)

#define SPACE         __global
#define PANEL_SPACE   __global
#define PANEL_STEP(i) panel_steps[i]
LISTED_TILE(listed_images_tile, EACH_ROW, const ulong stride, __local const int *panel_steps)
LISTED_TILE(listed_images_low_tile, EACH_OF_FEW, const ulong stride, __local const int *panel_steps)

/* The taps along a dimension that lie inside the operand at one place of the result: first, first + step, ...; they
 * read at `at`, at + at_step, ... */
typedef struct {
    uint count, first, step, at;
    int at_step;
} taps;

taps taps_where(const convolution s, const uint axis, const uint place, const bool is_data)
{
    taps found = {0, 0, 1, 0, 1};
    const uint extent = is_data ? s.result[axis] : s.picture[axis];
    for (uint tap = 0; tap < s.kernel_size[axis]; tap++) {
        const uint at = is_data ? result_of(s, axis, place, tap) : pixel_of(s, axis, place, tap);
        if (at >= extent) continue;
        if (found.count == 0) {
            found.first = tap;
            found.at = at;
        } else if (found.count == 1) {
            found.step = tap - found.first;
            found.at_step = (int)at - (int)found.at;
        }
        found.count++;
    }
    return found;
}

/* Whether the taps of two places are walked through in the same steps. */
bool same_steps(const taps a, const taps b)
{
    return a.count == b.count && a.step == b.step && a.at_step == b.at_step;
}

/* Lists the offsets of all steps of a walk. */
void list_walk(const walk all, __local int *steps, __local int *panel_steps)
{
    for (ulong run = 0; run < all.runs; run++)
        for (ulong piece = 0; piece < all.pieces; piece++) {
            const int step = (int)((long)run * all.a_run + (long)piece * all.a_piece);
            const int panel_step = (int)((long)run * all.panel_run + (long)piece * all.panel_piece);
            for (ulong i = 0; i < all.depth; i++) {
                *steps++ = step + (int)i;
                *panel_steps++ = panel_step + 2 * (int)i;
            }
        }
}

/* Computes y from x, or x from y. Dimension 0 counts rows of places, dimension 1 parts of `strips` strips of each
 * group, dimension 2 blocks of images. A tile takes at most K_BLOCK steps of k at a time. If all of k fits K_BLOCK but
 * comes in runs shorter than SHORT, its steps are listed; the list is made anew only where the steps change. */
#define SHORT 32
#define GATHER(kernel_name, IS_DATA, TO, FROM, IN, OUT)                                                                \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, const ulong image_block, const ulong strips,                                 \
                     __global const float *restrict a, const ulong a_offset, __global const float *restrict panels,    \
                     const ulong panels_offset, __global float *c, const ulong c_offset,                               \
                     const uint add FINISH_PARAMETERS)                                                                 \
    {                                                                                                                  \
        __local vector sums[2 * (SUM_ROWS + FEW_ROWS)];                                                                \
        __local int steps[K_BLOCK], panel_steps[K_BLOCK];                                                              \
        const ulong channels = s.IN / s.groups, features = s.OUT / s.groups, n = s.OUT;                                \
        const ulong all_strips = (features + COLUMNS - 1) / COLUMNS, parts = (all_strips + strips - 1) / strips;       \
        const ulong group = get_global_id(1) / parts, first_strip = get_global_id(1) % parts * strips;                 \
        const ulong end_strip = min(first_strip + strips, all_strips);                                                 \
        const ulong first_image = get_global_id(2) * image_block;                                                      \
        const ulong images = min(image_block, s.images - first_image), sums_a_strip = 2 * (image_block + FEW_ROWS);    \
        const ulong places = (ulong)s.TO[0] * s.TO[1], stride = (ulong)s.FROM[0] * s.FROM[1] * s.IN;                   \
        const ulong panel_length = (ulong)s.kernel_size[0] * s.kernel_size[1] * channels * 2;                          \
        const taps h = taps_where(s, 0, get_global_id(0), IS_DATA);                                                    \
        __global const vector *group_panels =                                                                          \
            (__global const vector *)(panels + panels_offset) + group * all_strips * panel_length;                     \
        a += a_offset + first_image * stride + group * channels;                                                       \
        c += c_offset;                                                                                                 \
        taps v = {0, 0, 0, 0, 0};                                                                                      \
        for (uint v_place = 0; v_place < s.TO[1]; v_place++) {                                                         \
            const taps before = v;                                                                                     \
            v = taps_where(s, 1, v_place, IS_DATA);                                                                    \
            /* neighbouring taps over neighbouring pixels are one long run of k */                                     \
            const bool joins = v.step == 1 && v.at_step == 1 && s.groups == 1;                                         \
            const walk all = {h.count,                                                                                 \
                              joins ? 1 : v.count,                                                                     \
                              joins ? channels * v.count : channels,                                                   \
                              (long)h.at_step * (long)(s.FROM[1] * s.IN),                                              \
                              (long)v.at_step * (long)s.IN,                                                            \
                              (long)(h.step * s.kernel_size[1] * channels * 2),                                        \
                              (long)(v.step * channels * 2)};                                                          \
            const ulong total = all.runs * all.pieces * all.depth;                                                     \
            const ulong runs = total <= K_BLOCK ? max(all.runs, 1UL) : 1;                                              \
            const ulong pieces = all.pieces * all.depth <= K_BLOCK ? max(all.pieces, 1UL) : 1;                         \
            const bool is_listed = total == 0 || (total <= K_BLOCK && all.depth < SHORT);                              \
            __global const float *from = a + ((ulong)h.at * s.FROM[1] + v.at) * s.IN;                                  \
            __global const vector *packed = group_panels + (h.first * s.kernel_size[1] + v.first) * channels * 2;      \
            __local vector *to = sums;                                                                                 \
            if (is_listed && !same_steps(v, before)) list_walk(all, steps, panel_steps);                                \
            for (ulong strip = first_strip; is_listed && strip < end_strip; strip++, to += sums_a_strip)               \
                TILES(listed_images, images, total, from + row * stride, steps, packed + strip * panel_length,         \
                      to + 2 * row, 0, stride, panel_steps)                                                            \
            uint resumes = 0;                                                                                          \
            for (ulong run = 0; !is_listed && run < all.runs; run += runs)                                             \
                for (ulong piece = 0; piece < all.pieces; piece += pieces)                                             \
                    for (ulong i = 0; i < all.depth; i += K_BLOCK, resumes = 1) {                                      \
                        const long a_step = (long)run * all.a_run + (long)piece * all.a_piece + (long)i;               \
                        const long step = (long)run * all.panel_run + (long)piece * all.panel_piece + (long)(2 * i);   \
                        walk w = all;                                                                                  \
                        w.runs = runs;                                                                                 \
                        w.pieces = pieces;                                                                             \
                        w.depth = min((ulong)K_BLOCK, all.depth - i);                                                  \
                        to = sums;                                                                                     \
                        for (ulong strip = first_strip; strip < end_strip; strip++, to += sums_a_strip)                \
                            TILES(images, images, w, from + a_step + (long)(row * stride), stride,                     \
                                  packed + strip * panel_length + step, to + 2 * row, resumes)                         \
                    }                                                                                                  \
            to = sums;                                                                                                 \
            for (ulong strip = first_strip; strip < end_strip; strip++, to += sums_a_strip)                            \
                for (ulong image = 0; image < images; image++) {                                                       \
                    const ulong row = (first_image + image) * places + get_global_id(0) * s.TO[1] + v_place;           \
                    const ulong columns = min((ulong)COLUMNS, features - strip * COLUMNS);                             \
                    __local float *done = (__local float *)(to + 2 * image);                                           \
                    FINISH_ROW(row, group * features + strip * COLUMNS, columns, done)                                 \
                }                                                                                                      \
        }                                                                                                              \
    }
#define CONV_FORWARD(name) GATHER(name, false, result, picture, channels, features)
#define CONV_DATA(name)    GATHER(name, true, picture, result, features, channels)
CONV_FORWARD(conv_forward)
CONV_DATA(conv_data)

/* The same for a result with a single column: a vector holds LANES neighbours of k instead of columns, and the weights
 * are not packed. Dimension 0 counts blocks of rows of places (the next row finds the pixels of this one in a cache),
 * dimension 1 tiles of images. */
#if LANES == 16
#define FOLD(v) FOLD_8((v).lo + (v).hi)
#elif LANES == 8
#define FOLD(v) FOLD_8(v)
#else
#define FOLD(v) FOLD_4(v)
#endif
#define FOLD_8(v) FOLD_4((v).lo + (v).hi)
#define FOLD_4(v) fold_four(v)
float fold_four(const float4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}
#define PLACES 64
#define THIN_START(r)    vector sum##r = 0.0f; float rest##r = 0.0f; const ulong row##r = min((ulong)r, rows - 1) * stride;
#define THIN_MULTIPLY(r) sum##r += LOAD(0, from + row##r + i) * weights;
#define THIN_REST(r)     rest##r += from[row##r + i] * tap[i];
#define THIN_KEEP(r)     done[r] = rest##r + FOLD(sum##r);
#define THIN(kernel_name, IS_DATA, TO, FROM, IN)                                                                       \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, const uint row_block, __global const float *restrict a, const ulong a_offset,\
                     __global const float *restrict b, const ulong b_offset, __global float *c, const ulong c_offset,  \
                     const uint add FINISH_PARAMETERS)                                                                 \
    {                                                                                                                  \
        __local float done[ROWS];                                                                                      \
        __local taps across[PLACES];                                                                                   \
        const ulong first_image = get_global_id(1) * ROWS, rows = min((ulong)ROWS, s.images - first_image), n = 1;     \
        const ulong places = (ulong)s.TO[0] * s.TO[1], stride = (ulong)s.FROM[0] * s.FROM[1] * s.IN;                   \
        const uint first_row = (uint)get_global_id(0) * row_block, end_row = min(first_row + row_block, s.TO[0]);      \
        a += a_offset + first_image * stride;                                                                          \
        b += b_offset;                                                                                                 \
        c += c_offset;                                                                                                 \
        for (uint first = 0; first < s.TO[1]; first += PLACES) {                                                       \
            const uint end = min(first + PLACES, s.TO[1]);                                                             \
            for (uint i = first; i < end; i++) across[i - first] = taps_where(s, 1, i, IS_DATA);                       \
            for (uint h_place = first_row; h_place < end_row; h_place++) {                                             \
                const taps h = taps_where(s, 0, h_place, IS_DATA);                                                     \
                for (uint v_place = first; v_place < end; v_place++) {                                                 \
                    const taps v = across[v_place - first];                                                            \
                    const bool joins = v.step == 1 && v.at_step == 1;                                                  \
                    const ulong depth = joins ? (ulong)s.IN * v.count : s.IN;                                          \
                    EACH_ROW(THIN_START)                                                                               \
                    for (uint run = 0; run < h.count; run++)                                                           \
                        for (uint piece = 0; piece < (joins ? 1 : v.count); piece++) {                                 \
                            const ulong at = (h.at + run * h.at_step) * s.FROM[1] + v.at + piece * v.at_step;          \
                            const ulong tap_at =                                                                       \
                                (h.first + run * h.step) * s.kernel_size[1] + v.first + piece * v.step;                \
                            __global const float *from = a + at * s.IN, *tap = b + tap_at * s.IN;                      \
                            ulong i = 0;                                                                               \
                            for (; i + LANES <= depth; i += LANES) {                                                   \
                                const vector weights = LOAD(0, tap + i);                                               \
                                EACH_ROW(THIN_MULTIPLY)                                                                \
                            }                                                                                          \
                            for (; i < depth; i++) { EACH_ROW(THIN_REST) }                                             \
                        }                                                                                              \
                    EACH_ROW(THIN_KEEP)                                                                                \
                    for (ulong r = 0; r < rows; r++) {                                                                 \
                        const ulong row = (first_image + r) * places + (ulong)h_place * s.TO[1] + v_place;             \
                        if (add) done[r] += c[row];                                                                    \
                        FINISH((uint)row, 0, done + r, 1)                                                              \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
#define CONV_THIN_FORWARD(name) THIN(name, false, result, picture, channels)
#define CONV_THIN_DATA(name)    THIN(name, true, picture, result, features)
CONV_THIN_FORWARD(conv_thin_forward)
CONV_THIN_DATA(conv_thin_data)

/* Packs the weights into panels, [groups][strips][taps][k][COLUMNS]. For the forward pass k counts channels and the
 * columns are features; for the data gradient k counts features and the columns are channels. Columns past the last are
 * 0. Mapping: a work-item packs one tap of one strip; dimension 0 counts taps, dimension 1 strips of groups. Bound by
 * memory. */
#define PACK_WEIGHTS(kernel_name, K, N, PACK, STRIDE, AT)                                                              \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, __global const float *restrict w, const ulong w_offset,                      \
                     __global float *restrict panels, const ulong panels_offset)                                       \
    {                                                                                                                  \
        __local vector panel[2 * K_BLOCK];                                                                             \
        const ulong depth = s.K / s.groups, features = s.N / s.groups, strips = (features + COLUMNS - 1) / COLUMNS;    \
        const ulong tap = get_global_id(0), group = get_global_id(1) / strips, strip = get_global_id(1) % strips;      \
        const ulong columns = min((ulong)COLUMNS, features - strip * COLUMNS), channels = s.channels / s.groups;       \
        const ulong taps_in_all = (ulong)s.kernel_size[0] * s.kernel_size[1];                                          \
        w += w_offset + tap * channels * s.features;                                                                   \
        __global vector *to = (__global vector *)(panels + panels_offset) +                                            \
                              (get_global_id(1) * taps_in_all + tap) * depth * 2;                                      \
        for (ulong k = 0; k < depth; k += K_BLOCK) {                                                                   \
            const ulong steps = min((ulong)K_BLOCK, depth - k);                                                        \
            PACK(w + AT, STRIDE, columns, steps, panel);                                                               \
            for (ulong i = 0; i < 2 * steps; i++) to[2 * k + i] = panel[i];                                            \
        }                                                                                                              \
    }
PACK_WEIGHTS(pack_forward, channels, features, pack_rows, s.features,
             k * s.features + group * features + strip * COLUMNS)
PACK_WEIGHTS(pack_data, features, channels, pack_columns, s.features,
             strip * COLUMNS * s.features + group * depth + k)
