/* Layers: the dense layer, activations by name, and the reparameterised Gaussian. */
#include <stdio.h>
#include <string.h>

#include "duet/nn.h"
#include "graph/node.h"

duet_node duet_dense_at(const char *where, duet_group *group, const char *layer, duet_node x, size_t out)
{
    if (duet_node_is_broken(x)) return x;
    const duet_initialiser glorot = {DUET_INIT_GLOROT_UNIFORM, 1, 0, 0}, zero = {DUET_INIT_CONSTANT, 0, 0, 0};
    char weight_name[128], bias_name[128];
    snprintf(weight_name, sizeof weight_name, "%s.weight", layer);
    snprintf(bias_name, sizeof bias_name, "%s.bias", layer);
    duet_shape shape = duet_node_shape(x);
    size_t in = duet_features(x);
    if (shape.rank < 2) {
        duet_graph_fail_at(where, x->graph, "dense \"%s\": x needs a batch and a feature dimension", layer);
        return duet_node_broken(x->graph);
    }
    duet_node weight = duet_parameter_at(where, x->graph, group, weight_name, DUET_SHAPE(out, in), glorot);
    duet_node bias = duet_parameter_at(where, x->graph, group, bias_name, DUET_SHAPE(out), zero);
    duet_node rows = duet_reshape_at(where, x, DUET_SHAPE(duet_shape_elements(shape) / in, in));
    duet_node y = duet_add_at(where, duet_matmul_at(where, rows, weight, false, true), bias);
    shape.dims[shape.rank - 1] = out;
    return duet_reshape_at(where, y, shape);
}

static duet_node leaky_relu(const char *where, duet_node x)
{
    return duet_leaky_relu_at(where, x, 0.2);
}

static duet_node elu(const char *where, duet_node x)
{
    return duet_elu_at(where, x, 1);
}

static duet_node identity(const char *where, duet_node x)
{
    (void)where;
    return x;
}

static const struct {
    const char *name;
    duet_node (*apply)(const char *where, duet_node x);
} activations[] = {
    {"relu", duet_relu_at},         {"leaky_relu", leaky_relu}, {"elu", elu},           {"selu", duet_selu_at},
    {"gelu", duet_gelu_at},         {"swish", duet_swish_at},   {"tanh", duet_tanh_at}, {"sigmoid", duet_sigmoid_at},
    {"softplus", duet_softplus_at}, {"identity", identity},
};

duet_node duet_activation_at(const char *where, const char *name, duet_node x)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, name) == 0) return activations[i].apply(where, x);
    if (!duet_node_is_broken(x))
        duet_graph_fail_at(where, x->graph, "no activation \"%s\"; there are %s", name, duet_activation_names());
    return x;
}

const char *duet_activation_names(void)
{
    return "relu|leaky_relu|elu|selu|gelu|swish|tanh|sigmoid|softplus|identity";
}

duet_node duet_gaussian_sample_at(const char *where, duet_node mean, duet_node logvar)
{
    if (duet_node_is_broken(mean)) return mean;
    duet_node deviation = duet_exp_at(where, duet_scale_at(where, logvar, 0.5));
    duet_node noise = duet_normal_at(where, mean->graph, mean->shape);
    return duet_add_at(where, mean, duet_multiply_at(where, deviation, noise));
}
