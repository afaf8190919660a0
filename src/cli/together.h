/* SPDX-License-Identifier: MIT */
/* A command that several ranks run: rank 0 speaks for all, and all end with one exit status. */
#ifndef DUET_SRC_CLI_TOGETHER_H
#define DUET_SRC_CLI_TOGETHER_H

#include "duet.h"

enum { CLI_COMPLAINT = sizeof((duet_error *)NULL)->message };

/** On ranks other than 0: standard output goes nowhere, and cli_complain keeps its line in `complaint`. */
void cli_together_hush(const duet_ranks *ranks, char complaint[CLI_COMPLAINT]);
/** All ranks call it with their words. CLI_MISTAKE on all, and rank 0 says why, unless they are those of rank 0. */
int cli_together_compare(duet_ranks *ranks, size_t count, char *const words[]);
/** All ranks call it with the status of what each has done; `complaint` as above. If some rank failed, every one gets
 * an exit status for it, and rank 0 says what, unless it has said its own. NULL ranks: `status`. */
int cli_together_settle(duet_ranks *ranks, int status, const char *complaint);
/** Prints the error of one rank that the others do not know of. Returns its exit status. */
int cli_together_fail_alone(const duet_ranks *ranks, const duet_error *error);

#endif
