/* SPDX-License-Identifier: MIT */
/* Inverting a decoder: Creswell & Bharath 2016, algorithm 1, with restarts side by side in one batch, since a descent
 * may end in a poor local minimum. */
#include "graph/node.h"
#include "model/model.h"

/* The best restart of each row: of x [rows * times, n] those rows where error [rows, times] is least, as [rows, n]. Of
 * restarts with equal errors it is the first: a mean of two latents has not their error. */
static duet_node best(duet_node x, duet_node error)
{
    duet_shape shape = duet_node_shape(error);
    size_t rows = shape.dims[0], times = shape.dims[1], features = duet_features(x);
    duet_node chosen = duet_largest(duet_negate(error));
    duet_node weighted = duet_multiply(duet_reshape(x, DUET_SHAPE(rows, times, features)),
                                       duet_reshape(chosen, DUET_SHAPE(rows, times, 1)));
    return duet_sum(weighted, DUET_AXIS(1), false);
}

void duet_invert_at(const char *where, duet_model *m, duet_node (*decode)(duet_model *m, duet_node z))
{
    const duet_prior *parts = m->build->prior;
    size_t count = m->build->prior_count;
    if (count == 0) {
        duet_graph_fail_at(where, duet_model_graph(m), "invert: the model has no latent (duet_latent)");
        return;
    }
    const char *before = duet_graph_blame(duet_model_graph(m), where);
    duet_procedure(m, "invert");
    size_t steps = duet_use_count(m, "steps", 500, 1, 1000000, "updates of each latent");
    size_t restarts = duet_use_count(m, "restarts", 5, 1, 1000, "latents to start from, for each example");
    double rate = duet_use_number(m, "rate", 0.05, 0, 100, "learning rate of the descent");
    double weight = duet_use_number(m, "prior_weight", 0, 0, 1e6, "weight of -log p(z) beside the squared error");
    size_t rows = duet_model_batch_size(m), all = rows * restarts;
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    const duet_optimiser adam = duet_adam(rate);

    duet_group *code = duet_scratch_group(m, "code");
    duet_node z =
        duet_parameter(duet_model_graph(m), code, "z", DUET_SHAPE(all, duet_prior_features(parts, count)), zero);
    duet_node x = duet_model_batch(m), made = decode(m, z);
    duet_node squares = duet_scale(duet_squared_error(made, duet_repeat_rows(x, restarts)), 2);
    duet_node cost = squares;
    if (weight > 0) cost = duet_subtract(squares, duet_scale(duet_prior_log_density(parts, count, z), weight));

    duet_phase(m, "start", 1);
    duet_phase_assign(m, z, duet_prior_draw(duet_model_graph(m), parts, count, all));

    duet_phase(m, "descend", steps);
    duet_phase_optimiser(m, &adam);
    duet_minimise(m, duet_sum(cost, DUET_ALL_AXES, false), code);

    duet_node error = duet_reshape(duet_scale(squares, 1.0 / (double)duet_features(x)), DUET_SHAPE(rows, restarts));
    duet_node found = best(z, error);
    duet_own_output(m, "inverse", found);
    duet_own_output(m, "inverse_decode", best(made, error));
    duet_own_output(m, "inverse_error", duet_negate(duet_max(duet_negate(error), DUET_AXIS(1), false)));
    duet_own_output(m, "restart_spread", duet_sqrt(duet_variance(error, DUET_AXIS(1), false)));
    (void)duet_graph_blame(duet_model_graph(m), before);
}
