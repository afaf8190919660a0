/* SPDX-License-Identifier: MIT */
/* Networks of dense layers. */
#include "model/families/dense.h"

#include <string.h>

bool duet_dense_normalises(duet_model *m, const char *sizes_key)
{
    size_t sizes[DUET_MOST_SIZES];
    if (duet_setting_sizes(m, sizes_key, sizes) < 2) return false;
    const char *text = duet_model_setting_text(m, "batch_norm");
    return text != NULL && strcmp(text, "yes") == 0;
}

duet_node duet_dense_generator(duet_model *m, duet_node z)
{
    duet_group *generator = duet_model_group(m, "generator");
    const duet_hidden_options options = {.batch_norm = duet_dense_normalises(m, "generator_hidden")};
    duet_node h = duet_hidden_layers_as(m, generator, "generator_hidden", z, &options);
    duet_node y = duet_dense(generator, "output", h, duet_features(duet_model_batch(m)));
    return duet_model_unit_range(m) ? duet_sigmoid(y) : y;
}
