/* SPDX-License-Identifier: MIT */
/* Penalties on g, the gradient of D's logit by what it sees. A gradient is more graph: minimising one differentiates D
 * twice. Dropout's mask is a function of counters, so that both derivatives see the mask of their own pass. */
#include "model/families/penalty.h"

/* One uniform number an example, so that the pairs' points lie on the lines between them (WGAN-GP, algorithm 1). */
static duet_node between(duet_node real, duet_node fake)
{
    duet_shape column = duet_node_shape(real);
    for (size_t i = 1; i < column.rank; i++) column.dims[i] = 1;
    duet_node share = duet_uniform(duet_node_graph(real), column);
    return duet_add(fake, duet_multiply(share, duet_subtract(real, fake)));
}

static duet_node at_real(duet_node real, duet_node fake)
{
    (void)fake;
    return real;
}

/* Normal noise around real examples; its scale is that of the authors' code, half the deviation of the batch. */
static duet_node around_real(duet_node real, duet_node fake)
{
    (void)fake;
    duet_node deviation = duet_sqrt(duet_variance(real, DUET_ALL_AXES, false));
    duet_node noise = duet_normal(duet_node_graph(real), duet_node_shape(real));
    return duet_add(real, duet_multiply(duet_scale(deviation, 0.5), noise));
}

/* (|g| - 1)^2; the small number keeps the root's derivative finite at 0. */
static duet_node off_one(duet_node squares)
{
    return duet_square(duet_shift(duet_sqrt(duet_shift(squares, 1e-12)), -1));
}

static duet_node half(duet_node squares)
{
    return duet_scale(squares, 0.5);
}

static const struct {
    const char *name;
    duet_node (*where)(duet_node real, duet_node fake); /* the points at which the slope is measured */
    duet_node (*cost)(duet_node squares);               /* of |g|^2, one an example */
    bool bounds;                                        /* those points lie all the way to generated examples */
} penalties[] = {
    {"gradient", between, off_one, true},    /* WGAN-GP, Gulrajani et al. 2017 (arXiv:1704.00028), eq. 3 */
    {"r1", at_real, half, false},            /* Mescheder et al. 2018 (arXiv:1801.04406), eq. 9; gamma is the weight */
    {"dragan", around_real, off_one, false}, /* Kodali et al. 2017 (arXiv:1705.07215), sec. 2.3 */
};

bool duet_penalised(duet_model *m)
{
    return !duet_setting_is(m, "penalty", "none");
}

static size_t row_of(duet_model *m)
{
    size_t row = 0;
    while (row + 1 < sizeof penalties / sizeof *penalties && !duet_setting_is(m, "penalty", penalties[row].name)) row++;
    return row;
}

bool duet_penalty_weighs(duet_model *m)
{
    return duet_model_setting_text(m, "penalty") != NULL && duet_penalised(m) &&
           duet_setting_number(m, "penalty_weight") > 0;
}

bool duet_penalty_bounds(duet_model *m)
{
    return duet_penalty_weighs(m) && penalties[row_of(m)].bounds;
}

duet_node duet_penalty(duet_model *m, duet_node (*discriminate)(duet_model *m, duet_node x), duet_node real,
                       duet_node fake)
{
    const size_t row = row_of(m);
    duet_node x = duet_watch(duet_stop_gradient(penalties[row].where(real, fake))), gradient;
    duet_grad(duet_sum(discriminate(m, x), DUET_ALL_AXES, false), &x, 1, &gradient);
    return duet_batch_mean(penalties[row].cost(duet_sum_features(duet_square(gradient))));
}
