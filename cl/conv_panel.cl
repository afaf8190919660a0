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
 * weights lie in panels (conv_panel_pack.cl), one for each strip: all work-items read them.
 *
 * What bounds it: the multiply-add units, as in gemm_panel.cl, as long as the part of a panel that a tile runs over
 * (K_BLOCK steps) stays in the second-level cache, from which it streams. */
#include "conv_taps.cl"
#include "panel.cl"

#ifndef CONV_PANEL_CL
#define CONV_PANEL_CL

#define ROW(r) min((ulong)r, rows - 1) * stride /* rows are images, `stride` apart */

/* How a tile walks over k: `runs` times `pieces` times `depth` steps. From run to run the picture advances by a_run
 * floats and the panel by panel_run vectors; likewise from piece to piece. */
typedef struct {
    ulong runs, pieces, depth;
    long a_run, a_piece, panel_run, panel_piece;
} walk;

#define NEXT_STEP                                                                                                      \
    STEP                                                                                                               \
    a++;                                                                                                               \
    panel += 2;
INLINE void walk_tile(const uint height, const ulong rows, const walk w, __global const float *operand,
                      const ulong stride, __global const vector *panels, __local vector *sums, const uint resumes)
{
    EACH_ROW(START)
    if (resumes) { EACH_ROW(RESUME) }
    for (ulong run = 0; run < w.runs; run++, operand += w.a_run, panels += w.panel_run)
        for (ulong piece = 0; piece < w.pieces; piece++) {
            __global const float *a = operand + (long)piece * w.a_piece;
            __global const vector *panel = panels + (long)piece * w.panel_piece;
            ulong i = 0;
            for (; i + 4 <= w.depth; i += 4) { NEXT_STEP NEXT_STEP NEXT_STEP NEXT_STEP }
            for (; i < w.depth; i++) { NEXT_STEP }
        }
    EACH_ROW(KEEP)
}
#undef NEXT_STEP

OUTLINED void full_walk_tile(const ulong rows, const walk w, __global const float *operand, const ulong stride,
                             __global const vector *panels, __local vector *sums, const uint resumes)
{
    walk_tile(ROWS, rows, w, operand, stride, panels, sums, resumes);
}

OUTLINED void low_walk_tile(const ulong rows, const walk w, __global const float *operand, const ulong stride,
                            __global const vector *panels, __local vector *sums, const uint resumes)
{
    walk_tile(FEW_ROWS, rows, w, operand, stride, panels, sums, resumes);
}

/* Adds the walked pixels of all images, times a strip's panel, to the strip's sums. */
void add_walked(const ulong images, const walk w, __global const float *operand, const ulong stride,
                         __global const vector *panels, __local vector *sums, const uint resumes)
{
    for (ulong row = 0, rows; row < images; row += rows) {
        rows = next_rows(images - row);
        if (rows > FEW_ROWS)
            full_walk_tile(rows, w, operand + row * stride, stride, panels, sums + 2 * row, resumes);
        else
            low_walk_tile(rows, w, operand + row * stride, stride, panels, sums + 2 * row, resumes);
    }
}

/* The same without long runs of k: step i reads the picture at operand + steps[i], and the panel from panel_steps[i]
 * on. */
#define LISTED_STEP                                                                                                    \
    {                                                                                                                  \
        __global const float *a = operand + steps[i];                                                                  \
        __global const vector *panel = panels + panel_steps[i];                                                        \
        STEP                                                                                                           \
        i++;                                                                                                           \
    }
INLINE void listed_tile(const uint height, const ulong rows, const ulong depth, __global const float *operand,
                        const ulong stride, __local const int *steps, __global const vector *panels,
                        __local const int *panel_steps, __local vector *sums)
{
    EACH_ROW(START)
    ulong i = 0;
    while (i + 4 <= depth) { LISTED_STEP LISTED_STEP LISTED_STEP LISTED_STEP }
    while (i < depth) { LISTED_STEP }
    EACH_ROW(KEEP)
}
#undef LISTED_STEP
#undef ROW

OUTLINED void add_listed(const ulong images, const ulong depth, __global const float *operand, const ulong stride,
                         __local const int *steps, __global const vector *panels, __local const int *panel_steps,
                         __local vector *sums)
{
    for (ulong row = 0, rows; row < images; row += rows) {
        rows = next_rows(images - row);
        if (rows > FEW_ROWS)
            listed_tile(ROWS, rows, depth, operand + row * stride, stride, steps, panels, panel_steps, sums + 2 * row);
        else
            listed_tile(FEW_ROWS, rows, depth, operand + row * stride, stride, steps, panels, panel_steps,
                        sums + 2 * row);
    }
}

/* Whether the taps of two places are walked through in the same steps. */
bool same_steps(const taps a, const taps b)
{
    return a.count == b.count && a.step == b.step && a.at_step == b.at_step;
}

/* The walk over all taps, `h` along the height and `v` along the width, and the channels of a group of the operand.
 * Neighbouring taps over neighbouring pixels are one long run of k. */
