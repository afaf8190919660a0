/* SPDX-License-Identifier: MIT */
/* The handle of a model: a family and its settings over a store of parameters. */
#include "model/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "data/data.h"
#include "graph/variable.h"
#include "nn/names.h"
#include "nn/optimiser.h"

enum { LONGEST_GROUP = 64 };

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
    made->classes = duet_data_describe(data)->classes;
    made->bytes = data->bytes;
    duet_status status = duet_settings_read(&made->settings, family, settings, count, error);
    if (status != DUET_OK)
        duet_model_free(&made);
    else
        *model = made;
    return status;
}

void duet_model_set_ranks(duet_model *model, duet_ranks *ranks)
{
    model->ranks = duet_ranks_count(ranks) > 1 ? ranks : NULL;
}

void duet_model_free(duet_model **model)
{
    if (model == NULL || *model == NULL) return;
    duet_store_free(&(*model)->store);
    duet_settings_free(&(*model)->settings);
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

void duet_model_set_classes(duet_model *model, size_t classes)
{
    model->classes = classes;
}

void duet_model_set_class_counts(duet_model *model, const size_t counts[DUET_MOST_CLASSES])
{
    memcpy(model->class_counts, counts, sizeof model->class_counts);
}

void duet_model_set_bytes(duet_model *model, bool bytes)
{
    model->bytes = bytes;
}

const char *duet_model_setting_text(const duet_model *model, const char *key)
{
    if (model->build != NULL) duet_settings_mark(&model->settings, NULL, key); /* a build function asks */
    return duet_settings_text(&model->settings, key);
}

bool duet_model_setting_at(const duet_model *model, size_t index, const char **key, const char **value)
{
    const duet_setting *setting = duet_family_setting(model->family, index);
    size_t common = 0;
    if (setting != NULL) {
        *key = setting->key;
        *value = model->settings.values[index].text;
        return true;
    }
    while (duet_family_setting(model->family, common) != NULL) common++;
    if (index - common >= model->settings.group_count) return false;
    *key = model->settings.groups[index - common].key;
    *value = model->settings.groups[index - common].value;
    return true;
}

duet_optimiser duet_model_optimiser(const duet_model *model, const char *group)
{
    const duet_settings *s = &model->settings;
    const char *kind = duet_settings_group_text(s, group, "optimiser");
    const char *schedule = duet_settings_group_text(s, group, "lr_schedule");
    const duet_optimiser_kind number = (duet_optimiser_kind)duet_choice_index(duet_optimiser_names(), kind);
    const bool has_momentum = number == DUET_SGD || number == DUET_RMSPROP;
    const duet_rate_schedule rates = (duet_rate_schedule)duet_choice_index(duet_rate_schedule_names(), schedule);
    const double average = duet_settings_group_number(s, group, "average");
    return (duet_optimiser){
        .kind = number,
        .learning_rate = duet_settings_group_number(s, group, "lr"),
        .beta1 = duet_settings_group_number(s, group, "beta1"),
        .beta2 = duet_settings_group_number(s, group, "beta2"),
        .momentum = has_momentum ? duet_settings_group_number(s, group, "momentum") : 0,
        .epsilon = duet_settings_group_number(s, group, "epsilon"),
        .weight_decay = duet_settings_group_number(s, group, "weight_decay"),
        .clip_norm = duet_settings_group_number(s, group, "clip_norm"),
        .schedule = rates,
        .rate_warm_up = (uint64_t)duet_settings_group_number(s, group, "lr_warm_up"),
        .rate_steps = rates != DUET_RATE_CONSTANT ? (uint64_t)duet_settings_group_number(s, group, "lr_steps") : 0,
        .rate_final = duet_settings_group_number(s, group, "lr_final"),
        .clip_update = duet_settings_group_number(s, group, "clip_update"),
        .clip_weights = duet_settings_group_number(s, group, "clip_weights"),
        .average = average,
        .average_warm_up = average > 0 ? duet_settings_group_number(s, group, "average_warm_up") : 0,
    };
}

/* AdamW without a decay is Adam. */
static bool is_adam_anyway(const duet_settings *settings, const char *group, const duet_optimiser *optimiser)
{
    return optimiser->kind == DUET_ADAMW && optimiser->weight_decay == 0 &&
           strcmp(duet_settings_otherwise(settings, group, "optimiser"), "adam") == 0;
}

void duet_model_mark_optimiser(const duet_model *model, const char *group)
{
    static const char *const always[] = {"lr", "weight_decay", "clip_norm", "clip_update", "clip_weights", "average"};
    const duet_settings *s = &model->settings;
    const duet_optimiser it = duet_model_optimiser(model, group);
    const bool adam = it.kind == DUET_ADAM || it.kind == DUET_ADAMW;
    const bool scheduled = it.schedule != DUET_RATE_CONSTANT, varies = scheduled && it.rate_final != 1;
    const struct { /* what is said of a group to be without, and others are not, has its effect too */
        const char *key;
        bool used;
    } sometimes[] = {
        {"beta1", adam},
        {"beta2", it.kind != DUET_SGD},
        {"epsilon", it.kind != DUET_SGD},
        {"momentum", !adam},
        {"lr_steps", varies},
        {"lr_final", varies || (scheduled && duet_settings_differ(s, group, "lr_final"))},
        {"average_warm_up", it.average > 0},
        {"lr_schedule", varies || (it.rate_final != 1 && duet_settings_differ(s, group, "lr_schedule"))},
        {"lr_warm_up", it.rate_warm_up > 1 || duet_settings_differ(s, group, "lr_warm_up")},
        {"optimiser", !is_adam_anyway(s, group, &it)},
    };
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) duet_settings_mark(s, group, always[i]);
    for (size_t i = 0; i < sizeof sometimes / sizeof *sometimes; i++)
        if (sometimes[i].used) duet_settings_mark(s, group, sometimes[i].key);
}

