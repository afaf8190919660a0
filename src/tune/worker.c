/* SPDX-License-Identifier: MIT */
/* A forked child, a pipe, and patience. The last message of work that returned is {"end": status, "words": ...}; a pipe
 * that closes without it is a crash, however the process ended. */
#include "tune/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/status.h"
#include "base/text.h"

enum { SLICE_MILLISECONDS = 200, LAST_MILLISECONDS = 2000, CHUNK = 4096 };

duet_status duet_worker_send(duet_report_pipe *pipe, json_t *message, duet_error *error)
{
    const bool sent = message != NULL && json_dumpf(message, pipe->stream, JSON_COMPACT) == 0 &&
                      fputc('\n', pipe->stream) != EOF && fflush(pipe->stream) == 0;
    json_decref(message);
    alarm(pipe->seconds);
    return sent ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "a message could not be sent: memory is short");
}

/* Never returns. What asks to stop reaches the parent too, which decides. */
static void work_in_child(duet_work_function work, const void *context, double seconds, int pipe_end)
{
    static const int deadly[] = {SIGALRM, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV};
    static const int asking[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    const struct rlimit no_core = {0, 0};
    duet_report_pipe pipe = {.stream = fdopen(pipe_end, "w"), .seconds = (unsigned)seconds + 1};
    duet_error error = {0};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
    for (size_t i = 0; i < sizeof asking / sizeof *asking; i++) signal(asking[i], SIG_IGN);
    (void)setrlimit(RLIMIT_CORE, &no_core); /* crashes are expected here */
    if (pipe.stream == NULL) _exit(1);
    duet_status status = work(&pipe, context, &error);
    if (!duet_text_is_utf8(error.message)) /* a driver's name in it */
        snprintf(error.message, sizeof error.message, "a message that is not UTF-8");
    status = duet_worker_send(&pipe, json_pack("{s:i, s:s}", "end", (int)status, "words", error.message), NULL);
    _exit(status == DUET_OK ? 0 : 1); /* what the parent has yet to print must not be printed twice */
}

duet_status duet_worker_start(duet_worker *worker, duet_work_function work, const void *context, double seconds,
                              duet_error *error)
{
    int ends[2];
    *worker = (duet_worker){.pipe_end = -1, .seconds = seconds};
    (void)fflush(NULL);
    if (pipe(ends) != 0) return duet_fail(error, DUET_ERROR_DEVICE, "cannot make a pipe: %s", strerror(errno));
    worker->process = fork();
    const int code = errno;
    if (worker->process == 0) {
        close(ends[0]);
        work_in_child(work, context, seconds, ends[1]);
    }
    close(ends[1]);
    worker->pipe_end = ends[0];
    if (worker->process > 0) return DUET_OK;
    close(ends[0]);
    return duet_fail(error, DUET_ERROR_DEVICE, "cannot start a process: %s", strerror(code));
}

/** A line of what has been received, without its end; NULL if there is no whole one. The caller frees it. */
static char *take_line(duet_worker *worker)
{
    char *end = worker->length == 0 ? NULL : memchr(worker->text, '\n', worker->length);
    if (end == NULL) return NULL;
    const size_t length = (size_t)(end - worker->text);
    char *line = strndup(worker->text, length);
    worker->length -= length + 1;
    memmove(worker->text, end + 1, worker->length);
    return line;
}

/** False at the pipe's end. */
static bool receive(duet_worker *worker)
{
    if (worker->capacity - worker->length < CHUNK) {
        char *grown = realloc(worker->text, worker->capacity + 2 * CHUNK);
        if (grown == NULL) return false;
        worker->text = grown;
        worker->capacity += 2 * CHUNK;
    }
    const ssize_t count = read(worker->pipe_end, worker->text + worker->length, CHUNK);
    if (count < 0) return errno == EINTR;
    worker->length += (size_t)count;
    return count > 0;
}

/** The end as the child told it. */
static duet_worker_event finish(const json_t *message, duet_error *error)
{
    const json_int_t status = json_integer_value(json_object_get(message, "end"));
    if (status != DUET_OK)
        (void)duet_fail(error, (duet_status)status, "%s", json_string_value(json_object_get(message, "words")));
    return DUET_WORKER_DONE;
}

duet_worker_event duet_worker_next(duet_worker *worker, const volatile int *stop, json_t **message, duet_error *error)
{
    const double begin = duet_seconds();
    *message = NULL;
    for (;;) {
        char *line = take_line(worker);
        if (line != NULL) {
            *message = duet_json_read(line, strlen(line), 0, NULL);
            const bool short_memory = *message == NULL && errno == ENOMEM;
            free(line);
            if (short_memory) {
                (void)duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a message");
                return DUET_WORKER_DONE;
            }
            if (*message == NULL) return DUET_WORKER_CRASHED; /* a driver wrote over our memory */
            if (json_object_get(*message, "end") == NULL) return DUET_WORKER_MESSAGE;
            duet_worker_event event = finish(*message, error);
            json_decref(*message);
            *message = NULL;
            return event;
        }
        if (stop != NULL && *stop != 0) return DUET_WORKER_STOPPED;
        if (duet_seconds() - begin > worker->seconds) return DUET_WORKER_LATE;
        struct pollfd waited = {.fd = worker->pipe_end, .events = POLLIN};
        worker->closed = poll(&waited, 1, SLICE_MILLISECONDS) > 0 && !receive(worker);
        if (worker->closed) return DUET_WORKER_CRASHED;
    }
}

void duet_worker_end(duet_worker *worker, int *signal)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    siginfo_t about = {0};
    int status = 0;
    if (worker->process > 0) {
        (void)close(worker->pipe_end);
        /* one that closed the pipe is about to end, and of what shall be seen; nothing of any other is waited for */
        for (int i = 0; worker->closed && i < LAST_MILLISECONDS; i++) {
            if (waitid(P_PID, (id_t)worker->process, &about, WEXITED | WNOHANG | WNOWAIT) != 0 || about.si_pid != 0)
                break;
            (void)nanosleep(&moment, NULL);
        }
        (void)kill(worker->process, SIGKILL);
        while (waitpid(worker->process, &status, 0) < 0 && errno == EINTR) continue;
    }
    if (signal != NULL) *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    free(worker->text);
    *worker = (duet_worker){.pipe_end = -1};
}
