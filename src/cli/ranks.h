/* SPDX-License-Identifier: MIT */
/* Processes that mpirun or srun started together: whether this is one of them, and their connection over libduet-mpi,
 * which is loaded only then. */
#ifndef DUET_SRC_CLI_RANKS_H
#define DUET_SRC_CLI_RANKS_H

#include "cli/options.h"

#include "duet.h"

/** Whether this process speaks for all that a launcher started: rank 0, or one alone. */
bool cli_ranks_lead(void);

/** Whether the command may run in this process, one of several or alone. False: the program ends here with exit status
 *  *status; it has said why, or another has. */
bool cli_ranks_allow(const cli_command *command, int *status);

/** The ranks that were started; *ranks is NULL for a process alone. Every rank has to call it. False: the program ends
 *  here with exit status *status, after a message. */
bool cli_ranks_open(duet_ranks **ranks, int *status);
/** Rank 0 prints a line, unless `quiet`: ranks, hosts, MPI, and what the ways between them are worth. Every rank has to
 * call it; nothing for NULL. Returns an exit status. */
int cli_ranks_tell(duet_ranks *ranks, bool quiet);
/** Every rank has to call it, and waits for the others: one that cannot wait calls cli_ranks_abort. Where MPI does not
 *  end, rank 0 ends this process with that exit status, and by it the others. */
void cli_ranks_close(duet_ranks **ranks, int status);
/** Ends all ranks at once, this one too, with that exit status. Returns if this process is alone. */
void cli_ranks_abort(int status);

#endif
