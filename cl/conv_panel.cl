/* Convolutions for processors with vector registers and caches, NHWC, single precision: register tiles as in
 * gemm_panel.cl, and no copy of the picture.
 *
 * The idea: at one place of the result, a convolution is a matrix product with a row for each image. Its columns are the
 * features, and k runs over the taps that lie inside the picture and over their channels. From image to image every
 * address of the picture grows by the same amount, so a tile's rows are images, just as the rows of a matrix; and as a
 * tap lies inside the picture for all images or for none, what falls into the padding costs nothing. The transposed
 * convolution is the same with other taps: of a stride of two each place meets every second one, so nothing is
 * multiplied by the zeros between.
 *
 *      image 0  [ . . x x x . ]      row 0 of the tile: the pixels under the window, in image 0
 *      image 1  [ . . x x x . ]      row 1: the same pixels of image 1, one image further in memory
 *         :           :                :
 *
 * Mapping: a work-item computes a row of places for a block of images and `strips` strips of 2 LANES features. The
 * weights lie in panels (pack_weights), one for each strip: all work-items read them.
 *
 * What bounds it: the multiply-add units, as in gemm_panel.cl, as long as the part of a panel that a tile runs over
 * (K_BLOCK steps) stays in the first-level cache while the tiles of a block of images use it by turns. */
#include "convolution.cl"
#include "panel.cl"

/* How a tile walks over k: `runs` times `pieces` times `depth` steps. Between runs and between pieces the picture and
 * the panel advance by these distances, in floats and vectors. */
typedef struct {
    ulong runs, pieces, depth;
    long a_run, a_piece, panel_run, panel_piece;
} walk;

#define WALK_TILE(name, EACH, SPACE)                                                                                   \
    __attribute__((noinline))                                                                                          \
    void name(const ulong rows, const walk w, __global const float *operand, const ulong stride,                       \
              SPACE const vector *panels, __local vector *sums, const uint resumes)                                    \
    {                                                                                                                  \
        EACH(START)                                                                                                    \
        if (resumes) { EACH(RESUME) }                                                                                  \
        for (ulong run = 0; run < w.runs; run++, operand += w.a_run, panels += w.panel_run)                            \
            for (ulong piece = 0; piece < w.pieces; piece++) {                                                         \
                __global const float *a = operand + (long)piece * w.a_piece;                                           \
                SPACE const vector *panel = panels + (long)piece * w.panel_piece;                                      \
                ulong i = 0;                                                                                           \
                for (; i + 4 <= w.depth; i += 4) { STEP(EACH) STEP(EACH) STEP(EACH) STEP(EACH) }                       \
                for (; i < w.depth; i++) STEP(EACH)                                                                    \
            }                                                                                                          \
        EACH(KEEP)                                                                                                     \
    }
#define K_STRIDE 1
#define ROW(r) min((ulong)r, rows - 1) * stride
WALK_TILE(images_tile, EACH_ROW, __global)
WALK_TILE(images_low_tile, EACH_OF_FEW, __global)
#undef K_STRIDE
#undef ROW
#define K_STRIDE stride
#define ROW(r) min((ulong)r, rows - 1)
WALK_TILE(channels_low_tile, EACH_OF_FEW, __local)
#undef ROW
#define ROW(r) r /* that many channels must be there */
WALK_TILE(channels_tile, EACH_ROW, __local)

/* Rows of the tile to take where `left` rows are left; with at most FEW_ROWS it is a low one. */
ulong next_rows(const ulong left)
{
    return min(left, (ulong)(left >= ROWS && (left == ROWS || left > 2 * FEW_ROWS) ? ROWS : FEW_ROWS));
}

/* All tiles of a strip: `images` rows. */
void walk_images(const ulong images, const walk w, __global const float *a, const ulong stride,
                 __global const vector *panel, __local vector *sums, const uint resumes)
{
    for (ulong row = 0, rows; row < images; row += rows, a += rows * stride, sums += 2 * rows) {
        rows = next_rows(images - row);
        if (rows > FEW_ROWS)
            images_tile(rows, w, a, stride, panel, sums, resumes);
        else
            images_low_tile(rows, w, a, stride, panel, sums, resumes);
    }
}

