/* SPDX-License-Identifier: MIT */
/* Numbers out of a few nodes in one line: a plan, its inputs, one replay, its results. */
#ifndef DUET_TESTS_COMPUTE_H
#define DUET_TESTS_COMPUTE_H

#include "test.h"

#include "duet/op.h"
#include "duet/plan.h"

typedef struct test_feed {
    duet_node input;
    const void *values;
} test_feed;

static inline size_t test_bytes(duet_node node)
{
    return duet_shape_elements(duet_node_shape(node)) * (duet_node_type(node) == DUET_UINT8 ? 1 : 4);
}

/** Computes `count` roots at once; results[i] is the caller's, with the bytes of roots[i]. */
static inline void test_compute(duet_device *device, const duet_node *roots, size_t count, const test_feed *feeds,
                                size_t feed_count, void **results)
{
    duet_error error = {0};
    duet_plan *plan = NULL;
    assert_ok(duet_plan_new(&plan, device, "test", roots, count, &error), &error);
    for (size_t i = 0; i < feed_count; i++) {
        assert_ok(duet_plan_write(plan, feeds[i].input, feeds[i].values, test_bytes(feeds[i].input), &error), &error);
    }
    assert_ok(duet_plan_replay(plan, &error), &error);
    for (size_t i = 0; i < count; i++) {
        assert_ok(duet_plan_read(plan, roots[i], results[i], test_bytes(roots[i]), &error), &error);
    }
    duet_plan_free(&plan);
}

#endif
