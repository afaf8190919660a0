/* The gradient of a convolution by its weights, for processors with vector registers and caches: the register tiles of
 * gemm_panel.cl, NHWC, single precision.
 *
 * The idea: for one tap it is a matrix product with a row for each channel and a column for each feature, and k runs over
 * all places of all images where the tap lies inside the picture. Channels lie side by side in a pixel, but pixels lie far
 * apart, and at such distances that they compete for the same places of a cache; so some rows of pixels are copied to
 * lie together, some rows of the result are packed into a panel, and all taps of a row of the kernel use both.
 *
 * What bounds it: the multiply-add units, if there are enough channels and features to make up for the copies; they wait
 * for memory, so the beginnings of the rows that come next are asked for ahead. */
#include "convolution.cl"
#include "panel.cl"

#define SPACE         __local
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

/* The results along a dimension for which a tap lies inside the picture: `count` of them from `first` on, the first of
 * which meets pixel `at`. */
typedef struct {
    uint first, count, at;
} places_of_tap;

places_of_tap places_where(const convolution s, const uint axis, const uint tap)
{
    places_of_tap found = {0, 0, 0};
    for (uint o = 0; o < s.result[axis]; o++) {
        const uint at = pixel_of(s, axis, o, tap);
        if (at >= s.picture[axis]) continue;
        if (found.count++ > 0) continue;
        found.first = o;
        found.at = at;
    }
    return found;
}

#define FETCHED 6
void fetch_lines(__global const float *from, const ulong count)
{
    for (ulong i = 0; i < count; i++) FETCH(from + i * LINE)
}

/* `count` channels of `pixels` pixels that lie `stride` apart. */
void copy_channels(__global const float *x, const ulong stride, const ulong count, const ulong pixels,
                   __local float *to)
{
    for (ulong pixel = 0; pixel < pixels; pixel++, x += stride, to += BLOCK_ROWS) {
        ulong i = 0;
        for (; i + LANES <= count; i += LANES) STORE(LOAD(0, x + i), 0, to + i);
        for (; i < count; i++) to[i] = x[i];
    }
}

#define WEIGHTS_ARGUMENTS                                                                                              \
    const convolution s, const ulong row_block, const ulong strips, __global const float *restrict x,                  \
        const ulong x_offset, __global const float *restrict y, const ulong y_offset, __global float *c, const ulong c_offset, \
        const uint add FINISH_PARAMETERS

/* w from x and y: for each tap a product with a row for each channel and a column for each feature. k runs over the
 * images and, in each, over the places where the tap lies inside the picture. A work-item serves up to TAPS taps of a row
 * of the kernel: it copies some rows of places, the channels of x and the features of y, so that they lie together, and
 * each tap takes from both what meets. Dimension 0 counts blocks of row_block channels of these parts of the kernel,
 * dimension 1 parts of `strips` strips of each group. */
