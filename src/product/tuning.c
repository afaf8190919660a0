/* SPDX-License-Identifier: MIT */
/* The table of measured choices. A few dozen rows: searched from end to end. */
#include "product/products.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static size_t bucket_of(size_t extent)
{
    size_t power = 1;
    while (power < extent && power <= SIZE_MAX / 4) power *= 2;
    const size_t between = power / 4 * 3;
    return between >= extent ? between : power;
}

duet_gemm_shape duet_gemm_bucket(const duet_gemm_shape *shape)
{
    if (shape->convolution.use != DUET_NO_CONVOLUTION) return *shape;
    return (duet_gemm_shape){.m = bucket_of(shape->m),
                             .n = bucket_of(shape->n),
                             .k = bucket_of(shape->k),
                             .transpose_a = shape->transpose_a,
                             .transpose_b = shape->transpose_b};
}

bool duet_gemm_same_shape(const duet_gemm_shape *a, const duet_gemm_shape *b)
{
    return a->m == b->m && a->n == b->n && a->k == b->k && a->transpose_a == b->transpose_a &&
           a->transpose_b == b->transpose_b && memcmp(&a->convolution, &b->convolution, sizeof a->convolution) == 0;
}

bool duet_gemm_same_choice(const duet_gemm_choice *a, const duet_gemm_choice *b)
{
    return a->provider == b->provider && memcmp(&a->parameters, &b->parameters, sizeof a->parameters) == 0;
}

bool duet_gemm_offers(const duet_device *device, const duet_gemm_shape *shape, const duet_gemm_choice *choice)
{
    const duet_gemm_provider *provider = choice->provider;
    duet_gemm_choice offered = {provider, provider->preset(device, shape)};
    bool same = duet_gemm_same_choice(&offered, choice);
    for (size_t i = 0;
         !same && provider->candidate != NULL && provider->candidate(device, shape, i, &offered.parameters); i++)
        same = duet_gemm_same_choice(&offered, choice);
    return same;
}

duet_status duet_tuning_add_product(duet_tuning *tuning, const duet_tuned_product *product, duet_error *error)
{
    if (!duet_array_grow(&tuning->products, tuning->product_count, &tuning->product_capacity, sizeof *tuning->products))
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory for a tuning table");
    tuning->products[tuning->product_count++] = *product;
    return DUET_OK;
}

duet_status duet_tuning_add_unfit(duet_tuning *tuning, const duet_unfit *unfit, duet_error *error)
{
    if (!duet_array_grow(&tuning->unfit, tuning->unfit_count, &tuning->unfit_capacity, sizeof *tuning->unfit))
        return duet_fail(error, DUET_ERROR_MEMORY, "no memory for a tuning table");
    tuning->unfit[tuning->unfit_count++] = *unfit;
    return DUET_OK;
}

const duet_tuned_product *duet_tuning_find(const duet_tuning *tuning, const duet_gemm_shape *shape)
{
    const duet_gemm_shape bucket = duet_gemm_bucket(shape);
    for (size_t i = 0; i < tuning->product_count; i++) {
        const duet_gemm_shape other = duet_gemm_bucket(&tuning->products[i].shape);
        if (duet_gemm_same_shape(&bucket, &other)) return &tuning->products[i];
    }
    return NULL;
}

bool duet_tuning_is_unfit(const duet_tuning *tuning, const duet_gemm_choice *choice)
{
    bool unfit = false;
    for (size_t i = 0; !unfit && i < tuning->unfit_count; i++) {
        const duet_unfit *row = &tuning->unfit[i];
        unfit = row->whole ? row->choice.provider == choice->provider : duet_gemm_same_choice(&row->choice, choice);
    }
    return unfit;
}

void duet_tuning_clear(duet_tuning *tuning)
{
    free(tuning->products);
    free(tuning->unfit);
    *tuning = (duet_tuning){0};
}

duet_status duet_device_set_tuning(duet_device *device, duet_tuning *tuning, duet_error *error)
{
    duet_products *products = duet_products_of(device);
    if (products == NULL) {
        duet_tuning_clear(tuning);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a device's tuning");
    }
    duet_tuning_clear(&products->tuning);
    products->tuning = *tuning;
    *tuning = (duet_tuning){0};
    for (size_t i = 0; i < DUET_CLBLAST_KERNELS; i++)
        if (products->tuning.clblast_sets[i] != 0)
            DUET_TRY(duet_clblast_override(device, i, products->tuning.clblast_sets[i] - 1, error));
    return DUET_OK;
}

const duet_tuning *duet_device_tuning(const duet_device *device)
{
    return &duet_products_seen(device)->tuning;
}

const duet_gemm_shape *duet_device_product_at(const duet_device *device, size_t index)
{
    const duet_products *products = duet_products_seen(device);
    return index < products->shape_count ? &products->shapes[index] : NULL;
}

void duet_device_note_product(duet_device *device, const duet_gemm_shape *shape)
{
    duet_products *products = duet_products_of(device);
    if (products == NULL) return;
    for (size_t i = 0; i < products->shape_count; i++)
        if (duet_gemm_same_shape(&products->shapes[i], shape)) return;
    if (duet_array_grow(&products->shapes, products->shape_count, &products->shape_capacity, sizeof *products->shapes))
        products->shapes[products->shape_count++] = *shape;
}
