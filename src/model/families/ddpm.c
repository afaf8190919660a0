/* SPDX-License-Identifier: MIT */
/* Denoising diffusion, Ho et al. 2020 (arXiv:2006.11239): a network learns what is noise in an example after t steps
 * (algorithm 1, eq. 14), and samples are made by taking it away step by step. Fewer steps than were learnt have the
 * betas between them, as in Nichol & Dhariwal 2021 (arXiv:2102.09672, sec. 4), but lie in the middles of equal parts of
 * the time, not from 1 to the last; each as in DDIM (Song et al. 2021, arXiv:2010.02502, eq. 12 and 16),
 * which with eta 1 is algorithm 2. */
#include "model/families/diffusion.h"
#include "model/families/family.h"
#include "model/families/needs.h"

#include <math.h>

enum { MOST_TIMESTEPS = 4000 };

/* After 1,500 steps on columns beyond, beside others of deviation 1, samples deviate by a third more than they should,
 * at 0.1 by two times as much and at 10 by seven. */
#define LEAST_DEVIATION 0.2
#define MOST_DEVIATION  5

/* alpha[t]: the share of an example's variance that is left after t steps, eq. 4. Cosine: Nichol & Dhariwal, eq. 17;
 * linear: Ho et al.'s betas from 1e-4 to 0.02, scaled to fewer or more steps than their 1,000. */
static size_t find_alphas(duet_model *m, double alpha[MOST_TIMESTEPS + 1])
{
    const double pi = 3.14159265358979323846, offset = 0.008;
    size_t timesteps = (size_t)duet_setting_number(m, "timesteps");
    bool is_cosine = duet_setting_is(m, "schedule", "cosine");
    double before = cos(offset / (1 + offset) * pi / 2);
    alpha[0] = 1;
    for (size_t t = 1; t <= timesteps; t++) {
        double now = cos(((double)t / (double)timesteps + offset) / (1 + offset) * pi / 2);
        double rise = timesteps > 1 ? (double)(t - 1) / (double)(timesteps - 1) : 0;
        double beta = is_cosine ? 1 - now * now / (before * before) : (0.1 + 19.9 * rise) / (double)timesteps;
        alpha[t] = alpha[t - 1] * (1 - fmin(beta, 0.999));
        before = now;
    }
    return timesteps;
}

/* What a step of the sampler needs, a row a step from noise to data. */
enum { TIME, SIGNAL, NOISE, NEXT_SIGNAL, NEXT_NOISE, FRESH, COLUMNS };

static duet_node tabulate(duet_model *m, size_t steps, double eta)
{
    double alpha[MOST_TIMESTEPS + 1], next = 1;
    float table[MOST_TIMESTEPS][COLUMNS];
    size_t timesteps = find_alphas(m, alpha);
    for (size_t i = 0; i < steps; i++) {
        size_t t = ((2 * i + 1) * timesteps + 2 * steps - 1) / (2 * steps); /* in the middle of its part, rounded up */
        double now = alpha[t], fresh = eta * sqrt((1 - next) / (1 - now) * (1 - now / next));
        float *row = table[steps - 1 - i];
        row[TIME] = (float)t / (float)timesteps;
        row[SIGNAL] = (float)sqrt(now);
        row[NOISE] = (float)sqrt(1 - now);
        row[NEXT_SIGNAL] = (float)sqrt(next);
        row[NEXT_NOISE] = (float)sqrt(fmax(1 - next - fresh * fresh, 0));
        row[FRESH] = (float)fresh;
        next = now;
    }
    return duet_constant_values(duet_model_graph(m), DUET_SHAPE(steps, COLUMNS), table[0]);
}

/* x at the next time: the example that it seems to hide, and noise, in other shares. */
static duet_node step(duet_model *m, duet_field noise, duet_node x, duet_node row)
{
    duet_node column[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) column[i] = duet_slice(row, 1, i, 1);
    duet_node hidden = duet_subtract(x, duet_multiply(column[NOISE], noise(m, x, column[TIME])));
    hidden = duet_divide(hidden, column[SIGNAL]);
    if (duet_model_unit_range(m)) hidden = duet_clamp(hidden, -1, 1);
    duet_node rest = duet_divide(duet_subtract(x, duet_multiply(column[SIGNAL], hidden)), column[NOISE]);
    duet_node kept = duet_add(duet_multiply(column[NEXT_SIGNAL], hidden), duet_multiply(column[NEXT_NOISE], rest));
    duet_node fresh = duet_normal(duet_model_graph(m), duet_node_shape(x));
    return duet_add(kept, duet_multiply(column[FRESH], fresh));
}

