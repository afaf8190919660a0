/* Models: a family and its settings over a store of parameters, built into one graph for each purpose. What a build
 * function says is recorded here as data; nothing here runs it. */
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/node.h"
#include "model/settings.h"

struct duet_model {
    const duet_family *family;
    duet_data *data;
    duet_store *store;
    duet_settings settings;
    uint64_t seed;
    duet_build *build; /* the one being made */
};

duet_status duet_model_new(duet_model **model, const duet_family *family, duet_data *data, const char *const *settings,
                           size_t count, uint64_t seed, duet_error *error)
{
    duet_model *made = calloc(1, sizeof *made);
    *model = NULL;
    if (made != NULL) made->store = duet_store_new(seed);
    if (made == NULL || made->store == NULL) {
        free(made);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a model");
    }
    made->family = family;
    made->data = data;
    made->seed = seed;
    duet_status status = duet_settings_read(&made->settings, family, settings, count, error);
    if (status != DUET_OK)
        duet_model_free(&made);
    else
        *model = made;
    return status;
}

void duet_model_free(duet_model **model)
{
    if (model == NULL || *model == NULL) return;
    duet_store_free(&(*model)->store);
    free(*model);
    *model = NULL;
}

const duet_family *duet_model_family(const duet_model *model)
{
    return model->family;
}

duet_store *duet_model_store(duet_model *model)
{
    return model->store;
}

duet_data *duet_model_data(const duet_model *model)
{
    return model->data;
}

uint64_t duet_model_seed(const duet_model *model)
{
    return model->seed;
}

const char *duet_model_setting_text(const duet_model *model, const char *key)
{
    return duet_settings_text(&model->settings, key);
}

bool duet_model_setting_at(const duet_model *model, size_t index, const char **key, const char **value)
{
    const duet_setting *setting = duet_family_setting(model->family, index);
    if (setting == NULL) return false;
    *key = setting->key;
    *value = model->settings.values[index];
    return true;
}

/* What a build function uses. */

/* Whether batches come in an order that is new each epoch. */
static bool is_shuffled(const duet_model *model)
{
    return strcmp(duet_settings_text(&model->settings, "shuffle"), "yes") == 0;
}

duet_graph *duet_model_graph(duet_model *model)
{
    return model->build->graph;
}

duet_node duet_model_batch(duet_model *model)
{
    return model->build->batch;
}

duet_node duet_model_pictures(duet_model *model, size_t multiple)
{
    const duet_data_info *info = duet_data_describe(model->data);
    const duet_shape shape = info->shape;
    duet_graph *graph = model->build->graph;
    if (shape.rank == 3 && shape.dims[0] % multiple == 0 && shape.dims[1] % multiple == 0)
        return duet_reshape(model->build->batch,
                            DUET_SHAPE(model->build->batch_size, shape.dims[0], shape.dims[1], shape.dims[2]));
    char text[96], multiples[64] = "";
    if (multiple > 1) snprintf(multiples, sizeof multiples, ", height and width multiples of %zu,", multiple);
    duet_graph_fail(graph,
                    "the model %s needs pictures: examples of [height, width, channels]%s were expected; those "
                    "of %s are %s",
                    model->family->name, multiples, info->name, duet_shape_text(shape, text));
    return duet_node_broken(graph);
}

duet_node duet_model_labels(duet_model *model)
{
    duet_build *build = model->build;
    const duet_data_info *info = duet_data_describe(model->data);
    if (build->labels == NULL && build->mode == DUET_BUILD_EVAL && info->classes > 0)
        build->labels = duet_input(build->graph, "labels", DUET_FLOAT32, DUET_SHAPE(build->batch_size, info->classes));
    if (build->labels != NULL) return build->labels;
    duet_graph_fail(
        build->graph, "the model %s learns from labels, and %s; docs/data.md says where a file's labels are looked for",
        model->family->name, info->generated ? "generated sets are drawn without any" : "this data has none");
    return duet_node_broken(build->graph);
}

