/* SPDX-License-Identifier: MIT */
/* The gradient of a convolution by its weights, for processors with vector registers and caches: the register tiles of
 * gemm_panel.cl, NHWC, single precision.
 *
 * The idea: for one tap the gradient is a matrix product with a row for each channel and a column for each feature; k
 * runs over all places of all images where the tap lies inside the picture. Channels lie side by side in a pixel, but
 * pixels lie far apart, often at distances at which they evict each other from a cache. So a few rows of pixels are
 * copied side by side, the matching rows of the result are packed into a panel, and all taps of a work-item use both.
 *
 * What bounds it: the multiply-add units, if there are enough channels and features to make up for the copies, which
 * wait for memory. A tile runs over K_BLOCK steps at most: what it reads of pixels and panel then stays in the
 * first-level cache for the next one.
 *
 * An example: 32 images of 6 x 6 pixels and 8 channels, a window of 3 x 3 at stride 1 with one pixel of padding, 32
 * features; LANES = 8, so a strip has 16 columns, and K_BLOCK = 128.
 *
 * The index space. The gradient has 9 taps x 8 channels rows and 32 columns, and k counts 32 x 36 places:
 *
 *       w, 72 x 32          strip 0     strip 1
 *                         +-----------+-----------+     dimension 0: parts of the kernel (shares.tap_rows x tap_columns
 *       tap (0, 0)   8 {  |           |           |                  taps), in each blocks of row_block channels
 *       tap (0, 1)   8 {  |           |           |     dimension 1: parts of `strips` strips, of each group
 *          :              |           |           |     dimension 2: pieces of image_block images, whose sums
 *       tap (2, 2)   8 {  |           |           |                  conv_panel_sum.cl adds up
 *                         +-----------+-----------+
 *
 * All 9 taps, 8 channels and both strips need sums of 2 x 9 x 8 rows, few enough for one work-item, which then copies
 * each pixel and packs each result once. On two processors there are four work-items: pieces of 8 images.
 *
 * A chunk is what is copied and packed at a time, here all results of 3 images, as 3 x 36 <= K_BLOCK. Tap (0, 0) of
 * result (i, j) reads pixel (i - 1, j - 1), so its k has 25 of the 36 places of an image:
 *
 *       pixels (numbers in the copy)         results (numbers in the panel)
 *          0   1   2   3   4   .                .   .   .   .   .   .
 *          6   7   8   9  10   .                .   7   8   9  10  11
 *         12  13  14  15  16   .                .  13  14  15  16  17
 *         18  19  20  21  22   .                .  19  20  21  22  23
 *         24  25  26  27  28   .                .  25  26  27  28  29
 *          .   .   .   .   .   .                .  31  32  33  34  35
 *
 * The tap's steps of k are listed: where step i finds a pixel's channels in the copy, `pitch` = 16 floats from pixel to
 * pixel, and a result's 16 features in the panel, two vectors a result. The next image goes on at pixel and result 36.
 *
 *       i                 0    1    2    3    4    5    6  ...   24   25 (the second image)
 *       steps             0   16   32   48   64   96  112  ...  448  576
 *       panel_steps      14   16   18   20   22   26   28  ...   70   86
 *
 * A tile takes up to ROWS channels: step i multiplies copy[steps[i] + channel] with the two vectors, and adds to the
 * channel's row of sums of this tap and strip. */
#include "convolution.cl"
#include "panel.cl"

#ifndef CONV_PANEL_WEIGHTS_CL
#define CONV_PANEL_WEIGHTS_CL

/* The host gives BLOCK, the floats of copied pixels, and TAPS, the most taps of a work-item. */
#ifndef BLOCK
#define BLOCK (64 * K_BLOCK)
#define TAPS  25
#endif

/* Adds copied channels times the panel to the sums of one tap and strip. */
#define ROW(r) r /* rows are channels, side by side */
#define LISTED_STEP                                                                                                    \
    {                                                                                                                  \
        __local const float *a = block + steps[i];                                                                     \
        __local const vector *panel = panels + panel_steps[i];                                                         \
        STEP                                                                                                           \
        i++;                                                                                                           \
    }
INLINE void channels_tile(const uint height, const ulong depth, __local const float *block, __local const int *steps,
                          __local const vector *panels, __local const int *panel_steps, __local vector *sums)
{
    EACH_ROW(START)
    EACH_ROW(RESUME)
    ulong i = 0;
    while (i + 4 <= depth) { LISTED_STEP LISTED_STEP LISTED_STEP LISTED_STEP }
    while (i < depth) { LISTED_STEP }
    EACH_ROW(KEEP)
}
#undef ROW
#undef LISTED_STEP

