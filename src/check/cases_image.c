/* SPDX-License-Identifier: MIT */
/* Ops on pictures: extents are odd, windows overlap, leave gaps, hang over one edge only or over both. Results are
 * squared for their second gradient; what is maximised lies far enough apart for differences. */
#include <math.h>

#include "check/cases.h"

typedef duet_node build_pool(const char *where, duet_node x, const duet_window *window);
typedef duet_plain plain_pool(duet_plain_arena *arena, duet_plain x, const duet_window *window);
typedef duet_node build_scale(const char *where, duet_node x, size_t height, size_t width);
typedef duet_plain plain_scale(duet_plain_arena *arena, duet_plain x, size_t height, size_t width);
typedef duet_node build_shuffle(const char *where, duet_node x, size_t block);
typedef duet_plain plain_shuffle(duet_plain_arena *arena, duet_plain x, size_t block);

static duet_twin_value squared(duet_twin *t, duet_twin_value x)
{
    return duet_twin_multiply(t, x, x);
}

static duet_twin_value pool(duet_twin *t, build_pool *build, plain_pool *meaning, duet_twin_value x,
                            const duet_case *row)
{
    const size_t *d = row->inputs[0].shape.dims;
    duet_window window = row->same ? duet_window_pad_same(row->window, d[1], d[2]) : row->window;
    if (t->graph) return (duet_twin_value){.node = build(t->where, x.node, &window)};
    return (duet_twin_value){.plain = meaning(t->arena, x.plain, &window)};
}

/* Windows, as they are and put back. */

static duet_node build_windows(const char *where, duet_node x, const duet_window *window)
{
    return duet_windows_at(where, x, window, 0.25);
}

static duet_plain plain_windows(duet_plain_arena *arena, duet_plain x, const duet_window *window)
{
    return duet_plain_windows(arena, x, window, 0.25);
}

static duet_node build_fold(const char *where, duet_node x, const duet_window *window)
{
    size_t height = duet_node_shape(x).dims[1], width = duet_node_shape(x).dims[2];
    duet_node windows = duet_windows_at(where, duet_square_at(where, x), window, 0);
    return duet_fold_at(where, duet_tanh_at(where, windows), window, height, width);
}

static double tanh_of_square(double x)
{
    return tanh(x * x);
}

static duet_plain plain_fold(duet_plain_arena *arena, duet_plain x, const duet_window *window)
{
    duet_plain windows = duet_plain_windows(arena, duet_plain_map1(arena, tanh_of_square, x), window, 0);
    return duet_plain_fold(arena, windows, window, x.shape.dims[1], x.shape.dims[2]);
}

static duet_twin_value windows(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return squared(t, pool(t, build_windows, plain_windows, x[0], row));
}

static duet_twin_value fold(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return pool(t, build_fold, plain_fold, x[0], row);
}

/* Both ops, with windows of that kind: size, stride, dilation, padding before and after, each of height and width. */
#define BOTH(title, first, second, is_same, terms, ...)                                                                \
    {.name = title ", " #first,                                                                                        \
     .expression = first,                                                                                              \
     .same = is_same,                                                                                                  \
     .length = terms,                                                                                                  \
     .tolerance = 4,                                                                                                   \
     .derivatives = 2,                                                                                                 \
     __VA_ARGS__},                                                                                                     \
    {                                                                                                                  \
        .name = title ", " #second, .expression = second, .same = is_same, .length = terms, .tolerance = 4,            \
        .derivatives = 2, __VA_ARGS__                                                                                  \
    }
#define PICTURE(...) .inputs = {DUET_CASE_FLOATS(-8, 8, __VA_ARGS__)}
#define SMALL(...)   .inputs = {DUET_CASE_FLOATS(-1, 1, __VA_ARGS__)}

