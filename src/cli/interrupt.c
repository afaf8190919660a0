/* SPDX-License-Identifier: MIT */
/* One flag that the signal handler sets and the library reads; sig_atomic_t is an int wherever POSIX signals are. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
enum { CAUGHT = sizeof caught / sizeof *caught };

static volatile int stop; /* the signal that came */
static struct sigaction before[CAUGHT];
static bool taken[CAUGHT];

/* A second signal finds the default action, whichever it is. */
static void on_signal(int number)
{
    stop = number;
    for (size_t i = 0; i < CAUGHT; i++)
        if (taken[i]) (void)signal(caught[i], SIG_DFL);
}

const volatile int *cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CAUGHT; i++) {
        taken[i] = sigaction(caught[i], NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN;
        if (taken[i]) sigaction(caught[i], &action, NULL);
    }
    return &stop;
}

void cli_leave_interrupt(void)
{
    for (size_t i = 0; i < CAUGHT; i++)
        if (taken[i]) sigaction(caught[i], &before[i], NULL);
}

int cli_interrupt_status(void)
{
    return 128 + (stop != 0 ? stop : SIGINT);
}
