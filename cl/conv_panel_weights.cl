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
 * first-level cache for the next one. */
#include "convolution.cl"
#include "panel.cl"

#define SPACE         __local
#define PANEL_SPACE   __local
#define ROW(r)        r /* rows are channels, side by side */
#define PANEL_STEP(i) panel_steps[i]
LISTED_TILE(channels_tile, EACH_ROW, __local const int *panel_steps)
LISTED_TILE(channels_low_tile, EACH_OF_FEW, __local const int *panel_steps)
#undef ROW
#undef PANEL_STEP
#define ROW(r)        where[min((ulong)r, rows - 1)] /* rows are taps */
#define PANEL_STEP(i) 2 * i
LISTED_TILE(taps_tile, EACH_ROW, __local const int *where)
LISTED_TILE(taps_low_tile, EACH_OF_FEW, __local const int *where)

/* What a work-item computes. Its rows are some taps and channels, its columns some strips of features, its part of k
 * some images. */
typedef struct {
    uint tap[2], taps[2];
    ulong group, first_channel, channels, strip, strips, image, images;
} part;

part part_of(const convolution s, const uint tap_rows, const uint tap_columns, const ulong row_block,
             const ulong strips, const uint image_block)
{
    const ulong channels = s.channels / s.groups, blocks = (channels + row_block - 1) / row_block;
    const ulong all_strips = (s.features / s.groups + COLUMNS - 1) / COLUMNS, parts = (all_strips + strips - 1) / strips;
    const uint across = (s.kernel_size[1] + tap_columns - 1) / tap_columns, taps = (uint)(get_global_id(0) / blocks);
    part p;
    p.tap[0] = taps / across * tap_rows;
    p.tap[1] = taps % across * tap_columns;
    p.taps[0] = min(tap_rows, s.kernel_size[0] - p.tap[0]);
    p.taps[1] = min(tap_columns, s.kernel_size[1] - p.tap[1]);
    p.first_channel = get_global_id(0) % blocks * row_block;
    p.channels = min(row_block, channels - p.first_channel);
    p.group = get_global_id(1) / parts;
    p.strip = get_global_id(1) % parts * strips;
    p.strips = min(strips, all_strips - p.strip);
    p.image = get_global_id(2) * image_block;
    p.images = min((ulong)image_block, s.images - p.image);
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

/* Adds the products of all chunks to the sums, [strips][taps][row_block + FEW_ROWS][COLUMNS]. */
void add_products(const convolution s, const part p, const ulong sums_a_tap, __global const float *x,
                  __global const float *y, __local vector *panel, __local float *block, __local int *steps,
                  __local int *panel_steps, __local uint *steps_an_image, __local vector *sums)
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
                steps_an_image[tap] =
                    list_tap(s, k, p.tap[0] + tap / p.taps[1], p.tap[1] + tap % p.taps[1], pitch,
                             steps + tap * K_BLOCK, panel_steps + tap * K_BLOCK);
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
                __local vector *to = sums;
                copy_channels(pixels, images * pixels.rows, p.channels, pitch, block);
                for (ulong strip = 0; strip < p.strips; strip++) {
                    const ulong columns = min((ulong)COLUMNS, features - (p.strip + strip) * COLUMNS);
                    for (ulong r = 0; r < images * places.rows; r++)
                        pack_rows(row_of(places, r) + strip * COLUMNS, s.features, columns, places.columns,
                                  panel + r * places.columns * 2);
                    for (uint tap = 0; tap < taps; tap++, to += sums_a_tap) {
                        TILES(channels, p.channels, steps_an_image[tap] * images, block + row, steps + tap * K_BLOCK,
                              panel, to + 2 * row, 1, panel_steps + tap * K_BLOCK)
                    }
                }
                pixels.from += images * pixels.image;
                places.from += images * places.image;
            }
        }
}

