/* SPDX-License-Identifier: MIT */
/* Taking a sum over ranks out of what was made of it, so that many are taken as one: a group's gradients. An op that is
 * linear in one operand gives of each rank's share a share of its result. */
#include <string.h>

#include "op/deal.h"
#include "op/op.h"
#include "op/where.h"

static duet_node share_of(const char *where, duet_node node, unsigned depth);

/* The same op over another first operand. */
static duet_node with_operand(duet_node node, duet_node operand)
{
    return duet_node_make(node->where, node->graph, node->op, node->type, node->shape, &operand, 1, &node->attributes,
                          true);
}

static duet_node on_first_rank(const char *where, duet_node node)
{
    return duet_scale(node, duet_ranks_rank(duet_graph_dealer(node->graph)->ranks) == 0);
}

/* a + b or a - b, of which one at least has shares. */
static duet_node share_of_sum(const char *where, duet_node node, unsigned depth)
{
    duet_node a = share_of(where, node->inputs[0], depth), b = share_of(where, node->inputs[1], depth);
    if (a == NULL && b == NULL) return NULL;
    if (a == NULL) a = on_first_rank(where, node->inputs[0]);
    if (b == NULL) b = on_first_rank(where, node->inputs[1]);
    return node->op == &duet_op_add ? duet_add(a, b) : duet_subtract(a, b);
}

/* a * b or a / b, of which one factor, not the divisor, has shares. */
static duet_node share_of_product(const char *where, duet_node node, unsigned depth)
{
    duet_node a = share_of(where, node->inputs[0], depth), b = share_of(where, node->inputs[1], depth);
    if ((a == NULL) == (b == NULL)) return NULL;
    if (node->op == &duet_op_divide) return a == NULL ? NULL : duet_divide(a, node->inputs[1]);
    return a != NULL ? duet_multiply(a, node->inputs[1]) : duet_multiply(node->inputs[0], b);
}

/* Whether the op only moves elements of its one operand, or adds them up. */
static bool moves_elements(duet_node node)
{
    static const char *const names[] = {"pad", "sum"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(node->op->name, names[i]) == 0) return true;
    return node->op->kind == DUET_OP_VIEW;
}

/* NULL: it is made of no sum over ranks, or not in a way that is known to be linear. */
static duet_node share_of(const char *where, duet_node node, unsigned depth)
{
    if (node->op == &duet_op_all_reduce) return node->inputs[0];
    if (depth == 0) return NULL;
    if (node->op == &duet_op_add || node->op == &duet_op_subtract) return share_of_sum(where, node, depth - 1);
    if (node->op == &duet_op_multiply || node->op == &duet_op_divide) return share_of_product(where, node, depth - 1);
    if (!moves_elements(node) && node->op != &duet_op_negate) return NULL;
    duet_node operand = share_of(where, node->inputs[0], depth - 1);
    return operand == NULL ? NULL : with_operand(node, operand);
}

duet_node duet_rank_share(const char *where, duet_node node)
{
    enum { DEEPEST = 12 }; /* each step may look at two operands */
    if (duet_node_is_broken(node) || duet_graph_dealer(node->graph) == NULL) return node;
    duet_node share = share_of(where, node, DEEPEST);
    return share != NULL ? share : on_first_rank(where, node);
}