OUTLINED void add_channels(const ulong channels, const ulong depth, __local const float *block,
                           __local const int *steps, __local const vector *panel, __local const int *panel_steps,
                           __local vector *sums)
{
    for (ulong row = 0, rows; row < channels; row += rows) {
        rows = next_rows(channels - row);
        if (rows > FEW_ROWS)
            channels_tile(ROWS, depth, block + row, steps, panel, panel_steps, sums + 2 * row);
        else
            channels_tile(FEW_ROWS, depth, block + row, steps, panel, panel_steps, sums + 2 * row);
    }
}

/* How much each work-item takes at most. */
typedef struct {
    uint tap_rows, tap_columns, row_block, strips, image_block;
} shares;

/* What a work-item computes. Its rows are some taps and channels, its columns some strips of features, its part of k
 * some images. */
typedef struct {
    uint tap[2], taps[2];
    ulong group, first_channel, channels, strip, strips, image, images;
} part;

part part_of(const convolution s, const shares most)
{
    const ulong row_block = most.row_block, strips = most.strips;
    const ulong channels = s.channels / s.groups, blocks = (channels + row_block - 1) / row_block;
    const ulong all_strips = (s.features / s.groups + COLUMNS - 1) / COLUMNS, parts = (all_strips + strips - 1) / strips;
    const uint across = (s.kernel_size[1] + most.tap_columns - 1) / most.tap_columns;
    const uint taps = (uint)(get_global_id(0) / blocks);
    part p;
    p.tap[0] = taps / across * most.tap_rows;
    p.tap[1] = taps % across * most.tap_columns;
    p.taps[0] = min(most.tap_rows, s.kernel_size[0] - p.tap[0]);
    p.taps[1] = min(most.tap_columns, s.kernel_size[1] - p.tap[1]);
    p.first_channel = get_global_id(0) % blocks * row_block;
    p.channels = min(row_block, channels - p.first_channel);
    p.group = get_global_id(1) / parts;
    p.strip = get_global_id(1) % parts * strips;
    p.strips = min(strips, all_strips - p.strip);
    p.image = get_global_id(2) * most.image_block;
    p.images = min((ulong)most.image_block, s.images - p.image);
    return p;
}

/* The results along a dimension for which any of the part's taps lies inside the picture: `count` of them from `first`
 * on. */
typedef struct {
    uint first, count;
} range;

range results_of(const convolution s, const part p, const uint axis)
{
    range found = {0, 0};
    for (uint o = 0; o < s.result[axis]; o++) {
        bool meets = false;
        for (uint tap = p.tap[axis]; !meets && tap < p.tap[axis] + p.taps[axis]; tap++)
            meets = pixel_of(s, axis, o, tap) < s.picture[axis];
        if (!meets) continue;
        if (found.count == 0) found.first = o;
        found.count = o + 1 - found.first;
    }
    return found;
}

/* The pixels along a dimension that the part's taps read for these results: `count` of them from `first` on, `step`
 * apart. A single tap skips the pixels between its strides. */
typedef struct {
    uint first, count, step;
} line_of_pixels;

line_of_pixels pixels_of(const convolution s, const part p, const uint axis, const range results)
{
    const int first = (int)(results.first * s.stride[axis] + p.tap[axis] * s.dilation[axis]) - (int)s.pad[axis];
    const int reach = (int)((results.count - 1) * s.stride[axis] + (p.taps[axis] - 1) * s.dilation[axis]) + 1;
    const int from = clamp(first, 0, (int)s.picture[axis]), end = clamp(first + reach, from, (int)s.picture[axis]);
    line_of_pixels found = {(uint)from, (uint)(end - from), 1};
    if (p.taps[axis] > 1) return found;
    found.step = s.stride[axis];
    found.count = (found.count + found.step - 1) / found.step;
    return found;
}

/* How many pixels `count` neighbouring results read along a dimension, away from the picture's edges. The next function
 * is its inverse: how many results read at most that many pixels. */
uint pixels_for(const convolution s, const part p, const uint axis, const uint count)
{
    return p.taps[axis] == 1 ? count : (count - 1) * s.stride[axis] + (p.taps[axis] - 1) * s.dilation[axis] + 1;
}

uint results_for(const convolution s, const part p, const uint axis, const uint pixels)
{
    const uint window = (p.taps[axis] - 1) * s.dilation[axis] + 1;
    return p.taps[axis] == 1 ? pixels : (pixels - window) / s.stride[axis] + 1;
}

/* A rectangle of results, the pixels it reads, and how many images are taken at a time. */
typedef struct {
    range results[2];
    line_of_pixels pixels[2];
    uint deep;
} chunk;

