/* SPDX-License-Identifier: MIT */
/* What was measured of matrix products on a device: a plain table that duet_gemm_choose consults. Reading and writing
 * it is the work of src/tune/tuning_file.c. */
#ifndef DUET_SRC_PRODUCT_TUNING_H
#define DUET_SRC_PRODUCT_TUNING_H

#include "product/clblast_sets.h"
#include "product/gemm.h"

/** The best choice for the products of one bucket. */
typedef struct duet_tuned_product {
    duet_gemm_shape shape; /**< the one that was measured */
    duet_gemm_choice choice;
    double gflops;
} duet_tuned_product;

/** A choice that gave wrong numbers or crashed: not used on this device, whatever the shape. */
typedef struct duet_unfit {
    duet_gemm_choice choice;
    bool whole; /**< the provider with any parameters: it was its preset that failed, so nothing of it is trusted */
} duet_unfit;

typedef struct duet_tuning {
    duet_tuned_product *products;
    size_t product_count, product_capacity;
    duet_unfit *unfit;
    size_t unfit_count, unfit_capacity;
    size_t clblast_sets[DUET_CLBLAST_KERNELS]; /**< 1 + index of the set; 0: CLBlast's own */
} duet_tuning;

/** Each extent rounded up to 2^i or 3 * 2^i. Products of one bucket have the same transposes, and extents within half
 * of each other: what is best for one is good for the others, batches of 100 and 128 share what was measured, and a
 * model needs few measurements. Powers of two alone would put 130 and 256 together, which fill their last tiles very
 * differently. */
duet_gemm_shape duet_gemm_bucket(const duet_gemm_shape *shape);
bool duet_gemm_same_shape(const duet_gemm_shape *a, const duet_gemm_shape *b);
bool duet_gemm_same_choice(const duet_gemm_choice *a, const duet_gemm_choice *b);
/** Whether the provider itself would take these parameters for this product: as its preset or as a candidate. What
 * comes from a file must pass this, so no number reaches a driver that the provider does not know. */
bool duet_gemm_offers(const duet_device *device, const duet_gemm_shape *shape, const duet_gemm_choice *choice);

duet_status duet_tuning_add_product(duet_tuning *tuning, const duet_tuned_product *product, duet_error *error);
duet_status duet_tuning_add_unfit(duet_tuning *tuning, const duet_unfit *unfit, duet_error *error);
/** The row for the product's bucket; NULL if there is none. */
const duet_tuned_product *duet_tuning_find(const duet_tuning *tuning, const duet_gemm_shape *shape);
bool duet_tuning_is_unfit(const duet_tuning *tuning, const duet_gemm_choice *choice);
void duet_tuning_clear(duet_tuning *tuning);

/** Sets the table for every plan made from now on. Takes the rows, also on failure, and leaves *tuning empty. */
duet_status duet_device_set_tuning(duet_device *device, duet_tuning *tuning, duet_error *error);
const duet_tuning *duet_device_tuning(const duet_device *device);

/** Product `index` of those that plans have asked a choice for since the device was opened, each once, in order; NULL
 *  past the end. */
const duet_gemm_shape *duet_device_product_at(const duet_device *device, size_t index);
/** Remembers a product, unless memory is short. */
void duet_device_note_product(duet_device *device, const duet_gemm_shape *shape);

#endif
