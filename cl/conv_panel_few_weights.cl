/* SPDX-License-Identifier: MIT */
/* The gradient of a convolution by its weights, as in conv_panel_weights.cl, for pictures with fewer channels than a
 * tile has rows: a tile has a row for each tap and channel instead.
 *
 * Mapping: a work-item computes row_block rows and one strip from image_block images. Each image is first copied into
 * local memory, with the padding that the taps read, so all rows take the same steps of k, one a result, and a row is
 * an offset. Dimension 0 counts blocks of rows, dimension 1 strips, dimension 2 pieces of the images, each of which
 * writes sums of its own, one after the other in c. Bound as conv_panel_weights.cl is. */
#include "convolution.cl"
#include "panel.cl"

#ifndef CONV_PANEL_FEW_WEIGHTS_CL
#define CONV_PANEL_FEW_WEIGHTS_CL

/* The host gives PADDED, the most floats of a padded image. */
#ifndef PADDED
#define PADDED 1024
#endif

/* Adds the padded image times the panel to the sums. Row r begins at where[r]. */
#define ROW(r) where[min((ulong)r, rows - 1)]
#define LISTED_STEP                                                                                                    \
    {                                                                                                                  \
        __local const float *a = padded + steps[i];                                                                    \
        __local const vector *panel = panels + 2 * i;                                                                  \
        STEP                                                                                                           \
        i++;                                                                                                           \
    }
INLINE void taps_tile(const uint height, const ulong rows, const ulong depth, __local const float *padded,
                      __local const int *where, __local const int *steps, __local const vector *panels,
                      __local vector *sums, const uint resumes)
{
    EACH_ROW(START)
    if (resumes) { EACH_ROW(RESUME) }
    ulong i = 0;
    while (i + 4 <= depth) { LISTED_STEP LISTED_STEP LISTED_STEP LISTED_STEP }
    while (i < depth) { LISTED_STEP }
    EACH_ROW(KEEP)
}
#undef ROW
#undef LISTED_STEP

OUTLINED void add_taps(const ulong all_rows, const ulong depth, __local const float *padded, __local const int *where,
                       __local const int *steps, __local const vector *panel, __local vector *sums, const uint resumes)
{
    for (ulong row = 0, rows; row < all_rows; row += rows) {
        rows = next_rows(all_rows - row);
        if (rows > FEW_ROWS)
            taps_tile(ROWS, rows, depth, padded, where + row, steps, panel, sums + 2 * row, resumes);
        else
            taps_tile(FEW_ROWS, rows, depth, padded, where + row, steps, panel, sums + 2 * row, resumes);
    }
}

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_panel_few_weights
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, const uint row_block, const uint image_block, __global const float *restrict x,
                 const ulong x_offset, __global const float *restrict y, const ulong y_offset, __global float *c,
                 const ulong c_offset, const uint add FINISH_PARAMETERS)
{
    __local vector panel[2 * K_BLOCK], sums[2 * (SUM_ROWS + FEW_ROWS)];
    __local int steps[PADDED], where[SUM_ROWS];
    __local float padded[PADDED];
    const ulong n = s.features, first_row = get_global_id(0) * row_block, column = get_global_id(1) * COLUMNS;
    const ulong all_rows =
        min((ulong)row_block, (ulong)s.kernel_size[0] * s.kernel_size[1] * s.channels - first_row);
    const ulong columns = min((ulong)COLUMNS, n - column), places = (ulong)s.result[0] * s.result[1];
    const uint height = (s.result[0] - 1) * s.stride[0] + (s.kernel_size[0] - 1) * s.dilation[0] + 1;
    const uint width = (s.result[1] - 1) * s.stride[1] + (s.kernel_size[1] - 1) * s.dilation[1] + 1;
    const ulong first_image = get_global_id(2) * image_block, images = min((ulong)image_block, s.images - first_image);
    x += x_offset + first_image * s.picture[0] * s.picture[1] * s.channels;
    y += y_offset + first_image * places * n + column;
    c += c_offset + get_global_id(2) * s.kernel_size[0] * s.kernel_size[1] * s.channels * n;
    for (ulong r = 0; r < all_rows; r++) {
        const uint tap = (uint)(first_row + r) / s.channels, in_channel = (uint)(first_row + r) % s.channels;
        const uint down = tap / s.kernel_size[1] * s.dilation[0], across = tap % s.kernel_size[1] * s.dilation[1];
        where[r] = (int)((down * width + across) * s.channels + in_channel);
    }
    for (ulong k = 0; k < places; k++) {
        const uint i = (uint)k / s.result[1], j = (uint)k % s.result[1];
        steps[k] = (int)((i * s.stride[0] * width + j * s.stride[1]) * s.channels);
    }
    /* the part of the picture that taps read */
    const uint high = min(s.picture[0], height - min(height, s.pad[0]));
    const uint length = min(s.picture[1], width - min(width, s.pad[1])) * s.channels;
    for (uint i = 0; i < PADDED; i++) padded[i] = 0.0f;
    for (ulong image = 0; image < images; image++, x += (ulong)s.picture[0] * s.picture[1] * s.channels) {
        for (uint i = 0; i < high; i++) {
            __local float *row = padded + ((i + s.pad[0]) * width + s.pad[1]) * s.channels;
            for (uint j = 0; j < length; j++) row[j] = x[i * s.picture[1] * s.channels + j];
        }
        for (ulong done = 0; done < places; done += K_BLOCK) {
            const ulong depth = min((ulong)K_BLOCK, places - done);
            pack_rows(y + (image * places + done) * n, n, columns, depth, panel);
            add_taps(all_rows, depth, padded, where, steps + done, panel, sums, image > 0 || done > 0);
        }
    }
    for (ulong r = 0; r < all_rows; r++)
        FINISH_ROW(first_row + r, column, columns, (__local float *)(sums + 2 * r))
}
