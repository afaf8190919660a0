/* SPDX-License-Identifier: MIT */
/* What the program writes on a terminal, and in its place: widths, escapes, pipes that are left or watched. */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#include "program.h"

#include "cli/progress.h"
#include "cli/table.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

/* Runs on a terminal of so many columns and returns all that it shows. */
static char *show(unsigned short columns, const char *kind, const char *const *words)
{
    int keyboard = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(keyboard >= 0 && grantpt(keyboard) == 0 && unlockpt(keyboard) == 0);
    const struct winsize size = {.ws_row = 24, .ws_col = columns};
    char *arguments[MOST_WORDS + 2] = {(char *)PROGRAM}, expanded[MOST_WORDS][PATH_SIZE];
    for (size_t i = 0; words[i] != NULL; i++) {
        expand(words[i], expanded[i]);
        arguments[i + 1] = expanded[i];
    }
    int terminal = open(ptsname(keyboard), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    assert_int_equal(setenv("TERM", kind, 1), 0);
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, terminal, 1), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, terminal, 2), 0);
    assert_int_equal(posix_spawn(&child, PROGRAM, &actions, NULL, arguments, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    assert_int_equal(close(terminal), 0);
    size_t used = 0;
    char *text = malloc(1 << 20);
    assert_non_null(text);
    for (ssize_t got; (got = read(keyboard, text + used, (1 << 20) - 1 - used)) > 0;) used += (size_t)got;
    text[used] = '\0';
    while (waitpid(child, &status, 0) < 0) assert_int_equal(errno, EINTR);
    assert_int_equal(close(keyboard), 0);
    return text;
}

#define SHOW(columns, kind, ...) show(columns, kind, (const char *const[]){__VA_ARGS__, NULL})

/* The longest line, without its escapes. */
static size_t width_of(const char *text)
{
    size_t width = 0, widest = 0;
    for (; *text != '\0'; text++) {
        if (*text == '\033')
            text += strcspn(text, "mK");
        else if (*text == '\n' || *text == '\r')
            width = 0;
        else if (++width > widest)
            widest = width;
    }
    return widest;
}

static const char *const commands[] = {"devices",  "datasets",    "data",        "features", "models", "train",
                                       "sample",   "reconstruct", "interpolate", "traverse", "invert", "encode",
                                       "classify", "score",       "eval",        "compare",  "report", "explain",
                                       "doctor",   "bench",       "tune",        "lesson"};

/* Help goes to column 104, and a line of an option's words ends where the next word had no room. */
static void help_is_broken_by_one_rule(void **state)
{
    (void)state;
    enum { INDENT = 30, WIDEST = 104 };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        result r = RUN(commands[i], "--help");
        size_t before = 0, lines = 0;
        bool words_before = false;
        for (const char *line = r.out; *line != '\0'; line += strcspn(line, "\n") + 1) {
            const size_t length = strcspn(line, "\n"), spaces = strspn(line, " ");
            const size_t word = strcspn(line + spaces, " |\n");
            if (spaces == INDENT && words_before && before + 1 + word <= WIDEST)
                fail_msg("%s --help breaks a line of %zu columns before: %.*s", commands[i], before, (int)length, line);
            words_before = length > INDENT && line[INDENT - 1] == ' ';
            before = length;
            lines++;
        }
        assert_true(lines > 3);
        result_free(&r);
    }
}

static void help_fits_the_terminal(void **state)
{
    (void)state;
    static const unsigned short widths[] = {80, 72};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
            char *text = SHOW(widths[w], "xterm", commands[i], "--help");
            if (strlen(text) < 100 || width_of(text) > widths[w])
                fail_msg("%s --help has lines of %zu columns on a terminal of %d", commands[i], width_of(text),
                         widths[w]);
            free(text);
        }
        char *text = SHOW(widths[w], "xterm", "train", "gan-conv", "--help");
        assert_in_range(width_of(text), 20, widths[w]);
        assert_non_null(strstr(text, "instance_noise_steps"));
        free(text);
    }
    /* where there is no terminal lines are as they were written */
    result r = RUN("train", "vae", "--help");
    assert_true(width_of(r.out) > 100);
    result_free(&r);
}

static void a_dumb_terminal_gets_no_escapes(void **state)
{
    (void)state;
    char *smart = SHOW(100, "xterm", "models"), *dumb = SHOW(100, "dumb", "models");
    assert_non_null(strchr(smart, '\033'));
    assert_null(strchr(dumb, '\033'));
    assert_non_null(strstr(dumb, "vae"));
    free(smart);
    free(dumb);
    dumb = SHOW(100, "dumb", "train", "vae", "--data", "ring8", "--steps", "120", "--out", "@/dumb");
    assert_null(strchr(dumb, '\033'));
    assert_non_null(strstr(dumb, "step 120/120"));
    free(dumb);
}

