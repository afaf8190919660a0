/* SPDX-License-Identifier: MIT */
/* Convolutions with windows of 3 x 3 or 5 x 5 at stride 1, and their data gradients, by Winograd's short convolutions
 * (winograd.cl): for processors with vector registers and caches, NHWC, single precision.
 *
 * A tile is 4 x 4 results; it reads POINTS x POINTS pixels, and tiles overlap in what they read:
 *
 *       pixels, 3 x 3 (POINTS = 6)             results
 *       . . . . . .
 *       . x x x x .  . .                       x x x x | . .
 *       . x x x x .  . .       ------>         x x x x | . .     the next tile
 *       . x x x x .  . .                       x x x x | . .
 *       . x x x x .  . .                       x x x x | . .
 *       . . . . . .
 *
 * In three steps, for some tiles at a time: all channels of their pixels to the points; at each of the POINTS x POINTS
 * points a matrix product with a row for each tile, a column for each feature, and k for the channels; back from the
 * points to results. Only the second is work that grows with channels times features.
 *
 * Mapping: a work-item takes every get_global_size(0)-th block of `tile_block` tiles, over which it walks through all
 * features, a strip of 2 LANES at a time. Weights lie in panels at the points (conv_winograd_pack.cl); behind them, in
 * the same workspace, each work-item keeps its tiles' values at the points.
 *
 * What bounds it: the multiply-add units while there are tens of channels and features to make up for the transforms
 * (some 3 operations a value), and tens of tiles, as each block reads all panels. */
#include "winograd.cl"

#ifndef CONV_WINOGRAD_CL
#define CONV_WINOGRAD_CL

/* The host gives TILES, the most tiles of a block. */
#ifndef TILES
#define TILES 8
#endif

/* At one point: `rows` tiles' values, `stride` apart, times a panel. */
#define ROW(r) min((ulong)r, rows - 1) * stride
INLINE void point_tile(const uint height, const ulong rows, const ulong depth, __global const float *a,
                       const ulong stride, __global const vector *panel, __local vector *sums)
{
    EACH_ROW(START)
    ulong i = 0;
    for (; i + 4 <= depth; i += 4) {
        STEP a++; panel += 2;
        STEP a++; panel += 2;
        STEP a++; panel += 2;
        STEP a++; panel += 2;
    }
    for (; i < depth; i++) { STEP a++; panel += 2; }
    EACH_ROW(KEEP)
}
#undef ROW

OUTLINED void multiply_point(const ulong tiles, const ulong depth, __global const float *a, const ulong stride,
                             __global const vector *panel, __local vector *sums)
{
    for (ulong row = 0, rows; row < tiles; row += rows) {
        rows = next_rows(tiles - row);
        if (rows > FEW_ROWS)
            point_tile(ROWS, rows, depth, a + row * stride, stride, panel, sums + 2 * row);
        else
            point_tile(FEW_ROWS, rows, depth, a + row * stride, stride, panel, sums + 2 * row);
    }
}

/* Back from the points, `step` vectors apart, to 4 x 4 results, whose strips lie side by side. */
INLINE void points_to_results(const uint points, __local const vector *from, const ulong step, __local vector *to)
{
    vector column[8], half_way[RESULTS * 8], values[RESULTS];
    for (uint j = 0; j < points; j++) {
        for (uint i = 0; i < points; i++) column[i] = from[(i * points + j) * step];
        winograd_results(points, column, 1, half_way + j, points);
    }
    for (uint i = 0; i < RESULTS; i++) {
        winograd_results(points, half_way + i * points, 1, values, 1);
        for (uint j = 0; j < RESULTS; j++) to[2 * (i * RESULTS + j)] = values[j];
    }
}

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_winograd
#define USE         FORWARD
#define POINTS      8
#endif

/* Computes y from x, or x from y. `pitch`: floats from one tile's values at a point to the next one's. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, const ulong tile_block, const ulong pitch, __global const float *restrict a,
                 const ulong a_offset, __global float *workspace, const ulong workspace_offset, __global float *c,
                 const ulong c_offset, const uint add FINISH_PARAMETERS)
{
    __local vector sums[2 * (POINTS * POINTS * TILES + FEW_ROWS)], results[2 * RESULTS * RESULTS];
    const tensor in = operand_of(s, USE == DATA), out = written_of(s, USE == DATA);
    const ulong n = out.channels, depth = in.channels, strips = (n + COLUMNS - 1) / COLUMNS;
    const ulong all_tiles = tiles_of(s.images, out), all_rows = s.images * out.height * out.width;
    const int above = (int)(USE == DATA ? s.kernel_size[0] - 1 - s.pad[0] : s.pad[0]);
    const int before = (int)(USE == DATA ? s.kernel_size[1] - 1 - s.pad[1] : s.pad[1]);
    __global const vector *panels = (__global const vector *)(workspace + workspace_offset);
    __global float *values = workspace + workspace_offset + strips * POINTS * POINTS * depth * COLUMNS +
                             get_global_id(0) * POINTS * POINTS * tile_block * pitch;
    a += a_offset;
    c += c_offset;
    for (ulong first = get_global_id(0) * tile_block; first < all_tiles; first += get_global_size(0) * tile_block) {
        const ulong tiles = min(tile_block, all_tiles - first);
        for (ulong tile = 0; tile < tiles; tile++) {
            const tile_place at = place_of(out, first + tile);
            __global const float *picture = a + at.image * in.height * in.width * in.channels;
            for (ulong k = 0; k < depth; k += LANES)
                pixels_to_points(POINTS, in, picture + k, (int)at.row - above, (int)at.column - before,
                                 values + tile * pitch + k, tile_block * pitch, pitch);
        }
        for (ulong strip = 0; strip < strips; strip++) {
            const ulong columns = min((ulong)COLUMNS, n - strip * COLUMNS);
            for (ulong point = 0; point < POINTS * POINTS; point++)
                multiply_point(tiles, depth, values + point * tile_block * pitch, pitch,
                               panels + (strip * POINTS * POINTS + point) * depth * 2,
                               sums + 2 * point * tile_block);
            for (ulong tile = 0; tile < tiles; tile++) {
                const tile_place at = place_of(out, first + tile), next = place_of(out, first + tile + 1);
                for (uint i = 0; i < RESULTS * RESULTS; i++) {
                    const ulong row = row_at(out, s.images, next, i);
                    FINISH_FETCH(row, strip * COLUMNS)
                }
                points_to_results(POINTS, sums + 2 * tile, 2 * tile_block, results);
                points_to_results(POINTS, sums + 2 * tile + 1, 2 * tile_block, results + 1);
                for (uint i = 0; i < RESULTS * RESULTS; i++) {
                    const ulong row = row_at(out, s.images, at, i);
                    if (row == all_rows) continue;
                    FINISH_ROW(row, strip * COLUMNS, columns, (__local float *)(results + 2 * i))
                }
            }
        }
    }
}
