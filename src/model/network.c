/* SPDX-License-Identifier: MIT */
/* Networks whose widths and activation are settings. */
#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "model/model.h"
#include "op/where.h"

/* The setting that a build function reads as that kind, which it must be: the text of another one would be a number, a
 * list or an answer too, if not the one that is meant. Counts are numbers. NULL: it is none, a mistake of the graph. */
static const duet_setting *find_setting(const char *where, duet_model *model, const char *key, duet_setting_kind kind)
{
    static const char *const kinds[] = {
        [DUET_SETTING_NUMBER] = "a number",
        [DUET_SETTING_COUNT] = "a whole number",
        [DUET_SETTING_CHOICE] = "a choice",
        [DUET_SETTING_SIZES] = "a list of sizes",
    };
    const duet_setting *found = duet_settings_row(&model->settings, key);
    duet_settings_mark(&model->settings, NULL, key);
    if (found != NULL && (found->kind == DUET_SETTING_COUNT ? DUET_SETTING_NUMBER : found->kind) == kind) return found;
    if (model->build == NULL) return NULL; /* there is no graph to say so */
    if (found == NULL)
        duet_graph_fail(model->build->graph, "the model %s has no setting \"%s\"", model->family->name, key);
    else
        duet_graph_fail(model->build->graph, "the setting \"%s\" is %s, and is read as %s", key, kinds[found->kind],
                        kinds[kind]);
    return NULL;
}

double duet_setting_number_at(const char *where, duet_model *model, const char *key)
{
    const bool found = find_setting(where, model, key, DUET_SETTING_NUMBER) != NULL;
    return found ? duet_settings_number(&model->settings, key) : 0;
}

bool duet_setting_is_at(const char *where, duet_model *model, const char *key, const char *choice)
{
    const duet_setting *found = find_setting(where, model, key, DUET_SETTING_CHOICE);
    if (found == NULL) return false;
    if (duet_choice_index(found->choices, choice) < 0 && model->build != NULL)
        duet_graph_fail(model->build->graph, "the setting \"%s\" is one of %s, and is never \"%s\"", key,
                        found->choices, choice);
    return strcmp(duet_settings_text(&model->settings, key), choice) == 0;
}

size_t duet_setting_sizes_at(const char *where, duet_model *model, const char *key, size_t sizes[DUET_MOST_SIZES])
{
    if (find_setting(where, model, key, DUET_SETTING_SIZES) == NULL) return 0;
    const size_t count = duet_sizes_read(duet_settings_text(&model->settings, key), sizes, DUET_MOST_SIZES);
    return count == SIZE_MAX ? 0 : count;
}

duet_node duet_activate_at(const char *where, duet_model *model, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    if (find_setting(where, model, "activation", DUET_SETTING_CHOICE) == NULL) return duet_node_broken(x->graph);
    return duet_activation(duet_settings_text(&model->settings, "activation"), x);
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
