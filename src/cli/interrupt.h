/* SPDX-License-Identifier: MIT */
/* What asks a command that works for long to stop: Ctrl-C, SIGTERM, SIGHUP, and what batch systems send before the end
 * of a job's time, SIGUSR1, SIGUSR2 and SIGXCPU. The first one asks to stop soon, a second one, unless it comes of the
 * same cause, ends the program; where that takes seconds, a line says so. Those that were ignored when the program
 * began, as nohup has it, stay so. */
#ifndef DUET_SRC_CLI_INTERRUPT_H
#define DUET_SRC_CLI_INTERRUPT_H

/** Blocks those of these signals that are ignored, for all threads to come, and waits for those that drivers' compilers
 *  take for themselves. To be asked first of all: a driver's compiler takes signals too, which are no longer ignored
 *  then, and drops at one the files that it is writing. */
void cli_prepare_signals(void);

/** From now on catches the first of these signals. Returns a flag that it turns non-zero, valid as long as the program
 *  runs. */
const volatile int *cli_catch_interrupt(void);

/** Signals do again what they did before the last call of cli_catch_interrupt: what follows does not look at the flag.
 */
void cli_leave_interrupt(void);

/** Work was stopped by that signal, which another rank caught; nothing if this process has caught one. */
void cli_interrupt_elsewhere(int number);

/** The exit status of work that a signal stopped: 128 and its number. */
int cli_interrupt_status(void);

#endif
