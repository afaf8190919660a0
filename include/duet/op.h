/* SPDX-License-Identifier: MIT */
/* The ops: nodes from nodes. float32 unless said otherwise; a result has the operands' type.
 * Every function has an _at form that takes the place to name in errors; the macro of the plain name fills it in. */
#ifndef DUET_OP_H
#define DUET_OP_H

#include "graph.h"
#include "window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Elementwise, two operands. Shapes broadcast as numpy does: aligned at the last dimension, extent 1 stretches. */

/** a + b */
DUET_API duet_node duet_add_at(const char *where, duet_node a, duet_node b);
#define duet_add(a, b) duet_add_at(DUET_WHERE, (a), (b))
/** a - b */
DUET_API duet_node duet_subtract_at(const char *where, duet_node a, duet_node b);
#define duet_subtract(a, b) duet_subtract_at(DUET_WHERE, (a), (b))
/** a * b */
DUET_API duet_node duet_multiply_at(const char *where, duet_node a, duet_node b);
#define duet_multiply(a, b) duet_multiply_at(DUET_WHERE, (a), (b))
/** a / b */
DUET_API duet_node duet_divide_at(const char *where, duet_node a, duet_node b);
#define duet_divide(a, b) duet_divide_at(DUET_WHERE, (a), (b))
/** min(a, b); where equal, each gets half the gradient */
DUET_API duet_node duet_minimum_at(const char *where, duet_node a, duet_node b);
#define duet_minimum(a, b) duet_minimum_at(DUET_WHERE, (a), (b))
/** max(a, b); where equal, each gets half the gradient */
DUET_API duet_node duet_maximum_at(const char *where, duet_node a, duet_node b);
#define duet_maximum(a, b) duet_maximum_at(DUET_WHERE, (a), (b))
/** a^b for a > 0 */
DUET_API duet_node duet_power_at(const char *where, duet_node a, duet_node b);
#define duet_power(a, b) duet_power_at(DUET_WHERE, (a), (b))
/** 1 where a < b, else 0; no gradient flows */
DUET_API duet_node duet_less_at(const char *where, duet_node a, duet_node b);
#define duet_less(a, b) duet_less_at(DUET_WHERE, (a), (b))
/** 1 where a <= b, else 0; no gradient flows */
DUET_API duet_node duet_less_equal_at(const char *where, duet_node a, duet_node b);
#define duet_less_equal(a, b) duet_less_equal_at(DUET_WHERE, (a), (b))
/** 1 where a > b, else 0; no gradient flows */
DUET_API duet_node duet_greater_at(const char *where, duet_node a, duet_node b);
#define duet_greater(a, b) duet_greater_at(DUET_WHERE, (a), (b))
/** 1 where a >= b, else 0; no gradient flows */
DUET_API duet_node duet_greater_equal_at(const char *where, duet_node a, duet_node b);
#define duet_greater_equal(a, b) duet_greater_equal_at(DUET_WHERE, (a), (b))
/** 1 where a == b, else 0; no gradient flows */
DUET_API duet_node duet_equal_at(const char *where, duet_node a, duet_node b);
#define duet_equal(a, b) duet_equal_at(DUET_WHERE, (a), (b))
/** 1 where a != b, else 0; no gradient flows */
DUET_API duet_node duet_not_equal_at(const char *where, duet_node a, duet_node b);
#define duet_not_equal(a, b) duet_not_equal_at(DUET_WHERE, (a), (b))

/* Elementwise, one operand. */