static const duet_case window_rows[] = {
    BOTH("tiles", windows, fold, false, 1, .window = {{2, 2}, {2, 2}, {1, 1}}, SMALL(2, 4, 6, 3)),
    BOTH("tiles that leave a rest", windows, fold, false, 1, .window = {{2, 3}, {2, 3}, {1, 1}}, SMALL(2, 5, 7, 3)),
    BOTH("overlapping", windows, fold, false, 9, .window = {{3, 3}, {1, 2}, {1, 1}}, SMALL(1, 5, 7, 2)),
    BOTH("gaps", windows, fold, false, 4, .window = {{2, 1}, {3, 2}, {1, 1}}, SMALL(2, 7, 5, 2)),
    BOTH("padded", windows, fold, false, 9, .window = {{3, 2}, {2, 1}, {1, 1}, {1, 0}, {2, 1}}, SMALL(1, 5, 4, 2)),
    BOTH("dilated", windows, fold, false, 9, .window = {{3, 2}, {1, 1}, {2, 3}, {2, 1}, {1, 2}}, SMALL(1, 5, 6, 2)),
    BOTH("dilated, stride 2", windows, fold, false, 9, .window = {{3, 3}, {2, 2}, {2, 3}, {3, 3}, {3, 3}},
         SMALL(1, 6, 5, 2)),
    BOTH("1x1", windows, fold, false, 1, .window = {{1, 1}, {1, 1}, {1, 1}}, SMALL(2, 3, 4, 3)),
    BOTH("1x1, stride 2", windows, fold, false, 1, .window = {{1, 1}, {2, 2}, {1, 1}}, SMALL(2, 5, 4, 3)),
    BOTH("larger than the picture", windows, fold, false, 25, .window = {{5, 4}, {1, 1}, {1, 1}, {2, 1}, {2, 2}},
         SMALL(2, 3, 2, 2)),
    BOTH("SAME", windows, fold, true, 9, .window = {{3, 2}, {2, 2}, {1, 1}}, SMALL(1, 6, 5, 2)),
    BOTH("16 channels", windows, fold, false, 9, .window = {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}},
         SMALL(2, 4, 4, 16)),
};
const duet_case_group duet_window_cases = {"windows", DUET_CASE_ROWS(window_rows)};

/* Pooling. */

static duet_twin_value maximum(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return squared(t, pool(t, duet_max_pool_at, duet_plain_max_pool, x[0], row));
}

static duet_twin_value average(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return squared(t, pool(t, duet_average_pool_at, duet_plain_average_pool, x[0], row));
}

static duet_twin_value global_maximum(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    if (t->graph) return squared(t, (duet_twin_value){.node = duet_global_max_pool_at(t->where, x[0].node)});
    return squared(t, duet_twin_reduce(t, NULL, duet_plain_max, x[0], DUET_AXIS(1) | DUET_AXIS(2), false));
}

static duet_twin_value global_average(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value y = squared(t, x[0]);
    if (t->graph) return (duet_twin_value){.node = duet_global_average_pool_at(t->where, y.node)};
    return duet_twin_reduce(t, NULL, duet_plain_mean, y, DUET_AXIS(1) | DUET_AXIS(2), false);
}

static const duet_case pools[] = {
    BOTH("2x2", maximum, average, false, 4, .window = {{2, 2}, {2, 2}, {1, 1}}, PICTURE(2, 4, 6, 3)),
    BOTH("2x2 of odd extents", maximum, average, false, 4, .window = {{2, 2}, {2, 2}, {1, 1}}, PICTURE(2, 5, 7, 2)),
    BOTH("3x2, stride 1x2", maximum, average, false, 9, .window = {{3, 2}, {1, 2}, {1, 1}}, PICTURE(1, 6, 5, 3)),
    BOTH("3x3, stride 2, SAME", maximum, average, true, 9, .window = {{3, 3}, {2, 2}, {1, 1}}, PICTURE(1, 6, 7, 3)),
    BOTH("2x2, stride 2, SAME", maximum, average, true, 4, .window = {{2, 2}, {2, 2}, {1, 1}}, PICTURE(1, 5, 7, 3)),
    BOTH("2x2, stride 3", maximum, average, false, 4, .window = {{2, 2}, {3, 3}, {1, 1}}, PICTURE(2, 8, 5, 2)),
    BOTH("2x3, dilated, padded", maximum, average, false, 6, .window = {{2, 3}, {2, 1}, {3, 2}, {2, 3}, {2, 1}},
         PICTURE(1, 6, 5, 3)),
    BOTH("1x1", maximum, average, false, 1, .window = {{1, 1}, {1, 1}, {1, 1}}, PICTURE(2, 3, 4, 3)),
    BOTH("4x5 over 3x2", maximum, average, false, 20, .window = {{4, 5}, {1, 1}, {1, 1}, {1, 2}, {2, 2}},
         PICTURE(2, 3, 2, 3)),
    BOTH("16 channels", maximum, average, true, 9, .window = {{3, 3}, {2, 2}, {1, 1}}, PICTURE(2, 4, 3, 16)),
    BOTH("global", global_maximum, global_average, false, 20, PICTURE(3, 4, 5, 3)),
    BOTH("global, 16 channels", global_maximum, global_average, false, 9, PICTURE(2, 3, 3, 16)),
    BOTH("global of one pixel", global_maximum, global_average, false, 1, PICTURE(3, 1, 1, 5)),
};
const duet_case_group duet_pool_cases = {"pooling", DUET_CASE_ROWS(pools)};

