/* SPDX-License-Identifier: MIT */
/* Preloaded, keeps a journal of what a program does to the files of one folder, for test_power_cut.py, which rebuilds
 * from it what a disk may hold after a power cut. $PRELOAD_JOURNAL is a folder: its file "journal" gets a line a call,
 * "KIND PATH [PATH]" with tabs between, after the call succeeded; where the contents of a file changed, a file
 * named by the line's number gets them. $PRELOAD_JOURNAL_OF is the folder that is watched, an absolute path. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *kept, *watched;
static unsigned long lines;
static _Thread_local bool inside; /* what these functions call themselves is let through */

#define ORIGINAL(name) (__extension__(__typeof__(name) *) dlsym(RTLD_NEXT, #name))

/* The path of an open file, "" if it is not watched. */
static const char *path_of(int file, char path[PATH_MAX])
{
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
    return path;
}

static bool is_watched(const char *path)
{
    if (kept == NULL || inside) return false;
    size_t length = strlen(watched);
    return strncmp(path, watched, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void copy_contents(const char *from)
{
    char path[PATH_MAX], bytes[4096];
    (void)snprintf(path, sizeof path, "%s/%lu", kept, lines);
    FILE *in = fopen(from, "rb"), *out = fopen(path, "wb");
    if (in == NULL || out == NULL) abort();
    for (size_t count; (count = fread(bytes, 1, sizeof bytes, in)) > 0;)
        if (fwrite(bytes, 1, count, out) != count) abort();
    (void)fclose(in);
    if (fclose(out) != 0) abort();
}

/* `with_contents`: they may be new. A file without a name any more cannot come back: it is left out. */
static void note(const char *kind, const char *path, const char *other, bool with_contents)
{
    struct stat about = {0};
    char journal[PATH_MAX];
    if (!is_watched(path)) return;
    inside = true;
    pthread_mutex_lock(&mutex);
    if (!with_contents || lstat(path, &about) == 0) {
        (void)snprintf(journal, sizeof journal, "%s/journal", kept);
        if (with_contents && S_ISREG(about.st_mode)) copy_contents(path);
        FILE *file = fopen(journal, "a");
        if (file == NULL) abort();
        (void)fprintf(file, "%s\t%s\t%s\n", kind, path, other);
        if (fclose(file) != 0) abort();
        lines++;
    }
    pthread_mutex_unlock(&mutex);
    inside = false;
}

int open64(const char *path, int flags, ...)
{
    struct stat about;
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? (mode_t)va_arg(more, int) : 0;
    va_end(more);
    bool new = (flags & O_CREAT) != 0 && is_watched(path) && lstat(path, &about) != 0;
    int file = ORIGINAL(open64)(path, flags, mode);
    if (file >= 0 && new) note("create", path, "", true);
    return file;
}

int mkdir(const char *path, mode_t mode)
{
    int result = ORIGINAL(mkdir)(path, mode);
    if (result == 0) note("mkdir", path, "", false);
    return result;
}

int rename(const char *from, const char *to)
{
    int result = ORIGINAL(rename)(from, to);
    if (result == 0) note("rename", from, to, false);
    return result;
}

int unlink(const char *path)
{
    int result = ORIGINAL(unlink)(path);
    if (result == 0) note("remove", path, "", false);
    return result;
}

int rmdir(const char *path)
{
    int result = ORIGINAL(rmdir)(path);
    if (result == 0) note("remove", path, "", false);
    return result;
}

int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX], whole[2 * PATH_MAX];
    int result = ORIGINAL(unlinkat)(folder, name, flags);
    (void)snprintf(whole, sizeof whole, "%s/%s", path_of(folder, path), name);
    if (result == 0) note("remove", whole, "", false);
    return result;
}

int fsync(int file)
{
    char path[PATH_MAX];
    int result = ORIGINAL(fsync)(file);
    if (result == 0) note("sync", path_of(file, path), "", true);
    return result;
}

int ftruncate64(int file, off64_t length)
{
    char path[PATH_MAX];
    int result = ORIGINAL(ftruncate64)(file, length);
    if (result == 0) note("write", path_of(file, path), "", true);
    return result;
}

ssize_t write(int file, const void *bytes, size_t count)
{
    char path[PATH_MAX];
    ssize_t result = ORIGINAL(write)(file, bytes, count);
    if (result > 0 && kept != NULL && !inside) note("write", path_of(file, path), "", true);
    return result;
}

int fflush(FILE *file)
{
    char path[PATH_MAX];
    int result = ORIGINAL(fflush)(file);
    if (result == 0 && file != NULL) note("write", path_of(fileno(file), path), "", true);
    return result;
}

int fclose(FILE *file)
{
    char path[PATH_MAX];
    (void)path_of(fileno(file), path);
    int result = ORIGINAL(fclose)(file);
    if (result == 0) note("write", path, "", true);
    return result;
}

__attribute__((constructor)) static void begin(void)
{
    kept = getenv("PRELOAD_JOURNAL");
    watched = getenv("PRELOAD_JOURNAL_OF");
    if (kept != NULL && watched == NULL) _exit(125);
}
