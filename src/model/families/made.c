/* SPDX-License-Identifier: MIT */
/* MADE, Germain et al. 2015 (arXiv:1502.03509): masks on the weights of a dense net let output i see inputs before i
 * only, in some order of the inputs, so that its outputs are the conditionals of a product, and sampling is one pass an
 * input. With several orders or connectivities (sec. 4) each step trains one set of masks, and p(x) is their mean. */
#include <math.h>
#include <stdio.h>

#include "model/families/autoregressive.h"
#include "model/families/family.h"
#include "model/families/masks.h"

enum { MOST_SETS = 64 };

/* Which input stands at a place, the place at which an input stands, and the place up to which a unit sees: a row for
 * each of some sets of masks. */
typedef struct masks {
    duet_node order, place, degrees[DUET_MOST_SIZES];
} masks;

/* Weights are [out, in] without masks; layer `layers` gives the outputs. */
typedef struct net {
    size_t inputs, values, outputs; /* an input enters as so many values; so many outputs say how it is distributed */
    size_t layers, units[DUET_MOST_SIZES], sets;
    duet_node weights[DUET_MOST_SIZES + 1], biases[DUET_MOST_SIZES + 1];
    masks all;
} net;

static void make_layer(duet_model *m, net *n, size_t layer, size_t out, size_t in)
{
    const duet_initialiser fan_in = {.kind = DUET_INIT_FAN_IN_UNIFORM, .scale = 1}, zero = {.kind = DUET_INIT_CONSTANT};
    duet_group *group = duet_model_group(m, "net");
    char name[24], bias[32];
    (void)snprintf(name, sizeof name, layer == n->layers ? "logits" : layer == 0 ? "hidden" : "hidden%zu", layer + 1);
    (void)snprintf(bias, sizeof bias, "%s.bias", name);
    n->weights[layer] = duet_weight(duet_model_graph(m), group, name, DUET_SHAPE(out, in), fan_in);
    n->biases[layer] = duet_parameter(duet_model_graph(m), group, bias, DUET_SHAPE(out), zero);
}

static net make_net(duet_model *m, size_t inputs)
{
    size_t orders = (size_t)duet_setting_number(m, "orders"), deals = (size_t)duet_setting_number(m, "masks");
    net n = {.inputs = inputs, .sets = orders > deals ? orders : deals, .outputs = duet_autoregressive_outputs(m)};
    n.values = duet_autoregressive_is_categorical(m) ? n.outputs : 1;
    n.layers = duet_setting_sizes(m, "hidden", n.units);
    if (n.layers == 0) {
        duet_graph_fail(duet_model_graph(m), "made: \"hidden\" names no layer; one at least carries what outputs see");
        return n;
    }
    duet_masks_orders(m, n.sets, orders, inputs, &n.all.order, &n.all.place);
    for (size_t i = 0; i < n.layers; i++) {
        bool random = duet_setting_is(m, "degrees", "random");
        make_layer(m, &n, i, n.units[i], i == 0 ? inputs * n.values : n.units[i - 1]);
        n.all.degrees[i] = duet_masks_degrees(m, n.sets, deals, random, i, n.units[i], inputs);
    }
    make_layer(m, &n, n.layers, inputs * n.outputs, n.units[n.layers - 1]);
    return n;
}

/* The masks of one set, [1, ...], or of those whose numbers are given, a row each. */
static duet_node rows_of(duet_node table, duet_node numbers, size_t set)
{
    return numbers == NULL ? duet_slice(table, 0, set, 1) : duet_take(table, 0, numbers);
}

static masks masks_of(const net *n, duet_node numbers, size_t set)
{
    masks of = {rows_of(n->all.order, numbers, set), rows_of(n->all.place, numbers, set), {NULL}};
    for (size_t i = 0; i < n->layers; i++) of.degrees[i] = rows_of(n->all.degrees[i], numbers, set);
    return of;
}

/* A layer's weights under its mask, eq. 8 and 9: units see what stands no later than their degree, outputs what stands
 * before them. */
