/* SPDX-License-Identifier: MIT */
/* Inputs of the graph of the test that runs, and how many launches it takes to compute some of its nodes. */
#ifndef DUET_TESTS_GRAPH_PARTS_H
#define DUET_TESTS_GRAPH_PARTS_H

#include "workshop.h"

static inline duet_node floats(duet_shape shape)
{
    return duet_input(shop.graph, "x", DUET_FLOAT32, shape);
}

static inline duet_node integers(duet_shape shape)
{
    return duet_input(shop.graph, "i", DUET_UINT32, shape);
}

static inline size_t launches_of(const duet_node *roots, size_t count)
{
    workshop_plan(&shop, "launches", roots, count);
    return duet_plan_launches(shop.plan);
}

#endif