#define WEIGHTS_ARGUMENTS                                                                                              \
    const convolution s, const uint tap_rows, const uint tap_columns, const ulong row_block, const ulong strips,       \
        const uint image_block, __global const float *restrict x, const ulong x_offset,                                \
        __global const float *restrict y, const ulong y_offset, __global float *c, const ulong c_offset,               \
        const uint add FINISH_PARAMETERS

/* Computes w from x and y. Dimension 0 counts parts of the kernel and, within each, blocks of row_block channels;
 * dimension 1 parts of `strips` strips of each group; dimension 2 pieces of the images. Each piece writes sums of its
 * own, one after the other in c. */
#define CONV_WEIGHTS(kernel_name)                                                                                      \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(WEIGHTS_ARGUMENTS)                                                                                \
    {                                                                                                                  \
        __local vector panel[2 * K_BLOCK], sums[2 * (SUM_ROWS + FEW_ROWS)];                                            \
        __local float block[BLOCK + ROWS];                                                                             \
        __local int steps[TAPS * K_BLOCK], panel_steps[TAPS * K_BLOCK];                                                \
        __local uint steps_an_image[TAPS];                                                                             \
        const part p = part_of(s, tap_rows, tap_columns, row_block, strips, image_block);                              \
        const ulong n = s.features, channels = s.channels / s.groups, sums_a_tap = 2 * (row_block + FEW_ROWS);         \
        __local vector *to = sums;                                                                                     \
        for (ulong i = 0; i < p.strips * p.taps[0] * p.taps[1] * sums_a_tap; i++) sums[i] = 0.0f;                      \
        add_products(s, p, sums_a_tap, x + x_offset, y + y_offset, panel, block, steps, panel_steps,                   \
                     steps_an_image, sums);                                                                            \
        c += c_offset + get_global_id(2) * s.kernel_size[0] * s.kernel_size[1] * channels * n;                         \
        for (ulong strip = p.strip; strip < p.strip + p.strips; strip++)                                               \
            for (uint tap = 0; tap < p.taps[0] * p.taps[1]; tap++, to += sums_a_tap) {                                 \
                const ulong tap_row = p.tap[0] + tap / p.taps[1], tap_column = p.tap[1] + tap % p.taps[1];             \
                const ulong first = (tap_row * s.kernel_size[1] + tap_column) * channels + p.first_channel;            \
                for (ulong r = 0; r < p.channels; r++)                                                                 \
                    FINISH_ROW(first + r, p.group * (s.features / s.groups) + strip * COLUMNS,                         \
                               min((ulong)COLUMNS, s.features / s.groups - strip * COLUMNS),                           \
                               (__local float *)(to + 2 * r))                                                          \
            }                                                                                                          \
    }
CONV_WEIGHTS(conv_weights)

/* C, m rows of n, is the sum of its pieces, first to last. Mapping: a work-item adds up every get_global_size(0)th row.
 * Bound by memory: it reads each piece once. */
#define CONV_WEIGHTS_SUM(kernel_name)                                                                                  \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const ulong m, const ulong n, const uint count, __global const float *restrict pieces,            \
                     const ulong pieces_offset, __global float *c, const ulong c_offset, const uint add FINISH_PARAMETERS) \
    {                                                                                                                  \
        __local vector sum[2];                                                                                         \
        __local float *done = (__local float *)sum;                                                                    \
        pieces += pieces_offset;                                                                                       \
        c += c_offset;                                                                                                 \
        for (ulong r = get_global_id(0); r < m; r += get_global_size(0))                                               \
            for (ulong column = 0; column < n; column += COLUMNS) {                                                    \
                const ulong columns = min((ulong)COLUMNS, n - column);                                                 \
                for (ulong j = 0; j < columns; j++) done[j] = pieces[r * n + column + j];                              \
                for (ulong piece = 1; piece < count; piece++)                                                          \
                    for (ulong j = 0; j < columns; j++) done[j] += pieces[(piece * m + r) * n + column + j];           \
                FINISH_ROW(r, column, columns, done)                                                                   \
            }                                                                                                          \
    }