size_t duet_model_batch_size(const duet_model *model)
{
    return model->build->batch_size;
}

duet_shape duet_model_example_shape(const duet_model *model)
{
    return duet_data_describe(model->data)->shape;
}

bool duet_model_unit_range(const duet_model *model)
{
    return duet_data_describe(model->data)->unit_range;
}

bool duet_model_training(const duet_model *model)
{
    return model->build->mode == DUET_BUILD_TRAIN;
}

duet_group *duet_model_group(duet_model *model, const char *name)
{
    return duet_group_of(model->store, name);
}

static const char *setting_text(duet_model *model, const char *key)
{
    const char *text = duet_model_setting_text(model, key);
    if (text == NULL)
        duet_graph_fail(model->build->graph, "the model %s has no setting \"%s\"", model->family->name, key);
    return text == NULL ? "" : text;
}

double duet_setting_number(duet_model *model, const char *key)
{
    (void)setting_text(model, key); /* says that there is none of that key */
    return duet_settings_number(&model->settings, key);
}

bool duet_setting_is(duet_model *model, const char *key, const char *choice)
{
    return strcmp(setting_text(model, key), choice) == 0;
}

duet_node duet_activate(duet_model *model, duet_node x)
{
    return duet_activation(setting_text(model, "activation"), x);
}

static duet_node hidden_layers(duet_model *model, duet_group *group, const char *key, duet_node x, bool reversed)
{
    size_t sizes[DUET_MAX_LAYERS], count = duet_sizes_read(setting_text(model, key), sizes, DUET_MAX_LAYERS);
    for (size_t i = 0; i < count && count != SIZE_MAX; i++) {
        char layer[32];
        snprintf(layer, sizeof layer, "hidden%zu", i + 1);
        x = duet_activate(model, duet_dense(group, layer, x, sizes[reversed ? count - 1 - i : i]));
    }
    return x;
}

duet_node duet_hidden_layers(duet_model *model, duet_group *group, const char *sizes_key, duet_node x)
{
    return hidden_layers(model, group, sizes_key, x, false);
}

duet_node duet_hidden_layers_reversed(duet_model *model, duet_group *group, const char *sizes_key, duet_node x)
{
    return hidden_layers(model, group, sizes_key, x, true);
}

/* The phase that statements belong to; a mistake of the model if there is none or it is full. */
static duet_phase_description *phase_with_room(duet_model *model, const char *what, size_t used, size_t most)
{
    duet_build *build = model->build;
    if (build->phase_count == 0 || used >= most) {
        duet_graph_fail(build->graph,
                        build->phase_count == 0 ? "%s: open a phase first with duet_phase (at most %zu)"
                                                : "%s: a phase has at most %zu",
                        what, most);
        return NULL;
    }
    return &build->phases[build->phase_count - 1];
}

static size_t last_phase(const duet_model *model)
{
    return model->build->phase_count == 0 ? 0 : model->build->phase_count - 1;
}

void duet_phase(duet_model *model, const char *name, size_t repeats)
{
    duet_build *build = model->build;
    if (build->phase_count == DUET_MAX_PHASES) {
        duet_graph_fail(build->graph, "phase \"%s\": a model has at most %d phases", name, DUET_MAX_PHASES);
        return;
    }
    duet_phase_description *phase = &build->phases[build->phase_count];
    if (snprintf(phase->name, sizeof phase->name, "%s", name) >= (int)sizeof phase->name)
        duet_graph_fail(build->graph, "phase \"%s\": a name has at most %zu characters", name, sizeof phase->name - 1);
    for (size_t i = 0; i < build->phase_count; i++)
        if (strcmp(build->phases[i].name, phase->name) == 0)
            duet_graph_fail(build->graph, "phase \"%s\": there is one of that name already", name);
    build->phase_count++;
    phase->repeats = repeats;
}

