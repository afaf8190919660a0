/* SPDX-License-Identifier: MIT */
/* What opening a set wants to say without failing: warnings, and questions that must be answered before a training. */
#ifndef DUET_SRC_DATA_NOTES_H
#define DUET_SRC_DATA_NOTES_H

#include "duet/base.h"

typedef struct duet_note {
    char *text;
    bool question;
} duet_note;

typedef struct duet_notes {
    duet_note *items;
    size_t count, capacity;
    bool failed; /* memory was short; asked once */
} duet_notes;

void duet_notes_add(duet_notes *notes, bool question, const char *format, ...) DUET_PRINTF(3, 4);
void duet_notes_free(duet_notes *notes);

#endif