CONV_WEIGHTS_SUM(conv_weights_sum)

/* Computes w from x and y for pictures with few channels: a row for each tap and channel. Each image is first copied
 * into local memory, with the padding that the taps read. Dimension 0 counts blocks of rows. */
#define CONV_FEW_WEIGHTS(kernel_name)                                                                                  \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(WEIGHTS_ARGUMENTS)                                                                                \
    {                                                                                                                  \
        __local vector panel[2 * K_BLOCK], sums[2 * (SUM_ROWS + FEW_ROWS)];                                            \
        __local int steps[PADDED], where[SUM_ROWS];                                                                    \
        __local float padded[PADDED];                                                                                  \
        const ulong n = s.features, first_row = get_global_id(0) * row_block, column = get_global_id(1) * COLUMNS;     \
        const ulong all_rows =                                                                                         \
            min(row_block, (ulong)s.kernel_size[0] * s.kernel_size[1] * s.channels - first_row);                       \
        const ulong columns = min((ulong)COLUMNS, n - column), places = (ulong)s.result[0] * s.result[1];              \
        const uint height = (s.result[0] - 1) * s.stride[0] + (s.kernel_size[0] - 1) * s.dilation[0] + 1;              \
        const uint width = (s.result[1] - 1) * s.stride[1] + (s.kernel_size[1] - 1) * s.dilation[1] + 1;               \
        const ulong first_image = get_global_id(2) * image_block, images = min((ulong)image_block, s.images - first_image); \
        x += x_offset + first_image * s.picture[0] * s.picture[1] * s.channels;                                        \
        y += y_offset + first_image * places * n + column;                                                             \
        c += c_offset + get_global_id(2) * s.kernel_size[0] * s.kernel_size[1] * s.channels * n;                       \
        for (ulong r = 0; r < all_rows; r++) {                                                                         \
            const uint tap = (uint)(first_row + r) / s.channels, in_channel = (uint)(first_row + r) % s.channels;      \
            where[r] = (int)((tap / s.kernel_size[1] * s.dilation[0] * width +                                         \
                              tap % s.kernel_size[1] * s.dilation[1]) * s.channels + in_channel);                      \
        }                                                                                                              \
        for (ulong k = 0; k < places; k++) {                                                                           \
            const uint i = (uint)k / s.result[1], j = (uint)k % s.result[1];                                           \
            steps[k] = (int)((i * s.stride[0] * width + j * s.stride[1]) * s.channels);                                \
        }                                                                                                              \
        /* the part of the picture that taps read */                                                                   \
        const uint high = min(s.picture[0], height - min(height, s.pad[0]));                                           \
        const uint length = min(s.picture[1], width - min(width, s.pad[1])) * s.channels;                              \
        for (uint i = 0; i < PADDED; i++) padded[i] = 0.0f;                                                            \
        for (ulong image = 0; image < images; image++, x += (ulong)s.picture[0] * s.picture[1] * s.channels) {         \
            for (uint i = 0; i < high; i++) {                                                                          \
                __local float *row = padded + ((i + s.pad[0]) * width + s.pad[1]) * s.channels;                        \
                for (uint j = 0; j < length; j++) row[j] = x[i * s.picture[1] * s.channels + j];                       \
            }                                                                                                          \
            for (ulong done = 0; done < places; done += K_BLOCK) {                                                     \
                const ulong depth = min((ulong)K_BLOCK, places - done);                                                \
                pack_rows(y + (image * places + done) * n, n, columns, depth, panel);                                  \
                TILES(taps, all_rows, depth, padded, steps + done, panel, sums + 2 * row, image > 0 || done > 0,       \
                      where + row)                                                                                     \
            }                                                                                                          \
        }                                                                                                              \
        for (ulong r = 0; r < all_rows; r++)                                                                           \
            FINISH_ROW(first_row + r, column, columns, (__local float *)(sums + 2 * r))                                \
    }
CONV_FEW_WEIGHTS(conv_few_weights)
