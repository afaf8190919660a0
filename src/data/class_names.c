/* SPDX-License-Identifier: MIT */
/* Where both splits have the same names in the same order they stay as they are; else they are sorted, so that classes
 * do not depend on which example came first. */
#include "data/class_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/status.h"
#include "data/data.h"

/* A name and the number that it has so far. */
typedef struct named {
    char *name;
    uint8_t number;
} named;

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The number of a name in sorted ones; `count` if it is not there. */
static size_t find(char *const *names, size_t count, const char *name)
{
    if (count == 0) return 0;
    char *const *found = bsearch(&name, names, count, sizeof *names, compare);
    return found == NULL ? count : (size_t)(found - names);
}

void duet_class_names_free(char **names, size_t count)
{
    for (size_t i = 0; names != NULL && i < count; i++) free(names[i]);
    free(names);
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

void duet_labels_sort(duet_labels *labels, size_t rows)
{
    named items[DUET_MOST_CLASSES];
    uint8_t numbers[DUET_MOST_CLASSES];
    for (size_t i = 0; i < labels->name_count; i++) items[i] = (named){labels->names[i], (uint8_t)i};
    if (labels->name_count > 0) qsort(items, labels->name_count, sizeof *items, compare_items);
    for (size_t i = 0; i < labels->name_count; i++) {
        labels->names[i] = items[i].name;
        numbers[items[i].number] = (uint8_t)i;
    }
    for (size_t i = 0; labels->name_count > 0 && i < rows; i++) labels->values[i] = numbers[labels->values[i]];
}

static void renumber(duet_labels *labels, size_t rows, char *const *names, size_t count)
{
    uint8_t numbers[DUET_MOST_CLASSES];
    for (size_t i = 0; i < labels->name_count; i++) numbers[i] = (uint8_t)find(names, count, labels->names[i]);
    for (size_t i = 0; i < rows; i++) labels->values[i] = numbers[labels->values[i]];
}

/* Whether one list will do for both splits: the other is the same, or none. */
static bool is_one_list(duet_labels *const labels[2])
{
    if (labels[0]->name_count == 0 || labels[1]->name_count == 0) return true;
    if (labels[0]->name_count != labels[1]->name_count) return false;
    for (size_t i = 0; i < labels[0]->name_count; i++)
        if (strcmp(labels[0]->names[i], labels[1]->names[i]) != 0) return false;
    return true;
}

/* Puts all names into `all`, sorted and each once; returns how many there are. */
static size_t merge(duet_labels *const labels[2], char **all)
{
    size_t most = 0, count = 0;
    for (size_t split = 0; split < 2; split++)
        for (size_t i = 0; i < labels[split]->name_count; i++) all[most++] = labels[split]->names[i];
    qsort(all, most, sizeof *all, compare);
    for (size_t i = 0; i < most; i++)
        if (i == 0 || strcmp(all[i], all[count - 1]) != 0) all[count++] = all[i];
    return count;
}

/* The one list in its own order. */
static size_t take_one(duet_labels *const labels[2], char **all)
{
    const duet_labels *from = labels[0]->name_count > 0 ? labels[0] : labels[1];
    for (size_t i = 0; i < from->name_count; i++) all[i] = from->names[i];
    return from->name_count;
}

/* Numbers beside a split of words are words too: "1" is the class "1" of the other split, whatever its number there. */
static bool numbers_to_words(duet_labels *labels, size_t rows)
{
    uint8_t numbers[DUET_MOST_CLASSES];
    bool used[DUET_MOST_CLASSES] = {false};
    char word[4];
    labels->names = calloc(DUET_MOST_CLASSES, sizeof *labels->names);
    if (labels->names == NULL) return false;
    for (size_t i = 0; i < rows; i++) used[labels->values[i]] = true;
    for (size_t i = 0; i < DUET_MOST_CLASSES; i++) {
        if (!used[i]) continue;
        (void)snprintf(word, sizeof word, "%u", (unsigned)(uint8_t)i);
        numbers[i] = (uint8_t)labels->name_count;
        if ((labels->names[labels->name_count] = strdup(word)) == NULL) return false;
        labels->name_count++;
    }
    for (size_t i = 0; i < rows; i++) labels->values[i] = numbers[labels->values[i]];
    return true;
}

static bool name_numbers(duet_labels *const labels[2], const size_t counts[2])
{
    for (size_t split = 0; split < 2; split++)
        if (labels[1 - split]->name_count > 0 && labels[split]->name_count == 0 && labels[split]->values != NULL)
            return numbers_to_words(labels[split], counts[split]);
    return true;
}

static duet_status fail_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the names of classes");
}

