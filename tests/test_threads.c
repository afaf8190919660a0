/* SPDX-License-Identifier: MIT */
/* Threads of one process that has not used a driver yet: each has a device, a model and a run of its own. Every try is
 * a process of its own, since a driver starts once. */
#include "folder.h"
#include "train_models.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, TRIES = 6 };

typedef struct thread {
    pthread_t id;
    pthread_barrier_t *start;
    char out[TEST_PATH_SIZE + 64];
    duet_error error;
} thread;

static void *train_one(void *context)
{
    static const char *const settings[] = {"hidden=4", "latent=2"};
    thread *it = context;
    const duet_train_options options = {.family = duet_family_find("vae"),
                                        .data = "ring8",
                                        .settings = settings,
                                        .setting_count = 2,
                                        .steps = 3,
                                        .batch = 8,
                                        .out = it->out};
    (void)pthread_barrier_wait(it->start);
    (void)duet_train(&options, NULL, NULL, &it->error);
    return NULL;
}

static void *list_devices(void *context)
{
    thread *it = context;
    duet_device_info *infos;
    size_t count;
    (void)pthread_barrier_wait(it->start);
    if (duet_device_list(&infos, &count, &it->error) == DUET_OK) duet_device_list_free(&infos);
    return NULL;
}

/* Ends the process: 0 if all threads did what they were to do. */
static void run_threads(size_t try, void *(*last)(void *context))
{
    thread threads[THREADS] = {{0}};
    pthread_barrier_t start;
    int failed = pthread_barrier_init(&start, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        threads[i].start = &start;
        (void)snprintf(threads[i].out, sizeof threads[i].out, "%s/run-%zu-%zu", folder, try, i);
        failed |= pthread_create(&threads[i].id, NULL, i + 1 < THREADS ? train_one : last, &threads[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i].id, NULL);
        if (threads[i].error.status != DUET_OK) (void)fprintf(stderr, "thread %zu: %s\n", i, threads[i].error.message);
        failed |= threads[i].error.status != DUET_OK;
    }
    _exit(failed != 0);
}

static void survive(size_t first, void *(*last)(void *context))
{
    for (size_t try = first; try < first + TRIES; try++) {
        int ended;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) run_threads(try, last);
        assert_int_equal(waitpid(child, &ended, 0), child);
        if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
            fail_msg("try %zu: %s %d", try, WIFEXITED(ended) ? "exit status" : "signal",
                     WIFEXITED(ended) ? WEXITSTATUS(ended) : WTERMSIG(ended));
    }
}

static void threads_of_a_cold_process_train(void **state)
{
    (void)state;
    survive(0, train_one);
}

static void devices_are_listed_while_others_open_them(void **state)
{
    (void)state;
    survive(TRIES, list_devices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_of_a_cold_process_train),
        cmocka_unit_test(devices_are_listed_while_others_open_them),
    };
    return RUN_TESTS("threads", tests, make_folder, remove_folder);
}
