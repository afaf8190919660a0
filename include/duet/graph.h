/* SPDX-License-Identifier: MIT */
/* A graph is a description: nodes with static shapes; nothing runs. A gradient is more graph.
 *
 * Builders never fail at the call: the first mistake stays in the graph with the file and line that made it, later
 * nodes are placeholders, and planning reports it (or duet_graph_check). A graph and its nodes are used from one
 * thread. */
#ifndef DUET_GRAPH_H
#define DUET_GRAPH_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DUET_MAX_RANK 6

typedef enum duet_type {
    DUET_FLOAT32,
    DUET_UINT32,
    DUET_UINT8,
} duet_type;

/** Extents, outermost first; the last is the features. Rank 0 is a scalar. */
typedef struct duet_shape {
    size_t rank;
    size_t dims[DUET_MAX_RANK];
} duet_shape;

/** DUET_SHAPE(128, 784): a duet_shape value (C only). */
#define DUET_SHAPE(...)   ((duet_shape){sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), {__VA_ARGS__}})
#define DUET_SCALAR_SHAPE ((duet_shape){0, {0}})

typedef struct duet_graph duet_graph;
typedef struct duet_store duet_store;

/** A value in a graph, owned by it. Never free one. */
typedef struct duet_node_record *duet_node;

#define DUET_WHERE_TEXT(line) #line
#define DUET_WHERE_LINE(line) DUET_WHERE_TEXT(line)
/** "file:line" of the call: what an error message names. Other languages pass their own text to the _at functions; it
 *  must outlive the graph. */
#define DUET_WHERE __FILE__ ":" DUET_WHERE_LINE(__LINE__)

/** An empty graph whose parameters, states and random counters live in `store`, which must outlive it. NULL if memory
 *  is short. Several graphs may share a store: that is how evaluation sees the weights that training writes. */
DUET_API duet_graph *duet_graph_new(duet_store *store);
DUET_API void duet_graph_free(duet_graph **graph);
/** The first mistake made while building, if any. */
DUET_API duet_status duet_graph_check(const duet_graph *graph, duet_error *error);
/** Records a mistake of the caller's own model code; the first one stays. */
DUET_API void duet_graph_fail_at(const char *where, duet_graph *graph, const char *format, ...) DUET_PRINTF(3, 4);
#define duet_graph_fail(graph, ...) duet_graph_fail_at(DUET_WHERE, (graph), __VA_ARGS__)
/** Records that a graph cannot be built from what its user gave, settings (DUET_ERROR_USAGE) or data (DUET_ERROR_DATA),
 * or for want of memory: words alone, since no line of the code is wrong. The first one stays. */
DUET_API void duet_graph_refuse(duet_graph *graph, duet_status status, const char *format, ...) DUET_PRINTF(3, 4);
/** How many nodes it has. */
DUET_API size_t duet_graph_count(const duet_graph *graph);

/** The graph it is in. */
DUET_API duet_graph *duet_node_graph(duet_node node);
/** Its extents, outermost first. */
DUET_API duet_shape duet_node_shape(duet_node node);
/** What its elements are. */
DUET_API duet_type duet_node_type(duet_node node);
/** The extent of the last dimension: 1 for a scalar. */
DUET_API size_t duet_features(duet_node node);
/** The product of the extents, 0 if it does not fit a size_t. */
DUET_API size_t duet_shape_elements(duet_shape shape);

/** A named tensor that outlives a step: parameters, states, moments, data. */
typedef struct duet_variable duet_variable;

/** How a variable starts. The fans in and out follow from the shape: of [out, in] as a dense layer has it they are the
 * two extents; of three or more dimensions, [..., in, out] as a convolution has it, the last two times the product of
 * those before, the window's size (a transposed convolution's [height, width, out, in] has them the other way round,
 * as in Keras). The numbers come from Philox on the host, so they are the same bits on every device. */
typedef enum duet_initialiser_kind {
    DUET_INIT_CONSTANT,       /**< scale */
    DUET_INIT_UNIFORM,        /**< U(-scale, scale) */
    DUET_INIT_NORMAL,         /**< N(0, scale^2) */
    DUET_INIT_GLOROT_UNIFORM, /**< U(+-scale sqrt(6 / (in + out))), Glorot & Bengio 2010, eq. 16 */
    DUET_INIT_GLOROT_NORMAL,  /**< N(0, scale^2 2 / (in + out)) */
    DUET_INIT_HE_UNIFORM,     /**< U(+-scale sqrt(6 / in)) */
    DUET_INIT_HE_NORMAL,      /**< N(0, scale^2 2 / in), He et al. 2015, eq. 10 */
    DUET_INIT_FAN_IN_UNIFORM, /**< U(+-scale / sqrt(in)): what PyTorch's Linear does */
} duet_initialiser_kind;

