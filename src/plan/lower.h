/* SPDX-License-Identifier: MIT */
/* Lowering: from nodes to steps. Decides what lies in memory, what is computed in registers, which values share a
 * kernel, and which steps share a launch. */
#ifndef DUET_SRC_PLAN_LOWER_H
#define DUET_SRC_PLAN_LOWER_H

#include "duet/ranks.h"
#include "graph/variable.h"
#include "graph/writer.h"
#include "product/gemm.h"

enum { DUET_NO_TENSOR = -1, DUET_STEP_ROOTS = DUET_KERNEL_RESULTS, DUET_STEP_LOADS = 24 };

typedef enum duet_home {
    DUET_HOME_ARENA,    /* shares memory with tensors that live at other times */
    DUET_HOME_OWN,      /* a zeroed buffer of its own: inputs, outputs, packs */
    DUET_HOME_VARIABLE, /* in a storage of the store */
    DUET_HOME_PART,     /* a part of another tensor */
} duet_home;

/** Something in device memory. */
typedef struct duet_tensor {
    duet_node node; /* NULL for scratch memory */
    duet_type type;
    size_t elements;
    duet_home home;
    duet_variable *variable; /* of a VARIABLE */
    bool written;            /* holds the variable's new value */
    int whole;               /* of a PART: the tensor it lies in */
    size_t part_offset;      /* elements into the whole */
    bool from_start;         /* must lie at the start of a buffer (CLBlast's workspace) */
    size_t first, last;      /* turns during which an ARENA tensor lives */
    size_t slab, offset;     /* of an ARENA tensor: where it was placed, in bytes */
    cl_mem buffer;           /* of an OWN tensor */
    bool given;              /* of an input: the host has written it */
} duet_tensor;

typedef enum duet_step_kind {
    DUET_STEP_MAP,
    DUET_STEP_REDUCE,   /* all of it, or sums of pieces in `scratch` */
    DUET_STEP_PARTIALS, /* adds up what a REDUCE step left there */
    DUET_STEP_PRODUCT,
    DUET_STEP_ALL_REDUCE /* the ranks' sum, where the operand lies; those of one level are one exchange */
} duet_step_kind;

/** How what is reduced lies in memory: [outputs, length], [length, outputs], or otherwise. */
typedef enum duet_reduce_layout { DUET_REDUCE_ROWS, DUET_REDUCE_COLUMNS, DUET_REDUCE_SCATTERED } duet_reduce_layout;

/** A value that a kernel computes and stores. With a counter, it is row counter mod `rows` of the target. The first one
 *  of a PRODUCT step is the product, or the sum it is added to; the others are computed from it in the same kernel. */
typedef struct duet_root {
    duet_node value;
    int target; /* DUET_NO_TENSOR: only the other roots need it */
    duet_node counter;
    size_t rows;
} duet_root;

typedef struct duet_read {
    int tensor;
    bool strided;
} duet_read;

typedef struct duet_step {
    duet_step_kind kind;
    size_t turn;       /* steps of one turn are one launch (a product's own may be two) */
    size_t level;      /* how many exchanges between ranks have to come before it */
    size_t elements;   /* MAP: work-items; the extent all roots share */
    size_t row_length; /* MAP: of the rows whose coordinates its roots ask for, 0 if none do */
    size_t numbers;    /* MAP, REDUCE: the most numbers among its kernel's arguments */
    duet_root roots[DUET_STEP_ROOTS];
    size_t root_count;
    duet_read reads[DUET_STEP_LOADS];
    size_t read_count;
    duet_node node;                          /* REDUCE, PARTIALS, PRODUCT */
    int a, b;                                /* PRODUCT: the operands */
    int low, high;                           /* PRODUCT: the numbers of its mask, if its provider asks for them */
    const float *low_numbers, *high_numbers; /* as duet_gemm_product */
    bool adds;                               /* PRODUCT: to what the target of its first root holds */
    size_t outputs, length, pieces;          /* REDUCE, PARTIALS */
    duet_reduce_layout layout;
    size_t lanes;   /* REDUCE: neighbours in memory that one work-item reads at once, */
    size_t sums;    /* of so many outputs, which are neighbours too */
    size_t columns; /* REDUCE: of the matrix in whose rows they lie */
    int scratch;    /* partial sums, or the GEMM's workspace */
    duet_gemm_shape shape;
    duet_gemm_choice gemm;
} duet_step;

typedef struct duet_lowering {
    duet_device *device;
    duet_graph *graph;
    bool *needed, *stored;
    size_t *uses;
    duet_node *added_to;      /* by node id: of a product the value it is added to in place; of that sum the product */
    duet_variable **assigned; /* by node id: the variable that takes the value at the end */
    int *tensor_of;           /* by node id; DUET_NO_TENSOR */
    size_t *levels;           /* by node id: how many all-reduces its value is made of, one after the other */
    size_t *ready_at;         /* by node id, while steps are placed: the step after which the value is in memory */
    duet_tensor *tensors;
    size_t tensor_count, tensor_capacity;
    duet_step *steps;
    size_t step_count, step_capacity;
    duet_kernel_writer probe; /* for dry runs */
    duet_error *error;
    bool failed;
} duet_lowering;

