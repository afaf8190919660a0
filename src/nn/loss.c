/* SPDX-License-Identifier: MIT */
/* Losses in nats, one number an example, from logits wherever a probability would underflow. */
#include "duet/nn.h"
#include "graph/node.h"
#include "nn/layer.h"
#include "op/where.h"

static const double log_two_pi = 1.8378770664093454836;

/* Whether what a network says has a number for each of x's, or is one for all. One of another width would be stretched
 * over x, and a loss of that falls too. */
static bool are_alike(const char *where, const char *loss, duet_node said, duet_node x)
{
    char has[96], wants[96];
    if (duet_node_is_broken(said)) return false;
    if (x == NULL) duet_graph_fail(said->graph, "%s: what it is compared with is NULL", loss);
    if (duet_node_is_broken(x)) return false;
    if (said->shape.rank == 0 || duet_shape_equal(said->shape, x->shape)) return true;
    duet_graph_fail(said->graph, "%s: what is said is %s, and what it is compared with %s: one shape was expected",
                    loss, duet_shape_text(said->shape, has), duet_shape_text(x->shape, wants));
    return false;
}

bool duet_spread_fits(const char *where, const char *what, duet_node spread, duet_node x)
{
    char has[96], of[96];
    if (duet_node_is_broken(spread) || duet_node_is_broken(x)) return true;
    const duet_shape *wide = &spread->shape, *narrow = &x->shape;
    const size_t most = wide->rank > narrow->rank ? wide->rank : narrow->rank;
    bool fits = true;
    for (size_t i = 1; i <= wide->rank && i <= narrow->rank && i < most; i++)
        fits = fits && (narrow->dims[narrow->rank - i] > 1 || wide->dims[wide->rank - i] == 1 || x->elements == 1);
    if (fits) return true;
    duet_graph_fail(x->graph,
                    "%s: the spread is %s, and what it belongs to %s: one number for all, one a feature or "
                    "one an example was expected",
                    what, duet_shape_text(*wide, has), duet_shape_text(*narrow, of));
    return false;
}

duet_node duet_bernoulli_nll_at(const char *where, duet_node logits, duet_node x)
{
    if (!are_alike(where, "bernoulli_nll", logits, x))
        return duet_node_is_broken(logits) ? logits : duet_node_broken(logits->graph);
    duet_node softplus = duet_softplus(logits);
    duet_node loss = duet_sum_features(duet_subtract(softplus, duet_multiply(x, logits)));
    duet_graph_want_unit_range(where, logits, x, loss, "bernoulli_nll", "gaussian_nll");
    return loss;
}

duet_node duet_gaussian_nll_at(const char *where, duet_node mean, duet_node logvar, duet_node x)
{
    if (!are_alike(where, "gaussian_nll", mean, x) || !duet_spread_fits(where, "gaussian_nll", logvar, x))
        return duet_node_is_broken(mean) ? mean : duet_node_broken(mean->graph);
    duet_node squares = duet_square(duet_subtract(x, mean));
    duet_node scaled = duet_multiply(squares, duet_exp(duet_negate(logvar)));
    duet_node terms = duet_add(scaled, duet_shift(logvar, log_two_pi));
    return duet_scale(duet_sum_features(terms), 0.5);
}

/* With a and b the upper and the lower end of x's step in units of the scale, sigmoid(a) - sigmoid(b) is sigmoid(a)
 * sigmoid(-b) (1 - e^(b - a)), of which no logarithm underflows. The step's width a - b is small where the scale is
 * large: 1 - e^-width is taken by expm1, which is elu's. */