/* The same over channels, which are neighbours in memory. */
void walk_channels(const ulong channels, const walk w, __global const float *a, const ulong stride,
                   __local const vector *panel, __local vector *sums, const uint resumes)
{
    for (ulong row = 0, rows; row < channels; row += rows, a += rows, sums += 2 * rows) {
        rows = next_rows(channels - row);
        if (rows > FEW_ROWS)
            channels_tile(rows, w, a, stride, panel, sums, resumes);
        else
            channels_low_tile(rows, w, a, stride, panel, sums, resumes);
    }
}

/* The taps along a dimension that meet the operand at one place of the result: first, first + step, ..., which lie at
 * `at`, at + at_step, ... */
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

/* What is finished at one place: rows are images, `apart` rows of the result from one to the next. */
#define FINISH_IMAGES(place, columns_left)                                                                             \
    for (ulong image = 0; image < images; image++) {                                                                   \
        const ulong row = first_image * places + (place) + image * places;                                             \
        __local float *done = (__local float *)(strip_sums + 2 * image);                                               \
        const uint columns = (uint)min((ulong)COLUMNS, columns_left);                                                  \
        for (uint j = 0; add && j < columns; j++) done[j] += c[row * n + column + j];                                  \
        if (columns == COLUMNS) {                                                                                      \
            FINISH((uint)row, (uint)column, done, COLUMNS)                                                             \
        } else {                                                                                                       \
            FINISH((uint)row, (uint)column, done, columns)                                                             \
        }                                                                                                              \
    }

/* y from x, or x from y: dimension 0 counts rows of places, dimension 1 parts of `strips` strips of each group, dimension
 * 2 blocks of images. */
#define GATHER(kernel_name, IS_DATA, TO, FROM, IN, OUT)                                                                \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, const ulong image_block, const ulong strips,                                 \
                     __global const float *restrict a, const ulong a_offset, __global const float *restrict panels,    \
                     const ulong panels_offset, __global float *c, const ulong c_offset,                               \
                     const uint add FINISH_PARAMETERS)                                                                 \
    {                                                                                                                  \
        __local vector sums[2 * (SUM_ROWS + FEW_ROWS)];                                                                \
        const ulong channels = s.IN / s.groups, features = s.OUT / s.groups, n = s.OUT;                                \
        const ulong all_strips = (features + COLUMNS - 1) / COLUMNS, parts = (all_strips + strips - 1) / strips;       \
        const ulong group = get_global_id(1) / parts, first_strip = get_global_id(1) % parts * strips;                 \
        const ulong end_strip = min(first_strip + strips, all_strips);                                                 \
        const ulong first_image = get_global_id(2) * image_block;                                                      \
        const ulong images = min(image_block, s.images - first_image);                                                 \
        const ulong places = (ulong)s.TO[0] * s.TO[1], stride = (ulong)s.FROM[0] * s.FROM[1] * s.IN;                   \
        const ulong panel_length = (ulong)s.kernel_size[0] * s.kernel_size[1] * channels * 2;                          \
        const taps h = taps_where(s, 0, get_global_id(0), IS_DATA);                                                    \
        const ulong sums_a_strip = 2 * (image_block + FEW_ROWS);                                                       \
        __global const vector *group_panels =                                                                          \
            (__global const vector *)(panels + panels_offset) + group * all_strips * panel_length;                     \
        a += a_offset + first_image * stride + group * channels;                                                       \
        c += c_offset;                                                                                                 \
        for (uint v_place = 0; v_place < s.TO[1]; v_place++) {                                                         \
            const taps v = taps_where(s, 1, v_place, IS_DATA);                                                         \
            /* neighbouring taps over neighbouring pixels are one long run of k */                                     \
            const bool joins = v.step == 1 && v.at_step == 1 && s.groups == 1;                                         \
            const walk all = {h.count,                                                                                 \
                              joins ? 1 : v.count,                                                                     \
                              joins ? channels * v.count : channels,                                                   \
                              (long)h.at_step * (long)(s.FROM[1] * s.IN),                                              \
                              (long)v.at_step * (long)s.IN,                                                            \
                              (long)(h.step * s.kernel_size[1] * channels * 2),                                        \
                              (long)(v.step * channels * 2)};                                                          \
            const ulong runs = all.runs * all.pieces * all.depth <= K_BLOCK ? max(all.runs, 1UL) : 1;                  \
            const ulong pieces = all.pieces * all.depth <= K_BLOCK ? max(all.pieces, 1UL) : 1;                         \
            __global const float *from = a + ((ulong)h.at * s.FROM[1] + v.at) * s.IN;                                  \
            const ulong first_step = (h.first * s.kernel_size[1] + v.first) * channels * 2;                            \
            uint resumes = 0;                                                                                          \
            for (ulong run = 0; run < max(all.runs, 1UL); run += runs)                                                 \
                for (ulong piece = 0; piece < max(all.pieces, 1UL); piece += pieces)                                   \
                    for (ulong i = 0; i < max(all.depth, 1UL); i += K_BLOCK, resumes = 1) {                            \
                        const long a_step = (long)run * all.a_run + (long)piece * all.a_piece + (long)i;               \
                        const long step = (long)run * all.panel_run + (long)piece * all.panel_piece + (long)(2 * i);   \
                        walk w = all;                                                                                  \
                        w.runs = min(runs, all.runs);                                                                  \
                        w.pieces = min(pieces, all.pieces);                                                            \
                        w.depth = min((ulong)K_BLOCK, all.depth - i);                                                  \
                        __local vector *strip_sums = sums;                                                             \
                        for (ulong strip = first_strip; strip < end_strip; strip++, strip_sums += sums_a_strip)        \
                            walk_images(images, w, from + a_step, stride,                                              \
                                        group_panels + strip * panel_length + first_step + step, strip_sums, resumes); \
                    }                                                                                                  \
            __local vector *strip_sums = sums;                                                                         \
            for (ulong strip = first_strip; strip < end_strip; strip++, strip_sums += sums_a_strip)   {                \
                const ulong column = group * features + strip * COLUMNS;                                               \
                FINISH_IMAGES(get_global_id(0) * s.TO[1] + v_place, features - strip * COLUMNS)                        \
            }                                                                                                          \
        }                                                                                                              \
    }
