/* SPDX-License-Identifier: MIT */
/* What the columns of CSV files, and of other tables, are called by custom, in capitals or not. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "data/csv.h"

static const char *const label_names[] = {"label", "labels", "class", "target", NULL};
/* Without "_", "-" and spaces: "imageid" is image_id and ImageId too. */
static const char *const key_names[] = {"file",      "filename", "filepath", "path",    "image", "imagename", "img",
                                        "imagepath", "name",     "id",       "imageid", "key",   "index"};

static bool is_in(const char *name, const char *const *list)
{
    while (*list != NULL && strcasecmp(name, *list) != 0) list++;
    return *list != NULL;
}

static char next_letter(const char **at)
{
    while (**at != '\0' && strchr("_- ", **at) != NULL) ++*at;
    return (char)tolower((unsigned char)**at);
}

static bool is_same_word(const char *name, const char *word)
{
    while (next_letter(&name) == *word && *word != '\0') name++, word++;
    return next_letter(&name) == *word;
}

/* The place of the name among words; count: it is none of them. */
static size_t place_among(const char *name, const char *const *words, size_t count)
{
    size_t i = 0;
    while (i < count && !is_same_word(name, words[i])) i++;
    return i;
}

size_t duet_csv_key_rank(const char *name)
{
    const size_t count = sizeof key_names / sizeof *key_names;
    return count - place_among(name, key_names, count);
}

bool duet_csv_is_id_name(const char *name)
{
    const size_t length = strlen(name);
    if (length < 2 || strcasecmp(name + length - 2, "id") != 0) return false;
    if (length == 2) return true;
    const char before = name[length - 3];
    return strchr("_- .", before) != NULL || (name[length - 2] == 'I' && islower((unsigned char)before) != 0);
}

bool duet_csv_is_part_name(const char *name)
{
    static const char *const names[] = {"split",  "partition", "fold",      "kfold",
                                        "istest", "istrain",   "traintest", "subset"};
    const size_t count = sizeof names / sizeof *names;
    return place_among(name, names, count) < count;
}

bool duet_csv_is_label_name(const char *name)
{
    return is_in(name, label_names);
}

bool duet_csv_may_be_label_name(const char *name)
{
    static const char *const names[] = {"y",       "classes",  "targets",   "category", "type",  "kind",
                                        "group",   "outcome",  "diagnosis", "quality",  "grade", "species",
                                        "variety", "response", "result",    "survived", "digit", NULL};
    return is_in(name, names);
}

long duet_csv_find_label(const duet_csv *it)
{
    for (const char *const *name = label_names; *name != NULL; name++)
        if (duet_csv_column(it, *name) != DUET_CSV_NONE) return duet_csv_column(it, *name);
    return DUET_CSV_NONE;
}
