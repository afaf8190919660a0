/* SPDX-License-Identifier: MIT */
/* Annealed importance sampling, Neal 2001 (Statistics and Computing 11), for decoders as in Wu et al. 2017
 * (arXiv:1611.04273): chains of latents walk from p(z) to p(z | x) through p(z) p(x | z)^beta, moved at each beta by
 * Hamiltonian dynamics (Neal 2011, arXiv:1206.1901, sec. 3); the weights that they gather have the mean p(x). From a
 * known draw of p(z | x) back to p(z) they have the mean 1 / p(x): Grosse et al. 2015 (arXiv:1511.02543). A first,
 * quicker walk finds each example's step sizes, which stay as they are in the one that counts: steps that follow the
 * chain they move would bias it. */
#include "graph/node.h"
#include "model/model.h"

#include <math.h>

static const double steepness = 4;     /* of the sigmoid by which beta rises, as Wu et al. have it */
static const double aimed_at = 0.65;   /* acceptance of moves, Neal 2011, sec. 4.4 */
static const double adaptation = 0.5;  /* of log step by what acceptance is off */
static const double pilot_share = 0.2; /* of the walk that counts: length of the first */
static const double pilot_least = 50;

/* One walk. All nodes of chains have rows * chains rows, those of an example one after the other. */
typedef struct walk {
    duet_model *m;
    const duet_joint *joint;
    bool back; /* from the posterior to the prior */
    size_t rows, chains, temperatures, pilots, leaps, latent;
    double step; /* 0: it is sought */
    duet_node x;
    duet_node time;                      /* rounds done, a scalar */
    duet_node z, nll, slope;             /* where the chains are; -log p(x | z) and its gradient */
    duet_node to, to_nll, to_slope;      /* where the move leads */
    duet_node momentum, energy;          /* on the way; at its start */
    duet_node log_weight, log_step;      /* [rows * chains]; [rows] */
    duet_node steps;                     /* log steps that the pilot found, [pilots, rows] */
    duet_node accepted;                  /* sum of acceptance over rounds, [rows] */
    duet_node counts, starts, now, last; /* scalars of this round: whether it is of the walk that counts, and
                                            where chains start; its beta and the one before */
} walk;

static duet_node number(const walk *w, double value)
{
    return duet_constant(duet_model_graph(w->m), value);
}

/* Both directions share them: a request runs one. */
static duet_node scratch(const walk *w, const char *name, duet_shape shape)
{
    return duet_scratch(w->m, name, DUET_FLOAT32, shape);
}

/* beta at `place` of 0 .. temperatures: a sigmoid cut and stretched to reach from 0 to 1. */
static duet_node beta_at(const walk *w, duet_node place)
{
    double least = 1 / (1 + exp(steepness)), length = (double)w->temperatures;
    if (w->back) place = duet_subtract(number(w, length), place);
    duet_node rise = duet_sigmoid(duet_shift(duet_scale(place, 2 * steepness / length), -steepness));
    return duet_scale(duet_shift(rise, -least), 1 / (1 - 2 * least));
}

/* Rounds: where the pilot starts, its moves, where the walk that counts starts, its moves. */
static size_t rounds_before(const walk *w)
{
    return w->pilots > 0 ? w->pilots + 1 : 0;
}

static void look_at_time(walk *w)
{
    double before = (double)rounds_before(w), stride = w->pilots > 0 ? (double)w->temperatures / (double)w->pilots : 1;
    w->counts = duet_greater_equal(w->time, number(w, before));
    w->starts = duet_maximum(duet_equal(w->time, number(w, 0)), duet_equal(w->time, number(w, before)));
    duet_node place = duet_select(w->counts, duet_shift(w->time, -before), duet_scale(w->time, stride));
    w->now = beta_at(w, place);
    w->last = beta_at(w, duet_shift(place, -1));
}

/* One number an example as one a chain, [rows] to [rows * chains, 1]. */
static duet_node of_chains(const walk *w, duet_node each)
{
    return duet_repeat_rows(duet_reshape(each, DUET_SHAPE(w->rows, 1)), w->chains);
}

/* The mean over an example's chains. */
static duet_node over_chains(const walk *w, duet_node each)
{
    return duet_mean(duet_reshape(each, DUET_SHAPE(w->rows, w->chains)), DUET_AXIS(1), false);
}

