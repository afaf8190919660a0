/* SPDX-License-Identifier: MIT */
/* Building: runs the family's build function into a new graph, then checks and completes what it described. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "graph/deal.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "model/families/needs.h"
#include "model/latent_draws.h"
#include "model/model.h"
#include "nn/optimiser.h"

/* Whether the examples come in a new order each epoch. */
static bool is_shuffled(const duet_model *model)
{
    if (!duet_data_describe(model->data)->generated) duet_settings_mark(&model->settings, NULL, "shuffle");
    return strcmp(duet_settings_text(&model->settings, "shuffle"), "yes") == 0;
}

static void make_inputs(duet_model *model, duet_build *build)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    size_t features = duet_shape_elements(duet_data_describe(model->data)->shape);
    duet_shape shape = DUET_SHAPE(build->batch_size, features);
    build->draws = duet_working_state(build->graph, "trainer.draws", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    build->step = duet_working_state(build->graph, "trainer.step", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    if (build->options.mode == DUET_BUILD_TRAIN) {
        const bool shuffled = is_shuffled(model);
        duet_node drawn = build->options.streams
                              ? duet_feed_batch(&build->feed, model->data, build->graph, build->batch_size,
                                                build->draws, shuffled, &build->labels)
                              : duet_data_labelled_batch(model->data, build->graph, DUET_TRAIN, build->batch_size,
                                                         build->draws, shuffled, &build->labels);
        build->batch = duet_watch(duet_reshape(drawn, shape));
    } else {
        build->batch = duet_input(build->graph, "batch", DUET_FLOAT32, shape);
    }
}

bool *duet_build_dependents(const duet_build *build, const duet_node *sources, size_t count)
{
    size_t nodes = duet_graph_count(build->graph);
    bool *depends = calloc(nodes + 1, sizeof *depends);
    if (depends == NULL) return NULL;
    for (size_t i = 0; i < count; i++) depends[sources[i]->id] = true;
    for (size_t id = 0; id < nodes; id++) {
        duet_node node = duet_graph_at(build->graph, id);
        for (size_t i = 0; i < node->input_count; i++) depends[id] |= depends[node->inputs[i]->id];
    }
    return depends;
}

bool duet_phase_depends(const duet_phase_description *phase, const bool *marked)
{
    bool reads = false;
    for (size_t i = 0; i < phase->objective_count; i++) {
        const duet_objective *objective = &phase->objectives[i];
        reads |= marked[objective->loss->id] || (objective->gate != NULL && marked[objective->gate->id]);
    }
    for (size_t i = 0; i < phase->report_count; i++)
        reads |= phase->reports[i].value != NULL && marked[phase->reports[i].value->id];
    for (size_t i = 0; i < phase->assign_count; i++) reads |= marked[phase->assigns[i].value->id];
    return reads;
}

/* Whether a node is a parameter or state of which an average is kept. */
static bool has_average(duet_node node)
{
    char name[224];
    if (node->op != &duet_op_variable) return false;
    const duet_variable *variable = node->attributes.object;
    (void)snprintf(name, sizeof name, "%s." DUET_AVERAGE_SLOT, variable->name);
    return duet_store_find(variable->storage->store, name) != NULL;
}

bool duet_build_reads_averages(const duet_build *build, const duet_procedure_description *procedure, duet_node output)
{
    const size_t nodes = duet_graph_count(build->graph);
    duet_node *kept = calloc(nodes + 1, sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; kept != NULL && i < nodes; i++)
        if (has_average(duet_graph_at(build->graph, i))) kept[count++] = duet_graph_at(build->graph, i);
    bool *depends = kept == NULL ? NULL : duet_build_dependents(build, kept, count);
    bool reads = depends == NULL || (output != NULL && depends[output->id]);
    const size_t phases = procedure == &build->procedures[0] ? 0 : procedure->phase_count; /* those of train train */
    for (size_t i = 0; depends != NULL && i < phases; i++) reads |= duet_phase_depends(&procedure->phases[i], depends);
    free(depends);
    free(kept);
    return reads;
}

/* A phase draws a batch if anything it computes depends on the examples or their labels. Of phases that share a batch
 * only the last draws, so that all before it read the same one. */
static void find_draws(duet_build *build)
{
    bool *depends = duet_build_dependents(build, (duet_node[]){build->batch, build->draws}, 2);
    if (depends == NULL) {
        duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
        return;
    }
    for (size_t p = 0; p < build->procedure_count; p++) {
        duet_procedure_description *procedure = &build->procedures[p];
        bool pending = false; /* a phase has read the batch, and none has yet moved on to the next */
        for (size_t i = 0; i < procedure->phase_count; i++) {
            duet_phase_description *phase = &procedure->phases[i];
            bool is_shared = i + 1 < procedure->phase_count && procedure->phases[i + 1].shares;
            pending |= duet_phase_depends(phase, depends);
            phase->draws = pending && !is_shared;
            pending = pending && is_shared;
        }
    }
    free(depends);
}

/* "WHAT.GROUP", with the phase where several move the group; NULL if memory is short. */
static const char *name_norm(duet_build *build, const char *what, const duet_phase_description *phase,
                             const duet_group *group)
{
    const duet_procedure_description *train = &build->procedures[0];
    size_t movers = 0;
    char name[160];
    for (size_t i = 0; i < train->phase_count; i++)
        for (size_t o = 0; o < train->phases[i].objective_count; o++)
            for (size_t g = 0; g < train->phases[i].objectives[o].group_count; g++)
                movers += train->phases[i].objectives[o].groups[g] == group;
    if (movers > 1)
        snprintf(name, sizeof name, "%s.%s.%s", what, phase->name, duet_group_name(group));
    else
        snprintf(name, sizeof name, "%s.%s", what, duet_group_name(group));
    if (!duet_array_grow(&build->names, build->name_count, &build->name_capacity, sizeof *build->names)) return NULL;
    return build->names[build->name_count++] = strdup(name);
}

/* A report that the settings ask for; `value` NULL: how far the update of the group goes. */
static void report_norm(duet_build *build, const char *what, duet_phase_description *phase, duet_node value,
                        duet_group *group)
{
    const char *name = name_norm(build, what, phase, group);
    if (name != NULL && duet_report_is_taken(&build->procedures[0], name))
        duet_graph_refuse(build->graph, DUET_ERROR_GRAPH, "%s_norms=yes reports \"%s\", a name that is taken", what,
                          name);
    if (name == NULL ||
        !duet_array_grow(&phase->reports, phase->report_count, &phase->report_capacity, sizeof *phase->reports))
        duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
    else
        phase->reports[phase->report_count++] = (duet_report_row){name, value, value == NULL ? group : NULL};
}

static duet_node gradient_norm(const duet_objective *objective, duet_group *group)
{
    const char *where = objective->where;
    duet_node squares = duet_square_at(where, duet_group_gradient_at(where, group, objective->loss));
    return duet_sqrt_at(where, duet_sum_at(where, squares, DUET_ALL_AXES, false));
}

static bool asks_for(const duet_model *model, const char *setting)
{
    duet_settings_mark(&model->settings, NULL, setting);
    return strcmp(duet_settings_text(&model->settings, setting), "yes") == 0;
}

/* Reports beside the model's own, in a training whose settings ask for them. */
static void report_norms(const duet_model *model, duet_build *build)
{
    duet_procedure_description *train = &build->procedures[0];
    if (build->options.mode != DUET_BUILD_TRAIN) return;
    for (size_t i = 0; i < train->phase_count; i++) {
        duet_phase_description *phase = &train->phases[i];
        for (size_t o = 0; o < phase->objective_count; o++) {
            const duet_objective *objective = &phase->objectives[o];
            for (size_t g = 0; g < objective->group_count; g++) {
                duet_group *group = objective->groups[g];
                if (asks_for(model, "gradient_norms"))
                    report_norm(build, "gradient", phase, gradient_norm(objective, group), group);
                if (asks_for(model, "update_norms")) report_norm(build, "update", phase, NULL, group);
            }
        }
    }
}

/* Every knob that the request sets must be one that the model has. */
static void check_knobs(duet_model *model, duet_build *build)
{
    for (size_t i = 0; i < build->options.knob_count; i++) {
        const char *pair = build->options.knobs[i], *equals = strchr(pair, '=');
        size_t length = equals == NULL ? strlen(pair) : (size_t)(equals - pair), known = 0;
        char names[256] = "";
        while (known < build->knob_count &&
               (strlen(build->knobs[known].key) != length || strncmp(build->knobs[known].key, pair, length) != 0))
            known++;
        if (known < build->knob_count && equals != NULL) continue;
        if (strcmp(pair, "weights=average") == 0 || strcmp(pair, "weights=trained") == 0) continue;
        if (strncmp(pair, "weights=", strlen("weights=")) == 0) {
            duet_fail(&build->knob_error, DUET_ERROR_USAGE, "\"%s\": weights is average or trained", pair);
            continue;
        }
        for (size_t k = 0; k < build->knob_count; k++) {
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, " %s", build->knobs[k].key);
        }
        duet_fail(&build->knob_error, DUET_ERROR_USAGE,
                  "\"%s\": a model of kind %s takes KEY=VALUE at use with these keys: weights%s", pair,
                  model->family->name, names);
    }
}

