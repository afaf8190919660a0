/* SPDX-License-Identifier: MIT */
/* Pictures, [batch, height, width, channels], as loops over every element and every place it comes from. */
#include <math.h>

#include "check/plain.h"

/* Where element (n, h, w, c) of a picture lies. */
static double *pixel(duet_plain x, size_t n, size_t h, size_t w, size_t c)
{
    const size_t *d = x.shape.dims;
    return &x.values[((n * d[1] + h) * d[2] + w) * d[3] + c];
}

/* Of windows: the two that count elements inside one. */
static const unsigned window_axes = 1u << 3 | 1u << 4;

static size_t windows_along(const duet_window *window, size_t axis, size_t extent)
{
    size_t padded = extent + window->pad_before[axis] + window->pad_after[axis];
    return (padded - window->dilation[axis] * (window->size[axis] - 1) - 1) / window->stride[axis] + 1;
}

/* Where in the picture element k of window o lies; false: in the padding. */
static bool place_of(const duet_window *window, size_t axis, size_t o, size_t k, size_t extent, size_t *place)
{
    size_t padded = o * window->stride[axis] + k * window->dilation[axis];
    *place = padded - window->pad_before[axis];
    return padded >= window->pad_before[axis] && *place < extent;
}

/* What is done with an element of a window and the one of the picture that it stands for, NULL in the padding. */
typedef void visitor(double *element, double *pixel, double fill);

static void visit_windows(duet_plain windows, duet_plain picture, const duet_window *window, double fill,
                          visitor *visit)
{
    const size_t *d = windows.shape.dims;
    for (size_t i = 0; i < windows.count; i++) {
        size_t c = i % d[5], k = i / d[5], o = k / (d[3] * d[4]), h, w;
        bool rows = place_of(window, 0, o / d[2] % d[1], k / d[4] % d[3], picture.shape.dims[1], &h);
        bool columns = place_of(window, 1, o % d[2], k % d[4], picture.shape.dims[2], &w);
        visit(&windows.values[i], rows && columns ? pixel(picture, o / d[2] / d[1], h, w, c) : NULL, fill);
    }
}

static void take(double *element, double *pixel, double fill)
{
    *element = pixel ? *pixel : fill;
}

static void give(double *element, double *pixel, double fill)
{
    (void)fill;
    if (pixel) *pixel += *element;
}

duet_plain duet_plain_windows(duet_plain_arena *arena, duet_plain x, const duet_window *window, double fill)
{
    const size_t *d = x.shape.dims;
    duet_plain result =
        duet_plain_new(arena, DUET_SHAPE(d[0], windows_along(window, 0, d[1]), windows_along(window, 1, d[2]),
                                         window->size[0], window->size[1], d[3]));
    visit_windows(result, x, window, fill, take);
    return result;
}

duet_plain duet_plain_fold(duet_plain_arena *arena, duet_plain windows, const duet_window *window, size_t height,
                           size_t width)
{
    duet_plain result = duet_plain_new(arena, DUET_SHAPE(windows.shape.dims[0], height, width, windows.shape.dims[5]));
    for (size_t i = 0; i < result.count; i++) result.values[i] = 0;
    if (result.count) visit_windows(windows, result, window, 0, give);
    return result;
}

duet_plain duet_plain_max_pool(duet_plain_arena *arena, duet_plain x, const duet_window *window)
{
    duet_plain windows = duet_plain_windows(arena, x, window, -INFINITY);
    return duet_plain_max(arena, windows, window_axes, false);
}

duet_plain duet_plain_average_pool(duet_plain_arena *arena, duet_plain x, const duet_window *window)
{
    duet_plain inside = duet_plain_new(arena, x.shape);
    for (size_t i = 0; i < inside.count; i++) inside.values[i] = 1;
    duet_plain sums = duet_plain_sum(arena, duet_plain_windows(arena, x, window, 0), window_axes, false);
    duet_plain counts = duet_plain_sum(arena, duet_plain_windows(arena, inside, window, 0), window_axes, false);
    return duet_plain_map2(arena, duet_over, sums, counts);
}

/* A picture of that shape, each element computed by f from the picture x. */
typedef double from_picture(duet_plain x, const size_t *place, size_t height, size_t width);

static duet_plain picture_from(duet_plain_arena *arena, duet_shape shape, duet_plain x, from_picture *f, size_t height,
                               size_t width)
{
    duet_plain result = duet_plain_new(arena, shape);
    const size_t *d = shape.dims;
    for (size_t i = 0; i < result.count; i++) {
        size_t place[4] = {i / d[3] / d[2] / d[1], i / d[3] / d[2] % d[1], i / d[3] % d[2], i % d[3]};
        result.values[i] = f(x, place, height, width);
    }
    return result;
}

static double nearest(duet_plain x, const size_t *place, size_t height, size_t width)
{
    return *pixel(x, place[0], place[1] / height, place[2] / width, place[3]);
}

duet_plain duet_plain_upsample_nearest(duet_plain_arena *arena, duet_plain x, size_t height, size_t width)
{
    const size_t *d = x.shape.dims;
    return picture_from(arena, DUET_SHAPE(d[0], d[1] * height, d[2] * width, d[3]), x, nearest, height, width);
}

/* How much element `small` weighs at `large`: a tent around its centre. The outermost stand for all beyond them. */
static double tent(size_t large, size_t small, size_t factor, size_t extent)
{
    double place = ((double)large + 0.5) / (double)factor - 0.5;
    place = fmin(fmax(place, 0), (double)(extent - 1));
    return fmax(0, 1 - fabs(place - (double)small));
}

static double bilinear(duet_plain x, const size_t *place, size_t height, size_t width)
{
    const size_t *d = x.shape.dims;
    double sum = 0;
    for (size_t h = 0; h < d[1]; h++) {
        for (size_t w = 0; w < d[2]; w++) {
            double weight = tent(place[1], h, height, d[1]) * tent(place[2], w, width, d[2]);
            sum += weight * *pixel(x, place[0], h, w, place[3]);
        }
    }
    return sum;
}

duet_plain duet_plain_upsample_bilinear(duet_plain_arena *arena, duet_plain x, size_t height, size_t width)
{
    const size_t *d = x.shape.dims;
    return picture_from(arena, DUET_SHAPE(d[0], d[1] * height, d[2] * width, d[3]), x, bilinear, height, width);
}

static double shuffled(duet_plain x, const size_t *place, size_t height, size_t width)
{
    size_t i = place[1] % height, j = place[2] % width, channels = x.shape.dims[3] / height / width;
    return *pixel(x, place[0], place[1] / height, place[2] / width, (i * width + j) * channels + place[3]);
}

duet_plain duet_plain_depth_to_space(duet_plain_arena *arena, duet_plain x, size_t block)
{
    const size_t *d = x.shape.dims;
    duet_shape shape = DUET_SHAPE(d[0], d[1] * block, d[2] * block, d[3] / block / block);
    return picture_from(arena, shape, x, shuffled, block, block);
}

static double gathered(duet_plain x, const size_t *place, size_t height, size_t width)
{
    size_t channels = x.shape.dims[3], which = place[3] / channels;
    return *pixel(x, place[0], place[1] * height + which / width, place[2] * width + which % width,
                  place[3] % channels);
}

duet_plain duet_plain_space_to_depth(duet_plain_arena *arena, duet_plain x, size_t block)
{
    const size_t *d = x.shape.dims;
    duet_shape shape = DUET_SHAPE(d[0], d[1] / block, d[2] / block, d[3] * block * block);
    return picture_from(arena, shape, x, gathered, block, block);
}
