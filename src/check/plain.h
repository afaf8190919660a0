/* SPDX-License-Identifier: MIT */
/* The plain reference: tensors in double and every structured op as the loops that define it. Slow, short and free of
 * all that makes the device fast; what the device computes is judged by this. */
#ifndef DUET_SRC_CHECK_PLAIN_H
#define DUET_SRC_CHECK_PLAIN_H

#include "duet/graph.h"
#include "duet/window.h"

/** An initialiser of a square window without dilation. */
#define DUET_SQUARE(extent, steps, before, after)                                                                      \
    {                                                                                                                  \
        .size = {extent, extent}, .stride = {steps, steps}, .dilation = {1, 1}, .pad_before = {before, before},        \
        .pad_after = {                                                                                                 \
            after,                                                                                                     \
            after                                                                                                      \
        }                                                                                                              \
    }

/** Where tensors of one evaluation live: a block used from the front and emptied by setting used to 0. When it is full
 *  `failed` is set, and tensors made from then on are empty. */
typedef struct duet_plain_arena {
    double *values;
    size_t capacity, used;
    bool failed;
} duet_plain_arena;

/** A tensor, row-major. Its values belong to the arena, or to the caller who filled them in. */
typedef struct duet_plain {
    duet_shape shape;
    size_t count;
    double *values;
} duet_plain;

double duet_plus(double a, double b);
double duet_minus(double a, double b);
double duet_times(double a, double b);
double duet_over(double a, double b);

duet_plain duet_plain_new(duet_plain_arena *arena, duet_shape shape);

/** f over the operands, broadcast as numpy does. */
duet_plain duet_plain_map1(duet_plain_arena *arena, double (*f)(double), duet_plain x);
duet_plain duet_plain_map2(duet_plain_arena *arena, double (*f)(double, double), duet_plain a, duet_plain b);
duet_plain duet_plain_map3(duet_plain_arena *arena, double (*f)(double, double, double), duet_plain a, duet_plain b,
                           duet_plain c);

duet_plain duet_plain_reshape(duet_plain_arena *arena, duet_plain x, duet_shape shape);
duet_plain duet_plain_broadcast(duet_plain_arena *arena, duet_plain x, duet_shape shape);
duet_plain duet_plain_permute(duet_plain_arena *arena, duet_plain x, const size_t *order);
duet_plain duet_plain_slice(duet_plain_arena *arena, duet_plain x, size_t axis, size_t start, size_t length);
duet_plain duet_plain_pad(duet_plain_arena *arena, duet_plain x, size_t axis, size_t before, size_t after);
duet_plain duet_plain_concat(duet_plain_arena *arena, const duet_plain *parts, size_t count, size_t axis);

duet_plain duet_plain_sum(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep);
duet_plain duet_plain_mean(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep);
duet_plain duet_plain_max(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep);
duet_plain duet_plain_logsumexp(duet_plain_arena *arena, duet_plain x, unsigned axes, bool keep);

duet_plain duet_plain_matmul(duet_plain_arena *arena, duet_plain a, duet_plain b, bool transpose_a, bool transpose_b);
/** Each member of the family of convolutions, by the same sum: for each result, tap inside the picture, channel and
 *  feature of one group the product of two of x, w, y is added to the third. NULL: the one to compute, of that shape.
 */
duet_plain duet_plain_convolution(duet_plain_arena *arena, const duet_plain *x, const duet_plain *w,
                                  const duet_plain *y, duet_shape shape, const duet_window *window, size_t groups);
duet_plain duet_plain_gather(duet_plain_arena *arena, duet_plain table, duet_plain index);

/* Pictures (plain_image.c). */

duet_plain duet_plain_windows(duet_plain_arena *arena, duet_plain x, const duet_window *window, double fill);
duet_plain duet_plain_fold(duet_plain_arena *arena, duet_plain windows, const duet_window *window, size_t height,
                           size_t width);
duet_plain duet_plain_max_pool(duet_plain_arena *arena, duet_plain x, const duet_window *window);
duet_plain duet_plain_average_pool(duet_plain_arena *arena, duet_plain x, const duet_window *window);
duet_plain duet_plain_upsample_nearest(duet_plain_arena *arena, duet_plain x, size_t height, size_t width);
duet_plain duet_plain_upsample_bilinear(duet_plain_arena *arena, duet_plain x, size_t height, size_t width);
duet_plain duet_plain_depth_to_space(duet_plain_arena *arena, duet_plain x, size_t block);
duet_plain duet_plain_space_to_depth(duet_plain_arena *arena, duet_plain x, size_t block);

#endif
