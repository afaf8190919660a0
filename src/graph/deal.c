/* SPDX-License-Identifier: MIT */
/* How values are dealt out, from operands to results. Rules of single ops stand beside the ops. */
#include "graph/deal.h"

#include <stdlib.h>

void duet_deal_out(size_t all, size_t unit, size_t rank, size_t count, size_t *first, size_t *rows)
{
    const size_t units = all / unit, each = units / count, more = units % count;
    const size_t begin = each * rank + (rank < more ? rank : more), end = begin + each + (rank < more);
    *first = begin * unit;
    *rows = (rank + 1 == count ? all : end * unit) - *first;
}

double duet_whole_elements(duet_node node)
{
    const duet_dealer *dealer = duet_graph_dealer(node->graph);
    if (!duet_is_dealt(node)) return (double)node->elements;
    return (double)node->elements * (double)dealer->all / (double)dealer->rows;
}

duet_deal_axis duet_deal_find(duet_node node)
{
    const duet_dealer *dealer = duet_graph_dealer(node->graph);
    const size_t *dims = node->shape.dims;
    size_t before = node->deal.outer, axis = 0, count = node->elements / node->deal.outer / node->deal.inner;
    while (before % dims[axis] == 0 && axis + 1 < node->shape.rank) before /= dims[axis++];
    if (dims[axis] % before != 0) return (duet_deal_axis){.axis = axis, .before = before};
    if (dims[axis] / before < count) {
        count = dims[axis] / before;
        const size_t pack = dealer->rows / count;
        if (pack * count != dealer->rows || dealer->first % pack != 0) count = 0;
    }
    return (duet_deal_axis){axis, before, count, count == 0 ? 0 : dims[axis] / before / count};
}

duet_deal duet_deal_at(duet_shape shape, duet_deal_axis place)
{
    duet_deal deal = {place.before, place.after};
    for (size_t i = 0; i < shape.rank; i++) {
        if (i < place.axis) deal.outer *= shape.dims[i];
        if (i > place.axis) deal.inner *= shape.dims[i];
    }
    return deal;
}

bool duet_deal_join(duet_deal *deal, duet_deal other)
{
    const duet_deal large = deal->inner > other.inner ? *deal : other, small = deal->inner > other.inner ? other : *deal;
    *deal = large;
    return small.outer == 0 || (large.outer == small.outer && large.inner % small.inner == 0);
}

static const duet_deal badly = {1, 0};

/* NULL: none is dealt out. */
static duet_node first_dealt(duet_node node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (duet_is_dealt(node->inputs[i])) return node->inputs[i];
    return NULL;
}

duet_dealing duet_deal_leading(duet_node node, duet_deal *deal)
{
    duet_node x = first_dealt(node);
    const duet_deal_axis place = duet_deal_find(x);
    if (place.axis > 0 || node->shape.rank == 0 || node->shape.dims[0] != x->shape.dims[0]) return DUET_DEALT_BADLY;
    *deal = duet_deal_at(node->shape, place);
    return DUET_DEALT;
}

/* Element i is made of elements i. */
static duet_dealing deal_elementwise(duet_node node, duet_deal *deal)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (!duet_deal_join(deal, node->inputs[i]->deal)) return DUET_DEALT_BADLY;
    return DUET_DEALT;
}

static duet_dealing deal_by_kind(duet_node node, duet_deal *deal)
{
    if (node->op->deal != NULL) return node->op->deal(node, deal);
    if (first_dealt(node) == NULL) return DUET_DEALT_NOT;
    switch (node->op->kind) {
    case DUET_OP_ASSIGN:
    case DUET_OP_ELEMENTWISE: return deal_elementwise(node, deal);
    case DUET_OP_VIEW:
        if (duet_node_keeps_order(node)) return deal_elementwise(node, deal);
        return duet_deal_leading(node, deal);
    case DUET_OP_READER:
    case DUET_OP_MATMUL:
    case DUET_OP_CONVOLUTION: return duet_deal_leading(node, deal);
    default: return DUET_DEALT_BADLY;
    }
}

