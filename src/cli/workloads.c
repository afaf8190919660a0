/* The table of workloads, and the families that only it has: MADE and NICE. */
#include "cli/workloads.h"

#include <string.h>

/* MADE, Germain et al. 2015 (arXiv:1502.03509): masks on the weights of a net with one hidden layer let output i see
 * inputs before i only, so that its outputs are the conditionals of a product. Units are numbered, from 0; hidden unit
 * h sees the inputs up to h mod (d - 1). */
static duet_node unit_numbers(duet_graph *graph, size_t count, size_t modulus)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_node origin = duet_state(graph, "net.first_unit", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    return duet_to_float(duet_in_order(origin, count, modulus));
}

/* x (W * mask)^T + b, mask: [out, in] */
static duet_node masked_dense(duet_group *net, duet_node x, duet_node mask, const char *weight_name,
                              const char *bias_name)
{
    const duet_initialiser fan_in = {.kind = DUET_INIT_FAN_IN_UNIFORM, .scale = 1}, zero = {.kind = DUET_INIT_CONSTANT};
    duet_graph *graph = duet_node_graph(x);
    duet_shape shape = duet_node_shape(mask);
    duet_node weight = duet_parameter(graph, net, weight_name, shape, fan_in);
    duet_node bias = duet_parameter(graph, net, bias_name, DUET_SHAPE(shape.dims[0]), zero);
    return duet_add(duet_matmul(x, duet_multiply(weight, mask), false, true), bias);
}

static void build_made(duet_model *m)
{
    duet_group *net = duet_model_group(m, "net");
    duet_graph *graph = duet_model_graph(m);
    duet_node x = duet_bernoulli(duet_model_batch(m));
    size_t d = duet_features(x), hidden = (size_t)duet_setting_number(m, "hidden");
    duet_node inputs = unit_numbers(graph, d, d), seen = unit_numbers(graph, hidden, d - 1);
    duet_node row = duet_reshape(seen, DUET_SHAPE(1, hidden)), column = duet_reshape(seen, DUET_SHAPE(hidden, 1));
    duet_node into = duet_less_equal(duet_reshape(inputs, DUET_SHAPE(1, d)), column);
    duet_node out_of = duet_less(row, duet_reshape(inputs, DUET_SHAPE(d, 1)));
    duet_node h = duet_relu(masked_dense(net, x, into, "hidden.weight", "hidden.bias"));
    duet_node logits = masked_dense(net, h, out_of, "logits.weight", "logits.bias");
    duet_node nll = duet_bernoulli_nll(logits, x);

    duet_phase(m, "likelihood", 1);
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_minimise(m, duet_batch_mean(nll), net);

    duet_output(m, "logits", logits);
    duet_output(m, "nll", nll);
}

static const duet_setting made_settings[] = {
    {"hidden", DUET_SETTING_COUNT, "500", 1, 65536, NULL, "width of the hidden layer"},
};

static const duet_family made = {
    .name = "made",
    .summary = "masked autoencoder for distribution estimation",
    .paper = "Germain et al. 2015",
    .build = build_made,
    .settings = made_settings,
    .setting_count = sizeof made_settings / sizeof *made_settings,
};

/* NICE, Dinh et al. 2015 (arXiv:1410.8516): additive couplings move one half of the features by a function of the other
 * half, which keeps volumes; a diagonal scale at the end does not, and its log-determinant joins the likelihood under a
 * logistic prior. */

/* Bytes become continuous by uniform noise; other data are taken as they are. */
static duet_node dequantise(duet_model *m, duet_node x)
{
    if (!duet_model_unit_range(m)) return x;
    return duet_scale(duet_add(duet_scale(x, 255), duet_uniform(duet_node_graph(x), duet_node_shape(x))), 1.0 / 256);
}

