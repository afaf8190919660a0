/* SPDX-License-Identifier: MIT */
/* Networks whose widths and activation are settings. */
#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "model/model.h"
#include "op/where.h"

static const char *setting_text(const char *where, duet_model *model, const char *key)
{
    const char *text = duet_model_setting_text(model, key);
    if (text == NULL)
        duet_graph_fail(model->build->graph, "the model %s has no setting \"%s\"", model->family->name, key);
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

duet_node duet_activate_at(const char *where, duet_model *model, duet_node x)
{
    return duet_activation(setting_text(where, model, "activation"), x);
}

/* beside: what every layer reads as well; NULL: nothing. */
static duet_node hidden_layers(const char *where, duet_model *model, duet_group *group, const char *key, duet_node x,
                               duet_node beside, bool reversed)
{
    size_t sizes[DUET_MAX_LAYERS], count = duet_sizes_read(setting_text(where, model, key), sizes, DUET_MAX_LAYERS);
    for (size_t i = 0; i < count && count != SIZE_MAX; i++) {
        char layer[32];
        snprintf(layer, sizeof layer, "hidden%zu", i + 1);
        if (beside != NULL) x = duet_concat(((duet_node[]){x, beside}), 2, 1);
        x = duet_activate(model, duet_dense(group, layer, x, sizes[reversed ? count - 1 - i : i]));
    }
    return x;
}

duet_node duet_hidden_layers_at(const char *where, duet_model *model, duet_group *group, const char *sizes_key,
                                duet_node x)
{
    return hidden_layers(where, model, group, sizes_key, x, NULL, false);
}

duet_node duet_hidden_layers_reversed_at(const char *where, duet_model *model, duet_group *group, const char *sizes_key,
                                         duet_node x)
{
    return hidden_layers(where, model, group, sizes_key, x, NULL, true);
}

duet_node duet_hidden_layers_beside_at(const char *where, duet_model *model, duet_group *group, const char *sizes_key,
                                       duet_node x, duet_node beside)
{
    return hidden_layers(where, model, group, sizes_key, x, beside, false);
}
