/* SPDX-License-Identifier: MIT */
/* What a plan does, as plain data: its launches, the tensors they read and store, and the memory these lie in. For
 * learners, for programs that draw a plan, and for tests of the planner. */
#ifndef DUET_EXPLAIN_H
#define DUET_EXPLAIN_H

#include "bench.h"
#include "graph.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a buffer of the device holds. */
typedef enum duet_memory_kind {
    DUET_MEMORY_ARENA,      /**< a slab of the arena: tensors that live at different times share it */
    DUET_MEMORY_PARAMETERS, /**< a group's parameters */
    DUET_MEMORY_MOMENTS,    /**< one of the optimiser's means for a group */
    DUET_MEMORY_STATE,      /**< a state: counters, histories, what a model keeps itself */
    DUET_MEMORY_DATA,       /**< the examples */
    DUET_MEMORY_GRADIENTS,  /**< a group's gradients, one after the other */
    DUET_MEMORY_OWN,        /**< an input, or a result that the host reads */
} duet_memory_kind;

/** Lower-case words for a kind: "arena", "parameters", ... Static storage. */
DUET_API const char *duet_memory_kind_name(duet_memory_kind kind);

typedef struct duet_explained_memory {
    duet_memory_kind kind;
    const char *name;     /**< "encoder", "encoder.moment1", "slab 0", ... */
    const char *group;    /**< of PARAMETERS, MOMENTS and GRADIENTS; else NULL */
    uint64_t bytes;       /**< of the whole buffer */
    const void *identity; /**< equal in two explanations if it is the same buffer; never to be followed */
} duet_explained_memory;

/** A variable in a memory of kind PARAMETERS, MOMENTS, STATE or DATA. */
typedef struct duet_explained_variable {
    const char *name;
    size_t memory; /**< index into the explanation's memories */
    duet_type type;
    duet_shape shape;
    uint64_t offset, bytes; /**< in that memory */
} duet_explained_variable;

typedef struct duet_explained_tensor {
    const char *name; /**< a variable's, "gradient of NAME", a name of the model's, else "t12" */
    duet_type type;
    duet_shape shape;
    size_t memory;          /**< index into the explanation's memories */
    uint64_t offset, bytes; /**< in that memory */
    size_t first, last;     /**< the launches during which the planner keeps its memory for it */
    bool replaces;          /**< holds the new value of the variable whose memory it lies in */
} duet_explained_tensor;

typedef enum duet_launch_kind {
    DUET_LAUNCH_MAP,
    DUET_LAUNCH_REDUCE,
    DUET_LAUNCH_MATMUL,
    DUET_LAUNCH_CONVOLUTION,
    DUET_LAUNCH_BUNDLE,    /**< maps and reductions side by side */
    DUET_LAUNCH_ALL_REDUCE /**< sums over ranks, each of its parts */
} duet_launch_kind;

/** "map", "reduce", "matmul", "convolution", "bundle", "all_reduce". Static storage. */
DUET_API const char *duet_launch_kind_name(duet_launch_kind kind);

/** What a launch stores into one tensor. */
typedef struct duet_explained_result {
    size_t tensor;     /**< index into the explanation's tensors */
    const char *value; /**< over names of tensors, such as "relu(t3 + encoder.hidden1.bias)"; "..." where cut short */
    bool adds;         /**< to what the tensor holds */
    bool row;          /**< one row of the tensor alone is written */
} duet_explained_result;

/** A matrix product: [m, n] = op(a) [m, k] op(b) [k, n]. Of a convolution a is what is read through the window, k
 * counts the taps in the padding too, and the window's padding after is the least that the result needs. */
typedef struct duet_explained_product {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    const char *provider; /**< static storage */
    duet_convolution_product convolution;
} duet_explained_product;

/** What a launch does in one go: all it does, or one of the parts of a BUNDLE, of which none reads or stores what
 * another one stores. */
typedef struct duet_explained_part {
    duet_launch_kind kind;
    bool prepares;       /**< only the first part of a computation: rearranges an operand, sums pieces */
    const size_t *reads; /**< tensors that are read from memory */
    size_t read_count;
    const duet_explained_result *results;
    size_t result_count;
} duet_explained_part;

typedef struct duet_explained_launch {
    const char *name; /**< as in the profile */
    duet_launch_kind kind;
    bool prepares;        /**< as all its parts do */
    bool library;         /**< a call into a library, which launches kernels of its own */
    const char *function; /**< the kernel's name in its program; NULL for a library call */
    size_t program;       /**< on a device on paper: duet_device_paper_program's index; else 0 */
    const char *file;     /**< of cl/, where the kernel is written by hand; NULL if it is generated or a library's */
    size_t work_items;    /**< 0 if unknown */
    size_t work_group;    /**< 0: the driver chooses */
    double flops, bytes;
    duet_explained_product product; /**< of a MATMUL or a CONVOLUTION */
    const duet_explained_part *parts;
    size_t part_count;   /**< 1 but for a BUNDLE */
    const size_t *reads; /**< of all parts, each tensor once */
    size_t read_count;
    const duet_explained_result *results; /**< of all parts */
    size_t result_count;
} duet_explained_launch;

typedef struct duet_explanation {
    const char *plan;
    const duet_explained_launch *launches; /**< in the order in which a replay enqueues them */
    size_t launch_count;
    const duet_explained_tensor *tensors;
    size_t tensor_count;
    const duet_explained_memory *memories;
    size_t memory_count;
    const duet_explained_variable *variables;
    size_t variable_count;
    void *owned;
} duet_explanation;

/** Explains a plan. Everything is copied, so the explanation may outlive the plan; free it with duet_explanation_free.
 *  Errors: DUET_ERROR_MEMORY. */
DUET_API duet_status duet_plan_explain(const duet_plan *plan, duet_explanation *explanation, duet_error *error);
/** Frees what it holds and empties it. NULL or an empty one is fine. */
DUET_API void duet_explanation_free(duet_explanation *explanation);

/** Whether two tensors of one explanation have bytes in common. */
DUET_API bool duet_tensors_overlap(const duet_explained_tensor *a, const duet_explained_tensor *b);

/** The text of a file of cl/ ("gemm_panel.cl") as kernels are built from it: $DUET_CL_PATH's or the built-in one. The
 *  caller frees it. Errors: DUET_ERROR_USAGE for a file that does not exist. */
DUET_API duet_status duet_kernel_file(const char *file, char **text, duet_error *error);

#ifdef __cplusplus
}
#endif

#endif
