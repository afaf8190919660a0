/* SPDX-License-Identifier: MIT */
/* A forked child and a pipe of JSON documents, one a line. A second pipe, which nobody writes to, ends the child with
 * its parent however that ends: the system closes the one end that the parent has. */
#include "cli/child.h"
#include "cli/output.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int cli_child_send(FILE *results, json_t *document)
{
    int failed = document == NULL || cli_json_check() != CLI_DONE || json_dumpf(document, results, JSON_COMPACT) != 0 ||
                 fputc('\n', results) == EOF || fflush(results) != 0;
    json_decref(document);
    return failed ? cli_complain(CLI_FAILED, "a result could not be passed on: memory is full") : CLI_DONE;
}

static void *end_with_parent(void *pipe_end)
{
    char nothing;
    while (read(*(const int *)pipe_end, &nothing, 1) < 0 && errno == EINTR) continue;
    _exit(CLI_FAILED);
}

/* Never returns. The alarm ends a driver that hangs. */
static void work_in_child(cli_child_work work, const void *context, double seconds, int pipe_end, int parent_end)
{
    pthread_t watch;
    (void)pthread_create(&watch, NULL, end_with_parent, &parent_end); /* without it the alarm comes, if late */
    signal(SIGALRM, SIG_DFL);
    alarm((unsigned)(seconds < 1 ? 1 : seconds));
    FILE *results = fdopen(pipe_end, "w");
    int status = results == NULL ? CLI_FAILED : work(results, context);
    fflush(stderr);
    _exit(status); /* what the parent has yet to print must not be printed twice */
}

static void receive(int pipe_end, json_t *documents)
{
    FILE *results = fdopen(pipe_end, "r");
    json_t *document;
    while (results != NULL && (document = json_loadf(results, JSON_DISABLE_EOF_CHECK, NULL)) != NULL)
        json_array_append_new(documents, document);
    if (results != NULL)
        fclose(results);
    else
        close(pipe_end);
}

static int wait_for(pid_t child, double seconds, const char *what, const char *more)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return cli_complain(CLI_FAILED, "%s: %s", what, strerror(errno));
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (WTERMSIG(status) == SIGALRM)
        return cli_complain(CLI_FAILED,
                            "%s: stopped after %.0f seconds, which is all there is for it: %s gives it more", what,
                            seconds, more);
    return cli_complain(CLI_FAILED, "%s: the process ended by signal %d (%s), most likely in the driver", what,
                        WTERMSIG(status), strsignal(WTERMSIG(status)));
}

static void close_both(const int ends[2])
{
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
}

int cli_child_run(cli_child_work work, const void *context, double seconds, const char *what, const char *more,
                  json_t *documents)
{
    int ends[2] = {-1, -1}, life[2] = {-1, -1};
    pid_t child = -1;
    fflush(stdout);
    fflush(stderr);
    if (pipe(ends) == 0 && pipe(life) == 0) child = fork();
    if (child < 0) {
        cli_complain(CLI_FAILED, "%s: no process or no pipe to it: %s", what, strerror(errno));
        close_both(ends);
        close_both(life);
        return CLI_FAILED;
    }
    if (child == 0) {
        close(ends[0]);
        close(life[1]);
        work_in_child(work, context, seconds, ends[1], life[0]);
    }
    close(ends[1]);
    close(life[0]);
    receive(ends[0], documents);
    int status = wait_for(child, seconds, what, more);
    close(life[1]);
    return status;
}
