/* SPDX-License-Identifier: MIT */
/* What a test of layers builds in: a store, a graph over it and one group. */
#ifndef DUET_TESTS_WORKSHOP_H
#define DUET_TESTS_WORKSHOP_H

#include "test.h"

typedef struct workshop {
    duet_store *store;
    duet_graph *graph;
    duet_group *group;
} workshop;

static workshop workshop_open(void)
{
    workshop made = {.store = duet_store_new(5)};
    made.graph = duet_graph_new(made.store);
    made.group = duet_group_of(made.store, "net");
    assert_non_null(made.graph);
    assert_non_null(made.group);
    return made;
}

static void workshop_close(workshop *old)
{
    duet_graph_free(&old->graph);
    duet_store_free(&old->store);
}

#endif