/* log p(z), [rows * chains], and its gradient. */
static duet_node log_prior(const walk *w, duet_node z, duet_node *gradient)
{
    duet_node at = duet_watch(z), value = w->joint->log_prior(w->m, w->joint->context, at);
    duet_grad(duet_sum(value, DUET_ALL_AXES, false), &at, 1, gradient);
    return value;
}

/* The row of `steps` that holds for this round, and what it says, [rows]. */
static duet_node step_row(const walk *w)
{
    double share = (double)w->pilots / (double)w->temperatures;
    duet_node place = duet_scale(duet_shift(w->time, -(double)rounds_before(w)), share);
    return duet_to_index(duet_select(w->counts, place, duet_shift(w->time, -1)));
}

static duet_node known_step(const walk *w)
{
    duet_node index = duet_reshape(step_row(w), DUET_SHAPE(1));
    return duet_reshape(duet_gather(w->steps, index), DUET_SHAPE(w->rows));
}

static duet_node energy_of(const walk *w, duet_node z, duet_node nll, duet_node momentum)
{
    duet_node gradient, kinetic = duet_scale(duet_sum_features(duet_square(momentum)), 0.5);
    return duet_add(kinetic, duet_subtract(duet_multiply(w->now, nll), log_prior(w, z, &gradient)));
}

/* Chains that start do not move: their round only looks at p(x | z) there. */
static void set_out(const walk *w)
{
    duet_graph *graph = duet_model_graph(w->m);
    size_t all = w->rows * w->chains;
    duet_phase(w->m, "set_out", 1);
    duet_node start =
        w->back ? duet_repeat_rows(w->m->build->latent, w->chains) : w->joint->draw(w->m, w->joint->context, all);
    duet_node z = duet_select(w->starts, start, w->z), nothing = number(w, 0);
    duet_node momentum = duet_select(w->starts, nothing, duet_normal(graph, DUET_SHAPE(all, w->latent)));
    duet_node gain = duet_multiply(duet_subtract(w->last, w->now), w->nll);
    duet_phase_assign(w->m, w->z, z);
    duet_phase_assign(w->m, w->to, z);
    duet_phase_assign(w->m, w->to_nll, w->nll);
    duet_phase_assign(w->m, w->to_slope, w->slope);
    duet_phase_assign(w->m, w->momentum, momentum);
    duet_phase_assign(w->m, w->energy, energy_of(w, z, w->nll, momentum));
    duet_phase_assign(w->m, w->log_weight,
                      duet_select(duet_multiply(w->counts, duet_subtract(number(w, 1), w->starts)),
                                  duet_add(w->log_weight, gain), nothing));
    if (w->pilots > 0) duet_phase_assign(w->m, w->log_step, duet_select(w->counts, known_step(w), w->log_step));
}

/* One step of the leapfrog. */
static void leap(const walk *w)
{
    duet_phase(w->m, "leap", w->leaps);
    duet_node size = w->step > 0 ? number(w, w->step) : of_chains(w, duet_exp(w->log_step));
    duet_node step = duet_select(w->starts, number(w, 0), size), half = duet_scale(step, 0.5), by_prior;
    (void)log_prior(w, w->to, &by_prior);
    duet_node force = duet_subtract(by_prior, duet_multiply(w->now, w->to_slope));
    duet_node momentum = duet_add(w->momentum, duet_multiply(half, force));
    duet_node to = duet_watch(duet_add(w->to, duet_multiply(step, momentum))), slope;
    duet_node nll = w->joint->nll(w->m, w->joint->context, to, w->x);
    duet_grad(duet_sum(nll, DUET_ALL_AXES, false), &to, 1, &slope);
    (void)log_prior(w, to, &by_prior);
    force = duet_subtract(by_prior, duet_multiply(w->now, slope));
    duet_phase_assign(w->m, w->to, to);
    duet_phase_assign(w->m, w->to_nll, nll);
    duet_phase_assign(w->m, w->to_slope, slope);
    duet_phase_assign(w->m, w->momentum, duet_add(momentum, duet_multiply(half, force)));
}

