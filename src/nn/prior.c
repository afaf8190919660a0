/* SPDX-License-Identifier: MIT */
/* Priors: a row a distribution, with its draw, its log-density, its distribution function and its quantile. */
#include "nn/prior.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "op/where.h"

static const double log_two_pi = 1.8378770664093453;

typedef struct prior_row {
    duet_node (*draw)(const char *where, duet_graph *graph, const duet_prior *prior, size_t rows);
    duet_node (*log_density)(const char *where, const duet_prior *prior, duet_node z); /* [rows, features] to [rows] */
    double (*share)(const duet_prior *prior, size_t feature, double z); /* below z; NULL: the numbers have no order */
    double (*quantile)(const duet_prior *prior, size_t feature, double p);
} prior_row;

duet_prior duet_prior_normal(size_t features)
{
    return (duet_prior){.kind = DUET_PRIOR_NORMAL, .features = features, .scale = 1};
}

duet_prior duet_prior_uniform(size_t features, double low, double high)
{
    return (duet_prior){
        .kind = DUET_PRIOR_UNIFORM, .features = features, .location = (low + high) / 2, .scale = (high - low) / 2};
}

duet_prior duet_prior_logistic(size_t features)
{
    return (duet_prior){.kind = DUET_PRIOR_LOGISTIC, .features = features, .scale = 1};
}

duet_prior duet_prior_categorical(size_t classes)
{
    return (duet_prior){.kind = DUET_PRIOR_CATEGORICAL, .features = classes, .scale = 1};
}

duet_prior duet_prior_mixture(size_t features, size_t components, const float *centres, double deviation)
{
    return (duet_prior){.kind = DUET_PRIOR_MIXTURE,
                        .features = features,
                        .scale = deviation,
                        .components = components,
                        .centres = centres};
}

/* location + scale x */
static duet_node placed(const char *where, const duet_prior *prior, duet_node x)
{
    if (prior->scale != 1) x = duet_scale(x, prior->scale);
    return prior->location != 0 ? duet_shift(x, prior->location) : x;
}

/* (z - location) / scale */
static duet_node standard(const char *where, const duet_prior *prior, duet_node z)
{
    if (prior->location != 0) z = duet_shift(z, -prior->location);
    return prior->scale != 1 ? duet_scale(z, 1 / prior->scale) : z;
}

