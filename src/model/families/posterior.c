/* SPDX-License-Identifier: MIT */
/* Diagonal Gaussians as posteriors, and as components of a prior: the VampPrior, Tomczak & Welling 2018
 * (arXiv:1705.07120), is the mixture of the posteriors of pseudo-inputs. */
#include "model/families/posterior.h"

#include <math.h>

duet_node duet_gaussian_draw(const duet_gaussian *from, size_t k, double noise)
{
    duet_node mean = duet_repeat_rows(from->mean, k);
    if (noise == 0) return mean;
    duet_node logvar = duet_repeat_rows(from->logvar, k);
    return duet_gaussian_sample(mean, noise == 1 ? logvar : duet_shift(logvar, 2 * log(noise)));
}

/* -log p(z) of the mixture, [rows]. The squared distances of all rows from all components, in units of the deviations,
 * are products of matrices: z^2 / v - 2 z m / v + m^2 / v, to some 1e-7 of (z / deviation)^2. */
static duet_node mixture_nll(const duet_gaussian *components, duet_node z)
{
    duet_shape shape = duet_node_shape(components->mean);
    duet_node mean = components->mean, logvar = components->logvar, precision = duet_exp(duet_negate(logvar));
    duet_node scaled = duet_multiply(mean, precision);
    duet_node squares = duet_matmul(duet_square(z), precision, false, true);
    duet_node products = duet_matmul(z, scaled, false, true);
    duet_node own = duet_sum_features(duet_add(duet_multiply(mean, scaled), logvar));
    duet_node log_each = duet_scale(duet_add(duet_subtract(squares, duet_scale(products, 2)), own), -0.5);
    double constant = log((double)shape.dims[0]) + (double)shape.dims[1] * log(2 * acos(-1)) / 2;
    return duet_shift(duet_negate(duet_logsumexp(log_each, DUET_AXIS(1), false)), constant);
}

duet_node duet_prior_log_p(const duet_gaussian *prior, duet_node z)
{
    duet_node zero = duet_constant(duet_node_graph(z), 0);
    return duet_negate(prior != NULL ? mixture_nll(prior, z) : duet_gaussian_nll(zero, zero, z));
}

duet_node duet_log_ratio(const duet_gaussian *posterior, const duet_gaussian *prior, duet_node z, size_t k)
{
    duet_node mean = duet_repeat_rows(posterior->mean, k), logvar = duet_repeat_rows(posterior->logvar, k);
    return duet_subtract(duet_negate(duet_prior_log_p(prior, z)), duet_gaussian_nll(mean, logvar, z));
}

/* A component, picked by a row of one 1, and a draw of it. */
duet_node duet_mixture_draw(const duet_gaussian *prior, size_t rows)
{
    const duet_prior components = duet_prior_categorical(duet_node_shape(prior->mean).dims[0]);
    duet_node picked = duet_prior_draw(duet_node_graph(prior->mean), &components, 1, rows);
    return duet_gaussian_sample(duet_matmul(picked, prior->mean, false, false),
                                duet_matmul(picked, prior->logvar, false, false));
}

duet_node duet_naive_penalty(const duet_gaussian *posterior, double ratio)
{
    duet_node squares = duet_square(posterior->logvar);
    return duet_sum_features(duet_add(duet_square(posterior->mean), duet_scale(squares, ratio)));
}

duet_node duet_free_bits(const duet_gaussian *posterior, double least)
{
    duet_node moments = duet_add(duet_square(posterior->mean), duet_exp(posterior->logvar));
    duet_node each = duet_scale(duet_subtract(duet_shift(moments, -1), posterior->logvar), 0.5);
    duet_node mean = duet_mean(each, DUET_AXIS(0), false);
    return duet_sum(duet_maximum(mean, duet_constant(duet_node_graph(mean), least)), DUET_ALL_AXES, false);
}
