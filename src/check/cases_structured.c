/* SPDX-License-Identifier: MIT */
/* Ops that move, stretch, reduce and multiply: shapes are small and chosen to have edges, primes and ones in them. */
#include <math.h>

#include "check/cases.h"

/* Broadcasting, by numpy's rule. */

#define STRETCH(title, what, f, ...)                                                                                   \
    {                                                                                                                  \
        .name = title, .expression = duet_case_map2, .build2 = duet_##what##_at, .meaning2 = f, .tolerance = 1,        \
        .length = 8, .derivatives = 2, .inputs = {                                                                     \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

static duet_twin_value broadcast(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return duet_twin_broadcast(t, x[0], DUET_SHAPE(2, 4, 3, 5));
}

static duet_twin_value broadcast_scalar(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value wide = duet_twin_broadcast(t, x[0], DUET_SHAPE(3, 7));
    return duet_twin_add(t, duet_twin_multiply(t, wide, wide), duet_twin_constant(t, 0.25));
}

static const duet_case broadcasts[] = {
    STRETCH("[3,4] + [4]", add, duet_plus, DUET_CASE_FLOATS(-2, 2, 3, 4), DUET_CASE_FLOATS(-2, 2, 4)),
    STRETCH("[3,1] * [1,4]", multiply, duet_times, DUET_CASE_FLOATS(-2, 2, 3, 1), DUET_CASE_FLOATS(-2, 2, 1, 4)),
    STRETCH("[2,3,4] - [3,1]", subtract, duet_minus, DUET_CASE_FLOATS(-2, 2, 2, 3, 4), DUET_CASE_FLOATS(-2, 2, 3, 1)),
    STRETCH("[5] * [2,1,5]", multiply, duet_times, DUET_CASE_FLOATS(-2, 2, 5), DUET_CASE_FLOATS(-2, 2, 2, 1, 5)),
    STRETCH("[1] + [2,3]", add, duet_plus, DUET_CASE_FLOATS(-2, 2, 1), DUET_CASE_FLOATS(-2, 2, 2, 3)),
    STRETCH("scalar * [17]", multiply, duet_times, {.low = -1, .high = 2}, DUET_CASE_FLOATS(-2, 2, 17)),
    STRETCH("scalar * scalar", multiply, duet_times, {.low = -1, .high = 2}, {.low = -1, .high = 1}),
    STRETCH("rank 6", multiply, duet_times, DUET_CASE_FLOATS(-2, 2, 2, 1, 3, 1, 2, 1),
            DUET_CASE_FLOATS(-2, 2, 1, 2, 1, 3, 1, 2)),
    STRETCH("1003 elements", multiply, duet_times, DUET_CASE_FLOATS(-2, 2, 1003), DUET_CASE_FLOATS(-2, 2, 1003)),
    STRETCH("power, stretched", power, pow, DUET_CASE_FLOATS(0.5, 2, 4, 1), DUET_CASE_FLOATS(-1, 2, 3)),
    {.name = "broadcast",
     .expression = broadcast,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 4, 1, 5)},
     .tolerance = 1,
     .length = 6,
     .derivatives = 1},
    {.name = "broadcast of a scalar",
     .expression = broadcast_scalar,
     .inputs = {{.low = -1, .high = 2}},
     .tolerance = 1,
     .length = 21,
     .derivatives = 2},
};
const duet_case_group duet_broadcast_cases = {"broadcasting", DUET_CASE_ROWS(broadcasts)};

/* Moving elements. Each result is multiplied by another value, so that its second gradient is not empty. */

static duet_twin_value squared(duet_twin *t, duet_twin_value x)
{
    return duet_twin_multiply(t, x, x);
}

static duet_twin_value reshape(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return squared(t, duet_twin_reshape(t, x[0], DUET_SHAPE(4, 3, 5)));
}

static duet_twin_value permute(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return squared(t, duet_twin_permute(t, x[0], (const size_t[]){2, 0, 3, 1}));
}

static duet_twin_value permute_twice(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value turned = duet_twin_permute(t, x[0], (const size_t[]){1, 2, 0});
    return squared(t, duet_twin_permute(t, turned, (const size_t[]){1, 2, 0}));
}

static duet_twin_value transpose(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return squared(t, duet_twin_transpose(t, x[0]));
}

static duet_twin_value slice_first(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return squared(t, duet_twin_slice(t, x[0], 0, 1, 2));
}

static duet_twin_value slice_last(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return squared(t, duet_twin_slice(t, x[0], 2, 3, 1));
}

