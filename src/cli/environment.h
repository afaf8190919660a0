/* SPDX-License-Identifier: MIT */
/* The program's environment variables. */
#ifndef DUET_SRC_CLI_ENVIRONMENT_H
#define DUET_SRC_CLI_ENVIRONMENT_H

/** Warns of variables of ours that would be ignored: unknown names. */
void cli_environment_check(void);
/** Before the first OpenCL call: tells PoCL, which makes a thread for each core of the machine, how many this process
 *  may use, unless the user does. */
void cli_environment_set(void);

#endif
