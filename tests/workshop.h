/* SPDX-License-Identifier: MIT */
/* What tests work with: the device and the folder of a program's tests; a store, a graph over it, a group and a plan of
 * one test's own; and numbers out of a few nodes in one line. */
#ifndef DUET_TESTS_WORKSHOP_H
#define DUET_TESTS_WORKSHOP_H

#include "folder.h"

#include "duet/nn.h"
#include "duet/op.h"
#include "duet/plan.h"

static duet_device *device;

static inline int open_device(void **state)
{
    (void)state;
    device = test_device_open();
    return 0;
}

static inline int close_device(void **state)
{
    (void)state;
    duet_device_close(&device);
    return 0;
}

/** A test with the device newly opened. */
#define WITH_DEVICE(test) cmocka_unit_test_setup_teardown(test, open_device, close_device)

/** The device and the folder. */
static inline int open_all(void **state)
{
    return open_device(state) + make_folder(state);
}

static inline int close_all(void **state)
{
    return remove_folder(state) + close_device(state);
}

typedef struct workshop {
    duet_store *store;
    duet_graph *graph;
    duet_group *group;
    duet_plan *plan; /* of the last workshop_plan */
} workshop;

static inline workshop workshop_open(uint64_t seed)
{
    workshop made = {.store = duet_store_new(seed)};
    made.graph = duet_graph_new(made.store);
    made.group = duet_group_of(made.store, "net");
    assert_non_null(made.graph);
    assert_non_null(made.group);
    return made;
}

static inline void workshop_plan(workshop *w, const char *name, const duet_node *roots, size_t count)
{
    duet_error error = {0};
    duet_plan_free(&w->plan);
    assert_ok(duet_plan_new(&w->plan, device, name, roots, count, &error), &error);
}

static inline void workshop_close(workshop *old)
{
    duet_plan_free(&old->plan);
    duet_graph_free(&old->graph);
    duet_store_free(&old->store);
}

/** The workshop of the test that runs, for tests with many small functions. */
static workshop shop;

static inline int open_shop(void **state)
{
    (void)state;
    shop = workshop_open(7);
    return 0;
}

static inline int close_shop(void **state)
{
    (void)state;
    workshop_close(&shop);
    return 0;
}

#define WITH_WORKSHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

typedef struct test_feed {
    duet_node input;
    const void *values;
} test_feed;

static inline size_t test_bytes(duet_node node)
{
    return duet_shape_elements(duet_node_shape(node)) * (duet_node_type(node) == DUET_UINT8 ? 1 : 4);
}

/** One replay with these inputs. */
static inline void test_replay(duet_plan *plan, const test_feed *feeds, size_t count)
{
    duet_error error = {0};
    for (size_t i = 0; i < count; i++)
        assert_ok(duet_plan_write(plan, feeds[i].input, feeds[i].values, test_bytes(feeds[i].input), &error), &error);
    assert_ok(duet_plan_replay(plan, &error), &error);
}

/** Computes `count` roots at once; results[i] is the caller's, with the bytes of roots[i]. */
static inline void test_compute(duet_device *on, const duet_node *roots, size_t count, const test_feed *feeds,
                                size_t feed_count, void **results)
{
    duet_error error = {0};
    duet_plan *plan = NULL;
    assert_ok(duet_plan_new(&plan, on, "test", roots, count, &error), &error);
    test_replay(plan, feeds, feed_count);
    for (size_t i = 0; i < count; i++)
        assert_ok(duet_plan_read(plan, roots[i], results[i], test_bytes(roots[i]), &error), &error);
    duet_plan_free(&plan);
}

#endif
