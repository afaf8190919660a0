/* SPDX-License-Identifier: MIT */
/* Nodes and what the graph needs to know of an op. The ops themselves are rows in the layer above; here an op is a
 * description: how its elements are computed, how it is lowered, and which nodes its gradient is. */
#ifndef DUET_SRC_GRAPH_NODE_H
#define DUET_SRC_GRAPH_NODE_H

#include "base/status.h"
#include "duet/graph.h"

typedef struct duet_op duet_op;
typedef struct duet_map duet_map;
typedef struct duet_kernel_writer duet_kernel_writer;
typedef struct duet_value duet_value;
struct duet_lowering;

/** What tells two nodes of one op apart beside inputs and shape; meaning by op, unused fields zero. Compared by
 *  bytes, so it has no padding. */
typedef struct duet_attributes {
    double number[2];
    size_t size[DUET_MAX_RANK];
    const void *object;
} duet_attributes;

/** How a value's elements are dealt out to ranks: in the order of its elements it is [outer, rows of the batch here,
 *  inner]. outer 0: every rank has the whole value; inner 0: it cannot be dealt out. (deal.h) */
typedef struct duet_deal {
    size_t outer, inner;
} duet_deal;

struct duet_node_record {
    duet_graph *graph;
    const duet_op *op;
    size_t id; /* inputs have smaller ones: ascending ids are a topological order */
    duet_type type;
    duet_shape shape;
    size_t elements;
    duet_node *inputs;
    size_t input_count;
    duet_attributes attributes;
    duet_deal deal;
    bool is_ranked; /* each rank has another value, of all its rows together, such as a sum before the ranks' sum */
    duet_node whole; /* what stands for it: itself, or the ranks' sum of it */
    const char *where;
    duet_node next_in_bucket;
};

typedef enum duet_op_kind {
    DUET_OP_CONSTANT,    /* number[0], a kernel argument */
    DUET_OP_VARIABLE,    /* object: the duet_variable */
    DUET_OP_INPUT,       /* object: its name; never shared */
    DUET_OP_ELEMENTWISE, /* element i from elements i of the inputs, by `expression` */
    DUET_OP_VIEW,        /* element at c is the input's at view(c): nothing is computed */
    DUET_OP_READER,      /* element from any elements of inputs that lie in memory, by `write` */
    DUET_OP_REDUCE,      /* over the axes in size[0], which stay with extent 1, by `expression` from `start` */
    DUET_OP_MATMUL,      /* size[0], size[1]: the transposes */
    DUET_OP_CONVOLUTION, /* by `product` */
    DUET_OP_PACK,        /* inputs, flattened, where the variables of the storage in `object` lie */
    DUET_OP_ALL_REDUCE,  /* the sum of what the ranks have of its input */
    DUET_OP_ASSIGN,      /* inputs: the variable, its new value */
    DUET_OP_BROKEN,      /* stands for what a mistake could not build */
} duet_op_kind;

struct duet_gemm_shape;

/** What an op makes of operands that are dealt out. */
typedef enum duet_dealing {
    DUET_DEALT_NOT,  /* the same on every rank */
    DUET_DEALT,      /* each rank has its rows */
    DUET_DEALT_SUM,  /* the sum of what the ranks have */
    DUET_DEALT_BADLY /* each row depends on rows of other ranks */
} duet_dealing;

struct duet_op {
    const char *name;
    duet_op_kind kind;
    /* OpenCL C. ELEMENTWISE: of a, b, c (the inputs' elements) and m, n (number[0], number[1]). REDUCE: of a (so far)
     * and b (the next element). */
    const char *expression;
    const char *start; /* REDUCE: the first `a` */
    unsigned cost;     /* of one element, an addition is 1 */
    /* Fills gradients[i], d loss / d inputs[i], from `upstream`, d loss / d node; NULL entries: nothing flows. NULL
     * function: no gradient rule. */
    void (*gradient)(duet_node node, duet_node upstream, duet_node *gradients);
    bool
        is_recomputed; /* cheaper to compute again than to keep, at any number of uses: never stored for its own sake */
    bool replaces_row; /* is with_row: an assignment of it writes the row alone */
    bool blocks_gradient; /* by meaning: constants, comparisons, stop_gradient */
    /* How the node's value is dealt out where operands are; NULL: as deal.c has it for the kind. */
    duet_dealing (*deal)(duet_node node, duet_deal *deal);
    void (*view)(duet_node node, const duet_map *outside, duet_map *inside);
    duet_value (*write)(duet_kernel_writer *writer, duet_node node, const duet_map *map);
    void (*product)(duet_node node, struct duet_gemm_shape *shape); /* MATMUL, CONVOLUTION: what the device computes */
};

/** The graph's first mistake without its place; its status is DUET_OK if there is none. */
const duet_error *duet_graph_mistake(const duet_graph *graph);
/** Whether a name can stand in a run's files, which are UTF-8; a mistake of the graph, which begins with `what`, if
 * not. */
bool duet_graph_takes_name(const char *where, duet_graph *graph, const char *what, const char *name);
/** From now on mistakes are those of this line, whichever one finds them; NULL: of the lines that find them. Returns
 * what was said before. For functions of the library that compose much from what one call was given. */
const char *duet_graph_blame(duet_graph *graph, const char *where);
/** Records what a function that was asked for `what` said: with a place if it is a mistake of the code. */
void duet_graph_take(const char *where, duet_graph *graph, const char *what, const duet_error *error);

