/* SPDX-License-Identifier: MIT */
/* One expression, read twice: as nodes for the device, and as numbers in double for the reference. A case is written
 * once as a function over twins, and each op here takes both of its meanings side by side. */
#ifndef DUET_SRC_CHECK_TWIN_H
#define DUET_SRC_CHECK_TWIN_H

#include "check/plain.h"
#include "duet/op.h"

/** A reading under way. With a graph it makes nodes, without one it computes numbers in the arena. */
typedef struct duet_twin {
    const char *where; /**< the case's name, which the graph's errors show */
    duet_graph *graph;
    duet_plain_arena *arena;
} duet_twin;

/** A value in either reading: the other half is empty. */
typedef struct duet_twin_value {
    duet_node node;
    duet_plain plain;
} duet_twin_value;

/* Elementwise ops, by their builder and their meaning for one number. */

typedef duet_node (*duet_build1)(const char *where, duet_node x);
typedef duet_node (*duet_build2)(const char *where, duet_node a, duet_node b);
typedef duet_node (*duet_build_with)(const char *where, duet_node x, double parameter);

duet_twin_value duet_twin_map1(duet_twin *t, duet_build1 build, double (*meaning)(double), duet_twin_value x);
duet_twin_value duet_twin_map2(duet_twin *t, duet_build2 build, double (*meaning)(double, double), duet_twin_value a,
                               duet_twin_value b);
/** An op with a parameter, such as the slope of a leaky ReLU. */
duet_twin_value duet_twin_map_with(duet_twin *t, duet_build_with build, double (*meaning)(double x, double parameter),
                                   duet_twin_value x, double parameter);
duet_twin_value duet_twin_clamp(duet_twin *t, duet_twin_value x, double low, double high);
duet_twin_value duet_twin_select(duet_twin *t, duet_twin_value condition, duet_twin_value yes, duet_twin_value no);
duet_twin_value duet_twin_constant(duet_twin *t, double value);

/* Reductions, by their builder and the plain one. */

typedef duet_node (*duet_build_reduction)(const char *where, duet_node x, unsigned axes, bool keep);
typedef duet_plain (*duet_plain_reduction)(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep);

duet_twin_value duet_twin_reduce(duet_twin *t, duet_build_reduction build, duet_plain_reduction meaning,
                                 duet_twin_value x, unsigned axes, bool keep);
duet_twin_value duet_twin_sum(duet_twin *t, duet_twin_value x, unsigned axes, bool keep);

/* The rest. */

duet_twin_value duet_twin_reshape(duet_twin *t, duet_twin_value x, duet_shape shape);
duet_twin_value duet_twin_broadcast(duet_twin *t, duet_twin_value x, duet_shape shape);
duet_twin_value duet_twin_permute(duet_twin *t, duet_twin_value x, const size_t *order);
duet_twin_value duet_twin_transpose(duet_twin *t, duet_twin_value x);
duet_twin_value duet_twin_slice(duet_twin *t, duet_twin_value x, size_t axis, size_t start, size_t length);
duet_twin_value duet_twin_pad(duet_twin *t, duet_twin_value x, size_t axis, size_t before, size_t after);
duet_twin_value duet_twin_concat(duet_twin *t, const duet_twin_value *parts, size_t count, size_t axis);
duet_twin_value duet_twin_matmul(duet_twin *t, duet_twin_value a, duet_twin_value b, bool transpose_a,
                                 bool transpose_b);
duet_twin_value duet_twin_convolution(duet_twin *t, duet_twin_value x, duet_twin_value w, const duet_window *window,
                                      size_t groups);
duet_twin_value duet_twin_transposed_convolution(duet_twin *t, duet_twin_value y, duet_twin_value w,
                                                 const duet_window *window, size_t groups, size_t height, size_t width);
duet_twin_value duet_twin_convolution_weights(duet_twin *t, duet_twin_value x, duet_twin_value y,
                                              const duet_window *window, size_t groups);
duet_twin_value duet_twin_gather(duet_twin *t, duet_twin_value table, duet_twin_value index);

/* The ops that cases compose most. */

duet_twin_value duet_twin_add(duet_twin *t, duet_twin_value a, duet_twin_value b);
duet_twin_value duet_twin_subtract(duet_twin *t, duet_twin_value a, duet_twin_value b);
duet_twin_value duet_twin_multiply(duet_twin *t, duet_twin_value a, duet_twin_value b);
duet_twin_value duet_twin_exp(duet_twin *t, duet_twin_value x);
duet_twin_value duet_twin_tanh(duet_twin *t, duet_twin_value x);

#endif
