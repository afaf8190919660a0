/* SPDX-License-Identifier: MIT */
/* Networks of dense layers. */
#include "model/families/dense.h"

duet_node duet_dense_generator(duet_model *m, duet_node z)
{
    duet_group *generator = duet_model_group(m, "generator");
    duet_node h = duet_hidden_layers(m, generator, "generator_hidden", z);
    duet_node y = duet_dense(generator, "output", h, duet_features(duet_model_batch(m)));
    return duet_model_unit_range(m) ? duet_sigmoid(y) : y;
}
