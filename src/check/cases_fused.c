/* SPDX-License-Identifier: MIT */
/* Chains that mix ops, as models do: what fusion, views and shared values can get wrong shows here and not in the rows
 * of single ops. */
#include <math.h>

#include "check/cases.h"

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double identity(double x)
{
    return x;
}

static double square(double x)
{
    return x * x;
}

static duet_twin_value softplus_of(duet_twin *t, duet_twin_value x)
{
    return duet_twin_map1(t, duet_softplus_at, softplus, x);
}

static duet_twin_value square_of(duet_twin *t, duet_twin_value x)
{
    return duet_twin_map1(t, duet_square_at, square, x);
}

static duet_twin_value scale(duet_twin *t, duet_twin_value x, double factor)
{
    return duet_twin_map_with(t, duet_scale_at, duet_times, x, factor);
}

static duet_twin_value mean(duet_twin *t, duet_twin_value x, unsigned axes, bool keep)
{
    return duet_twin_reduce(t, duet_mean_at, duet_plain_mean, x, axes, keep);
}

/* Layers and losses. */

static duet_twin_value dense(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return duet_twin_tanh(t, duet_twin_add(t, duet_twin_matmul(t, x[0], x[1], false, true), x[2]));
}

static duet_twin_value perceptron(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value hidden = duet_twin_tanh(t, duet_twin_matmul(t, x[0], x[1], false, true));
    return softplus_of(t, duet_twin_matmul(t, hidden, x[2], false, true));
}

static duet_twin_value softmax(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value total = duet_twin_reduce(t, duet_logsumexp_at, duet_plain_logsumexp, x[0], DUET_AXIS(1), true);
    return duet_twin_exp(t, duet_twin_subtract(t, x[0], total));
}

static duet_twin_value normalise(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value centred = duet_twin_subtract(t, x[0], mean(t, x[0], DUET_AXIS(0), true));
    duet_twin_value variance = mean(t, square_of(t, centred), DUET_AXIS(0), true);
    duet_twin_value spread =
        duet_twin_map1(t, duet_sqrt_at, sqrt, duet_twin_map_with(t, duet_shift_at, duet_plus, variance, 1e-3));
    duet_twin_value unit = duet_twin_map2(t, duet_divide_at, duet_over, centred, spread);
    return duet_twin_add(t, duet_twin_multiply(t, unit, x[1]), x[2]);
}

static duet_twin_value bernoulli(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value each = duet_twin_subtract(t, softplus_of(t, x[0]), duet_twin_multiply(t, x[0], x[1]));
    return mean(t, duet_twin_sum(t, each, DUET_AXIS(1), false), DUET_ALL_AXES, false);
}

static duet_twin_value gaussian_divergence(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value squares = duet_twin_add(t, duet_twin_exp(t, x[1]), square_of(t, x[0]));
    duet_twin_value each = duet_twin_subtract(t, duet_twin_subtract(t, squares, duet_twin_constant(t, 1)), x[1]);
    return scale(t, duet_twin_sum(t, each, DUET_AXIS(1), false), 0.5);
}

static duet_twin_value sample_gaussian(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    return duet_twin_add(t, x[0], duet_twin_multiply(t, duet_twin_exp(t, scale(t, x[1], 0.5)), x[2]));
}

/* (|x| - 1)^2 for each row, as in a gradient penalty */
static duet_twin_value norm_penalty(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value products = duet_twin_matmul(t, x[0], x[1], false, false);
    duet_twin_value squares = duet_twin_sum(t, square_of(t, products), DUET_AXIS(1), false);
    duet_twin_value norm = duet_twin_map1(t, duet_sqrt_at, sqrt, squares);
    return square_of(t, duet_twin_subtract(t, norm, duet_twin_constant(t, 1)));
}

/* Views through views. */