/** Finds an equal node or makes one. Inputs are copied. Records the mistake if sizes overflow. `shared` false: always
 *  a new node. A broken input gives a broken node. */
duet_node duet_node_make(const char *where, duet_graph *graph, const duet_op *op, duet_type type, duet_shape shape,
                         const duet_node *inputs, size_t count, const duet_attributes *attributes, bool shared);
duet_node duet_node_broken(duet_graph *graph);
bool duet_node_is_broken(duet_node node);
/** A view whose elements come in its operand's order. */
bool duet_node_keeps_order(duet_node node);
/** The node whose memory holds `node`: views that keep the order of elements share it. */
duet_node duet_node_in_memory(duet_node node);
/** Whether `other`, an operand beside `x`, stands for a mistake; records one if it is NULL. */
bool duet_operand_is_broken(const char *where, const duet_op *op, duet_node x, duet_node other);
/** Computed by a GEMM provider. */
bool duet_node_is_product(duet_node node);
/** In memory before any plan runs: a variable or an input. */
bool duet_is_leaf(duet_node node);
/** Node `id` of the graph, for walks in topological order. */
duet_node duet_graph_at(const duet_graph *graph, size_t id);
duet_store *duet_graph_store(const duet_graph *graph);
/** Where the graph keeps what it counts by itself, the random clock above all: its store, or another one that it was
 *  told to work in. Use of a trained model works in a store of its own, so that nothing of it enters a checkpoint. */
duet_store *duet_graph_working_store(const duet_graph *graph);
/** Before any node is made. `rows`: of the batch; random nodes then go on where the rows before them ended, as the
 *  state "random.row" says (duet_graph_rows), so that what row r draws does not depend on the batch it is in. */
void duet_graph_work_in(duet_graph *graph, duet_store *store, size_t rows);
/** 0: random nodes know no rows. */
size_t duet_graph_rows(const duet_graph *graph);
/** A state of that store. */
duet_node duet_working_state(duet_graph *graph, const char *name, duet_type type, duet_shape shape,
                             duet_initialiser start);
/** As duet_state_at, of any store that outlives the graph. */
duet_node duet_store_state_at(const char *where, duet_graph *graph, duet_store *store, const char *name, duet_type type,
                              duet_shape shape, duet_initialiser start);
/** Draws made from here on, until the end, stay the same at every tick of the clock, and do not depend on what was
 * drawn before: their streams are counted from `first`. Scopes do not nest. */
void duet_graph_still_begin(duet_graph *graph, uint32_t first);
void duet_graph_still_end(duet_graph *graph);
bool duet_graph_is_still(const duet_graph *graph);
/** What layers made now are under, and what they leave behind. */
typedef struct duet_scopes {
    size_t average;      /* depth of scopes in which parameters are read as their averages */
    char prefix[128];    /* of the names of parameters and states, "left.inner." */
    bool has_batch_norm; /* one was made in the graph, in whichever scope */
} duet_scopes;

duet_scopes *duet_graph_scopes(duet_graph *graph);
/** A stream number of the graph's own for one random node: 0, 1, 2, ... */
uint32_t duet_graph_next_stream(duet_graph *graph);

/** What duet_state_follow said: when `trigger` is computed, `state` becomes keep * state + (1 - keep) * value. */
typedef struct duet_follower {
    const char *where;
    duet_node state, value, trigger;
    double keep;
} duet_follower;

/** In the order of the calls; NULL past the end. Valid until the next one is made. */
const duet_follower *duet_graph_follower(const duet_graph *graph, size_t index);

/** What duet_graph_want_unit_range said: `node` has to lie in [0, 1], or what `what` computes of it has no meaning. */
typedef struct duet_unit_want {
    const char *where, *what, *instead; /* instead: what is for any numbers, or NULL */
    duet_node logits, node, loss;       /* logits: beside it, or NULL; loss: what is computed of them */
} duet_unit_want;

/** Of a number outside a mistake; of all else the model sees to it that it is said of examples. */
void duet_graph_want_unit_range(const char *where, duet_node logits, duet_node node, duet_node loss, const char *what,
                                const char *instead);
/** In the order of the calls; NULL past the end. Valid until the next one is made. */
const duet_unit_want *duet_graph_unit_want(const duet_graph *graph, size_t index);

bool duet_shape_equal(duet_shape a, duet_shape b);
/** "[128, 784]", for messages; returns `text`. */
const char *duet_shape_text(duet_shape shape, char text[96]);
/** "[0, 2]" of a mask of axes, "all" of DUET_ALL_AXES; returns `text`. */
const char *duet_axes_text(unsigned axes, char text[96]);
/** "float32". */
const char *duet_type_name(duet_type type);
/** What a value is, for messages where its type may be what does not fit: "uint32 [128]", or "[128, 784]" of float32,
 *  which nearly all are; returns `text`. */
const char *duet_value_text(duet_type type, duet_shape shape, char text[96]);
const char *duet_node_text(duet_node node, char text[96]);

/** All ranks' sum of the node, which the same op with other rows gives them. */
extern const duet_op duet_op_all_reduce;
extern const duet_op duet_op_constant, duet_op_variable, duet_op_input, duet_op_assign, duet_op_pack, duet_op_broken;

/** The flat block of a group's gradients: one input for each of the storage's `count` saved variables, in their order.
 *  [elements of the storage]; padding between variables is zero. */
duet_node duet_pack(const char *where, duet_graph *graph, const void *storage, size_t elements, const duet_node *inputs,
                    size_t count);

#endif