/** -x */
DUET_API duet_node duet_negate_at(const char *where, duet_node x);
#define duet_negate(x) duet_negate_at(DUET_WHERE, (x))
/** 1 / x */
DUET_API duet_node duet_reciprocal_at(const char *where, duet_node x);
#define duet_reciprocal(x) duet_reciprocal_at(DUET_WHERE, (x))
/** x^2 */
DUET_API duet_node duet_square_at(const char *where, duet_node x);
#define duet_square(x) duet_square_at(DUET_WHERE, (x))
/** e^x */
DUET_API duet_node duet_exp_at(const char *where, duet_node x);
#define duet_exp(x) duet_exp_at(DUET_WHERE, (x))
/** ln x */
DUET_API duet_node duet_log_at(const char *where, duet_node x);
#define duet_log(x) duet_log_at(DUET_WHERE, (x))
/** ln(1 + x), accurate near 0 */
DUET_API duet_node duet_log1p_at(const char *where, duet_node x);
#define duet_log1p(x) duet_log1p_at(DUET_WHERE, (x))
/** square root */
DUET_API duet_node duet_sqrt_at(const char *where, duet_node x);
#define duet_sqrt(x) duet_sqrt_at(DUET_WHERE, (x))
/** sine, radians */
DUET_API duet_node duet_sin_at(const char *where, duet_node x);
#define duet_sin(x) duet_sin_at(DUET_WHERE, (x))
/** cosine, radians */
DUET_API duet_node duet_cos_at(const char *where, duet_node x);
#define duet_cos(x) duet_cos_at(DUET_WHERE, (x))
/** hyperbolic tangent */
DUET_API duet_node duet_tanh_at(const char *where, duet_node x);
#define duet_tanh(x) duet_tanh_at(DUET_WHERE, (x))
/** 1 / (1 + e^-x), without overflow */
DUET_API duet_node duet_sigmoid_at(const char *where, duet_node x);
#define duet_sigmoid(x) duet_sigmoid_at(DUET_WHERE, (x))
/** ln(1 + e^x), without overflow */
DUET_API duet_node duet_softplus_at(const char *where, duet_node x);
#define duet_softplus(x) duet_softplus_at(DUET_WHERE, (x))
/** the error function */
DUET_API duet_node duet_erf_at(const char *where, duet_node x);
#define duet_erf(x) duet_erf_at(DUET_WHERE, (x))
/** max(x, 0); gradient 0 at 0 */
DUET_API duet_node duet_relu_at(const char *where, duet_node x);
#define duet_relu(x) duet_relu_at(DUET_WHERE, (x))
/** Klambauer et al. 2017 (arXiv:1706.02515), eq. 2 */
DUET_API duet_node duet_selu_at(const char *where, duet_node x);
#define duet_selu(x) duet_selu_at(DUET_WHERE, (x))
/** x Phi(x), exact by erf; Hendrycks & Gimpel 2016 */
DUET_API duet_node duet_gelu_at(const char *where, duet_node x);
#define duet_gelu(x) duet_gelu_at(DUET_WHERE, (x))
/** x sigmoid(x) */
DUET_API duet_node duet_swish_at(const char *where, duet_node x);
#define duet_swish(x) duet_swish_at(DUET_WHERE, (x))
/** |x|; gradient sign(x) */
DUET_API duet_node duet_abs_at(const char *where, duet_node x);
#define duet_abs(x) duet_abs_at(DUET_WHERE, (x))
/** -1, 0 or 1; no gradient flows */
DUET_API duet_node duet_sign_at(const char *where, duet_node x);
#define duet_sign(x) duet_sign_at(DUET_WHERE, (x))
/** largest integer not above x; no gradient flows */
DUET_API duet_node duet_floor_at(const char *where, duet_node x);
#define duet_floor(x) duet_floor_at(DUET_WHERE, (x))
/** 1 where x is neither infinite nor NaN, else 0; no gradient flows */
DUET_API duet_node duet_is_finite_at(const char *where, duet_node x);
#define duet_is_finite(x) duet_is_finite_at(DUET_WHERE, (x))
/** x where positive, else slope * x */
DUET_API duet_node duet_leaky_relu_at(const char *where, duet_node x, double slope);
#define duet_leaky_relu(x, slope) duet_leaky_relu_at(DUET_WHERE, (x), (slope))
/** x where positive, else alpha (e^x - 1) */
DUET_API duet_node duet_elu_at(const char *where, duet_node x, double alpha);
#define duet_elu(x, alpha) duet_elu_at(DUET_WHERE, (x), (alpha))
/** x held inside [low, high], low <= high; gradient 0 outside */
DUET_API duet_node duet_clamp_at(const char *where, duet_node x, double low, double high);
#define duet_clamp(x, low, high) duet_clamp_at(DUET_WHERE, (x), (low), (high))
/** factor * x */
DUET_API duet_node duet_scale_at(const char *where, duet_node x, double factor);
#define duet_scale(x, factor) duet_scale_at(DUET_WHERE, (x), (factor))
/** x + term */
DUET_API duet_node duet_shift_at(const char *where, duet_node x, double term);
#define duet_shift(x, term) duet_shift_at(DUET_WHERE, (x), (term))
/** yes where condition is not 0, else no */
DUET_API duet_node duet_select_at(const char *where, duet_node condition, duet_node yes, duet_node no);
#define duet_select(condition, yes, no) duet_select_at(DUET_WHERE, (condition), (yes), (no))
/** uint32 or uint8 as float32 */
DUET_API duet_node duet_to_float_at(const char *where, duet_node x);
#define duet_to_float(x) duet_to_float_at(DUET_WHERE, (x))
/** float32 as uint32, rounded down, for what takes an index; 0 below 0 and for NaN, the largest beyond 2^32; no
 * gradient flows */