/* The z between low and high at which the increasing function `share` reaches p, by bisection. */
static double invert(double (*share)(const duet_prior *prior, size_t feature, double z), const duet_prior *prior,
                     size_t feature, double p, double low, double high)
{
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (share(prior, feature, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Normal. */

static duet_node draw_normal(const char *where, duet_graph *graph, const duet_prior *prior, size_t rows)
{
    return placed(where, prior, duet_normal(graph, DUET_SHAPE(rows, prior->features)));
}

static duet_node normal_log_density(const char *where, const duet_prior *prior, duet_node z)
{
    duet_node squares = duet_sum_features(duet_square(standard(where, prior, z)));
    double constant = -(double)prior->features * (log_two_pi / 2 + log(prior->scale));
    return duet_shift(duet_scale(squares, -0.5), constant);
}

static double normal_share(const duet_prior *prior, size_t feature, double z)
{
    (void)feature;
    return 0.5 * erfc(-(z - prior->location) / prior->scale / sqrt(2));
}

/* Fewer than one draw in 1e18 lies beyond 9 deviations. */
static double normal_quantile(const duet_prior *prior, size_t feature, double p)
{
    return invert(normal_share, prior, feature, p, prior->location - 9 * prior->scale,
                  prior->location + 9 * prior->scale);
}

/* Uniform. */

static duet_node draw_uniform(const char *where, duet_graph *graph, const duet_prior *prior, size_t rows)
{
    duet_node share = duet_uniform(graph, DUET_SHAPE(rows, prior->features));
    return placed(where, prior, duet_shift(duet_scale(share, 2), -1));
}

/* The same number for each row of z. */
static duet_node constant_density(const char *where, duet_node z, double value)
{
    return duet_broadcast(duet_constant(duet_node_graph(z), value), DUET_SHAPE(z->shape.dims[0]));
}

static duet_node uniform_log_density(const char *where, const duet_prior *prior, duet_node z)
{
    return constant_density(where, z, -(double)prior->features * log(2 * prior->scale));
}

static double uniform_share(const duet_prior *prior, size_t feature, double z)
{
    (void)feature;
    return fmin(fmax((z - prior->location) / prior->scale / 2 + 0.5, 0), 1);
}

static double uniform_quantile(const duet_prior *prior, size_t feature, double p)
{
    (void)feature;
    return prior->location + prior->scale * (2 * p - 1);
}

/* Logistic: log(u) - log(1 - u) with u uniform in [0, 1]. */

static duet_node draw_logistic(const char *where, duet_graph *graph, const duet_prior *prior, size_t rows)
{
    duet_node u = duet_uniform(graph, DUET_SHAPE(rows, prior->features));
    u = duet_clamp(u, 1e-7, 1 - 1e-7);
    duet_node odds = duet_subtract(duet_log(u), duet_log1p(duet_negate(u)));
    return placed(where, prior, odds);
}

/* -softplus(u) - softplus(-u) - log(scale), summed over the features. */
static duet_node logistic_log_density(const char *where, const duet_prior *prior, duet_node z)
{
    duet_node u = standard(where, prior, z);
    duet_node tails = duet_add(duet_softplus(u), duet_softplus(duet_negate(u)));
    return duet_shift(duet_negate(duet_sum_features(tails)), -(double)prior->features * log(prior->scale));
}

static double logistic_share(const duet_prior *prior, size_t feature, double z)
{
    (void)feature;
    return 1 / (1 + exp(-(z - prior->location) / prior->scale));
}

static double logistic_quantile(const duet_prior *prior, size_t feature, double p)
{
    (void)feature;
    return prior->location + prior->scale * (log(p) - log1p(-p));
}

/* Categorical. */

static duet_node draw_categorical(const char *where, duet_graph *graph, const duet_prior *prior, size_t rows)
{
    duet_node even = duet_broadcast(duet_constant(graph, 0), DUET_SHAPE(rows, prior->features));
    return duet_categorical(even);
}

static duet_node categorical_log_density(const char *where, const duet_prior *prior, duet_node z)
{
    return constant_density(where, z, -log((double)prior->features));
}

static double categorical_quantile(const duet_prior *prior, size_t feature, double p)
{
    double place = floor(p * (double)prior->features);
    return place == (double)feature ? 1 : 0;
}

/* Mixture of normals. */

static duet_node centres_of(const char *where, duet_graph *graph, const duet_prior *prior)
{
    return duet_constant_values(graph, DUET_SHAPE(prior->components, prior->features), prior->centres);
}

/* A component's centre, picked by a one-hot row, plus noise. */
static duet_node draw_mixture(const char *where, duet_graph *graph, const duet_prior *prior, size_t rows)
{
    duet_node even = duet_broadcast(duet_constant(graph, 0), DUET_SHAPE(rows, prior->components));
    duet_node centre = duet_matmul(duet_categorical(even), centres_of(where, graph, prior), false, false);
    duet_node noise = duet_normal(graph, DUET_SHAPE(rows, prior->features));
    return duet_add(centre, duet_scale(noise, prior->scale));
}

/* log sum over components of N(z; centre, scale^2) / components */
static duet_node mixture_log_density(const char *where, const duet_prior *prior, duet_node z)
{
    size_t rows = z->shape.dims[0], features = prior->features;
    duet_node centres = duet_reshape(centres_of(where, z->graph, prior), DUET_SHAPE(1, prior->components, features));
    duet_node away = duet_subtract(duet_reshape(z, DUET_SHAPE(rows, 1, features)), centres);
    duet_node squares = duet_sum(duet_square(away), DUET_AXIS(2), false);
    duet_node total = duet_logsumexp(duet_scale(squares, -0.5 / (prior->scale * prior->scale)), DUET_AXIS(1), false);
    double constant = (double)features * (log_two_pi / 2 + log(prior->scale)) + log((double)prior->components);
    return duet_shift(total, -constant);
}

static double mixture_share(const duet_prior *prior, size_t feature, double z)
{
    double share = 0;
    for (size_t k = 0; k < prior->components; k++)
        share += 0.5 * erfc(-(z - (double)prior->centres[k * prior->features + feature]) / prior->scale / sqrt(2));
    return share / (double)prior->components;
}

/* The quantile of one feature's marginal distribution. */
static double mixture_quantile(const duet_prior *prior, size_t feature, double p)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < prior->components; k++) {
        low = fmin(low, (double)prior->centres[k * prior->features + feature]);
        high = fmax(high, (double)prior->centres[k * prior->features + feature]);
    }
    return invert(mixture_share, prior, feature, p, low - 9 * prior->scale, high + 9 * prior->scale);
}

static const prior_row rows_of[] = {
    [DUET_PRIOR_NORMAL] = {draw_normal, normal_log_density, normal_share, normal_quantile},
    [DUET_PRIOR_UNIFORM] = {draw_uniform, uniform_log_density, uniform_share, uniform_quantile},
    [DUET_PRIOR_LOGISTIC] = {draw_logistic, logistic_log_density, logistic_share, logistic_quantile},
    [DUET_PRIOR_CATEGORICAL] = {draw_categorical, categorical_log_density, NULL, categorical_quantile},
    [DUET_PRIOR_MIXTURE] = {draw_mixture, mixture_log_density, mixture_share, mixture_quantile},
};

static bool is_float(double number)
{
    return fabs(number) <= (double)FLT_MAX;
}

/* The numbers of a mixture that none can be drawn about. */
static bool has_no_centres(const duet_prior *part, char *words, size_t size)
{
    if (part->components == 0 || part->centres == NULL) {
        snprintf(words, size, "a mixture has one centre or more, and there is none");
        return true;
    }
    for (size_t i = 0; i < part->components * part->features; i++)
        if (!is_float((double)part->centres[i])) {
            snprintf(words, size, "number %zu of centre %zu is %g", i % part->features, i / part->features,
                     (double)part->centres[i]);
            return true;
        }
    return false;
}

bool duet_prior_is_wrong(const duet_prior *part, char *words, size_t size)
{
    const bool drawn = part->kind != DUET_PRIOR_CATEGORICAL && part->kind != DUET_PRIOR_MIXTURE;
    const bool wide = part->scale > 0 && is_float(part->scale), placed = !drawn || is_float(part->location);
    if ((size_t)part->kind >= sizeof rows_of / sizeof *rows_of)
        snprintf(words, size, "there is no prior %d", (int)part->kind);
    else if (part->features == 0)
        snprintf(words, size, "it has no numbers");
    else if (part->kind == DUET_PRIOR_UNIFORM && !(wide && placed))
        snprintf(words, size, "it is uniform from %g to %g, and the second is to be above the first",
                 part->location - part->scale, part->location + part->scale);
    else if (!wide)
        snprintf(words, size, "its deviation or scale is %g, and a number above 0 was expected", part->scale);
    else if (!placed)
        snprintf(words, size, "its location is %g", part->location);
    else
        return part->kind == DUET_PRIOR_MIXTURE && has_no_centres(part, words, size);
    return true;
}

/* NULL: a mistake of the graph, unless there is none. */
static const prior_row *find_row(const char *where, duet_graph *graph, const duet_prior *prior)
{
    char wrong[128];
    if (!duet_prior_is_wrong(prior, wrong, sizeof wrong)) return &rows_of[prior->kind];
    if (graph != NULL) duet_graph_fail(graph, "prior: %s", wrong);
    return NULL;
}

size_t duet_prior_features(const duet_prior *parts, size_t count)
{
    size_t features = 0;
    for (size_t i = 0; i < count; i++) features += parts[i].features;
    return features;
}

static duet_node fail_empty(const char *where, duet_graph *graph)
{
    duet_graph_fail(graph, "prior: it has no parts");
    return duet_node_broken(graph);
}

duet_node duet_prior_draw_at(const char *where, duet_graph *graph, const duet_prior *parts, size_t count, size_t rows)
{
    duet_node joined = NULL;
    for (size_t i = 0; i < count; i++) {
        const prior_row *row = find_row(where, graph, &parts[i]);
        if (row == NULL) return duet_node_broken(graph);
        duet_node drawn = row->draw(where, graph, &parts[i], rows);
        joined = joined == NULL ? drawn : duet_concat((duet_node[]){joined, drawn}, 2, 1);
    }
    return joined == NULL ? fail_empty(where, graph) : joined;
}

duet_node duet_prior_log_density_at(const char *where, const duet_prior *parts, size_t count, duet_node z)
{
    size_t first = 0;
    duet_node total = NULL;
    if (duet_node_is_broken(z)) return z;
    if (z->shape.rank != 2 || z->shape.dims[1] != duet_prior_features(parts, count)) {
        char text[96];
        duet_graph_fail(z->graph, "prior: a density of [rows, %zu] was expected, this is %s",
                        duet_prior_features(parts, count), duet_shape_text(z->shape, text));
        return duet_node_broken(z->graph);
    }
    for (size_t i = 0; i < count; i++) {
        const prior_row *row = find_row(where, z->graph, &parts[i]);
        if (row == NULL) return duet_node_broken(z->graph);
        duet_node part = count == 1 ? z : duet_slice(z, 1, first, parts[i].features);
        duet_node density = row->log_density(where, &parts[i], part);
        total = total == NULL ? density : duet_add(total, density);
        first += parts[i].features;
    }
    return total == NULL ? fail_empty(where, z->graph) : total;
}

double duet_prior_quantile(const duet_prior *part, size_t feature, double p)
{
    const prior_row *row = find_row(NULL, NULL, part);
    return row == NULL || !(p > 0 && p < 1) || feature >= part->features ? NAN : row->quantile(part, feature, p);
}

double duet_prior_share(const duet_prior *part, size_t feature, double z)
{
    const prior_row *row = find_row(NULL, NULL, part);
    return row == NULL || row->share == NULL || feature >= part->features ? NAN : row->share(part, feature, z);
}
