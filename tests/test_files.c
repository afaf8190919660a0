/* SPDX-License-Identifier: MIT */
/* Files that Duet writes: whole or not there, whatever is written and wherever. What is in them is tested by
 * test_pictures.c and test_safetensors.c. */
#include "written_files.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/status.h"
#include "duet/report.h"
#include "run/safetensors.h"

static char shared_path[TEST_PATH_SIZE + 8]; /* what several threads write */

/* Everything that writes a file, in one table: each must fail alike. */

static duet_status write_text(const char *path, duet_error *error)
{
    static char bytes[100000];
    return duet_file_replace(path, bytes, sizeof bytes, error);
}

static duet_status write_array(const char *path, duet_error *error)
{
    static float values[25000];
    return duet_write_npy(path, values, DUET_SHAPE(250, 100), error);
}

/* Noise, which does not compress. */
static float *noise(size_t count)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    uint32_t word = 1;
    for (size_t i = 0; i < count; i++) {
        word = word * 1664525u + 1013904223u;
        values[i] = (float)(word >> 8) * 0x1p-24f;
    }
    return values;
}

static duet_status write_grid(const char *path, duet_error *error)
{
    float *values = noise(64 * 64 * 64);
    duet_status status = duet_write_png_grid(path, values, 64, DUET_SHAPE(64, 64, 1), 8, error);
    free(values);
    return status;
}

static duet_status write_points(const char *path, duet_error *error)
{
    float *values = noise(20000);
    duet_status status = duet_write_png_points(path, values, 10000, 2, NULL, 0, error);
    free(values);
    return status;
}

static duet_status read_zeros(void *context, void *values, size_t bytes, duet_error *error)
{
    (void)context;
    (void)error;
    memset(values, 0, bytes);
    return DUET_OK;
}

static duet_status write_tensors(const char *path, duet_error *error)
{
    const duet_tensor_source tensor = {"group.layer.weight", DUET_FLOAT32, DUET_SHAPE(250, 100), read_zeros, NULL};
    return duet_safetensors_write(path, &tensor, 1, NULL, 0, error);
}

static const struct {
    const char *name;
    duet_status (*write)(const char *path, duet_error *error);
} writers[] = {{"text", write_text},
               {"npy", write_array},
               {"png grid", write_grid},
               {"png points", write_points},
               {"safetensors", write_tensors}};
enum { WRITERS = sizeof writers / sizeof *writers };

static void writers_replace(void **state)
{
    (void)state;
    for (size_t i = 0; i < WRITERS; i++) {
        duet_error error = {0};
        struct stat about;
        test_file_write(in_folder("file"), "old", 3);
        assert_ok(writers[i].write(in_folder("file"), &error), &error);
        assert_int_equal(stat(in_folder("file"), &about), 0);
        assert_true(about.st_size > 10000);
        assert_int_equal(count_files(), 1);
    }
}

