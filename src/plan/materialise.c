/* SPDX-License-Identifier: MIT */
/* What lies in memory: operands of matmuls, results, operands of broadcasts, and values with several uses if storing
 * them moves fewer bytes than computing them again. Everything else lives in registers of the kernels that use it. */
#include "op/op.h"
#include "plan/lower.h"

#include <stdlib.h>
#include <string.h>

bool duet_is_row_write(duet_node assign)
{
    return assign->op->kind == DUET_OP_ASSIGN && assign->inputs[1]->op->replaces_row &&
           assign->inputs[1]->inputs[0] == assign->inputs[0];
}

/* What the roots depend on, and how often each value in memory or registers is used. */

static void need(duet_lowering *lowering, duet_node node)
{
    lowering->needed[node->id] = true;
}

static void count_uses(duet_lowering *lowering, const duet_node *roots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        need(lowering, roots[i]);
        lowering->uses[duet_node_in_memory(roots[i])->id]++;
    }
    for (size_t id = duet_graph_count(lowering->graph); id-- > 0;) {
        duet_node node = duet_graph_at(lowering->graph, id);
        if (!lowering->needed[id]) continue;
        if (duet_is_row_write(node)) { /* the table itself is not read */
            need(lowering, node->inputs[1]->inputs[1]);
            need(lowering, node->inputs[1]->inputs[2]);
            continue;
        }
        bool is_alias = duet_node_in_memory(node) != node;
        for (size_t i = 0; i < node->input_count; i++) {
            duet_node operand = duet_lowering_operand(lowering, node, i);
            need(lowering, operand);
            if (!is_alias) lowering->uses[duet_node_in_memory(operand)->id]++;
        }
    }
}

static void store(duet_lowering *lowering, duet_node node)
{
    node = duet_node_in_memory(node);
    if (!duet_is_leaf(node)) lowering->stored[node->id] = true;
}

static bool computes_something(duet_node node)
{
    while (node->op->kind == DUET_OP_VIEW) node = node->inputs[0];
    return node->op->kind == DUET_OP_ELEMENTWISE || node->op->kind == DUET_OP_READER;
}

static void store_operands(duet_lowering *lowering, duet_node node)
{
    switch (node->op->kind) {
    case DUET_OP_MATMUL:
    case DUET_OP_CONVOLUTION:
    case DUET_OP_PACK:
    case DUET_OP_ALL_REDUCE:
        for (size_t i = 0; i < node->input_count; i++) store(lowering, duet_lowering_operand(lowering, node, i));
        store(lowering, node);
        break;
    case DUET_OP_REDUCE: store(lowering, node); break;
    case DUET_OP_ASSIGN: store(lowering, duet_is_row_write(node) ? node->inputs[1]->inputs[1] : node->inputs[1]); break;
    case DUET_OP_VIEW: /* the operand of a broadcast would be computed again for each copy */
        if (node->elements > node->inputs[0]->elements && computes_something(node->inputs[0]))
            store(lowering, node->inputs[0]);
        break;
    default: break;
    }
}

/* A value with several uses is stored if computing it each time costs much or moves more bytes than storing it. */
static void store_shared(duet_lowering *lowering)
{
    enum { COSTLY = 16 };
    size_t count = duet_graph_count(lowering->graph);
    size_t *cost = calloc(count, sizeof *cost), *reads = calloc(count, sizeof *reads);
    if (cost == NULL || reads == NULL) {
        duet_lowering_no_memory(lowering);
        count = 0;
    }
    for (size_t id = 0; id < count; id++) {
        duet_node node = duet_graph_at(lowering->graph, id);
        if (!lowering->needed[id]) continue;
        bool inline_kind =
            node->op->kind == DUET_OP_ELEMENTWISE || node->op->kind == DUET_OP_VIEW || node->op->kind == DUET_OP_READER;
        cost[id] = node->op->cost;
        for (size_t i = 0; i < node->input_count && inline_kind; i++) {
            duet_node input = duet_node_in_memory(node->inputs[i]);
            bool in_memory = duet_is_leaf(input) || lowering->stored[input->id];
            bool is_stretched = node->op->kind == DUET_OP_VIEW && node->elements > input->elements;
            cost[id] += in_memory ? 0 : cost[input->id];
            reads[id] += is_stretched ? 0 : in_memory ? 1 : reads[input->id]; /* small: it stays in the cache */
        }
        size_t uses = lowering->uses[id];
        bool cheap = cost[id] <= COSTLY && reads[id] * uses <= reads[id] + 1 + uses;
        if (inline_kind && duet_node_in_memory(node) == node && uses > 1 && !cheap && !node->op->is_recomputed)
            store(lowering, node);
    }
    free(cost);
    free(reads);
}