DUET_API duet_node duet_to_index_at(const char *where, duet_node x);
#define duet_to_index(x) duet_to_index_at(DUET_WHERE, (x))
/** x + 1 for a uint32 counter; wraps at 2^32 */
DUET_API duet_node duet_increment_at(const char *where, duet_node x);
#define duet_increment(x) duet_increment_at(DUET_WHERE, (x))
/** x as a node to differentiate by: simplifications do not look through it */
DUET_API duet_node duet_watch_at(const char *where, duet_node x);
#define duet_watch(x) duet_watch_at(DUET_WHERE, (x))
/** x as a value that no gradient crosses */
DUET_API duet_node duet_stop_gradient_at(const char *where, duet_node x);
#define duet_stop_gradient(x) duet_stop_gradient_at(DUET_WHERE, (x))

/* Shape. Consumers read through these; bytes move only where an operand must lie in memory first. */

/** The same elements, in order, under another shape with as many elements */
DUET_API duet_node duet_reshape_at(const char *where, duet_node x, duet_shape shape);
#define duet_reshape(x, shape) duet_reshape_at(DUET_WHERE, (x), (shape))
/** All dimensions but the first as one: [batch, ...] to [batch, features] */
DUET_API duet_node duet_flatten_at(const char *where, duet_node x);
#define duet_flatten(x) duet_flatten_at(DUET_WHERE, (x))
/** x stretched to `shape` by numpy's rule */
DUET_API duet_node duet_broadcast_at(const char *where, duet_node x, duet_shape shape);
#define duet_broadcast(x, shape) duet_broadcast_at(DUET_WHERE, (x), (shape))
/** Dimension i of the result is dimension order[i] of x */
DUET_API duet_node duet_permute_at(const char *where, duet_node x, const size_t *order);
#define duet_permute(...) duet_permute_at(DUET_WHERE, __VA_ARGS__)
/** The last two dimensions exchanged */
DUET_API duet_node duet_transpose_at(const char *where, duet_node x);
#define duet_transpose(x) duet_transpose_at(DUET_WHERE, (x))
/** `length` elements from `start` on along `axis` */
DUET_API duet_node duet_slice_at(const char *where, duet_node x, size_t axis, size_t start, size_t length);
#define duet_slice(x, axis, start, length) duet_slice_at(DUET_WHERE, (x), (axis), (start), (length))
/** Zeros put before and after x along `axis` */
DUET_API duet_node duet_pad_at(const char *where, duet_node x, size_t axis, size_t before, size_t after);
#define duet_pad(x, axis, before, after) duet_pad_at(DUET_WHERE, (x), (axis), (before), (after))
/** Each row `times` times, one after the other: [rows, ...] to [rows * times, ...] */
DUET_API duet_node duet_repeat_rows_at(const char *where, duet_node x, size_t times);
#define duet_repeat_rows(x, times) duet_repeat_rows_at(DUET_WHERE, (x), (times))
/** Joined along `axis`; all other extents equal */
DUET_API duet_node duet_concat_at(const char *where, const duet_node *parts, size_t count, size_t axis);
#define duet_concat(...) duet_concat_at(DUET_WHERE, __VA_ARGS__)

/* Reductions over the axes in `axes` (bit i: dimension i; DUET_ALL_AXES for all). Deterministic: the order of
 * additions is fixed by the plan. keep: reduced extents stay as 1. */

