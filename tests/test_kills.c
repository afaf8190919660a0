/* SPDX-License-Identifier: MIT */
/* Trainings that are killed and resumed end with the bytes of one left alone. Each is a process of its own: this
 * program started once more with arguments. Nothing else is tested here, as a process that has used OpenCL had better
 * not fork. */
#include "run_recipes.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#ifndef KILLS
#define KILLS      3  /* of each model */
#define KILL_STEPS 80 /* of a run that is killed */
#endif

static const char *program;

static double now(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static const recipe *const killed[] = {&vae, &gan};

/* This program as a training of recipe `index` into `run`, resuming where there is one. */
static pid_t start_training(size_t index, const char *run, uint64_t steps)
{
    char number[8], total[24], path[PATH];
    (void)snprintf(number, sizeof number, "%zu", index);
    (void)snprintf(total, sizeof total, "%llu", (unsigned long long)steps);
    path_of(path, run, "");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl(program, program, "train", number, total, path, pictures, (char *)NULL);
        _exit(126);
    }
    return child;
}

static int train_as_process(char **arguments)
{
    size_t index = strtoul(arguments[0], NULL, 10);
    char file[PATH];
    duet_error error = {0};
    duet_train_options options = options_of(killed[index]);
    options.steps = strtoull(arguments[1], NULL, 10);
    if (killed[index]->data == NULL) options.data = arguments[3];
    (void)snprintf(file, sizeof file, "%s/run.json", arguments[2]);
    if (access(file, F_OK) == 0)
        options.resume = arguments[2];
    else
        options.out = arguments[2];
    if (duet_train(&options, NULL, NULL, &error) == DUET_OK) return 0;
    (void)fprintf(stderr, "%s\n", error.message);
    return 1;
}

/* Waits for the process to end; true if it did so by itself, and then well. */
static bool finish(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return false;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

static void remove_run(const char *run)
{
    char path[PATH];
    path_of(path, run, "");
    test_folder_remove(path);
}

/* Starts the run again and again, each time killing it after a random part of the time that it takes, until it ends by
 * itself or *kills are used up; then lets it end. */
static void torment(size_t index, const char *run, double whole, unsigned *random, int *kills)
{
    for (; *kills > 0; --*kills) {
        pid_t child = start_training(index, run, KILL_STEPS);
        *random = *random * 1103515245u + 12345u;
        double wait = whole * (double)(*random >> 16 & 0x7FFF) / 0x7FFF;
        struct timespec pause = {(time_t)wait, (long)((wait - floor(wait)) * 1e9)};
        assert_int_equal(nanosleep(&pause, NULL), 0);
        assert_int_equal(kill(child, SIGKILL), 0);
        if (finish(child)) return;
    }
    assert_true(finish(start_training(index, run, KILL_STEPS)));
}

static void killed_runs_end_as_if_left_alone(void **state)
{
    (void)state;
    unsigned random = (unsigned)getpid(); /* other moments each time the test is run: any should do */
    for (size_t i = 0; i < sizeof killed / sizeof *killed; i++) {
        /* Once to compile, once more to see how long it takes then: twice the same, too. */
        assert_true(finish(start_training(i, "alone", KILL_STEPS)));
        double began = now();
        assert_true(finish(start_training(i, "again", KILL_STEPS)));
        double whole = now() - began;
        assert_same_run("alone", "again");
        for (int kills = KILLS; kills > 0;) {
            torment(i, "killed", whole, &random, &kills);
            assert_same_run("alone", "killed");
            remove_run("killed");
        }
        remove_run("alone");
        remove_run("again");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_runs_end_as_if_left_alone),
    };
    program = argv[0];
    if (argc == 6 && strcmp(argv[1], "train") == 0) _exit(train_as_process(argv + 2));
    return RUN_TESTS("kills", tests, begin, remove_folder);
}