duet_status duet_class_names_join(duet_labels *const labels[2], const size_t counts[2], char ***names,
                                  size_t *name_count, duet_error *error)
{
    *names = NULL;
    *name_count = 0;
    if (!name_numbers(labels, counts)) return fail_memory(error);
    size_t most = labels[0]->name_count + labels[1]->name_count;
    if (most == 0) return DUET_OK;
    char **all = calloc(most, sizeof *all);
    if (all == NULL) return fail_memory(error);
    bool as_they_are = is_one_list(labels);
    size_t count = as_they_are ? take_one(labels, all) : merge(labels, all);
    bool sound = count <= DUET_MOST_CLASSES;
    size_t copied = 0;
    while (sound && copied < count && (all[copied] = strdup(all[copied])) != NULL) copied++;
    if (!sound || copied < count) {
        duet_class_names_free(all, copied);
        return sound ? fail_memory(error)
                     : duet_fail(error, DUET_ERROR_DATA, "%zu classes in both splits together; %d are possible", count,
                                 DUET_MOST_CLASSES);
    }
    for (size_t split = 0; split < 2 && !as_they_are; split++)
        if (labels[split]->names != NULL) renumber(labels[split], counts[split], all, count);
    *names = all;
    *name_count = count;
    return DUET_OK;
}

void duet_class_names_list(duet_text *text, const bool is[DUET_MOST_CLASSES], size_t classes, const char *const *names)
{
    enum { FEW = 4 };
    size_t shown = 0, all = 0;
    for (size_t i = 0; i < classes; i++) all += is[i];
    for (size_t i = 0; i < classes && shown < FEW; i++) {
        if (!is[i]) continue;
        duet_text_add(text, "%s", shown++ > 0 ? ", " : "");
        if (names == NULL)
            duet_text_add(text, "%zu", i);
        else
            duet_text_add(text, "\"%s\"", names[i]);
    }
    if (all > shown) duet_text_add(text, " and %zu more", all - shown);
}

void duet_class_names_tell_twin(duet_text *text, const char *const *names, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcasecmp(names[i], name) != 0) i++;
    if (i < count)
        duet_text_add(text, "; \"%s\" and \"%s\" differ in capitals alone: give them one name if they are one", name,
                      names[i]);
}

duet_status duet_class_names_check(const duet_data_info *data, size_t known, const uint8_t *labels, size_t count,
                                   duet_error *error)
{
    size_t i = 0;
    duet_text text = {0};
    bool is[DUET_MOST_CLASSES] = {false};
    while (i < count && labels[i] < known) i++;
    if (i == count) return DUET_OK;
    if (data->class_names == NULL)
        return duet_fail(error, DUET_ERROR_DATA, "%s has class %u, and the run knows classes 0 to %zu", data->name,
                         labels[i], known - 1);
    const char *name = data->class_names[labels[i]];
    for (size_t k = 0; k < known; k++) is[k] = true;
    duet_class_names_list(&text, is, known, data->class_names);
    duet_class_names_tell_twin(&text, data->class_names, known, name);
    duet_status status = duet_fail(error, DUET_ERROR_DATA, "%s has class \"%s\", and the run knows %s", data->name,
                                   name, duet_text_get(&text));
    duet_text_free(&text);
    return status;
}

char **duet_class_names_copy(const char *const *names, size_t count)
{
    char **copies = calloc(count > 0 ? count : 1, sizeof *copies);
    for (size_t i = 0; copies != NULL && i < count; i++) {
        copies[i] = strdup(names[i]);
        if (copies[i] != NULL) continue;
        duet_class_names_free(copies, i);
        return NULL;
    }
    return copies;
}

/* The place of a name among `count`, which grows by one if it is new. */
static size_t place_of(const char *name, const char *all[], size_t *count)
{
    size_t i = 0;
    while (i < *count && strcmp(all[i], name) != 0) i++;
    if (i == *count) all[(*count)++] = name;
    return i;
}

static void renumber_data(duet_data *data, const uint8_t numbers[DUET_MOST_CLASSES])
{
    for (size_t split = 0; split < 2; split++) {
        duet_data_part *part = &data->parts[split];
        for (size_t i = 0; part->labels != NULL && i < part->count; i++) part->labels[i] = numbers[part->labels[i]];
    }
}

