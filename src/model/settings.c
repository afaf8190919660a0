/* SPDX-License-Identifier: MIT */
/* Settings: a family's own rows, then the common rows that it does not replace. Values are checked once and kept as
 * text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"
#include "base/text.h"
#include "model/settings.h"
#include "nn/names.h"

#define UNLIMITED 1e9

enum { USUAL_BATCH = 128, USUAL_EPOCHS = 10, LARGEST_SIZE = 1 << 20, LONGEST_KEY = 100 };

static const duet_setting common[] = {
    DUET_CHOICE("shuffle", "yes", "yes|no", "a new order of the examples each epoch; no: the file's"),
    DUET_CHOICE("norm_over", "batch", "batch|rank", "which rows batch norm takes together where ranks share a batch"),
    DUET_CHOICE("gradient_norms", "no", "yes|no", "report the norm of each group's gradient too"),
    DUET_CHOICE("update_norms", "no", "yes|no", "report how far each update moves its group too"),
    DUET_CHOICE("activation", "relu", DUET_NAMES(DUET_ACTIVATIONS), "activation of hidden layers"),
};

/* Settings of all groups; GROUP.KEY overrides one for a single group. */
static const duet_setting of_groups[] = {
    DUET_CHOICE("optimiser", "adam", DUET_NAMES(DUET_OPTIMISERS), "how parameters are updated"),
    DUET_NUMBER("lr", 0.001, 0, 100, "learning rate"),
    DUET_NUMBER("beta1", 0.9, 0, 0.999999, "Adam: decay of the mean gradient"),
    DUET_NUMBER("beta2", 0.999, 0, 0.999999, "Adam, RMSProp: decay of the mean square"),
    DUET_NUMBER("momentum", 0, 0, 0.999999, "SGD, RMSProp: momentum"),
    DUET_NUMBER("epsilon", 1e-8, 0, 1, "Adam, RMSProp: term under the fraction"),
    DUET_NUMBER("weight_decay", 0, 0, 100, "L2 term of the gradient; decoupled with adamw"),
    DUET_NUMBER("clip_norm", 0, 0, UNLIMITED, "largest norm of a group's gradient; 0: no limit"),
    DUET_CHOICE("lr_schedule", "constant", DUET_NAMES(DUET_RATE_SCHEDULES), "how the rate changes"),
    DUET_COUNT("lr_warm_up", 0, 0, UNLIMITED, "updates over which the rate first rises from 0"),
    DUET_COUNT("lr_steps", 0, 0, UNLIMITED, "updates that the schedule takes; 0: none"),
    DUET_NUMBER("lr_final", 0, 0, 1, "factor at the schedule's end (step: at every step)"),
    DUET_NUMBER("clip_update", 0, 0, UNLIMITED, "largest norm of an update of a group's parameters; 0: no limit"),
    DUET_NUMBER("clip_weights", 0, 0, UNLIMITED, "largest size of a parameter after an update; 0: no limit"),
    DUET_NUMBER("average", 0, 0, 0.999999, "decay of an average of the weights, kept beside them; 0: none"),
    DUET_NUMBER("average_warm_up", 0, 0, UNLIMITED, "decay after n updates: at most (1 + n) / (this + n); 0: no limit"),
    DUET_CHOICE("initialiser", "default", DUET_NAMES(DUET_INITIALISERS),
                "how layers' weights start; default: the layer's own way"),
    DUET_NUMBER("initialiser_scale", 1, 0, 1000, "factor of the initialiser; of normal its deviation"),
    DUET_CHOICE("spectral_norm", "no", "yes|no", "layers' weights over their largest singular value"),
};

/* The row of all groups with that key; NULL: there is none. */
static const duet_setting *find_of_groups(const char *key)
{
    for (size_t i = 0; i < sizeof of_groups / sizeof *of_groups; i++)
        if (strcmp(of_groups[i].key, key) == 0) return &of_groups[i];
    return NULL;
}