void duet_model_mark_layers(const duet_model *model)
{
    const duet_group *group;
    for (size_t i = 0; (group = duet_store_group_at(model->store, i)) != NULL; i++) {
        if (!group->weighs) continue;
        duet_settings_mark(&model->settings, group->name, "initialiser");
        duet_settings_mark(&model->settings, group->name, "spectral_norm");
        if (group->initialises) duet_settings_mark(&model->settings, group->name, "initialiser_scale");
    }
}

/* A schedule of no length would leave the rate of a training as it is without a word, and steps to 0 would end it at
 * the first of them. */
static void check_schedule(const duet_model *model, const char *name)
{
    const duet_build *build = model->build;
    const char *schedule = duet_settings_group_text(&model->settings, name, "lr_schedule");
    bool trains = build != NULL && build->options.mode == DUET_BUILD_TRAIN, changes = strcmp(schedule, "constant") != 0;
    if (!trains || !changes) return;
    if (duet_settings_group_number(&model->settings, name, "lr_steps") == 0)
        duet_graph_refuse(
            build->graph, DUET_ERROR_USAGE,
            "lr_schedule=%s of group %s changes the rate over lr_steps updates, and lr_steps is 0: say how "
            "many, such as lr_steps=10000",
            schedule, name);
    if (strcmp(schedule, "step") == 0 && duet_settings_group_number(&model->settings, name, "lr_final") == 0)
        duet_graph_refuse(
            build->graph, DUET_ERROR_USAGE,
            "lr_schedule=step of group %s takes the rate times lr_final after every lr_steps updates, and "
            "lr_final is 0: nothing would be learnt after the first of them; say how much is to be left, "
            "such as lr_final=0.1",
            name);
}

/* Gives a group the initialiser and the spectral norm that the settings ask for. */
static void set_layers(const duet_model *model, duet_group *group, const char *name)
{
    static const duet_initialiser_kind kinds[] = {
        DUET_INIT_CONSTANT,   DUET_INIT_NORMAL,    DUET_INIT_GLOROT_UNIFORM, DUET_INIT_GLOROT_NORMAL,
        DUET_INIT_HE_UNIFORM, DUET_INIT_HE_NORMAL, DUET_INIT_FAN_IN_UNIFORM,
    };
    const duet_settings *s = &model->settings;
    int kind = duet_choice_index(DUET_NAMES(DUET_INITIALISERS), duet_settings_group_text(s, name, "initialiser"));
    const duet_initialiser start = {.kind = kinds[kind > 0 ? kind : 0],
                                    .scale = (float)duet_settings_group_number(s, name, "initialiser_scale")};
    duet_group_set_initialiser(group, kind > 0 ? &start : NULL);
    duet_group_set_spectral_norm(group, strcmp(duet_settings_group_text(s, name, "spectral_norm"), "yes") == 0);
}

void duet_model_warn(duet_model *model, const char *format, ...)
{
    duet_build *build = model->build;
    char text[1024], *kept;
    va_list arguments;
    va_start(arguments, format);
    (void)duet_text_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < build->warning_count; i++) /* what a function builds twice is said once */
        if (strcmp(build->warnings[i], text) == 0) return;
    if (!duet_array_grow(&build->warnings, build->warning_count, &build->warning_capacity, sizeof *build->warnings) ||
        (kept = strdup(text)) == NULL) {
        duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a warning");
        return;
    }
    build->warnings[build->warning_count++] = kept;
}

static bool is_name(const char *name)
{
    size_t length = strlen(name),
           plain = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return length > 0 && length <= LONGEST_GROUP && plain == length;
}

/* Units of a layer that begin alike learn alike. */
static void check_start(duet_model *model, const char *name)
{
    const duet_settings *s = &model->settings;
    const char *initialiser = duet_settings_group_text(s, name, "initialiser");
    if (model->build == NULL || model->build->options.mode != DUET_BUILD_TRAIN) return;
    if (duet_choice_index(DUET_NAMES(DUET_INITIALISERS), initialiser) > 0 &&
        duet_settings_group_number(s, name, "initialiser_scale") == 0)
        duet_model_warn(model,
                        "initialiser=%s with initialiser_scale=0: all weights of group %s begin at 0, and units that "
                        "begin alike stay alike; leave both out, or say initialiser_scale=1",
                        initialiser, name);
}

duet_group *duet_model_group_at(const char *where, duet_model *model, const char *name)
{
    if (!is_name(name)) {
        if (model->build != NULL)
            duet_graph_fail_at(
                where, model->build->graph,
                "a group is named \"%.40s\": settings are asked for as group.key, so that names of groups "
                "are 1 to %d letters, digits, - and _",
                name, LONGEST_GROUP);
        name = "unnamed"; /* the mistake is reported in its place */
    }
    duet_group *group = duet_group_of(model->store, name);
    if (group == NULL) { /* a list of groups would end here */
        if (model->build != NULL)
            duet_graph_refuse(model->build->graph, DUET_ERROR_MEMORY, "out of memory for a group");
        return NULL;
    }
    set_layers(model, group, name);
    check_schedule(model, name);
    check_start(model, name);
    return group;
}

duet_status duet_model_make_averages(duet_model *model, duet_error *error)
{
    duet_group *group;
    for (size_t i = 0; (group = duet_store_group_at(model->store, i)) != NULL; i++)
        if (duet_settings_group_number(&model->settings, duet_group_name(group), "average") > 0)
            DUET_TRY(duet_group_slot(group, DUET_AVERAGE_SLOT, NULL, error));
    return DUET_OK;
}
