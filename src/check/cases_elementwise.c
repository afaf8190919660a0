/* SPDX-License-Identifier: MIT */
/* Elementwise ops: a row each. Ranges stay a step away from kinks and the edges of a domain, where a central difference
 * would say nothing; the rows for extremes go there, without derivatives. */
#include <float.h>
#include <math.h>

#include "check/cases.h"

/* build1 of input 0 */
static duet_twin_value map1(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_map1(t, row->build1, row->meaning1, x[0]);
}

duet_twin_value duet_case_map2(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_map2(t, row->build2, row->meaning2, x[0], x[1]);
}

/* build_with of input 0 and the parameter */
static duet_twin_value map_with(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_map_with(t, row->build_with, row->meaning_with, x[0], row->parameter);
}

#define MAP1(what, f, low, high, allowed)                                                                              \
    {                                                                                                                  \
        .name = #what, .expression = map1, .build1 = duet_##what##_at, .meaning1 = f, .tolerance = allowed,            \
        .derivatives = 2, .inputs = {                                                                                  \
            DUET_CASE_FLOATS(low, high, 5, 12)                                                                         \
        }                                                                                                              \
    }
#define MAP2(what, f, low, high, allowed)                                                                              \
    {                                                                                                                  \
        .name = #what, .expression = duet_case_map2, .build2 = duet_##what##_at, .meaning2 = f, .tolerance = allowed,  \
        .derivatives = 2, .inputs = {                                                                                  \
            DUET_CASE_FLOATS(low, high, 5, 8),                                                                         \
            DUET_CASE_FLOATS(low, high, 5, 8)                                                                          \
        }                                                                                                              \
    }
#define WITH(what, f, number, low, high, allowed)                                                                      \
    {                                                                                                                  \
        .name = #what, .expression = map_with, .build_with = duet_##what##_at, .meaning_with = f, .parameter = number, \
        .tolerance = allowed, .derivatives = 2, .inputs = {                                                            \
            DUET_CASE_FLOATS(low, high, 5, 12)                                                                         \
        }                                                                                                              \
    }
static double negate(double x)
{
    return -x;
}

static double reciprocal(double x)
{
    return 1 / x;
}

static double square(double x)
{
    return x * x;
}

static double sign(double x)
{
    return (x > 0) - (x < 0);
}

static const duet_case arithmetic[] = {
    MAP2(add, duet_plus, -2, 2, 1),
    MAP2(subtract, duet_minus, -2, 2, 1),
    MAP2(multiply, duet_times, -2, 2, 1),
    MAP2(divide, duet_over, 0.5, 2, 4),
    MAP2(minimum, fmin, -3, 3, 1),
    MAP2(maximum, fmax, -3, 3, 1),
    MAP2(power, pow, 0.5, 2, 16),
    WITH(scale, duet_times, -1.75, -2, 2, 1),
    WITH(shift, duet_plus, 0.375, -2, 2, 1),
    MAP1(negate, negate, -2, 2, 1),
    MAP1(reciprocal, reciprocal, 0.5, 2, 4),
    MAP1(square, square, -2, 2, 1),
    MAP1(abs, fabs, -2, 2, 1),
    MAP1(sign, sign, -2, 2, 1),
    MAP1(floor, floor, -2, 2, 1),
};
const duet_case_group duet_arithmetic_cases = {"arithmetic", DUET_CASE_ROWS(arithmetic)};

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static const duet_case functions[] = {
    MAP1(exp, exp, -2, 2, 4),    MAP1(log, log, 0.5, 3, 4),        MAP1(log1p, log1p, -0.5, 2, 4),
    MAP1(sqrt, sqrt, 0.5, 3, 4), MAP1(sin, sin, -4, 4, 4),         MAP1(cos, cos, -4, 4, 4),
    MAP1(tanh, tanh, -2, 2, 6),  MAP1(sigmoid, sigmoid, -4, 4, 6), MAP1(softplus, softplus, -4, 4, 6),
    MAP1(erf, erf, -2, 2, 16),
};
const duet_case_group duet_function_cases = {"functions", DUET_CASE_ROWS(functions)};

static double relu(double x)
{
    return fmax(x, 0);
}

static double leaky_relu(double x, double slope)
{
    return x > 0 ? x : slope * x;
}

static double elu(double x, double alpha)
{
    return x > 0 ? x : alpha * expm1(x);
}

static double selu(double x)
{
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717);
}

static double gelu(double x)
{
    return 0.5 * x * erfc(-x * sqrt(0.5));
}

