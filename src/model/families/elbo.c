/* SPDX-License-Identifier: MIT */
/* The objective of variational autoencoders, whatever their networks: the reparameterised ELBO of Kingma & Welling 2014
 * (arXiv:1312.6114), eq. 10, its KL in closed form (appendix B) or by the same draw as the reconstruction (eq. 6); beta
 * as in Higgins et al. 2017; and its relatives: the naive penalty, free bits, the importance-weighted bound, the
 * VampPrior. */
#include "model/families/vae.h"

#include <math.h>

#include "model/families/needs.h"

/* What a step computes. Of each example: means over its draws. */
typedef struct terms {
    size_t k;               /* draws an example */
    duet_gaussian q;        /* the posteriors of the batch */
    duet_node z;            /* [batch * k, latent] */
    duet_node nlls, ratios; /* of each draw, [batch * k]: -log p(x | z), and log q(z | x) - log p(z) or NULL */
    duet_node nll, kl;      /* [batch] */
    duet_node weight;       /* of the KL in the loss */
    double beta;            /* its last value; 0: it has no part in the loss */
} terms;

static duet_gaussian encode(duet_model *m, const duet_vae *vae, duet_node inputs)
{
    duet_gaussian q = vae->encode(m, inputs);
    q.logvar = duet_clamp(q.logvar, -10, 10);
    return q;
}

/* Components of the VampPrior: the posteriors of pseudo-inputs, which are learned and lie where inputs do. */
static duet_gaussian encode_pseudo_inputs(duet_model *m, const duet_vae *vae)
{
    const duet_initialiser normal = {.kind = DUET_INIT_NORMAL, .scale = 1};
    duet_shape shape = duet_node_shape(vae->inputs);
    shape.dims[0] = (size_t)duet_setting_number(m, "pseudo_inputs");
    duet_node free =
        duet_parameter(duet_model_graph(m), duet_model_group(m, "encoder"), "pseudo_inputs", shape, normal);
    return encode(m, vae, duet_model_unit_range(m) ? duet_sigmoid(free) : free);
}

/* Options that contradict each other. */
static void check_options(duet_model *m)
{
    bool many = duet_setting_number(m, "k") > 1, partial = duet_setting_number(m, "posterior_noise") < 1;
    bool vamp = duet_setting_is(m, "prior", "vamp"), weighs = duet_setting_number(m, "beta") != 0;
    /* asked for only where they contradict: what is asked for counts as followed */
    bool naive = (many || vamp || weighs) && duet_setting_is(m, "regulariser", "naive");
    bool free_bits = (many || vamp || naive) && duet_setting_number(m, "free_bits") > 0;
    bool sampled = partial && duet_setting_is(m, "kl", "monte-carlo");
    if (many && (naive || free_bits || partial))
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "k above 1 is the importance-weighted bound, which weighs whole posteriors "
                          "against the prior: leave regulariser, free_bits and posterior_noise out");
    if (vamp && (naive || free_bits || partial))
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "prior=vamp has its KL from draws of the whole posterior alone: leave "
                          "regulariser, free_bits and posterior_noise out");
    if (naive && free_bits)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "free_bits are of the KL, and regulariser=naive takes its place: choose one");
    if (sampled)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "posterior_noise below 1 draws no posterior, from which kl=monte-carlo "
                          "would follow: leave kl out");
}

/* The mean over each example's draws, [batch * k] to [batch]. */
static duet_node over_draws(duet_node each, size_t k)
{
    if (k == 1) return each;
    return duet_mean(duet_reshape(each, DUET_SHAPE(duet_features(each) / k, k)), DUET_AXIS(1), false);
}

static terms make_terms(duet_model *m, const duet_vae *vae, duet_gaussian q, const duet_gaussian *prior)
{
    terms t = {.k = (size_t)duet_setting_number(m, "k"), .q = q};
    double noise = duet_model_training(m) ? duet_setting_number(m, "posterior_noise") : 1;
    bool closed = prior == NULL && !duet_setting_is(m, "kl", "monte-carlo");
    t.z = duet_gaussian_draw(&q, t.k, noise);
    t.nlls = duet_likelihood_nll(m, vae->decode(m, t.z), duet_repeat_rows(duet_model_batch(m), t.k));
    t.nll = over_draws(t.nlls, t.k);
    if (t.k > 1 || !closed) t.ratios = duet_log_ratio(&q, prior, t.z, t.k);
    t.kl = closed ? duet_gaussian_kl(q.mean, q.logvar) : over_draws(t.ratios, t.k);
    t.beta = duet_setting_number(m, "beta");
    t.weight = t.beta == 0 ? duet_constant(duet_model_graph(m), 0)
                           : duet_scale(duet_warm_up(m, duet_setting_number(m, "warm_up")), t.beta);
    return t;
}

/* What stands beside the nll, weighed: of each example, or one number of the batch. */
static duet_node weighed_kl(duet_model *m, const terms *t)
{
    duet_node term = t->kl;
    if (t->beta == 0) return duet_multiply(t->weight, term); /* whatever it would be of */
    if (duet_setting_is(m, "regulariser", "naive"))
        term = duet_naive_penalty(&t->q, duet_setting_number(m, "naive_ratio"));
    else if (duet_setting_number(m, "free_bits") > 0)
        term = duet_free_bits(&t->q, duet_setting_number(m, "free_bits"));
    return duet_multiply(t->weight, term);
}

