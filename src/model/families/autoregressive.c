/* SPDX-License-Identifier: MIT */
/* The distributions of a number given those before it: Bernoulli, categorical over bytes (van den Oord et al. 2016,
 * arXiv:1601.06759, sec. 2.3), mixture of discretised logistics (Salimans et al. 2017, arXiv:1701.05517, sec. 2.1). */
#include "model/families/autoregressive.h"

#include <math.h>

#include "model/families/needs.h"

enum { LEVELS = 256 };

bool duet_autoregressive_is_categorical(duet_model *m)
{
    return duet_setting_is(m, "likelihood", "categorical");
}

static bool is_bernoulli(duet_model *m)
{
    return duet_setting_is(m, "likelihood", "bernoulli");
}

static size_t mixtures(duet_model *m)
{
    return (size_t)duet_setting_number(m, "mixtures");
}

duet_node duet_autoregressive_batch(duet_model *m)
{
    duet_node x = is_bernoulli(m) ? duet_bernoulli(duet_model_batch(m)) : duet_model_batch(m);
    if (is_bernoulli(m))
        duet_needs_unit_range(m, duet_model_family(m)->name, NULL);
    else
        duet_needs_bytes(m, duet_autoregressive_is_categorical(m) ? "likelihood=categorical" : "likelihood=mixture",
                         NULL, "likelihood=bernoulli, which draws 0 or 1 by each number");
    return x;
}

size_t duet_autoregressive_outputs(duet_model *m)
{
    return is_bernoulli(m) ? 1 : duet_autoregressive_is_categorical(m) ? LEVELS : 3 * mixtures(m);
}

duet_node duet_autoregressive_bytes(duet_node x)
{
    return duet_to_index(duet_shift(duet_scale(x, LEVELS - 1), 0.5));
}

/* A mixture as its outputs say it, each [..., mixtures]. Locations and scales are said in units of [-1, 1], so that
 * outputs of 0 mean wide logistics in the middle; the scale is floored as in the paper's own program. */
typedef struct mixture {
    duet_node log_shares, location, log_scale;
} mixture;

static mixture read_mixture(duet_model *m, duet_node outputs)
{
    size_t count = mixtures(m), last = duet_node_shape(outputs).rank - 1;
    duet_node location = duet_slice(outputs, last, count, count), scale = duet_slice(outputs, last, 2 * count, count);
    return (mixture){.log_shares = duet_log_softmax(duet_slice(outputs, last, 0, count)),
                     .location = duet_shift(duet_scale(location, 0.5), 0.5),
                     .log_scale = duet_shift(duet_clamp(scale, -7, 7), -log(2))};
}

/* log p(x) = logsumexp over components of log share + log P of the byte. */
static duet_node mixture_nll(duet_model *m, duet_node outputs, duet_node x)
{
    mixture is = read_mixture(m, outputs);
    duet_shape shape = duet_node_shape(x);
    duet_node each = duet_reshape(x, DUET_SHAPE(shape.dims[0], shape.dims[1], 1));
    duet_node joint = duet_add(is.log_shares, duet_discretised_logistic(is.location, is.log_scale, each, LEVELS));
    return duet_negate(duet_sum_features(duet_logsumexp(joint, DUET_AXIS(2), false)));
}

duet_node duet_autoregressive_nll(duet_model *m, duet_node outputs, duet_node x)
{
    duet_shape shape = duet_node_shape(x);
    if (is_bernoulli(m)) return duet_bernoulli_nll(duet_reshape(outputs, shape), x);
    duet_shape runs = DUET_SHAPE(shape.dims[0], shape.dims[1], duet_autoregressive_outputs(m));
    outputs = duet_reshape(outputs, runs);
    if (!duet_autoregressive_is_categorical(m)) return mixture_nll(m, outputs, x);
    return duet_softmax_cross_entropy(outputs, duet_one_hot(duet_autoregressive_bytes(x), LEVELS));
}

/* A component is drawn, then a number from its logistic, by the inverse of its distribution function. */
static duet_node draw_mixture(duet_model *m, duet_node outputs)
{
    mixture is = read_mixture(m, outputs);
    unsigned last = DUET_AXIS(duet_node_shape(outputs).rank - 1);
    duet_node component = duet_categorical(is.log_shares);
    duet_node location = duet_sum(duet_multiply(component, is.location), last, false);
    duet_node scale = duet_exp(duet_sum(duet_multiply(component, is.log_scale), last, false));
    duet_node u = duet_uniform(duet_model_graph(m), duet_node_shape(location));
    duet_node logit = duet_subtract(duet_log(u), duet_log1p(duet_negate(u)));
    duet_node drawn = duet_clamp(duet_add(location, duet_multiply(scale, logit)), 0, 1);
    return duet_scale(duet_to_float(duet_autoregressive_bytes(drawn)), 1.0 / (LEVELS - 1));
}

duet_node duet_autoregressive_draw(duet_model *m, duet_node outputs)
{
    duet_shape shape = duet_node_shape(outputs);
    shape.dims[--shape.rank] = 0;
    if (is_bernoulli(m)) return duet_bernoulli(duet_sigmoid(duet_reshape(outputs, shape)));
    if (!duet_autoregressive_is_categorical(m)) return draw_mixture(m, outputs);
    duet_node bytes = duet_multiply(duet_categorical(outputs), duet_range(duet_model_graph(m), LEVELS));
    return duet_scale(duet_sum(bytes, DUET_AXIS(shape.rank), false), 1.0 / (LEVELS - 1));
}

void duet_autoregressive_likelihood(duet_model *m, duet_node minimised, duet_node nll, size_t features,
                                    duet_group *group)
{
    double to_bits = 1 / ((double)features * log(2));
    duet_node mean = duet_batch_mean(minimised);
    duet_phase(m, "likelihood", 1);
    duet_report(m, "nll", mean);
    duet_minimise(m, mean, group);
    duet_output(m, DUET_NLL, nll);
    if (is_bernoulli(m)) return;
    duet_report(m, "bits_per_dimension", duet_scale(mean, to_bits));
    duet_output(m, DUET_BITS, duet_scale(nll, to_bits));
}