#define DUET_ALL_AXES 0xFFFFu
#define DUET_AXIS(i)  (1u << (i))
/** Sum; long ones in blocks whose sums lose nothing, so that one of a million numbers of one sign is right to a
 *  millionth. Of fewer than 4096 numbers: to 9 millionths, as where all are equal; mostly far better */
DUET_API duet_node duet_sum_at(const char *where, duet_node x, unsigned axes, bool keep);
#define duet_sum(x, axes, keep) duet_sum_at(DUET_WHERE, (x), (axes), (keep))
/** Mean */
DUET_API duet_node duet_mean_at(const char *where, duet_node x, unsigned axes, bool keep);
#define duet_mean(x, axes, keep) duet_mean_at(DUET_WHERE, (x), (axes), (keep))
/** Largest element; of equal ones the first gets the gradient */
DUET_API duet_node duet_max_at(const char *where, duet_node x, unsigned axes, bool keep);
#define duet_max(x, axes, keep) duet_max_at(DUET_WHERE, (x), (axes), (keep))
/** ln sum e^x, shifted by the maximum. NaN where the largest of x is infinite. */
DUET_API duet_node duet_logsumexp_at(const char *where, duet_node x, unsigned axes, bool keep);
#define duet_logsumexp(x, axes, keep) duet_logsumexp_at(DUET_WHERE, (x), (axes), (keep))
/** Mean squared deviation from the mean of `axes`: the biased variance, less what the mean's rounding adds to it */
DUET_API duet_node duet_variance_at(const char *where, duet_node x, unsigned axes, bool keep);
#define duet_variance(x, axes, keep) duet_variance_at(DUET_WHERE, (x), (axes), (keep))
/** (x - mean) / sqrt(variance + epsilon) with mean and biased variance over `axes`, two sums over them, as the gradient
 *  takes two: what the mean's rounding adds to this variance stays in it */
DUET_API duet_node duet_standardise_at(const char *where, duet_node x, unsigned axes, double epsilon);
#define duet_standardise(x, axes, epsilon) duet_standardise_at(DUET_WHERE, (x), (axes), (epsilon))
/** Sum over all dimensions but the first: [batch, ...] to [batch] */
DUET_API duet_node duet_sum_features_at(const char *where, duet_node x);
#define duet_sum_features(x) duet_sum_features_at(DUET_WHERE, (x))
/** Mean over all elements: a scalar */
DUET_API duet_node duet_batch_mean_at(const char *where, duet_node x);
#define duet_batch_mean(x) duet_batch_mean_at(DUET_WHERE, (x))

/* Structured. */

/** op(a) op(b), where op transposes if asked: [m, k] x [k, n] -> [m, n]. Sums of k products in float32, in the
 * provider's order: the error may come to k / 2^24 of the sum of |a b|. Of numbers of both signs it is some root of k;
 * of 10^5 equal ones 7e-4 was seen, where duet_sum has 1e-6. */
DUET_API duet_node duet_matmul_at(const char *where, duet_node a, duet_node b, bool transpose_a, bool transpose_b);
#define duet_matmul(a, b, transpose_a, transpose_b) duet_matmul_at(DUET_WHERE, (a), (b), (transpose_a), (transpose_b))

/** x times masked weights, x [rows, inputs], weights [outputs, inputs]: an output sees only the inputs whose `from` is at
 *  most its own `to` (float32, [inputs] and [outputs]), as if the other weights were zero; their gradients are. Where
 *  both rise with the index, providers that can (`panel`) skip what the mask empties, half of a triangle, in the
 *  gradients too; others multiply all, so that a NaN or infinity spreads through the zeros there alone.
 *  [rows, outputs] */
DUET_API duet_node duet_masked_matmul_at(const char *where, duet_node x, duet_node weights, duet_node from,
                                         duet_node to);
#define duet_masked_matmul(x, weights, from, to) duet_masked_matmul_at(DUET_WHERE, (x), (weights), (from), (to))

/** Many products at once, of matrices that lie one after the other: [batch..., m, k] x [batch..., k, n] to
 *  [batch..., m, n], where the last two dimensions are exchanged if asked; those before are equal (duet_broadcast makes
 *  them so). The gradients are products of the same kind. All are one launch, made for the many small ones of
 * attention. On CPUs register tiles compute them, bounded by the packing of each operand b and by the rests of tiles.
 * On GPUs a work-item computes an element, bounded by its loads, two for a multiply-add: large matrices are better
 * multiplied one by one there. float32; two dimensions are duet_matmul */
