/* SPDX-License-Identifier: MIT */
/* Variables that would be ignored without a word, because they are misspelt, and one that a driver wants. What the
 * others say is looked at where it is used. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "cli/environment.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/topics.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

extern char **environ;

static bool is_known(const char *name)
{
    bool known = strncmp(name, "DUET_TEST_", 10) == 0; /* of the tests, which start this program */
    for (size_t i = 0; i < cli_topic_environment.count; i++)
        known = known || strcmp(cli_topic_environment.rows[i].name, name) == 0;
    return known;
}

static void warn_of_name(const char *name)
{
    duet_spelling nearest = {.word = name};
    for (size_t i = 0; i < cli_topic_environment.count; i++)
        duet_spelling_offer(&nearest, cli_topic_environment.rows[i].name);
    cli_complain(CLI_DONE, "warning: there is no variable %s%s%s%s", name,
                 nearest.best != NULL ? ": did you mean " : "", nearest.best != NULL ? nearest.best : "",
                 nearest.best != NULL ? "?" : "");
}

/* A word other than "off" would be ignored. What the library reads it speaks of itself. */
static void warn_of_ranks(void)
{
    const char *word = getenv("DUET_RANKS");
    if (word != NULL && word[0] != '\0' && strcasecmp(word, "off") != 0)
        cli_complain(CLI_DONE, "warning: DUET_RANKS=%s says nothing: only 'off' does", word);
}

void cli_environment_check(void)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        char name[48];
        const size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, "DUET_", 5) != 0 || length >= sizeof name) continue;
        memcpy(name, *entry, length);
        name[length] = '\0';
        if (!is_known(name)) warn_of_name(name);
    }
    warn_of_ranks();
}

/* mpirun gives each rank cores of its own, and taskset any process. */
void cli_environment_set(void)
{
#ifdef __linux__
    cpu_set_t cores;
    char count[16];
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return; /* more cores than a set has */
    if (CPU_COUNT(&cores) >= sysconf(_SC_NPROCESSORS_ONLN)) return;
    snprintf(count, sizeof count, "%d", CPU_COUNT(&cores));
    (void)setenv("POCL_MAX_PTHREAD_COUNT", count, 0); /* without it threads take turns, which is slow and no fault */
#endif
}
