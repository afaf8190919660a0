/* SPDX-License-Identifier: MIT */
/* NICE, Dinh et al. 2015 (arXiv:1410.8516): additive couplings shift one half of the features by a function of the
 * other half, which preserves volume and is inverted by subtracting; a diagonal scale at the end changes volume, so its
 * log-determinant joins the likelihood under a logistic prior. */
#include "model/families/family.h"
#include "model/families/flow.h"

enum { COUPLINGS = 4 };

static duet_group *coupling_group(duet_model *m, size_t i)
{
    static const char *const names[COUPLINGS] = {"coupling1", "coupling2", "coupling3", "coupling4"};
    return duet_model_group(m, names[i]);
}

static duet_node shift(duet_model *m, size_t i, duet_node from, size_t features)
{
    duet_group *group = coupling_group(m, i);
    return duet_dense(group, "shift", duet_hidden_layers(m, group, "hidden", from), features);
}

static duet_node log_scale(duet_model *m, size_t features)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    return duet_parameter(duet_model_graph(m), duet_model_group(m, "scale"), "log", DUET_SHAPE(features), zero);
}

/* x to h, eq. 9 to 11: couplings change the halves by turns. */
static duet_node forward(duet_model *m, duet_node x, duet_node *log_determinant)
{
    duet_halves half = duet_flow_halves(x);
    duet_node scale = log_scale(m, duet_features(x));
    for (size_t i = 0; i < COUPLINGS; i++) {
        if (i % 2 == 0)
            half.b = duet_add(half.b, shift(m, i, half.a, duet_features(half.b)));
        else
            half.a = duet_add(half.a, shift(m, i, half.b, duet_features(half.a)));
    }
    *log_determinant = duet_add(*log_determinant, duet_sum(scale, DUET_ALL_AXES, false));
    return duet_multiply(duet_concat(((duet_node[]){half.a, half.b}), 2, 1), duet_exp(scale));
}

static duet_node inverse(duet_model *m, duet_node h)
{
    size_t features = duet_features(h), odd = features / 2, even = features - odd;
    h = duet_multiply(h, duet_exp(duet_negate(log_scale(m, features))));
    duet_halves half = {duet_slice(h, 1, 0, even), duet_slice(h, 1, even, odd)};
    for (size_t i = COUPLINGS; i-- > 0;) {
        if (i % 2 == 0)
            half.b = duet_subtract(half.b, shift(m, i, half.a, odd));
        else
            half.a = duet_subtract(half.a, shift(m, i, half.b, even));
    }
    return duet_flow_joined(half);
}

static void build_nice(duet_model *m)
{
    duet_group *const groups[] = {coupling_group(m, 0), coupling_group(m, 1),         coupling_group(m, 2),
                                  coupling_group(m, 3), duet_model_group(m, "scale"), NULL};
    duet_flow_likelihood(m, &(duet_flow){forward, inverse, groups});
}

static const duet_setting settings[] = {
    DUET_SIZES("hidden", "1000,1000,1000,1000,1000", "widths of each coupling's layers"),
    DUET_FLOW_SETTINGS("logistic", 0.001),
    DUET_NUMBER("scale.lr", 0.01, 0, 100, "learning rate of the scale, which has the longest way to go"),
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
