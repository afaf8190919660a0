/* SPDX-License-Identifier: MIT */
/* Normalisation layers: the features are viewed as rows or columns of a matrix, standardised, then scaled and shifted.
 * As matrices the planner's kernels read them side by side, whatever dimensions the picture has. */
#include "nn/norm.h"

#include <float.h>

#include "graph/node.h"
#include "nn/layer.h"
#include "op/deal.h"
#include "op/op.h"
#include "op/where.h"

static const duet_initialiser zeros = {DUET_INIT_CONSTANT, 0, 0, 0}, ones = {DUET_INIT_CONSTANT, 1, 0, 0};

/* scale * x + offset, with parameters of that shape repeated along x; x itself without a group. */
static duet_node scale_and_shift(const char *where, duet_group *group, const char *layer, duet_node x, duet_shape shape)
{
    if (group == NULL || duet_node_is_broken(x)) return x;
    const duet_shape row = DUET_SHAPE(duet_shape_elements(shape));
    duet_node scale = duet_layer_variable_at(duet_parameter_at, where, x->graph, group, layer, "scale", shape, ones);
    duet_node offset = duet_layer_variable_at(duet_parameter_at, where, x->graph, group, layer, "offset", shape, zeros);
    duet_node rows = duet_reshape(x, DUET_SHAPE(x->elements / row.dims[0], row.dims[0]));
    duet_node scaled = duet_multiply(rows, duet_reshape(scale, row));
    return duet_add(scaled, duet_reshape(offset, row));
}

/* Whether x has a batch and `rank` dimensions or more; a mistake if not. */
static bool has_rank(const char *where, const char *what, duet_node x, size_t rank)
{
    char text[96];
    if (x->shape.rank >= rank) return true;
    duet_graph_fail(x->graph, "%s: x is %s, at least %zu dimensions were expected", what,
                    duet_shape_text(x->shape, text), rank);
    return false;
}

/* Whether a variance beside epsilon has a root; a mistake if not. */
static bool has_epsilon(const char *where, const char *what, duet_node x, double epsilon)
{
    if (epsilon >= 0 && epsilon <= (double)FLT_MAX) return true;
    duet_graph_fail(x->graph, "%s: epsilon is %g, and a number from 0 on was expected", what, epsilon);
    return false;
}

/* Standardises rows by the mean and variance of the batch, or of the part of it that each rank has. The states follow
 * the whole batch's mean, and its variance about the means that the rows were standardised by: ranks' variances on
 * average, each counted by its rows. */
static duet_node standardise_batch(const char *where, duet_node rows, duet_node mean, duet_node variance,
                                   double epsilon, double momentum)
{
    const duet_dealer *dealer = duet_graph_dealer(rows->graph);
    const bool by_rank = dealer != NULL && dealer->norms_by_rank;
    duet_node y = by_rank ? duet_rank_standardise(where, rows, DUET_AXIS(0), epsilon)
                          : duet_standardise(rows, DUET_AXIS(0), epsilon);
    duet_node centre = by_rank ? duet_rank_mean(where, rows, DUET_AXIS(0)) : duet_mean(rows, DUET_AXIS(0), true);
    duet_node squares = duet_square(duet_subtract(rows, centre));
    duet_state_follow(mean, duet_mean(rows, DUET_AXIS(0), false), momentum, y);
    duet_state_follow(variance, duet_mean(squares, DUET_AXIS(0), false), momentum, y);
    return y;
}

duet_node duet_batch_norm_at(const char *where, duet_group *group, const char *layer, duet_node x, double epsilon,
                             double momentum)
{
    if (duet_node_is_broken(x)) return x;
    if (!has_rank(where, "batch_norm", x, 2)) return duet_node_broken(x->graph);
    const size_t features = duet_features(x);
    const duet_shape shape = DUET_SHAPE(features);
    duet_graph_scopes(x->graph)->has_batch_norm = true;
    if (!has_epsilon(where, "batch_norm", x, epsilon)) return duet_node_broken(x->graph);
    if (duet_graph_training(x->graph) && x->elements == features) {
        duet_graph_refuse(x->graph, DUET_ERROR_USAGE,
                          "the batch norm of layer \"%s\" standardises over the batch, and of a batch of one example "
                          "only zeros are left: a batch of 2 or more is expected",
                          layer);
        return duet_node_broken(x->graph);
    }
    duet_node mean = duet_layer_variable_at(duet_layer_state_at, where, x->graph, group, layer, "mean", shape, zeros);
    duet_node variance =
        duet_layer_variable_at(duet_layer_state_at, where, x->graph, group, layer, "variance", shape, ones);
    duet_node rows = duet_reshape(x, DUET_SHAPE(x->elements / features, features)), y;
    if (duet_graph_training(x->graph)) {
        y = standardise_batch(where, rows, mean, variance, epsilon, momentum);
    } else {
        duet_node deviation = duet_sqrt(duet_shift(variance, epsilon));
        duet_node inverse = duet_reciprocal(deviation);
        y = duet_multiply(duet_subtract(rows, mean), inverse);
    }
    return duet_reshape(scale_and_shift(where, group, layer, y, shape), x->shape);
}