bool duet_setting_is_rate(const char *key)
{
    static const char *const rates[] = {"lr", "lr_schedule", "lr_warm_up", "lr_steps", "lr_final", "clip_norm"};
    const char *dot = strrchr(key, '.');
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (strcmp(dot == NULL ? key : dot + 1, rates[i]) == 0) return true;
    return false;
}

bool duet_setting_is_same(const char *one, const char *other)
{
    double first, second;
    if (strcmp(one, other) == 0) return true;
    return duet_number_read(one, &first) && duet_number_read(other, &second) && first == second;
}

static bool replaces_common(const duet_family *family, const char *key)
{
    for (size_t i = 0; i < family->setting_count; i++)
        if (strcmp(family->settings[i].key, key) == 0) return true;
    return false;
}

/* Row `*index` of a table, counting only rows that the family does not replace. NULL past the end: then *index is less
 * by the rows counted, and so continues into the next table. */
static const duet_setting *row_of(const duet_family *family, const duet_setting *table, size_t count, size_t *index)
{
    for (size_t i = 0; i < count; i++)
        if (!replaces_common(family, table[i].key) && (*index)-- == 0) return &table[i];
    return NULL;
}

const duet_setting *duet_family_setting(const duet_family *family, size_t index)
{
    if (index < family->setting_count) return &family->settings[index];
    index -= family->setting_count;
    const duet_setting *row = row_of(family, common, sizeof common / sizeof *common, &index);
    return row != NULL ? row : row_of(family, of_groups, sizeof of_groups / sizeof *of_groups, &index);
}

static duet_status check_number(const duet_setting *setting, const char *text, duet_error *error)
{
    double value;
    if (duet_number_read(text, &value) && value >= setting->low && value <= setting->high &&
        (setting->kind == DUET_SETTING_NUMBER || value == floor(value)))
        return DUET_OK;
    return duet_fail(error, DUET_ERROR_USAGE,
                     setting->kind == DUET_SETTING_COUNT ? "setting %s: \"%s\" is not a whole number from %.0f to %.0f"
                                                         : "setting %s: \"%s\" is not a number from %g to %g",
                     setting->key, text, setting->low, setting->high);
}

int duet_choice_index(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (int index = 0; length > 0; index++) {
        const char *end = strchr(choices, '|');
        size_t size = end == NULL ? strlen(choices) : (size_t)(end - choices);
        if (size == length && strncmp(choices, text, size) == 0) return index;
        if (end == NULL) break;
        choices = end + 1;
    }
    return -1;
}

size_t duet_sizes_read(const char *text, size_t *sizes, size_t capacity)
{
    size_t count = 0;
    while (*text != '\0' && count < capacity) {
        char *end;
        long value = strtol(text, &end, 10);
        if (end == text || value < 1 || value > LARGEST_SIZE || (*end != ',' && *end != '\0')) return SIZE_MAX;
        sizes[count++] = (size_t)value;
        text = end;
        if (*text == ',' && *++text == '\0') return SIZE_MAX;
    }
    return *text == '\0' ? count : SIZE_MAX;
}

static duet_status refuse_choice(const duet_setting *setting, const char *text, duet_error *error)
{
    char name[32], best[sizeof name], hint[64];
    duet_spelling nearest = {.word = text};
    for (const char *at = setting->choices; *at != '\0';) {
        const size_t length = strcspn(at, "|");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        duet_spelling_offer(&nearest, name);
        if (nearest.best == name) nearest.best = strcpy(best, name);
        at += length + (at[length] == '|');
    }
    return duet_fail(error, DUET_ERROR_USAGE, "setting %s: \"%s\" is none of %s%s", setting->key, text,
                     setting->choices, duet_spelling_words(&nearest, hint, sizeof hint));
}

static duet_status check(const duet_setting *setting, const char *text, duet_error *error)
{
    size_t sizes[DUET_MOST_SIZES];
    switch (setting->kind) {
    case DUET_SETTING_NUMBER:
    case DUET_SETTING_COUNT: return check_number(setting, text, error);
    case DUET_SETTING_CHOICE:
        if (duet_choice_index(setting->choices, text) >= 0) return DUET_OK;
        return refuse_choice(setting, text, error);
    case DUET_SETTING_SIZES:
        if (duet_sizes_read(text, sizes, DUET_MOST_SIZES) != SIZE_MAX) return DUET_OK;
        return duet_fail(error, DUET_ERROR_USAGE,
                         "setting %s: \"%s\" is not a list of at most %d layer widths from 1 to %d, such as 400,200",
                         setting->key, text, DUET_MOST_SIZES, LARGEST_SIZE);
    }
    return DUET_OK;
}

