/* The handle of a model: a family and its settings over a store of parameters. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

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

duet_optimiser duet_model_optimiser(const duet_model *model, const char *group)
{
    (void)group;
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
