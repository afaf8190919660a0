/* SPDX-License-Identifier: MIT */
/* The record hangs on the device, which frees it by the function that came with it. */
#include "product/products.h"

#include <stdlib.h>

#include <clblast_c.h>

static void free_products(void *record)
{
    duet_products *products = record;
    if (products->clblast_used) (void)CLBlastClearCache();
    duet_tuning_clear(&products->tuning);
    free(products->shapes);
    free(products);
}

const duet_products *duet_products_seen(const duet_device *device)
{
    static const duet_products none;
    const duet_products *products = duet_device_kept(device);
    return products != NULL ? products : &none;
}

duet_products *duet_products_of(duet_device *device)
{
    duet_products *products = duet_device_kept(device);
    if (products != NULL) return products;
    products = calloc(1, sizeof *products);
    if (products != NULL) duet_device_keep(device, products, free_products);
    return products;
}
