/* SPDX-License-Identifier: MIT */
/* Text that grows while it is written: generated kernels, messages. A failed allocation sticks and is asked once. */
#ifndef DUET_SRC_BASE_TEXT_H
#define DUET_SRC_BASE_TEXT_H

#include "duet/base.h"

typedef struct duet_text {
    char *data; /* NULL until something is written */
    size_t length, capacity;
    bool failed;
} duet_text;

void duet_text_add(duet_text *text, const char *format, ...) DUET_PRINTF(2, 3);
/** The text so far, "" if nothing was written. Valid until the next change. */
const char *duet_text_get(const duet_text *text);
/** Back to empty; the memory stays. */
void duet_text_clear(duet_text *text);
void duet_text_free(duet_text *text);

/** Copies a foreign text: without the spaces around it, '?' for each byte that is not UTF-8, cut between characters
 *  where `capacity` ends. */
void duet_text_clean(const char *from, char *text, size_t capacity);
/** Whether all of it is UTF-8. */
bool duet_text_is_utf8(const char *text);

#endif
