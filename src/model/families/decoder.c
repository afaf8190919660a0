/* SPDX-License-Identifier: MIT */
/* The decoder of autoencoders and its likelihoods. A learned sigma is one number beside the weights, as in sigma-VAE
 * (Rybkin et al. 2021, arXiv:2006.13202), or one a feature; so is the scale of the discretised logistic, as in Kingma
 * et al. 2016 (arXiv:1606.04934). */
#include "model/families/decoder.h"

#include <math.h>

#include "model/families/needs.h"

enum { BYTE_LEVELS = 256 };

duet_node duet_decode(duet_model *model, duet_node latent, size_t features)
{
    duet_group *decoder = duet_model_group(model, "decoder");
    return duet_dense(decoder, "output", duet_hidden_layers_reversed(model, decoder, "hidden", latent), features);
}

static bool is_bernoulli(duet_model *model)
{
    return duet_setting_is(model, "likelihood", "bernoulli") ||
           (duet_setting_is(model, "likelihood", "auto") && duet_model_unit_range(model));
}

static bool is_logistic(duet_model *model)
{
    return duet_setting_is(model, "likelihood", "discretised-logistic");
}

static bool learns_sigma(duet_model *model)
{
    return is_logistic(model) || duet_setting_is(model, "likelihood", "gaussian-learned");
}

/* log sigma: the setting's, or a parameter that starts there and a softplus holds above its floor, as in the code of
 * sigma-VAE. A scalar, or one a feature. */
static duet_node log_sigma(duet_model *model)
{
    double start = log(duet_setting_number(model, "sigma"));
    if (!learns_sigma(model)) return duet_constant(duet_model_graph(model), start);
    double least = log(duet_setting_number(model, "sigma_floor"));
    if (start <= least)
        duet_model_warn(model,
                        "sigma=%g is not above sigma_floor=%g, which a learned sigma stays above, so that it starts "
                        "there and not at sigma; sigma_floor=%g lets it",
                        exp(start), exp(least), exp(start) / 2);
    bool one = duet_setting_is(model, "sigma_per", "model");
    size_t count = one ? 1 : duet_features(duet_model_batch(model));
    double above = log(expm1(fmax(start - least, 1e-3))); /* softplus makes it start - least */
    const duet_initialiser begin = {.kind = DUET_INIT_CONSTANT, .scale = (float)above};
    duet_node free = duet_parameter(duet_model_graph(model), duet_model_group(model, "decoder"), "log_sigma",
                                    DUET_SHAPE(count), begin);
    return duet_shift(duet_softplus(free), least);
}

/* log of the scale at which a logistic distribution has this log sigma: its deviation is pi / sqrt(3) scales. */
static duet_node log_scale(duet_model *model)
{
    return duet_shift(log_sigma(model), log(sqrt(3) / acos(-1)));
}

double duet_likelihood_least_sigma(duet_model *model)
{
    if (is_bernoulli(model) || is_logistic(model)) return 0;
    return duet_setting_number(model, learns_sigma(model) ? "sigma_floor" : "sigma");
}

double duet_likelihood_fixed_sigma(duet_model *model)
{
    return learns_sigma(model) ? 0 : duet_likelihood_least_sigma(model);
}

static void check_data(duet_model *model)
{
    const bool per_feature = learns_sigma(model) && duet_setting_is(model, "sigma_per", "feature");
    if (per_feature && !is_logistic(model))
        duet_warn_of_narrow_columns(model, duet_setting_number(model, "sigma_floor"));
    if (is_bernoulli(model)) duet_needs_unit_range(model, "likelihood=bernoulli", "likelihood=gaussian-learned");
    if (is_logistic(model))
        duet_needs_bytes(model, "likelihood=discretised-logistic", "likelihood=gaussian-learned", NULL);
}

duet_node duet_likelihood_nll(duet_model *model, duet_node decoded, duet_node x)
{
    check_data(model);
    if (is_bernoulli(model)) return duet_bernoulli_nll(decoded, x);
    if (!is_logistic(model)) return duet_gaussian_nll(decoded, duet_scale(log_sigma(model), 2), x);
    return duet_discretised_logistic_nll(decoded, log_scale(model), x, BYTE_LEVELS);
}

/* The mean of a logistic distribution whose mass beyond [0, 1] lies at the ends: the integral over [0, 1] of
 * sigmoid((location - t) / scale). */
static duet_node logistic_mean(duet_node location, duet_node log_scale)
{
    duet_node scale = duet_exp(log_scale), place = duet_divide(location, scale);
    duet_node above = duet_softplus(place), beyond = duet_softplus(duet_subtract(place, duet_reciprocal(scale)));
    return duet_multiply(scale, duet_subtract(above, beyond));
}

duet_node duet_likelihood_mean(duet_model *model, duet_node decoded)
{
    if (is_logistic(model)) return logistic_mean(decoded, log_scale(model));
    return is_bernoulli(model) ? duet_sigmoid(decoded) : decoded;
}

bool duet_likelihood_is_of_bytes(duet_model *model)
{
    return is_logistic(model);
}

/* location + scale logit(u), to the nearest level. */
static duet_node logistic_draw(duet_model *model, duet_node location, duet_node share)
{
    duet_node odds = duet_subtract(duet_log(share), duet_log1p(duet_negate(share)));
    duet_node drawn = duet_add(location, duet_multiply(duet_exp(log_scale(model)), odds));
    duet_node level = duet_floor(duet_shift(duet_scale(drawn, BYTE_LEVELS - 1), 0.5));
    return duet_clamp(duet_scale(level, 1.0 / (BYTE_LEVELS - 1)), 0, 1);
}

duet_node duet_likelihood_draw(duet_model *model, duet_node decoded)
{
    duet_graph *graph = duet_model_graph(model);
    duet_shape shape = duet_node_shape(decoded);
    if (is_bernoulli(model)) return duet_less(duet_uniform(graph, shape), duet_sigmoid(decoded));
    if (is_logistic(model)) return logistic_draw(model, decoded, duet_uniform(graph, shape));
    return duet_add(decoded, duet_multiply(duet_exp(log_sigma(model)), duet_normal(graph, shape)));
}

void duet_likelihood_report(duet_model *model)
{
    if (learns_sigma(model)) duet_report(model, "sigma", duet_batch_mean(duet_exp(log_sigma(model))));
}
