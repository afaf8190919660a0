/* SPDX-License-Identifier: MIT */
/* Running the program as a person does: its words, its exit status, what it says. */
#ifndef DUET_TESTS_PROGRAM_H
#define DUET_TESTS_PROGRAM_H

#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <sys/wait.h>

#define PROGRAM TEST_BUILD_ROOT "/duet"

enum { MOST_WORDS = 16 };

extern char **environ;

enum { PATH_SIZE = TEST_PATH_SIZE + 160 };

/* How a program ended and what it said. */
typedef struct result {
    int status; /* 128 + the signal for a program that a signal ended */
    char *out, *err;
} result;

static inline const char *inside(const char *name, char path[PATH_SIZE])
{
    int length = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    assert_in_range(length, 1, PATH_SIZE - 1);
    return path;
}

/* An argument's "@" stands for the group's folder. */
static inline void expand(const char *word, char expanded[PATH_SIZE])
{
    bool ours = word[0] == '@';
    int length = snprintf(expanded, PATH_SIZE, "%s%s", ours ? folder : "", word + ours);
    assert_in_range(length, 0, PATH_SIZE - 1);
}

/* Two at a time write behind each other's words. */
static inline pid_t start(const char *const *words)
{
    char expanded[MOST_WORDS][PATH_SIZE], path[PATH_SIZE];
    char *arguments[MOST_WORDS + 2] = {(char *)PROGRAM};
    posix_spawn_file_actions_t actions;
    pid_t child;
    for (size_t i = 0; words[i] != NULL; i++) {
        assert_in_range(i, 0, MOST_WORDS - 1);
        expand(words[i], expanded[i]);
        arguments[i + 1] = expanded[i];
    }
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, inside("out", path),
                                                      O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666),
                     0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 2, inside("err", path),
                                                      O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666),
                     0);
    assert_int_equal(posix_spawn(&child, PROGRAM, &actions, NULL, arguments, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    return child;
}

static inline result finish(pid_t child)
{
    char path[PATH_SIZE];
    int status;
    while (waitpid(child, &status, 0) < 0) assert_int_equal(errno, EINTR);
    return (result){.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                    .out = test_file_read(inside("out", path), NULL),
                    .err = test_file_read(inside("err", path), NULL)};
}

static inline void result_free(result *r)
{
    free(r->out);
    free(r->err);
}

static inline result run(const char *const *words)
{
    return finish(start(words));
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

/* Fails unless the program ended with `status` and its output holds the pieces (NULL: nothing to hold). */
static inline void expect(result r, int status, const char *out, const char *err)
{
    bool right = r.status == status && (out == NULL || strstr(r.out, out) != NULL) &&
                 (err == NULL || strstr(r.err, err) != NULL);
    if (!right)
        print_error("exit status %d (expected %d)\nstandard output (expected \"%s\"):\n%s\nstandard error (expected "
                    "\"%s\"):\n%s\n",
                    r.status, status, out ? out : "", r.out, err ? err : "", r.err);
    result_free(&r);
    assert_true(right);
}

/** A --json document of that schema out of a run that went well. The caller drops it. */
static inline json_t *document_of(result r, int schema)
{
    json_error_t error;
    json_t *parsed = json_loads(r.out, JSON_REJECT_DUPLICATES, &error);
    if (parsed == NULL) print_error("%s, in:\n%s\n%s\n", error.text, r.out, r.err);
    assert_int_equal(r.status, 0);
    result_free(&r);
    assert_non_null(parsed);
    assert_int_equal(json_integer_value(json_object_get(parsed, "schema")), schema);
    return parsed;
}

static inline json_t *document(result r)
{
    return document_of(r, 1);
}

/** Copies a file of the folder. */
static inline void copy_file(const char *from, const char *to)
{
    char path[PATH_SIZE];
    size_t size;
    char *bytes = test_file_read(inside(from, path), &size);
    test_file_write(inside(to, path), bytes, size);
    free(bytes);
}

/* A command line, its exit status and pieces of what it says. */
typedef struct command_case {
    const char *name, *words[MOST_WORDS];
    int status;
    const char *out, *err; /* NULL: anything */
} command_case;

#endif
