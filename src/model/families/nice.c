/* SPDX-License-Identifier: MIT */
/* NICE, Dinh et al. 2015 (arXiv:1410.8516): additive couplings shift one half of the features by a function of the
 * other half, which preserves volume and is inverted by subtracting; a diagonal scale at the end changes volume, so its
 * log-determinant joins the likelihood under a logistic prior. */
#include "model/families/family.h"

enum { COUPLINGS = 4 };

/* Data in [0, 1] are taken as bytes / 255 and made continuous by uniform noise; other data stay as they are. */
static duet_node dequantise(duet_model *m, duet_node x)
{
    if (!duet_model_unit_range(m)) return x;
    return duet_scale(duet_add(duet_scale(x, 255), duet_uniform(duet_node_graph(x), duet_node_shape(x))), 1.0 / 256);
}

/* Features first, first + 2, first + 4, ... */
static duet_node every_second(duet_node x, size_t first)
{
    duet_shape shape = duet_node_shape(x);
    size_t batch = shape.dims[0], half = shape.dims[1] / 2;
    duet_node pairs = duet_reshape(x, DUET_SHAPE(batch, half, 2));
    return duet_reshape(duet_slice(pairs, 2, first, 1), DUET_SHAPE(batch, half));
}

/* a0 b0 a1 b1 ... */
static duet_node interleaved(duet_node a, duet_node b)
{
    duet_shape shape = duet_node_shape(a);
    size_t batch = shape.dims[0], half = shape.dims[1];
    duet_shape column = DUET_SHAPE(batch, half, 1);
    duet_node pairs = duet_concat(((duet_node[]){duet_reshape(a, column), duet_reshape(b, column)}), 2, 2);
    return duet_reshape(pairs, DUET_SHAPE(batch, 2 * half));
}

static duet_group *coupling_group(duet_model *m, size_t i)
{
    static const char *const names[COUPLINGS] = {"coupling1", "coupling2", "coupling3", "coupling4"};
    return duet_model_group(m, names[i]);
}

static duet_node shift(duet_model *m, size_t i, duet_node from)
{
    duet_group *group = coupling_group(m, i);
    return duet_dense(group, "shift", duet_hidden_layers(m, group, "hidden", from), duet_features(from));
}

static duet_node log_scale(duet_model *m, size_t features)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    return duet_parameter(duet_model_graph(m), duet_model_group(m, "scale"), "log", DUET_SHAPE(features), zero);
}

/* x to h, eq. 9 to 11: the couplings shift the two halves in turn. */
static duet_node forward(duet_model *m, duet_node x)
{
    duet_node a = every_second(x, 0), b = every_second(x, 1);
    for (size_t i = 0; i < COUPLINGS; i++) {
        if (i % 2 == 0)
            b = duet_add(b, shift(m, i, a));
        else
            a = duet_add(a, shift(m, i, b));
    }
    return duet_multiply(duet_concat(((duet_node[]){a, b}), 2, 1), duet_exp(log_scale(m, duet_features(x))));
}

static duet_node inverse(duet_model *m, duet_node h)
{
    size_t half = duet_features(h) / 2;
    h = duet_multiply(h, duet_exp(duet_negate(log_scale(m, duet_features(h)))));
    duet_node a = duet_slice(h, 1, 0, half), b = duet_slice(h, 1, half, half);
    for (size_t i = COUPLINGS; i-- > 0;) {
        if (i % 2 == 0)
            b = duet_subtract(b, shift(m, i, a));
        else
            a = duet_subtract(a, shift(m, i, b));
    }
    return interleaved(a, b);
}

static void build_nice(duet_model *m)
{
    duet_node x = dequantise(m, duet_model_batch(m));
    size_t features = duet_features(x);
    if (features % 2 != 0) {
        duet_graph_fail(duet_model_graph(m), "nice halves its features, and %zu is odd", features);
        return;
    }
    const duet_prior prior = duet_prior_logistic(features);
    duet_node h = forward(m, x);
    duet_node log_determinant = duet_sum(log_scale(m, features), DUET_ALL_AXES, false);
    duet_node nll = duet_negate(duet_add(duet_prior_log_density(&prior, 1, h), log_determinant));

    duet_phase(m, "likelihood", 1);
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_minimise(m, duet_batch_mean(nll), coupling_group(m, 0), coupling_group(m, 1), coupling_group(m, 2),
                  coupling_group(m, 3), duet_model_group(m, "scale"));

    duet_output(m, DUET_NLL, nll);
    duet_output(m, DUET_LATENT, h);
    duet_output(m, DUET_RECONSTRUCTION, inverse(m, h));
    duet_own_output(m, "inverse_gap", duet_max(duet_abs(duet_subtract(inverse(m, h), x)), DUET_AXIS(1), false));
    duet_node drawn = inverse(m, duet_latent(m, &prior, 1));
    duet_output(m, DUET_DECODE, drawn);
    duet_output(m, DUET_SAMPLE, drawn);
}

static const duet_setting settings[] = {
    DUET_SIZES("hidden", "1000,1000,1000,1000,1000", "widths of each coupling's layers"),
};

const duet_family duet_family_nice = {
    .name = "nice",
    .summary = "non-linear independent components estimation, a flow",
    .paper = "Dinh et al. 2015",
    .build = build_nice,
    .groups = (const char *const[]){"coupling1", "coupling2", "coupling3", "coupling4", "scale", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .batch = 200,
};