/* Rows that a model takes together, such as those that a discriminator sees as one. */
static size_t rows_together(const duet_model *model)
{
    const char *pack = duet_settings_text(&model->settings, "pack");
    const size_t rows = pack == NULL ? 1 : strtoul(pack, NULL, 10);
    return rows > 0 ? rows : 1;
}

/* Gives this rank its rows of the batch. */
static void deal_batch(const duet_model *model, duet_build *build)
{
    const size_t all = build->options.batch, count = duet_ranks_count(model->ranks), unit = rows_together(model);
    duet_dealer dealer = {.ranks = model->ranks, .all = all};
    if (build->options.mode != DUET_BUILD_TRAIN || count == 1) return;
    const size_t least = unit > 1 ? unit : 2;
    if (all / unit / count * unit < least)
        duet_graph_refuse(build->graph, DUET_ERROR_USAGE,
                          "a batch of %zu is too small for %zu ranks: each is to have %zu examples of it or more; "
                          "--batch %zu, or fewer ranks",
                          all, count, least, least * count);
    duet_deal_out(all, unit, duet_ranks_rank(model->ranks), count, &dealer.first, &dealer.rows);
    dealer.norms_by_rank = strcmp(duet_settings_text(&model->settings, "norm_over"), "rank") == 0;
    if (dealer.rows > 0) duet_graph_deal(build->graph, &dealer);
    if (dealer.rows > 0) build->batch_size = dealer.rows;
}

