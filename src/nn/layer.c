/* SPDX-License-Identifier: MIT */
/* Layers: the linear and the dense layer, activations by name, and the reparameterised Gaussian. */
#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "graph/variable.h"
#include "nn/layer.h"
#include "nn/names.h"
#include "op/op.h"
#include "op/random.h"
#include "op/where.h"

duet_node duet_layer_variable_at(duet_variable_builder build, const char *where, duet_graph *graph, duet_group *group,
                                 const char *layer, const char *what, duet_shape shape, duet_initialiser start)
{
    char name[160];
    if (snprintf(name, sizeof name, "%s.%s", layer, what) < (int)sizeof name)
        return build(where, graph, group, name, shape, start);
    duet_graph_fail(graph, "layer \"%.40s\": the name is too long", layer);
    return duet_node_broken(graph);
}

duet_node duet_layer_weight_at(const char *where, duet_graph *graph, duet_group *group, const char *layer,
                               duet_shape shape)
{
    const duet_initialiser glorot = {DUET_INIT_GLOROT_UNIFORM, 1, 0, 0};
    return duet_weight(graph, group, layer, shape, glorot);
}

duet_node duet_weight_at(const char *where, duet_graph *graph, duet_group *group, const char *layer, duet_shape shape,
                         duet_initialiser start)
{
    bool chosen = group != NULL && group->initialises;
    if (group != NULL) group->weighs = true;
    duet_node weight = duet_layer_variable_at(duet_parameter_at, where, graph, group, layer, "weight", shape,
                                              chosen ? group->initialiser : start);
    if (group == NULL || !group->spectral_norm) return weight;
    return duet_spectral_norm(group, layer, weight, shape.rank - 1);
}

duet_node duet_layer_bias_at(const char *where, duet_graph *graph, duet_group *group, const char *layer,
                             size_t features)
{
    const duet_initialiser zeros = {DUET_INIT_CONSTANT, 0, 0, 0};
    return duet_layer_variable_at(duet_parameter_at, where, graph, group, layer, "bias", DUET_SHAPE(features), zeros);
}

duet_node duet_linear_at(const char *where, duet_node x, duet_node weight, duet_node bias)
{
    if (duet_node_is_broken(x)) return x;
    if (weight == NULL) duet_graph_fail(x->graph, "linear: the weight is NULL");
    if (duet_node_is_broken(weight)) return duet_node_broken(x->graph);
    duet_shape shape = x->shape;
    const size_t in = duet_features(x);
    duet_node rows = duet_reshape(x, DUET_SHAPE(x->elements / in, in));
    duet_node product = duet_matmul(rows, weight, false, true), y = product;
    if (bias != NULL) y = duet_add(product, bias);
    if (!duet_node_is_broken(y) && !duet_shape_equal(y->shape, product->shape)) {
        char has[96], wants[96];
        duet_graph_fail(x->graph, "linear: the bias is %s, and what it is added to %s",
                        duet_shape_text(bias->shape, has), duet_shape_text(product->shape, wants));
        return duet_node_broken(x->graph);
    }
    if (shape.rank == 0 || duet_node_is_broken(y)) return y;
    shape.dims[shape.rank - 1] = duet_features(y);
    return duet_reshape(y, shape);
}

static duet_node dense(const char *where, duet_group *group, const char *layer, duet_node x, size_t out, bool bias)
{
    if (duet_node_is_broken(x)) return x;
    if (x->shape.rank < 2) {
        duet_graph_fail(x->graph, "dense \"%.40s\": x needs a batch and a feature dimension", layer);
        return duet_node_broken(x->graph);
    }
    duet_node weight = duet_layer_weight_at(where, x->graph, group, layer, DUET_SHAPE(out, duet_features(x)));
    duet_node offset = bias ? duet_layer_bias_at(where, x->graph, group, layer, out) : NULL;
    return duet_linear(x, weight, offset);
}

duet_node duet_dense_at(const char *where, duet_group *group, const char *layer, duet_node x, size_t out)
{
    return dense(where, group, layer, x, out, true);
}

duet_node duet_dense_no_bias_at(const char *where, duet_group *group, const char *layer, duet_node x, size_t out)
{
    return dense(where, group, layer, x, out, false);
}

static duet_node apply_leaky_relu(const char *where, duet_node x)
{
    return duet_leaky_relu(x, 0.2);
}

static duet_node apply_elu(const char *where, duet_node x)
{
    return duet_elu(x, 1);
}

static duet_node apply_identity(const char *where, duet_node x)
{
    (void)where;
    return x;
}

#define apply_relu     duet_relu_at
#define apply_selu     duet_selu_at
#define apply_gelu     duet_gelu_at
#define apply_swish    duet_swish_at
#define apply_tanh     duet_tanh_at
#define apply_sigmoid  duet_sigmoid_at
#define apply_softplus duet_softplus_at

duet_node duet_activation_at(const char *where, const char *name, duet_node x)
{
#define TABLE_ROW(label) {#label, apply_##label},
    static const struct {
        const char *name;
        duet_node (*apply)(const char *where, duet_node x);
    } activations[] = {DUET_ACTIVATIONS(TABLE_ROW)};
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, name) == 0) return activations[i].apply(where, x);
    if (!duet_node_is_broken(x))
        duet_graph_fail(x->graph, "no activation \"%s\"; there are %s", name, duet_activation_names());
    return x;
}

const char *duet_activation_names(void)
{
    return DUET_NAMES(DUET_ACTIVATIONS);
}

duet_node duet_gaussian_sample_at(const char *where, duet_node mean, duet_node logvar)
{
    if (duet_node_is_broken(mean)) return mean;
    if (!duet_spread_fits(where, "gaussian_sample", logvar, mean)) return duet_node_broken(mean->graph);
    duet_node deviation = duet_exp(duet_scale(logvar, 0.5));
    duet_node joint = duet_add(mean, deviation); /* says what does not fit, and has the noise's shape */
    if (duet_node_is_broken(joint)) return joint;
    duet_node noise = duet_normal_like(where, joint);
    return duet_add(mean, duet_multiply(deviation, noise));
}