static duet_status fail_unknown(const duet_family *family, const char *key, size_t length, duet_error *error)
{
    static const char *const of_trainings[] = {"batch", "epochs", "steps", "seed", "data", "device"};
    char word[64], hint[80] = "";
    duet_text known = {0};
    (void)duet_text_print(word, sizeof word, "%.*s", (int)length, key);
    duet_spelling nearest = {.word = word}, option = {.word = word};
    const duet_setting *setting;
    for (size_t i = 0; (setting = duet_family_setting(family, i)) != NULL; i++) {
        duet_text_add(&known, " %s", setting->key);
        duet_spelling_offer(&nearest, setting->key);
    }
    for (size_t i = 0; i < sizeof of_trainings / sizeof *of_trainings; i++)
        duet_spelling_offer(&option, of_trainings[i]);
    if (option.best != NULL && option.distance == 0)
        (void)duet_text_print(hint, sizeof hint, "; %s is said of a training, not of its model", option.best);
    else
        (void)duet_spelling_words(&nearest, hint, sizeof hint);
    duet_status status = duet_fail(error, DUET_ERROR_USAGE, "the model %s has no setting \"%s\"; it has%s%s",
                                   family->name, word, duet_text_get(&known), hint);
    duet_text_free(&known);
    return status;
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

/* Whether the family has that group. A family that lists no groups may have any: the trainer checks the name. */
static bool may_have_group(const duet_family *family, const char *name, size_t length)
{
    for (size_t i = 0; family->groups != NULL && family->groups[i] != NULL; i++)
        if (is_word(name, length, family->groups[i])) return true;
    return family->groups == NULL;
}

static duet_status fail_group(const duet_family *family, const char *key, size_t length, duet_error *error)
{
    char groups[200] = "", keys[400] = "";
    for (size_t i = 0; family->groups != NULL && family->groups[i] != NULL; i++)
        snprintf(groups + strlen(groups), sizeof groups - strlen(groups), " %s", family->groups[i]);
    for (size_t i = 0; i < sizeof of_groups / sizeof *of_groups; i++)
        snprintf(keys + strlen(keys), sizeof keys - strlen(keys), " %s", of_groups[i].key);
    return duet_fail(error, DUET_ERROR_USAGE, "\"%.*s\" is no setting of a group: the groups of %s are%s, each with%s",
                     (int)length, key, family->name, groups, keys);
}

/* One "group.key=value". */
static duet_status read_group_pair(duet_settings *settings, const char *pair, const char *dot, const char *equals,
                                   duet_error *error)
{
    const duet_family *family = settings->family;
    size_t length = (size_t)(equals - pair), known = 0, row = 0;
    const size_t rows = sizeof of_groups / sizeof *of_groups;
    while (row < rows && !is_word(dot + 1, (size_t)(equals - dot - 1), of_groups[row].key)) row++;
    if (row == rows || !may_have_group(family, pair, (size_t)(dot - pair)))
        return fail_group(family, pair, length, error);
    DUET_TRY(check(&of_groups[row], equals + 1, error));
    while (known < settings->group_count && !is_word(pair, length, settings->groups[known].key)) known++;
    if (!duet_array_grow(&settings->groups, settings->group_count, &settings->group_capacity, sizeof *settings->groups))
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for settings");
    duet_group_setting *to = &settings->groups[known];
    if (length >= sizeof to->key || strlen(equals + 1) >= sizeof to->value)
        return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" is too long for a setting of a group", pair);
    snprintf(to->key, sizeof to->key, "%.*s", (int)length, pair);
    snprintf(to->value, sizeof to->value, "%s", equals + 1);
    to->used = false;
    settings->group_count += known == settings->group_count;
    return DUET_OK;
}

