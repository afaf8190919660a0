/* SPDX-License-Identifier: MIT */
/* Flow matching, Lipman et al. 2023 (arXiv:2210.02747), along straight lines as in rectified flow (Liu et al. 2023,
 * arXiv:2209.03003, eq. 1): a network learns the mean velocity of all lines from noise to data that cross a point, and
 * samples follow it. The density comes of the instantaneous change of variables (Chen et al. 2018, arXiv:1806.07366,
 * theorem 1). */
#include "model/families/diffusion.h"
#include "model/families/family.h"
#include "model/families/needs.h"

#include <math.h>

enum { MOST_EXACT = 8 }; /* features for which the density is computed: a gradient each */

/* After 1,500 steps on columns beyond, beside others of deviation 1, samples deviate by a third more than they should;
 * where all are that wide, by a seventh less, and at 30 by half. */
#define LEAST_DEVIATION 0.1
#define MOST_DEVIATION  16

/* A solver at work: `steps` replays from time 0 to 1, or back. */
typedef struct course {
    duet_model *model;
    duet_field velocity;
    size_t steps, order;
    bool back, expands; /* whether it keeps the integral of the divergence */
    duet_node x, expansion;
} course;

/* The trace of d v / d x of each row, [rows, 1]: a row's velocity depends on that row alone. */
static duet_node divergence(duet_node v, duet_node x)
{
    duet_node trace = duet_constant(duet_node_graph(x), 0), gradient;
    for (size_t i = 0; i < duet_features(x); i++) {
        duet_node all = duet_sum(duet_slice(v, 1, i, 1), DUET_ALL_AXES, false);
        duet_grad(all, &x, 1, &gradient);
        trace = duet_add(trace, duet_slice(gradient, 1, i, 1));
    }
    return trace;
}

/* A step of Euler's method, or of Heun's, which takes the mean of the slopes at both of its ends. */
static void step(course *c, duet_node time, double h)
{
    duet_node slope = c->velocity(c->model, c->x, time);
    duet_node growth = c->expands ? divergence(slope, c->x) : NULL;
    if (c->order == 2) {
        duet_node ahead = duet_watch(duet_add(c->x, duet_scale(slope, h)));
        duet_node second = c->velocity(c->model, ahead, duet_shift(time, h));
        if (c->expands) growth = duet_scale(duet_add(growth, divergence(second, ahead)), 0.5);
        slope = duet_scale(duet_add(slope, second), 0.5);
    }
    duet_phase_assign(c->model, c->x, duet_add(c->x, duet_scale(slope, h)));
    if (c->expands) duet_phase_assign(c->model, c->expansion, duet_add(c->expansion, duet_scale(growth, fabs(h))));
}

/* The two phases of a procedure: begin at `start`, and follow the velocity. */
static void follow(course *c, duet_node start)
{
    duet_model *m = c->model;
    const duet_shape shape = duet_node_shape(start);
    c->steps = duet_use_count(m, "steps", 25, 1, 100000, "steps of the solver");
    c->order = duet_use_count(m, "order", 2, 1, 2, "1: Euler's method, 2: Heun's, two networks a step");
    c->x = duet_scratch(m, "x", DUET_FLOAT32, shape);
    duet_node i = duet_scratch(m, "step", DUET_UINT32, DUET_SCALAR_SHAPE);
    if (c->expands) c->expansion = duet_scratch(m, "expansion", DUET_FLOAT32, DUET_SHAPE(shape.dims[0], 1));

    duet_phase(m, "begin", 1);
    duet_phase_assign(m, c->x, start);

    duet_phase(m, "step", c->steps);
    double h = (c->back ? -1.0 : 1.0) / (double)c->steps;
    duet_node done = duet_reshape(duet_to_float(i), DUET_SHAPE(1, 1));
    step(c, duet_shift(duet_scale(done, h), c->back ? 1 : 0), h);
    duet_phase_assign(m, i, duet_increment(i));
}

static void sample(duet_model *m, duet_field velocity, duet_node noise)
{
    course c = {.model = m, .velocity = velocity};
    duet_procedure(m, DUET_SAMPLE);
    follow(&c, noise);
    duet_node x = duet_model_unit_range(m) ? duet_clamp(c.x, -1, 1) : c.x;
    duet_output(m, DUET_SAMPLE, duet_model_uncentred(m, x));
    duet_output(m, DUET_DECODE, duet_model_uncentred(m, x));
}

/* Back to noise: log p(x) = log p(z) - the integral of the divergence from 0 to 1. */
static void encode(duet_model *m, duet_field velocity, const duet_prior *prior)
{
    size_t features = prior->features;
    course c = {.model = m, .velocity = velocity, .back = true, .expands = features <= MOST_EXACT};
    duet_procedure(m, "encode");
    follow(&c, duet_model_centred(m, duet_model_batch(m)));
    duet_output(m, DUET_LATENT, duet_scale(c.x, 1));
    if (!c.expands) return;
    duet_node log_density = duet_subtract(duet_prior_log_density(prior, 1, c.x), duet_sum_features(c.expansion));
    double doubled = duet_model_unit_range(m) ? (double)features * log(2) : 0; /* what centring did to volumes */
    duet_output(m, DUET_NLL, duet_shift(duet_negate(log_density), -doubled));
}

void duet_flow_matching_use(duet_model *m, duet_field velocity)
{
    const duet_prior prior = duet_prior_normal(duet_features(duet_model_batch(m)));
    sample(m, velocity, duet_latent(m, &prior, 1));
    encode(m, velocity, &prior);
}

static void build_flow_matching(duet_model *m)
{
    duet_warn_of_scale(m, LEAST_DEVIATION, MOST_DEVIATION);
    duet_node x = duet_model_centred(m, duet_model_batch(m));
    const duet_shape shape = duet_node_shape(x);
    duet_node noise = duet_normal(duet_model_graph(m), shape);
    duet_node time = duet_uniform(duet_model_graph(m), DUET_SHAPE(shape.dims[0], 1));
    duet_node along = duet_subtract(x, noise), between = duet_add(noise, duet_multiply(time, along));
    duet_node gap = duet_subtract(duet_field_trained(m, between, time), along);
    duet_node loss = duet_batch_mean(duet_sum_features(duet_square(gap)));

    duet_phase(m, "velocity", 1);
    duet_report(m, "velocity_error", loss);
    duet_minimise(m, loss, duet_model_group(m, "net"));

    duet_flow_matching_use(m, duet_field_used);
}

static const duet_setting settings[] = {
    DUET_DIFFUSION_SETTINGS,
};

const duet_family duet_family_flow_matching = {
    .name = "flow-matching",
    .summary = "flow matching along straight lines",
    .paper = "Lipman et al. 2023",
    .build = build_flow_matching,
    .groups = (const char *const[]){"net", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .batch = 64,
    .averaged = true,
};