void duet_minimise_groups(duet_model *model, const char *where, duet_node loss, duet_node gate,
                          duet_group *const *groups)
{
    size_t used = model->build->phases[last_phase(model)].objective_count;
    duet_phase_description *phase = phase_with_room(model, "minimise", used, DUET_MAX_OBJECTIVES);
    if (phase == NULL) return;
    duet_objective *objective = &phase->objectives[phase->objective_count++];
    *objective = (duet_objective){.where = where, .loss = loss, .gate = gate};
    for (size_t i = 0; groups[i] != NULL; i++) {
        if (i < DUET_MAX_GROUPS) objective->groups[objective->group_count++] = groups[i];
        if (i == DUET_MAX_GROUPS)
            duet_graph_fail_at(where, model->build->graph, "minimise: at most %d groups", DUET_MAX_GROUPS);
    }
    if (loss == NULL) duet_graph_fail_at(where, model->build->graph, "minimise: the loss is NULL");
}

void duet_report(duet_model *model, const char *name, duet_node scalar)
{
    size_t used = model->build->phases[last_phase(model)].report_count;
    duet_phase_description *phase = phase_with_room(model, "report", used, DUET_MAX_REPORTS);
    if (phase == NULL) return;
    if (scalar == NULL) {
        duet_graph_fail(model->build->graph, "report \"%s\": the value is NULL", name);
        return;
    }
    if (!duet_node_is_broken(scalar) && scalar->elements != 1) {
        char text[96];
        duet_graph_fail(model->build->graph, "report \"%s\": a scalar is needed, this is %s", name,
                        duet_shape_text(scalar->shape, text));
        return;
    }
    phase->reports[phase->report_count++] = (duet_report_row){name, scalar};
}

void duet_phase_assign(duet_model *model, duet_node state, duet_node value)
{
    size_t used = model->build->phases[last_phase(model)].assign_count;
    duet_phase_description *phase = phase_with_room(model, "assign", used, DUET_MAX_REPORTS);
    if (phase == NULL) return;
    if (state == NULL || value == NULL) {
        duet_graph_fail(model->build->graph, "assign: the state or the value is NULL");
        return;
    }
    phase->assign_targets[phase->assign_count] = state;
    phase->assign_values[phase->assign_count++] = value;
}

duet_node duet_model_step(duet_model *model)
{
    return duet_to_float(model->build->step);
}

duet_node duet_warm_up(duet_model *model, double steps)
{
    duet_node one = duet_constant(model->build->graph, 1);
    if (steps <= 0) return one;
    return duet_minimum(duet_scale(duet_shift(duet_model_step(model), 1), 1 / steps), one);
}

duet_node duet_latent(duet_model *model, size_t features)
{
    duet_build *build = model->build;
    if (build->latent != NULL) {
        if (duet_features(build->latent) != features)
            duet_graph_fail(build->graph, "latent: a model has one latent input, and two widths were asked for");
        return build->latent;
    }
    duet_shape shape = DUET_SHAPE(build->batch_size, features);
    return build->latent = duet_input(build->graph, "latent", DUET_FLOAT32, shape);
}

void duet_output(duet_model *model, const char *name, duet_node value)
{
    duet_build *build = model->build;
    if (build->output_count == DUET_MAX_OUTPUTS)
        duet_graph_fail(build->graph, "output \"%s\": a model has at most %d", name, DUET_MAX_OUTPUTS);
    else
        build->outputs[build->output_count++] = (duet_output_row){name, value};
}

/* Building. */

static void make_inputs(duet_model *model, duet_build *build)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    size_t features = duet_shape_elements(duet_data_describe(model->data)->shape);
    duet_shape shape = DUET_SHAPE(build->batch_size, features);
    build->draws = duet_state(build->graph, "trainer.draws", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    build->step = duet_state(build->graph, "trainer.step", DUET_UINT32, DUET_SCALAR_SHAPE, zero);
    if (build->mode == DUET_BUILD_TRAIN) {
        duet_node drawn = duet_data_labelled_batch(model->data, build->graph, DUET_TRAIN, build->batch_size,
                                                   build->draws, is_shuffled(model), &build->labels);
        build->batch = duet_watch(duet_reshape(drawn, shape));
    } else {
        build->batch = duet_input(build->graph, "batch", DUET_FLOAT32, shape);
    }
}

