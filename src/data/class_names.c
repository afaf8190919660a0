/* SPDX-License-Identifier: MIT */
/* Names in sorted order, so that classes do not depend on which example came first. */
#include "data/class_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { MOST_CLASSES = 256 };

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t duet_class_names_find(char *const *names, size_t count, const char *name)
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

static void renumber(duet_labels *labels, size_t rows, char *const *names, size_t count)
{
    uint8_t numbers[MOST_CLASSES];
    for (size_t i = 0; i < labels->name_count; i++)
        numbers[i] = (uint8_t)duet_class_names_find(names, count, labels->names[i]);
    for (size_t i = 0; i < rows; i++) labels->values[i] = numbers[labels->values[i]];
}

duet_status duet_class_names_join(duet_labels *const labels[2], const size_t counts[2], char ***names,
                                  size_t *name_count, duet_error *error)
{
    size_t most = labels[0]->name_count + labels[1]->name_count, count = 0;
    *names = NULL;
    *name_count = 0;
    if (most == 0) return DUET_OK;
    char **all = calloc(most, sizeof *all);
    if (all == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the names of classes");
    for (size_t split = 0, k = 0; split < 2; split++)
        for (size_t i = 0; i < labels[split]->name_count; i++) all[k++] = labels[split]->names[i];
    qsort(all, most, sizeof *all, compare);
    for (size_t i = 0; i < most; i++)
        if (i == 0 || strcmp(all[i], all[count - 1]) != 0) all[count++] = all[i];
    bool sound = count <= MOST_CLASSES;
    size_t copied = 0;
    while (sound && copied < count && (all[copied] = strdup(all[copied])) != NULL) copied++;
    if (!sound || copied < count) {
        duet_class_names_free(all, copied);
        return sound ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the names of classes")
                     : duet_fail(error, DUET_ERROR_DATA, "%zu classes in both splits together; %d are possible", count,
                                 MOST_CLASSES);
    }
    for (size_t split = 0; split < 2; split++)
        if (labels[split]->names != NULL) renumber(labels[split], counts[split], all, count);
    *names = all;
    *name_count = count;
    return DUET_OK;
}
