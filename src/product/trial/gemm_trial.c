/* SPDX-License-Identifier: MIT */
/* Trials of matrix products and convolutions: made-up operands, a smaller one of its kind first, a time and a check. */
#include "product/trial/gemm_trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "product/trial/gemm_check.h"

/* A product of this many FLOPs shows in less than a second that a provider is hopeless. */
static const double probe_flops = 64e6;
static const double patiences_a_product = 4;

/* Operands and result, on both sides. */
typedef struct operands {
    const duet_gemm_shape *shape;
    size_t elements[3]; /* of each */
    float *a, *b, *c;
    cl_mem a_buffer, b_buffer, c_buffer, workspace;
    duet_launch_list list;
} operands;

static float *numbers_new(size_t count, uint32_t seed)
{
    float *numbers = malloc(count * sizeof *numbers);
    for (size_t i = 0; numbers != NULL && i < count; i++) numbers[i] = duet_gemm_number(&seed);
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
}

/* The result starts as NaN, so that an element that is never written shows. */
static duet_status make_operands(operands *it, duet_device *device, duet_error *error)
{
    char words[DUET_PRODUCT_WORDS];
    size_t *elements = it->elements;
    if (!duet_gemm_elements(it->shape, elements))
        return duet_fail(error, DUET_ERROR_MEMORY, "the product %s is too large", duet_gemm_words(it->shape, words));
    it->a = numbers_new(elements[0], 1);
    it->b = numbers_new(elements[1], 2);
    it->c = malloc(elements[2] * sizeof *it->c);
    if (it->a == NULL || it->b == NULL || it->c == NULL)
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

static duet_status check_result(operands *it, duet_device *device, double *worst, duet_error *error)
{
    DUET_TRY(duet_buffer_read(device, it->c_buffer, 0, it->c, it->elements[2] * sizeof *it->c, error));
    return duet_gemm_compare(it->shape, it->a, it->b, it->c, worst, error);
}

/* Patience 0 takes a single sample. */
static duet_status try_shape(duet_device *device, const duet_gemm_choice *choice, const duet_gemm_shape *shape,
                             double patience, duet_gemm_trial *trial, duet_error *error)
{
    operands it = {.shape = shape};
    duet_status status = make_operands(&it, device, error);
    if (status == DUET_OK) {
        status = make_launches(&it, device, choice, error);
        trial->refused = status == DUET_ERROR_DEVICE;
    }
    if (status == DUET_OK) status = duet_timing_take(device, &it.list, patience, &trial->timing, error);
    if (status == DUET_OK) status = check_result(&it, device, &trial->error, error);
    if (choice->provider->rounding > 0) trial->error /= choice->provider->rounding;
    operands_free(&it);
    return status;
}

static uint32_t half(uint32_t extent)
{
    return (extent + 1) / 2;
}

/* Halves the images first, which leaves the work for each image as it is; then the channels or features of a group.
 * False if nothing is left to halve. */
static bool halve_convolution(duet_convolution *c)
{
    const uint32_t channels = c->channels / c->groups, features = c->features / c->groups;
    if (c->images > 1)
        c->images = half(c->images);
    else if (channels >= features && channels > 1)
        c->channels = half(channels) * c->groups;
    else if (features > 1)
        c->features = half(features) * c->groups;
    else
        return false;
    return true;
}

static void halve_largest(duet_gemm_shape *shape)
{
    size_t *largest = shape->m >= shape->n && shape->m >= shape->k ? &shape->m
                      : shape->n >= shape->k                       ? &shape->n
                                                                   : &shape->k;
    *largest = (*largest + 1) / 2;
}

/* Halved until it is small. */
static duet_gemm_shape smaller(const duet_gemm_shape *shape)
{
    duet_gemm_shape probe = *shape;
    while (duet_gemm_flops(&probe) > probe_flops) {
        if (probe.convolution.use == DUET_NO_CONVOLUTION) {
            halve_largest(&probe);
        } else if (halve_convolution(&probe.convolution)) {
            probe = duet_gemm_shape_of(&probe.convolution);
        } else {
            return probe;
        }
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
        duet_status status = try_shape(device, choice, &probe, 0, &small, error);
        trial->refused = small.refused;
        DUET_TRY(status);
        trial->estimate = small.timing.least * duet_gemm_flops(shape) / duet_gemm_flops(&probe);
        if (trial->estimate > patiences_a_product * patience) return DUET_OK;
    }
    return try_shape(device, choice, shape, patience, trial, error);
}

/* The public side. */

/* NULL, or why it is no product. */
const char *duet_product_read(const duet_product *product, duet_gemm_shape *shape)
{
    duet_convolution convolution;
    const char *fault = NULL;
    size_t elements[3];
    if (product->convolution.use != DUET_NO_CONVOLUTION) {
        fault = duet_convolution_read(&product->convolution, &convolution);
        if (fault == NULL) *shape = duet_gemm_shape_of(&convolution);
    } else {
        *shape = (duet_gemm_shape){.m = product->m,
                                   .n = product->n,
                                   .k = product->k,
                                   .transpose_a = product->transpose_a,
                                   .transpose_b = product->transpose_b};
        if (shape->m == 0 || shape->n == 0 || shape->k == 0) fault = "it is empty";
    }
    return fault != NULL || duet_gemm_elements(shape, elements) ? fault : "it has too many elements";
}

const char *duet_product_words(const duet_product *product, char text[DUET_PRODUCT_WORDS])
{
    duet_gemm_shape shape;
    const char *fault = duet_product_read(product, &shape);
    if (fault == NULL) return duet_gemm_words(&shape, text);
    snprintf(text, DUET_PRODUCT_WORDS, "no product: %s", fault);
    return text;
}

const char *duet_gemm_name(size_t index)
{
    const duet_gemm_provider *provider = duet_gemm_provider_at(index);
    return provider == NULL ? NULL : provider->name;
}

const char *duet_gemm_summary(size_t index)
{
    const duet_gemm_provider *provider = duet_gemm_provider_at(index);
    return provider == NULL ? NULL : provider->summary;
}

bool duet_gemm_convolves(size_t index)
{
    const duet_gemm_provider *provider = duet_gemm_provider_at(index);
    return provider != NULL && provider->convolves;
}

const char *duet_gemm_chosen(duet_device *device, const duet_product *product)
{
    duet_gemm_shape shape;
    if (duet_product_read(product, &shape) != NULL) return NULL;
    return duet_gemm_choose(device, &shape).provider->name;
}

static duet_status time_choice(duet_device *device, const duet_gemm_choice *choice, const duet_gemm_shape *shape,
                               double patience, duet_product_timing *timing, duet_error *error)
{
    duet_gemm_trial trial;
    DUET_TRY(duet_gemm_try(device, choice, shape, patience, &trial, error));
    if (trial.timing.samples == 0) {
        (void)duet_text_print(timing->skipped, sizeof timing->skipped, "one product would take about %.1f s",
                              trial.estimate);
        return DUET_OK;
    }
    timing->seconds_median = trial.timing.median;
    timing->seconds_least = trial.timing.least;
    timing->gflops = 1e-9 * duet_gemm_flops(shape) / trial.timing.median;
    timing->error = trial.error;
    return DUET_OK;
}

duet_status duet_product_time(duet_device *device, const char *provider, const duet_product *product, double patience,
                              duet_product_timing *timing, duet_error *error)
{
    *timing = (duet_product_timing){NAN, NAN, NAN, NAN, ""};
    const duet_gemm_provider *found = duet_gemm_provider_find(provider);
    duet_gemm_shape shape;
    if (found == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "there is no GEMM provider \"%.64s\" to time", provider);
    const char *fault = duet_product_read(product, &shape);
    if (fault != NULL) return duet_fail(error, DUET_ERROR_USAGE, "a product cannot be timed: %s", fault);
    if (!duet_gemm_fits(found, device, &shape)) {
        snprintf(timing->skipped, sizeof timing->skipped, "it does not fit this device or shape");
        return DUET_OK;
    }
    duet_gemm_choice choice = duet_gemm_choose(device, &shape);
    if (choice.provider != found) choice = (duet_gemm_choice){found, found->preset(device, &shape)};
    return time_choice(device, &choice, &shape, patience, timing, error);
}
