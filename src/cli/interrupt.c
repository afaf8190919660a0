/* SPDX-License-Identifier: MIT */
/* One flag that the signal handler sets and the library reads; sig_atomic_t is an int wherever POSIX signals are. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile int stop;
static struct sigaction before;

static void on_interrupt(int signal)
{
    (void)signal;
    stop = 1;
}

const volatile int *cli_catch_interrupt(void)
{
    /* SA_RESETHAND: a second Ctrl-C finds the default action. */
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before);
    return &stop;
}

void cli_leave_interrupt(void)
{
    sigaction(SIGINT, &before, NULL);
}
