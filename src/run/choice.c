/* SPDX-License-Identifier: MIT */
/* A state that was chosen by examples is better on these than on others: what is measured there says too much. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duet/run.h"
#include "run/place.h"
#include "run/run_file.h"

bool duet_run_is_chosen(const char *run, char *words, size_t size)
{
    duet_run_place place = {0};
    duet_run_file file = {NULL};
    const char *by = NULL;
    if (duet_run_place_find(&place, run, NULL) == DUET_OK && strcmp(place.checkpoint, "best.safetensors") == 0 &&
        duet_run_file_read(&file, place.directory, NULL) == DUET_OK)
        by = json_string_value(json_object_get(json_object_get(file.document, "watch"), "best"));
    if (by != NULL)
        (void)snprintf(words, size,
                       "its epoch was chosen by %s on the test examples of its training: on these it is better than on "
                       "others, by how much no interval says",
                       by);
    duet_run_file_free(&file);
    free(place.directory);
    return by != NULL;
}
