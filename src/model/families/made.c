/* SPDX-License-Identifier: MIT */
/* MADE, Germain et al. 2015 (arXiv:1502.03509): masks on the weights of a dense net let output i see only the inputs
 * before i in some order. The outputs are thus conditionals whose product is p(x); sampling is one pass an input. With
 * several orders or connectivities (sec. 4) each step trains one set of masks, and p(x) is the mean over all of them.
 */
#include <math.h>
#include <stdio.h>

#include "model/families/autoregressive.h"
#include "model/families/family.h"
#include "model/families/masked_net.h"

/* -log of the mean over sets of p(x), sec. 4.2; *outputs of all sets side by side. */
static duet_node joint_nll(duet_model *m, const duet_masked_net *n, duet_node x, duet_node *outputs)
{
    duet_node of_set[DUET_MOST_MASKS], minus_nll[DUET_MOST_MASKS];
    for (size_t s = 0; s < n->sets; s++) {
        duet_masks of = duet_masks_of(n, s);
        of_set[s] = duet_masked_net_outputs(m, n, &of, x);
        duet_node nll = duet_autoregressive_nll(m, of_set[s], x);
        minus_nll[s] = duet_reshape(duet_negate(nll), DUET_SHAPE(duet_model_batch_size(m), 1));
    }
    *outputs = duet_concat(of_set, n->sets, 1);
    duet_node sum = duet_logsumexp(duet_concat(minus_nll, n->sets, 1), DUET_AXIS(1), false);
    return n->sets == 1 ? duet_flatten(duet_negate(minus_nll[0])) : duet_shift(duet_negate(sum), log((double)n->sets));
}

/* Step t takes set t mod sets. */
static duet_node set_of_step(duet_model *m, const duet_masked_net *n)
{
    duet_node step = duet_model_step(m);
    duet_node turns = duet_floor(duet_scale(duet_shift(step, 0.5), 1.0 / (double)n->sets));
    return duet_to_index(duet_subtract(step, duet_scale(turns, (double)n->sets)));
}

/* What the sampler keeps of a layer, [rows, units]: the sums that its units have seen so far. */
static duet_node seen_by(duet_model *m, const duet_masked_net *n, size_t layer)
{
    char name[32];
    (void)snprintf(name, sizeof name, "seen%zu", layer);
    return duet_scratch(m, name, DUET_FLOAT32, DUET_SHAPE(duet_model_batch_size(m), n->units[layer]));
}

/* The number drawn at place t goes to the units that may see it. Those of degree t have then seen all, and go on. */
static void spread(duet_model *m, const duet_masked_net *n, const duet_masks *of, duet_node t, duet_node news)
{
    for (size_t i = 0; i < n->layers; i++) {
        duet_node seen = duet_add(seen_by(m, n, i), duet_multiply(news, duet_greater_equal(of->degrees[i], t)));
        duet_phase_assign(m, seen_by(m, n, i), seen);
        if (i + 1 == n->layers) break;
        duet_node done = duet_activate(m, duet_add(seen, n->biases[i]));
        news = duet_matmul(duet_multiply(done, duet_equal(of->degrees[i], t)), n->weights[i + 1], false, true);
    }
}

/* Ancestral sampling, sec. 4, each row under a set of its own. The sums of the hidden units over the inputs so far are
 * kept in scratch, so that an input reads only a row of the last weight matrix and a column of the first, and those
 * between hidden layers. */
static void sample(duet_model *m, const duet_masked_net *n)
{
    size_t rows = duet_model_batch_size(m), last = n->layers - 1;
    duet_procedure(m, DUET_SAMPLE);
    duet_node i = duet_scratch(m, "place", DUET_UINT32, DUET_SCALAR_SHAPE), t = duet_to_float(i);
    duet_node set = duet_scratch(m, "set", DUET_UINT32, DUET_SHAPE(rows));
    duet_node x = duet_scratch(m, "drawn", DUET_FLOAT32, DUET_SHAPE(rows, n->inputs));
    duet_masks of = duet_masks_at(n, set);
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
    duet_masked_net n = duet_masked_net_new(m, duet_features(x));
    if (n.layers == 0) return;
    duet_masks of = n.sets == 1 ? duet_masks_of(&n, 0) : duet_masks_at(&n, set_of_step(m, &n));
    duet_node nll = duet_autoregressive_nll(m, duet_masked_net_outputs(m, &n, &of, x), x);
    duet_group *net = duet_model_group(m, "net");
    duet_autoregressive_likelihood(m, nll, joint_nll(m, &n, x, &outputs), n.inputs, net);
    duet_own_output(m, "pixel_logits", outputs);
    sample(m, &n);
}

static const duet_setting settings[] = {
    DUET_MASKED_NET_SETTINGS,
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
