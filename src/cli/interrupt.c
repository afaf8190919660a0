/* SPDX-License-Identifier: MIT */
/* One flag that the signal handler sets and the library reads; sig_atomic_t is an int wherever POSIX signals are. Who
 * waits for a driver does not read it, so an alarm tells after a while how to end the program all the same. */
#include "cli/interrupt.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "duet.h"

/* What asks to stop. For so many seconds after the first of them it says the same again: a launcher passes Ctrl-C on
 * beside the terminal, a shell SIGHUP beside the system, some send SIGTERM anew until its end, and the system SIGXCPU
 * with each second. Later it is meant to end the program at once, as is told with the alarm (0: none). A thread waits
 * for those that a driver's compiler takes for itself, and that would not come here after. */
static const struct {
    int number;
    double same_seconds;
    unsigned alarm_seconds;
    bool waited;
} caught[] = {{SIGINT, 0.5, 2, false}, {SIGTERM, 5, 5, false}, {SIGHUP, 5, 5, false},
              {SIGUSR1, 5, 5, true},   {SIGUSR2, 5, 5, true},  {SIGXCPU, INFINITY, 0, true}};
enum { CAUGHT = sizeof caught / sizeof *caught };

static volatile int stop; /* the signal that came */
static atomic_llong asked; /* when, by the clock, in nanoseconds; 0: none came */
static struct sigaction before[CAUGHT];
static bool taken[CAUGHT];
static sigset_t waited;
static atomic_bool catching, waiting;

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

static void end_by(int number)
{
    sigset_t own;
    (void)sigemptyset(&own);
    (void)sigaddset(&own, number);
    (void)signal(number, SIG_DFL);
    (void)pthread_sigmask(SIG_UNBLOCK, &own, NULL);
    (void)raise(number);
}

/* Threads may come here at a time, each with a signal. */
static void on_signal(int number)
{
    const double now = duet_seconds();
    long long first = 0;
    size_t row = 0;
    while (caught[row].number != number) row++;
    if (atomic_compare_exchange_strong(&asked, &first, (long long)(now * 1e9) + 1)) {
        stop = number;
        (void)alarm(caught[row].alarm_seconds);
    } else if (now - (double)first * 1e-9 > caught[row].same_seconds) {
        end_by(number);
    }
}

static void *wait_for_signals(void *nothing)
{
    (void)nothing;
    waiting = true;
    for (int number; sigwait(&waited, &number) == 0;)
        if (catching)
            on_signal(number);
        else
            end_by(number);
    return NULL;
}

/* Nobody waits in a child, whose limit of CPU time is to end it all the same; the parent answers to the others. */
static void let_limit_end_child(void)
{
    sigset_t limit;
    (void)sigemptyset(&limit);
    (void)sigaddset(&limit, SIGXCPU);
    if (sigismember(&waited, SIGXCPU) == 1) (void)sigprocmask(SIG_UNBLOCK, &limit, NULL);
}

void cli_prepare_signals(void)
{
    struct sigaction now;
    sigset_t blocked;
    pthread_t waiter;
    sigemptyset(&blocked);
    sigemptyset(&waited);
    for (size_t i = 0; i < CAUGHT; i++) {
        const bool known = sigaction(caught[i].number, NULL, &now) == 0;
        if (known && now.sa_handler == SIG_IGN)
            sigaddset(&blocked, caught[i].number);
        else if (known && caught[i].waited)
            sigaddset(&waited, caught[i].number);
    }
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)sigprocmask(SIG_BLOCK, &waited, NULL);
    (void)pthread_atfork(NULL, NULL, let_limit_end_child);
    if (pthread_create(&waiter, NULL, wait_for_signals, NULL) == 0) {
        (void)pthread_detach(waiter);
        while (!waiting) (void)sched_yield(); /* a child forked while a thread starts may wait for its locks for ever */
    } else {
        (void)sigprocmask(SIG_UNBLOCK, &waited, NULL);
    }
}

const volatile int *cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm, .sa_flags = SA_RESTART}, NULL);
    for (size_t i = 0; i < CAUGHT; i++) {
        taken[i] = sigaction(caught[i].number, NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN;
        if (taken[i] && !caught[i].waited) sigaction(caught[i].number, &action, NULL);
    }
    catching = true;
    return &stop;
}

void cli_leave_interrupt(void)
{
    (void)alarm(0);
    catching = false;
    for (size_t i = 0; i < CAUGHT; i++)
        if (taken[i] && !caught[i].waited) sigaction(caught[i].number, &before[i], NULL);
}

void cli_interrupt_elsewhere(int number)
{
    if (stop == 0) stop = number;
}

int cli_interrupt_status(void)
{
    return 128 + (stop != 0 ? stop : SIGINT);
}
