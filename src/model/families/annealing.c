/* SPDX-License-Identifier: MIT */
/* Annealed importance sampling of log p(x) for variational autoencoders: their prior and p(x | z) as duet_anneal asks
 * for them. It needs no posterior, so that it checks importance weighting, which rests on one. */
#include "model/families/vae.h"

typedef struct parts {
    const duet_vae *vae;
    const duet_gaussian *prior; /* NULL: N(0, I) */
    size_t latent;
} parts;

static duet_node draw(duet_model *m, const void *context, size_t rows)
{
    const parts *it = context;
    if (it->prior != NULL) return duet_mixture_draw(it->prior, rows);
    return duet_normal(duet_model_graph(m), DUET_SHAPE(rows, it->latent));
}

static duet_node log_prior(duet_model *m, const void *context, duet_node z)
{
    const parts *it = context;
    (void)m;
    return duet_prior_log_p(it->prior, z);
}

static duet_node nll(duet_model *m, const void *context, duet_node z, duet_node x)
{
    const parts *it = context;
    return duet_likelihood_nll(m, it->vae->decode(m, z), x);
}

static duet_node observe(duet_model *m, const void *context, duet_node z)
{
    const parts *it = context;
    return duet_likelihood_draw(m, it->vae->decode(m, z));
}

void duet_vae_annealing(duet_model *m, const duet_vae *vae, size_t latent, const duet_gaussian *prior)
{
    const parts it = {vae, prior, latent};
    const duet_joint joint = {&it, draw, log_prior, nll, observe};
    duet_anneal(m, &joint);
}