typedef struct duet_initialiser {
    duet_initialiser_kind kind;
    float scale;
    size_t fan_in, fan_out; /**< 0: from the shape */
} duet_initialiser;

/** Variables by name, with their memory once a device is given. Must outlive the graphs and plans that use it. */
DUET_API duet_store *duet_store_new(uint64_t seed);
DUET_API void duet_store_free(duet_store **store);

/** What a variable's elements are, and its extents; either may be NULL. DUET_ERROR_USAGE: there is none of that name.
 */
DUET_API duet_status duet_store_variable(const duet_store *store, const char *name, duet_type *type, duet_shape *shape,
                                         duet_error *error);
/** Copies a variable by name from or to the device; `bytes` must be its size. Waits. The variable must have memory. */
DUET_API duet_status duet_store_read(duet_store *store, duet_device *device, const char *name, void *values,
                                     size_t bytes, duet_error *error);
DUET_API duet_status duet_store_write(duet_store *store, duet_device *device, const char *name, const void *values,
                                      size_t bytes, duet_error *error);

/** The variable's value as a node, old value throughout a plan: assignments take effect after all reads. */
DUET_API duet_node duet_variable_node(duet_graph *graph, duet_variable *variable);

/** A state: finds `name` in the graph's store or makes it. A state is saved in checkpoints and not optimised. */
DUET_API duet_node duet_state_at(const char *where, duet_graph *graph, const char *name, duet_type type,
                                 duet_shape shape, duet_initialiser start);
#define duet_state(graph, name, type, shape, start) duet_state_at(DUET_WHERE, (graph), (name), (type), (shape), (start))

/** Writes `value` into the state `target` (a node of duet_state) when the plan that holds the returned node has read
 *  everything else. Give the returned node to duet_plan_new among its roots. */
DUET_API duet_node duet_assign_at(const char *where, duet_node target, duet_node value);
#define duet_assign(target, value) duet_assign_at(DUET_WHERE, (target), (value))

/* Layers that learn from what passes through them, such as batch norm. A graph is built for training unless a scope
 * says otherwise: in it layers use what they have learnt and draw nothing. */

/** Opens a scope of inference, such as a generator that makes examples for the other player. Scopes nest. */
DUET_API void duet_inference_begin(duet_graph *graph);
/** Closes it; an end without a beginning is a mistake of the graph. */
DUET_API void duet_inference_end(duet_graph *graph);
/** Whether layers made now train: no scope of inference is open. */
DUET_API bool duet_graph_training(const duet_graph *graph);

/** A plan that computes `trigger` also moves `state` towards `value` (float32, of the state's shape):
 *  state = keep * state + (1 - keep) * value; with keep 0 it takes the value. Several such moves of one state follow
 *  each other in the order of these calls, each from the state as the one before it left it, whichever of them a plan
 *  holds; the same move said twice is one. duet_state_updates of nn.h gives the moves of a plan, the trainer makes
 *  those of a phase. trigger: a node that is not simplified away (duet_watch makes one). */
DUET_API void duet_state_follow_at(const char *where, duet_node state, duet_node value, double keep, duet_node trigger);
#define duet_state_follow(state, value, keep, trigger)                                                                 \
    duet_state_follow_at(DUET_WHERE, (state), (value), (keep), (trigger))

/** An input that the host fills by duet_plan_write. */
DUET_API duet_node duet_input_at(const char *where, duet_graph *graph, const char *name, duet_type type,
                                 duet_shape shape);
#define duet_input(graph, name, type, shape) duet_input_at(DUET_WHERE, (graph), (name), (type), (shape))

/** A float32 constant: a scalar, broadcast wherever it is used. */
DUET_API duet_node duet_constant(duet_graph *graph, double value);

/** gradients[i] = d loss / d wrt[i], as nodes; zeros where the loss does not depend on it. The loss must be a scalar;
 *  wrt are parameters, states, inputs or nodes of duet_watch (others may have been simplified away).
 *  Every op's rule is written in ops, so the result can be differentiated again. An op without a rule on the way is a
 *  mistake recorded in the graph now, not at run time. */
DUET_API void duet_grad_at(const char *where, duet_node loss, const duet_node *wrt, size_t count, duet_node *gradients);
#define duet_grad(...) duet_grad_at(DUET_WHERE, __VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif
