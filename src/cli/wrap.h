/* SPDX-License-Identifier: MIT */
/* Help within the width of the terminal. */
#ifndef DUET_SRC_CLI_WRAP_H
#define DUET_SRC_CLI_WRAP_H

#include <stddef.h>

/** Columns that help may take: those of the terminal, without end elsewhere. */
size_t cli_help_columns(void);
/** How much of the text makes a line of `room` columns: up to the last space, or '|' of choices, that
 *  fits, or the first of all. */
size_t cli_line_end(const char *text, size_t room);
/** Prints the text and ends its line. It begins in `column`, as do all further lines; where these end follows from the
 *  room alone. */
void cli_print_wrapped(const char *text, size_t column);

#endif
