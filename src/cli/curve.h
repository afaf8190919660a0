/* SPDX-License-Identifier: MIT */
/* The curve of a discriminator over the line: `duet score RUN --curve FILE`. */
#ifndef DUET_SRC_CLI_CURVE_H
#define DUET_SRC_CLI_CURVE_H

#include "duet.h"

/** CLI_DONE if `file` is NULL or ends in .png or .npy; else a message and CLI_MISTAKE. */
int cli_curve_check(const char *file);
/** Draws D and the best D as FILE.png, or writes their numbers as FILE.npy, [points, 5]; prints the numbers as JSON, or
 *  what the lines are. Returns an exit status. */
int cli_curve_write(duet_run *run, const char *directory, const char *file, bool json);

#endif