static duet_twin_value pad_first(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return squared(t, duet_twin_pad(t, x[0], 0, 2, 0));
}

static duet_twin_value pad_last(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return squared(t, duet_twin_pad(t, x[0], 1, 1, 3));
}

static duet_twin_value repeat_rows(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value repeated;
    if (t->graph) {
        repeated = (duet_twin_value){.node = duet_repeat_rows_at(t->where, x[0].node, 3)};
    } else {
        repeated = (duet_twin_value){.plain = duet_plain_new(t->arena, DUET_SHAPE(12, 2, 5))};
        for (size_t i = 0; i < 120; i++) repeated.plain.values[i] = x[0].plain.values[i / 30 * 10 + i % 10];
    }
    return squared(t, repeated);
}

static duet_twin_value concat(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return squared(t, duet_twin_concat(t, x, 3, (size_t)row->parameter));
}

static duet_twin_value concat_itself(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return squared(t, duet_twin_concat(t, (const duet_twin_value[]){x[0], x[0], x[1], x[0]}, 4, 0));
}

static duet_twin_value gather(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return duet_twin_gather(t, x[0], x[1]);
}

static double itself(double x)
{
    return x;
}

static duet_twin_value gather_bytes(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    duet_twin_value pixels = duet_twin_map1(t, duet_to_float_at, itself, gather(t, x, row));
    return duet_twin_map_with(t, duet_scale_at, duet_times, pixels, 1.0 / 255);
}

static const double rows[] = {3, 0, 6, 6, 2, 7, 4000000000.0}; /* the last two are past the end of 7 rows */

static const duet_case shapes[] = {
    {.name = "reshape",
     .expression = reshape,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 6, 10)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "rows repeated",
     .expression = repeat_rows,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 4, 2, 5)},
     .tolerance = 1,
     .length = 3,
     .derivatives = 2},
    {.name = "permute",
     .expression = permute,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 2, 3, 4, 2)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "permute twice",
     .expression = permute_twice,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 2, 3, 5)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "transpose",
     .expression = transpose,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 2, 3, 5)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "slice of the first dimension",
     .expression = slice_first,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 4, 3, 5)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "slice of the last dimension",
     .expression = slice_last,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 4, 3, 5)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "pad of the first dimension",
     .expression = pad_first,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 3, 4)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "pad of the last dimension",
     .expression = pad_last,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 3, 4)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "concat of the first dimension",
     .expression = concat,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 2, 3), DUET_CASE_FLOATS(-1, 1, 1, 3), DUET_CASE_FLOATS(-1, 1, 4, 3)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "concat of the last dimension",
     .expression = concat,
     .parameter = 1,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 3, 2), DUET_CASE_FLOATS(-1, 1, 3, 1), DUET_CASE_FLOATS(-1, 1, 3, 4)},
     .tolerance = 1,
     .derivatives = 2},
    {.name = "concat with itself",
     .expression = concat_itself,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 2, 3), DUET_CASE_FLOATS(-1, 1, 1, 3)},
     .tolerance = 1,
     .length = 3,
     .derivatives = 2},
    {.name = "gather of floats",
     .expression = gather,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 7, 2, 3), {.shape = DUET_CASE_SHAPE(7), .values = rows, .type = DUET_UINT32}},
     .tolerance = 0},
    {.name = "gather of bytes",
     .expression = gather_bytes,
     .inputs = {{.shape = DUET_CASE_SHAPE(7, 11), .high = 255, .type = DUET_UINT8},
                {.shape = DUET_CASE_SHAPE(7), .values = rows, .type = DUET_UINT32}},
     .tolerance = 2},
};
const duet_case_group duet_shape_cases = {"moving elements", DUET_CASE_ROWS(shapes)};

/* Reductions. Sums are of squares, for their second gradient. */

static duet_twin_value reduce(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_reduce(t, row->reduction, row->plain_reduction, x[0], row->axes, row->keep);
}

static duet_twin_value reduce_squares(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_reduce(t, row->reduction, row->plain_reduction, squared(t, x[0]), row->axes, row->keep);
}

static duet_twin_value sum_features(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value y = squared(t, x[0]);
    if (t->graph) return (duet_twin_value){.node = duet_sum_features_at(t->where, y.node)};
    return duet_twin_sum(t, y, DUET_ALL_AXES & ~DUET_AXIS(0), false);
}