static duet_twin_value views(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value part = duet_twin_slice(t, x[0], 1, 1, 3);                              /* [4,3,6] */
    duet_twin_value turned = duet_twin_permute(t, part, (const size_t[]){2, 0, 1});        /* [6,4,3] */
    duet_twin_value flat = duet_twin_reshape(t, turned, DUET_SHAPE(8, 9));                 /* across the turn */
    duet_twin_value padded = duet_twin_pad(t, duet_twin_slice(t, flat, 0, 2, 5), 1, 2, 1); /* [5,12] */
    return duet_twin_exp(t, duet_twin_multiply(t, padded, duet_twin_reshape(t, x[1], DUET_SHAPE(5, 1))));
}

static duet_twin_value slices_of_computed(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value y = duet_twin_tanh(t, x[0]);
    duet_twin_value left = duet_twin_slice(t, y, 1, 0, 4), right = duet_twin_slice(t, y, 1, 3, 4);
    return duet_twin_multiply(t, left, duet_twin_exp(t, right)); /* they overlap by one column */
}

static duet_twin_value reduce_of_broadcast(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value part = duet_twin_slice(t, square_of(t, x[0]), 0, 1, 1); /* [1,5] */
    duet_twin_value wide = duet_twin_broadcast(t, part, DUET_SHAPE(4, 5));
    return duet_twin_sum(t, duet_twin_multiply(t, wide, x[1]), DUET_AXIS(1), false);
}

static duet_twin_value concat_into_matmul(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value joined = duet_twin_concat(t, (const duet_twin_value[]){duet_twin_exp(t, x[0]), x[1]}, 2, 1);
    return duet_twin_matmul(t, joined, x[2], false, true);
}

static duet_twin_value views_into_matmul(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value a = duet_twin_transpose(t, duet_twin_slice(t, x[0], 1, 2, 4)); /* [4,5] */
    duet_twin_value b = duet_twin_reshape(t, x[1], DUET_SHAPE(5, 6));
    duet_twin_value product = duet_twin_matmul(t, a, b, false, false);
    return duet_twin_tanh(t, duet_twin_slice(t, duet_twin_transpose(t, product), 0, 1, 4));
}

static duet_twin_value pixels_into_matmul(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value bytes = duet_twin_gather(t, x[0], x[1]);
    duet_twin_value pixels = scale(t, duet_twin_map1(t, duet_to_float_at, identity, bytes), 1.0 / 255);
    return duet_twin_matmul(t, pixels, x[2], false, false);
}

/* Values with several consumers. */

static duet_twin_value shared(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value y = duet_twin_exp(t, x[0]), total = duet_twin_sum(t, y, DUET_AXIS(1), true);
    duet_twin_value z = duet_twin_add(t, duet_twin_multiply(t, y, total), duet_twin_tanh(t, y));
    return duet_twin_concat(t, (const duet_twin_value[]){y, z, duet_twin_multiply(t, z, y)}, 3, 1);
}

static duet_twin_value shared_by_matmuls(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value h = duet_twin_tanh(t, duet_twin_matmul(t, x[0], x[1], false, false)); /* [4,4] */
    duet_twin_value twice = duet_twin_matmul(t, h, h, true, false);
    return duet_twin_add(t, duet_twin_matmul(t, twice, h, false, true), h);
}

static duet_twin_value share_of_total(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value y = square_of(t, x[0]);
    return duet_twin_map2(t, duet_divide_at, duet_over, y, duet_twin_sum(t, y, DUET_ALL_AXES, false));
}

static duet_twin_value reduce_of_reduce(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value rows = duet_twin_reduce(t, duet_logsumexp_at, duet_plain_logsumexp, x[0], DUET_AXIS(2), false);
    duet_twin_value largest = duet_twin_reduce(t, duet_max_at, duet_plain_max, rows, DUET_AXIS(1), false);
    return duet_twin_multiply(t, mean(t, rows, DUET_AXIS(1), false), largest);
}

static duet_twin_value long_chain(duet_twin *t, const duet_twin_value *x, const duet_case *row)
{
    (void)row;
    duet_twin_value y = x[0];
    for (int i = 0; i < 12; i++) y = duet_twin_tanh(t, duet_twin_add(t, duet_twin_multiply(t, y, x[1]), x[2]));
    return y;
}

