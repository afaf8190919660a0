/* SPDX-License-Identifier: MIT */
/* Brings pixels and gradients of results to Winograd's points (winograd.cl) for conv_winograd_weights.cl: tile by tile
 * of 4 x 4 results, POINTS x POINTS values of each. What lies beside picture or result is 0.
 *
 * In the workspace come first the pixels, [channels / LANES][POINTS x POINTS][pitch][LANES], where a pitch has room for
 * all tiles; then the results, [strips][POINTS x POINTS][pitch][COLUMNS], in which features past the last are 0.
 *
 * Mapping: a work-item takes some neighbouring tiles of one vector of channels or features. Dimension 0 counts those
 * vectors, first of channels, then of features, two a strip; dimension 1 blocks of tiles. Bound by memory: it writes
 * POINTS^2 / 16 times what it reads. */
#include "winograd.cl"

#ifndef CONV_WINOGRAD_POINTS_CL
#define CONV_WINOGRAD_POINTS_CL

#define TILES_AHEAD 4

/* LANES features of a tile's results, `step` floats from point to point. */
INLINE void results_to_points(const uint points, const tensor y, __global const float *from, const tile_place at,
                              const bool exists, __global float *to, const ulong step)
{
    vector column[RESULTS], half_way[8 * RESULTS], values[8];
    for (uint j = 0; j < RESULTS; j++) {
        for (uint i = 0; i < RESULTS; i++) {
            const bool inside = exists && at.row + i < y.height && at.column + j < y.width;
            const ulong place = (at.image * y.height + at.row + i) * y.width + at.column + j;
            column[i] = inside ? LOAD(0, from + place * y.channels) : (vector)0.0f;
        }
        winograd_results_back(points, column, 1, half_way + j, RESULTS);
    }
    for (uint i = 0; i < points; i++) {
        winograd_results_back(points, half_way + i * RESULTS, 1, values, 1);
        for (uint j = 0; j < points; j++)
            put_at_point(values[j], to + (i * points + j) * step, TILES_AHEAD * COLUMNS);
    }
}

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_winograd_points
#define POINTS      8
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, const ulong tile_block, const ulong pitch, __global const float *restrict x,
                 const ulong x_offset, __global const float *restrict y, const ulong y_offset,
                 __global float *restrict workspace, const ulong workspace_offset)
{
    const tensor in = operand_of(s, false), out = written_of(s, false);
    const ulong part = get_global_id(0), channel_parts = in.channels / LANES, all_tiles = tiles_of(s.images, out);
    const ulong first = get_global_id(1) * tile_block, end = min(first + tile_block, all_tiles);
    __global float *pixels = workspace + workspace_offset;
    __global float *results = pixels + in.channels * POINTS * POINTS * pitch;
    x += x_offset;
    y += y_offset;
    for (ulong tile = first; tile < end; tile++) {
        const tile_place at = place_of(out, tile);
        if (part < channel_parts) {
            __global const float *picture = x + at.image * in.height * in.width * in.channels + part * LANES;
            pixels_to_points(POINTS, in, picture, (int)at.row - (int)s.pad[0], (int)at.column - (int)s.pad[1],
                             pixels + (part * POINTS * POINTS * pitch + tile) * LANES, pitch * LANES,
                             TILES_AHEAD * LANES);
        } else {
            const ulong half_strip = part - channel_parts, strip = half_strip / 2;
            results_to_points(POINTS, out, y + half_strip * LANES, at, half_strip * LANES < out.channels,
                              results + (strip * POINTS * POINTS * pitch + tile) * COLUMNS + half_strip % 2 * LANES,
                              pitch * COLUMNS);
        }
    }
}