DUET_API duet_node duet_batched_matmul_at(const char *where, duet_node a, duet_node b, bool transpose_a,
                                          bool transpose_b);
#define duet_batched_matmul(a, b, transpose_a, transpose_b)                                                            \
    duet_batched_matmul_at(DUET_WHERE, (a), (b), (transpose_a), (transpose_b))

/** Square windows over x, [batch, height, width, channels], padded as TensorFlow's SAME: see duet_window_pad_same.
 *  Dilation 1. Without padding if x is no picture, which the op that gets both reports. */
DUET_API duet_window duet_window_same(duet_node x, size_t size, size_t stride);

/* Convolutions of pictures, [batch, height, width, channels], with weights [height, width, channels / groups,
 * features]; the weights' first two extents are the window's size. Feature f belongs to group f / (features / groups)
 * and reads the channels of that group; groups = channels is a depthwise convolution. As everywhere in deep learning
 * the window is not mirrored: result[o] = sum over k of x[o * stride + k * dilation - pad_before] weights[k]. The three
 * are each other's gradients. float32. */

/** The convolution: [batch, height', width', features], with as many results as there are windows */
DUET_API duet_node duet_convolution_at(const char *where, duet_node x, duet_node weights, const duet_window *window,
                                       size_t groups);
#define duet_convolution(x, weights, window, groups) duet_convolution_at(DUET_WHERE, (x), (weights), (window), (groups))
/** The transposed convolution, which is the gradient of a convolution by its picture: y, [batch, height', width',
 *  features], to the picture [batch, height, width, channels] over which `window` gives y's extents. The weights are
 *  the convolution's: [.., .., channels / groups, features] */
DUET_API duet_node duet_transposed_convolution_at(const char *where, duet_node y, duet_node weights,
                                                  const duet_window *window, size_t groups, size_t height,
                                                  size_t width);
#define duet_transposed_convolution(y, weights, window, groups, height, width)                                         \
    duet_transposed_convolution_at(DUET_WHERE, (y), (weights), (window), (groups), (height), (width))
/** The gradient of a convolution by its weights: x and y, the picture and the results' gradient, to [height, width,
 *  channels / groups, features] */
DUET_API duet_node duet_convolution_weights_at(const char *where, duet_node x, duet_node y, const duet_window *window,
                                               size_t groups);
#define duet_convolution_weights(x, y, window, groups)                                                                 \
    duet_convolution_weights_at(DUET_WHERE, (x), (y), (window), (groups))

/** Tensors that the host gives: float32, `values` in the order of memory, copied. They lie on the device beside the
 *  variables, in no checkpoint; no gradient is taken by them */
DUET_API duet_node duet_constant_values_at(const char *where, duet_graph *graph, duet_shape shape, const float *values);
#define duet_constant_values(graph, shape, values) duet_constant_values_at(DUET_WHERE, (graph), (shape), (values))
/** 0, 1, ... count - 1: float32 [count], computed where it is read; count up to 2^24 */
DUET_API duet_node duet_range_at(const char *where, duet_graph *graph, size_t count);
#define duet_range(graph, count) duet_range_at(DUET_WHERE, (graph), (count))

/** e^x / sum e^x over the last dimension, shifted by the maximum */
DUET_API duet_node duet_softmax_at(const char *where, duet_node x);
#define duet_softmax(x) duet_softmax_at(DUET_WHERE, (x))
/** Its logarithm: x - ln sum e^x, to a few units of its own last place, however far from 0 x lies */
DUET_API duet_node duet_log_softmax_at(const char *where, duet_node x);
#define duet_log_softmax(x) duet_log_softmax_at(DUET_WHERE, (x))
/** Rows of one 1 and zeros: whole numbers [...] to float32 [..., classes]; a number past the end gives zeros */
DUET_API duet_node duet_one_hot_at(const char *where, duet_node index, size_t classes);
#define duet_one_hot(index, classes) duet_one_hot_at(DUET_WHERE, (index), (classes))
/** 1 at the largest of the last dimension, at the first of equals, else 0; no gradient flows */
DUET_API duet_node duet_largest_at(const char *where, duet_node x);
#define duet_largest(x) duet_largest_at(DUET_WHERE, (x))