static double swish(double x)
{
    return x * sigmoid(x);
}

static duet_twin_value clamp(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return duet_twin_clamp(t, x[0], -1, 0.4);
}

static const duet_case activations[] = {
    MAP1(relu, relu, -2, 2, 1),
    WITH(leaky_relu, leaky_relu, 0.2, -2, 2, 1),
    WITH(elu, elu, 1.25, -2, 2, 8),
    MAP1(selu, selu, -2, 2, 8),
    MAP1(gelu, gelu, -3, 3, 16),
    MAP1(swish, swish, -4, 4, 8),
    {.name = "clamp",
     .expression = clamp,
     .inputs = {DUET_CASE_FLOATS(-2, 2, 5, 12)},
     .tolerance = 1,
     .derivatives = 2},
};
const duet_case_group duet_activation_cases = {"activations", DUET_CASE_ROWS(activations)};

static double less(double a, double b)
{
    return a < b;
}

static double less_equal(double a, double b)
{
    return a <= b;
}

static double greater(double a, double b)
{
    return a > b;
}

static double greater_equal(double a, double b)
{
    return a >= b;
}

static double equal(double a, double b)
{
    return a == b;
}

static double not_equal(double a, double b)
{
    return a != b;
}

static double is_finite(double x)
{
    return isfinite(x) != 0;
}

static duet_twin_value select_one(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return duet_twin_select(t, x[0], x[1], x[2]);
}

/* A value that depends on a comparison: the gradient passes through the value and stops at the comparison. */
static duet_twin_value gated(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    return duet_twin_multiply(t, duet_case_map2(t, x, row), duet_twin_multiply(t, x[0], x[1]));
}

static const double ordered[] = {-2, -1, -1, 0, 0, 0, 1, 1, 2, 3}, shuffled[] = {-1, -2, -1, 1, 0, -0.0, 1, 2, 3, 2};
static const double oddities[] = {0, -1.5, INFINITY, -INFINITY, NAN, FLT_MAX, -FLT_MAX, FLT_MIN, 1e-30};
static const double booleans[] = {0, 1, 0, 0, 1, 1, 0, 2, -1, 0, 0.5, 1};

#define COMPARE(what)                                                                                                  \
    {                                                                                                                  \
        .name = #what, .expression = duet_case_map2, .build2 = duet_##what##_at, .meaning2 = what, .tolerance = 1,     \
        .inputs = {                                                                                                    \
            {.shape = DUET_CASE_SHAPE(10), .values = ordered},                                                         \
            {.shape = DUET_CASE_SHAPE(10), .values = shuffled}                                                         \
        }                                                                                                              \
    }

static const duet_case comparisons[] = {
    COMPARE(less),
    COMPARE(less_equal),
    COMPARE(greater),
    COMPARE(greater_equal),
    COMPARE(equal),
    COMPARE(not_equal),
    {.name = "product where greater",
     .expression = gated,
     .build2 = duet_greater_at,
     .meaning2 = greater,
     .inputs = {DUET_CASE_FLOATS(-3, 3, 5, 8), DUET_CASE_FLOATS(-3, 3, 5, 8)},
     .tolerance = 2,
     .derivatives = 2},
    {.name = "is_finite",
     .expression = map1,
     .build1 = duet_is_finite_at,
     .meaning1 = is_finite,
     .inputs = {{.shape = DUET_CASE_SHAPE(9), .values = oddities}},
     .tolerance = 1},
    {.name = "select",
     .expression = select_one,
     .inputs = {{.shape = DUET_CASE_SHAPE(3, 4), .values = booleans, .fixed = true},
                DUET_CASE_FLOATS(-1, 1, 3, 4),
                DUET_CASE_FLOATS(-1, 1, 3, 1)},
     .tolerance = 1,
     .derivatives = 2},
};
const duet_case_group duet_comparison_cases = {"comparisons", DUET_CASE_ROWS(comparisons)};

/* Numbers of very small and very large magnitude; every element must be good on its own. */
static const double tiny[] = {1e-30, -1e-30, 1e-12, -1e-12, 1e-8, -1e-8, 1e-5, -1e-5, 1e-3, -1e-3};
static const double wide[] = {-80, -40, -20, -10, -5, 5, 10, 20, 40, 80};
static const double huge[] = {-1e30, -1000, -200, -110, 0, 100, 200, 1000, 1e30, 1};
static const double far[] = {-1000, -200, -110, -60, -5, 5, 60, 110, 200, 1000};