static duet_status fail_memory(duet_build **build, duet_error *error)
{
    duet_build_free(build);
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a model");
}

static duet_status open_build(duet_model *model, const duet_build_options *options, duet_build **build,
                              duet_error *error)
{
    duet_build *made = *build = calloc(1, sizeof *made);
    if (made == NULL) return fail_memory(build, error);
    made->options = *options;
    made->batch_size = options->batch;
    made->graph = duet_graph_new(model->store);
    made->scratch = duet_store_new(model->seed);
    if (made->graph == NULL || made->scratch == NULL ||
        !duet_array_grow(&made->procedures, 0, &made->procedure_capacity, sizeof *made->procedures))
        return fail_memory(build, error);
    made->procedure_count = 1;
    snprintf(made->procedures[0].name, sizeof made->procedures[0].name, "train");
    deal_batch(model, made);
    if (options->mode == DUET_BUILD_EVAL) duet_graph_work_in(made->graph, made->scratch, options->batch);
    make_inputs(model, made);
    return DUET_OK;
}

bool duet_settings_want_averages(const char *const *settings, size_t count)
{
    bool wants = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(settings[i], "weights=average") == 0) wants = true;
        if (strcmp(settings[i], "weights=trained") == 0) wants = false;
    }
    return wants;
}

bool duet_model_keeps_averages(const duet_model *model)
{
    bool keeps = false;
    duet_group *group;
    for (size_t i = 0; (group = duet_store_group_at(model->store, i)) != NULL; i++)
        keeps |= duet_settings_group_number(&model->settings, duet_group_name(group), "average") > 0;
    return keeps;
}

/* The group whose average is worth most where not all are to have one; NULL: there is none such. */
static const char *group_that_makes(const duet_model *model)
{
    const duet_family *family = model->family;
    for (size_t i = 0; family->groups != NULL && family->groups[i] != NULL; i++)
        if (strcmp(family->groups[i], "generator") == 0 || strcmp(family->groups[i], "decoder") == 0)
            return family->groups[i];
    return NULL;
}

static bool wants_averages(duet_model *model, duet_build *build)
{
    bool wants = duet_settings_want_averages(build->options.knobs, build->options.knob_count),
         keeps = duet_model_keeps_averages(model);
    if (wants && !keeps) {
        const char *maker = group_that_makes(model);
        duet_fail(&build->knob_error, DUET_ERROR_USAGE,
                  "weights=average: no group of this run keeps an average; train with --set average=0.999, say%s%s%s",
                  maker == NULL ? "" : ", or --set ", maker == NULL ? "" : maker,
                  maker == NULL ? "" : ".average=0.999");
    }
    return wants && keeps;
}

