/* SPDX-License-Identifier: MIT */
/* A model's settings table, printed and searched. The library checks values: it knows what each key takes. */
#include "cli/settings.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/wrap.h"

#include <string.h>

const duet_family *cli_family(const char *name)
{
    const duet_family *family = duet_family_find(name);
    if (family != NULL) return family;
    char hint[80];
    duet_spelling nearest = {.word = name};
    for (size_t i = 0; i < duet_family_count(); i++) duet_spelling_offer(&nearest, duet_family_at(i)->name);
    cli_complain(CLI_MISTAKE, "there is no model '%s'%s ('duet models' lists them)", name,
                 duet_spelling_words(&nearest, hint, sizeof hint));
    return NULL;
}

static const char *const kind_names[] = {
    [DUET_SETTING_NUMBER] = "number",
    [DUET_SETTING_COUNT] = "count",
    [DUET_SETTING_CHOICE] = "choice",
    [DUET_SETTING_SIZES] = "sizes",
};

/* What a setting takes, in words: "0 to 1", "adam|sgd", "sizes such as 400,200". */
static const char *setting_range(const duet_setting *setting, char *text, size_t size)
{
    if (setting->kind == DUET_SETTING_CHOICE)
        snprintf(text, size, "%s", setting->choices);
    else if (setting->kind == DUET_SETTING_SIZES)
        snprintf(text, size, "sizes, such as 400,200");
    else if (setting->kind == DUET_SETTING_COUNT)
        snprintf(text, size, "count %.15g to %.15g", setting->low, setting->high);
    else
        snprintf(text, size, "%g to %g", setting->low, setting->high);
    return text;
}

/* Batch and epochs of a training that does not set them, and what each preset sets. */
static void print_sizes(const duet_family *family)
{
    const duet_training_size usual = duet_family_training_size(family, NULL, 0);
    printf("\nWithout --batch and --epochs: batches of %zu, %llu epochs.\n", usual.batch,
           (unsigned long long)usual.epochs);
    for (size_t i = 0; i < family->preset_count; i++) {
        const duet_preset *preset = &family->presets[i];
        char text[1024];
        int used = snprintf(text, sizeof text, "preset=%s:", preset->name);
        for (const char *const *pair = preset->settings; *pair != NULL && used < (int)sizeof text; pair++)
            used += snprintf(text + used, sizeof text - (size_t)used, " %s", *pair);
        if (used < (int)sizeof text)
            snprintf(text + used, sizeof text - (size_t)used, "; batches of %zu, %llu epochs",
                     preset->batch > 0 ? preset->batch : usual.batch,
                     (unsigned long long)(preset->epochs > 0 ? preset->epochs : usual.epochs));
        cli_print_wrapped(text, 2);
    }
}

void cli_settings_print(const duet_family *family)
{
    static const char *const heads[] = {"setting", "default", "meaning", "takes"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads), .room = cli_help_columns()};
    const duet_setting *setting;
    char range[160];
    printf("\nSettings of %s (--set KEY=VALUE):\n\n", family->name);
    for (size_t i = 0; (setting = duet_family_setting(family, i)) != NULL; i++) {
        cli_table_cell(&table, "%s", setting->key);
        cli_table_cell(&table, "%s", setting->initial);
        cli_table_cell(&table, "%s", setting->help);
        cli_table_cell(&table, "%s", setting_range(setting, range, sizeof range));
    }
    cli_table_print(&table, stdout);
    print_sizes(family);
}

static json_t *setting_json(const duet_setting *setting)
{
    json_t *row = json_pack("{s:s s:s s:s s:s}", "key", setting->key, "kind", kind_names[setting->kind], "default",
                            setting->initial, "help", setting->help);
    if (setting->kind == DUET_SETTING_NUMBER || setting->kind == DUET_SETTING_COUNT) {
        json_object_set_new(row, "low", cli_json_number(setting->low));
        json_object_set_new(row, "high", cli_json_number(setting->high));
    }
    if (setting->kind == DUET_SETTING_CHOICE) {
        json_t *choices = json_array();
        for (const char *choice = setting->choices; *choice != '\0';) {
            size_t length = strcspn(choice, "|");
            json_array_append_new(choices, json_stringn(choice, length));
            choice += length + (choice[length] == '|');
        }
        json_object_set_new(row, "choices", choices);
    }
    return row;
}

json_t *cli_settings_json(const duet_family *family)
{
    json_t *list = json_array();
    const duet_setting *setting;
    for (size_t i = 0; (setting = duet_family_setting(family, i)) != NULL; i++)
        json_array_append_new(list, setting_json(setting));
    return list;
}

/* The command's option that is called so, here or elsewhere; NULL: none is. */
static const cli_option *find_option(const cli_command *command, const char *key)
{
    const cli_option *found = NULL;
    for (size_t i = 0; found == NULL && i < command->option_count; i++) {
        const cli_option *option = &command->options[i];
        duet_spelling nearest = {.word = key};
        if (cli_option_is_operand(option) || option->name == NULL) continue;
        duet_spelling_offer(&nearest, option->name);
        if (nearest.best != NULL && nearest.distance == 0) found = option;
    }
    return found;
}

static int check_item(const cli_command *command, const duet_family *family, const char *item)
{
    char key[64], hint[80];
    size_t length = strcspn(item, "=");
    if (item[length] != '=' || length == 0 || length >= sizeof key)
        return cli_complain(CLI_MISTAKE, "--set takes KEY=VALUE, not '%s'", item);
    memcpy(key, item, length);
    key[length] = '\0';
    if (strchr(key, '.') != NULL) return CLI_DONE; /* of a group: the library says what is wrong with it */
    duet_spelling nearest = {.word = key};
    const duet_setting *setting;
    for (size_t i = 0; (setting = duet_family_setting(family, i)) != NULL; i++) {
        if (strcmp(setting->key, key) == 0) return CLI_DONE;
        duet_spelling_offer(&nearest, setting->key);
    }
    const cli_option *option = find_option(command, key);
    const bool has_value = option != NULL && option->kind != CLI_FLAG && item[length + 1] != '\0';
    if (option != NULL)
        return cli_complain(CLI_MISTAKE, "'%s' is no setting of a model but an option: --%s%s%s", key, option->name,
                            has_value ? " " : "", has_value ? item + length + 1 : "");
    return cli_complain(CLI_MISTAKE, "the model %s has no setting '%s'%s ('duet train %s --help' lists them)",
                        family->name, key, duet_spelling_words(&nearest, hint, sizeof hint), family->name);
}

int cli_settings_check(const cli_command *command, const duet_family *family, const cli_list *items)
{
    int status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < items->count; i++)
        status = check_item(command, family, items->items[i]);
    duet_error error = {0};
    if (status == CLI_DONE && duet_settings_check(family, items->items, items->count, &error) != DUET_OK)
        status = cli_fail(&error);
    return status;
}