/* A name can hold anything; a terminal obeys what is in it, a program reads it as it is. */
static void names_do_not_steer_the_terminal(void **state)
{
    (void)state;
    char *text = SHOW(100, "dumb", "train", "vae", "--data", "ring8", "--steps", "1", "--out", "@/a\033[31mb\302\233c");
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, "\302\233"));
    assert_non_null(strstr(text, "a?[31mb?"));
    free(text);
    result r = RUN("sample", "@/no\033[31m\a");
    assert_null(strchr(r.err, '\033'));
    assert_null(strchr(r.err, '\a'));
    expect(r, 1, NULL, "no?[31m?");
    r = RUN("train", "vae", "--data", "ring8", "--steps", "1", "--quiet", "--out", "@/b\033c");
    expect(r, 0, "/b\033c\n", NULL);
}

/* `duet explain vae | head -1`: no word of it, and the exit status of a program that SIGPIPE ended. */
static void a_reader_that_leaves_is_no_failure(void **state)
{
    static const char *const readers[][MOST_WORDS] = {
        {"explain", "vae", "--data", "ring8"}, {"models", "--json"}, {"train", "vae", "--help"}};
    (void)state;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        int ends[2], status;
        char path[PATH_SIZE], *arguments[MOST_WORDS + 2] = {(char *)PROGRAM};
        posix_spawn_file_actions_t actions;
        pid_t child;
        for (size_t w = 0; readers[i][w] != NULL; w++) arguments[w + 1] = (char *)readers[i][w];
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
        assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], 1), 0);
        assert_int_equal(
            posix_spawn_file_actions_addopen(&actions, 2, inside("err", path), O_WRONLY | O_CREAT | O_TRUNC, 0666), 0);
        assert_int_equal(posix_spawn(&child, PROGRAM, &actions, NULL, arguments, environ), 0);
        assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
        assert_int_equal(close(ends[1]), 0);
        while (waitpid(child, &status, 0) < 0) assert_int_equal(errno, EINTR);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 141);
        char *words = test_file_read(inside("err", path), NULL);
        assert_null(strstr(words, "duet:"));
        free(words);
    }
}

/* Short trainings are told in steps. */
static void a_few_steps_are_no_epochs(void **state)
{
    (void)state;
    result r = RUN("train", "vae", "--data", "ring8", "--steps", "1", "--out", "@/one");
    assert_int_equal(r.status, 0);
    assert_null(strstr(r.err, "epoch"));
    assert_non_null(strstr(r.err, "step 1/1"));
    assert_non_null(strstr(r.err, "1 step in "));
    result_free(&r);
}

/* Steps may be so slow that no report is due for minutes. */
static void a_pipe_gets_a_line_every_ten_seconds(void **state)
{
    (void)state;
    static const double seconds[] = {0, 4, 9, 11, 15, 20, 22, 40};
    const char *const names[] = {"loss"};
    const double means[] = {NAN};
    char path[PATH_SIZE];
    cli_training_progress training = {.quiet = false};
    const int kept = dup(STDERR_FILENO), file = open(inside("lines", path), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(kept >= 0 && file >= 0);
    (void)fflush(stderr);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        cli_progress_training(&training, &(duet_progress){.step = i + 1,
                                                          .steps = 100,
                                                          .epoch = 0.01 * (double)(i + 1),
                                                          .epochs = 1,
                                                          .seconds = seconds[i],
                                                          .names = names,
                                                          .means = means,
                                                          .terms = 1});
    (void)fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    assert_int_equal(close(kept) + close(file), 0);
    char *text = test_file_read(path, NULL);
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; at++) lines += *at == '\n';
    assert_int_equal(lines, 3); /* at 11, 22 and 40 seconds */
    assert_non_null(strstr(text, "step 4/100"));
    free(text);
}

/* "1.15e+03 ms" and "1 examples" are nobody's words. */
static void numbers_are_written_out(void **state)
{
    (void)state;
    static const struct {
        double number;
        int digits;
        const char *words;
    } rows[] = {{1150, 3, "1150"},        {999.7, 3, "1000"}, {999.4, 3, "999"},  {-12345.6, 4, "-12346"},
                {0.0123456, 3, "0.0123"}, {0, 3, "0"},        {3e12, 4, "3e+12"}, {1e-9, 4, "1e-09"}};
    char text[32];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(cli_digits(rows[i].number, rows[i].digits, text, sizeof text), rows[i].words);
    assert_string_equal(cli_examples(1, text, sizeof text), "1 example");
    assert_string_equal(cli_examples(20, text, sizeof text), "20 examples");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_out),         cmocka_unit_test(help_is_broken_by_one_rule),
        cmocka_unit_test(help_fits_the_terminal),          cmocka_unit_test(a_dumb_terminal_gets_no_escapes),
        cmocka_unit_test(names_do_not_steer_the_terminal), cmocka_unit_test(a_reader_that_leaves_is_no_failure),
        cmocka_unit_test(a_few_steps_are_no_epochs),       cmocka_unit_test(a_pipe_gets_a_line_every_ten_seconds),
    };
    return RUN_TESTS("terminal", tests, make_folder, remove_folder);
}
