/* SPDX-License-Identifier: MIT */
/* Diagonal Gaussians as posteriors, and as components of a prior: the VampPrior, Tomczak & Welling 2018
 * (arXiv:1705.07120), eq. 9, is the mixture of the posteriors of pseudo-inputs. */
#include "model/families/posterior.h"

#include <math.h>

duet_node duet_gaussian_draw(const duet_gaussian *from, size_t k, double noise)
{
    duet_node mean = duet_repeat_rows(from->mean, k);
    if (noise == 0) return mean;
    duet_node logvar = duet_repeat_rows(from->logvar, k);
    return duet_gaussian_sample(mean, noise == 1 ? logvar : duet_shift(logvar, 2 * log(noise)));
}

/* -log p(z) of the mixture, [rows]: each row of z under each component, [rows, components, latent]. */
static duet_node mixture_nll(const duet_gaussian *components, duet_node z)
{
    duet_shape shape = duet_node_shape(components->mean);
    size_t rows = duet_node_shape(z).dims[0], count = shape.dims[0], latent = shape.dims[1];
    duet_node wide = duet_reshape(z, DUET_SHAPE(rows, 1, latent));
    duet_node scaled =
        duet_multiply(duet_square(duet_subtract(wide, components->mean)), duet_exp(duet_negate(components->logvar)));
    duet_node squares = duet_sum(scaled, DUET_AXIS(2), false), spread = duet_sum_features(components->logvar);
    duet_node log_each = duet_scale(duet_add(squares, spread), -0.5);
    double constant = log((double)count) + (double)latent * log(2 * acos(-1)) / 2;
    return duet_shift(duet_negate(duet_logsumexp(log_each, DUET_AXIS(1), false)), constant);
}

duet_node duet_log_ratio(const duet_gaussian *posterior, const duet_gaussian *prior, duet_node z, size_t k)
{
    duet_node zero = duet_constant(duet_node_graph(z), 0);
    duet_node mean = duet_repeat_rows(posterior->mean, k), logvar = duet_repeat_rows(posterior->logvar, k);
    duet_node prior_nll = prior != NULL ? mixture_nll(prior, z) : duet_gaussian_nll(zero, zero, z);
    return duet_subtract(prior_nll, duet_gaussian_nll(mean, logvar, z));
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