/* One "key=value". */
static duet_status read_pair(duet_settings *settings, const char *pair, duet_error *error)
{
    const duet_family *family = settings->family;
    const duet_setting *setting;
    const char *equals = strchr(pair, '=');
    size_t length = equals == NULL ? strlen(pair) : (size_t)(equals - pair), i = 0;
    if (equals == NULL) return duet_fail(error, DUET_ERROR_USAGE, "\"%s\" is no setting: KEY=VALUE was expected", pair);
    while ((setting = duet_family_setting(family, i)) != NULL && !is_word(pair, length, setting->key)) i++;
    const char *dot = memchr(pair, '.', length);
    if (setting == NULL && dot != NULL) return read_group_pair(settings, pair, dot, equals, error);
    if (setting == NULL) return fail_unknown(family, pair, length, error);
    DUET_TRY(check(setting, equals + 1, error));
    if (strlen(equals + 1) >= sizeof settings->values[i].text)
        return duet_fail(error, DUET_ERROR_USAGE, "setting %s: \"%s\" has more than %zu characters: write it shorter",
                         setting->key, equals + 1, sizeof settings->values[i].text - 1);
    snprintf(settings->values[i].text, sizeof settings->values[i].text, "%s", equals + 1);
    return DUET_OK;
}

/* The preset that the last "preset=NAME" asks for; NULL: none. */
static const duet_preset *find_preset(const duet_family *family, const char *const *pairs, size_t count)
{
    const char prefix[] = "preset=";
    for (size_t p = count; p-- > 0;) {
        if (strncmp(pairs[p], prefix, sizeof prefix - 1) != 0) continue;
        for (size_t i = 0; i < family->preset_count; i++)
            if (strcmp(family->presets[i].name, pairs[p] + sizeof prefix - 1) == 0) return &family->presets[i];
        return NULL;
    }
    return NULL;
}

const char *duet_setting_key_fault(const char *key, size_t longest)
{
    if (key == NULL || key[0] == '\0') return "has no name";
    if (!duet_text_is_utf8(key)) return "has a name that is not UTF-8";
    if (strlen(key) > longest) return "has too long a name";
    for (; *key != '\0'; key++)
        if (strchr("=,", *key) != NULL || (unsigned char)*key < ' ' || *key == '\x7f')
            return "has a name with '=', ',' or a control character, by which it could not be asked for";
    return NULL;
}

/* What is wrong with a row of a family's own; NULL: nothing. Its text goes into run.json. */
static const char *row_fault(const duet_family *family, size_t index)
{
    const duet_setting *row = &family->settings[index];
    const char *fault = duet_setting_key_fault(row->key, LONGEST_KEY);
    if (fault != NULL) return fault;
    for (size_t i = 0; i < index; i++)
        if (strcmp(family->settings[i].key, row->key) == 0) return "has two rows: leave one out";
    if ((int)row->kind < DUET_SETTING_NUMBER || row->kind > DUET_SETTING_SIZES) return "is of no kind there is";
    if (row->initial == NULL || !duet_text_is_utf8(row->initial)) return "has no initial value in UTF-8";
    if (strlen(row->initial) >= sizeof((duet_setting_value *)0)->text) return "has too long an initial value";
    if (row->kind == DUET_SETTING_CHOICE && (row->choices == NULL || !duet_text_is_utf8(row->choices)))
        return "has no choices in UTF-8";
    return NULL;
}

static duet_status check_table(const duet_family *family, duet_error *error)
{
    for (size_t i = 0; i < family->setting_count; i++) {
        const char *key = family->settings[i].key, *fault = row_fault(family, i);
        if (fault == NULL) continue;
        return duet_fail(error, DUET_ERROR_USAGE, "the model %s: setting %zu, \"%.100s\", %s", family->name, i + 1,
                         key != NULL ? key : "", fault);
    }
    return DUET_OK;
}

