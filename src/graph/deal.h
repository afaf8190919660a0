/* SPDX-License-Identifier: MIT */
/* A batch that is dealt out to ranks. Each rank's graph is made for its own rows of the batch and means the whole: a
 * node knows where among its elements the rows lie, by its op's rule, and a sum over rows becomes the ranks' sum. So
 * no model and no gradient knows of ranks. What is made of one rank's own sum is *ranked*, another value on each rank;
 * its part in the gradient of what all ranks share is summed too. (GSPMD, Xu et al. 2021, does this for any dimension.)
 */
#ifndef DUET_SRC_GRAPH_DEAL_H
#define DUET_SRC_GRAPH_DEAL_H

#include "duet/ranks.h"
#include "graph/node.h"

/** Which rows of the batch a graph has. */
typedef struct duet_dealer {
    duet_ranks *ranks;
    size_t first, rows, all; /* rows `first` to first + rows - 1 of `all`; 2 or more, so that an extent of 1 is none */
    bool norms_by_rank;      /* batch norm standardises the rows here by their own mean and variance */
} duet_dealer;

/** Which rows of a whole rank `rank` of `count` has, *rows from *first on: as equal as whole multiples of `unit` can be.
 */
void duet_deal_out(size_t all, size_t unit, size_t rank, size_t count, size_t *first, size_t *rows);

/** Before any node is made. */
void duet_graph_deal(duet_graph *graph, const duet_dealer *dealer);
/** NULL: the graph has the whole batch. */
const duet_dealer *duet_graph_dealer(const duet_graph *graph);

/** Finds how the new node is dealt out. *result: the node, or the ranks' sum of it. */
void duet_node_deal(duet_node node, duet_node *result);

static inline bool duet_is_dealt(duet_node node)
{
    return node->deal.inner > 0;
}

/** Whether it needs rows of other ranks, or is made of something that does. Nobody minds until a plan needs it. */
static inline bool duet_is_dealt_badly(duet_node node)
{
    return node->deal.outer > 0 && node->deal.inner == 0;
}

/** How many elements the whole of a value has, on all ranks together. */
double duet_whole_elements(duet_node node);

/** Where rows lie: the axis whose extent is [before, count, after]. They count one by one, or as packs of a few, where
 *  only the number of packs is an extent. */
typedef struct duet_deal_axis {
    size_t axis, before, count, after; /* count 0: packs that reach from one rank to another, or no extent's */
} duet_deal_axis;

/** Of a dealt node. */
duet_deal_axis duet_deal_find(duet_node node);
/** The same place in a shape whose axis `place.axis` has the extent [before, count, after]. */
duet_deal duet_deal_at(duet_shape shape, duet_deal_axis place);

/** Whether two values of one shape are dealt out alike, *deal and `other`: it then holds the one that counts in larger
 *  packs. An outer of 0 joins any. */
bool duet_deal_join(duet_deal *deal, duet_deal other);
/** The rule of ops whose first extent is that of their first dealt operand, and holds its rows. */
duet_dealing duet_deal_leading(duet_node node, duet_deal *deal);

/** What became of rows in a node. */
typedef struct duet_fate {
    duet_node mixer; /* of what it is made of, what first takes rows together; NULL: none */
    duet_deal deal;  /* where they lie; inner 0: nowhere */
    bool sums;       /* `mixer` adds them up */
} duet_fate;

/** Follows the rows of `sources`, `rows` each, 2 or more, through a finished graph that is not dealt out: what became
 * of them in each node, by its id. The caller frees the list; NULL: out of memory. */
duet_fate *duet_deal_follow(duet_graph *graph, const duet_node *sources, size_t count, size_t rows);

/** The ranks' sum of `node`. */
duet_node duet_all_reduce(duet_node node);

#endif
