/* SPDX-License-Identifier: MIT */
/* A model's settings: read from "key=value" texts against the family's table. */
#ifndef DUET_SRC_MODEL_SETTINGS_H
#define DUET_SRC_MODEL_SETTINGS_H

#include "base/status.h"
#include "duet/model.h"

/** A value as text, checked; what it is if nobody gives it; and whether anything has used it. */
typedef struct duet_setting_value {
    char text[64], usual[64];
    bool used;
} duet_setting_value;

/** "generator.lr" and its value. */
typedef struct duet_group_setting {
    char key[96], value[64];
    bool used;
} duet_group_setting;

typedef struct duet_settings {
    const duet_family *family;
    duet_setting_value *values; /* in the order of duet_family_setting */
    size_t capacity;
    duet_group_setting *groups;
    size_t group_count, group_capacity;
} duet_settings;

/** Fills `settings`, which holds zeros; free it with duet_settings_free, also after an error. */
duet_status duet_settings_read(duet_settings *settings, const duet_family *family, const char *const *pairs,
                               size_t count, duet_error *error);
void duet_settings_free(duet_settings *settings);
/** The value of "key", or of "group.key": what is said of that group, else of all. NULL for an unknown key. */
const char *duet_settings_text(const duet_settings *settings, const char *key);
/** What that key or "group.key" is, found as its value is; NULL for an unknown one. */
const duet_setting *duet_settings_row(const duet_settings *settings, const char *key);
/** The value of a number or a count, which duet_settings_read has checked. */
double duet_settings_number(const duet_settings *settings, const char *key);

/** The setting `key` of a group: its own if it has one, else the common one; group NULL: the common one. As text, and
 *  as the value of a number or a count. */
const char *duet_settings_group_text(const duet_settings *settings, const char *group, const char *key);
double duet_settings_group_number(const duet_settings *settings, const char *group, const char *key);

/** What the setting would be unless it had been said of that group, or, where nothing was said of it alone, of all. */
const char *duet_settings_otherwise(const duet_settings *settings, const char *group, const char *key);
/** Whether something else was said of that group than of all. */
bool duet_settings_differ(const duet_settings *settings, const char *group, const char *key);

/** Says that something follows the value of `key`, of a group as above. A build marks what it reads. */
void duet_settings_mark(const duet_settings *settings, const char *group, const char *key);
/** Value `index` of those that were given, differ from what they are otherwise, and that nothing has used: "key=value"
 * in `text`. False past the end. */
bool duet_settings_idle(const duet_settings *settings, size_t index, char text[176]);
/** Whether "key" or "group.key" is a rate or what limits a step: it has no state of its own, so a training that goes on
 *  may change it. */
bool duet_setting_is_rate(const char *key);
/** Whether two values are one: "0.10" is "0.1". */
bool duet_setting_is_same(const char *one, const char *other);

/** What is wrong with a setting's name, "KEY=VALUE" being how it is asked for; NULL: nothing. */
const char *duet_setting_key_fault(const char *key, size_t longest);

/** The place of `text` among "a|b|c", counted from 0; -1 if it is none of them. */
int duet_choice_index(const char *choices, const char *text);
/** Reads a list such as "400,200". Returns how many numbers it has; SIZE_MAX: it is no such list, or longer than
 *  `capacity`. */
size_t duet_sizes_read(const char *text, size_t *sizes, size_t capacity);

#endif