static duet_twin_value batch_mean(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value y = squared(t, x[0]);
    if (t->graph) return (duet_twin_value){.node = duet_batch_mean_at(t->where, y.node)};
    return duet_twin_reduce(t, duet_mean_at, duet_plain_mean, y, DUET_ALL_AXES, false);
}

#define REDUCE(title, what, form, which, kept, terms, allowed, ...)                                                    \
    {                                                                                                                  \
        .name = title, .expression = form, .reduction = duet_##what##_at, .plain_reduction = duet_plain_##what,        \
        .axes = which, .keep = kept, .length = terms, .tolerance = allowed, .derivatives = 2, .inputs = {              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

static const duet_case reductions[] = {
    REDUCE("sum of all", sum, reduce_squares, DUET_ALL_AXES, false, 60, 1, DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("sum of all, kept", sum, reduce_squares, DUET_ALL_AXES, true, 60, 1, DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("sum of the first", sum, reduce_squares, DUET_AXIS(0), false, 4, 1, DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("sum of the middle, kept", sum, reduce_squares, DUET_AXIS(1), true, 3, 1, DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("sum of the last", sum, reduce_squares, DUET_AXIS(2), false, 5, 1, DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("sum of the outer two", sum, reduce_squares, DUET_AXIS(0) | DUET_AXIS(2), false, 20, 1,
           DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("sum of no dimension", sum, reduce_squares, 0, false, 1, 1, DUET_CASE_FLOATS(-1, 1, 4, 3)),
    REDUCE("sum of one element", sum, reduce_squares, DUET_ALL_AXES, false, 1, 1, DUET_CASE_FLOATS(-1, 2, 1)),
    REDUCE("sum of a scalar", sum, reduce_squares, DUET_ALL_AXES, false, 1, 1, {.low = -1, .high = 2}),
    REDUCE("sum of 5003", sum, reduce_squares, DUET_ALL_AXES, false, 5003, 0.02, DUET_CASE_FLOATS(-1, 1, 5003)),
    REDUCE("sum of 1031 rows", sum, reduce_squares, DUET_AXIS(0), false, 1031, 0.05, DUET_CASE_FLOATS(-1, 1, 1031, 3)),
    REDUCE("sum of 1031 columns", sum, reduce_squares, DUET_AXIS(1), false, 1031, 0.05,
           DUET_CASE_FLOATS(-1, 1, 3, 1031)),
    REDUCE("sum of groups of four", sum, reduce_squares, DUET_AXIS(1) | DUET_AXIS(3), false, 20, 1,
           DUET_CASE_FLOATS(-1, 1, 3, 5, 8, 4)),
    REDUCE("sum of groups of two", sum, reduce_squares, DUET_AXIS(1) | DUET_AXIS(3), false, 6, 1,
           DUET_CASE_FLOATS(-1, 1, 2, 3, 8, 2)),
    REDUCE("sum of groups of eight", sum, reduce_squares, DUET_AXIS(1) | DUET_AXIS(3), false, 24, 1,
           DUET_CASE_FLOATS(-1, 1, 2, 3, 6, 8)),
    REDUCE("sum of groups of sixteen", sum, reduce_squares, DUET_AXIS(1) | DUET_AXIS(3), false, 48, 1,
           DUET_CASE_FLOATS(-1, 1, 2, 3, 2, 16)),
    REDUCE("sum of long groups", sum, reduce_squares, DUET_AXIS(1) | DUET_AXIS(3), false, 4124, 0.05,
           DUET_CASE_FLOATS(-1, 1, 2, 1031, 4, 4)),
    REDUCE("mean of all", mean, reduce_squares, DUET_ALL_AXES, false, 60, 1, DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("mean of the last, kept", mean, reduce_squares, DUET_AXIS(2), true, 5, 1, DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("mean of the first two", mean, reduce_squares, DUET_AXIS(0) | DUET_AXIS(1), false, 12, 1,
           DUET_CASE_FLOATS(-1, 1, 4, 3, 5)),
    REDUCE("max of all", max, reduce_squares, DUET_ALL_AXES, false, 1, 1, DUET_CASE_FLOATS(0.5, 2.5, 4, 5)),
    REDUCE("max of the first", max, reduce, DUET_AXIS(0), false, 1, 1, DUET_CASE_FLOATS(-2, 2, 4, 3, 5)),
    REDUCE("max of the last, kept", max, reduce, DUET_AXIS(2), true, 1, 1, DUET_CASE_FLOATS(-2, 2, 4, 3, 5)),
    REDUCE("max of negative numbers", max, reduce, DUET_AXIS(1), false, 1, 1, DUET_CASE_FLOATS(-5, -2, 3, 11)),
    REDUCE("max of groups of four", max, reduce, DUET_AXIS(1) | DUET_AXIS(3), true, 1, 1,
           DUET_CASE_FLOATS(-2, 2, 3, 5, 8, 4)),
    REDUCE("logsumexp of all", logsumexp, reduce, DUET_ALL_AXES, false, 60, 1, DUET_CASE_FLOATS(-2, 2, 4, 3, 5)),
    REDUCE("logsumexp of the first", logsumexp, reduce, DUET_AXIS(0), false, 4, 4, DUET_CASE_FLOATS(-2, 2, 4, 3, 5)),
    REDUCE("logsumexp of the last, kept", logsumexp, reduce, DUET_AXIS(2), true, 5, 4,
           DUET_CASE_FLOATS(-2, 2, 4, 3, 5)),
    REDUCE("logsumexp of large numbers", logsumexp, reduce, DUET_AXIS(1), false, 8, 8,
           DUET_CASE_FLOATS(500, 503, 3, 8)),
    REDUCE("logsumexp of very negative numbers", logsumexp, reduce, DUET_AXIS(0), false, 8, 8,
           DUET_CASE_FLOATS(-703, -700, 8, 3)),
    {.name = "sum_features",
     .expression = sum_features,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 5, 2, 3)},
     .length = 6,
     .tolerance = 1,
     .derivatives = 2},
    {.name = "batch_mean",
     .expression = batch_mean,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 23)},
     .length = 23,
     .tolerance = 1,
     .derivatives = 2},
};
const duet_case_group duet_reduction_cases = {"reductions", DUET_CASE_ROWS(reductions)};

/* Matrix products: each transpose, sizes on and off the edges of tiles. */

static duet_twin_value matmul(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_matmul(t, x[0], x[1], row->transpose_a, row->transpose_b);
}

static duet_twin_value gram(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_matmul(t, x[0], x[0], row->transpose_a, row->transpose_b);
}

#define PRODUCT(title, m, n, k)                                                                                        \
    {.name = title,                                                                                                    \
     .expression = matmul,                                                                                             \
     .inputs = {DUET_CASE_FLOATS(-1, 1, m, k), DUET_CASE_FLOATS(-1, 1, k, n)},                                         \
     .length = k,                                                                                                      \
     .tolerance = 1,                                                                                                   \
     .derivatives = 2},                                                                                                \
        {.name = title " b'",                                                                                          \
         .expression = matmul,                                                                                         \
         .transpose_b = true,                                                                                          \
         .inputs = {DUET_CASE_FLOATS(-1, 1, m, k), DUET_CASE_FLOATS(-1, 1, n, k)},                                     \
         .length = k,                                                                                                  \
         .tolerance = 1,                                                                                               \
         .derivatives = 2},                                                                                            \
        {.name = title " a'",                                                                                          \
         .expression = matmul,                                                                                         \
         .transpose_a = true,                                                                                          \
         .inputs = {DUET_CASE_FLOATS(-1, 1, k, m), DUET_CASE_FLOATS(-1, 1, k, n)},                                     \
         .length = k,                                                                                                  \
         .tolerance = 1,                                                                                               \
         .derivatives = 2},                                                                                            \
    {                                                                                                                  \
        .name = title " a' b'", .expression = matmul, .transpose_a = true, .transpose_b = true,                        \
        .inputs = {DUET_CASE_FLOATS(-1, 1, k, m), DUET_CASE_FLOATS(-1, 1, n, k)}, .length = k, .tolerance = 1,         \
        .derivatives = 2                                                                                               \
    }

static const duet_case matmuls[] = {
    PRODUCT("1x1x1", 1, 1, 1),
    PRODUCT("3x5x4", 3, 5, 4),
    PRODUCT("1x33x17", 1, 33, 17),
    PRODUCT("13x1x32", 13, 1, 32),
    PRODUCT("12x32x16", 12, 32, 16),
    PRODUCT("37x35x29", 37, 35, 29),
    {.name = "x x'",
     .expression = gram,
     .transpose_b = true,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 6, 7)},
     .length = 7,
     .tolerance = 1,
     .derivatives = 2},
    {.name = "x' x",
     .expression = gram,
     .transpose_a = true,
     .inputs = {DUET_CASE_FLOATS(-1, 1, 6, 7)},
     .length = 6,
     .tolerance = 1,
     .derivatives = 2},
};
const duet_case_group duet_matmul_cases = {"matrix products", DUET_CASE_ROWS(matmuls)};
