/* SPDX-License-Identifier: MIT */
/* Which taps of a window lie inside the operand at one place of the result: for conv_panel.cl and conv_panel_thin.cl,
 * which compute y from x, or x from y. */
#include "convolution.cl"

#ifndef CONV_TAPS_CL
#define CONV_TAPS_CL

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

/* What is read, A, and what is written, C, as pictures: x and y, or y and x. */
typedef struct {
    uint height, width, channels; /* those of y are the features */
} tensor;

tensor operand_of(const convolution s, const bool is_data)
{
    const tensor x = {s.picture[0], s.picture[1], s.channels}, y = {s.result[0], s.result[1], s.features};
    return is_data ? y : x;
}

tensor written_of(const convolution s, const bool is_data)
{
    return operand_of(s, !is_data);
}

#endif
