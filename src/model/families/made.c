/* SPDX-License-Identifier: MIT */
/* MADE, Germain et al. 2015 (arXiv:1502.03509): masks on the weights of a net with one hidden layer let output i see
 * only the inputs before i. The outputs are thus conditionals whose product is p(x); sampling is one pass a pixel. */
#include "duet/model.h"
#include "model/families/family.h"

/* 0, 1, 2, ... count - 1, each mod `modulus`, as a column or as a row. */
static duet_node numbers(duet_graph *graph, size_t count, size_t modulus, bool column)
{
    duet_node n = duet_range(graph, count), turns = duet_floor(duet_scale(duet_shift(n, 0.5), 1.0 / (double)modulus));
    duet_node units = duet_subtract(n, duet_scale(turns, (double)modulus));
    return duet_reshape(units, column ? DUET_SHAPE(count, 1) : DUET_SHAPE(1, count));
}

/* Weights under their masks, [out, in], and biases. */
typedef struct net {
    duet_node into, hidden_bias, out_of, logits_bias;
} net;

/* Inputs and outputs are numbered from 0; hidden unit h sees the inputs up to h mod (d - 1). */
static net make_net(duet_model *m, size_t d, size_t hidden)
{
    const duet_initialiser fan_in = {.kind = DUET_INIT_FAN_IN_UNIFORM, .scale = 1}, zero = {.kind = DUET_INIT_CONSTANT};
    duet_group *group = duet_model_group(m, "net");
    duet_graph *graph = duet_model_graph(m);
    size_t cycle = d > 1 ? d - 1 : 1;
    duet_node see = duet_less_equal(numbers(graph, d, d, false), numbers(graph, hidden, cycle, true));
    duet_node seen = duet_less(numbers(graph, hidden, cycle, false), numbers(graph, d, d, true));
    duet_node in = duet_weight(graph, group, "hidden", DUET_SHAPE(hidden, d), fan_in);
    duet_node hidden_bias = duet_parameter(graph, group, "hidden.bias", DUET_SHAPE(hidden), zero);
    duet_node out = duet_weight(graph, group, "logits", DUET_SHAPE(d, hidden), fan_in);
    duet_node logits_bias = duet_parameter(graph, group, "logits.bias", DUET_SHAPE(d), zero);
    return (net){duet_multiply(in, see), hidden_bias, duet_multiply(out, seen), logits_bias};
}

/* Ancestral sampling, sec. 4. The sums of the hidden units over the pixels so far are kept in scratch, so that a pixel
 * reads only one row of one weight matrix and one column of the other. */
static void sample(duet_model *m, const net *n, size_t d, size_t hidden)
{
    size_t rows = duet_model_batch_size(m);
    duet_procedure(m, DUET_SAMPLE);
    duet_node i = duet_scratch(m, "pixel", DUET_UINT32, DUET_SCALAR_SHAPE);
    duet_node seen = duet_scratch(m, "seen", DUET_FLOAT32, DUET_SHAPE(rows, hidden));
    duet_node pixels = duet_scratch(m, "pixels", DUET_FLOAT32, DUET_SHAPE(d, rows));

    duet_phase(m, "pixel", d);
    duet_node h = duet_relu(duet_add(seen, n->hidden_bias));
    duet_node evidence = duet_sum_features(duet_multiply(h, duet_take(n->out_of, 0, i)));
    duet_node bit = duet_bernoulli(duet_sigmoid(duet_add(evidence, duet_take(n->logits_bias, 0, i))));
    duet_node column = duet_reshape(duet_take(n->into, 1, i), DUET_SHAPE(1, hidden));
    duet_phase_assign(m, pixels, duet_with_row(pixels, i, bit));
    duet_phase_assign(m, seen, duet_add(seen, duet_multiply(duet_reshape(bit, DUET_SHAPE(rows, 1)), column)));
    duet_phase_assign(m, i, duet_increment(i));

    duet_output(m, DUET_SAMPLE, duet_transpose(pixels));
}

static void build_made(duet_model *m)
{
    duet_node x = duet_bernoulli(duet_model_batch(m));
    size_t d = duet_features(x), hidden = (size_t)duet_setting_number(m, "hidden");
    if (!duet_model_unit_range(m)) {
        duet_graph_fail(duet_model_graph(m), "made needs data in [0, 1], the probabilities of its pixels to be 1");
        return;
    }
    net n = make_net(m, d, hidden);
    duet_node h = duet_relu(duet_add(duet_matmul(x, n.into, false, true), n.hidden_bias));
    duet_node logits = duet_add(duet_matmul(h, n.out_of, false, true), n.logits_bias);
    duet_node nll = duet_bernoulli_nll(logits, x);

    duet_phase(m, "likelihood", 1);
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_minimise(m, duet_batch_mean(nll), duet_model_group(m, "net"));

    duet_own_output(m, "pixel_logits", logits);
    duet_output(m, DUET_NLL, nll);
    sample(m, &n, d, hidden);
}

static const duet_setting settings[] = {
    DUET_COUNT("hidden", 500, 1, 65536, "width of the hidden layer"),
};

const duet_family duet_family_made = {
    .name = "made",
    .summary = "masked autoencoder for distribution estimation",
    .paper = "Germain et al. 2015",
    .build = build_made,
    .groups = (const char *const[]){"net", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .batch = 100,
};
