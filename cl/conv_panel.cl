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

#define WALK_TILE(name, EACH)                                                                                          \
    __attribute__((noinline))                                                                                          \
    void name(const ulong rows, const walk w, __global const float *operand, const ulong stride,                       \
              __global const vector *panels, __local vector *sums, const uint resumes)                                 \
    {                                                                                                                  \
        EACH(START)                                                                                                    \
        if (resumes) { EACH(RESUME) }                                                                                  \
        for (ulong run = 0; run < w.runs; run++, operand += w.a_run, panels += w.panel_run)                            \
            for (ulong piece = 0; piece < w.pieces; piece++) {                                                         \
                __global const float *a = operand + (long)piece * w.a_piece;                                           \
                __global const vector *panel = panels + (long)piece * w.panel_piece;                                   \
                ulong i = 0;                                                                                           \
                for (; i + 4 <= w.depth; i += 4) { STEP(EACH) STEP(EACH) STEP(EACH) STEP(EACH) }                       \
                for (; i < w.depth; i++) STEP(EACH)                                                                    \
            }                                                                                                          \
        EACH(KEEP)                                                                                                     \
    }
#define K_STRIDE 1
#define ROW(r) min((ulong)r, rows - 1) * stride
WALK_TILE(images_tile, EACH_ROW)
WALK_TILE(images_low_tile, EACH_OF_FEW)

/* The same where k takes no long runs: step i lies steps[i] behind the operand, and the panel has the steps in a row. */
#define LISTED_STEP(EACH)                                                                                              \
    {                                                                                                                  \
        const vector b_left = panel[2 * i], b_right = panel[2 * i + 1];                                                \
        SPACE const float *a = operand + steps[i];                                                                     \
        EACH(MULTIPLY)                                                                                                 \
        i++;                                                                                                           \
    }
#define LIST_TILE(name, EACH, WHERE)                                                                                   \
    __attribute__((noinline))                                                                                          \
    void name(const ulong rows, const ulong depth, SPACE const float *operand, WHERE, __local const int *steps,        \
              __local const vector *panel, __local vector *sums, const uint resumes)                                   \
    {                                                                                                                  \
        EACH(START)                                                                                                    \
        if (resumes) { EACH(RESUME) }                                                                                  \
        ulong i = 0;                                                                                                   \
        while (i + 4 <= depth) { LISTED_STEP(EACH) LISTED_STEP(EACH) LISTED_STEP(EACH) LISTED_STEP(EACH) }             \
        while (i < depth) LISTED_STEP(EACH)                                                                            \
        EACH(KEEP)                                                                                                     \
    }
#define SPACE __global
LIST_TILE(listed_images_tile, EACH_ROW, const ulong stride)
LIST_TILE(listed_images_low_tile, EACH_OF_FEW, const ulong stride)
#undef ROW
#undef SPACE
#define SPACE __local
#define ROW(r) where[min((ulong)r, rows - 1)] /* rows are taps of a padded picture */
LIST_TILE(taps_tile, EACH_ROW, __local const int *where)
LIST_TILE(taps_low_tile, EACH_OF_FEW, __local const int *where)

/* And where rows are channels, copied to lie together, and the panel holds more steps than are used: step i takes its
 * vectors from panel_steps[i] on. */
#undef LISTED_STEP
#define LISTED_STEP(EACH)                                                                                              \
    {                                                                                                                  \
        const vector b_left = panel[panel_steps[i]], b_right = panel[panel_steps[i] + 1];                              \
        __local const float *a = operand + steps[i];                                                                   \
        EACH(MULTIPLY)                                                                                                 \
        i++;                                                                                                           \
    }
#define BLOCK_TILE(name, EACH)                                                                                         \
    __attribute__((noinline))                                                                                          \
    void name(const ulong rows, const ulong depth, __local const float *operand, __local const int *steps,             \
              __local const vector *panel, __local const int *panel_steps, __local vector *sums)                       \
    {                                                                                                                  \
        EACH(START)                                                                                                    \
        EACH(RESUME)                                                                                                   \
        ulong i = 0;                                                                                                   \
        while (i + 4 <= depth) { LISTED_STEP(EACH) LISTED_STEP(EACH) LISTED_STEP(EACH) LISTED_STEP(EACH) }             \
        while (i < depth) LISTED_STEP(EACH)                                                                            \
        EACH(KEEP)                                                                                                     \
    }
