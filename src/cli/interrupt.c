/* SPDX-License-Identifier: MIT */
/* One flag that the signal handler sets and the library reads; sig_atomic_t is an int wherever POSIX signals are. Who
 * waits for a driver does not read it, so an alarm tells after a while how to end the program all the same. */
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
enum { CAUGHT = sizeof caught / sizeof *caught, PATIENCE_SECONDS = 2 };

static volatile int stop; /* the signal that came */
static struct sigaction before[CAUGHT];
static bool taken[CAUGHT];

void cli_keep_ignored(void)
{
    struct sigaction now;
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < CAUGHT; i++)
        if (sigaction(caught[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN) sigaddset(&blocked, caught[i]);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
}

/* Only calls that a signal handler may make. */
static void on_alarm(int number)
{
    static const char words[] =
        "\nduet: stopping as soon as the device is done; the same once more ends the program at once\n";
    int code = errno;
    (void)number;
    if (write(STDERR_FILENO, words, sizeof words - 1) < 0) errno = code;
    errno = code;
}

/* A second signal finds the default action, whichever it is. */
static void on_signal(int number)
{
    stop = number;
    (void)alarm(PATIENCE_SECONDS);
    for (size_t i = 0; i < CAUGHT; i++)
        if (taken[i]) (void)signal(caught[i], SIG_DFL);
}

const volatile int *cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm, .sa_flags = SA_RESTART}, NULL);
    for (size_t i = 0; i < CAUGHT; i++) {
        taken[i] = sigaction(caught[i], NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN;
        if (taken[i]) sigaction(caught[i], &action, NULL);
    }
    return &stop;
}

void cli_leave_interrupt(void)
{
    (void)alarm(0);
    for (size_t i = 0; i < CAUGHT; i++)
        if (taken[i]) sigaction(caught[i], &before[i], NULL);
}

void cli_interrupt_elsewhere(int number)
{
    if (stop == 0) stop = number;
}

int cli_interrupt_status(void)
{
    return 128 + (stop != 0 ? stop : SIGINT);
}
