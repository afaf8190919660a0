/* SPDX-License-Identifier: MIT */
/* `duet complete WORD...`: what the last word may become, for the scripts in completion/. */
#ifndef DUET_SRC_CLI_COMPLETE_H
#define DUET_SRC_CLI_COMPLETE_H

#include "cli/options.h"

/** Prints what may stand in the place of the last of the words behind "duet", a line each: the word, a tab and what it
 *  means; or ":files EXTENSION..." and ":folders", which the shell knows better. An exit status. */
int cli_complete(const cli_command *const *commands, size_t command_count, const char *const *words, size_t count);

#endif
