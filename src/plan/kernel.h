/* SPDX-License-Identifier: MIT */
/* The text of the kernels that a plan generates: maps, reductions, several of these side by side, and the ends of
 * products. Equal texts are one kernel of the program. */
#ifndef DUET_SRC_PLAN_KERNEL_H
#define DUET_SRC_PLAN_KERNEL_H

#include "plan/lower.h"

/** An argument of a generated kernel after the leading uint ones: a tensor (its buffer, then its offset), or a number.
 */
typedef struct duet_kernel_argument {
    int tensor; /* DUET_NO_TENSOR: a number */
    float number;
} duet_kernel_argument;

/** One launch of a generated kernel. */
typedef struct duet_kernel_text {
    size_t step;       /* the first of its turn */
    size_t table;      /* of the plan's set, and */
    size_t kernel;     /* index into it */
    uint32_t sizes[3]; /* leading uint arguments */
    size_t size_count;
    duet_kernel_argument *arguments;
    size_t argument_count, argument_capacity;
    size_t work_items;
    size_t rows;       /* a second dimension of the launch; 0: it has one */
    size_t local_rows; /* of a work-group, in that dimension */
    size_t local;      /* work-group size; work_items is a multiple of it unless the kernel checks its bounds */
    size_t visited;    /* elements of the index space, the most that is read of a tensor in any sensible kernel */
    double flops, bytes;
} duet_kernel_text;

/** Distinct kernels by their text, in which '@' stands for the name. They are compiled together. Products' kernels are
 *  a few definitions and a line #include, in whose place the provider's file is pasted. */
typedef struct duet_kernel_table {
    char options[sizeof((duet_gemm_source *)0)->options]; /* of the compiler */
    struct {
        char name[64];
        char *body;
    } * items;
    size_t count, capacity;
    bool random; /* some kernel draws random numbers */
} duet_kernel_table;

/** Writes the launch of one MAP, REDUCE or PARTIALS step. The caller frees its arguments. */
duet_status duet_kernel_write(duet_lowering *lowering, size_t step, duet_kernel_table *table, duet_kernel_text *launch,
                              duet_error *error);
/** The same for steps `first` to `end` - 1, which do not depend on each other (kernel_bundle.c). */
duet_status duet_kernel_write_bundle(duet_lowering *lowering, size_t first, size_t end, duet_kernel_table *table,
                                     duet_kernel_text *launch, duet_error *error);

/* Shared by the kinds of kernel. */

/** The code of one step while it is written, for a kernel of its own or as a part of one. */
typedef struct duet_kernel_code {
    bool is_part;         /* set before: it knows `id` alone, and that this work-item exists */
    char prefix[24];      /* set before: of the names of its arguments in the kernel that calls it */
    char what[64];        /* what it computes: becomes a part of the kernel's name */
    const char *sizes;    /* the leading uint parameters, "const uint count" */
    duet_text parameters; /* the others: ", __global const float *b0, const ulong o0" and so on */
    duet_text outer;      /* the same under the prefix */
    duet_text names;      /* only their names, under the prefix */
    duet_text body;       /* what work-item `id` does */
    bool random;          /* needs cl/philox.cl */
} duet_kernel_code;

/** Writes a MAP, REDUCE or PARTIALS step as code, and what it is called with. */
duet_status duet_kernel_write_code(duet_lowering *lowering, const duet_step *step, duet_kernel_code *code,
                                   duet_kernel_text *launch, duet_error *error);
/** The end of that: the parameters that the writer has asked for, and its results. */
duet_status duet_kernel_end_code(const duet_lowering *lowering, duet_kernel_writer *writer, const int *targets,
                                 duet_kernel_code *code, duet_kernel_text *launch, duet_error *error);
/** Whether everything could be written. */
duet_status duet_kernel_check_code(const duet_kernel_code *code, duet_error *error);
void duet_kernel_code_free(duet_kernel_code *code);

/** The kernel with this text, new or known. `what` says what it computes and becomes a part of its name. */
duet_status duet_kernel_intern(duet_kernel_table *table, const char *what, const duet_text *body, size_t *index,
                               duet_error *error);
/** Adds a kernel under this name, unless there is one. */
duet_status duet_kernel_add(duet_kernel_table *table, const char *name, const duet_text *body, duet_error *error);
duet_status duet_kernel_add_argument(const duet_lowering *lowering, duet_kernel_text *launch, int tensor, float number,
                                     duet_error *error);
/** The launch's arguments in the order of duet_write_parameters. */
duet_status duet_kernel_bind(const duet_lowering *lowering, const duet_kernel_writer *writer, const int *targets,
                             duet_kernel_text *launch, duet_error *error);
/** Whether everything could be written. */
duet_status duet_kernel_check(duet_kernel_writer *writer, duet_kernel_table *table, duet_error *error);
size_t duet_kernel_local_size(const duet_lowering *lowering, size_t work_items);

/** The code of a reduction, or of its pieces (kernel_reduce.c), and of what adds the pieces up. */
duet_status duet_kernel_write_reduce(const duet_lowering *lowering, const duet_step *step, duet_kernel_code *code,
                                     duet_kernel_text *launch, duet_error *error);
duet_status duet_kernel_write_partials(const duet_lowering *lowering, const duet_step *step, duet_kernel_code *code,
                                       duet_kernel_text *launch, duet_error *error);

/** The parts of a kernel over runs of `count` elements from `first` on, at column `start` of their row. */
typedef struct duet_run_text {
    duet_text arrays, once, keeps, stores;
} duet_run_text;

/** Writes the roots of a step as values of a run (kernel_run.c). */
void duet_kernel_write_run(duet_kernel_writer *writer, const duet_lowering *lowering, const duet_step *step,
                           duet_run_text *text, int *targets);
/** Appends the loops over a run; `declarations` come first in the one that computes. */
void duet_kernel_add_run(duet_text *text, const duet_kernel_writer *writer, const duet_run_text *run,
                         const char *declarations);
/** False if memory was short while it was written. */
bool duet_run_text_free(duet_run_text *run);
/** The body of a map over runs, if `always` or if neighbours share work there, and the device gains by it.
 * `row_length`: the extent of the rows whose coordinates are asked for, 0 if none are. The launch has
 * duet_kernel_runs(elements) work-items. */
bool duet_kernel_write_map_run(const duet_lowering *lowering, const duet_step *step, size_t row_length, bool always,
                               duet_kernel_writer *writer, duet_text *text, int *targets);
size_t duet_kernel_runs(size_t elements);

/** Adds a product's kernels as they are: the one that prepares, and, without an epilogue, the one that writes
 *  (kernel_product.c). */
duet_status duet_kernel_add_product(duet_kernel_table *table, const duet_gemm_source *source, bool has_epilogue,
                                    duet_error *error);
/** The end of a PRODUCT step of several roots, as an instance of the provider's kernel that writes. */
duet_status duet_kernel_write_product(duet_lowering *lowering, size_t step, const duet_gemm_source *source,
                                      duet_kernel_table *table, duet_kernel_text *launch, duet_error *error);

void duet_kernel_table_free(duet_kernel_table *table);

#endif
