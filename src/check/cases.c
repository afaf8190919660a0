/* SPDX-License-Identifier: MIT */
/* All groups of op cases, in the order the doctor shows them. */
#include "check/cases.h"

static const duet_case_group *const groups[] = {
    &duet_arithmetic_cases, &duet_function_cases, &duet_activation_cases, &duet_comparison_cases,
    &duet_extreme_cases,    &duet_integer_cases,  &duet_broadcast_cases,  &duet_shape_cases,
    &duet_reduction_cases,  &duet_matmul_cases,   &duet_masked_cases,     &duet_convolution_cases,
    &duet_window_cases,     &duet_pool_cases,     &duet_upsample_cases,   &duet_norm_cases,
    &duet_fused_cases,      &duet_table_cases,    &duet_batched_cases,
};

const duet_case_group *duet_case_group_at(size_t index)
{
    return index < sizeof groups / sizeof groups[0] ? groups[index] : NULL;
}
