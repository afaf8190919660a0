/* SPDX-License-Identifier: MIT */
/* Ctrl-C in commands that work for long: the first one asks to stop soon, a second one ends the program. */
#ifndef DUET_SRC_CLI_INTERRUPT_H
#define DUET_SRC_CLI_INTERRUPT_H

/** Catches SIGINT once from now on. What is returned turns non-zero then; it lives as long as the program. */
const volatile int *cli_catch_interrupt(void);

#endif
