/* SPDX-License-Identifier: MIT */
/* A mixture of Gaussians with diagonal covariances by maximum likelihood (Bishop 2006, Pattern Recognition and Machine
 * Learning, eq. 9.14), descended on rather than by expectation and maximisation: what a GAN's modes can be held
 * against. */
#include "model/families/family.h"
#include "model/families/needs.h"

#define MOST_DEVIATION 1e6
#define FAR            256 /* times as wide, beyond which a column hides another one: measured */

/* Of components k and features: log shares [1, k], means and log variances [k, features]. */
typedef struct mixture {
    duet_node log_shares, means, logvars;
} mixture;

/* The floor keeps a component from closing in on one example, where the likelihood has no bound. */
static mixture make_mixture(duet_model *m, size_t components, size_t features)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT}, normal = {.kind = DUET_INIT_NORMAL, .scale = 1};
    duet_group *group = duet_model_group(m, "mixture");
    duet_graph *graph = duet_model_graph(m);
    double floor = duet_setting_number(m, "least_deviation");
    duet_node shares = duet_parameter(graph, group, "shares", DUET_SHAPE(1, components), zero);
    duet_node means = duet_parameter(graph, group, "means", DUET_SHAPE(components, features), normal);
    duet_node deviations = duet_parameter(graph, group, "log_deviations", DUET_SHAPE(components, features), zero);
    duet_node variances = duet_shift(duet_exp(duet_scale(deviations, 2)), floor * floor);
    return (mixture){duet_log_softmax(shares), means, duet_log(variances)};
}

/* log share + log N(x; mean, variance) of each component: [batch, k]. */
static duet_node log_joint(const mixture *mix, duet_node x)
{
    duet_shape shape = duet_node_shape(mix->means);
    size_t batch = duet_node_shape(x).dims[0], components = shape.dims[0], features = shape.dims[1];
    duet_shape all = DUET_SHAPE(batch, components, features), rows = DUET_SHAPE(batch * components, features);
    duet_node each = duet_broadcast(duet_reshape(x, DUET_SHAPE(batch, 1, features)), all);
    duet_node nll = duet_gaussian_nll(duet_reshape(duet_broadcast(mix->means, all), rows),
                                      duet_reshape(duet_broadcast(mix->logvars, all), rows), duet_reshape(each, rows));
    return duet_subtract(mix->log_shares, duet_reshape(nll, DUET_SHAPE(batch, components)));
}

/* A component by its share, then a draw from it. */
static duet_node sample(duet_model *m, const mixture *mix)
{
    duet_shape shape = duet_node_shape(mix->means);
    size_t batch = duet_model_batch_size(m);
    duet_node component = duet_categorical(duet_broadcast(mix->log_shares, DUET_SHAPE(batch, shape.dims[0])));
    duet_node mean = duet_matmul(component, mix->means, false, false);
    return duet_gaussian_sample(mean, duet_matmul(component, mix->logvars, false, false));
}

static void build_mixture(duet_model *m)
{
    duet_warn_of_coarse_columns(
        m, &(duet_blur){"least_deviation", duet_setting_number(m, "least_deviation"), MOST_DEVIATION});
    duet_warn_of_uneven_columns(m, FAR);
    duet_node x = duet_model_batch(m);
    mixture mix = make_mixture(m, (size_t)duet_setting_number(m, "components"), duet_features(x));
    duet_node nll = duet_negate(duet_logsumexp(log_joint(&mix, x), DUET_AXIS(1), false));

    duet_phase(m, "likelihood", 1);
    duet_report(m, "nll", duet_batch_mean(nll));
    duet_minimise(m, duet_batch_mean(nll), duet_model_group(m, "mixture"));

    duet_output(m, DUET_NLL, nll);
    duet_output(m, DUET_SAMPLE, sample(m, &mix));
}

static const duet_setting settings[] = {
    DUET_COUNT("components", 2, 1, 4096, "Gaussians"),
    DUET_NUMBER("least_deviation", 0.001, 1e-6, MOST_DEVIATION, "no component is narrower in any feature"),
    DUET_NUMBER("lr", 0.01, 0, 100, "learning rate"),
};

const duet_family duet_family_mixture = {
    .name = "mixture",
    .summary = "mixture of Gaussians by maximum likelihood",
    .paper = "Bishop 2006, ch. 9",
    .build = build_mixture,
    .groups = (const char *const[]){"mixture", NULL},
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
};
