/* SPDX-License-Identifier: MIT */
/* Graphs and nodes: hash-consed, so equal expressions are one node; the first mistake sticks. */
#include "graph/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/size.h"
#include "base/text.h"
#include "graph/deal.h"

enum { BUCKETS = 4096 };

struct duet_graph {
    duet_store *store, *working;
    size_t rows;
    duet_dealer dealer; /* all zero: the whole batch */
    duet_node *nodes;
    size_t count, capacity;
    duet_node buckets[BUCKETS];
    duet_node broken;
    duet_error error;  /* the first mistake, without its place */
    const char *where; /* which line made it; NULL: none, such as of data that does not fit */
    const char *blamed;
    uint32_t streams, outer_streams;
    bool is_still;
    duet_scopes scopes;
    size_t inference_depth;
    duet_follower *followers;
    size_t follower_count, follower_capacity;
    duet_unit_want *wants;
    size_t want_count, want_capacity;
};

const duet_op duet_op_constant = {.name = "constant", .kind = DUET_OP_CONSTANT, .blocks_gradient = true};
const duet_op duet_op_input = {.name = "input", .kind = DUET_OP_INPUT};
const duet_op duet_op_pack = {.name = "pack", .kind = DUET_OP_PACK};
const duet_op duet_op_broken = {.name = "broken", .kind = DUET_OP_BROKEN, .blocks_gradient = true};

static duet_node allocate(duet_graph *graph, const duet_node *inputs, size_t count)
{
    if (!duet_array_grow(&graph->nodes, graph->count, &graph->capacity, sizeof *graph->nodes)) return NULL;
    duet_node node = calloc(1, sizeof *node);
    duet_node *copies = calloc(count == 0 ? 1 : count, sizeof *copies);
    if (node == NULL || copies == NULL) {
        free(node);
        free(copies);
        return NULL;
    }
    if (count > 0) memcpy(copies, inputs, count * sizeof *copies);
    node->graph = graph;
    node->inputs = copies;
    node->input_count = count;
    node->id = graph->count;
    graph->nodes[graph->count++] = node;
    return node;
}

duet_graph *duet_graph_new(duet_store *store)
{
    duet_graph *graph = calloc(1, sizeof *graph);
    if (graph == NULL) return NULL;
    graph->store = graph->working = store;
    graph->broken = allocate(graph, NULL, 0);
    if (graph->broken == NULL) {
        duet_graph_free(&graph);
        return NULL;
    }
    graph->broken->op = &duet_op_broken;
    graph->broken->elements = 1;
    graph->broken->where = "";
    return graph;
}

void duet_graph_free(duet_graph **graph)
{
    if (graph == NULL || *graph == NULL) return;
    for (size_t i = 0; i < (*graph)->count; i++) {
        free((*graph)->nodes[i]->inputs);
        free((*graph)->nodes[i]);
    }
    free((*graph)->nodes);
    free((*graph)->followers);
    free((*graph)->wants);
    free(*graph);
    *graph = NULL;
}

duet_status duet_graph_check(const duet_graph *graph, duet_error *error)
{
    if (graph->error.status == DUET_OK) return DUET_OK;
    if (graph->where == NULL) return duet_fail(error, graph->error.status, "%s", graph->error.message);
    return duet_fail(error, graph->error.status, "%s: %s", graph->where, graph->error.message);
}

const duet_error *duet_graph_mistake(const duet_graph *graph)
{
    return &graph->error;
}

void duet_graph_fail_at(const char *where, duet_graph *graph, const char *format, ...)
{
    char words[900];
    va_list arguments;
    va_start(arguments, format);
    (void)duet_text_vprint(words, sizeof words, format, arguments);
    va_end(arguments);
    if (graph->error.status == DUET_OK) graph->where = graph->blamed != NULL ? graph->blamed : where;
    duet_fail(&graph->error, DUET_ERROR_GRAPH, "%s", words);
}