#undef ROW
#define ROW(r) r
BLOCK_TILE(block_tile, EACH_ROW)
BLOCK_TILE(block_low_tile, EACH_OF_FEW)

/* Rows of the next tile where `left` are left; up to FEW_ROWS it is a low one. */
ulong next_rows(const ulong left)
{
    return min(left, (ulong)(left == ROWS || left > 2 * FEW_ROWS ? ROWS : FEW_ROWS));
}

/* All tiles of a strip with `count` rows; the arguments may name `row`, the first of a tile. */
#define TILES(name, count, ...)                                                                                        \
    for (ulong row = 0, rows; row < (count); row += rows) {                                                            \
        rows = next_rows((count) - row);                                                                               \
        if (rows > FEW_ROWS)                                                                                           \
            name##_tile(rows, __VA_ARGS__);                                                                            \
        else                                                                                                           \
            name##_low_tile(rows, __VA_ARGS__);                                                                        \
    }

/* A row of a strip is done: what it is added to, and its end. */
#define FINISH_ROW(row, column, columns, done)                                                                         \
    {                                                                                                                  \
        for (uint j = 0; add && j < (columns); j++) (done)[j] += c[(ulong)(row) * n + (column) + j];                   \
        if ((columns) == COLUMNS) {                                                                                    \
            FINISH((uint)(row), (uint)(column), (done), COLUMNS)                                                       \
        } else {                                                                                                       \
            FINISH((uint)(row), (uint)(column), (done), (uint)(columns))                                               \
        }                                                                                                              \
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

/* The steps of a walk one by one, and their part of a panel. */
void list_walk(const walk all, __global const vector *packed, __local int *steps, __local vector *panel)
{
    for (ulong run = 0, k = 0; run < all.runs; run++)
        for (ulong piece = 0; piece < all.pieces; piece++)
            for (ulong i = 0; i < all.depth; i++, k++) {
                const long at = (long)run * all.panel_run + (long)piece * all.panel_piece + (long)(2 * i);
                steps[k] = (int)((long)run * all.a_run + (long)piece * all.a_piece + (long)i);
                panel[2 * k] = packed[at];
                panel[2 * k + 1] = packed[at + 1];
            }
}

/* y from x, or x from y: dimension 0 counts rows of places, dimension 1 parts of `strips` strips of each group, dimension
 * 2 blocks of images. k is cut into pieces of at most K_BLOCK steps; where it comes in runs of less than SHORT, it is
 * listed. */
#define SHORT 32
#define GATHER(kernel_name, IS_DATA, TO, FROM, IN, OUT)                                                                \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, const ulong image_block, const ulong strips,                                 \
                     __global const float *restrict a, const ulong a_offset, __global const float *restrict panels,    \
                     const ulong panels_offset, __global float *c, const ulong c_offset,                               \
                     const uint add FINISH_PARAMETERS)                                                                 \
    {                                                                                                                  \
        __local vector sums[2 * (SUM_ROWS + FEW_ROWS)], panel[2 * K_BLOCK];                                            \
        __local int steps[K_BLOCK];                                                                                    \
        const ulong channels = s.IN / s.groups, features = s.OUT / s.groups, n = s.OUT;                                \
        const ulong all_strips = (features + COLUMNS - 1) / COLUMNS, parts = (all_strips + strips - 1) / strips;       \
        const ulong group = get_global_id(1) / parts, first_strip = get_global_id(1) % parts * strips;                 \
        const ulong end_strip = min(first_strip + strips, all_strips);                                                 \
        const ulong first_image = get_global_id(2) * image_block;                                                      \
        const ulong images = min(image_block, s.images - first_image), sums_a_strip = 2 * (image_block + FEW_ROWS);    \
        const ulong places = (ulong)s.TO[0] * s.TO[1], stride = (ulong)s.FROM[0] * s.FROM[1] * s.IN;                   \
        const ulong panel_length = (ulong)s.kernel_size[0] * s.kernel_size[1] * channels * 2;                          \
        const taps h = taps_where(s, 0, get_global_id(0), IS_DATA);                                                    \
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
            const ulong total = all.runs * all.pieces * all.depth;                                                     \
            const ulong runs = total <= K_BLOCK ? max(all.runs, 1UL) : 1;                                              \
            const ulong pieces = all.pieces * all.depth <= K_BLOCK ? max(all.pieces, 1UL) : 1;                         \
            const bool is_listed = total <= K_BLOCK && all.depth < SHORT;                                              \
            __global const float *from = a + ((ulong)h.at * s.FROM[1] + v.at) * s.IN;                                  \
            __global const vector *packed = group_panels + (h.first * s.kernel_size[1] + v.first) * channels * 2;      \
            __local vector *to = sums;                                                                                 \
            for (ulong strip = first_strip; is_listed && strip < end_strip; strip++, to += sums_a_strip) {             \
                list_walk(all, packed + strip * panel_length, steps, panel);                                           \
                TILES(listed_images, images, total, from + row * stride, stride, steps, panel, to + 2 * row, 0)        \
            }                                                                                                          \
            uint resumes = 0;                                                                                          \
            for (ulong run = 0; !is_listed && run < all.runs; run += runs)                                             \
                for (ulong piece = 0; piece < all.pieces; piece += pieces)                                             \
                    for (ulong i = 0; i < all.depth; i += K_BLOCK, resumes = 1) {                                      \
                        const long a_step = (long)run * all.a_run + (long)piece * all.a_piece + (long)i;               \
                        const long step = (long)run * all.panel_run + (long)piece * all.panel_piece + (long)(2 * i);   \
                        walk w = all;                                                                                  \
                        w.runs = runs;                                                                                 \
                        w.pieces = pieces;                                                                             \
                        w.depth = min((ulong)K_BLOCK, all.depth - i);                                                  \
                        to = sums;                                                                                     \
                        for (ulong strip = first_strip; strip < end_strip; strip++, to += sums_a_strip)                \
                            TILES(images, images, w, from + a_step + (long)(row * stride), stride,                     \
                                  packed + strip * panel_length + step, to + 2 * row, resumes)                         \
                    }                                                                                                  \
            to = sums;                                                                                                 \
            for (ulong strip = first_strip; strip < end_strip; strip++, to += sums_a_strip)                            \
                for (ulong image = 0; image < images; image++) {                                                       \
                    const ulong row = (first_image + image) * places + get_global_id(0) * s.TO[1] + v_place;           \
                    const ulong columns = min((ulong)COLUMNS, features - strip * COLUMNS);                             \
                    __local float *done = (__local float *)(to + 2 * image);                                           \
                    FINISH_ROW(row, group * features + strip * COLUMNS, columns, done)                                 \
                }                                                                                                      \
        }                                                                                                              \
    }
