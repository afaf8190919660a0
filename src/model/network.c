/* SPDX-License-Identifier: MIT */
/* Networks whose widths and activation are settings. */
#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "model/model.h"
#include "op/where.h"

static const char *setting_text(const char *where, duet_model *model, const char *key)
{
    const char *text = duet_settings_text(&model->settings, key);
    if (text == NULL && model->build != NULL) /* else there is no graph to say so */
        duet_graph_fail(model->build->graph, "the model %s has no setting \"%s\"", model->family->name, key);
    duet_settings_mark(&model->settings, NULL, key);
    return text == NULL ? "" : text;
}

double duet_setting_number_at(const char *where, duet_model *model, const char *key)
{
    (void)setting_text(where, model, key); /* says that there is none of that key */
    return duet_settings_number(&model->settings, key);
}

bool duet_setting_is_at(const char *where, duet_model *model, const char *key, const char *choice)
{
    return strcmp(setting_text(where, model, key), choice) == 0;
}

size_t duet_setting_sizes_at(const char *where, duet_model *model, const char *key, size_t sizes[DUET_MOST_SIZES])
{
    size_t count = duet_sizes_read(setting_text(where, model, key), sizes, DUET_MOST_SIZES);
    return count == SIZE_MAX ? 0 : count;
}

duet_node duet_activate_at(const char *where, duet_model *model, duet_node x)
{
    return duet_activation(setting_text(where, model, "activation"), x);
}

duet_node duet_hidden_layers_as_at(const char *where, duet_model *model, duet_group *group, const char *sizes_key,
                                   duet_node x, const duet_hidden_options *options)
{
    size_t sizes[DUET_MOST_SIZES], count = duet_setting_sizes_at(where, model, sizes_key, sizes);
    const char *usual = duet_settings_otherwise(&model->settings, NULL, sizes_key);
    if (count == 0 && model->build != NULL && usual != NULL && usual[0] != '\0')
        duet_model_warn(model, "%s= names no hidden layer: what has its widths is linear", sizes_key);
    for (size_t i = 0; i < count; i++) {
        char layer[32], norm[32];
        snprintf(layer, sizeof layer, "hidden%zu", i + 1);
        snprintf(norm, sizeof norm, "norm%zu", i + 1);
        if (options->beside != NULL) x = duet_concat(((duet_node[]){x, options->beside}), 2, 1);
        x = duet_dense(group, layer, x, sizes[options->reversed ? count - 1 - i : i]);
        if (options->batch_norm && i > 0) x = duet_batch_norm(group, norm, x);
        x = duet_activate(model, x);
    }
    return x;
}

duet_node duet_hidden_layers_at(const char *where, duet_model *model, duet_group *group, const char *sizes_key,
                                duet_node x)
{
    return duet_hidden_layers_as_at(where, model, group, sizes_key, x, &(duet_hidden_options){0});
}

duet_node duet_hidden_layers_reversed_at(const char *where, duet_model *model, duet_group *group, const char *sizes_key,
                                         duet_node x)
{
    return duet_hidden_layers_as_at(where, model, group, sizes_key, x, &(duet_hidden_options){.reversed = true});
}