/* Features first, first + 2, first + 4, ... */
static duet_node every_second(duet_node x, size_t first)
{
    duet_shape shape = duet_node_shape(x);
    size_t batch = shape.dims[0], half = shape.dims[1] / 2;
    duet_node pairs = duet_reshape(x, DUET_SHAPE(batch, half, 2));
    return duet_reshape(duet_slice(pairs, 2, first, 1), DUET_SHAPE(batch, half));
}

static duet_node coupling(duet_model *m, duet_group *net, duet_node x)
{
    return duet_dense(net, "shift", duet_hidden_layers(m, net, "hidden", x), duet_features(x));
}

static void build_nice(duet_model *m)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_group *scale = duet_model_group(m, "scale");
    duet_group *nets[] = {duet_model_group(m, "coupling1"), duet_model_group(m, "coupling2"),
                          duet_model_group(m, "coupling3"), duet_model_group(m, "coupling4")};
    duet_node x = dequantise(m, duet_model_batch(m));
    if (duet_features(x) % 2 != 0) {
        duet_graph_fail(duet_model_graph(m), "nice halves its features, and %zu is odd", duet_features(x));
        return;
    }
    duet_node a = every_second(x, 0), b = every_second(x, 1);
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        if (i % 2 == 0)
            b = duet_add(b, coupling(m, nets[i], a));
        else
            a = duet_add(a, coupling(m, nets[i], b));
    }
    duet_node log_scale = duet_parameter(duet_model_graph(m), scale, "log", DUET_SHAPE(duet_features(x)), zero);
    duet_node h = duet_multiply(duet_concat(((duet_node[]){a, b}), 2, 1), duet_exp(log_scale));
    duet_node prior = duet_sum_features(duet_add(duet_softplus(h), duet_softplus(duet_negate(h))));
    duet_node nll = duet_subtract(prior, duet_sum(log_scale, DUET_ALL_AXES, false));

    duet_phase(m, "likelihood", 1);
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_minimise(m, duet_batch_mean(nll), nets[0], nets[1], nets[2], nets[3], scale);

    duet_output(m, "latent", h);
    duet_output(m, "nll", nll);
}

static const duet_setting nice_settings[] = {
    {"hidden", DUET_SETTING_SIZES, "1000,1000,1000,1000,1000", 0, 0, NULL, "widths of each coupling's layers"},
};

static const duet_family nice = {
    .name = "nice",
    .summary = "non-linear independent components estimation",
    .paper = "Dinh et al. 2015",
    .build = build_nice,
    .settings = nice_settings,
    .setting_count = sizeof nice_settings / sizeof *nice_settings,
};

static const cli_workload workloads[] = {
    {"mlpvae", "the VAE with its defaults: 784-400-20-400-784", "vae", NULL, 128, NULL},
    {"mlpgan", "the GAN with its defaults: 64-256-512-784 against 784-512-256-1", "gan", NULL, 128, NULL},
    {"made", "masked autoencoder 784-500-784 on binarised pictures", NULL, &made, 100, NULL},
    {"nice", "four additive couplings 392-5x1000-392, 19 million parameters", NULL, &nice, 200, NULL},
    {"convvae", "the convolutional VAE with its defaults: 3 x 3 kernels, 69,989 parameters", "vae-conv", NULL, 32,
     NULL},
    {"dcgan", "the convolutional GAN: 5 x 5 kernels, batch norm, latent 100", "gan-conv", NULL, 32,
     (const char *const[]){"lr=0.0001", "beta1=0.9", NULL}},
};

const cli_workload *cli_workload_at(size_t index)
{
    return index < sizeof workloads / sizeof *workloads ? &workloads[index] : NULL;
}

const cli_workload *cli_workload_find(const char *name)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(workloads[i].name, name) == 0) return &workloads[i];
    return NULL;
}

const duet_family *cli_workload_family(const cli_workload *workload)
{
    return workload->built_in != NULL ? duet_family_find(workload->built_in) : workload->family;
}
