/* SPDX-License-Identifier: MIT */
/* Packs a convolution's weights into the panels of conv_panel.cl, [groups][strips][taps][k][COLUMNS]. For the forward
 * pass k counts channels and the columns are features; for the data gradient k counts features and the columns are
 * channels. Columns past the last are 0.
 *
 * Mapping: a work-item packs one tap of one strip; dimension 0 counts taps, dimension 1 strips of groups. Bound by
 * memory. */
#include "convolution.cl"
#include "panel.cl"

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_panel_pack
#define USE         FORWARD
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, __global const float *restrict w, const ulong w_offset,
                 __global float *restrict panels, const ulong panels_offset)
{
    __local vector panel[2 * K_BLOCK];
    const ulong channels = s.channels / s.groups, features = s.features / s.groups;
    const ulong depth = USE == DATA ? features : channels, all_columns = USE == DATA ? channels : features;
    const ulong strips = (all_columns + COLUMNS - 1) / COLUMNS, taps = (ulong)s.kernel_size[0] * s.kernel_size[1];
    const ulong tap = get_global_id(0), group = get_global_id(1) / strips, strip = get_global_id(1) % strips;
    const ulong columns = min((ulong)COLUMNS, all_columns - strip * COLUMNS);
    w += w_offset + tap * channels * s.features + group * features;
    __global vector *to =
        (__global vector *)(panels + panels_offset) + (get_global_id(1) * taps + tap) * depth * 2;
    for (ulong k = 0; k < depth; k += K_BLOCK) {
        const ulong steps = min((ulong)K_BLOCK, depth - k);
        if (USE == DATA)
            pack_columns(w + strip * COLUMNS * s.features + k, s.features, columns, steps, panel);
        else
            pack_rows(w + k * s.features + strip * COLUMNS, s.features, columns, steps, panel);
        for (ulong i = 0; i < 2 * steps; i++) to[2 * k + i] = panel[i];
    }
}
