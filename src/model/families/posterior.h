/* SPDX-License-Identifier: MIT */
/* Posteriors and priors of variational autoencoders: draws, densities and what the loss may hold beside the nll. */
#ifndef DUET_SRC_MODEL_FAMILIES_POSTERIOR_H
#define DUET_SRC_MODEL_FAMILIES_POSTERIOR_H

#include "duet/model.h"

/** A Gaussian for each row, N(mean, diag(exp(logvar))): [rows, latent] both. */
typedef struct duet_gaussian {
    duet_node mean, logvar;
} duet_gaussian;

/** `k` draws of each row, one after the other, [rows * k, latent], with `noise` times its deviation. */
duet_node duet_gaussian_draw(const duet_gaussian *from, size_t k, double noise);

/* A prior is a mixture of Gaussians, each as likely: `prior` holds its components, or is NULL for N(0, I). */

/** log p(z), [rows]. */
duet_node duet_prior_log_p(const duet_gaussian *prior, duet_node z);
/** log q(z | x) - log p(z) of `k` draws of each row, [rows * k]. */
duet_node duet_log_ratio(const duet_gaussian *posterior, const duet_gaussian *prior, duet_node z, size_t k);
/** Draws of the mixture: [rows, latent]. */
duet_node duet_mixture_draw(const duet_gaussian *prior, size_t rows);

/** The naive penalty, sum of mean^2 + ratio logvar^2, [rows]: least where the KL is, 0 at N(0, I). */
duet_node duet_naive_penalty(const duet_gaussian *posterior, double ratio);
/** The KL to N(0, I) with free bits, Kingma et al. 2016 (arXiv:1606.04934), a scalar: the sum over latents of
 *  the KL averaged over the batch, or of `least` where that is less. */
duet_node duet_free_bits(const duet_gaussian *posterior, double least);

#endif