chunk chunk_of(const convolution s, const part p, const range rows, const range columns, const uint most_pixels)
{
    const line_of_pixels high = pixels_of(s, p, 0, rows), wide = pixels_of(s, p, 1, columns);
    const uint fitting = min(K_BLOCK / (rows.count * columns.count), most_pixels / max(high.count * wide.count, 1U));
    const chunk k = {{rows, columns}, {high, wide}, min(fitting, (uint)p.images)};
    return k;
}

/* Splits `all` into the fewest turns of at most `most`. Returns the size of equal turns, so that the last is not a
 * small rest. */
uint even_share(const uint all, const uint most)
{
    const uint times = max((all + most - 1) / most, 1U);
    return (all + times - 1) / times;
}

/* Lists the steps of a tap over the images of a chunk: offsets into the copied pixels and into the panel. Returns the
 * number of steps for one image. */
uint list_tap(const convolution s, const chunk k, const uint tap_row, const uint tap_column, const uint pitch,
              __local int *steps, __local int *panel_steps)
{
    uint count = 0;
    for (uint image = 0; image < k.deep; image++)
        for (uint i = 0; i < k.results[0].count; i++) {
            const uint row = pixel_of(s, 0, k.results[0].first + i, tap_row);
            if (row >= s.picture[0]) continue;
            const uint copied = image * k.pixels[0].count + (row - k.pixels[0].first) / k.pixels[0].step;
            for (uint j = 0; j < k.results[1].count; j++) {
                const uint column = pixel_of(s, 1, k.results[1].first + j, tap_column);
                if (column >= s.picture[1]) continue;
                const uint across = (column - k.pixels[1].first) / k.pixels[1].step;
                steps[count] = (int)((copied * k.pixels[1].count + across) * pitch);
                panel_steps[count++] =
                    (int)(2 * ((image * k.results[0].count + i) * k.results[1].count + j));
            }
        }
    return count / k.deep;
}

/* Rows of pixels, or of results, of some images. Images lie `image` floats apart; each has `rows` rows, `row` floats
 * apart, of `columns` pixels, `column` floats apart. */
typedef struct {
    __global const float *from;
    ulong image, row, column;
    uint rows, columns;
} lines;

__global const float *row_of(const lines all, const ulong row)
{
    return all.from + row / all.rows * all.image + row % all.rows * all.row;
}

/* Copies `count` channels of each pixel; the copies lie `pitch` floats apart. */
void copy_channels(const lines from, const ulong rows, const ulong count, const ulong pitch, __local float *to)
{
    for (ulong row = 0; row < rows; row++) {
        __global const float *x = row_of(from, row);
        for (ulong column = 0; column < from.columns; column++, x += from.column, to += pitch) {
            ulong i = 0;
            for (; i + LANES <= count; i += LANES) STORE(LOAD(0, x + i), 0, to + i);
            for (; i < count; i++) to[i] = x[i];
        }
    }
}

/* A work-item's local memory: copied pixels, a panel of results, the steps of each tap (K_BLOCK a tap) and how many an
 * image has, and sums, [strips][taps][sums_a_tap]. */
typedef struct {
    __local float *block;
    __local vector *panel, *sums;
    __local int *steps, *panel_steps;
    __local uint *steps_an_image;
    ulong sums_a_tap;
} workplace;

/* Adds a chunk's products: images `image` to `image` + images - 1. `pixels` and `places` are its pixels and results of
 * the first of them. */
void add_chunk(const part p, const lines pixels, const lines places, const ulong images, const uint pitch,
               const ulong features, const workplace at)
{
    const uint taps = p.taps[0] * p.taps[1];
    __local vector *to = at.sums;
    copy_channels(pixels, images * pixels.rows, p.channels, pitch, at.block);
    for (ulong strip = 0; strip < p.strips; strip++) {
        const ulong columns = min((ulong)COLUMNS, features - (p.strip + strip) * COLUMNS);
        for (ulong r = 0; r < images * places.rows; r++)
            pack_rows(row_of(places, r) + strip * COLUMNS, places.column, columns, places.columns,
                      at.panel + r * places.columns * 2);
        for (uint tap = 0; tap < taps; tap++, to += at.sums_a_tap)
            add_channels(p.channels, at.steps_an_image[tap] * images, at.block, at.steps + tap * K_BLOCK, at.panel,
                         at.panel_steps + tap * K_BLOCK, to);
    }
}

