/* SPDX-License-Identifier: MIT */
/* Importance weighting, Burda et al. 2016 (arXiv:1509.00519): log p(x) is the logarithm of the mean of p(x, z) /
 * q(z | x) over draws of the posterior; with k of them a bound, tighter the larger k. */
#include "model/families/vae.h"

#include <math.h>

enum { DRAWS_AT_ONCE = 10 }; /* of an example in one replay of the procedure */

static const double log_nothing = -1e30; /* a logarithm that adds nothing to a sum */

duet_node duet_importance_bound(duet_node nll, duet_node log_ratio, size_t k)
{
    duet_node weights = duet_negate(duet_add(nll, log_ratio));
    duet_node rows = duet_reshape(weights, DUET_SHAPE(duet_node_shape(weights).dims[0] / k, k));
    return duet_shift(duet_logsumexp(rows, DUET_AXIS(1), false), -log((double)k));
}

void duet_vae_likelihood(duet_model *m, const duet_vae *vae, const duet_gaussian *posterior, const duet_gaussian *prior)
{
    duet_procedure(m, "likelihood");
    size_t k = duet_use_count(m, "k", 1000, 1, 1000000, "draws of the posterior an example");
    size_t rows = duet_model_batch_size(m), once = k < DRAWS_AT_ONCE ? k : DRAWS_AT_ONCE;
    duet_graph *graph = duet_model_graph(m);
    duet_node drawn = duet_scratch(m, "drawn", DUET_FLOAT32, DUET_SCALAR_SHAPE);
    /* The sum so far is e^largest * sum, so that no draw is lost by rounding beside a large logarithm. */
    duet_node largest = duet_scratch(m, "largest", DUET_FLOAT32, DUET_SHAPE(rows));
    duet_node sum = duet_scratch(m, "sum", DUET_FLOAT32, DUET_SHAPE(rows));

    duet_phase(m, "draw", (k + once - 1) / once);
    duet_node z = duet_gaussian_draw(posterior, once, 1);
    duet_node nll = duet_likelihood_nll(m, vae->decode(m, z), duet_repeat_rows(duet_model_batch(m), once));
    duet_node weights = duet_negate(duet_add(nll, duet_log_ratio(posterior, prior, z, once)));
    duet_node counts = duet_less(duet_add(duet_range(graph, once), drawn), duet_constant(graph, (double)k));
    duet_node nothing = duet_constant(graph, log_nothing);
    duet_node counted = duet_select(counts, duet_reshape(weights, DUET_SHAPE(rows, once)), nothing);
    duet_node first = duet_equal(drawn, duet_constant(graph, 0)), more = duet_logsumexp(counted, DUET_AXIS(1), false);
    duet_node before = duet_select(first, nothing, largest), after = duet_maximum(before, more);
    duet_node kept = duet_multiply(sum, duet_exp(duet_subtract(before, after)));
    duet_phase_assign(m, largest, after);
    duet_phase_assign(m, sum, duet_add(kept, duet_exp(duet_subtract(more, after))));
    duet_phase_assign(m, drawn, duet_shift(drawn, (double)once));

    duet_node found = duet_shift(duet_add(largest, duet_log(sum)), -log((double)k));
    duet_own_output(m, "log_likelihood", found);
    double bits = -1 / log(2) / (double)duet_features(duet_model_batch(m));
    if (duet_likelihood_is_of_bytes(m)) duet_own_output(m, "log_likelihood_bits", duet_scale(found, bits));
}