/* Whether all choices, "a|b|c", are among others. */
static bool are_among(const char *choices, const char *others)
{
    char one[64];
    for (size_t length; *choices != '\0'; choices += length + (choices[length] == '|')) {
        length = strcspn(choices, "|");
        (void)snprintf(one, sizeof one, "%.*s", (int)length, choices);
        if (length >= sizeof one || duet_choice_index(others, one) < 0) return false;
    }
    return true;
}

/* What a family has instead of a common row is read as that one is: a number by its value, a choice by its place among
 * those that there are, but for activations, which duet_activate alone reads, by name. */
static duet_status check_own_row(const duet_family *family, const duet_setting *own, duet_error *error)
{
    if (own->key == NULL) return DUET_OK; /* it stands for none */
    const duet_setting *instead = find_of_groups(own->key);
    for (size_t i = 0; instead == NULL && i < sizeof common / sizeof *common; i++)
        if (strcmp(common[i].key, own->key) == 0) instead = &common[i];
    if (instead == NULL) return DUET_OK;
    const bool number = instead->kind != DUET_SETTING_CHOICE,
               own_number = own->kind == DUET_SETTING_NUMBER || own->kind == DUET_SETTING_COUNT;
    if (number ? own_number
               : own->kind == DUET_SETTING_CHOICE && own->choices != NULL &&
                     (strcmp(own->key, "activation") == 0 || are_among(own->choices, instead->choices)))
        return DUET_OK;
    return duet_fail(
        error, DUET_ERROR_USAGE,
        "the model %s has a setting \"%s\" of its own, which stands for that of all models, %s%s: it is to be "
        "such a one, or to have another name",
        family->name, own->key, number ? "a number" : "one of ", number ? "" : instead->choices);
}

duet_status duet_settings_read(duet_settings *settings, const duet_family *family, const char *const *pairs,
                               size_t count, duet_error *error)
{
    const duet_setting *setting;
    DUET_TRY(check_table(family, error));
    settings->family = family;
    for (size_t i = 0; i < family->setting_count; i++) DUET_TRY(check_own_row(family, &family->settings[i], error));
    for (size_t i = 0; (setting = duet_family_setting(family, i)) != NULL; i++) {
        if (!duet_array_grow(&settings->values, i, &settings->capacity, sizeof *settings->values))
            return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for settings");
        DUET_TRY(check(setting, setting->initial, error));
        snprintf(settings->values[i].text, sizeof settings->values[i].text, "%s", setting->initial);
    }
    const duet_preset *preset = find_preset(family, pairs, count);
    for (size_t i = 0; preset != NULL && preset->settings[i] != NULL; i++)
        DUET_TRY(read_pair(settings, preset->settings[i], error));
    for (size_t i = 0; (setting = duet_family_setting(family, i)) != NULL; i++)
        memcpy(settings->values[i].usual, settings->values[i].text, sizeof settings->values[i].usual);
    for (size_t i = 0; i < settings->group_count; i++) settings->groups[i].used = true; /* what a preset says */
    for (size_t p = 0; p < count; p++) DUET_TRY(read_pair(settings, pairs[p], error));
    return DUET_OK;
}

void duet_settings_free(duet_settings *settings)
{
    free(settings->values);
    free(settings->groups);
    *settings = (duet_settings){0};
}

duet_training_size duet_family_training_size(const duet_family *family, const char *const *settings, size_t count)
{
    const duet_preset *preset = find_preset(family, settings, count);
    duet_training_size size = {.batch = family->batch > 0 ? family->batch : USUAL_BATCH, .epochs = USUAL_EPOCHS};
    if (preset != NULL && preset->batch > 0) size.batch = preset->batch;
    if (preset != NULL && preset->epochs > 0) size.epochs = preset->epochs;
    return size;
}

duet_status duet_settings_check(const duet_family *family, const char *const *pairs, size_t count, duet_error *error)
{
    duet_settings settings = {0};
    duet_status status = duet_settings_read(&settings, family, pairs, count, error);
    duet_settings_free(&settings);
    return status;
}

/* A value, what it is of, and the mark of its use. */
typedef struct found {
    const char *text; /* NULL: there is none */
    bool *used;
    const duet_setting *row;
} found;

