/* SPDX-License-Identifier: MIT */
/* Two ways to compute one product, timed by turns: what slows the machine down for a while slows both. */
#ifndef DUET_SRC_PRODUCT_TRIAL_GEMM_RACE_H
#define DUET_SRC_PRODUCT_TRIAL_GEMM_RACE_H

#include "product/gemm.h"

enum { DUET_GEMM_ROUNDS = 7 };

typedef struct duet_gemm_race {
    double first, second; /**< median seconds of one product */
    double gain;          /**< median over the rounds of first over second: above 1, the second is faster */
    size_t won;           /**< rounds in which the second was faster */
} duet_gemm_race;

/** Whether the second is faster by more than what two of the same differ by on a busy machine, 3%: in all rounds but
 *  one, in the middle one, and by the times that are told. */
bool duet_gemm_race_is_won(const duet_gemm_race *race);

/** Times two choices on the same operands, which are zeros: whether the results are right is for duet_gemm_try to
 * check. */
duet_status duet_gemm_compete(duet_device *device, const duet_gemm_choice *first, const duet_gemm_choice *second,
                              const duet_gemm_shape *shape, duet_gemm_race *race, duet_error *error);

#endif
