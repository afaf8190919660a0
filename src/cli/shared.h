/* SPDX-License-Identifier: MIT */
/* A command that rank 0 runs as if it were alone, while the other ranks work for it. */
#ifndef DUET_SRC_CLI_SHARED_H
#define DUET_SRC_CLI_SHARED_H

#include "cli/options.h"

#include "duet.h"

/** Runs the command, which shares the runs that it opens. Returns an exit status. */
int cli_shared_run(const cli_command *command, int argc, char **argv);

/** The ranks for duet_run_share; NULL: this process is alone. */
duet_ranks *cli_shared_ranks(void);

#endif