static duet_node masked(const net *n, const masks *of, size_t layer)
{
    bool first = layer == 0, last = layer == n->layers;
    size_t in = first ? n->inputs : n->units[layer - 1], values = first ? n->values : 1;
    size_t out = last ? n->inputs : n->units[layer], outputs = last ? n->outputs : 1;
    duet_node from = duet_reshape(first ? of->place : of->degrees[layer - 1], DUET_SHAPE(1, 1, in, 1));
    duet_node to = duet_reshape(last ? of->place : of->degrees[layer], DUET_SHAPE(out, 1, 1, 1));
    duet_node weights = duet_reshape(n->weights[layer], DUET_SHAPE(out, outputs, in, values));
    weights = duet_multiply(weights, last ? duet_less(from, to) : duet_less_equal(from, to));
    return duet_reshape(weights, duet_node_shape(n->weights[layer]));
}

/* x [rows, inputs] to [rows, inputs * outputs]. */
static duet_node outputs_of(duet_model *m, const net *n, const masks *of, duet_node x)
{
    duet_node h = n->values == 1 ? x : duet_flatten(duet_one_hot(duet_autoregressive_bytes(x), n->values));
    for (size_t i = 0; i < n->layers; i++)
        h = duet_activate(m, duet_add(duet_matmul(h, masked(n, of, i), false, true), n->biases[i]));
    return duet_add(duet_matmul(h, masked(n, of, n->layers), false, true), n->biases[n->layers]);
}

/* -log of the mean over sets of p(x), sec. 4.2; *outputs of all sets side by side. */
static duet_node joint_nll(duet_model *m, const net *n, duet_node x, duet_node *outputs)
{
    duet_node of_set[MOST_SETS], minus_nll[MOST_SETS];
    for (size_t s = 0; s < n->sets; s++) {
        masks of = masks_of(n, NULL, s);
        of_set[s] = outputs_of(m, n, &of, x);
        duet_node nll = duet_autoregressive_nll(m, of_set[s], x);
        minus_nll[s] = duet_reshape(duet_negate(nll), DUET_SHAPE(duet_model_batch_size(m), 1));
    }
    *outputs = duet_concat(of_set, n->sets, 1);
    duet_node sum = duet_logsumexp(duet_concat(minus_nll, n->sets, 1), DUET_AXIS(1), false);
    return n->sets == 1 ? duet_flatten(duet_negate(minus_nll[0])) : duet_shift(duet_negate(sum), log((double)n->sets));
}

/* Step t takes set t mod sets. */
static duet_node set_of_step(duet_model *m, const net *n)
{
    duet_node step = duet_model_step(m);
    duet_node turns = duet_floor(duet_scale(duet_shift(step, 0.5), 1.0 / (double)n->sets));
    return duet_to_index(duet_subtract(step, duet_scale(turns, (double)n->sets)));
}

/* What the sampler keeps of a layer, [rows, units]: the sums that its units have seen so far. */
static duet_node seen_by(duet_model *m, const net *n, size_t layer)
{
    char name[32];
    (void)snprintf(name, sizeof name, "seen%zu", layer);
    return duet_scratch(m, name, DUET_FLOAT32, DUET_SHAPE(duet_model_batch_size(m), n->units[layer]));
}

/* The number drawn at place t goes to the units that may see it. Those of degree t have then seen all, and go on. */
static void spread(duet_model *m, const net *n, const masks *of, duet_node t, duet_node news)
{
    for (size_t i = 0; i < n->layers; i++) {
        duet_node seen = duet_add(seen_by(m, n, i), duet_multiply(news, duet_greater_equal(of->degrees[i], t)));
        duet_phase_assign(m, seen_by(m, n, i), seen);
        if (i + 1 == n->layers) break;
        duet_node done = duet_activate(m, duet_add(seen, n->biases[i]));
        news = duet_matmul(duet_multiply(done, duet_equal(of->degrees[i], t)), n->weights[i + 1], false, true);
    }
}