/* What is said of the group whose name has `length` characters. */
static found find_of_group(const duet_settings *settings, const char *group, size_t length, const char *key)
{
    for (size_t i = 0; i < settings->group_count; i++) {
        duet_group_setting *row = &settings->groups[i];
        if (strncmp(row->key, group, length) == 0 && row->key[length] == '.' && strcmp(row->key + length + 1, key) == 0)
            return (found){row->value, &row->used, find_of_groups(key)};
    }
    return (found){0};
}

static found find_row(const duet_settings *settings, const char *key)
{
    const duet_setting *setting;
    for (size_t i = 0; (setting = duet_family_setting(settings->family, i)) != NULL; i++)
        if (strcmp(setting->key, key) == 0)
            return (found){settings->values[i].text, &settings->values[i].used, setting};
    return (found){0};
}

/* Of "group.key" what is said of the group comes first, then the family's own row for it, then the row of all. */
static found find(const duet_settings *settings, const char *key)
{
    const char *dot = strchr(key, '.');
    found it = dot == NULL ? (found){0} : find_of_group(settings, key, (size_t)(dot - key), dot + 1);
    if (it.text == NULL) it = find_row(settings, key);
    return it.text == NULL && dot != NULL ? find_row(settings, dot + 1) : it;
}

static found find_for(const duet_settings *settings, const char *group, const char *key)
{
    char of_group[192];
    if (group == NULL) return find_row(settings, key);
    snprintf(of_group, sizeof of_group, "%s.%s", group, key);
    return find(settings, of_group);
}

const char *duet_settings_text(const duet_settings *settings, const char *key)
{
    return find(settings, key).text;
}

const duet_setting *duet_settings_row(const duet_settings *settings, const char *key)
{
    return find(settings, key).row;
}

const char *duet_settings_group_text(const duet_settings *settings, const char *group, const char *key)
{
    return find_for(settings, group, key).text;
}

const char *duet_settings_otherwise(const duet_settings *settings, const char *group, const char *key)
{
    const duet_setting *setting;
    if (group != NULL && find_of_group(settings, group, strlen(group), key).text != NULL)
        return duet_settings_text(settings, key);
    for (size_t i = 0; (setting = duet_family_setting(settings->family, i)) != NULL; i++)
        if (strcmp(setting->key, key) == 0) return settings->values[i].usual;
    return NULL;
}

bool duet_settings_differ(const duet_settings *settings, const char *group, const char *key)
{
    const char *own = find_of_group(settings, group, strlen(group), key).text;
    return own != NULL && !duet_setting_is_same(own, duet_settings_text(settings, key));
}

void duet_settings_mark(const duet_settings *settings, const char *group, const char *key)
{
    found it = group == NULL ? find(settings, key) : find_for(settings, group, key);
    if (it.used != NULL) *it.used = true;
}

bool duet_settings_idle(const duet_settings *settings, size_t index, char text[176])
{
    const duet_setting *setting;
    for (size_t i = 0; (setting = duet_family_setting(settings->family, i)) != NULL; i++) {
        const duet_setting_value *value = &settings->values[i];
        if (value->used || strcmp(setting->key, "preset") == 0 || duet_setting_is_same(value->text, value->usual) ||
            index-- > 0)
            continue;
        snprintf(text, 176, "%s=%s", setting->key, value->text);
        return true;
    }
    for (size_t i = 0; i < settings->group_count; i++) {
        if (settings->groups[i].used || index-- > 0) continue;
        snprintf(text, 176, "%s=%s", settings->groups[i].key, settings->groups[i].value);
        return true;
    }
    return false;
}

double duet_settings_group_number(const duet_settings *settings, const char *group, const char *key)
{
    double number = 0;
    const char *text = duet_settings_group_text(settings, group, key);
    return text != NULL && duet_number_read(text, &number) ? number : 0;
}

double duet_settings_number(const duet_settings *settings, const char *key)
{
    double number = 0;
    const char *text = duet_settings_text(settings, key);
    return text != NULL && duet_number_read(text, &number) ? number : 0;
}