bool duet_graph_takes_name(const char *where, duet_graph *graph, const char *what, const char *name)
{
    if (name == NULL) duet_graph_fail_at(where, graph, "%s: the name is NULL", what);
    if (name != NULL && !duet_text_is_utf8(name))
        duet_graph_fail_at(where, graph, "%s \"%.100s\": the name is not UTF-8, and what a run writes is", what, name);
    return name != NULL && duet_text_is_utf8(name);
}

const char *duet_graph_blame(duet_graph *graph, const char *where)
{
    const char *before = graph->blamed;
    graph->blamed = where;
    return before;
}

void duet_graph_refuse(duet_graph *graph, duet_status status, const char *format, ...)
{
    char words[900];
    va_list arguments;
    va_start(arguments, format);
    (void)duet_text_vprint(words, sizeof words, format, arguments);
    va_end(arguments);
    duet_fail(&graph->error, status, "%s", words);
}

void duet_graph_take(const char *where, duet_graph *graph, const char *what, const duet_error *error)
{
    if (error->status == DUET_ERROR_GRAPH)
        duet_graph_fail_at(where, graph, "%s: %s", what, error->message);
    else
        duet_graph_refuse(graph, error->status, "%s: %s", what, error->message);
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++) hash = (hash ^ byte[i]) * 0x100000001B3u; /* FNV-1a */
    return hash;
}

static size_t bucket_of(const duet_op *op, duet_shape shape, const duet_node *inputs, size_t count,
                        const duet_attributes *attributes)
{
    uint64_t hash = hash_bytes(0xCBF29CE484222325u, &op, sizeof op);
    hash = hash_bytes(hash, shape.dims, shape.rank * sizeof *shape.dims);
    if (count > 0) hash = hash_bytes(hash, inputs, count * sizeof *inputs);
    return (size_t)(hash_bytes(hash, attributes, sizeof *attributes) % BUCKETS);
}

static bool is_equal(duet_node node, const duet_op *op, duet_type type, duet_shape shape, const duet_node *inputs,
                     size_t count, const duet_attributes *attributes)
{
    return node->op == op && node->type == type && duet_shape_equal(node->shape, shape) && node->input_count == count &&
           (count == 0 || memcmp(node->inputs, inputs, count * sizeof *inputs) == 0) &&
           memcmp(&node->attributes, attributes, sizeof *attributes) == 0;
}

/* Told in both graphs, as either may be the one that is asked. */
static void fail_strange(const char *where, duet_graph *graph, const duet_op *op, duet_node strange)
{
    duet_graph *const both[] = {graph, strange->graph};
    for (size_t i = 0; i < 2; i++)
        duet_graph_fail_at(where, both[i], "%s: an operand belongs to another graph", op->name);
}

duet_node duet_node_make(const char *where, duet_graph *graph, const duet_op *op, duet_type type, duet_shape shape,
                         const duet_node *inputs, size_t count, const duet_attributes *attributes, bool shared)
{
    const duet_attributes none = {.number = {0}};
    if (attributes == NULL) attributes = &none;
    for (size_t i = 0; i < count; i++) {
        if (inputs[i] == NULL) duet_graph_fail_at(where, graph, "%s: operand %zu is NULL", op->name, i + 1);
        if (inputs[i] != NULL && inputs[i]->graph != graph) fail_strange(where, graph, op, inputs[i]);
        if (duet_node_is_broken(inputs[i]) || inputs[i]->graph != graph) return graph->broken;
    }
    size_t elements = duet_shape_elements(shape);
    if (elements == 0 || elements > UINT32_MAX) {
        char text[96];
        duet_graph_fail_at(where, graph, "%s: the shape %s has no elements or more than 2^32 - 1", op->name,
                           duet_shape_text(shape, text));
        return graph->broken;
    }
    size_t bucket = bucket_of(op, shape, inputs, count, attributes);
    for (duet_node node = shared ? graph->buckets[bucket] : NULL; node != NULL; node = node->next_in_bucket)
        if (is_equal(node, op, type, shape, inputs, count, attributes)) return node->whole;

    duet_node node = allocate(graph, inputs, count);
    if (node == NULL) {
        duet_graph_refuse(graph, DUET_ERROR_MEMORY, "out of memory for a node");
        return graph->broken;
    }
    node->op = op;
    node->type = type;
    node->shape = shape;
    node->elements = elements;
    node->attributes = *attributes;
    node->where = where;
    if (shared) {
        node->next_in_bucket = graph->buckets[bucket];
        graph->buckets[bucket] = node;
    }
    node->whole = node;
    if (graph->dealer.all > 0) duet_node_deal(node, &node->whole);
    return node->whole;
}