/* Ancestral sampling, sec. 4, each row under a set of its own. An input costs a row of the last weights, a column of
 * the first, and the products between hidden layers. */
static void sample(duet_model *m, const net *n)
{
    size_t rows = duet_model_batch_size(m), last = n->layers - 1;
    duet_procedure(m, DUET_SAMPLE);
    duet_node i = duet_scratch(m, "place", DUET_UINT32, DUET_SCALAR_SHAPE), t = duet_to_float(i);
    duet_node set = duet_scratch(m, "set", DUET_UINT32, DUET_SHAPE(rows));
    duet_node x = duet_scratch(m, "drawn", DUET_FLOAT32, DUET_SHAPE(rows, n->inputs));
    masks of = masks_of(n, set, 0);
    if (n->sets > 1) {
        duet_phase(m, "set", 1);
        duet_node any = duet_uniform(duet_model_graph(m), DUET_SHAPE(rows));
        duet_phase_assign(m, set, duet_to_index(duet_scale(any, (double)n->sets)));
    }

    duet_phase(m, "pixel", n->inputs);
    duet_node input = duet_reshape(duet_take(of.order, 1, i), DUET_SHAPE(rows)), at = duet_to_index(input);
    duet_node h = duet_activate(m, duet_add(seen_by(m, n, last), n->biases[last]));
    h = duet_reshape(duet_multiply(h, duet_less(of.degrees[last], t)), DUET_SHAPE(rows, 1, n->units[last]));
    duet_node weights = duet_reshape(n->weights[n->layers], DUET_SHAPE(n->inputs, n->outputs, n->units[last]));
    duet_node bias = duet_reshape(n->biases[n->layers], DUET_SHAPE(n->inputs, n->outputs));
    duet_node evidence = duet_sum(duet_multiply(h, duet_take(weights, 0, at)), DUET_AXIS(2), false);
    duet_node drawn = duet_autoregressive_draw(m, duet_add(evidence, duet_take(bias, 0, at)));
    duet_node column = duet_reshape(drawn, DUET_SHAPE(rows, 1));
    duet_phase_assign(m, x, duet_add(x, duet_multiply(column, duet_equal(of.place, t))));
    duet_phase_assign(m, i, duet_increment(i));
    if (n->values == 1)
        spread(m, n, &of, t, duet_multiply(duet_transpose(duet_take(n->weights[0], 1, at)), column));
    else {
        duet_node byte = duet_to_float(duet_autoregressive_bytes(drawn));
        duet_node value = duet_add(duet_scale(input, (double)n->values), byte);
        spread(m, n, &of, t, duet_transpose(duet_take(n->weights[0], 1, duet_to_index(value))));
    }
    duet_output(m, DUET_SAMPLE, x);
}

static void build_made(duet_model *m)
{
    duet_node x = duet_autoregressive_batch(m), outputs;
    net n = make_net(m, duet_features(x));
    if (n.layers == 0) return;
    masks of = masks_of(&n, n.sets == 1 ? NULL : set_of_step(m, &n), 0);
    duet_node nll = duet_autoregressive_nll(m, outputs_of(m, &n, &of, x), x);
    duet_autoregressive_train(m, nll, n.inputs, duet_model_group(m, "net"));

    duet_output(m, DUET_NLL, joint_nll(m, &n, x, &outputs));
    duet_own_output(m, "pixel_logits", outputs);
    sample(m, &n);
}

static const duet_setting settings[] = {
    DUET_SIZES("hidden", "500", "widths of the hidden layers"),
    DUET_COUNT("orders", 1, 1, MOST_SETS, "orders of the inputs: that of the data, then shuffled ones"),
    DUET_COUNT("masks", 1, 1, MOST_SETS, "connectivities: ways to give hidden units their degrees"),
    DUET_CHOICE("degrees", "cycle", "cycle|random", "how hidden units get their degrees: in turn, or any"),
    DUET_AUTOREGRESSIVE_SETTINGS,
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