/** Rows of `table` ([n, ...]; float32 or uint8) at `index` ([rows], uint32; an index past the end reads the last row):
 *  [rows, ...] of the table's type. The gradient by a float32 table is a matrix product with the indices' rows of one
 * 1: it costs rows * n * the width of a row, and repeats to the bit */
DUET_API duet_node duet_gather_at(const char *where, duet_node table, duet_node index);
#define duet_gather(table, index) duet_gather_at(DUET_WHERE, (table), (index))
/** x at the places `index` (uint32, [count] or a scalar) along `axis`, whose extent becomes count; past the end stands
 *  for the last. x is computed where it is read. A gradient by x is a mistake: there is no rule */
DUET_API duet_node duet_take_at(const char *where, duet_node x, size_t axis, duet_node index);
#define duet_take(x, axis, index) duet_take_at(DUET_WHERE, (x), (axis), (index))
/** `table` (a [n, ...] state) with row counter mod n replaced by `row`, for duet_assign to the same state; costs one
 * row */
DUET_API duet_node duet_with_row_at(const char *where, duet_node table, duet_node counter, duet_node row);
#define duet_with_row(table, counter, row) duet_with_row_at(DUET_WHERE, (table), (counter), (row))

/* Pictures: float32 [batch, height, width, channels]. How windows lie on them is a duet_window (window.h). */

/** The windows over x: [batch, rows, columns, window height, window width, channels]; `fill` (0 or -INFINITY, say)
 * where they leave the picture. A reduction of them reads x and stores no windows */
DUET_API duet_node duet_windows_at(const char *where, duet_node x, const duet_window *window, double fill);
#define duet_windows(...) duet_windows_at(DUET_WHERE, __VA_ARGS__)
/** The transpose of duet_windows with fill 0: the picture [batch, height, width, channels] each element of which is the
 *  sum, in a fixed order, of the elements of windows that lie on it. Each is the other's gradient */
DUET_API duet_node duet_fold_at(const char *where, duet_node windows, const duet_window *window, size_t height,
                                size_t width);
#define duet_fold(...) duet_fold_at(DUET_WHERE, __VA_ARGS__)
/** Largest element of each window: [batch, rows, columns, channels]. Padding is never the largest, and a window without
 *  an element of the picture is a mistake; of equal ones the first gets the gradient */
DUET_API duet_node duet_max_pool_at(const char *where, duet_node x, const duet_window *window);
#define duet_max_pool(...) duet_max_pool_at(DUET_WHERE, __VA_ARGS__)
/** Mean of each window: [batch, rows, columns, channels]. Padding is not counted, as in TensorFlow (PyTorch:
 *  count_include_pad=False); a window without an element of the picture is a mistake */
DUET_API duet_node duet_average_pool_at(const char *where, duet_node x, const duet_window *window);
#define duet_average_pool(...) duet_average_pool_at(DUET_WHERE, __VA_ARGS__)
/** Largest element of each channel: [batch, channels]; of equal ones the first gets the gradient */
DUET_API duet_node duet_global_max_pool_at(const char *where, duet_node x);
#define duet_global_max_pool(x) duet_global_max_pool_at(DUET_WHERE, (x))
/** Mean of each channel: [batch, channels] */
DUET_API duet_node duet_global_average_pool_at(const char *where, duet_node x);
#define duet_global_average_pool(x) duet_global_average_pool_at(DUET_WHERE, (x))
/** Each element repeated: [batch, height * factor, width * factor, channels]; whole factors, one for the
 *  height and one for the width */
DUET_API duet_node duet_upsample_nearest_at(const char *where, duet_node x, size_t height_factor, size_t width_factor);
#define duet_upsample_nearest(x, height_factor, width_factor)                                                          \
    duet_upsample_nearest_at(DUET_WHERE, (x), (height_factor), (width_factor))