/* A phase draws a batch if anything it computes depends on one. */
static void find_draws(duet_build *build)
{
    size_t count = duet_graph_count(build->graph);
    bool *depends = calloc(count, sizeof *depends);
    if (depends == NULL) {
        duet_graph_fail(build->graph, "out of memory for a model");
        return;
    }
    depends[build->batch->id] = true;
    for (size_t id = 0; id < count; id++) {
        duet_node node = duet_graph_at(build->graph, id);
        for (size_t i = 0; i < node->input_count; i++) depends[id] |= depends[node->inputs[i]->id];
    }
    for (size_t p = 0; p < build->phase_count; p++) {
        duet_phase_description *phase = &build->phases[p];
        for (size_t i = 0; i < phase->objective_count; i++) phase->draws |= depends[phase->objectives[i].loss->id];
        for (size_t i = 0; i < phase->report_count; i++) phase->draws |= depends[phase->reports[i].value->id];
        for (size_t i = 0; i < phase->assign_count; i++) phase->draws |= depends[phase->assign_values[i]->id];
    }
    free(depends);
}

duet_status duet_model_build(duet_model *model, duet_build_mode mode, size_t batch, duet_build **build,
                             duet_error *error)
{
    duet_build *made = calloc(1, sizeof *made);
    *build = NULL;
    if (made != NULL) made->graph = duet_graph_new(model->store);
    if (made == NULL || made->graph == NULL) {
        free(made);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a model");
    }
    made->mode = mode;
    made->batch_size = batch;
    make_inputs(model, made);
    model->build = made;
    if (mode == DUET_BUILD_EVAL) duet_inference_begin(made->graph);
    model->family->build(model);
    if (mode == DUET_BUILD_EVAL) duet_inference_end(made->graph);
    if (!duet_graph_training(made->graph))
        duet_graph_fail(made->graph, "the model %s opens a scope of inference and does not close it",
                        model->family->name);
    model->build = NULL;
    duet_status status = duet_graph_check(made->graph, error);
    if (status == DUET_OK) find_draws(made);
    if (status == DUET_OK) status = duet_graph_check(made->graph, error);
    if (status != DUET_OK)
        duet_build_free(&made);
    else
        *build = made;
    return status;
}

void duet_build_free(duet_build **build)
{
    if (build == NULL || *build == NULL) return;
    duet_graph_free(&(*build)->graph);
    free(*build);
    *build = NULL;
}

duet_node duet_build_output(const duet_build *build, const char *name)
{
    for (size_t i = 0; i < build->output_count; i++)
        if (strcmp(build->outputs[i].name, name) == 0) return build->outputs[i].value;
    return NULL;
}

duet_optimiser duet_model_optimiser(const duet_model *model)
{
    const duet_settings *settings = &model->settings;
    const char *kind = duet_settings_text(settings, "optimiser"),
               *schedule = duet_settings_text(settings, "lr_schedule");
    return (duet_optimiser){
        .kind = (duet_optimiser_kind)duet_choice_index(duet_optimiser_names(), kind),
        .learning_rate = duet_settings_number(settings, "lr"),
        .beta1 = duet_settings_number(settings, "beta1"),
        .beta2 = duet_settings_number(settings, "beta2"),
        .momentum = duet_settings_number(settings, "momentum"),
        .epsilon = duet_settings_number(settings, "epsilon"),
        .weight_decay = duet_settings_number(settings, "weight_decay"),
        .clip_norm = duet_settings_number(settings, "clip_norm"),
        .schedule = (duet_rate_schedule)duet_choice_index(duet_rate_schedule_names(), schedule),
        .rate_warm_up = (uint64_t)duet_settings_number(settings, "lr_warm_up"),
        .rate_steps = (uint64_t)duet_settings_number(settings, "lr_steps"),
        .rate_final = duet_settings_number(settings, "lr_final"),
    };
}
