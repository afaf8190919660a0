/* SPDX-License-Identifier: MIT */
/* Whether a product of made-up numbers came out right. */
#ifndef DUET_SRC_PRODUCT_TRIAL_GEMM_CHECK_H
#define DUET_SRC_PRODUCT_TRIAL_GEMM_CHECK_H

#include "product/gemm.h"

/** The next of a fixed sequence of numbers in [-1, 1]; *state must not be 0. */
float duet_gemm_number(uint32_t *state);

/** *worst: the largest difference of C = A B, with elements of A and B from [-1, 1], over what rounding allows; above 1
 *  is wrong. Plain arithmetic in double. Errors: DUET_ERROR_MEMORY. */
duet_status duet_gemm_compare(const duet_gemm_shape *shape, const float *a, const float *b, const float *c,
                              double *worst, duet_error *error);

#endif
