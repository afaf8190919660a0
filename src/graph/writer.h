/* SPDX-License-Identifier: MIT */
/* Writing OpenCL C for one element of a node. Views cost nothing: they only change the map from the kernel's index to
 * the node's coordinates; values that lie in memory are loaded, all others are computed in registers. */
#ifndef DUET_SRC_GRAPH_WRITER_H
#define DUET_SRC_GRAPH_WRITER_H

#include "base/text.h"
#include "graph/node.h"

/** Where in a node the kernel's element lies. Linear: element i is element i. Otherwise coordinate d of the node is
 *  step * (coordinate `source` of i in the frame's shape) + offset, or just offset where source is -1. A frame with a
 *  number other than 0 has coordinates that a reader computed (duet_write_coordinates), not those of i. */
struct duet_map {
    bool linear;
    duet_shape frame;
    size_t number;
    struct {
        int source;
        int64_t step, offset;
    } dims[DUET_MAX_RANK];
};

/** The name of a value in the kernel being written. */
struct duet_value {
    char text[32];
};

/** An expression for each coordinate of the kernel's element. */
typedef struct duet_coordinates {
    char text[DUET_MAX_RANK][64];
} duet_coordinates;

typedef struct duet_load {
    duet_node node; /* what lies in memory */
    bool strided;   /* some element other than i is read */
} duet_load;

enum { DUET_KERNEL_RESULTS = 8 };

struct duet_kernel_writer {
    duet_text body;
    const bool *is_stored; /* by node id */
    duet_node computing;   /* the root: computed here although it is stored */
    bool *mark_stored;     /* not NULL in a dry run: what must lie in memory is marked here, text is thrown away */
    duet_load *loads;      /* the kernel's buffer arguments, b0 o0, b1 o1, ... */
    size_t load_count, load_capacity;
    duet_type results[DUET_KERNEL_RESULTS]; /* then its results, r0 s0, r1 s1, ... */
    size_t result_count;
    float *constants; /* then the numbers, k0, k1, ... */
    size_t constant_count, constant_capacity;
    struct duet_written {
        duet_node node;
        duet_map map;
        duet_value value;
    } * written;
    size_t written_count, written_capacity;
    struct duet_frame {
        duet_shape shape;
        size_t number;                    /* of a map's frame */
        unsigned declared[DUET_MAX_RANK]; /* 0: not yet; else 1 + the depth of the block that declares it */
    } * frames;
    size_t frame_count, frame_capacity, frame_number, value_count;
    duet_text *run; /* what is computed once for a run of `count` elements from `first` on; NULL: there are no runs */
    size_t run_length; /* the most that a run has */
    unsigned depth;    /* of the blocks that are open */
    size_t columns;    /* not 0: see duet_writer_give_matrix */
    size_t lanes;      /* not 0: the column is `lane`, below that, and a multiple of it */
    duet_shape given;  /* rank not 0: see duet_writer_give_coordinates */
    duet_coordinates given_coordinates;
    size_t row_length; /* the longest last extent of a frame whose coordinates were asked for */
    size_t operations; /* of one element, in additions */
    bool random;       /* needs cl/philox.cl */
    bool failed;       /* out of memory */
};

void duet_writer_free(duet_kernel_writer *writer);
/** Empty, for a new kernel; keeps its memory and what it knows of the plan. */
void duet_writer_reset(duet_kernel_writer *writer);

duet_map duet_map_linear(void);
/** The identity on `shape`, coordinate by coordinate. */
duet_map duet_map_identity(duet_shape shape);

/** Tells the writer that the kernel already holds element i of `node`, in the variable `value`. */
void duet_writer_give(duet_kernel_writer *writer, duet_node node, const char *value);
/** Tells the writer that the kernel has declared `row` and `column`, the place of element i in a matrix of `columns`
 *  columns. Coordinates in frames whose last dimension has that extent are then made of them. To be called first. */
void duet_writer_give_matrix(duet_kernel_writer *writer, size_t columns);
/** Tells the writer how the kernel finds the coordinates of i in the frame of that shape. To be called first. */
void duet_writer_give_coordinates(duet_kernel_writer *writer, duet_shape shape, const duet_coordinates *coordinates);

/** Element of `node` at `map`. */
duet_value duet_write_node(duet_kernel_writer *writer, duet_node node, const duet_map *map);
/** Coordinate `axis` of the kernel's element i in a frame of that shape. */
duet_value duet_write_frame(duet_kernel_writer *writer, duet_shape frame, size_t axis);
/** The map to the element of a node of that shape at coordinates which the kernel has computed. */
duet_map duet_write_coordinates(duet_kernel_writer *writer, duet_shape shape, const duet_value *coordinates);
/** Coordinate `axis` of the node's element at `map`. */
duet_value duet_write_coordinate(duet_kernel_writer *writer, duet_node node, const duet_map *map, size_t axis);
/** The linear index of the node's element at `map`. */
duet_value duet_write_index(duet_kernel_writer *writer, duet_node node, const duet_map *map);
/** An element of a node in memory, as an expression that loads only where it is evaluated. */
void duet_write_element(duet_kernel_writer *writer, duet_node node, const char *index, bool strided,
                        char expression[96]);
/** A new value of the given type from an expression. */
duet_value duet_write_let(duet_kernel_writer *writer, duet_type type, const char *format, ...) DUET_PRINTF(3, 4);
duet_value duet_write_constant(duet_kernel_writer *writer, double value);
/** A variable that starts at 0, for a reader that adds up. */
duet_value duet_write_sum(duet_kernel_writer *writer);

/** What is known before a block of the kernel, for its end. */
typedef struct duet_block {
    size_t written_count, frame_count, operations, times;
} duet_block;
/** Opens a loop over a new counter, 0 to times - 1; what is written until it is closed is known inside alone. */
duet_block duet_write_loop(duet_kernel_writer *writer, size_t times, duet_value *counter);
void duet_write_loop_end(duet_kernel_writer *writer, duet_block block);

/** The argument number of a node in memory; `strided` is remembered. */
size_t duet_write_argument(duet_kernel_writer *writer, duet_node node, bool strided);
/** ", __global const float *b0, const ulong o0, ..., __global float *r0, const ulong s0, ..., const float k0, ...",
 *  each name after `prefix`. */
void duet_write_parameters(const duet_kernel_writer *writer, const char *prefix, duet_text *text);
/** Their names: ", b0, o0, ..., r0, s0, ..., k0, ...". */
void duet_write_parameter_names(const duet_kernel_writer *writer, const char *prefix, duet_text *text);

const char *duet_type_text(duet_type type);

#endif