walk walk_of(const convolution s, const tensor in, const taps h, const taps v)
{
    const bool joins = v.step == 1 && v.at_step == 1 && s.groups == 1;
    const ulong channels = in.channels / s.groups;
    const walk all = {h.count,
                      joins ? 1 : v.count,
                      joins ? channels * v.count : channels,
                      (long)h.at_step * (long)(in.width * in.channels),
                      (long)v.at_step * (long)in.channels,
                      (long)(h.step * s.kernel_size[1] * channels * 2),
                      (long)(v.step * channels * 2)};
    return all;
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

/* The strips of a work-item, and how many vectors from one's panel to the next's, and from one's sums to the next's. */
typedef struct {
    ulong first, end, panel, sums;
} strip_block;

/* Takes a walk in parts of at most K_BLOCK steps: all strips use a part before the next. */
void add_in_parts(const walk all, const strip_block strips, const ulong images, __global const float *operand,
                  const ulong stride, __global const vector *panels, __local vector *sums)
{
    const ulong runs = all.runs * all.pieces * all.depth <= K_BLOCK ? max(all.runs, 1UL) : 1;
    const ulong pieces = all.pieces * all.depth <= K_BLOCK ? max(all.pieces, 1UL) : 1;
    uint resumes = 0;
    for (ulong run = 0; run < all.runs; run += runs)
        for (ulong piece = 0; piece < all.pieces; piece += pieces)
            for (ulong i = 0; i < all.depth; i += K_BLOCK, resumes = 1) {
                const long a_step = (long)run * all.a_run + (long)piece * all.a_piece + (long)i;
                const long step = (long)run * all.panel_run + (long)piece * all.panel_piece + (long)(2 * i);
                walk w = all;
                w.runs = runs;
                w.pieces = pieces;
                w.depth = min((ulong)K_BLOCK, all.depth - i);
                __local vector *to = sums;
                for (ulong strip = strips.first; strip < strips.end; strip++, to += strips.sums)
                    add_walked(images, w, operand + a_step, stride, panels + strip * strips.panel + step, to, resumes);
            }
}

/* A walk of at most K_BLOCK steps in runs shorter than SHORT is listed; the list is made anew only where the steps
 * change. */
#define SHORT 32

/* Images are finished far apart in memory: what the ends read and write is asked for that many images ahead. */
#define AHEAD 8

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_panel
#define USE         FORWARD
#endif

/* Computes y from x, or x from y. Dimension 0 counts rows of places, dimension 1 parts of `strips` strips of each
 * group, dimension 2 blocks of images. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, const ulong image_block, const ulong strips, __global const float *restrict a,
                 const ulong a_offset, __global const float *restrict panels, const ulong panels_offset,
                 __global float *c, const ulong c_offset, const uint add FINISH_PARAMETERS)
{
    __local vector sums[2 * (SUM_ROWS + FEW_ROWS)];
    __local int steps[K_BLOCK], panel_steps[K_BLOCK];
    const tensor in = operand_of(s, USE == DATA), out = written_of(s, USE == DATA);
    const ulong channels = in.channels / s.groups, features = out.channels / s.groups, n = out.channels;
    const ulong all_strips = (features + COLUMNS - 1) / COLUMNS, parts = (all_strips + strips - 1) / strips;
    const ulong group = get_global_id(1) / parts, first_strip = get_global_id(1) % parts * strips;
    const ulong first_image = get_global_id(2) * image_block, images = min(image_block, s.images - first_image);
    const ulong places = (ulong)out.height * out.width, stride = (ulong)in.height * in.width * in.channels;
    const strip_block mine = {first_strip, min(first_strip + strips, all_strips),
                              (ulong)s.kernel_size[0] * s.kernel_size[1] * channels * 2, 2 * (image_block + FEW_ROWS)};
    const taps h = taps_where(s, 0, get_global_id(0), USE == DATA);
    __global const vector *group_panels =
        (__global const vector *)(panels + panels_offset) + group * all_strips * mine.panel;
    a += a_offset + first_image * stride + group * channels;
    c += c_offset;
    taps v = {0, 0, 0, 0, 0};
    for (uint v_place = 0; v_place < out.width; v_place++) {
        const taps before = v;
        v = taps_where(s, 1, v_place, USE == DATA);
        const walk all = walk_of(s, in, h, v);
        const ulong total = all.runs * all.pieces * all.depth;
        const bool is_listed = total == 0 || (total <= K_BLOCK && all.depth < SHORT);
        __global const float *from = a + ((ulong)h.at * in.width + v.at) * in.channels;
        __global const vector *packed = group_panels + (h.first * s.kernel_size[1] + v.first) * channels * 2;
        __local vector *to = sums;
        if (is_listed && !same_steps(v, before)) list_walk(all, steps, panel_steps);
        for (ulong strip = mine.first; is_listed && strip < mine.end; strip++, to += mine.sums)
            add_listed(images, total, from, stride, steps, packed + strip * mine.panel, panel_steps, to);
        if (!is_listed) add_in_parts(all, mine, images, from, stride, packed, sums);
        to = sums;
        for (ulong strip = mine.first; strip < mine.end; strip++, to += mine.sums)
            for (ulong image = 0; image < images; image++) {
                const ulong row = (first_image + image) * places + get_global_id(0) * out.width + v_place;
                const ulong columns = min((ulong)COLUMNS, features - strip * COLUMNS);
                if (image + AHEAD < images) FINISH_FETCH(row + AHEAD * places, group * features + strip * COLUMNS)
                __local float *done = (__local float *)(to + 2 * image);
                FINISH_ROW(row, group * features + strip * COLUMNS, columns, done)
            }
    }
}
