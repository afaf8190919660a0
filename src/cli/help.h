/* SPDX-License-Identifier: MIT */
/* What commands say of themselves: one source in two forms, --help for a terminal and a manual page in roff. */
#ifndef DUET_SRC_CLI_HELP_H
#define DUET_SRC_CLI_HELP_H

#include <stddef.h>

typedef struct cli_table cli_table;

typedef enum cli_help_form { CLI_HELP_TEXT, CLI_HELP_MANUAL } cli_help_form;

/** A part of its own: a heading, what there is to say of all rows (NULL: nothing), and a table, whose cells are freed.
 * On a manual page a row is an entry, and its last column the text. An exit status. */
int cli_help_table(cli_help_form form, const char *heading, const char *note, cli_table *table);
/** One more sentence, of the program's text only: `duet train MODEL --help` and the like. */
void cli_help_sentence(cli_help_form form, const char *text);

#endif
