/* SPDX-License-Identifier: MIT */
/* How wide text is on a terminal, where a character has one column, two or none. */
#ifndef DUET_SRC_CLI_WIDTH_H
#define DUET_SRC_CLI_WIDTH_H

#include <stddef.h>

/** The number of bytes of a text's first character (0: the text is at its end). *columns: its width, or -1 for what a
 *  terminal must not see and is shown as '?': a control character, or a byte that is not UTF-8. */
size_t cli_character(const char *text, int *columns);

/** Columns of a whole text. */
size_t cli_width(const char *text);

#endif
