/* SPDX-License-Identifier: MIT */
/* What variational autoencoders share: the objective and its options, whatever the two networks are. */
#ifndef DUET_SRC_MODEL_FAMILIES_VAE_H
#define DUET_SRC_MODEL_FAMILIES_VAE_H

#include "model/families/decoder.h"
#include "model/families/posterior.h"

/** The rows of the settings table that duet_vae_objective reads. */
#define DUET_VAE_SETTINGS                                                                                              \
    DUET_LIKELIHOOD_SETTINGS("auto"),                                                                                  \
        DUET_CHOICE("kl", "auto", "auto|analytic|monte-carlo",                                                         \
                    "the KL term: closed form, or by the draws of z; auto: closed form where there is one"),           \
        DUET_NUMBER("beta", 1, 0, 1e6, "weight of the KL term in the loss"),                                           \
        DUET_COUNT("warm_up", 0, 0, 1e9, "steps over which that weight rises from 0"),                                 \
        DUET_CHOICE("regulariser", "kl", "kl|naive",                                                                   \
                    "what stands beside the nll in the loss: the KL, or mean^2 + naive_ratio logvar^2"),               \
        DUET_NUMBER("naive_ratio", 1, 0, 1e6, "see regulariser"),                                                      \
        DUET_NUMBER("free_bits", 0, 0, 1e3, "nats that the KL of a latent, averaged over the batch, has for free"),    \
        DUET_COUNT("k", 1, 1, 1000, "draws of z an example; above 1: the importance-weighted bound"),                  \
        DUET_NUMBER("posterior_noise", 1, 0, 1, "of the posterior's deviation, in training; 0: z is its mean"),        \
        DUET_CHOICE("prior", "normal", "normal|vamp", "p(z): N(0, I), or a mixture of posteriors of pseudo-inputs"),   \
        DUET_COUNT("pseudo_inputs", 500, 1, 100000, "prior=vamp: components of the mixture"),                          \
        DUET_CHOICE("reports", "usual", "usual|all", "all: also the KL's parts, the gradients of both terms")

/** The dense encoder: the group "encoder", hidden layers, then the layers "mean" and "logvar". */
duet_gaussian duet_encode(duet_model *model, duet_node inputs);

/** The two networks. The decoder gives what p(x | z) is made of, [rows, features of the data]. */
typedef struct duet_vae {
    duet_node inputs; /**< what the encoder reads of the batch, [batch, ...] */
    duet_gaussian (*encode)(duet_model *model, duet_node inputs);
    duet_node (*decode)(duet_model *model, duet_node z);
} duet_vae;

/** The phase "elbo", which trains the groups "encoder" and "decoder", the outputs, and the procedures "likelihood" and
 *  of duet_anneal. */
void duet_vae_objective(duet_model *model, const duet_vae *vae);

/** The importance-weighted bound on log p(x), Burda et al. 2016 (arXiv:1509.00519), sec. 3: log of the mean of
 *  exp(-nll - log_ratio) over `k` draws an example; [batch * k], draws of an example one after the other, to [batch].
 *  log_ratio: log q(z | x) - log p(z). */
duet_node duet_importance_bound(duet_node nll, duet_node log_ratio, size_t k);
/** The procedure "likelihood" over the batch: log p(x) in nats, [batch], by that bound with as many draws as the
 *  request's `k` says. Outputs "log_likelihood" and, of a likelihood of bytes, "log_likelihood_bits",
 *  bits a feature. It never falls in the mean as k grows, and converges to log p(x). */
void duet_vae_likelihood(duet_model *model, const duet_vae *vae, const duet_gaussian *posterior,
                         const duet_gaussian *prior);
/** The procedures of duet_anneal for it. */
void duet_vae_annealing(duet_model *model, const duet_vae *vae, size_t latent, const duet_gaussian *prior);

#endif
