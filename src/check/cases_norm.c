/* SPDX-License-Identifier: MIT */
/* What normalisation is made of, over the axes that its layers use. Their parameters are inputs here. */
#include <math.h>

#include "check/cases.h"

static double square(double x)
{
    return x * x;
}

static double inverse_root(double x)
{
    return 1 / sqrt(x);
}

static duet_twin_value standardise(duet_twin *t, duet_twin_value x, unsigned axes, double epsilon)
{
    if (t->graph) return (duet_twin_value){.node = duet_standardise_at(t->where, x.node, axes, epsilon)};
    duet_plain mean = duet_plain_mean(t->arena, x.plain, axes, true);
    duet_plain centred = duet_plain_map2(t->arena, duet_minus, x.plain, mean);
    duet_plain variance = duet_plain_mean(t->arena, duet_plain_map1(t->arena, square, centred), axes, true);
    duet_plain shift = duet_plain_new(t->arena, DUET_SCALAR_SHAPE);
    if (shift.count) shift.values[0] = epsilon;
    duet_plain inverse = duet_plain_map1(t->arena, inverse_root, duet_plain_map2(t->arena, duet_plus, variance, shift));
    return (duet_twin_value){.plain = duet_plain_map2(t->arena, duet_times, centred, inverse)};
}

static duet_twin_value standardised(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return standardise(t, x[0], row->axes, row->parameter);
}

static duet_plain plain_variance(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep)
{
    duet_plain centred = duet_plain_map2(arena, duet_minus, x, duet_plain_mean(arena, x, axes, true));
    return duet_plain_mean(arena, duet_plain_map1(arena, square, centred), axes, keep);
}

static duet_twin_value variance(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_reduce(t, duet_variance_at, plain_variance, x[0], row->axes, row->keep);
}

/* The layer: standardised, scaled and shifted, then what follows it in a network. */
static duet_twin_value layer(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    duet_twin_value unit = standardise(t, x[0], row->axes, row->parameter);
    return duet_twin_tanh(t, duet_twin_add(t, duet_twin_multiply(t, unit, x[1]), x[2]));
}

/* The scale is outside of the axes where the gradient looks for it, and inside of them. */
static duet_twin_value scaled_twice(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    duet_twin_value unit = standardise(t, x[0], row->axes, row->parameter);
    return duet_twin_multiply(t, duet_twin_multiply(t, unit, x[1]), duet_twin_add(t, unit, x[2]));
}

#define NORM(title, form, over, terms, allowed, ...)                                                                   \
    {                                                                                                                  \
        .name = title, .expression = form, .axes = over, .parameter = 1e-3, .length = terms, .tolerance = allowed,     \
        .derivatives = 2, .inputs = {                                                                                  \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define BETWEEN DUET_CASE_FLOATS

static const duet_case norms[] = {
    NORM("variance of columns", variance, DUET_AXIS(0), 9, 1, BETWEEN(2, 4, 9, 5)),
    NORM("variance of all", variance, DUET_ALL_AXES, 36, 1, BETWEEN(-1, 1, 4, 9)),
    NORM("standardised columns", standardised, DUET_AXIS(0), 9, 2, BETWEEN(-2, 2, 9, 5)),
    NORM("standardised columns far from 0", standardised, DUET_AXIS(0), 9, 100, BETWEEN(99, 101, 9, 5)),
    NORM("standardised rows", standardised, DUET_AXIS(1), 7, 2, BETWEEN(-2, 2, 4, 7)),
    NORM("standardised pictures", standardised, DUET_AXIS(1) | DUET_AXIS(2), 12, 2, BETWEEN(-2, 2, 2, 3, 4, 5)),
    NORM("standardised runs of features", standardised, DUET_AXIS(1) | DUET_AXIS(3), 12, 2, BETWEEN(-2, 2, 2, 4, 2, 3)),
    NORM("batch norm", layer, DUET_AXIS(0), 12, 2, BETWEEN(-2, 2, 12, 5), BETWEEN(0.5, 1.5, 5), BETWEEN(-1, 1, 5)),
    NORM("batch norm, 16 wide", layer, DUET_AXIS(0), 40, 1, BETWEEN(-2, 2, 40, 16), BETWEEN(0.5, 1.5, 16),
         BETWEEN(-1, 1, 16)),
    NORM("layer norm", layer, DUET_AXIS(1), 8, 2, BETWEEN(-2, 2, 6, 8), BETWEEN(0.5, 1.5, 8), BETWEEN(-1, 1, 8)),
    NORM("layer norm, 16 wide", layer, DUET_AXIS(1), 16, 2, BETWEEN(-2, 2, 6, 16), BETWEEN(0.5, 1.5, 16),
         BETWEEN(-1, 1, 16)),
    NORM("instance norm", layer, DUET_AXIS(1), 9, 2, BETWEEN(-2, 2, 3, 9, 4), BETWEEN(0.5, 1.5, 4), BETWEEN(-1, 1, 4)),
    NORM("instance norm, 16 wide", layer, DUET_AXIS(1), 9, 2, BETWEEN(-2, 2, 3, 9, 16), BETWEEN(0.5, 1.5, 16),
         BETWEEN(-1, 1, 16)),
    NORM("used twice", scaled_twice, DUET_AXIS(0), 9, 4, BETWEEN(-2, 2, 9, 5), BETWEEN(0.5, 1.5, 5),
         BETWEEN(-1, 1, 9, 1)),
};
const duet_case_group duet_norm_cases = {"normalisation", DUET_CASE_ROWS(norms)};
