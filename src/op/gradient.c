/* SPDX-License-Identifier: MIT */
/* Gradients as more graph. Only nodes that depend on the parameters and that the loss depends on get a gradient, so a
 * frozen network costs its data gradient and no more. */
#include <stdlib.h>

#include "graph/deal.h"
#include "op/op.h"
#include "op/where.h"

typedef struct backward_pass {
    const char *where;
    duet_graph *graph;
    bool *depends;       /* on something in wrt, by node id */
    duet_node *gradient; /* d loss / d node so far */
} backward_pass;

static void accumulate(const backward_pass *pass, duet_node node, duet_node share)
{
    const char *where = node->where;
    duet_node *sum = &pass->gradient[node->id];
    const bool is_whole = !node->is_ranked && !duet_is_dealt(node);
    if (is_whole && share->is_ranked) share = duet_all_reduce(share); /* each rank's loss has a part in it */
    *sum = *sum == NULL ? share : duet_add(*sum, share);
}

static void mark_dependents(const backward_pass *pass, duet_node loss, const duet_node *wrt, size_t count)
{
    for (size_t i = 0; i < count; i++) pass->depends[wrt[i]->id] = true;
    for (size_t id = 0; id <= loss->id; id++) {
        duet_node node = duet_graph_at(pass->graph, id);
        if (node->op->blocks_gradient) continue;
        for (size_t i = 0; i < node->input_count; i++) pass->depends[id] |= pass->depends[node->inputs[i]->id];
    }
}

static bool leads_to_wrt(const backward_pass *pass, duet_node node)
{
    for (size_t i = 0; i < node->input_count && !node->op->blocks_gradient; i++)
        if (pass->depends[node->inputs[i]->id]) return true;
    return false;
}

static void apply_rule(const backward_pass *pass, duet_node node)
{
    if (node->op->gradient == NULL) {
        duet_graph_fail_at(pass->where, pass->graph, "\"%s\", made at %s, has no gradient", node->op->name,
                           node->where);
        return;
    }
    duet_node *shares = calloc(node->input_count + 1, sizeof *shares);
    if (shares == NULL) {
        duet_graph_refuse(pass->graph, DUET_ERROR_MEMORY, "out of memory for a gradient");
        return;
    }
    node->op->gradient(node, pass->gradient[node->id], shares);
    for (size_t i = 0; i < node->input_count; i++)
        if (shares[i] != NULL && pass->depends[node->inputs[i]->id]) accumulate(pass, node->inputs[i], shares[i]);
    free(shares);
}

static void run(const backward_pass *pass, duet_node loss, const duet_node *wrt, size_t count, duet_node *gradients)
{
    mark_dependents(pass, loss, wrt, count);
    if (pass->depends[loss->id])
        pass->gradient[loss->id] = duet_broadcast_at(pass->where, duet_constant(pass->graph, 1), loss->shape);
    for (size_t id = loss->id + 1; id-- > 0;) {
        duet_node node = duet_graph_at(pass->graph, id);
        if (pass->gradient[id] != NULL && leads_to_wrt(pass, node)) apply_rule(pass, node);
    }
    for (size_t i = 0; i < count; i++) {
        duet_node zero = duet_constant(pass->graph, 0), found = pass->gradient[wrt[i]->id];
        gradients[i] = duet_broadcast_at(pass->where, found != NULL ? found : zero, wrt[i]->shape);
    }
}

static bool can_differentiate_by(const char *where, duet_graph *graph, duet_node x)
{
    if (duet_node_is_broken(x)) {
        if (x == NULL) duet_graph_fail(graph, "grad: a node to differentiate by is NULL");
        return false;
    }
    bool stays = x->op == &duet_op_variable || x->op == &duet_op_input || x->op == &duet_op_watch;
    if (stays && x->graph == graph) return true;
    duet_graph_fail(graph, "grad: by \"%s\", made at %s, %s", x->op->name, x->where,
                    stays ? "which belongs to another graph" : "which may be simplified away: use duet_watch");
    return false;
}

void duet_grad_at(const char *where, duet_node loss, const duet_node *wrt, size_t count, duet_node *gradients)
{
    for (size_t i = 0; i < count; i++) gradients[i] = loss == NULL ? NULL : duet_node_broken(loss->graph);
    if (duet_node_is_broken(loss)) return;
    duet_graph *graph = loss->graph;
    for (size_t i = 0; i < count; i++)
        if (!can_differentiate_by(where, graph, wrt[i])) return;
    if (loss->elements != 1 || loss->type != DUET_FLOAT32) {
        char text[96];
        duet_graph_fail(graph, "grad: the loss must be a float32 scalar, it is %s", duet_node_text(loss, text));
        return;
    }
    size_t nodes = duet_graph_count(graph);
    backward_pass pass = {.where = where, .graph = graph};
    pass.depends = calloc(nodes, sizeof *pass.depends);
    pass.gradient = calloc(nodes, sizeof(duet_node));
    if (pass.depends == NULL || pass.gradient == NULL)
        duet_graph_refuse(graph, DUET_ERROR_MEMORY, "out of memory for a gradient");
    else
        run(&pass, loss, wrt, count, gradients);
    free(pass.depends);
    free(pass.gradient);
}
