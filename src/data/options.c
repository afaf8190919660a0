/* SPDX-License-Identifier: MIT */
/* The keys in one table. A colon begins options only where a key of the table follows, and a comma or colon ends a
 * value only where one follows too, so that paths may hold both. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "data/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "base/text.h"
#include "data/csv.h"

enum { MOST_PIXELS = 65536 };

static bool take_size(duet_data_options *to, const char *value)
{
    char more;
    unsigned height, width;
    if (strspn(value, "0123456789x") != strlen(value) || strlen(value) > 12) return false;
    if (sscanf(value, "%ux%u%c", &height, &width, &more) != 2 || height == 0 || width == 0) return false;
    if (height > MOST_PIXELS || width > MOST_PIXELS) return false;
    to->height = height;
    to->width = width;
    return true;
}

static bool take_labels(duet_data_options *to, const char *value)
{
    free(to->labels);
    to->labels = strdup(value);
    return to->labels != NULL && value[0] != '\0';
}

static bool take_column(duet_data_options *to, const char *value)
{
    free(to->column);
    to->column = strdup(value);
    return to->column != NULL && value[0] != '\0';
}

/* Which of two words it is: 1 or 2; 0: neither. */
static int which(const char *value, const char *first, const char *second)
{
    return strcmp(value, first) == 0 ? 1 : strcmp(value, second) == 0 ? 2 : 0;
}

static bool take_channels(duet_data_options *to, const char *value)
{
    to->channels = (duet_channels)which(value, "first", "last");
    return to->channels != DUET_CHANNELS_UNSAID;
}

static bool take_alpha(duet_data_options *to, const char *value)
{
    to->alpha = (duet_alpha)which(value, "white", "keep");
    return to->alpha != DUET_ALPHA_UNSAID;
}

static bool take_values(duet_data_options *to, const char *value)
{
    to->values = (duet_values)which(value, "bytes", "numbers");
    return to->values != DUET_VALUES_UNSAID;
}

static bool take_split(duet_data_options *to, const char *value)
{
    const int word = which(value, duet_division_name(DUET_DIVISION_LAST), duet_division_name(DUET_DIVISION_SHUFFLED));
    to->division = word == 0 ? DUET_DIVISION_GIVEN : word == 1 ? DUET_DIVISION_LAST : DUET_DIVISION_SHUFFLED;
    to->division_said = true;
    return word != 0;
}

static const struct {
    const char *key, *takes;
    bool (*take)(duet_data_options *to, const char *value);
} keys[] = {
    {"size", "HEIGHTxWIDTH in pixels, 1 to 65536 each, such as 64x64", take_size},
    {"labels", "a file of labels, or the name of a column", take_labels},
    {"column", "the name of the column of labels in a CSV file", take_column},
    {"channels", "first or last", take_channels},
    {"alpha", "white or keep", take_alpha},
    {"values", "bytes or numbers", take_values},
    {"split", "last or shuffled", take_split},
};
enum { KEYS = sizeof keys / sizeof *keys };

/* The row of the key that `text` begins with, before its '='; KEYS: none. */
static size_t key_at(const char *text)
{
    size_t i = 0;
    for (; i < KEYS; i++) {
        size_t length = strlen(keys[i].key);
        if (strncmp(text, keys[i].key, length) == 0 && text[length] == '=') break;
    }
    return i;
}

static bool is_there_before(const char *name, const char *colon)
{
    char *path = strndup(name, (size_t)(colon - name));
    bool is = path != NULL && duet_path_is_there(path);
    free(path);
    return is;
}

/* The colon that ends the path, of several the first behind a path that is there; NULL: all of it is one. */
static const char *find_colon(const char *name)
{
    const char *first = NULL;
    if (duet_path_is_there(name)) return NULL;
    for (const char *at = name; (at = strchr(at, ':')) != NULL; at++) {
        if (key_at(at + 1) == KEYS) continue;
        if (is_there_before(name, at)) return at;
        if (first == NULL) first = at;
    }
    return first;
}

/* The length of the word that stands before '=' where `text` begins, as a key does; 0: none does. */
static size_t word_at(const char *text)
{
    const size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    return text[length] == '=' ? length : 0;
}

static duet_status fail_word(int length, const char *path, const char *word, duet_error *error)
{
    duet_text known = {0};
    char found[24], hint[80];
    duet_spelling nearest = {.word = found};
    const int word_length = (int)word_at(word);
    (void)snprintf(found, sizeof found, "%.*s", word_length, word);
    for (size_t i = 0; i < KEYS; i++) {
        duet_text_add(&known, " %s=", keys[i].key);
        duet_spelling_offer(&nearest, keys[i].key);
    }
    duet_status status =
        duet_fail(error, DUET_ERROR_USAGE, "%.*s: \"%.*s=\" says nothing of how it is read%s%s there are%s", length,
                  path, word_length, word, duet_spelling_words(&nearest, hint, sizeof hint),
                  nearest.best == NULL ? ";" : "", duet_text_get(&known));
    duet_text_free(&known);
    return status;
}

