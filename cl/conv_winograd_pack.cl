/* SPDX-License-Identifier: MIT */
/* Brings a convolution's weights to Winograd's points (winograd.cl) and packs them into panels for conv_winograd.cl,
 * [strips][POINTS x POINTS][k][COLUMNS]. For the forward pass k counts channels and the columns are features; for the
 * data gradient k counts features, the columns are channels, and the window is turned round. Columns past the last are
 * 0.
 *
 * Mapping: a work-item takes PACKED steps of k of one strip; dimension 0 counts those, dimension 1 strips. Bound by
 * memory: what it writes is up to four times the weights. */
#include "convolution.cl"
#include "winograd.cl"

#ifndef CONV_WINOGRAD_PACK_CL
#define CONV_WINOGRAD_PACK_CL

#define PACKED 16 /* the host knows it too */

/* The values of one step of k, half a strip: from the panels of the taps, `step` vectors apart, to those of the points,
 * `to_step` apart. */
INLINE void pack_points(const uint points, __local const vector *from, const ulong step, __global vector *to,
                        const ulong to_step)
{
    vector taps[25], half_way[40], values[8];
    const uint size = points - 3;
    for (uint tap = 0; tap < size * size; tap++) taps[tap] = from[tap * step];
    for (uint j = 0; j < size; j++) winograd_taps(points, taps + j, size, half_way + j, size);
    for (uint i = 0; i < points; i++) {
        winograd_taps(points, half_way + i * size, 1, values, 1);
        for (uint j = 0; j < points; j++) to[(i * points + j) * to_step] = values[j];
    }
}

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_winograd_pack
#define USE         FORWARD
#define POINTS      8
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, __global const float *restrict w, const ulong w_offset,
                 __global float *restrict panels, const ulong panels_offset)
{
    __local vector taps[25 * PACKED * 2];
    const ulong depth = USE == DATA ? s.features : s.channels, all_columns = USE == DATA ? s.channels : s.features;
    const ulong first = get_global_id(0) * PACKED, strip = get_global_id(1);
    const ulong columns = min((ulong)COLUMNS, all_columns - strip * COLUMNS), steps = min((ulong)PACKED, depth - first);
    const uint tap_count = s.kernel_size[0] * s.kernel_size[1];
    __global vector *to =
        (__global vector *)(panels + panels_offset) + (strip * POINTS * POINTS * depth + first) * 2;
    w += w_offset;
    for (uint tap = 0; tap < tap_count; tap++) {
        __local vector *panel = taps + tap * PACKED * 2;
        if (USE == DATA)
            pack_columns(w + ((tap_count - 1 - tap) * (ulong)s.channels + strip * COLUMNS) * s.features + first,
                         s.features, columns, steps, panel);
        else
            pack_rows(w + (tap * (ulong)s.channels + first) * s.features + strip * COLUMNS, s.features, columns, steps,
                      panel);
    }
    for (ulong i = 0; i < 2 * steps; i++) pack_points(POINTS, taps + i, PACKED * 2, to + i, depth * 2);
}