#define CONV_WEIGHTS(kernel_name)                                                                                      \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(WEIGHTS_ARGUMENTS)                                                                                \
    {                                                                                                                  \
        __local vector panel[2 * K_BLOCK], sums[2 * (SUM_ROWS + FEW_ROWS)];                                            \
        __local float block[K_BLOCK * BLOCK_ROWS + ROWS];                                                              \
        __local int steps[TAPS * K_BLOCK], panel_steps[TAPS * K_BLOCK];                                                \
        const ulong channels = s.channels / s.groups, features = s.features / s.groups, n = s.features;                \
        const ulong blocks = (channels + row_block - 1) / row_block, tap_parts = (s.kernel_size[1] + TAPS - 1) / TAPS; \
        const ulong first_channel = get_global_id(0) % blocks * row_block, part = get_global_id(0) / blocks;           \
        const ulong all_rows = min(row_block, channels - first_channel);                                               \
        const uint tap_row = (uint)(part / tap_parts), first_tap = (uint)(part % tap_parts * TAPS);                    \
        const uint end_tap = min(first_tap + TAPS, s.kernel_size[1]);                                                  \
        const ulong all_strips = (features + COLUMNS - 1) / COLUMNS, parts = (all_strips + strips - 1) / strips;       \
        const ulong group = get_global_id(1) / parts, first_strip = get_global_id(1) % parts * strips;                 \
        const ulong end_strip = min(first_strip + strips, all_strips), sums_a_tap = 2 * (row_block + FEW_ROWS);        \
        const places_of_tap h = places_where(s, 0, tap_row);                                                           \
        const ulong x_row = (ulong)s.picture[1] * s.channels, x_image = s.picture[0] * x_row;                          \
        const ulong y_row = (ulong)s.result[1] * s.features, y_image = s.result[0] * y_row;                            \
        const uint reach = (s.kernel_size[1] - 1) * s.dilation[1] + 1, chunk = (K_BLOCK - reach) / s.stride[1] + 1;    \
        __local vector *to = sums;                                                                                     \
        x += x_offset + h.at * x_row + group * channels + first_channel;                                               \
        y += y_offset + h.first * y_row + group * features;                                                            \
        c += c_offset;                                                                                                 \
        for (ulong i = 0; i < 2 * (SUM_ROWS + FEW_ROWS); i++) sums[i] = 0.0f;                                          \
        for (uint first = 0; first < s.result[1]; first += chunk) {                                                    \
            /* places first..end - 1 of a row reach pixels left..right - 1 */                                          \
            const uint end = min(first + chunk, s.result[1]), wide = end - first;                                      \
            const uint left =                                                                                          \
                min((uint)max((int)(first * s.stride[1]) - (int)s.pad[1], 0), s.picture[1]);                           \
            const uint right = (uint)clamp((int)((end - 1) * s.stride[1] + reach) - (int)s.pad[1], (int)left,          \
                                           (int)s.picture[1]);                                                         \
            const uint pixels = right - left, most = K_BLOCK / max(wide, pixels), high = min(h.count, most);           \
            const uint deep = high == h.count ? most / max(high, 1u) : 1;                                              \
            uint used[TAPS];                                                                                           \
            for (uint tap = first_tap; tap < end_tap; tap++) {                                                         \
                const ulong list = (tap - first_tap) * K_BLOCK;                                                        \
                uint k = 0;                                                                                            \
                for (uint row = 0; row < deep * high; row++)                                                           \
                    for (uint o = first; o < end; o++) {                                                               \
                        const uint at = pixel_of(s, 1, o, tap);                                                        \
                        if (at >= s.picture[1]) continue;                                                              \
                        steps[list + k] = (int)((row * pixels + at - left) * BLOCK_ROWS);                              \
                        panel_steps[list + k++] = (int)(2 * (row * wide + o - first));                                 \
                    }                                                                                                  \
                used[tap - first_tap] = k / max(deep * high, 1u);                                                      \
            }                                                                                                          \
            for (ulong image = 0; image < s.images; image += deep)                                                     \
                for (uint i = 0; i < h.count; i += high) {                                                             \
                    const ulong images = min((ulong)deep, s.images - image), rows_here = min(high, h.count - i);       \
                    for (ulong r = 0; r < images * rows_here; r++)                                                     \
                        copy_channels(x + (image + r / rows_here) * x_image +                                          \
                                          (i + r % rows_here) * s.stride[0] * x_row + (ulong)left * s.channels,        \
                                      s.channels, all_rows, pixels, block + r * pixels * BLOCK_ROWS);                  \
                    /* the rows that are copied next: a processor foresees the rest of a row, not its beginning */     \
                    const bool more = i + high < h.count;                                                              \
                    const ulong next_image = more ? image : image + deep, next = more ? i + high : 0;                  \
                    for (ulong r = 0; r < images * high && next_image < s.images; r++) {                               \
                        fetch_lines(x + (next_image + r / high) * x_image + (next + r % high) * s.stride[0] * x_row +  \
                                    (ulong)left * s.channels, FETCHED);                                                \
                        fetch_lines(y + (next_image + r / high) * y_image + (next + r % high) * y_row +                \
                                    (ulong)first * s.features + first_strip * COLUMNS, FETCHED);                       \
                    }                                                                                                  \
                    to = sums;                                                                                         \
                    for (ulong strip = first_strip; strip < end_strip; strip++) {                                      \
                        const ulong columns = min((ulong)COLUMNS, features - strip * COLUMNS);                         \
                        for (ulong r = 0; r < images * rows_here; r++)                                                 \
                            pack_rows(y + (image + r / rows_here) * y_image + (i + r % rows_here) * y_row +            \
                                          (ulong)first * s.features + strip * COLUMNS,                                 \
                                      s.features, columns, wide, panel + r * wide * 2);                                \
                        for (uint tap = 0; tap < end_tap - first_tap; tap++, to += sums_a_tap)                         \
                            TILES(channels, all_rows, used[tap] * images * rows_here, block + row, steps + tap * K_BLOCK, \
                                  panel, to + 2 * row, 1, panel_steps + tap * K_BLOCK)                                 \
                    }                                                                                                  \
                }                                                                                                      \
        }                                                                                                              \
        to = sums;                                                                                                     \
        for (ulong strip = first_strip; strip < end_strip; strip++)                                                    \
            for (uint tap = first_tap; tap < end_tap; tap++, to += sums_a_tap)                                         \
                for (ulong r = 0; r < all_rows; r++)                                                                   \
                    FINISH_ROW((tap_row * s.kernel_size[1] + tap) * channels + first_channel + r,                      \
                               group * features + strip * COLUMNS, min((ulong)COLUMNS, features - strip * COLUMNS),    \
                               (__local float *)(to + 2 * r))                                                          \
    }
CONV_WEIGHTS(conv_weights)

/* The same where a picture has few channels: rows are all taps and channels, and each image is first copied into local
 * memory, with as much padding as any tap reaches. Dimension 0 counts blocks of rows. */
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
        x += x_offset;                                                                                                 \
        y += y_offset + column;                                                                                        \
        c += c_offset;                                                                                                 \
        for (ulong r = 0; r < all_rows; r++) {                                                                         \
            const uint tap = (uint)(first_row + r) / s.channels, channel = (uint)(first_row + r) % s.channels;         \
            where[r] = (int)((tap / s.kernel_size[1] * s.dilation[0] * width +                                         \
                              tap % s.kernel_size[1] * s.dilation[1]) * s.channels + channel);                         \
        }                                                                                                              \
        for (ulong k = 0; k < places; k++) {                                                                           \
            const uint i = (uint)k / s.result[1], j = (uint)k % s.result[1];                                           \
            steps[k] = (int)((i * s.stride[0] * width + j * s.stride[1]) * s.channels);                                \
        }                                                                                                              \
        /* what of the picture any tap reaches */                                                                      \
        const uint high = min(s.picture[0], height - min(height, s.pad[0]));                                           \
        const uint length = min(s.picture[1], width - min(width, s.pad[1])) * s.channels;                              \
        for (uint i = 0; i < PADDED; i++) padded[i] = 0.0f;                                                            \
        for (uint image = 0; image < s.images; image++, x += (ulong)s.picture[0] * s.picture[1] * s.channels) {        \
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