#define EXTREME(title, what, f, numbers, allowed)                                                                      \
    {                                                                                                                  \
        .name = title, .expression = map1, .build1 = duet_##what##_at, .meaning1 = f, .tolerance = allowed,            \
        .relative = true, .inputs = {                                                                                  \
            {.shape = DUET_CASE_SHAPE(10), .values = numbers}                                                          \
        }                                                                                                              \
    }

/* The function and its derivatives where a power of e inside leaves float32's range: nothing may become a NaN. */
#define FAR(title, what, f)                                                                                            \
    {                                                                                                                  \
        .name = title, .expression = map1, .build1 = duet_##what##_at, .meaning1 = f, .tolerance = 8,                  \
        .derivatives = 2, .inputs = {                                                                                  \
            {.shape = DUET_CASE_SHAPE(10), .values = far}                                                              \
        }                                                                                                              \
    }

/* What float32 holds of a number beyond its range. */
static double exp_in_range(double x)
{
    return x > 88.72284 ? INFINITY : x < -104 ? 0 : exp(x);
}

static const duet_case extremes[] = {
    EXTREME("log1p of tiny numbers", log1p, log1p, tiny, 4),
    EXTREME("tanh of tiny numbers", tanh, tanh, tiny, 8),
    EXTREME("sin of tiny numbers", sin, sin, tiny, 4),
    EXTREME("erf of tiny numbers", erf, erf, tiny, 16),
    EXTREME("exp of wide numbers", exp, exp, wide, 4),
    EXTREME("exp of huge numbers", exp, exp_in_range, huge, 4),
    EXTREME("sigmoid of wide numbers", sigmoid, sigmoid, wide, 8),
    EXTREME("softplus of wide numbers", softplus, softplus, wide, 8),
    EXTREME("tanh of huge numbers", tanh, tanh, huge, 6),
    EXTREME("swish of wide numbers", swish, swish, wide, 8),
    EXTREME("abs of huge numbers", abs, fabs, huge, 1),
    FAR("sigmoid far out", sigmoid, sigmoid),
    FAR("softplus far out", softplus, softplus),
    FAR("tanh far out", tanh, tanh),
    FAR("selu far out", selu, selu),
    FAR("gelu far out", gelu, gelu),
    FAR("swish far out", swish, swish),
    {.name = "elu far out",
     .expression = map_with,
     .build_with = duet_elu_at,
     .meaning_with = elu,
     .parameter = 1,
     .inputs = {{.shape = DUET_CASE_SHAPE(10), .values = far}},
     .tolerance = 8,
     .derivatives = 2},
};
const duet_case_group duet_extreme_cases = {"tiny and huge numbers", DUET_CASE_ROWS(extremes)};

/* Integers. */

static double itself(double x)
{
    return x;
}

static double next_uint32(double x)
{
    return x >= 4294967295.0 ? 0 : x + 1;
}

static const double counters[] = {0, 1, 41, 16777216, 2147483647, 2147483648.0, 4294967294.0, 4294967295.0};
static const double exact_integers[] = {0, 1, 255, 65535, 16777215, 16777216, 2147483648.0, 4294967040.0};

static double index_of(double x)
{
    return x > 0 ? fmin(floor(x), 4294967295.0) : 0;
}

static const double near_integers[] = {-1e9, -0.5, 0, 0.99, 1, 2.5, 255, 8388607.5, 16777216, 3e9, 4294967040.0, 1e12};

static const duet_case integers[] = {
    {.name = "to_float of bytes",
     .expression = map1,
     .build1 = duet_to_float_at,
     .meaning1 = itself,
     .inputs = {{.shape = DUET_CASE_SHAPE(7, 5), .high = 255, .type = DUET_UINT8}},
     .tolerance = 1,
     .relative = true},
    {.name = "to_float of uint32",
     .expression = map1,
     .build1 = duet_to_float_at,
     .meaning1 = itself,
     .inputs = {{.shape = DUET_CASE_SHAPE(8), .values = exact_integers, .type = DUET_UINT32}},
     .tolerance = 1,
     .relative = true},
    {.name = "to_index",
     .expression = map1,
     .build1 = duet_to_index_at,
     .meaning1 = index_of,
     .inputs = {{.shape = DUET_CASE_SHAPE(12), .values = near_integers}}},
    {.name = "increment",
     .expression = map1,
     .build1 = duet_increment_at,
     .meaning1 = next_uint32,
     .inputs = {{.shape = DUET_CASE_SHAPE(8), .values = counters, .type = DUET_UINT32}}},
};
const duet_case_group duet_integer_cases = {"integers", DUET_CASE_ROWS(integers)};
