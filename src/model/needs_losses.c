/* SPDX-License-Identifier: MIT */
/* What the losses of a model need of its data: those for [0, 1] alone have no bound or no meaning beyond. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/data.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "model/families/needs.h"
#include "model/model.h"
#include "model/multiple.h"
#include "model/values.h"

/* The examples' range as a loss is given it. Whether it is [0, 1], to the rounding of floats. */
static bool is_within(const duet_multiple *it, const double ends[2], double given[2])
{
    const double rounding = 1e-5, first = it->factor * ends[0] + it->term, second = it->factor * ends[1] + it->term;
    given[0] = fmin(first, second);
    given[1] = fmax(first, second);
    return given[0] >= -rounding && given[1] <= 1 + rounding;
}

/* Examples that the model itself moved out of [0, 1], as to [-1, 1], or not far enough into it. */
static void refuse_moved(duet_model *model, const char *what, const duet_multiple *it)
{
    duet_data *data = duet_model_data(model);
    duet_error error = {0};
    double ends[2], given[2];
    if (duet_needs_range(data, ends, &error) != DUET_OK)
        duet_graph_refuse(duet_model_graph(model), error.status, "%s", error.message);
    else if (!is_within(it, ends, given))
        duet_graph_refuse(duet_model_graph(model), DUET_ERROR_DATA,
                          "%s is for numbers in [0, 1], and is given the examples of %s, from %g to %g, as %g to %g",
                          what, duet_data_describe(data)->name, ends[0], ends[1], given[0], given[1]);
}

/* Numbers that are made of examples in other ways, such as pieces and pools of them: what they are of real ones. */
static void refuse_made(duet_model *model, const char *what, const duet_unit_want *want)
{
    duet_data *data = duet_model_data(model);
    duet_error error = {0};
    double found;
    if (!duet_model_training(model) || data->owner != NULL || data->asked) return;
    if (duet_values_beyond_unit(model->build, data, want->node, &found, &error) != DUET_OK)
        duet_graph_refuse(duet_model_graph(model), error.status, "%s", error.message);
    else if (!isnan(found))
        duet_graph_refuse(duet_model_graph(model), DUET_ERROR_DATA,
                          "%s is for numbers in [0, 1], and is given some made of the examples of %s, such as %g%s%s%s",
                          what, duet_data_describe(data)->name, found, want->instead == NULL ? "" : ": take ",
                          want->instead == NULL ? "" : want->instead,
                          want->instead == NULL ? "" : ", which is for any numbers");
}

/* Of several losses that a build function composes, those count that it minimises, reports, assigns or gives. A loss
 * turned over or in another shape is composed of what the loss is, without it. */
static bool is_used(const duet_build *build, duet_node loss)
{
    while (loss->op->kind == DUET_OP_VIEW || strcmp(loss->op->name, "negate") == 0) loss = loss->inputs[0];
    bool *depends = duet_build_dependents(build, &loss, 1), used = depends == NULL;
    for (size_t p = 0; !used && p < build->procedure_count; p++) {
        const duet_procedure_description *procedure = &build->procedures[p];
        for (size_t i = 0; i < procedure->phase_count; i++) used |= duet_phase_depends(&procedure->phases[i], depends);
        for (size_t i = 0; i < procedure->output_count; i++) used |= depends[procedure->outputs[i].value->id];
    }
    free(depends);
    return used;
}

static duet_node without_views(duet_node node)
{
    while (node->op->kind == DUET_OP_VIEW) node = node->inputs[0];
    return node;
}

static bool is_op(duet_node node, const char *name)
{
    return strcmp(node->op->name, name) == 0;
}

/* Whether it is e^(x - log(sum(e^x))), as duet_softmax composes it. */
static bool is_softmax(duet_node node)
{
    if (!is_op(node, "exp") || !is_op(node->inputs[0], "subtract")) return false;
    duet_node log = without_views(node->inputs[0]->inputs[1]);
    duet_node sum = is_op(log, "log") ? without_views(log->inputs[0]) : log;
    return is_op(sum, "sum") && is_op(sum->inputs[0], "exp") && sum->inputs[0]->inputs[0] == node->inputs[0]->inputs[0];
}

static const duet_variable *parameter_of(duet_node node)
{
    node = without_views(node);
    const duet_variable *variable = node->op == &duet_op_variable ? node->attributes.object : NULL;
    return variable != NULL && variable->optimised ? variable : NULL;
}

/* Whether both come from one layer, of whatever: they are the same op with the same parameter. */
static bool are_of_one_layer(duet_node one, duet_node other)
{
    bool found = one == other;
    for (size_t i = 0; !found && one->op == other->op && i < one->input_count; i++)
        for (size_t k = 0; !found && k < other->input_count; k++) /* a sum may turn its operands round */
            found =
                parameter_of(one->inputs[i]) != NULL && parameter_of(one->inputs[i]) == parameter_of(other->inputs[k]);
    return found;
}

/* Probabilities where logits are expected, and logits that are given for what is seen. */
static void warn_of_logits(duet_model *model, const duet_unit_want *want)
{
    const duet_build *build = model->build;
    duet_node logits = without_views(want->logits);
    const char *activation = is_op(logits, "sigmoid") ? "sigmoid" : is_softmax(logits) ? "softmax" : NULL;
    if (activation != NULL)
        duet_model_warn(model,
                        "%s: %s takes logits, and is given what %s gives: its operand is what the loss takes, as the "
                        "loss has %s in it",
                        want->where, want->what, activation, activation);
    for (size_t p = 0; p < build->procedure_count; p++)
        for (size_t i = 0; i < build->procedures[p].output_count; i++) {
            const duet_output_row *output = &build->procedures[p].outputs[i];
            const bool is_seen =
                strcmp(output->name, DUET_RECONSTRUCTION) == 0 || strcmp(output->name, DUET_SAMPLE) == 0;
            if (is_seen && are_of_one_layer(without_views(output->value), logits))
                duet_model_warn(model,
                                "the output \"%s\" is of the layer whose numbers %s takes as logits: what is seen is "
                                "their sigmoid",
                                output->name, want->what);
        }
}

void duet_needs_of_losses(duet_model *model)
{
    const duet_data_info *info = duet_data_describe(duet_model_data(model));
    const double ends[2] = {fmin((double)info->low[0], (double)info->low[1]),
                            fmax((double)info->high[0], (double)info->high[1])};
    const duet_graph *graph = duet_model_graph(model);
    const duet_unit_want *want;
    double given[2];
    char what[320];
    for (size_t i = 0; (want = duet_graph_unit_want(graph, i)) != NULL; i++) {
        duet_multiple it = {1, 0};
        duet_node node = want->node;
        if (duet_graph_mistake(graph)->status != DUET_OK) return; /* of which there is one to tell */
        if (want->logits != NULL && is_used(model->build, want->loss)) warn_of_logits(model, want);
        while (node != NULL && node != model->build->batch) node = duet_multiple_step(node, &it);
        if ((node != NULL && is_within(&it, ends, given)) || !is_used(model->build, want->loss)) continue;
        (void)duet_text_print(what, sizeof what, "%s: %s", want->where, want->what);
        if (node == NULL)
            refuse_made(model, what, want);
        else if (it.factor == 1 && it.term == 0)
            duet_needs_unit_range(model, what, want->instead);
        else
            refuse_moved(model, what, &it);
    }
}
