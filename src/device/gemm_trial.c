/* Trials of matrix products. A result is checked whole in three matrix-vector products (Freivalds 1977): C = A B only
 * if C u = A (B u) for a random u, and the right side is plain arithmetic in double on the host. */
#include "device/gemm_trial.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "device/record.h"
#include "duet/bench.h"

/* Where a provider is hopeless, a product of this many FLOPs tells so in less than a second. */
static const double probe_flops = 64e6;
static const double patiences_a_product = 4;

/* Operands and result, on both sides. */
typedef struct operands {
    const duet_gemm_shape *shape;
    float *a, *b, *c;
    double *u, *bu, *abu; /* [n], [k], [m] */
    cl_mem a_buffer, b_buffer, c_buffer, workspace;
    duet_launch_list list;
} operands;

/* A fixed sequence in [-1, 1]: xorshift (Marsaglia 2003), good enough to multiply. */
static float next_number(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return (float)((double)*state / 2147483648.0 - 1.0);
}

static float *numbers_new(size_t count, uint32_t seed)
{
    float *numbers = malloc(count * sizeof *numbers);
    for (size_t i = 0; numbers != NULL && i < count; i++) numbers[i] = next_number(&seed);
    return numbers;
}

static void operands_free(operands *it)
{
    duet_launch_list_clear(&it->list);
    duet_buffer_free(&it->a_buffer);
    duet_buffer_free(&it->b_buffer);
    duet_buffer_free(&it->c_buffer);
    duet_buffer_free(&it->workspace);
    free(it->a);
    free(it->b);
    free(it->c);
    free(it->u);
    free(it->bu);
    free(it->abu);
}

/* The result starts as NaN, so that an element that is never written shows. */
static duet_status make_operands(operands *it, duet_device *device, duet_error *error)
{
    size_t elements[3];
    const duet_gemm_shape *shape = it->shape;
    if (!duet_gemm_elements(shape, elements))
        return duet_fail(error, DUET_ERROR_MEMORY, "a product of %zu x %zu by %zu x %zu is too large", shape->m,
                         shape->k, shape->k, shape->n);
    it->a = numbers_new(elements[0], 1);
    it->b = numbers_new(elements[1], 2);
    it->c = malloc(elements[2] * sizeof *it->c);
    it->u = malloc(shape->n * sizeof *it->u);
    it->bu = malloc(shape->k * sizeof *it->bu);
    it->abu = malloc(shape->m * sizeof *it->abu);
    if (it->a == NULL || it->b == NULL || it->c == NULL || it->u == NULL || it->bu == NULL || it->abu == NULL)
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory for the operands of a product");
    for (size_t i = 0; i < elements[2]; i++) it->c[i] = NAN;
    const struct {
        cl_mem *buffer;
        const float *values;
    } rows[] = {{&it->a_buffer, it->a}, {&it->b_buffer, it->b}, {&it->c_buffer, it->c}};
    for (size_t i = 0; i < 3; i++) {
        const size_t bytes = elements[i] * sizeof(float);
        DUET_TRY(duet_buffer_new(device, bytes, false, rows[i].buffer, error));
        DUET_TRY(duet_buffer_write(device, *rows[i].buffer, 0, rows[i].values, bytes, error));
    }
    return DUET_OK;
}

static duet_status make_launches(operands *it, duet_device *device, const duet_gemm_choice *choice, duet_error *error)
{
    const size_t bytes = choice->provider->workspace(device, it->shape, &choice->parameters);
    if (bytes > 0) DUET_TRY(duet_buffer_new(device, bytes, false, &it->workspace, error));
    const duet_gemm_product product = {.shape = *it->shape,
                                       .parameters = choice->parameters,
                                       .a = {it->a_buffer, 0},
                                       .b = {it->b_buffer, 0},
                                       .c = {it->c_buffer, 0},
                                       .workspace = {it->workspace, 0}};
    return choice->provider->lower(device, &product, &it->list, NULL, error);
}

/* y = op(M) x, op(M) being rows x columns. */
static void multiply(const float *matrix, bool transposed, size_t rows, size_t columns, const double *x, double *y)
{
    for (size_t i = 0; i < rows; i++) y[i] = 0;
    for (size_t i = 0; i < (transposed ? columns : rows); i++)
        for (size_t j = 0; j < (transposed ? rows : columns); j++) {
            if (transposed)
                y[j] += *matrix++ * x[i];
            else
                y[i] += *matrix++ * x[j];
        }
}

/* Rounding: each element of C adds k products below 1, and an addition is off by at most half a unit of a sum that
 * grows as sqrt(k); u adds n such elements, whose errors are independent. */
