/* SPDX-License-Identifier: MIT */
/* Text: numbers in it, text that grows while it is written (generated kernels, messages; a failed allocation sticks and
 * is asked once), and what is foreign made clean. */
#ifndef DUET_SRC_BASE_TEXT_H
#define DUET_SRC_BASE_TEXT_H

#include <stdarg.h>

#include "duet/base.h"

/** vsnprintf and snprintf with a point in numbers, whatever locale the host program has chosen: what is written may be
 *  code that is to work, or a list with commas. */
int duet_text_vprint(char *text, size_t room, const char *format, va_list arguments);
int duet_text_print(char *text, size_t room, const char *format, ...) DUET_PRINTF(3, 4);

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

/** Prints what is one word of a command that somebody is to type: in quotes where a shell would take it otherwise.
 *  Returns the text. */
const char *duet_text_word(char *text, size_t room, const char *format, ...) DUET_PRINTF(3, 4);
enum { DUET_WORD_SIZE = 1024 /* of what a message holds at all */ };
/** Such a word as an argument, in memory of the block that it stands in. */
#define DUET_WORD(...) duet_text_word((char[DUET_WORD_SIZE]){""}, DUET_WORD_SIZE, __VA_ARGS__)

/** As duet_text_plain, for what is one line: names in it may hold ends of lines and tabs, which become '?' too. */
void duet_text_line(char *text);
/** Copies a foreign text: without the spaces around it, '?' for each byte that is not UTF-8, cut between characters
 *  where `capacity` ends. */
void duet_text_clean(const char *from, char *text, size_t capacity);
/** Whether all of it is UTF-8. */
bool duet_text_is_utf8(const char *text);

#endif