/** Fills `lowering` for the roots (values to read and assignments). */
duet_status duet_lower(duet_lowering *lowering, duet_device *device, duet_graph *graph, const duet_node *roots,
                       size_t count, duet_error *error);
void duet_lowering_free(duet_lowering *lowering);

/* Shared by the passes. */

/** Pass one (materialise.c): marks what is needed and what lies in memory. */
void duet_lowering_materialise(duet_lowering *lowering, const duet_node *roots, size_t count);
/** Writes `node` as a kernel's root into the probe: its loads are then what the root reads. Marks them as stored. */
void duet_lowering_probe(duet_lowering *lowering, duet_node node);
duet_status duet_lowering_no_memory(duet_lowering *lowering);

/* Steps and tensors (steps.c). */

/** A new tensor; of `node` if that has none yet (NULL: scratch memory). DUET_NO_TENSOR if memory is short. */
int duet_lowering_add_tensor(duet_lowering *lowering, duet_node node, duet_type type, size_t elements, duet_home home);
/** The tensor that holds a stored node, made at its first use. */
int duet_lowering_tensor(duet_lowering *lowering, duet_node node);
/** A new step at the end; NULL if memory is short. Valid until the next one. */
duet_step *duet_lowering_add_step(duet_lowering *lowering, duet_step_kind kind);
/** Remembers what a step reads; false if it reads too much. */
bool duet_step_add_read(duet_step *step, int tensor, bool strided);
/** Whether a kernel that works element by element, a map or the end of a product, has the node's value in registers. */
bool duet_step_computes(const duet_step *step, duet_node node);
/** The first step that may compute what the probe has just written. */
size_t duet_lowering_earliest_step(const duet_lowering *lowering);
/** Gives the root that the probe has just written a map step, not before `earliest`. */
void duet_lowering_place_root(duet_lowering *lowering, duet_root root, size_t earliest);
/** A root that copies a value in memory to another tensor. */
void duet_lowering_place_copy(duet_lowering *lowering, duet_node node, int target, size_t earliest);

/* Assignments (assign.c). */

/** Refuses two assignments to the same memory, one of which would have no effect. */
duet_status duet_check_targets(const duet_node *roots, size_t count, duet_error *error);
/** The first step at which a new value of the variable (may be NULL) can be written in place. */
size_t duet_lowering_after_readers(const duet_lowering *lowering, const duet_variable *variable);
void duet_lowering_place_row_write(duet_lowering *lowering, duet_node assign, size_t earliest);
/** Decides for all assignments among the roots, once every other value has its step. */
void duet_lowering_place_assigns(duet_lowering *lowering, const duet_node *roots, size_t count);

/* Products (products.c). */

/** What a step of the node reads as operand `index`: of a masked product weights without their mask, if its provider
 *  takes them so. */
duet_node duet_lowering_operand(const duet_lowering *lowering, duet_node node, size_t index);
void duet_lowering_place_product(duet_lowering *lowering, duet_node node);
/** The value that `product` was added to in place: from here on the step computes it. */
void duet_lowering_place_sum(duet_lowering *lowering, duet_node sum, duet_node product);
/** Results of products that only their own kernel reads are not stored. */
void duet_lowering_drop_products(duet_lowering *lowering);

/* Sums over ranks (all_reduce.c). */

/** Fills in lowering->levels. */
void duet_lowering_find_levels(duet_lowering *lowering);
/** Refuses what ranks cannot compute each from its rows of the batch: needed values, and what states would take. */
duet_status duet_lowering_check_dealt(const duet_lowering *lowering, duet_error *error);
void duet_lowering_place_all_reduce(duet_lowering *lowering, duet_node node);

/* Launches (bundle.c). */

/** Puts the steps in the order in which they run and gives each its turn. */
duet_status duet_lowering_bundle(duet_lowering *lowering);
/** The number of the first step after `first` that has another turn. */
size_t duet_lowering_turn_end(const duet_lowering *lowering, size_t first);

/* What lies where. */

/** Whether the device wants many small work-items side by side, as GPUs do, rather than few long ones. */
bool duet_is_wide(const duet_device *device);
/** Computed element by element in a map kernel. */
bool duet_is_computed(duet_node node);
/** An assignment that replaces one row of its target. */
bool duet_is_row_write(duet_node assign);

/** Whether a map can be cut into runs of neighbours that lie within rows of that length (0: it asks for no rows): on
 * CPUs, whose compilers make vectors of a loop over them (kernel_run.c). */
bool duet_can_run(const duet_lowering *lowering, const duet_step *step, size_t row_length);

/* How a reduction is shared out (reduce.c). */

/** What the step of a node that reduces says of outputs, length, pieces, layout, lanes, sums and columns. */
void duet_reduce_share_out(const duet_device *device, duet_step *step);
/** How many pieces each sum is cut into, so that the device is busy; another step adds them up. */
size_t duet_reduce_pieces(const duet_device *device, size_t work_items, size_t length);

/** Places ARENA tensors in slabs (memory.c): slab sizes grow as needed, at most `limit` bytes each. */
duet_status duet_place_tensors(duet_lowering *lowering, size_t limit, size_t **slab_bytes, size_t *slab_count,
                               duet_error *error);

#endif