static duet_status check_result(operands *it, duet_device *device, double *worst, duet_error *error)
{
    const duet_gemm_shape *shape = it->shape;
    uint32_t seed = 3;
    double length = 0;
    DUET_TRY(duet_buffer_read(device, it->c_buffer, 0, it->c, shape->m * shape->n * sizeof *it->c, error));
    for (size_t j = 0; j < shape->n; j++) {
        const double number = next_number(&seed);
        it->u[j] = number + (number < 0 ? -0.5 : 0.5); /* none near 0, or an element of C would go unseen */
        length += it->u[j] * it->u[j];
    }
    multiply(it->b, shape->transpose_b, shape->k, shape->n, it->u, it->bu);
    multiply(it->a, shape->transpose_a, shape->m, shape->k, it->bu, it->abu);
    const double allowed = FLT_EPSILON * (double)(shape->k + 8) * sqrt(length);
    *worst = 0;
    for (size_t i = 0; i < shape->m; i++) {
        double sum = 0;
        for (size_t j = 0; j < shape->n; j++) sum += it->c[i * shape->n + j] * it->u[j];
        const double difference = fabs(sum - it->abu[i]) / allowed;
        if (!(difference <= *worst)) *worst = isnan(difference) ? INFINITY : difference;
    }
    return DUET_OK;
}

/* Patience 0 takes a single sample. */
static duet_status try_shape(duet_device *device, const duet_gemm_choice *choice, const duet_gemm_shape *shape,
                             double patience, duet_gemm_trial *trial, duet_error *error)
{
    operands it = {.shape = shape};
    duet_status status = make_operands(&it, device, error);
    if (status == DUET_OK) status = make_launches(&it, device, choice, error);
    if (status == DUET_OK) status = duet_timing_take(device, &it.list, patience, &trial->timing, error);
    if (status == DUET_OK) status = check_result(&it, device, &trial->error, error);
    operands_free(&it);
    return status;
}

/* The largest extent halved until the product is small. */
static duet_gemm_shape smaller(const duet_gemm_shape *shape)
{
    duet_gemm_shape probe = *shape;
    while (duet_gemm_flops(&probe) > probe_flops) {
        size_t *largest = probe.m >= probe.n && probe.m >= probe.k ? &probe.m
                          : probe.n >= probe.k                     ? &probe.n
                                                                   : &probe.k;
        *largest = (*largest + 1) / 2;
    }
    return probe;
}

duet_status duet_gemm_try(duet_device *device, const duet_gemm_choice *choice, const duet_gemm_shape *shape,
                          double patience, duet_gemm_trial *trial, duet_error *error)
{
    *trial = (duet_gemm_trial){.error = NAN};
    const duet_gemm_shape probe = smaller(shape);
    if (duet_gemm_flops(&probe) < duet_gemm_flops(shape)) {
        duet_gemm_trial small = {0};
        DUET_TRY(try_shape(device, choice, &probe, 0, &small, error));
        trial->estimate = small.timing.least * duet_gemm_flops(shape) / duet_gemm_flops(&probe);
        if (trial->estimate > patiences_a_product * patience) return DUET_OK;
    }
    return try_shape(device, choice, shape, patience, trial, error);
}

/* The public side. */

static duet_gemm_shape shape_of(const duet_product *product)
{
    return (duet_gemm_shape){.m = product->m,
                             .n = product->n,
                             .k = product->k,
                             .transpose_a = product->transpose_a,
                             .transpose_b = product->transpose_b};
}

const char *duet_gemm_name(size_t index)
{
    const duet_gemm_provider *provider = duet_gemm_provider_at(index);
    return provider == NULL ? NULL : provider->name;
}

const char *duet_gemm_chosen(duet_device *device, const duet_product *product)
{
    const duet_gemm_shape shape = shape_of(product);
    return duet_gemm_choose(device, &shape).provider->name;
}

duet_status duet_product_time(duet_device *device, const char *provider, const duet_product *product, double patience,
                              duet_product_timing *timing, duet_error *error)
{
    *timing = (duet_product_timing){NAN, NAN, NAN, NAN, ""};
    const duet_gemm_provider *found = duet_gemm_provider_find(provider);
    const duet_gemm_shape shape = shape_of(product);
    if (found == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "there is no GEMM provider \"%.64s\" to time", provider);
    if (shape.m == 0 || shape.n == 0 || shape.k == 0)
        return duet_fail(error, DUET_ERROR_USAGE, "a product of extents %zu, %zu, %zu is empty", shape.m, shape.n,
                         shape.k);
    if (!duet_gemm_fits(found, device, &shape)) {
        snprintf(timing->skipped, sizeof timing->skipped, "it does not fit this device or shape");
        return DUET_OK;
    }
    duet_gemm_choice choice = duet_gemm_choose(device, &shape);
    if (choice.provider != found) choice = (duet_gemm_choice){found, found->preset(device, &shape)};
    duet_gemm_trial trial;
    DUET_TRY(duet_gemm_try(device, &choice, &shape, patience, &trial, error));
    if (trial.timing.samples == 0) {
        snprintf(timing->skipped, sizeof timing->skipped, "one product would take about %.1f s", trial.estimate);
        return DUET_OK;
    }
    timing->seconds_median = trial.timing.median;
    timing->seconds_least = trial.timing.least;
    timing->gflops = 1e-9 * duet_gemm_flops(&shape) / trial.timing.median;
    timing->error = trial.error;
    return DUET_OK;
}
