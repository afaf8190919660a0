/* SPDX-License-Identifier: MIT */
/* What tests ask of trained models, in one line: one output of latents or of examples. */
#ifndef DUET_TESTS_USE_H
#define DUET_TESTS_USE_H

#include "test.h"

#include "base/philox.h"
#include "duet/run.h"
#include "train/evaluator.h"

/** What the rows of a request are. */
typedef enum test_source { TEST_FROM_LATENTS, TEST_FROM_EXAMPLES } test_source;

static inline duet_request test_request(test_source source, const float *rows, size_t count, uint64_t seed,
                                        const duet_wanted *wanted)
{
    return (duet_request){.count = count,
                          .seed = seed,
                          .latents = source == TEST_FROM_LATENTS ? rows : NULL,
                          .examples = source == TEST_FROM_EXAMPLES ? rows : NULL,
                          .outputs = wanted,
                          .output_count = 1};
}

static inline duet_status test_evaluate(duet_evaluator *evaluator, test_source source, const char *output,
                                        const float *rows, size_t count, uint64_t seed, float *values,
                                        duet_error *error)
{
    const duet_wanted wanted = {output, values};
    const duet_request request = test_request(source, rows, count, seed, &wanted);
    return duet_evaluator_use(evaluator, &request, error);
}

static inline duet_status test_use(duet_run *run, test_source source, const char *output, const float *rows,
                                   size_t count, uint64_t seed, float *values, duet_error *error)
{
    const duet_wanted wanted = {output, values};
    const duet_request request = test_request(source, rows, count, seed, &wanted);
    return duet_run_use(run, &request, error);
}

/** count latents as a request draws them from the run's prior. */
static inline void test_prior(duet_run *run, size_t count, uint64_t seed, float *latents)
{
    const duet_wanted wanted = {DUET_PRIOR, latents};
    const duet_request request = {.count = count, .seed = seed, .outputs = &wanted, .output_count = 1};
    duet_error error = {0};
    assert_ok(duet_run_use(run, &request, &error), &error);
}

/** count x features standard normal numbers. */
static inline void test_normals(uint64_t seed, size_t count, size_t features, float *values)
{
    for (size_t i = 0; i < count * features; i++)
        values[i] = (float)duet_philox_normal(duet_philox_element(seed, 0, 0, (uint32_t)i));
}

#endif
