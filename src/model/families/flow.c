/* SPDX-License-Identifier: MIT */
/* Normalising flows: the likelihood of a model that is a bijection, by the change of variables; after Dinh et al. 2015
 * (arXiv:1410.8516) and 2017 (arXiv:1605.08803). */
#include "model/families/flow.h"
#include "model/families/needs.h"

#include <math.h>

/* Whether noise makes the data continuous. */
static bool is_dequantised(duet_model *m)
{
    if (duet_setting_is(m, "dequantise", "auto")) return duet_model_takes_bytes(m);
    return duet_model_unit_range(m) && duet_setting_is(m, "dequantise", "yes");
}

/* (255 x + u) / 256: a density of the result bounds the bytes' probability from below (Theis et al. 2016,
 * arXiv:1511.01844, eq. 3). */
static duet_node dequantised(duet_model *m, duet_node x)
{
    if (!is_dequantised(m)) return x;
    return duet_scale(duet_add(duet_scale(x, 255), duet_uniform(duet_node_graph(x), duet_node_shape(x))), 1.0 / 256);
}

/* To the whole line, Dinh et al. 2017, sec. 4.1: y = logit p, p = alpha + (1 - 2 alpha) x, with
 * log dy/dx = log(1 - 2 alpha) - log p - log(1 - p). */
static duet_node logit(duet_node x, double alpha, duet_node *log_determinant)
{
    duet_node p = duet_shift(duet_scale(x, 1 - 2 * alpha), alpha);
    duet_node log_p = duet_log(p), log_rest = duet_log1p(duet_negate(p));
    duet_node slope = duet_shift(duet_negate(duet_add(log_p, log_rest)), log(1 - 2 * alpha));
    *log_determinant = duet_add(*log_determinant, duet_sum_features(slope));
    return duet_subtract(log_p, log_rest);
}

/* The alpha of logit; 0: the data go in as they are, as numbers that are no bytes do. */
static double margin(duet_model *m)
{
    return is_dequantised(m) ? duet_setting_number(m, "alpha") : 0;
}

/* The whole of it, from examples to codes and back. */
static duet_node encode(duet_model *m, const duet_flow *flow, duet_node x, duet_node *log_determinant)
{
    double alpha = margin(m);
    return flow->forward(m, alpha > 0 ? logit(x, alpha, log_determinant) : x, log_determinant);
}

static duet_node decode(duet_model *m, const duet_flow *flow, duet_node h)
{
    double alpha = margin(m);
    duet_node y = flow->inverse(m, h);
    if (alpha == 0) return y;
    return duet_scale(duet_shift(duet_sigmoid(y), -alpha), 1 / (1 - 2 * alpha));
}

/* A byte's share of [0, 1] is 1/256, 8 bits: -log2 p(bytes) / features = nll / (features log 2) + 8. */
static duet_node bits_per_dimension(duet_node nll, size_t features)
{
    return duet_shift(duet_scale(nll, 1 / ((double)features * log(2))), 8);
}

/* The density, [batch] in nats, and its bits. */
static void output_density(duet_model *m, duet_node nll, size_t features)
{
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_output(m, DUET_NLL, nll);
    if (!is_dequantised(m) || !duet_model_takes_bytes(m)) return;
    duet_node bits = bits_per_dimension(nll, features);
    duet_report(m, "bits_per_dimension", duet_batch_mean(bits));
    duet_output(m, DUET_BITS, bits);
}

static void warn_of_data(duet_model *m)
{
    if (is_dequantised(m)) { /* noise blurs columns */
        if (duet_setting_is(m, "dequantise", "auto")) duet_warn_of_noise(m);
        return;
    }
    if (duet_setting_is(m, "dequantise", "auto") && duet_warn_of_no_noise(m)) return;
    duet_warn_of_coarse_columns(m, &(duet_blur){.setting = "dequantise=yes"});
    duet_warn_of_dependent_columns(m);
}

void duet_flow_likelihood(duet_model *m, const duet_flow *flow)
{
    if (duet_model_training(m) && duet_setting_is(m, "dequantise", "yes"))
        duet_needs_unit_range(m, "dequantise=yes", "dequantise=auto");
    warn_of_data(m);
    duet_node x = dequantised(m, duet_model_batch(m)), log_determinant = duet_constant(duet_model_graph(m), 0);
    size_t features = duet_features(x);
    const duet_prior prior =
        duet_setting_is(m, "prior", "normal") ? duet_prior_normal(features) : duet_prior_logistic(features);
    duet_node h = encode(m, flow, x, &log_determinant);
    duet_node nll = duet_negate(duet_add(duet_prior_log_density(&prior, 1, h), log_determinant));

    duet_phase(m, "likelihood", 1);
    output_density(m, nll, features);
    duet_minimise_at(DUET_WHERE, m, duet_batch_mean(nll), NULL, flow->groups);

    duet_node again = decode(m, flow, h), drawn = decode(m, flow, duet_latent(m, &prior, 1));
    duet_output(m, DUET_LATENT, h);
    duet_output(m, DUET_RECONSTRUCTION, again);
    duet_own_output(m, "inverse_gap", duet_max(duet_abs(duet_subtract(again, x)), DUET_AXIS(1), false));
    duet_output(m, DUET_DECODE, drawn);
    duet_output(m, DUET_SAMPLE, drawn);
}

/* Features first, first + 2, first + 4, ... */
static duet_node every_second(duet_node x, size_t first)
{
    duet_shape shape = duet_node_shape(x);
    size_t batch = shape.dims[0], features = shape.dims[1], pairs = (features + 1) / 2;
    duet_node all = duet_reshape(duet_pad(x, 1, 0, features % 2), DUET_SHAPE(batch, pairs, 2));
    duet_node column = duet_reshape(duet_slice(all, 2, first, 1), DUET_SHAPE(batch, pairs));
    return duet_slice(column, 1, 0, (features - first + 1) / 2);
}

duet_halves duet_flow_halves(duet_node x)
{
    if (duet_features(x) < 2) {
        duet_graph_refuse(duet_node_graph(x), DUET_ERROR_DATA,
                          "a coupling moves one half of the features by a function of the other, and "
                          "this data has one feature: a flow needs two at least");
        return (duet_halves){x, x};
    }
    return (duet_halves){every_second(x, 0), every_second(x, 1)};
}

/* a0 b0 a1 b1 ... */
duet_node duet_flow_joined(duet_halves halves)
{
    size_t batch = duet_node_shape(halves.a).dims[0], pairs = duet_features(halves.a), odd = duet_features(halves.b);
    duet_shape column = DUET_SHAPE(batch, pairs, 1);
    duet_node a = duet_reshape(halves.a, column), b = duet_reshape(duet_pad(halves.b, 1, 0, pairs - odd), column);
    duet_node all = duet_reshape(duet_concat(((duet_node[]){a, b}), 2, 2), DUET_SHAPE(batch, 2 * pairs));
    return duet_slice(all, 1, 0, pairs + odd);
}