duet_node duet_layer_norm_at(const char *where, duet_group *group, const char *layer, duet_node x, unsigned axes,
                             double epsilon)
{
    if (duet_node_is_broken(x)) return x;
    if (!has_rank(where, "layer_norm", x, 2) || !has_epsilon(where, "layer_norm", x, epsilon))
        return duet_node_broken(x->graph);
    duet_shape shape = {.rank = 0}; /* of the dimensions normalised over */
    size_t first = x->shape.rank, length = 1;
    while (first > 1 && (axes >> (first - 1) & 1) != 0) length *= x->shape.dims[--first];
    for (size_t d = first; d < x->shape.rank; d++) shape.dims[shape.rank++] = x->shape.dims[d];
    if (first == x->shape.rank || axes != (((1u << x->shape.rank) - 1u) & ~((1u << first) - 1u))) {
        char text[96], over[96];
        duet_graph_fail(x->graph, "layer_norm: axes %s of %s; the last ones, without the batch, were expected",
                        duet_axes_text(axes, over), duet_shape_text(x->shape, text));
        return duet_node_broken(x->graph);
    }
    duet_node rows = duet_reshape(x, DUET_SHAPE(x->elements / length, length));
    duet_node y = duet_standardise(rows, DUET_AXIS(1), epsilon);
    return duet_reshape(scale_and_shift(where, group, layer, y, shape), x->shape);
}

/* `what`: its name in mistakes. */
static duet_node norm_groups(const char *where, const char *what, duet_group *group, const char *layer, duet_node x,
                             size_t groups, double epsilon)
{
    if (duet_node_is_broken(x)) return x;
    if (!has_rank(where, what, x, 3) || !has_epsilon(where, what, x, epsilon)) return duet_node_broken(x->graph);
    const size_t batch = x->shape.dims[0], features = duet_features(x);
    if (groups == 0 || features % groups != 0) {
        duet_graph_fail(x->graph, "%s: %zu features do not make %zu equal groups", what, features, groups);
        return duet_node_broken(x->graph);
    }
    const bool is_instance = groups == features; /* then three dimensions are enough */
    const size_t places = x->elements / batch / features, run = features / groups;
    duet_shape shape = is_instance ? DUET_SHAPE(batch, places, features) : DUET_SHAPE(batch, places, groups, run);
    duet_node y = duet_standardise(duet_reshape(x, shape), DUET_AXIS(1) | (is_instance ? 0 : DUET_AXIS(3)), epsilon);
    return duet_reshape(scale_and_shift(where, group, layer, y, DUET_SHAPE(features)), x->shape);
}

duet_node duet_group_norm_at(const char *where, duet_group *group, const char *layer, duet_node x, size_t groups,
                             double epsilon)
{
    return norm_groups(where, "group_norm", group, layer, x, groups, epsilon);
}

duet_node duet_instance_norm_at(const char *where, duet_group *group, const char *layer, duet_node x, double epsilon)
{
    return norm_groups(where, "instance_norm", group, layer, x, duet_features(x), epsilon);
}

static duet_node is_zero(const char *where, duet_node scalar)
{
    return duet_equal(scalar, duet_constant(scalar->graph, 0));
}

/* x over its norm; of zeros `other`. */
static duet_node direction(const char *where, duet_node x, duet_node other)
{
    duet_node squares = duet_sum(duet_square(x), DUET_ALL_AXES, true);
    return duet_select(is_zero(where, squares), other, duet_divide(x, duet_shift(duet_sqrt(squares), 1e-12)));
}

/* A layer may begin at zero: it stays as it is until it has a singular value. */
duet_node duet_over_sigma_at(const char *where, duet_node matrix, duet_node u, duet_node v)
{
    u = duet_stop_gradient(u);
    v = duet_stop_gradient(v);
    duet_node product = duet_sum(duet_multiply(matrix, v), DUET_AXIS(1), true);
    duet_node sigma = duet_sum(duet_multiply(u, product), DUET_ALL_AXES, true);
    return duet_divide(matrix, duet_select(is_zero(where, sigma), duet_constant(matrix->graph, 1), sigma));
}

duet_node duet_spectral_norm_at(const char *where, duet_group *group, const char *layer, duet_node weight, size_t axis)
{
    const duet_initialiser normal = {DUET_INIT_NORMAL, 1, 0, 0};
    if (duet_node_is_broken(weight)) return weight;
    duet_graph *graph = weight->graph;
    size_t rows = 1;
    for (size_t d = 0; d < axis && d < weight->shape.rank; d++) rows *= weight->shape.dims[d];
    if (axis == 0 || axis >= weight->shape.rank) {
        duet_graph_fail(graph, "spectral_norm: axis %zu does not cut %zu dimensions in two", axis, weight->shape.rank);
        return duet_node_broken(graph);
    }
    duet_node matrix = duet_reshape(weight, DUET_SHAPE(rows, weight->elements / rows));
    duet_node old = duet_layer_variable_at(duet_layer_state_at, where, graph, group, layer, "direction",
                                           DUET_SHAPE(rows, 1), normal);
    duet_node v = duet_sum(duet_multiply(matrix, old), DUET_AXIS(0), true);
    v = duet_stop_gradient(direction(where, v, v));
    duet_node u = direction(where, duet_sum(duet_multiply(matrix, v), DUET_AXIS(1), true), old);
    u = duet_stop_gradient(u);
    duet_node y = duet_over_sigma_at(where, matrix, u, v);
    if (duet_graph_training(graph)) {
        y = duet_watch(y); /* a node of its own, not shared with a scope of inference */
        duet_state_follow(old, u, 0, y);
    }
    return duet_reshape(y, weight->shape);
}