/* Larger pictures. */

static duet_twin_value scale(duet_twin *t, build_scale *build, plain_scale *meaning, duet_twin_value x,
                             const duet_case *row)
{
    if (t->graph) return (duet_twin_value){.node = build(t->where, x.node, row->factors[0], row->factors[1])};
    return (duet_twin_value){.plain = meaning(t->arena, x.plain, row->factors[0], row->factors[1])};
}

static duet_twin_value nearest(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return squared(t, scale(t, duet_upsample_nearest_at, duet_plain_upsample_nearest, x[0], row));
}

static duet_twin_value bilinear(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return squared(t, scale(t, duet_upsample_bilinear_at, duet_plain_upsample_bilinear, x[0], row));
}

static duet_twin_value shuffle(duet_twin *t, build_shuffle *build, plain_shuffle *meaning, duet_twin_value x,
                               const duet_case *row)
{
    if (t->graph) return (duet_twin_value){.node = build(t->where, x.node, row->factors[0])};
    return (duet_twin_value){.plain = meaning(t->arena, x.plain, row->factors[0])};
}

static duet_twin_value to_space(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return squared(t, shuffle(t, duet_depth_to_space_at, duet_plain_depth_to_space, x[0], row));
}

static duet_twin_value to_depth(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return squared(t, shuffle(t, duet_space_to_depth_at, duet_plain_space_to_depth, x[0], row));
}

#define SCALE(title, form, terms, ...)                                                                                 \
    {                                                                                                                  \
        .name = title, .expression = form, .length = terms, .tolerance = 2, .derivatives = 2, __VA_ARGS__              \
    }

static const duet_case upsamples[] = {
    BOTH("2x2", nearest, bilinear, false, 16, .factors = {2, 2}, SMALL(2, 3, 4, 3)),
    BOTH("3x1", nearest, bilinear, false, 16, .factors = {3, 1}, SMALL(2, 3, 2, 3)),
    BOTH("1x1", nearest, bilinear, false, 1, .factors = {1, 1}, SMALL(2, 3, 2, 2)),
    BOTH("4x5", nearest, bilinear, false, 64, .factors = {4, 5}, SMALL(1, 3, 2, 2)),
    BOTH("2x3 of one pixel", nearest, bilinear, false, 16, .factors = {2, 3}, SMALL(2, 1, 1, 3)),
    BOTH("1x9", nearest, bilinear, false, 17, .factors = {1, 9}, SMALL(1, 2, 3, 2)),
    BOTH("2x2, 16 channels", nearest, bilinear, false, 16, .factors = {2, 2}, SMALL(1, 2, 3, 16)),
    SCALE("depth to space, 2", to_space, 1, .factors = {2}, SMALL(2, 3, 2, 12)),
    SCALE("depth to space, 3", to_space, 1, .factors = {3}, SMALL(2, 1, 2, 9)),
    SCALE("depth to space, 1", to_space, 1, .factors = {1}, SMALL(2, 3, 2, 5)),
    SCALE("space to depth, 2", to_depth, 1, .factors = {2}, SMALL(2, 4, 6, 3)),
    SCALE("space to depth, 3", to_depth, 1, .factors = {3}, SMALL(1, 3, 6, 1)),
};
const duet_case_group duet_upsample_cases = {"up-sampling", DUET_CASE_ROWS(upsamples)};