/* Metropolis' rule; a move that left the numbers is never accepted. */
static void settle(const walk *w)
{
    duet_graph *graph = duet_model_graph(w->m);
    size_t all = w->rows * w->chains;
    duet_phase(w->m, "settle", 1);
    duet_node gain = duet_subtract(w->energy, energy_of(w, w->to, w->to_nll, w->momentum)), zero = number(w, 0);
    duet_node chance = duet_select(duet_is_finite(gain), duet_exp(duet_minimum(gain, zero)), zero);
    duet_node taken = duet_maximum(duet_less(duet_uniform(graph, DUET_SHAPE(all)), chance), w->starts);
    duet_node taken_rows = duet_reshape(taken, DUET_SHAPE(all, 1)), rate = over_chains(w, chance);
    duet_phase_assign(w->m, w->z, duet_select(taken_rows, w->to, w->z));
    duet_phase_assign(w->m, w->nll, duet_select(taken, w->to_nll, w->nll));
    duet_phase_assign(w->m, w->slope, duet_select(taken_rows, w->to_slope, w->slope));
    duet_phase_assign(
        w->m, w->accepted,
        duet_add(w->accepted, duet_multiply(duet_subtract(w->counts, duet_multiply(w->starts, w->counts)), rate)));
    duet_phase_assign(w->m, w->time, duet_shift(w->time, 1));
    if (w->pilots == 0) return;
    duet_node better = duet_add(w->log_step, duet_scale(duet_shift(rate, -aimed_at), adaptation));
    better = duet_select(w->starts, w->log_step, better);
    duet_node kept = duet_select(w->counts, known_step(w), better);
    duet_phase_assign(w->m, w->log_step, better);
    duet_phase_assign(w->m, w->steps, duet_with_row(w->steps, step_row(w), kept));
}

/* Of an example's chains: the logarithm of the mean weight; and how many chains of equal weights would say as much,
 * (sum of weights)^2 / sum of their squares. */
static void give(const walk *w)
{
    duet_node gain = duet_multiply(duet_subtract(w->last, w->now), w->nll); /* time stands behind the last round */
    duet_node weights = duet_reshape(duet_add(w->log_weight, gain), DUET_SHAPE(w->rows, w->chains));
    duet_node squares = duet_sum(duet_square(duet_softmax(weights)), DUET_AXIS(1), false);
    duet_node mean = duet_shift(duet_logsumexp(weights, DUET_AXIS(1), false), -log((double)w->chains));
    duet_own_output(w->m, w->back ? "annealed_back" : "annealed", w->back ? duet_negate(mean) : mean);
    duet_own_output(w->m, w->back ? "annealed_back_chains" : "annealed_chains",
                    duet_divide(duet_constant(duet_model_graph(w->m), 1), squares));
    if (!w->back)
        duet_own_output(w->m, "annealed_acceptance", duet_scale(w->accepted, 1 / fmax(1, (double)w->temperatures - 1)));
}