#define CONV_FORWARD(name) GATHER(name, false, result, picture, channels, features)
#define CONV_DATA(name)    GATHER(name, true, picture, result, features, channels)
CONV_FORWARD(conv_forward)
CONV_DATA(conv_data)

/* The same for one feature: a vector then holds LANES neighbours of k instead of columns. Dimension 0 counts rows of
 * places, dimension 1 blocks of ROWS images. The weights lie in order: no panels. */
#define THIN_START(r)    vector sum##r = 0.0f; float rest##r = 0.0f; const ulong row##r = min((ulong)r, images - 1) * stride;
#define THIN_MULTIPLY(r) sum##r += LOAD(0, from + row##r + i) * weights;
#define THIN_REST(r)     rest##r += from[row##r + i] * tap[i];
#define THIN_KEEP(r)                                                                                                   \
    STORE(sum##r, 0, lanes);                                                                                           \
    for (uint lane = 0; lane < LANES; lane++) rest##r += lanes[lane];                                                  \
    done[r] = rest##r;
#define THIN(kernel_name, IS_DATA, TO, FROM, IN)                                                                       \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, __global const float *restrict a, const ulong a_offset,                      \
                     __global const float *restrict b, const ulong b_offset, __global float *c, const ulong c_offset,  \
                     const uint add FINISH_PARAMETERS)                                                                 \
    {                                                                                                                  \
        __local float done[ROWS];                                                                                      \
        const ulong first_image = get_global_id(1) * ROWS, images = min((ulong)ROWS, s.images - first_image), n = 1;   \
        const ulong places = (ulong)s.TO[0] * s.TO[1], stride = (ulong)s.FROM[0] * s.FROM[1] * s.IN;                   \
        const taps h = taps_where(s, 0, get_global_id(0), IS_DATA);                                                    \
        a += a_offset + first_image * stride;                                                                          \
        b += b_offset;                                                                                                 \
        c += c_offset;                                                                                                 \
        for (uint v_place = 0; v_place < s.TO[1]; v_place++) {                                                         \
            const taps v = taps_where(s, 1, v_place, IS_DATA);                                                         \
            const bool joins = v.step == 1 && v.at_step == 1;                                                          \
            const ulong depth = joins ? (ulong)s.IN * v.count : s.IN;                                                  \
            float lanes[LANES];                                                                                        \
            EACH_ROW(THIN_START)                                                                                       \
            for (uint run = 0; run < h.count; run++)                                                                   \
                for (uint piece = 0; piece < (joins ? 1 : v.count); piece++) {                                         \
                    const ulong at = (ulong)(h.at + run * h.at_step) * s.FROM[1] + (ulong)(v.at + piece * v.at_step);  \
                    __global const float *from = a + at * s.IN;                                                        \
                    __global const float *tap =                                                                        \
                        b + ((h.first + run * h.step) * s.kernel_size[1] + v.first + piece * v.step) * (ulong)s.IN;    \
                    ulong i = 0;                                                                                       \
                    for (; i + LANES <= depth; i += LANES) {                                                           \
                        const vector weights = LOAD(0, tap + i);                                                       \
                        EACH_ROW(THIN_MULTIPLY)                                                                        \
                    }                                                                                                  \
                    for (; i < depth; i++) { EACH_ROW(THIN_REST) }                                                     \
                }                                                                                                      \
            EACH_ROW(THIN_KEEP)                                                                                        \
            for (ulong image = 0; image < images; image++) {                                                           \
                const ulong row = (first_image + image) * places + get_global_id(0) * s.TO[1] + v_place;               \
                if (add) done[image] += c[row];                                                                        \
                FINISH((uint)row, 0, done + image, 1)                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }
#define CONV_THIN_FORWARD(name) THIN(name, false, result, picture, channels)
#define CONV_THIN_DATA(name)    THIN(name, true, picture, result, features)
CONV_THIN_FORWARD(conv_thin_forward)
CONV_THIN_DATA(conv_thin_data)

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

/* w from x and y: for each tap a product with a row for each channel, a column for each feature, and all places of all
 * images where the tap lies inside the picture as k. y is packed into a panel, some images or rows of places at a time.
 * Dimension 0 counts blocks of channels of taps, dimension 1 strips of groups. */
#define CONV_WEIGHTS(kernel_name)                                                                                      \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, const ulong channel_block, __global const float *restrict x,                 \
                     const ulong x_offset, __global const float *restrict y, const ulong y_offset, __global float *c,  \
                     const ulong c_offset, const uint add FINISH_PARAMETERS)                                           \
    {                                                                                                                  \
        __local vector panel[2 * K_BLOCK], sums[2 * (SUM_ROWS + FEW_ROWS)];                                            \
        const ulong channels = s.channels / s.groups, features = s.features / s.groups, n = s.features;                \
        const ulong blocks = (channels + channel_block - 1) / channel_block, tap = get_global_id(0) / blocks;          \
        const ulong first_channel = get_global_id(0) % blocks * channel_block;                                         \
        const ulong rows = min(channel_block, channels - first_channel);                                               \
        const ulong strips = (features + COLUMNS - 1) / COLUMNS, group = get_global_id(1) / strips;                    \
        const ulong strip = get_global_id(1) % strips, column = group * features + strip * COLUMNS;                    \
        const uint columns = (uint)min((ulong)COLUMNS, features - strip * COLUMNS);                                    \
        const places_of_tap h = places_where(s, 0, (uint)(tap / s.kernel_size[1]));                                    \
        const places_of_tap v = places_where(s, 1, (uint)(tap % s.kernel_size[1]));                                    \
        const ulong row_length = (ulong)s.picture[1] * s.channels, image_length = s.picture[0] * row_length;           \
        const ulong y_row = (ulong)s.result[1] * s.features, y_image = s.result[0] * y_row;                            \
        /* how many images, rows and columns of places fill a panel */                                                 \
        const ulong wide = min(v.count, (uint)K_BLOCK), high = min((ulong)h.count, K_BLOCK / max(wide, 1UL));          \
        const ulong deep = high == h.count && wide == v.count ? K_BLOCK / max(high * wide, 1UL) : 1;                   \
        x += x_offset + ((ulong)h.at * s.picture[1] + v.at) * s.channels + group * channels + first_channel;           \
        y += y_offset + ((ulong)h.first * s.result[1] + v.first) * s.features + column;                                \
        c += c_offset;                                                                                                 \
        uint resumes = 0;                                                                                              \
        for (ulong image = 0; image < s.images; image += deep)                                                         \
            for (ulong i = 0; i < max(h.count, 1u); i += max(high, 1UL))                                               \
                for (ulong j = 0; j < max(v.count, 1u); j += max(wide, 1UL), resumes = 1) {                            \
                    const ulong images = min(deep, s.images - image), runs = min(high, h.count - i);                   \
                    const ulong depth = min(wide, v.count - j);                                                        \
                    const walk w = {images,                                                                            \
                                    runs,                                                                              \
                                    depth,                                                                             \
                                    (long)image_length,                                                                \
                                    (long)(s.stride[0] * row_length),                                                  \
                                    (long)(runs * depth * 2),                                                          \
                                    (long)(depth * 2)};                                                                \
                    for (ulong p = 0; p < images; p++)                                                                 \
                        for (ulong r = 0; r < runs; r++)                                                               \
                            pack_rows(y + (image + p) * y_image + (i + r) * y_row + j * s.features, s.features,        \
                                      columns, depth, panel + (p * runs + r) * depth * 2);                             \
                    walk_channels(rows, w,                                                                             \
                                  x + image * image_length + i * s.stride[0] * row_length + j * s.stride[1] * s.channels, \
                                  (ulong)s.stride[1] * s.channels, panel, sums, resumes);                              \
                }                                                                                                      \
        for (ulong r = 0; r < rows; r++) {                                                                             \
            const ulong row = tap * channels + first_channel + r;                                                      \
            __local float *done = (__local float *)(sums + 2 * r);                                                     \
            for (uint j = 0; add && j < columns; j++) done[j] += c[row * n + column + j];                              \
            if (columns == COLUMNS) {                                                                                  \
                FINISH((uint)row, (uint)column, done, COLUMNS)                                                         \
            } else {                                                                                                   \
                FINISH((uint)row, (uint)column, done, columns)                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }
CONV_WEIGHTS(conv_weights)

/* Weights in panels: [groups][strips][taps][k][COLUMNS], where k counts the channels (the features for the data's
 * gradient), the columns are the others, and what is past the last one is 0. Mapping: a work-item packs one tap of one
 * strip; dimension 0 counts taps, dimension 1 strips of groups. Bound by memory. */
#define PACK_WEIGHTS(kernel_name, K, N, PACK, STRIDE, AT)                                                              \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, __global const float *restrict w, const ulong w_offset,                      \
                     __global float *restrict panels, const ulong panels_offset)                                       \
    {                                                                                                                  \
        __local vector panel[2 * K_BLOCK];                                                                             \
        const ulong depth = s.K / s.groups, features = s.N / s.groups, strips = (features + COLUMNS - 1) / COLUMNS;    \
        const ulong tap = get_global_id(0), group = get_global_id(1) / strips, strip = get_global_id(1) % strips;      \
        const ulong columns = min((ulong)COLUMNS, features - strip * COLUMNS), channels = s.channels / s.groups;       \
        const ulong taps_in_all = (ulong)s.kernel_size[0] * s.kernel_size[1];                                          \
        w += w_offset + tap * channels * s.features;                                                                   \
        __global vector *to = (__global vector *)(panels + panels_offset) +                                            \
                              (get_global_id(1) * taps_in_all + tap) * depth * 2;                                      \
        for (ulong k = 0; k < depth; k += K_BLOCK) {                                                                   \
            const ulong steps = min((ulong)K_BLOCK, depth - k);                                                        \
            PACK(w + AT, STRIDE, columns, steps, panel);                                                               \
            for (ulong i = 0; i < 2 * steps; i++) to[2 * k + i] = panel[i];                                            \
        }                                                                                                              \
    }
PACK_WEIGHTS(pack_forward, channels, features, pack_rows, s.features,
             k * s.features + group * features + strip * COLUMNS)
PACK_WEIGHTS(pack_data, features, channels, pack_columns, s.features,
             strip * COLUMNS * s.features + group * depth + k)
