/* SPDX-License-Identifier: MIT */
/* Advice in words. What a family takes its own check of settings says, so that no advice is refused. */
#include "model/advice.h"

#include <string.h>

#include "model/model.h"
#include "model/settings.h"

/* Of a family that lists no groups nobody knows which it has. */
static bool takes(const duet_family *family, const char *setting)
{
    const size_t key = strcspn(setting, "=");
    if (memchr(setting, '.', key) != NULL && family->groups == NULL) return false;
    return duet_settings_check(family, &setting, 1, NULL) == DUET_OK;
}

static const char *value_in(const duet_model *model, const char *setting)
{
    char key[96];
    (void)duet_text_print(key, sizeof key, "%.*s", (int)strcspn(setting, "="), setting);
    char *dot = strrchr(key, '.');
    if (dot == NULL) return duet_settings_text(&model->settings, key);
    *dot = '\0';
    return duet_settings_group_text(&model->settings, key, dot + 1);
}

static bool has_already(const duet_model *model, const duet_advice *advice)
{
    const char *value = value_in(model, advice->setting);
    if (value == NULL) return false;
    if (advice->only != NULL) return !duet_setting_is_same(value, advice->only);
    return duet_setting_is_same(value, strchr(advice->setting, '=') + 1);
}

void duet_advice_add(duet_text *text, const duet_model *model, const duet_advice *advice)
{
    const char *said[DUET_MOST_ADVICE];
    size_t count = 0;
    for (size_t i = 0; i < DUET_MOST_ADVICE && advice[i].setting != NULL; i++) {
        const duet_advice *it = &advice[i];
        if (!takes(duet_model_family(model), it->setting)) continue;
        if (has_already(model, it)) continue;
        said[count++] = it->words != NULL ? it->words : it->setting;
    }
    for (size_t i = 0; i < count; i++)
        duet_text_add(text, "%s%s", i == 0 ? "; " : i + 1 == count ? " or " : ", ", said[i]);
    if (count > 0) duet_text_add(text, " may help");
}