void duet_lowering_probe(duet_lowering *lowering, duet_node node)
{
    duet_kernel_writer *probe = &lowering->probe;
    duet_map linear = duet_map_linear();
    probe->is_stored = lowering->stored;
    probe->mark_stored = lowering->stored;
    probe->computing = node;
    duet_writer_reset(probe);
    duet_write_node(probe, node->op->kind == DUET_OP_REDUCE ? node->inputs[0] : node, &linear);
    if (probe->failed) duet_lowering_no_memory(lowering);
}

bool duet_is_computed(duet_node node)
{
    duet_op_kind kind = node->op->kind;
    return kind == DUET_OP_ELEMENTWISE || kind == DUET_OP_VIEW || kind == DUET_OP_READER || kind == DUET_OP_CONSTANT;
}

static bool is_sum(duet_node node)
{
    return node->op == &duet_op_add;
}

/* Finds stored sums of a product and an earlier value that nothing else uses: the product is added where that value
 * lies. */
static void find_added_products(duet_lowering *lowering)
{
    for (size_t id = 0; id < duet_graph_count(lowering->graph); id++) {
        duet_node node = duet_graph_at(lowering->graph, id);
        if (!lowering->needed[id] || !lowering->stored[id] || !is_sum(node)) continue;
        duet_node first = duet_node_in_memory(node->inputs[0]), second = duet_node_in_memory(node->inputs[1]);
        duet_node product = first->id > second->id ? first : second, value = first->id > second->id ? second : first;
        bool is_product = duet_node_is_product(value) || lowering->added_to[value->id] != NULL;
        if (!duet_node_is_product(product) || !is_product || product == value) continue;
        if (lowering->uses[product->id] > 1 || lowering->uses[value->id] > 1) continue;
        lowering->added_to[product->id] = value;
        lowering->added_to[id] = product;
    }
}

/* Probes a root. If it reads more tensors than one kernel takes, its operands are stored first. */
static void probe_within_limit(duet_lowering *lowering, duet_node root)
{
    duet_lowering_probe(lowering, root);
    if (lowering->failed || lowering->probe.load_count <= DUET_STEP_LOADS) return;
    for (size_t i = 0; i < root->input_count; i++)
        if (computes_something(root->inputs[i])) store(lowering, root->inputs[i]);
    duet_lowering_probe(lowering, root);
}

void duet_lowering_materialise(duet_lowering *lowering, const duet_node *roots, size_t count)
{
    count_uses(lowering, roots, count);
    for (size_t i = 0; i < count; i++)
        if (roots[i]->op->kind != DUET_OP_ASSIGN) store(lowering, roots[i]);
    for (size_t id = 0; id < duet_graph_count(lowering->graph); id++)
        if (lowering->needed[id]) store_operands(lowering, duet_graph_at(lowering->graph, id));
    store_shared(lowering);
    find_added_products(lowering);
    for (size_t id = duet_graph_count(lowering->graph); id-- > 0 && !lowering->failed;) {
        duet_node node = duet_graph_at(lowering->graph, id);
        if (!lowering->needed[id]) continue;
        if (duet_is_row_write(node)) node = duet_node_in_memory(node->inputs[1]->inputs[2]);
        bool is_root = (lowering->stored[node->id] && lowering->added_to[node->id] == NULL) || node->id != id;
        if (is_root && (duet_is_computed(node) || node->op->kind == DUET_OP_REDUCE)) probe_within_limit(lowering, node);
    }
}
