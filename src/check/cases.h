/* SPDX-License-Identifier: MIT */
/* The tables of cases, a file each; cases.c strings them together. */
#ifndef DUET_SRC_CHECK_CASES_H
#define DUET_SRC_CHECK_CASES_H

#include "check/case.h"

/** Float inputs of a shape, spread over [low, high]. */
#define DUET_CASE_FLOATS(low, high, ...)                                                                               \
    {                                                                                                                  \
        DUET_CASE_SHAPE(__VA_ARGS__), (low), (high)                                                                    \
    }
#define DUET_CASE_SHAPE(...)                                                                                           \
    {                                                                                                                  \
        sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t),                                                              \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define DUET_CASE_ROWS(table) (table), sizeof(table) / sizeof *(table)

/** An expression that takes everything from its row: build2 of inputs 0 and 1. */
duet_twin_value duet_case_map2(duet_twin *t, const duet_twin_value *x, const duet_case *row);

extern const duet_case_group duet_arithmetic_cases, duet_function_cases, duet_activation_cases, duet_comparison_cases,
    duet_extreme_cases, duet_integer_cases, duet_broadcast_cases, duet_shape_cases, duet_reduction_cases,
    duet_matmul_cases, duet_masked_cases, duet_convolution_cases, duet_window_cases, duet_pool_cases,
    duet_upsample_cases, duet_norm_cases, duet_fused_cases, duet_table_cases, duet_batched_cases;

#endif
