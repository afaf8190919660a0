/* SPDX-License-Identifier: MIT */
/* Manual pages, in roff with the man macros, made of what --help is made of. */
#ifndef DUET_SRC_CLI_MANUAL_H
#define DUET_SRC_CLI_MANUAL_H

#include "cli/options.h"

/** Prints duet-COMMAND(1) on standard output. An exit status. */
int cli_manual_print(const cli_command *command);
/** Prints duet(1). An exit status. */
int cli_manual_print_all(const cli_command *const *commands, size_t count);
/** A section with an entry a row, and a note ahead of them (NULL: none). Frees the cells. An exit status. */
int cli_manual_table(const char *heading, const char *note, cli_table *table);

#endif
