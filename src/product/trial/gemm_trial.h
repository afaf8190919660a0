/* SPDX-License-Identifier: MIT */
/* A trial of a way to compute one product: is it right, and how long does it take? */
#ifndef DUET_SRC_PRODUCT_TRIAL_GEMM_TRIAL_H
#define DUET_SRC_PRODUCT_TRIAL_GEMM_TRIAL_H

#include "product/gemm.h"
#include "product/trial/timing.h"

typedef struct duet_gemm_trial {
    duet_timing timing; /**< no samples if it was not timed */
    double estimate;    /**< seconds of one product, from a smaller one; 0: none was needed */
    bool refused;       /**< the device does not take its kernels; other failures may pass */
    double error;       /**< difference from the plain product over what rounding allows; NaN if not run */
} duet_gemm_trial;

/** Multiplies plain row-major operands of made-up numbers for about `patience` seconds, packing included. A large
 *  product is tried as a smaller one first and left out where one would take over four times the patience. The result
 *  is compared with a plain product in double on the host; a wrong one is timed all the same: look at trial->error. */
duet_status duet_gemm_try(duet_device *device, const duet_gemm_choice *choice, const duet_gemm_shape *shape,
                          double patience, duet_gemm_trial *trial, duet_error *error);

#endif
