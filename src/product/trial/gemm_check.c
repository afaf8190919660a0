/* SPDX-License-Identifier: MIT */
/* A result is checked whole by products with a vector (Freivalds 1977): C = A B only if C u = A (B u) for a random u. A
 * convolution is a product in each of its groups: times u, each group keeps one column, which is computed by the loops
 * that define the convolution. */
#include "product/trial/gemm_check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "device/device.h"

/* xorshift (Marsaglia 2003), good enough to multiply. */
float duet_gemm_number(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return (float)((double)*state / 2147483648.0 - 1.0);
}

/* u, B u, C u and A (B u). */
typedef struct sums {
    double *u, *b, *c, *product; /* u has `columns` numbers, the others one for each row and group */
    size_t b_count, c_count;
    size_t columns, groups;
} sums;

static void sums_free(sums *it)
{
    free(it->u);
    free(it->b);
    free(it->c);
    free(it->product);
}

static duet_status sums_new(sums *it, const duet_gemm_shape *shape, duet_error *error)
{
    const duet_convolution *v = &shape->convolution;
    const bool plain = v->use == DUET_NO_CONVOLUTION;
    size_t elements[3];
    uint32_t seed = 3;
    (void)duet_gemm_elements(shape, elements); /* cannot fail: the caller has filled them */
    it->columns = shape->n;
    it->groups = plain ? 1 : v->groups;
    it->c_count = elements[2] / (shape->n / it->groups);
    if (v->use == DUET_CONVOLUTION_FORWARD || v->use == DUET_CONVOLUTION_WEIGHTS)
        it->b_count = elements[1] / (v->features / it->groups);
    else if (v->use == DUET_CONVOLUTION_DATA)
        it->b_count = elements[1] / (v->channels / it->groups);
    else
        it->b_count = shape->k;
    it->u = malloc(it->columns * sizeof *it->u);
    it->b = calloc(it->b_count, sizeof *it->b);
    it->c = calloc(it->c_count, sizeof *it->c);
    it->product = calloc(it->c_count, sizeof *it->product);
    if (it->u == NULL || it->b == NULL || it->c == NULL || it->product == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory to check a product");
    for (size_t j = 0; j < it->columns; j++) {
        const double number = duet_gemm_number(&seed);
        it->u[j] = number + (number < 0 ? -0.5 : 0.5); /* none near 0, or an element of C would go unseen */
    }
    return DUET_OK;
}

/* sum[row][group] = matrix[row] u over the group's columns. */
static void contract(const sums *it, const float *matrix, size_t rows, double *sum)
{
    const size_t columns = it->columns / it->groups;
    for (size_t i = 0; i < rows * it->groups; i++)
        for (size_t j = 0; j < columns; j++) sum[i] += *matrix++ * it->u[i % it->groups * columns + j];
}

/* Plain products. y += op(M) x, op(M) being rows x columns. */
static void multiply(const float *matrix, bool transposed, size_t rows, size_t columns, const double *x, double *y)
{
    for (size_t i = 0; i < (transposed ? columns : rows); i++)
        for (size_t j = 0; j < (transposed ? rows : columns); j++) {
            if (transposed)
                y[j] += *matrix++ * x[i];
            else
                y[i] += *matrix++ * x[j];
        }
}

/* Convolutions. The columns of the data gradient are channels, so w is summed over the channels of each group. */
static void contract_channels(const sums *it, const duet_convolution *v, const float *w, double *sum)
{
    const size_t taps = (size_t)v->kernel[0] * v->kernel[1], channels = v->channels / v->groups;
    for (size_t tap = 0; tap < taps; tap++)
        for (size_t channel = 0; channel < channels; channel++)
            for (size_t f = 0; f < v->features; f++)
                sum[tap * v->features + f] += *w++ * it->u[f / (v->features / v->groups) * channels + channel];
}

/* Adds what one pixel and one result contribute, by the tap that joins them. */
static void add_pair(const sums *it, const duet_convolution *v, const float *a, size_t pixel, size_t result, size_t tap)
{
    const size_t groups = v->groups, channels = v->channels / groups, features = v->features / groups;
    for (size_t g = 0; g < groups; g++) {
        const float *x = a + pixel * v->channels + g * channels, *y = a + result * v->features + g * features;
        double *product = it->product;
        if (v->use == DUET_CONVOLUTION_FORWARD)
            for (size_t i = 0; i < channels; i++)
                product[result * groups + g] += x[i] * it->b[(tap * channels + i) * groups + g];
        else if (v->use == DUET_CONVOLUTION_DATA)
            for (size_t i = 0; i < features; i++)
                product[pixel * groups + g] += y[i] * it->b[tap * v->features + g * features + i];
        else
            for (size_t i = 0; i < channels; i++)
                product[(tap * channels + i) * groups + g] += x[i] * it->b[result * groups + g];
    }
}

static void convolve(const sums *it, const duet_convolution *v, const float *a)
{
    const size_t results = (size_t)v->result[0] * v->result[1], taps = (size_t)v->kernel[0] * v->kernel[1];
    for (size_t i = 0; i < v->images * results; i++)
        for (size_t tap = 0; tap < taps; tap++) {
            const size_t h = i / v->result[1] % v->result[0] * v->stride[0] + tap / v->kernel[1] * v->dilation[0];
            const size_t w = i % v->result[1] * v->stride[1] + tap % v->kernel[1] * v->dilation[1];
            if (h < v->pad[0] || h - v->pad[0] >= v->picture[0]) continue;
            if (w < v->pad[1] || w - v->pad[1] >= v->picture[1]) continue;
            const size_t pixel = (i / results * v->picture[0] + h - v->pad[0]) * v->picture[1] + w - v->pad[1];
            add_pair(it, v, a, pixel, i, tap);
        }
}

/* Rounding: each element of C adds k products below 1, and an addition is off by at most half a unit of a sum that
 * grows as sqrt(k); u adds the elements of a group, whose errors are independent. */
static double largest_difference(const sums *it, size_t k)
{
    const size_t columns = it->columns / it->groups;
    double worst = 0;
    for (size_t g = 0; g < it->groups; g++) {
        double length = 0;
        for (size_t j = 0; j < columns; j++) length += it->u[g * columns + j] * it->u[g * columns + j];
        const double allowed = FLT_EPSILON * (double)(k + 8) * sqrt(length);
        for (size_t i = g; i < it->c_count; i += it->groups) {
            const double difference = fabs(it->c[i] - it->product[i]) / allowed;
            if (!(difference <= worst)) worst = isnan(difference) ? INFINITY : difference;
        }
    }
    return worst;
}

duet_status duet_gemm_compare(const duet_gemm_shape *shape, const float *a, const float *b, const float *c,
                              double *worst, duet_error *error)
{
    const duet_convolution *convolution = &shape->convolution;
    sums it = {0};
    duet_status status = sums_new(&it, shape, error);
    if (status == DUET_OK) {
        contract(&it, c, it.c_count / it.groups, it.c);
        if (convolution->use == DUET_NO_CONVOLUTION) {
            multiply(b, shape->transpose_b, shape->k, shape->n, it.u, it.b);
            multiply(a, shape->transpose_a, shape->m, shape->k, it.b, it.product);
        } else {
            if (convolution->use == DUET_CONVOLUTION_DATA)
                contract_channels(&it, convolution, b, it.b);
            else
                contract(&it, b, it.b_count / it.groups, it.b);
            convolve(&it, convolution, a);
        }
        *worst = largest_difference(&it, shape->k);
    }
    sums_free(&it);
    return status;
}