/* Behind a path that is there, "word=" that is no key. */
static duet_status check_path(const char *path, duet_error *error)
{
    const char *colon = strrchr(path, ':');
    if (colon == NULL || word_at(colon + 1) == 0 || duet_path_is_there(path) || !is_there_before(path, colon))
        return DUET_OK;
    return fail_word((int)(colon - path), path, colon + 1, error);
}

/* The same within a value, which is no name of anything then. */
static duet_status check_value(const char *path, const char *value, duet_error *error)
{
    const char *at = value + strcspn(value, ",:");
    while (*at != '\0' && word_at(at + 1) == 0) at += 1 + strcspn(at + 1, ",:");
    if (*at == '\0' || duet_path_is_there(value) || duet_csv_has_column(path, value)) return DUET_OK;
    return fail_word((int)strlen(path), path, at + 1, error);
}

/* The next "key=value" of *at, which moves on behind it. *value: the caller's. False at the end. */
static bool next_item(const char **at, size_t *key, char **value)
{
    if (**at == '\0') return false;
    *key = key_at(*at);
    const char *start = strchr(*at, '=') + 1, *end = start;
    while (*end != '\0' && !((*end == ',' || *end == ':') && key_at(end + 1) < KEYS)) end++;
    *value = strndup(start, (size_t)(end - start));
    *at = *end == '\0' ? end : end + 1;
    return true;
}

duet_status duet_data_options_read(duet_data_options *options, const char *name, duet_error *error)
{
    const char *colon = find_colon(name), *at = colon == NULL ? "" : colon + 1;
    size_t key;
    char *value;
    *options = (duet_data_options){.path = colon == NULL ? strdup(name) : strndup(name, (size_t)(colon - name))};
    options->name = strdup(name);
    bool sound = options->name != NULL && options->path != NULL;
    duet_status status = sound ? check_path(options->path, error) : DUET_OK;
    while (sound && status == DUET_OK && next_item(&at, &key, &value)) {
        sound = value != NULL;
        if (sound) status = check_value(options->path, value, error);
        if (sound && status == DUET_OK && !keys[key].take(options, value))
            status = duet_fail(error, DUET_ERROR_USAGE, "%s: \"%s\" is not what %s takes: %s", options->path, value,
                               keys[key].key, keys[key].takes);
        free(value);
    }
    if (!sound) status = duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", name);
    if (status != DUET_OK) duet_data_options_free(options);
    return status;
}

char *duet_data_name_say(const char *name, const char *item)
{
    const char *colon = find_colon(name), *at = colon == NULL ? "" : colon + 1;
    char mark = ':';
    duet_text text = {0};
    char *value, *said = NULL;
    size_t key;
    duet_text_add(&text, "%.*s", (int)(colon == NULL ? strlen(name) : (size_t)(colon - name)), name);
    for (const size_t again = key_at(item); next_item(&at, &key, &value); free(value)) {
        if (key == again) continue;
        duet_text_add(&text, "%c%s=%s", mark, keys[key].key, value == NULL ? "" : value);
        text.failed |= value == NULL;
        mark = ',';
    }
    duet_text_add(&text, "%c%s", mark, item);
    if (!text.failed) said = strdup(duet_text_get(&text));
    duet_text_free(&text);
    return said;
}

void duet_data_options_free(duet_data_options *options)
{
    free(options->name);
    free(options->path);
    free(options->labels);
    free(options->column);
    *options = (duet_data_options){0};
}

const char *duet_data_name_said(const char *name)
{
    const char *colon = find_colon(name);
    return colon == NULL ? "" : colon;
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* The path from the root if it leads somewhere, else as it is. */
static void add_path(duet_text *text, const char *path)
{
    char *full = realpath(path, NULL);
    duet_text_add(text, "%s", full != NULL ? full : path);
    free(full);
}

char *duet_data_name_absolute(const char *name, bool is_set)
{
    const char *colon = find_colon(name), *at = colon == NULL ? "" : colon + 1;
    char *path = colon == NULL ? strdup(name) : strndup(name, (size_t)(colon - name)), *value;
    duet_text text = {0};
    size_t key;
    if (path != NULL && is_set) duet_text_add(&text, "%s", path);
    if (path != NULL && !is_set) add_path(&text, path);
    text.failed |= path == NULL;
    for (char before = ':'; next_item(&at, &key, &value); before = ',') {
        duet_text_add(&text, "%c%s=", before, keys[key].key);
        text.failed |= value == NULL;
        bool names_file = value != NULL && keys[key].take == take_labels && !is_folder(value) &&
                          !duet_csv_has_column(path, value); /* a column may be called like something here */
        if (names_file)
            add_path(&text, value);
        else if (value != NULL)
            duet_text_add(&text, "%s", value);
        free(value);
    }
    char *result = text.failed ? NULL : strdup(duet_text_get(&text));
    duet_text_free(&text);
    free(path);
    return result;
}
