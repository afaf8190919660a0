/* SPDX-License-Identifier: MIT */
/* The gradient of a convolution by its weights, for windows of 3 x 3 or 5 x 5 at stride 1, by Winograd's short
 * convolutions (winograd.cl): for processors with vector registers and caches, single precision.
 *
 * The idea: pixels and gradients of results lie at the points (conv_winograd_points.cl). At each point the gradient is a
 * matrix product with a row for each channel and a column for each feature, and k counts tiles; from the sums at all
 * points the taps follow. For 5 x 5 there are 64 products a tile where 16 results have 400 taps.
 *
 * Mapping: a work-item computes `blocks` blocks of LANES channels and `strips` strips of 2 LANES features, at all
 * points, and keeps its sums, [strips][blocks][POINTS x POINTS][LANES][COLUMNS], in local memory. Dimension 0 counts
 * parts of strips, dimension 1 parts of channels.
 *
 * What bounds it: the multiply-add units while there are many tiles. Each number at the points is read once for each
 * part of the other operand; a point's numbers stay in the second-level cache for all tiles of registers there. */
#include "winograd.cl"

#ifndef CONV_WINOGRAD_WEIGHTS_CL
#define CONV_WINOGRAD_WEIGHTS_CL

/* The host gives TILES, the most of strips times blocks of channels of a work-item. */
#ifndef TILES
#define TILES 1
#endif

/* At one point: up to `height` channels, side by side, LANES apart from tile to tile, times a strip of features. */
#define ROW(r) r
INLINE void channels_tile(const uint height, const ulong depth, __global const float *a, __global const vector *panel,
                          __local vector *sums)
{
    EACH_ROW(START)
    ulong i = 0;
    for (; i + 4 <= depth; i += 4) {
        STEP a += LANES; panel += 2;
        STEP a += LANES; panel += 2;
        STEP a += LANES; panel += 2;
        STEP a += LANES; panel += 2;
    }
    for (; i < depth; i++) { STEP a += LANES; panel += 2; }
    EACH_ROW(KEEP)
}
#undef ROW

/* LANES rows are a whole number of low tiles. */
OUTLINED void multiply_channels(const ulong depth, __global const float *a, __global const vector *panel,
                                __local vector *sums)
{
    for (uint row = 0; row < LANES; row += FEW_ROWS) channels_tile(FEW_ROWS, depth, a + row, panel, sums + 2 * row);
}

/* Back from the points, `step` vectors apart, to the taps, whose strips lie side by side. */
INLINE void points_to_taps(const uint points, __local const vector *from, const ulong step, __local vector *to)
{
    const uint size = points - 3;
    vector column[8], half_way[5 * 8], values[5];
    for (uint j = 0; j < points; j++) {
        for (uint i = 0; i < points; i++) column[i] = from[(i * points + j) * step];
        winograd_taps_back(points, column, 1, half_way + j, points);
    }
    for (uint i = 0; i < size; i++) {
        winograd_taps_back(points, half_way + i * points, 1, values, 1);
        for (uint j = 0; j < size; j++) to[2 * (i * size + j)] = values[j];
    }
}

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_winograd_weights
#define POINTS      8
#endif

/* `pitch`: tiles from one point's values to the next one's. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, const ulong blocks, const ulong strips, const ulong pitch,
                 __global const float *restrict workspace, const ulong workspace_offset, __global float *c,
                 const ulong c_offset, const uint add FINISH_PARAMETERS)
{
    __local vector sums[2 * TILES * POINTS * POINTS * LANES], taps[2 * 25];
    const ulong n = s.features, all_tiles = tiles_of(s.images, written_of(s, false));
    const ulong first_strip = get_global_id(0) * strips, first_block = get_global_id(1) * blocks;
    const ulong end_strip = min(first_strip + strips, (n + COLUMNS - 1) / COLUMNS);
    const ulong end_block = min(first_block + blocks, (ulong)s.channels / LANES);
    const uint tap_count = s.kernel_size[0] * s.kernel_size[1];
    __global const float *pixels = workspace + workspace_offset;
    __global const float *results = pixels + s.channels * POINTS * POINTS * pitch;
    c += c_offset;
    for (ulong point = 0; point < POINTS * POINTS; point++) {
        __local vector *to = sums + 2 * point * LANES;
        for (ulong strip = first_strip; strip < end_strip; strip++)
            for (ulong block = first_block; block < end_block; block++, to += 2 * POINTS * POINTS * LANES)
                multiply_channels(all_tiles, pixels + (block * POINTS * POINTS + point) * pitch * LANES,
                                  (__global const vector *)results + (strip * POINTS * POINTS + point) * pitch * 2, to);
    }
    __local const vector *from = sums;
    for (ulong strip = first_strip; strip < end_strip; strip++)
        for (ulong block = first_block; block < end_block; block++, from += 2 * (POINTS * POINTS - 1) * LANES)
            for (uint in_block = 0; in_block < LANES; in_block++, from += 2) {
                const ulong columns = min((ulong)COLUMNS, n - strip * COLUMNS);
                points_to_taps(POINTS, from, 2 * LANES, taps);
                points_to_taps(POINTS, from + 1, 2 * LANES, taps + 1);
                for (uint tap = 0; tap < tap_count; tap++)
                    FINISH_ROW((ulong)tap * s.channels + block * LANES + in_block, strip * COLUMNS, columns,
                               (__local float *)(taps + 2 * tap))
            }
}
