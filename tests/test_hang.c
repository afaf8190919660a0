/* SPDX-License-Identifier: MIT */
/* Trainings on a driver that does not come back (layer_fault.c): there are signs of life, a second Ctrl-C ends the
 * program, and the run goes on from its checkpoint once the driver is well again. */
#include "program.h"

#include <signal.h>
#include <time.h>

/* Waits until standard error of the program holds that. */
static void wait_for_words(const char *words)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    char path[PATH_SIZE];
    for (bool found = false; !found; (void)nanosleep(&moment, NULL)) {
        char *text = test_file_read(inside("err", path), NULL);
        found = strstr(text, words) != NULL;
        free(text);
    }
}

static void wait_for_hang(void)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    char path[PATH_SIZE];
    while (access(inside("hangs", path), F_OK) != 0) (void)nanosleep(&moment, NULL);
    assert_int_equal(remove(path), 0);
}

/* A training on a driver with that fault. */
static pid_t start_on(const char *fault, const char *out)
{
    char path[PATH_SIZE];
    assert_int_equal(setenv("LAYER_FAULT_MARK", inside("hangs", path), 1), 0);
    assert_int_equal(setenv("LAYER_FAULT", fault, 1), 0);
    assert_int_equal(setenv("OPENCL_LAYERS", TEST_FAULT_LAYER, 1), 0);
    pid_t child = start((const char *const[]){"train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps",
                                              "1000000", "--checkpoint-every", "5", "--out", out, NULL});
    assert_int_equal(unsetenv("OPENCL_LAYERS"), 0);
    return child;
}

static void end_by_two_signals(pid_t child, int number)
{
    assert_int_equal(kill(child, number), 0);
    wait_for_words("the same once more ends the program at once");
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    assert_int_equal(kill(child, number), 0);
    expect(finish(child), 128 + number, NULL, NULL);
}

static void a_wait_that_never_ends_is_left_by_two_signals(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM};
    static const char *const runs[] = {"@/int", "@/term"};
    for (size_t i = 0; i < 2; i++) {
        pid_t child = start_on("wait:60", runs[i]);
        wait_for_hang();
        end_by_two_signals(child, numbers[i]);
        expect(RUN("train", "--resume", runs[i], "--steps", "200"), 0, NULL, "200 steps");
    }
}

static void a_compiler_that_never_ends_is_told_of(void **state)
{
    (void)state;
    pid_t child = start_on("build:", "@/build");
    wait_for_words("compiling the kernels of");
    wait_for_words("after 10 s");
    end_by_two_signals(child, SIGINT);
    expect(RUN("train", "vae", "--data", "ring8", "--set", "hidden=8", "--steps", "4", "--out", "@/build"), 0, NULL,
           NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_that_never_ends_is_left_by_two_signals),
        cmocka_unit_test(a_compiler_that_never_ends_is_told_of),
    };
    return RUN_TESTS("hang", tests, make_folder, remove_folder);
}
