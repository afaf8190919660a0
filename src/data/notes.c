/* SPDX-License-Identifier: MIT */
/* Notes as a growing list of texts. */
#include "data/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

void duet_notes_add(duet_notes *notes, bool question, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)duet_text_vprint(text, sizeof text, format, arguments);
    va_end(arguments);
    duet_text_line(text); /* it may name files and classes */
    for (size_t i = 0; i < notes->count; i++)
        if (strcmp(notes->items[i].text, text) == 0) return; /* said already */
    char *copy = strdup(text);
    if (copy == NULL || !duet_array_grow(&notes->items, notes->count, &notes->capacity, sizeof *notes->items)) {
        free(copy);
        notes->failed = true;
        return;
    }
    notes->items[notes->count++] = (duet_note){copy, question};
}

void duet_notes_free(duet_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) free(notes->items[i].text);
    free(notes->items);
    *notes = (duet_notes){0};
}