#define CONV_FORWARD(name) GATHER(name, false, result, picture, channels, features)
#define CONV_DATA(name)    GATHER(name, true, picture, result, features, channels)
CONV_FORWARD(conv_forward)
CONV_DATA(conv_data)

/* The same for one feature: a vector then holds LANES neighbours of k instead of columns. Dimension 0 counts rows of
 * places, dimension 1 blocks of images. The weights lie in order: no panels. */
#if LANES == 16
#define FOLD(v) FOLD_8((v).lo + (v).hi)
#elif LANES == 8
#define FOLD(v) FOLD_8(v)
#else
#define FOLD(v) FOLD_4(v)
#endif
#define FOLD_8(v) FOLD_4((v).lo + (v).hi)
#define FOLD_4(v) fold_four(v)
float fold_four(const float4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}
#define PLACES 64
#define THIN_START(r)    vector sum##r = 0.0f; float rest##r = 0.0f; const ulong row##r = min((ulong)r, rows - 1) * stride;
#define THIN_MULTIPLY(r) sum##r += LOAD(0, from + row##r + i) * weights;
#define THIN_REST(r)     rest##r += from[row##r + i] * tap[i];
#define THIN_KEEP(r)     done[r] = rest##r + FOLD(sum##r);
#define THIN(kernel_name, IS_DATA, TO, FROM, IN)                                                                       \
    __kernel __attribute__((reqd_work_group_size(1, 1, 1)))                                                            \
    void kernel_name(const convolution s, const ulong image_block, __global const float *restrict a,                   \
                     const ulong a_offset, __global const float *restrict b, const ulong b_offset, __global float *c,  \
                     const ulong c_offset, const uint add FINISH_PARAMETERS)                                           \
    {                                                                                                                  \
        __local float done[ROWS];                                                                                      \
        __local taps across[PLACES];                                                                                   \
        const ulong first_image = get_global_id(1) * image_block, end_image = min(first_image + image_block,           \
                                                                                 (ulong)s.images), n = 1;              \
        const ulong places = (ulong)s.TO[0] * s.TO[1], stride = (ulong)s.FROM[0] * s.FROM[1] * s.IN;                   \
        const taps h = taps_where(s, 0, get_global_id(0), IS_DATA);                                                    \
        a += a_offset;                                                                                                 \
        b += b_offset;                                                                                                 \
        c += c_offset;                                                                                                 \
        /* images take their turn over some places of a row: what one place has read of an image serves the next one */ \
        for (uint first = 0; first < s.TO[1]; first += PLACES) {                                                       \
            const uint end = min(first + PLACES, s.TO[1]);                                                             \
            for (uint i = first; i < end; i++) across[i - first] = taps_where(s, 1, i, IS_DATA);                       \
            for (ulong image = first_image; image < end_image; image += ROWS)                                          \
                for (uint v_place = first; v_place < end; v_place++) {                                                 \
                    const taps v = across[v_place - first];                                                            \
                    const bool joins = v.step == 1 && v.at_step == 1;                                                  \
                    const ulong depth = joins ? (ulong)s.IN * v.count : s.IN;                                          \
                    const ulong rows = min((ulong)ROWS, end_image - image);                                            \
                    EACH_ROW(THIN_START)                                                                               \
                    for (uint run = 0; run < h.count; run++)                                                           \
                        for (uint piece = 0; piece < (joins ? 1 : v.count); piece++) {                                 \
                            const ulong at = (h.at + run * h.at_step) * s.FROM[1] + v.at + piece * v.at_step;          \
                            const ulong tap_at =                                                                       \
                                (h.first + run * h.step) * s.kernel_size[1] + v.first + piece * v.step;                \
                            __global const float *from = a + image * stride + at * s.IN, *tap = b + tap_at * s.IN;     \
                            ulong i = 0;                                                                               \
                            for (; i + LANES <= depth; i += LANES) {                                                   \
                                const vector weights = LOAD(0, tap + i);                                               \
                                EACH_ROW(THIN_MULTIPLY)                                                                \
                            }                                                                                          \
                            for (; i < depth; i++) { EACH_ROW(THIN_REST) }                                             \
                        }                                                                                              \
                    EACH_ROW(THIN_KEEP)                                                                                \
                    for (ulong r = 0; r < rows; r++) {                                                                 \
                        const ulong row = (image + r) * places + get_global_id(0) * s.TO[1] + v_place;                 \
                        if (add) done[r] += c[row];                                                                    \
                        FINISH((uint)row, 0, done + r, 1)                                                              \
                    }                                                                                                  \
                }                                                                                                      \
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
            const uint left = (uint)max((int)(first * s.stride[1]) - (int)s.pad[1], 0);                                \
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
                    const ulong next_image = i + high < h.count ? image : image + deep, next = i + high < h.count ? i + high : 0; \
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
                            TILES(block, all_rows, used[tap] * images * rows_here, block + row, steps + tap * K_BLOCK, \
                                  panel, panel_steps + tap * K_BLOCK, to + 2 * row)                                    \
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
                TILES(taps, all_rows, depth, padded, where + row, steps + done, panel, sums + 2 * row,                 \
                      image > 0 || done > 0)                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        for (ulong r = 0; r < all_rows; r++)                                                                           \
            FINISH_ROW(first_row + r, column, columns, (__local float *)(sums + 2 * r))                                \
    }
CONV_FEW_WEIGHTS(conv_few_weights)

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