static duet_node loss_of(duet_model *m, const terms *t)
{
    if (t->k == 1) return duet_batch_mean(duet_add(t->nll, weighed_kl(m, t)));
    return duet_negate(duet_batch_mean(duet_importance_bound(t->nlls, duet_multiply(t->weight, t->ratios), t->k)));
}

/* The mean over the batch of the length of an example's gradient by its posterior's mean and logvar. */
static duet_node gradient_norm(const terms *t, duet_node term)
{
    duet_node gradients[2], row = duet_scale(duet_stop_gradient(t->nll), 0);
    term = duet_add(row, term); /* what is one number of the batch is so for each example */
    duet_grad(duet_sum(term, DUET_ALL_AXES, false), (const duet_node[]){t->q.mean, t->q.logvar}, 2, gradients);
    duet_node squares = duet_add(duet_square(gradients[0]), duet_square(gradients[1]));
    return duet_batch_mean(duet_sqrt(duet_sum_features(squares)));
}

static void report_more(duet_model *m, const terms *t)
{
    duet_node logvar = t->q.logvar, zero = duet_constant(duet_model_graph(m), 0);
    duet_node mean_part = duet_scale(duet_sum_features(duet_square(t->q.mean)), 0.5);
    duet_report(m, "kl_mean_part", duet_batch_mean(mean_part));
    duet_report(m, "kl_variance_part", duet_batch_mean(duet_gaussian_kl(zero, logvar)));
    duet_report(m, "posterior_sigma", duet_batch_mean(duet_exp(duet_scale(logvar, 0.5))));
    duet_report(m, "nll_gradient_norm", gradient_norm(t, t->nll));
    duet_report(m, "kl_gradient_norm", gradient_norm(t, weighed_kl(m, t)));
}

static void train(duet_model *m, const terms *t)
{
    duet_phase(m, "elbo", 1);
    if (duet_setting_number(m, "posterior_noise") == 1) /* else it would be no bound */
        duet_report(m, "elbo", duet_negate(duet_batch_mean(duet_add(t->nll, t->kl))));
    if (t->k > 1) duet_report(m, "bound", duet_batch_mean(duet_importance_bound(t->nlls, t->ratios, t->k)));
    duet_report(m, "nll", duet_batch_mean(t->nll));
    duet_report(m, "kl", duet_batch_mean(t->kl));
    duet_likelihood_report(m);
    if (duet_setting_is(m, "reports", "all")) report_more(m, t);
    duet_minimise(m, loss_of(m, t), duet_model_group(m, "encoder"), duet_model_group(m, "decoder"));
}

static duet_node first_draws(const terms *t)
{
    duet_shape shape = duet_node_shape(t->z);
    size_t batch = shape.dims[0] / t->k, latent = shape.dims[1];
    if (t->k == 1) return t->z;
    return duet_reshape(duet_slice(duet_reshape(t->z, DUET_SHAPE(batch, t->k, latent)), 1, 0, 1),
                        DUET_SHAPE(batch, latent));
}

static void give_outputs(duet_model *m, const duet_vae *vae, const terms *t, const duet_gaussian *prior)
{
    const duet_prior normal = duet_prior_normal(duet_features(t->q.mean));
    duet_output(m, DUET_NLL, t->nll);
    duet_output(m, DUET_KL, t->kl);
    duet_output(m, DUET_LATENT, t->q.mean);
    duet_output(m, DUET_POSTERIOR_DRAW, first_draws(t));
    duet_output(m, DUET_RECONSTRUCTION, duet_likelihood_mean(m, vae->decode(m, t->q.mean)));
    duet_node latent = prior == NULL
                           ? duet_latent(m, &normal, 1)
                           : duet_latent_drawn(m, &normal, 1, duet_mixture_draw(prior, duet_model_batch_size(m)));
    duet_node decoded = duet_likelihood_mean(m, vae->decode(m, latent));
    duet_output(m, DUET_DECODE, decoded);
    duet_output(m, DUET_SAMPLE, decoded);
}

void duet_vae_objective(duet_model *m, const duet_vae *vae)
{
    duet_gaussian q = encode(m, vae, vae->inputs), mixture, *prior = NULL;
    check_options(m);
    if (duet_setting_is(m, "prior", "vamp")) {
        mixture = encode_pseudo_inputs(m, vae);
        prior = &mixture;
    }
    if (duet_setting_is(m, "reports", "all")) q = (duet_gaussian){duet_watch(q.mean), duet_watch(q.logvar)};
    terms t = make_terms(m, vae, q, prior);
    if (t.beta > 0) duet_warn_of_faint_examples(m, duet_likelihood_least_sigma(m) * sqrt(t.beta));
    if (t.beta > 0) duet_warn_of_hidden_columns(m, duet_likelihood_fixed_sigma(m) * sqrt(t.beta));
    train(m, &t);
    give_outputs(m, vae, &t, prior);
    duet_vae_likelihood(m, vae, &q, prior);
    duet_vae_annealing(m, vae, duet_features(t.q.mean), prior);
}
