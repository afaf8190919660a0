/* SPDX-License-Identifier: MIT */
/* What every test program shares: cmocka's includes in the order it wants, how a program runs its tests, comparisons
 * that a NaN cannot pass, the device under test, and folders that go away again. */
#ifndef DUET_TESTS_TEST_H
#define DUET_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "duet/base.h"
#include "duet/device.h"

enum { TEST_PATH_SIZE = 512 };

/** Whether `name` is one of a list with commas. */
static inline bool test_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
        if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0')) return true;
    return false;
}

/** How every main ends: runs the tests, `before` ahead of the first and `after` behind the last (NULL: nothing). Where
 * meson.build divides a program between two suites, $DUET_TEST_ONLY names the tests to run, $DUET_TEST_WITHOUT those to
 * leave out; each of these names must be there. */
static inline int test_run(const char *name, const struct CMUnitTest *tests, size_t count, CMFixtureFunction before,
                           CMFixtureFunction after)
{
    const char *only = getenv("DUET_TEST_ONLY"), *without = getenv("DUET_TEST_WITHOUT");
    const char *list = only ? only : without;
    if (!list) return _cmocka_run_group_tests(name, tests, count, before, after);
    struct CMUnitTest *chosen = calloc(count + 1, sizeof *chosen);
    size_t kept = 0, named = 1;
    if (!chosen) return EXIT_FAILURE;
    for (const char *at = list; *at != '\0'; at++) named += *at == ',';
    for (size_t i = 0; i < count; i++) {
        const bool listed = test_listed(list, tests[i].name);
        named -= listed;
        if (listed == (only != NULL)) chosen[kept++] = tests[i];
    }
    if (named != 0) (void)fprintf(stderr, "%s has not all the tests of the list %s\n", name, list);
    const int failed = named != 0 ? EXIT_FAILURE : _cmocka_run_group_tests(name, chosen, kept, before, after);
    free(chosen);
    return failed;
}

/** The same for all of an array. */
#define RUN_TESTS(name, tests, before, after) test_run((name), (tests), sizeof(tests) / sizeof *(tests), before, after)
/** A row of a table as a test of its own, which finds the row in *state. */
#define TEST_ROW(title, test, row) ((struct CMUnitTest){(title), (test), NULL, NULL, (void *)(row)})

/** Fails unless |actual - expected| <= tolerance. cmocka's own assert_float_equal lets a NaN through. */
#define assert_close(actual, expected, tolerance)                                                                      \
    test_assert_close((actual), (expected), (tolerance), #actual, __FILE__, __LINE__)

static inline void test_assert_close(double actual, double expected, double tolerance, const char *what,
                                     const char *file, int line)
{
    double difference = actual == expected ? 0 : fabs(actual - expected); /* equal infinities are close */
    if (!(difference <= tolerance)) {
        print_error("%s: %.9g is not within %.3g of %.9g\n", what, actual, tolerance, expected);
        _fail(file, line);
    }
}

/** Fails unless the call gave the expected status; prints the message of an error nobody expected. */
#define assert_status(status, expected, error)                                                                         \
    test_assert_status((status), (expected), (error), #status, __FILE__, __LINE__)
/** The same for a call that should have worked. */
#define assert_ok(status, error) assert_status(status, DUET_OK, error)

static inline void test_assert_status(duet_status status, duet_status expected, const duet_error *error,
                                      const char *what, const char *file, int line)
{
    if (status == expected) return;
    print_error("%s: status \"%s\", expected \"%s\": %s\n", what, duet_status_name(status), duet_status_name(expected),
                error->message);
    _fail(file, line);
}

/** Fails unless the message of `error` holds `piece`. */
#define assert_message(error, piece) test_assert_message((error), (piece), __FILE__, __LINE__)

static inline void test_assert_message(const duet_error *error, const char *piece, const char *file, int line)
{
    if (strstr(error->message, piece)) return;
    print_error("\"%s\" is missing from the message \"%s\"\n", piece, error->message);
    _fail(file, line);
}

/** The device under test: $DUET_DEVICE, else the preferred one. In checking mode if $DUET_TEST_CHECKING is set, with
 * the GEMM provider that $DUET_TEST_GEMM names. None at all is a failure: tests that skip themselves prove nothing. */
static inline duet_device *test_device_open(void)
{
    duet_error error = {0};
    duet_device *device = NULL;
    assert_ok(duet_device_open(&device, NULL, &error), &error);
    if (getenv("DUET_TEST_CHECKING")) duet_device_set_checking(device, true);
    assert_ok(duet_device_set_gemm(device, getenv("DUET_TEST_GEMM"), &error), &error);
    return device;
}

/** A new empty folder under $TMPDIR or /tmp. */
static inline void test_folder_new(char path[TEST_PATH_SIZE])
{
    const char *parent = getenv("TMPDIR");
    int length = snprintf(path, TEST_PATH_SIZE, "%s/duet-test-XXXXXX", parent && *parent ? parent : "/tmp");
    assert_in_range(length, 1, TEST_PATH_SIZE - 1);
    assert_non_null(mkdtemp(path));
}

/** Removes a folder made by test_folder_new and all it holds. */
static inline void test_folder_remove(const char *path)
{
    DIR *entries = opendir(path);
    if (entries) {
        for (struct dirent *entry; (entry = readdir(entries));) {
            char inner[TEST_PATH_SIZE + 256];
            struct stat about;
            if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
            if (snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) >= (int)sizeof inner) continue;
            if (lstat(inner, &about) == 0 && S_ISDIR(about.st_mode)) {
                test_folder_remove(inner);
            } else {
                (void)remove(inner);
            }
        }
        (void)closedir(entries);
    }
    (void)rmdir(path);
}

/** Writes a file whole. */
static inline void test_file_write(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/** Reads a file whole, with a zero byte after it. The caller frees it. */
static inline char *test_file_read(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be opened", path);
    size_t used = 0, room = 4096;
    char *bytes = malloc(room);
    assert_non_null(bytes);
    for (size_t got; (got = fread(bytes + used, 1, room - used - 1, file)) > 0;) {
        used += got;
        if (room - used < 2) {
            bytes = realloc(bytes, room *= 2);
            assert_non_null(bytes);
        }
    }
    assert_int_equal(fclose(file), 0);
    bytes[used] = '\0';
    if (count) *count = used;
    return bytes;
}

static inline bool test_same_file(const char *path, const char *other)
{
    size_t count, other_count;
    char *bytes = test_file_read(path, &count), *other_bytes = test_file_read(other, &other_count);
    bool same = count == other_count && memcmp(bytes, other_bytes, count) == 0;
    free(bytes);
    free(other_bytes);
    return same;
}

#endif
