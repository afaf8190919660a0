/* SPDX-License-Identifier: MIT */
/* Ctrl-C in commands that work for long: the first one asks to stop soon, a second one ends the program. */
#ifndef DUET_SRC_CLI_INTERRUPT_H
#define DUET_SRC_CLI_INTERRUPT_H

/** From now on catches the first SIGINT. Returns a flag that it turns non-zero, valid as long as the program runs. */
const volatile int *cli_catch_interrupt(void);

/** SIGINT does again what it did before the last call of cli_catch_interrupt: what follows does not look at the flag.
 */
void cli_leave_interrupt(void);

#endif
