/* SPDX-License-Identifier: MIT */
/* What the layer keeps with each open device: what was asked of it, measured of it and chosen for it. */
#ifndef DUET_SRC_PRODUCT_PRODUCTS_H
#define DUET_SRC_PRODUCT_PRODUCTS_H

#include "product/tuning.h"

typedef struct duet_products {
    const duet_gemm_provider *asked; /**< by duet_device_set_gemm; NULL: the preset */
    duet_tuning tuning;
    duet_gemm_shape *shapes; /**< the products of all plans, each once */
    size_t shape_count, shape_capacity;
    bool unfit_said;
    bool clblast_used; /**< CLBlast keeps programs of this context; they must go before it does */
} duet_products;

/** The device's record; all zero if nothing was kept yet. */
const duet_products *duet_products_seen(const duet_device *device);
/** The same for writing, made at its first use; NULL if memory is short. */
duet_products *duet_products_of(duet_device *device);

#endif
