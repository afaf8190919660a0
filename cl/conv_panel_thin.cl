/* SPDX-License-Identifier: MIT */
/* What conv_panel.cl computes, for a result with a single column: a vector holds LANES neighbours of k instead of
 * columns, and the weights are not packed. What is finished are runs of neighbouring places: C is seen as a matrix whose
 * rows are the rows of the pictures.
 *
 * Mapping: a work-item computes the places of a block of rows for a tile of images. Dimension 0 counts blocks of rows
 * (the next row finds the pixels of this one in a cache), dimension 1 tiles of images. Bound by loads: each
 * multiply-add needs one. */
#include "conv_taps.cl"
#include "panel.cl"

#ifndef CONV_PANEL_THIN_CL
#define CONV_PANEL_THIN_CL

/* The sum of a vector's lanes. */
float fold_four(const float4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

float fold_eight(const float8 v)
{
    return fold_four(v.lo + v.hi);
}

#if LANES == 16
#define FOLD(v) fold_eight((v).lo + (v).hi)
#elif LANES == 8
#define FOLD(v) fold_eight(v)
#else
#define FOLD(v) fold_four(v)
#endif

#define PLACES 64 /* of a row, whose taps are listed at a time; whole runs */

/* The parts of a tile, as in panel.cl: of each image a vector of sums, and the sum of what fills no vector. */
#define THIN_START(r)    vector sum##r = 0.0f; float rest##r = 0.0f; const ulong row##r = min((ulong)r, rows - 1) * stride;
#define THIN_MULTIPLY(r) sum##r += LOAD(0, from + row##r + i) * weights;
#define THIN_REST(r)     rest##r += from[row##r + i] * tap[i];
#define THIN_KEEP(r)     done[r * PLACES + v_place - first] = rest##r + FOLD(sum##r);

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_panel_thin
#define USE         FORWARD
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, const uint row_block, __global const float *restrict a, const ulong a_offset,
                 __global const float *restrict b, const ulong b_offset, __global float *c, const ulong c_offset,
                 const uint add FINISH_PARAMETERS)
{
    __local float done[ROWS * PLACES];
    __local taps across[PLACES];
    const tensor in = operand_of(s, USE == DATA), out = written_of(s, USE == DATA);
    const ulong first_image = get_global_id(1) * ROWS, rows = min((ulong)ROWS, s.images - first_image);
    const ulong n = out.width, stride = (ulong)in.height * in.width * in.channels;
    const uint first_row = (uint)get_global_id(0) * row_block, end_row = min(first_row + row_block, out.height);
    a += a_offset + first_image * stride;
    b += b_offset;
    c += c_offset;
    for (uint first = 0; first < out.width; first += PLACES) {
        const uint end = min(first + PLACES, out.width);
        for (uint i = first; i < end; i++) across[i - first] = taps_where(s, 1, i, USE == DATA);
        for (uint h_place = first_row; h_place < end_row; h_place++) {
            const taps h = taps_where(s, 0, h_place, USE == DATA);
            for (uint v_place = first; v_place < end; v_place++) {
                const taps v = across[v_place - first];
                const bool joins = v.step == 1 && v.at_step == 1;
                const ulong depth = joins ? (ulong)in.channels * v.count : in.channels;
                EACH_ROW(THIN_START)
                for (uint run = 0; run < h.count; run++)
                    for (uint piece = 0; piece < (joins ? 1 : v.count); piece++) {
                        const ulong at = (h.at + run * h.at_step) * in.width + v.at + piece * v.at_step;
                        const ulong tap_at = (h.first + run * h.step) * s.kernel_size[1] + v.first + piece * v.step;
                        __global const float *from = a + at * in.channels, *tap = b + tap_at * in.channels;
                        ulong i = 0;
                        for (; i + LANES <= depth; i += LANES) {
                            const vector weights = LOAD(0, tap + i);
                            EACH_ROW(THIN_MULTIPLY)
                        }
                        for (; i < depth; i++) { EACH_ROW(THIN_REST) }
                    }
                EACH_ROW(THIN_KEEP)
            }
            for (ulong r = 0; r < rows; r++)
                for (uint place = first; place < end; place += COLUMNS)
                    FINISH_ROW((first_image + r) * out.height + h_place, place, min((uint)COLUMNS, end - place),
                               done + r * PLACES + place - first)
        }
    }
}
