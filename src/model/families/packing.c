/* SPDX-License-Identifier: MIT */
/* Several examples under one judgement. */
#include "model/families/packing.h"

duet_node duet_packed(duet_model *m, duet_node x)
{
    size_t pack = (size_t)duet_setting_number(m, "pack"), batch = duet_model_batch_size(m);
    duet_shape shape = duet_node_shape(x);
    if (pack == 1 || shape.rank == 0) return x;
    if (duet_model_training(m) && batch % pack != 0)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "pack=%zu: a batch of %zu does not make packs of %zu; give --batch a "
                          "multiple of it",
                          pack, batch, pack);
    bool copies = !duet_model_training(m) || batch % pack != 0;
    size_t rows = copies ? batch : batch / pack, last = shape.rank - 1;
    duet_shape split = {.rank = shape.rank + 1, .dims = {rows, copies ? 1 : pack}}, joined = shape;
    for (size_t i = 1; i <= last; i++) split.dims[i + 1] = shape.dims[i];
    x = duet_reshape(x, split);
    split.dims[1] = pack;
    size_t order[DUET_MAX_RANK] = {0};
    for (size_t i = 1; i < last; i++) order[i] = i + 1;
    order[last] = 1;
    order[last + 1] = last + 1;
    joined.dims[0] = rows;
    joined.dims[last] *= pack;
    return duet_reshape(duet_permute(duet_broadcast(x, split), order), joined);
}

static bool sees_deviation(duet_model *m)
{
    return duet_setting_is(m, "minibatch_deviation", "yes");
}

duet_node duet_with_minibatch_deviation(duet_model *m, duet_node x)
{
    if (!sees_deviation(m)) return x;
    if (duet_model_training(m) && duet_node_shape(x).dims[0] == 1)
        duet_graph_refuse(duet_model_graph(m), DUET_ERROR_USAGE,
                          "minibatch_deviation=yes: it is 0 where the discriminator judges one example, or pack, at a "
                          "time: a larger batch is expected");
    duet_node deviations = duet_sqrt(duet_shift(duet_variance(x, DUET_AXIS(0), false), 1e-8));
    duet_node column = duet_broadcast(duet_batch_mean(deviations), DUET_SHAPE(duet_node_shape(x).dims[0], 1));
    return duet_concat(((duet_node[]){x, column}), 2, 1);
}

bool duet_judges_alone(duet_model *m)
{
    return duet_setting_number(m, "pack") == 1 && !sees_deviation(m);
}