/* A disk that is full after `limit` bytes: the old file stays whole and nothing else is left. */
static void full_disk(void **state)
{
    (void)state;
    static const rlim_t limits[] = {0, 1, 100, 4096, 9000};
    struct rlimit kept;
    test_file_write(in_folder("file"), "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < WRITERS * 5; i++) {
        duet_error error = {0};
        struct rlimit small = {limits[i % 5], kept.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        duet_status status = writers[i / 5].write(in_folder("file"), &error);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
        if (status != DUET_ERROR_FILE) fail_msg("%s: status %s", writers[i / 5].name, duet_status_name(status));
        assert_message(&error, in_folder("file"));
        assert_message(&error, strerror(EFBIG));
        assert_holds("file", "old");
        assert_int_equal(count_files(), 1);
    }
    (void)signal(SIGXFSZ, handler);
}

static void unwritable_places(void **state)
{
    (void)state;
    static const char *const paths[] = {"/proc/duet.png", "/no-such-folder/duet.png", "/dev/null/duet.png"};
    for (size_t i = 0; i < WRITERS * 3; i++) {
        duet_error error = {0};
        assert_status(writers[i / 3].write(paths[i % 3], &error), DUET_ERROR_FILE, &error);
        assert_message(&error, paths[i % 3]);
        assert_message(&error, "cannot be written");
    }
    duet_error error = {0};
    assert_int_equal(mkdir(in_folder("file"), 0777), 0);
    assert_status(write_text(in_folder("file"), &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "it is a folder, and a file was expected");
    assert_int_equal(count_files(), 1);
}

/* No elements may be none, or more than can be counted. */
static void arrays_too_large_are_refused(void **state)
{
    (void)state;
    duet_error error = {0};
    const float value = 0;
    const duet_shape many = DUET_SHAPE(SIZE_MAX, 2), none = DUET_SHAPE(0, 2);
    assert_status(duet_write_npy(in_folder("many.npy"), &value, many, &error), DUET_ERROR_USAGE, &error);
    assert_int_equal(access(in_folder("many.npy"), F_OK), -1);
    error = (duet_error){0};
    assert_ok(duet_write_npy(in_folder("none.npy"), &value, none, &error), &error);
}

static void discarded_file(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_file file = {0};
    test_file_write(in_folder("file"), "old", 3);
    assert_ok(duet_file_create(&file, in_folder("file"), &error), &error);
    assert_ok(duet_file_write(&file, "new", 3, &error), &error);
    assert_int_equal(count_files(), 2);
    duet_file_discard(&file);
    duet_file_discard(&file);
    assert_holds("file", "old");
    assert_int_equal(count_files(), 1);
    test_file_write(in_folder(".duet-12-3.tmp"), "what a killed writer left", 25);
    assert_ok(duet_file_replace(in_folder("file"), "new", 3, &error), &error);
    assert_holds("file", "new");
    assert_int_equal(count_files(), 1);
}

/* Two of one file at a time: the last to commit counts, and neither takes what the other has begun. */
static void two_writers(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_file first = {0}, second = {0};
    assert_ok(duet_file_create(&first, in_folder("file"), &error), &error);
    assert_ok(duet_file_write(&first, "first", 5, &error), &error);
    assert_ok(duet_file_create(&second, in_folder("file"), &error), &error);
    assert_ok(duet_file_write(&second, "second", 6, &error), &error);
    assert_int_equal(count_files(), 2);
    assert_ok(duet_file_commit(&second, &error), &error);
    assert_holds("file", "second");
    assert_ok(duet_file_commit(&first, &error), &error);
    assert_holds("file", "first");
    assert_int_equal(count_files(), 1);
}

/* Many at a time, each of whom removes what killed writers left, and nothing of the others. */
static void *write_often(void *failed)
{
    for (int i = 0; i < 50 && !*(bool *)failed; i++)
        *(bool *)failed = duet_file_replace(shared_path, "whole", 5, NULL) != DUET_OK;
    return NULL;
}

static void many_writers(void **state)
{
    (void)state;
    enum { WRITING = 6 };
    pthread_t threads[WRITING];
    bool failed[WRITING] = {false};
    (void)snprintf(shared_path, sizeof shared_path, "%s/file", folder);
    for (size_t i = 0; i < WRITING; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, &failed[i]), 0);
    for (size_t i = 0; i < WRITING; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < WRITING; i++) assert_false(failed[i]);
    assert_holds("file", "whole");
    assert_int_equal(count_files(), 1);
}

/* Links that a stranger laid where Duet writes: what they lead to stays as it is. */
static void links_are_not_followed(void **state)
{
    (void)state;
    char name[64];
    duet_error error = {0};
    FILE *stream;
    test_file_write(in_folder("precious"), "mine", 4);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, ".duet-%ld-%u.tmp", (long)getpid(), i);
        assert_int_equal(symlink(in_folder("precious"), in_folder(name)), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(symlink(in_folder("precious"), in_folder("file")), 0);
        assert_ok(writers[i].write(in_folder("file"), &error), &error);
        assert_holds("precious", "mine");
        assert_int_equal(remove(in_folder("file")), 0);
    }
    assert_int_equal(symlink(in_folder("precious"), in_folder("lines")), 0);
    assert_status(duet_file_open_own(in_folder("lines"), &stream, &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "is a link");
    assert_null(stream);
    assert_int_equal(remove(in_folder("lines")), 0);
    assert_int_equal(mkfifo(in_folder("lines"), 0666), 0);
    error = (duet_error){0};
    assert_status(duet_file_open_own(in_folder("lines"), &stream, &error), DUET_ERROR_FILE, &error);
    assert_holds("precious", "mine");
}

static void locks_have_one_holder(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_lock first = {0}, second = {0};
    long holder = 7;
    test_file_write(in_folder("lock"), "999999999\n", 10); /* of a process that is gone */
    assert_ok(duet_lock_take(&first, in_folder("lock"), &holder, &error), &error);
    assert_int_equal(holder, DUET_LOCK_FREE);
    assert_ok(duet_lock_take(&second, in_folder("lock"), &holder, &error), &error);
    assert_int_equal(holder, getpid());
    duet_lock_release(&second);
    assert_ok(duet_lock_take(&second, in_folder("lock"), &holder, &error), &error);
    assert_int_equal(holder, getpid());
    duet_lock_release(&first);
    assert_int_equal(count_files(), 0);
    assert_ok(duet_lock_take(&second, in_folder("lock"), &holder, &error), &error);
    assert_int_equal(holder, DUET_LOCK_FREE);
    duet_lock_release(&second);
    duet_lock_release(&second);

    test_file_write(in_folder("precious"), "mine", 4);
    assert_int_equal(symlink(in_folder("precious"), in_folder("lock")), 0);
    assert_status(duet_lock_take(&first, in_folder("lock"), &holder, &error), DUET_ERROR_FILE, &error);
    assert_message(&error, "is a link");
    assert_holds("precious", "mine");
}

/* Its holder lets go of a lock in the folder that it took it in, wherever that is by now, and of no other one's. */
static void locks_go_with_their_folder(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_lock moved = {0}, new = {0};
    char here[TEST_PATH_SIZE + 8], away[TEST_PATH_SIZE + 8], path[TEST_PATH_SIZE + 16], there[TEST_PATH_SIZE + 16];
    long holder = 7;
    snprintf(here, sizeof here, "%s", in_folder("run"));
    snprintf(away, sizeof away, "%s", in_folder("away"));
    snprintf(path, sizeof path, "%s/lock", here);
    snprintf(there, sizeof there, "%s/lock", away);
    assert_int_equal(mkdir(here, 0777), 0);
    assert_ok(duet_lock_take(&moved, path, &holder, &error), &error);
    assert_int_equal(rename(here, away), 0);
    assert_int_equal(mkdir(here, 0777), 0);
    assert_ok(duet_lock_take(&new, path, &holder, &error), &error);
    assert_int_equal(holder, DUET_LOCK_FREE);
    duet_lock_release(&moved);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(access(there, F_OK), -1);

    assert_int_equal(remove(path), 0); /* by hand, and another one takes it */
    assert_ok(duet_lock_take(&moved, path, &holder, &error), &error);
    assert_int_equal(holder, DUET_LOCK_FREE);
    duet_lock_release(&new);
    assert_int_equal(access(path, F_OK), 0);
    duet_lock_release(&moved);
    assert_int_equal(rmdir(here), 0);
    assert_int_equal(rmdir(away), 0);
}

/* What a terminal would take for a command, in a message and by itself. */
static void texts_do_not_steer_terminals(void **state)
{
    (void)state;
    char text[] = "a\x1b[31mb\x7f\r\tc\nd \xc3\xa9 \xc2\x9b"
                  "2J \xff";
    char turned[] = "a\xe2\x80\xae"
                    "b\xe2\x81\xa6 \xe2\x80\xa6";
    duet_error error = {0};
    duet_text_plain(text);
    assert_string_equal(text, "a?[31mb??\tc\nd \xc3\xa9 ??2J ?");
    duet_text_plain(turned); /* a name that reads backwards; an ellipsis stays */
    assert_string_equal(turned, "a???b??? \xe2\x80\xa6");
    (void)duet_fail(&error, DUET_ERROR_DATA, "a run of \"%s\"", "x\x1b]0;title\x07");
    assert_string_equal(error.message, "a run of \"x?]0;title?\"");
    error = (duet_error){0}; /* what is said of data and files is one line, whatever they are called */
    (void)duet_fail(&error, DUET_ERROR_FILE, "%s", "a\nwarning:\tb");
    assert_string_equal(error.message, "a?warning:?b");
    error = (duet_error){0}; /* what a compiler says has several */
    (void)duet_fail(&error, DUET_ERROR_DEVICE, "%s", "a\nb");
    assert_string_equal(error.message, "a\nb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(writers_replace),
        IN_FOLDER(full_disk),
        IN_FOLDER(unwritable_places),
        IN_FOLDER(arrays_too_large_are_refused),
        IN_FOLDER(discarded_file),
        IN_FOLDER(two_writers),
        IN_FOLDER(many_writers),
        IN_FOLDER(links_are_not_followed),
        IN_FOLDER(locks_have_one_holder),
        IN_FOLDER(locks_go_with_their_folder),
        IN_FOLDER(texts_do_not_steer_terminals),
    };
    return RUN_TESTS("files", tests, NULL, NULL);
}
