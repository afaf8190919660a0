/* SPDX-License-Identifier: MIT */
/* What `--set KEY=VALUE` may say, for people and for JSON. */
#ifndef DUET_SRC_CLI_SETTINGS_H
#define DUET_SRC_CLI_SETTINGS_H

#include "cli/options.h"
#include "duet.h"

#include <jansson.h>

/** The family of that name, or NULL after a message that names the nearest. */
const duet_family *cli_family(const char *name);
/** Prints a family's settings with their defaults, ranges and help. */
void cli_settings_print(const duet_family *family);
json_t *cli_settings_json(const duet_family *family);
/** CLI_DONE if every item is KEY=VALUE with a key of the family and a value it takes; else a message, which may name an
 *  option of the command, and CLI_MISTAKE. */
int cli_settings_check(const cli_command *command, const duet_family *family, const cli_list *items);

#endif