static void go(duet_model *m, const duet_joint *joint, bool back)
{
    duet_procedure(m, back ? "anneal_back" : "anneal");
    walk w = {.m = m, .joint = joint, .back = back, .rows = duet_model_batch_size(m)};
    w.temperatures = duet_use_count(m, "temperatures", 500, 2, 1000000, "steps from p(z) to p(z | x)");
    w.chains = duet_use_count(m, "chains", DUET_CHAINS, 1, 1000, "walks an example");
    w.leaps = duet_use_count(m, "leaps", 10, 1, 1000, "leapfrog steps a move");
    w.step = duet_use_number(m, "step_size", 0, 0, 100, "of the leapfrog; 0: found for 65% acceptance");
    (void)duet_use_count(m, "examples", 100, 2, 1000000, "examples that the metrics of log p(x) look at");
    (void)duet_use_count(m, "simulated", 20, 0, 1000000, "examples of the model's own that ais is checked by");
    w.pilots = w.step > 0 ? 0 : (size_t)ceil(fmax(pilot_least, pilot_share * (double)w.temperatures));
    w.latent = duet_prior_features(m->build->prior, m->build->prior_count);
    size_t all = w.rows * w.chains;
    w.x = duet_repeat_rows(duet_model_batch(m), w.chains);
    w.time = scratch(&w, "annealing.time", DUET_SCALAR_SHAPE);
    w.z = scratch(&w, "annealing.z", DUET_SHAPE(all, w.latent));
    w.nll = scratch(&w, "annealing.nll", DUET_SHAPE(all));
    w.slope = scratch(&w, "annealing.slope", DUET_SHAPE(all, w.latent));
    w.to = scratch(&w, "annealing.to", DUET_SHAPE(all, w.latent));
    w.to_nll = scratch(&w, "annealing.to_nll", DUET_SHAPE(all));
    w.to_slope = scratch(&w, "annealing.to_slope", DUET_SHAPE(all, w.latent));
    w.momentum = scratch(&w, "annealing.momentum", DUET_SHAPE(all, w.latent));
    w.energy = scratch(&w, "annealing.energy", DUET_SHAPE(all));
    w.log_weight = scratch(&w, "annealing.log_weight", DUET_SHAPE(all));
    w.accepted = scratch(&w, "annealing.accepted", DUET_SHAPE(w.rows));
    if (w.pilots > 0) {
        w.log_step = scratch(&w, "annealing.log_step", DUET_SHAPE(w.rows));
        w.steps = scratch(&w, "annealing.steps", DUET_SHAPE(w.pilots, w.rows));
    }
    look_at_time(&w);
    duet_procedure_rounds(m, rounds_before(&w) + w.temperatures);
    set_out(&w);
    leap(&w);
    settle(&w);
    give(&w);
}

void duet_anneal_at(const char *where, duet_model *m, const duet_joint *joint)
{
    if (m->build->latent == NULL) {
        duet_graph_fail_at(where, duet_model_graph(m), "anneal: the model has no latent (duet_latent)");
        return;
    }
    const char *before = duet_graph_blame(duet_model_graph(m), where);
    go(m, joint, false);
    go(m, joint, true);
    duet_procedure(m, "simulate");
    duet_own_output(m, "simulated", joint->observe(m, joint->context, m->build->latent));
    (void)duet_graph_blame(duet_model_graph(m), before);
}

/* A decoder that says no p(x | z): normal noise of the deviation that a request names lies on what it makes. */

typedef struct noisy {
    duet_node (*decode)(duet_model *m, duet_node z);
} noisy;

static double deviation(duet_model *m)
{
    return duet_use_number(m, "sigma", 1, 1e-6, 1e6, "deviation of the noise on what is decoded");
}

static duet_node draw_parts(duet_model *m, const void *context, size_t rows)
{
    (void)context;
    return duet_prior_draw(duet_model_graph(m), m->build->prior, m->build->prior_count, rows);
}

static duet_node parts_density(duet_model *m, const void *context, duet_node z)
{
    (void)context;
    return duet_prior_log_density(m->build->prior, m->build->prior_count, z);
}

static duet_node noisy_nll(duet_model *m, const void *context, duet_node z, duet_node x)
{
    const noisy *it = context;
    duet_node logvar = duet_constant(duet_model_graph(m), 2 * log(deviation(m)));
    return duet_gaussian_nll(it->decode(m, z), logvar, x);
}

static duet_node noisy_observe(duet_model *m, const void *context, duet_node z)
{
    const noisy *it = context;
    duet_node made = it->decode(m, z);
    duet_node noise = duet_normal(duet_model_graph(m), duet_node_shape(made));
    return duet_add(made, duet_scale(noise, deviation(m)));
}

/* Dynamics need a density with a slope everywhere: a uniform has walls, a categorical stands on points. */
static bool is_smooth(const duet_build *build)
{
    for (size_t i = 0; i < build->prior_count; i++)
        if (build->prior[i].kind == DUET_PRIOR_UNIFORM || build->prior[i].kind == DUET_PRIOR_CATEGORICAL) return false;
    return true;
}

void duet_anneal_decoder_at(const char *where, duet_model *m, duet_node (*decode)(duet_model *m, duet_node z))
{
    const noisy it = {decode};
    if (is_smooth(m->build))
        duet_anneal_at(where, m, &(duet_joint){&it, draw_parts, parts_density, noisy_nll, noisy_observe});
    else
        (void)deviation(m); /* of which the refusal of a likelihood speaks */
}