duet_node duet_node_broken(duet_graph *graph)
{
    return graph->broken;
}

bool duet_node_is_product(duet_node node)
{
    return node->op->kind == DUET_OP_MATMUL || node->op->kind == DUET_OP_CONVOLUTION;
}

bool duet_is_leaf(duet_node node)
{
    return node->op->kind == DUET_OP_VARIABLE || node->op->kind == DUET_OP_INPUT;
}

bool duet_node_keeps_order(duet_node node)
{
    return node->op->kind == DUET_OP_VIEW && node->op->view == NULL;
}

duet_node duet_node_in_memory(duet_node node)
{
    while (duet_node_keeps_order(node)) node = node->inputs[0];
    return node;
}

bool duet_node_is_broken(duet_node node)
{
    return node == NULL || node->op->kind == DUET_OP_BROKEN;
}

bool duet_operand_is_broken(const char *where, const duet_op *op, duet_node x, duet_node other)
{
    if (other == NULL) duet_graph_fail_at(where, x->graph, "%s: an operand is NULL", op->name);
    if (other != NULL && other->graph != x->graph) fail_strange(where, x->graph, op, other);
    return duet_node_is_broken(other) || other->graph != x->graph;
}

size_t duet_graph_count(const duet_graph *graph)
{
    return graph->count;
}

duet_node duet_graph_at(const duet_graph *graph, size_t id)
{
    return graph->nodes[id];
}

duet_store *duet_graph_store(const duet_graph *graph)
{
    return graph->store;
}

duet_store *duet_graph_working_store(const duet_graph *graph)
{
    return graph->working;
}

void duet_graph_work_in(duet_graph *graph, duet_store *store, size_t rows)
{
    graph->working = store;
    graph->rows = rows;
}

void duet_graph_deal(duet_graph *graph, const duet_dealer *dealer)
{
    graph->dealer = *dealer;
}

const duet_dealer *duet_graph_dealer(const duet_graph *graph)
{
    return graph->dealer.all > 0 ? &graph->dealer : NULL;
}

duet_scopes *duet_graph_scopes(duet_graph *graph)
{
    return &graph->scopes;
}

size_t duet_graph_rows(const duet_graph *graph)
{
    return graph->rows;
}

void duet_graph_still_begin(duet_graph *graph, uint32_t first)
{
    graph->outer_streams = graph->streams;
    graph->streams = first;
    graph->is_still = true;
}

void duet_graph_still_end(duet_graph *graph)
{
    graph->streams = graph->outer_streams;
    graph->is_still = false;
}

bool duet_graph_is_still(const duet_graph *graph)
{
    return graph->is_still;
}

uint32_t duet_graph_next_stream(duet_graph *graph)
{
    return graph->streams++;
}

duet_graph *duet_node_graph(duet_node node)
{
    return node == NULL ? NULL : node->graph;
}

duet_shape duet_node_shape(duet_node node)
{
    return node == NULL ? DUET_SCALAR_SHAPE : node->shape;
}

duet_type duet_node_type(duet_node node)
{
    return node == NULL ? DUET_FLOAT32 : node->type;
}

size_t duet_features(duet_node node)
{
    return node == NULL || node->shape.rank == 0 ? 1 : node->shape.dims[node->shape.rank - 1];
}

duet_node duet_constant(duet_graph *graph, double value)
{
    duet_attributes attributes = {.number = {value + 0.0}}; /* -0 and 0 are one node */
    return duet_node_make("constant", graph, &duet_op_constant, DUET_FLOAT32, DUET_SCALAR_SHAPE, NULL, 0, &attributes,
                          true);
}