static duet_status take_named(duet_data *data, const duet_data_info *known, duet_error *error)
{
    const char *all[2 * DUET_MOST_CLASSES];
    uint8_t numbers[DUET_MOST_CLASSES] = {0};
    size_t count = 0;
    for (size_t i = 0; i < known->classes; i++) (void)place_of(known->class_names[i], all, &count);
    if (count < known->classes) return DUET_OK; /* names that are not told apart */
    for (size_t i = 0; i < data->info.classes; i++)
        numbers[i] = (uint8_t)place_of(data->info.class_names[i], all, &count);
    if (count > DUET_MOST_CLASSES)
        return duet_fail(error, DUET_ERROR_DATA, "%s: %zu classes together with those of %s; %d are possible",
                         data->info.name, count, known->name, DUET_MOST_CLASSES);
    char **names = duet_class_names_copy(all, count);
    if (names == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", data->info.name);
    duet_class_names_free(data->class_names, data->class_name_count);
    data->class_names = names;
    data->class_name_count = count;
    data->info.class_names = (const char *const *)names;
    data->info.classes = count;
    renumber_data(data, numbers);
    return DUET_OK;
}

/* The number that a name is, as "10" is; -1: none that does for a label. */
static int number_of(const char *name)
{
    char *end;
    const long number = strtol(name, &end, 10);
    const bool plain = name[0] >= '0' && name[0] <= '9' && (name[0] != '0' || name[1] == '\0');
    return plain && *end == '\0' && number < DUET_MOST_CLASSES ? (int)number : -1;
}

static bool are_numbers(const char *const *names, size_t count)
{
    for (size_t i = 0; names != NULL && i < count; i++)
        if (number_of(names[i]) < 0) return false;
    return names != NULL && count > 0;
}

/* Folders called 0 to 11 are sorted as words, and yet mean these numbers. */
static void take_as_numbers(duet_data *data, const duet_data_info *known)
{
    uint8_t numbers[DUET_MOST_CLASSES] = {0};
    size_t classes = known->classes;
    for (size_t i = 0; i < data->info.classes; i++) {
        numbers[i] = (uint8_t)number_of(data->info.class_names[i]);
        if (numbers[i] >= classes) classes = (size_t)numbers[i] + 1;
    }
    renumber_data(data, numbers);
    duet_class_names_free(data->class_names, data->class_name_count);
    data->class_names = NULL;
    data->class_name_count = 0;
    data->info.class_names = NULL;
    data->info.classes = classes;
}

/* Numbers of other data as the names of a known set that are numbers; others follow them, without a name in common. */
static duet_status take_numbers_by_name(duet_data *data, const duet_data_info *known, duet_error *error)
{
    bool used[DUET_MOST_CLASSES] = {false};
    char words[DUET_MOST_CLASSES][4];
    const char *all[2 * DUET_MOST_CLASSES];
    uint8_t numbers[DUET_MOST_CLASSES] = {0};
    size_t count = 0;
    for (size_t split = 0; split < 2; split++)
        for (size_t i = 0; data->parts[split].labels != NULL && i < data->parts[split].count; i++)
            used[data->parts[split].labels[i]] = true;
    for (size_t i = 0; i < known->classes; i++) (void)place_of(known->class_names[i], all, &count);
    for (size_t i = 0; i < DUET_MOST_CLASSES; i++) {
        (void)snprintf(words[i], sizeof words[i], "%u", (unsigned)(uint8_t)i);
        if (used[i]) numbers[i] = (uint8_t)place_of(words[i], all, &count);
    }
    if (count > DUET_MOST_CLASSES)
        return duet_fail(error, DUET_ERROR_DATA, "%s: %zu classes together with those of %s; %d are possible",
                         data->info.name, count, known->name, DUET_MOST_CLASSES);
    data->class_names = duet_class_names_copy(all, count);
    if (data->class_names == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", data->info.name);
    data->class_name_count = count;
    data->info.class_names = (const char *const *)data->class_names;
    data->info.classes = count;
    renumber_data(data, numbers);
    return DUET_OK;
}

duet_status duet_data_take_classes(duet_data *data, const duet_data_info *known, const char *owner, duet_error *error)
{
    if (data->info.generated || data->info.classes == 0 || known->classes == 0) return DUET_OK;
    if (data->info.class_names != NULL && known->class_names != NULL) return take_named(data, known, error);
    if (known->class_names == NULL && are_numbers(data->info.class_names, data->info.classes))
        return take_as_numbers(data, known), DUET_OK;
    if (data->info.class_names == NULL && are_numbers(known->class_names, known->classes))
        return take_numbers_by_name(data, known, error);
    if ((data->info.class_names != NULL) != (known->class_names != NULL))
        duet_notes_add(
            &data->notes, false,
            "%s: its classes have %s and those of %s %s, so that they are compared by number: class 0 here is "
            "taken for class 0 there, and so on",
            data->info.name, data->info.class_names != NULL ? "names" : "none", owner,
            data->info.class_names != NULL ? "none" : "names");
    if (data->info.class_names == NULL && data->info.classes < known->classes) data->info.classes = known->classes;
    return DUET_OK;
}