/* The graph's first mistake. One of the code names its line and the data, which may be its cause; but who uses a family
 * of the library has no part in that code, so that what does not fit are settings and data. */
static duet_status check_graph(const duet_model *model, const duet_build *build, duet_error *error)
{
    duet_error mistake = {0};
    char shape[96];
    const duet_data_info *data = duet_data_describe(model->data);
    const char *words = duet_graph_mistake(build->graph)->message;
    if (duet_graph_check(build->graph, &mistake) == DUET_OK) return DUET_OK;
    if (mistake.status != DUET_ERROR_GRAPH) return duet_fail(error, mistake.status, "%s", mistake.message);
    if (duet_family_find(model->family->name) == model->family)
        return duet_fail(error, DUET_ERROR_DATA,
                         "the model %s cannot be made for examples of %s, %s, with these settings: %s",
                         model->family->name, data->name, duet_shape_text(data->shape, shape), words);
    return duet_fail(error, mistake.status, "%s (model %s, examples of %s: %s)", mistake.message, model->family->name,
                     data->name, duet_shape_text(data->shape, shape));
}

duet_status duet_model_build_as(duet_model *model, const duet_build_options *options, duet_build **build,
                                duet_error *error)
{
    DUET_TRY(open_build(model, options, build, error));
    duet_build *made = *build;
    model->build = made;
    bool used = options->mode == DUET_BUILD_EVAL, averages = used && wants_averages(model, made);
    bool inference = used && !options->learns;
    if (inference) duet_inference_begin(made->graph);
    if (averages) duet_average_begin(made->graph);
    model->family->build(model);
    duet_needs_of_losses(model);
    duet_latent_draws_check(model);
    if (averages) duet_average_end(made->graph);
    if (inference) duet_inference_end(made->graph);
    if (!duet_graph_training(made->graph))
        duet_graph_refuse(made->graph, DUET_ERROR_GRAPH,
                          "the model %s opens a scope of inference and does not close it", model->family->name);
    model->build = NULL;
    duet_status status = check_graph(model, made, error);
    if (status == DUET_OK) check_knobs(model, made);
    made->options.knobs = NULL; /* borrowed from the request, which the build may outlive */
    made->options.knob_count = 0;
    if (status == DUET_OK && made->knob_error.status != DUET_OK)
        status = duet_fail(error, made->knob_error.status, "%s", made->knob_error.message);
    if (duet_graph_scopes(made->graph)->has_batch_norm && duet_ranks_count(model->ranks) > 1)
        duet_settings_mark(&model->settings, NULL, "norm_over");
    if (status == DUET_OK) duet_build_check(model, made);
    if (status == DUET_OK) report_norms(model, made);
    if (status == DUET_OK) find_draws(made);
    if (status == DUET_OK) status = check_graph(model, made, error);
    if (status != DUET_OK) duet_build_free(build);
    return status;
}

duet_status duet_model_build(duet_model *model, duet_build_mode mode, size_t batch, duet_build **build,
                             duet_error *error)
{
    return duet_model_build_as(model, &(duet_build_options){.mode = mode, .batch = batch}, build, error);
}

static void free_phase(duet_phase_description *phase)
{
    for (size_t i = 0; i < phase->objective_count; i++) free(phase->objectives[i].groups);
    free(phase->objectives);
    free(phase->reports);
    free(phase->assigns);
}

void duet_build_free(duet_build **build)
{
    if (build == NULL || *build == NULL) return;
    for (size_t p = 0; p < (*build)->procedure_count; p++) {
        duet_procedure_description *procedure = &(*build)->procedures[p];
        for (size_t i = 0; i < procedure->phase_count; i++) free_phase(&procedure->phases[i]);
        free(procedure->phases);
        free(procedure->outputs);
    }
    free((*build)->procedures);
    free((*build)->knobs);
    for (size_t i = 0; i < (*build)->name_count; i++) free((*build)->names[i]);
    free((*build)->names);
    for (size_t i = 0; i < (*build)->warning_count; i++) free((*build)->warnings[i]);
    free((*build)->warnings);
    free((*build)->prior);
    duet_graph_free(&(*build)->graph);
    duet_store_free(&(*build)->scratch);
    duet_feed_free(&(*build)->feed);
    free(*build);
    *build = NULL;
}