void duet_inference_begin(duet_graph *graph)
{
    graph->inference_depth++;
}

void duet_inference_end(duet_graph *graph)
{
    if (graph->inference_depth > 0)
        graph->inference_depth--;
    else
        duet_graph_refuse(graph, DUET_ERROR_GRAPH, "duet_inference_end: no duet_inference_begin came before it");
}

bool duet_graph_training(const duet_graph *graph)
{
    return graph->inference_depth == 0;
}

static bool is_known(const duet_graph *graph, const duet_follower *follower)
{
    for (size_t i = 0; i < graph->follower_count; i++) {
        const duet_follower *known = &graph->followers[i];
        if (known->state == follower->state && known->value == follower->value && known->keep == follower->keep &&
            known->trigger == follower->trigger)
            return true;
    }
    return false;
}

void duet_state_follow_at(const char *where, duet_node state, duet_node value, double keep, duet_node trigger)
{
    if (duet_node_is_broken(state)) return;
    duet_graph *graph = state->graph;
    if (value == NULL || trigger == NULL) duet_graph_fail_at(where, graph, "state_follow: a node is NULL");
    if (duet_node_is_broken(value) || duet_node_is_broken(trigger)) return;
    char wants[96], has[96];
    if (state->op != &duet_op_variable || state->type != DUET_FLOAT32 || value->type != DUET_FLOAT32 ||
        !duet_shape_equal(state->shape, value->shape) || !(keep >= 0 && keep < 1)) {
        duet_graph_fail_at(
            where, graph,
            "state_follow: a float32 state and value of one shape and 0 <= keep < 1 were expected, not %s "
            "%s, %s and %g",
            state->op->name, duet_node_text(state, wants), duet_node_text(value, has), keep);
        return;
    }
    const duet_follower follower = {where, state, value, trigger, keep};
    if (is_known(graph, &follower)) return;
    if (duet_array_grow(&graph->followers, graph->follower_count, &graph->follower_capacity, sizeof follower))
        graph->followers[graph->follower_count++] = follower;
    else
        duet_graph_refuse(graph, DUET_ERROR_MEMORY, "out of memory for a state's update");
}

const duet_follower *duet_graph_follower(const duet_graph *graph, size_t index)
{
    return index < graph->follower_count ? &graph->followers[index] : NULL;
}

void duet_graph_want_unit_range(const char *where, duet_node logits, duet_node node, duet_node loss, const char *what,
                                const char *instead)
{
    if (duet_node_is_broken(node) || duet_node_is_broken(loss)) return;
    duet_graph *graph = node->graph;
    duet_node value = node;
    while (value->op->kind == DUET_OP_VIEW) value = value->inputs[0];
    const double number = value->attributes.number[0];
    if (value->op == &duet_op_constant && !(number >= 0 && number <= 1))
        duet_graph_fail_at(where, graph, "%s: the target is %g, and one in [0, 1] was expected", what, number);
    if (duet_array_grow(&graph->wants, graph->want_count, &graph->want_capacity, sizeof *graph->wants))
        graph->wants[graph->want_count++] = (duet_unit_want){where, what, instead, logits, node, loss};
    else
        duet_graph_refuse(graph, DUET_ERROR_MEMORY, "out of memory for a loss");
}

const duet_unit_want *duet_graph_unit_want(const duet_graph *graph, size_t index)
{
    return index < graph->want_count ? &graph->wants[index] : NULL;
}

duet_node duet_input_at(const char *where, duet_graph *graph, const char *name, duet_type type, duet_shape shape)
{
    duet_attributes attributes = {.object = name};
    return duet_node_make(where, graph, &duet_op_input, type, shape, NULL, 0, &attributes, false);
}

duet_node duet_pack(const char *where, duet_graph *graph, const void *storage, size_t elements, const duet_node *inputs,
                    size_t count)
{
    duet_attributes attributes = {.object = storage};
    return duet_node_make(where, graph, &duet_op_pack, DUET_FLOAT32, DUET_SHAPE(elements), inputs, count, &attributes,
                          true);
}