/* Adds the products of all chunks to the sums. */
void add_products(const convolution s, const part p, __global const float *x, __global const float *y,
                  const workplace at)
{
    /* an odd number of cache lines: pixels a power of two apart would evict each other from the cache */
    const uint pitch = (uint)((p.channels + LINE - 1) / LINE | 1) * LINE;
    const uint taps = p.taps[0] * p.taps[1], most_pixels = BLOCK / pitch;
    const range results[2] = {results_of(s, p, 0), results_of(s, p, 1)};
    const ulong features = s.features / s.groups;
    const uint wide = even_share(
        results[1].count, min((uint)K_BLOCK, results_for(s, p, 1, most_pixels / pixels_for(s, p, 0, 1))));
    const uint high = even_share(results[0].count,
                                 min(K_BLOCK / max(wide, 1U),
                                     results_for(s, p, 0, most_pixels / pixels_for(s, p, 1, max(wide, 1U)))));
    x += p.group * (s.channels / s.groups) + p.first_channel;
    y += p.group * features + p.strip * COLUMNS;
    for (uint left = 0; left < results[1].count; left += wide)
        for (uint top = 0; top < results[0].count; top += high) {
            const range down = {results[0].first + top, min(high, results[0].count - top)};
            const range across = {results[1].first + left, min(wide, results[1].count - left)};
            const chunk k = chunk_of(s, p, down, across, most_pixels);
            for (uint tap = 0; tap < taps; tap++)
                at.steps_an_image[tap] =
                    list_tap(s, k, p.tap[0] + tap / p.taps[1], p.tap[1] + tap % p.taps[1], pitch,
                             at.steps + tap * K_BLOCK, at.panel_steps + tap * K_BLOCK);
            lines pixels = {x + (k.pixels[0].first * (ulong)s.picture[1] + k.pixels[1].first) * s.channels,
                            (ulong)s.picture[0] * s.picture[1] * s.channels,
                            (ulong)k.pixels[0].step * s.picture[1] * s.channels,
                            (ulong)k.pixels[1].step * s.channels, k.pixels[0].count, k.pixels[1].count};
            lines places = {y + (k.results[0].first * (ulong)s.result[1] + k.results[1].first) * s.features,
                            (ulong)s.result[0] * s.result[1] * s.features, (ulong)s.result[1] * s.features, s.features,
                            k.results[0].count, k.results[1].count};
            pixels.from += p.image * pixels.image;
            places.from += p.image * places.image;
            for (ulong image = 0; image < p.images; image += k.deep) {
                const ulong images = min((ulong)k.deep, p.images - image);
                add_chunk(p, pixels, places, images, pitch, features, at);
                pixels.from += images * pixels.image;
                places.from += images * places.image;
            }
        }
}

#endif

#ifndef KERNEL_NAME
#define KERNEL_NAME conv_panel_weights
#endif

/* Computes w from x and y. Each piece of the images writes sums of its own, one after the other in c. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void KERNEL_NAME(const convolution s, const shares most, __global const float *restrict x, const ulong x_offset,
                 __global const float *restrict y, const ulong y_offset, __global float *c, const ulong c_offset,
                 const uint add FINISH_PARAMETERS)
{
    __local vector panel[2 * K_BLOCK], sums[2 * (SUM_ROWS + FEW_ROWS)];
    __local float block[BLOCK + ROWS];
    __local int steps[TAPS * K_BLOCK], panel_steps[TAPS * K_BLOCK];
    __local uint steps_an_image[TAPS];
    const part p = part_of(s, most);
    const ulong n = s.features, channels = s.channels / s.groups, features = s.features / s.groups;
    const workplace at = {block, panel, sums, steps, panel_steps, steps_an_image, 2 * (most.row_block + FEW_ROWS)};
    __local vector *to = sums;
    for (ulong i = 0; i < p.strips * p.taps[0] * p.taps[1] * at.sums_a_tap; i++) sums[i] = 0.0f;
    add_products(s, p, x + x_offset, y + y_offset, at);
    c += c_offset + get_global_id(2) * s.kernel_size[0] * s.kernel_size[1] * channels * n;
    for (ulong strip = p.strip; strip < p.strip + p.strips; strip++)
        for (uint tap = 0; tap < p.taps[0] * p.taps[1]; tap++, to += at.sums_a_tap) {
            const ulong tap_row = p.tap[0] + tap / p.taps[1], tap_column = p.tap[1] + tap % p.taps[1];
            const ulong first = (tap_row * s.kernel_size[1] + tap_column) * channels + p.first_channel;
            const ulong column = p.group * features + strip * COLUMNS;
            const ulong columns = min((ulong)COLUMNS, features - strip * COLUMNS);
            for (ulong r = 0; r < p.channels; r++)
                FINISH_ROW(first + r, column, columns, (__local float *)(to + 2 * r))
        }
}