/** Bilinear interpolation between the centres of elements, (i + 1/2) / factor - 1/2, held inside the picture's
 * outermost centres: PyTorch's interpolate(mode="bilinear", align_corners=False), TensorFlow's resize. Shape and
 * factors as for duet_upsample_nearest */
DUET_API duet_node duet_upsample_bilinear_at(const char *where, duet_node x, size_t height_factor, size_t width_factor);
#define duet_upsample_bilinear(x, height_factor, width_factor)                                                         \
    duet_upsample_bilinear_at(DUET_WHERE, (x), (height_factor), (width_factor))
/** Pixel shuffle: [batch, height * block, width * block, channels / block^2], where element (h * block + i,
 *  w * block + j, c) is (h, w, (i * block + j) * (channels / block^2) + c) of x: TensorFlow's depth_to_space, which is
 * not the channel order of PyTorch's PixelShuffle */
DUET_API duet_node duet_depth_to_space_at(const char *where, duet_node x, size_t block);
#define duet_depth_to_space(x, block) duet_depth_to_space_at(DUET_WHERE, (x), (block))
/** The inverse of duet_depth_to_space: [batch, height / block, width / block, channels * block^2] */
DUET_API duet_node duet_space_to_depth_at(const char *where, duet_node x, size_t block);
#define duet_space_to_depth(x, block) duet_space_to_depth_at(DUET_WHERE, (x), (block))

/* Random, by counter: element i of the stream at the graph's clock is a pure function of (seed, stream, clock, i).
 * Each call makes a stream of its own. */

/** Uniform in (0, 1), multiples of 2^-24 */
DUET_API duet_node duet_uniform_at(const char *where, duet_graph *graph, duet_shape shape);
#define duet_uniform(graph, shape) duet_uniform_at(DUET_WHERE, (graph), (shape))
/** Standard normal, Box-Muller */
DUET_API duet_node duet_normal_at(const char *where, duet_graph *graph, duet_shape shape);
#define duet_normal(graph, shape) duet_normal_at(DUET_WHERE, (graph), (shape))
/** Standard Gumbel: -ln(-ln u) */
DUET_API duet_node duet_gumbel_at(const char *where, duet_graph *graph, duet_shape shape);
#define duet_gumbel(graph, shape) duet_gumbel_at(DUET_WHERE, (graph), (shape))
/** 1 with the given probability, else 0; no gradient flows */
DUET_API duet_node duet_bernoulli_at(const char *where, duet_node probability);
#define duet_bernoulli(probability) duet_bernoulli_at(DUET_WHERE, (probability))
/** 1 with probability `keep` in [0, 1], to the next multiple of 2^-16, else 0: the draws are computed again wherever
 *  they are used and never stored. Eight elements share a block of random numbers */
DUET_API duet_node duet_mask_at(const char *where, duet_graph *graph, duet_shape shape, double keep);
#define duet_mask(graph, shape, keep) duet_mask_at(DUET_WHERE, (graph), (shape), (keep))
/** One draw from softmax(logits) over the last dimension, as one-hot rows, by the Gumbel maximum; no gradient flows */
DUET_API duet_node duet_categorical_at(const char *where, duet_node logits);
#define duet_categorical(logits) duet_categorical_at(DUET_WHERE, (logits))
/** uint32 [count]: positions `first`, first + 1, ... (mod n) of endless reshuffles of 0..n-1, where
 *  first = draws * count and each pass of n - n mod count positions is a new permutation keyed by (seed, pass): a keyed
 *  bijection evaluated per element, so nothing is stored or sorted. draws: a uint32 scalar */
DUET_API duet_node duet_shuffled_at(const char *where, duet_node draws, size_t count, size_t n);
#define duet_shuffled(draws, count, n) duet_shuffled_at(DUET_WHERE, (draws), (count), (n))
/** uint32 [count]: (draws * count + i) mod n, in order */
DUET_API duet_node duet_in_order_at(const char *where, duet_node draws, size_t count, size_t n);
#define duet_in_order(draws, count, n) duet_in_order_at(DUET_WHERE, (draws), (count), (n))

/** The graph's random clock: a uint32 state, saved with the store. Assign duet_increment(clock) to it in a plan to make
 *  the next replay draw new numbers. */
DUET_API duet_node duet_clock(duet_graph *graph);

#ifdef __cplusplus
}
#endif

#endif