duet_node duet_discretised_logistic_at(const char *where, duet_node location, duet_node log_scale, duet_node x,
                                       size_t levels)
{
    if (duet_node_is_broken(location)) return location;
    if (levels < 2) {
        duet_graph_fail(location->graph, "discretised_logistic: at least 2 levels were expected, not %zu", levels);
        return duet_node_broken(location->graph);
    }
    double steps = (double)(levels - 1), half = 0.5 / steps;
    duet_node step = duet_floor(duet_shift(duet_scale(x, steps), 0.5)), none = duet_constant(location->graph, 0);
    duet_node first = duet_less(step, duet_constant(location->graph, 0.5));
    duet_node last = duet_greater(step, duet_constant(location->graph, steps - 0.5));
    duet_node away = duet_subtract(duet_scale(step, 1 / steps), location), per_scale = duet_exp(duet_negate(log_scale));
    duet_node above = duet_softplus(duet_negate(duet_multiply(duet_shift(away, half), per_scale)));
    duet_node below = duet_softplus(duet_multiply(duet_shift(away, -half), per_scale));
    duet_node inside = duet_log(duet_negate(duet_elu(duet_scale(per_scale, -1 / steps), 1)));
    duet_node lost = duet_add(duet_select(last, none, above), duet_select(first, none, below));
    duet_node loss = duet_subtract(duet_select(duet_add(first, last), none, inside), lost);
    duet_graph_want_unit_range(where, NULL, x, loss, "discretised_logistic", "gaussian_nll");
    return loss;
}

duet_node duet_discretised_logistic_nll_at(const char *where, duet_node location, duet_node log_scale, duet_node x,
                                           size_t levels)
{
    if (!are_alike(where, "discretised_logistic_nll", location, x) ||
        !duet_spread_fits(where, "discretised_logistic_nll", log_scale, x))
        return duet_node_is_broken(location) ? location : duet_node_broken(location->graph);
    return duet_negate(duet_sum_features(duet_discretised_logistic(location, log_scale, x, levels)));
}

duet_node duet_gaussian_kl_at(const char *where, duet_node mean, duet_node logvar)
{
    if (!duet_spread_fits(where, "gaussian_kl", logvar, mean)) return duet_node_broken(mean->graph);
    duet_node moments = duet_add(duet_square(mean), duet_exp(logvar));
    duet_node terms = duet_subtract(duet_shift(moments, -1), logvar);
    return duet_scale(duet_sum_features(terms), 0.5);
}

duet_node duet_squared_error_at(const char *where, duet_node prediction, duet_node x)
{
    if (!are_alike(where, "squared_error", prediction, x))
        return duet_node_is_broken(prediction) ? prediction : duet_node_broken(prediction->graph);
    duet_node squares = duet_square(duet_subtract(prediction, x));
    return duet_scale(duet_sum_features(squares), 0.5);
}

duet_node duet_binary_cross_entropy_at(const char *where, duet_node logits, duet_node target)
{
    duet_node terms = duet_subtract(duet_softplus(logits), duet_multiply(target, logits));
    if (!duet_node_is_broken(terms) && !duet_shape_equal(terms->shape, logits->shape)) {
        char has[96], wants[96];
        duet_graph_fail(logits->graph, "binary_cross_entropy: the target is %s, the logits %s",
                        duet_shape_text(target->shape, has), duet_shape_text(logits->shape, wants));
    }
    duet_graph_want_unit_range(where, logits, target, terms, "binary_cross_entropy", "squared_error");
    return duet_batch_mean(terms);
}

duet_node duet_softmax_cross_entropy_at(const char *where, duet_node logits, duet_node targets)
{
    if (duet_node_is_broken(logits)) return logits;
    if (logits->shape.rank == 0) {
        duet_graph_fail(logits->graph, "softmax_cross_entropy: the logits have no classes");
        return duet_node_broken(logits->graph);
    }
    if (!are_alike(where, "softmax_cross_entropy", logits, targets))
        return duet_node_is_broken(logits) ? logits : duet_node_broken(logits->graph);
    duet_node loss = duet_negate(duet_sum_features(duet_multiply(targets, duet_log_softmax(logits))));
    duet_graph_want_unit_range(where, logits, targets, loss, "softmax_cross_entropy", "squared_error");
    return loss;
}
