/* SPDX-License-Identifier: MIT */
/* An option that a command does not have, and what may have been meant. */
#ifndef DUET_SRC_CLI_UNKNOWN_H
#define DUET_SRC_CLI_UNKNOWN_H

#include "cli/options.h"

/** CLI_MISTAKE, after a message. `word`: the option as it was given; `operands`: the words that are no options, among
 *  which what was meant for its value may be. */
int cli_complain_unknown(const cli_command *command, const char *word, char *const *operands, int count);

#endif