void duet_ddpm_use(duet_model *m, duet_field noise)
{
    const duet_prior prior = duet_prior_normal(duet_features(duet_model_batch(m)));
    size_t most = (size_t)duet_setting_number(m, "timesteps");
    duet_procedure(m, DUET_SAMPLE);
    size_t steps = duet_use_count(m, "steps", most < 100 ? most : 100, 1, most, "steps from noise to data");
    double eta = duet_use_number(m, "eta", 1, 0, 1, "fresh noise of a step; 1: ancestral sampling, 0: DDIM, none");
    duet_node latent = duet_latent(m, &prior, 1);
    duet_node x = duet_scratch(m, "x", DUET_FLOAT32, duet_node_shape(latent));
    duet_node i = duet_scratch(m, "step", DUET_UINT32, DUET_SCALAR_SHAPE);

    duet_phase(m, "begin", 1);
    duet_phase_assign(m, x, latent);

    duet_phase(m, "step", steps);
    duet_phase_assign(m, x, step(m, noise, x, duet_take(tabulate(m, steps, eta), 0, i)));
    duet_phase_assign(m, i, duet_increment(i));

    duet_output(m, DUET_SAMPLE, duet_model_uncentred(m, x));
    duet_output(m, DUET_DECODE, duet_model_uncentred(m, x));
}

/* alpha at `t`, [rows, 1], whole numbers from 1. */
static duet_node alphas_at(duet_model *m, duet_node t)
{
    double alpha[MOST_TIMESTEPS + 1];
    float table[MOST_TIMESTEPS];
    size_t timesteps = find_alphas(m, alpha);
    for (size_t i = 0; i < timesteps; i++) table[i] = (float)alpha[i + 1];
    duet_graph *graph = duet_model_graph(m);
    duet_node is_that = duet_equal(t, duet_shift(duet_range(graph, timesteps), 1));
    duet_node row = duet_constant_values(graph, DUET_SHAPE(1, timesteps), table);
    return duet_sum(duet_multiply(is_that, row), DUET_AXIS(1), true);
}

static void build_ddpm(duet_model *m)
{
    duet_warn_of_scale(m, LEAST_DEVIATION, MOST_DEVIATION);
    duet_node x = duet_model_centred(m, duet_model_batch(m));
    const duet_shape shape = duet_node_shape(x);
    double timesteps = duet_setting_number(m, "timesteps");
    duet_node noise = duet_normal(duet_model_graph(m), shape);
    duet_node share = duet_uniform(duet_model_graph(m), DUET_SHAPE(shape.dims[0], 1));
    duet_node t = duet_shift(duet_floor(duet_scale(share, timesteps)), 1), alpha = alphas_at(m, t);
    duet_node signal = duet_sqrt(alpha), deviation = duet_sqrt(duet_shift(duet_negate(alpha), 1));
    duet_node noisy = duet_add(duet_multiply(signal, x), duet_multiply(deviation, noise));
    duet_node gap = duet_subtract(duet_field_trained(m, noisy, duet_scale(t, 1 / timesteps)), noise);
    duet_node loss = duet_batch_mean(duet_sum_features(duet_square(gap)));

    duet_phase(m, "noise", 1);
    duet_report(m, "noise_error", loss);
    duet_minimise(m, loss, duet_model_group(m, "net"));

    duet_ddpm_use(m, duet_field_used);
}

static const duet_setting settings[] = {
    DUET_DDPM_SETTINGS,
    DUET_DIFFUSION_SETTINGS,
};

const duet_family duet_family_ddpm = {
    .name = "ddpm",
    .summary = "denoising diffusion probabilistic model",
    .paper = "Ho et al. 2020",
    .build = build_ddpm,
    .groups = (const char *const[]){"net", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .batch = 64,
    .averaged = true,
};