/* Whether it is made of values of the rank's own. */
static bool reads_ranked(duet_node node)
{
    if (node->op->kind == DUET_OP_ALL_REDUCE) return false;
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i]->is_ranked) return true;
    return false;
}

/* Whether such values may stand beside rows. The gradient of other ops would be the ranks' sum, not the rank's own. */
static bool takes_ranked(duet_node node)
{
    return node->op->kind == DUET_OP_ELEMENTWISE || node->op->kind == DUET_OP_VIEW;
}

void duet_node_deal(duet_node node, duet_node *result)
{
    duet_dealing dealing = DUET_DEALT_NOT;
    duet_deal deal = {0};
    *result = node;
    for (size_t i = 0; i < node->input_count; i++)
        if (duet_is_dealt_badly(node->inputs[i])) dealing = DUET_DEALT_BADLY;
    if (dealing == DUET_DEALT_NOT) dealing = deal_by_kind(node, &deal);
    const bool is_ranked = reads_ranked(node);
    if (is_ranked && dealing != DUET_DEALT_NOT && !takes_ranked(node)) dealing = DUET_DEALT_BADLY;
    node->is_ranked = dealing == DUET_DEALT_SUM || (dealing == DUET_DEALT_NOT && is_ranked);
    if (dealing == DUET_DEALT) node->deal = deal.inner > 0 ? deal : badly;
    if (dealing == DUET_DEALT_BADLY) node->deal = badly;
    if (dealing == DUET_DEALT_SUM) *result = duet_all_reduce(node);
}

/* What the node makes of its operands' rows. */
static duet_fate follow(duet_node node, const duet_fate *operands)
{
    duet_fate rows = {0};
    for (size_t i = 0; rows.mixer == NULL && i < node->input_count; i++) rows = operands[node->inputs[i]->id];
    rows.deal = (duet_deal){0};
    for (size_t i = 0; i < node->input_count; i++)
        if (duet_is_dealt_badly(node->inputs[i])) rows.deal = badly;
    if (rows.deal.outer > 0) return rows;
    const duet_dealing dealing = deal_by_kind(node, &rows.deal);
    if (dealing == DUET_DEALT && rows.deal.inner > 0) return rows;
    if (dealing != DUET_DEALT_NOT && rows.mixer == NULL) rows = (duet_fate){node, {0}, dealing == DUET_DEALT_SUM};
    rows.deal = dealing == DUET_DEALT || dealing == DUET_DEALT_BADLY ? badly : (duet_deal){0};
    return rows;
}

duet_fate *duet_deal_follow(duet_graph *graph, const duet_node *sources, size_t count, size_t rows)
{
    const size_t nodes = duet_graph_count(graph);
    duet_fate *found = calloc(nodes + 1, sizeof *found);
    if (found == NULL) return NULL;
    duet_graph_deal(graph, &(duet_dealer){.all = rows, .rows = rows});
    for (size_t id = 0; id < nodes; id++) {
        duet_node node = duet_graph_at(graph, id);
        bool is_source = false;
        for (size_t i = 0; i < count; i++) is_source |= node == sources[i];
        found[id] = is_source ? (duet_fate){.deal = {1, node->elements / rows}} : follow(node, found);
        node->deal = found[id].deal;
    }
    for (size_t id = 0; id < nodes; id++) duet_graph_at(graph, id)->deal = (duet_deal){0};
    duet_graph_deal(graph, &(duet_dealer){0});
    return found;
}

/* The ranks' sum. Its gradient is that of the value which it is, on every rank the same. */

static void gradient_all_reduce(duet_node node, duet_node g, duet_node *gradients)
{
    (void)node;
    gradients[0] = g;
}

const duet_op duet_op_all_reduce = {
    .name = "all_reduce", .kind = DUET_OP_ALL_REDUCE, .gradient = gradient_all_reduce};

duet_node duet_all_reduce(duet_node node)
{
    return duet_node_make(node->where, node->graph, &duet_op_all_reduce, node->type, node->shape, &node, 1, NULL, true);
}
