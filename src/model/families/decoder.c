/* SPDX-License-Identifier: MIT */
/* The decoder of autoencoders and its two likelihoods. */
#include "model/families/decoder.h"

#include <math.h>

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

duet_node duet_likelihood_nll(duet_model *model, duet_node decoded, duet_node x)
{
    if (is_bernoulli(model)) return duet_bernoulli_nll(decoded, x);
    double sigma = duet_setting_number(model, "sigma");
    return duet_gaussian_nll(decoded, duet_constant(duet_model_graph(model), 2 * log(sigma)), x);
}

duet_node duet_likelihood_mean(duet_model *model, duet_node decoded)
{
    return is_bernoulli(model) ? duet_sigmoid(decoded) : decoded;
}