#define CHAIN(title, form, terms, allowed, ...)                                                                        \
    {                                                                                                                  \
        .name = title, .expression = form, .length = terms, .tolerance = allowed, .derivatives = 2, .inputs = {        \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define BETWEEN DUET_CASE_FLOATS

static const double picked[] = {2, 0, 1, 2, 5};

static const duet_case chains[] = {
    CHAIN("dense layer", dense, 7, 4, BETWEEN(-1, 1, 5, 7), BETWEEN(-1, 1, 6, 7), BETWEEN(-1, 1, 6)),
    CHAIN("perceptron", perceptron, 8, 8, BETWEEN(-1, 1, 5, 7), BETWEEN(-1, 1, 8, 7), BETWEEN(-1, 1, 3, 8)),
    CHAIN("softmax", softmax, 6, 8, BETWEEN(-2, 2, 4, 6)),
    CHAIN("normalisation", normalise, 8, 8, BETWEEN(-2, 2, 8, 3), BETWEEN(0.5, 1.5, 3), BETWEEN(-1, 1, 3)),
    CHAIN("Bernoulli likelihood", bernoulli, 30, 2, BETWEEN(-3, 3, 5, 6), BETWEEN(0, 1, 5, 6)),
    CHAIN("Gaussian divergence", gaussian_divergence, 6, 4, BETWEEN(-1, 1, 4, 6), BETWEEN(-2, 1, 4, 6)),
    CHAIN("Gaussian sample", sample_gaussian, 2, 4, BETWEEN(-1, 1, 4, 6), BETWEEN(-2, 1, 4, 6), BETWEEN(-2, 2, 4, 6)),
    CHAIN("norm penalty", norm_penalty, 7, 8, BETWEEN(-1, 1, 4, 7), BETWEEN(-1, 1, 7, 5)),
    CHAIN("views through views", views, 4, 4, BETWEEN(-1, 1, 4, 5, 6), BETWEEN(-1, 1, 5)),
    CHAIN("overlapping slices", slices_of_computed, 2, 8, BETWEEN(-1, 1, 3, 7)),
    CHAIN("sum of a stretched slice", reduce_of_broadcast, 5, 2, BETWEEN(-1, 1, 3, 5), BETWEEN(-1, 1, 4, 5)),
    CHAIN("concat into a product", concat_into_matmul, 7, 4, BETWEEN(-1, 1, 5, 4), BETWEEN(-1, 1, 5, 3),
          BETWEEN(-1, 1, 2, 7)),
    CHAIN("views into a product", views_into_matmul, 5, 8, BETWEEN(-1, 1, 5, 7), BETWEEN(-1, 1, 3, 10)),
    CHAIN("pixels into a product", pixels_into_matmul, 9, 2,
          {.shape = DUET_CASE_SHAPE(3, 9), .high = 255, .type = DUET_UINT8},
          {.shape = DUET_CASE_SHAPE(5), .values = picked, .type = DUET_UINT32}, BETWEEN(-1, 1, 9, 4)),
    CHAIN("a value used three times", shared, 5, 8, BETWEEN(-1, 1, 3, 5)),
    CHAIN("a value in three products", shared_by_matmuls, 8, 8, BETWEEN(-1, 1, 4, 6), BETWEEN(-1, 1, 6, 4)),
    CHAIN("share of a total", share_of_total, 1003, 0.1, BETWEEN(0.5, 1.5, 1003)),
    CHAIN("reduction of a reduction", reduce_of_reduce, 8, 8, BETWEEN(-1, 1, 3, 4, 5)),
    CHAIN("long chain", long_chain, 12, 4, BETWEEN(-1, 1, 6, 4), BETWEEN(0.5, 1, 4), BETWEEN(-0.5, 0.5, 6, 1)),
};
const duet_case_group duet_fused_cases = {"fused chains", DUET_CASE_ROWS(chains)};
