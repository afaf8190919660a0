/* Writing OpenCL C for one element of a node. Views cost nothing: they only change the map from the kernel's index to
 * the node's coordinates; values that lie in memory are loaded, all others are computed in registers. */
#ifndef DUET_SRC_GRAPH_WRITER_H
#define DUET_SRC_GRAPH_WRITER_H

#include "base/text.h"
#include "graph/node.h"

/** Where in a node the kernel's element lies. Linear: element i is element i. Otherwise coordinate d of the node is
 *  step * (coordinate `source` of i in the frame's shape) + offset, or just offset where source is -1. */
struct duet_map {
    bool linear;
    duet_shape frame;
    struct {
        int source;
        int64_t step, offset;
    } dims[DUET_MAX_RANK];
};

/** The name of a value in the kernel being written. */
struct duet_value {
    char text[32];
};

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
        bool declared[DUET_MAX_RANK];
    } * frames;
    size_t frame_count, frame_capacity, value_count;
    duet_text *run;    /* what is computed once for a run of `count` elements from `first` on; NULL: there are no runs */
    size_t columns;    /* of the matrix that was given; 0: none was */
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

/** Tells the writer that `value` names element i of `node`, which the kernel has already. */
void duet_writer_give(duet_kernel_writer *writer, duet_node node, const char *value);
/** Tells the writer that `row` and `column` are declared as those of i in a matrix with so many columns: coordinates in
 *  frames whose last dimension has that extent are then made of them. */
void duet_writer_give_matrix(duet_kernel_writer *writer, size_t columns);

/** Element of `node` at `map`. */
duet_value duet_write_node(duet_kernel_writer *writer, duet_node node, const duet_map *map);
/** Coordinate `axis` of the kernel's element i in a frame of that shape. */
duet_value duet_write_frame(duet_kernel_writer *writer, duet_shape frame, size_t axis);
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

/** The argument number of a node in memory; `strided` is remembered. */
size_t duet_write_argument(duet_kernel_writer *writer, duet_node node, bool strided);
/** ", __global const float *b0, const ulong o0, ..., __global float *r0, const ulong s0, ..., const float k0, ...". */
void duet_write_parameters(const duet_kernel_writer *writer, duet_text *text);
/** Their names: ", b0, o0, ..., r0, s0, ..., k0, ...". */
void duet_write_parameter_names(const duet_kernel_writer *writer, duet_text *text);

const char *duet_type_text(duet_type type);

#endif
