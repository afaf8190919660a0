/* SPDX-License-Identifier: MIT */
/* Preloaded, makes one call fail with which files are written, looked at or listed: $PRELOAD_FILES, "N ERRNO", names
 * the N-th of all calls of the functions below that Duet makes itself or through the libraries that write for it, and
 * the error. fwrite writes half before it fails, as a full disk does; fclose closes all the same. $PRELOAD_FILES_COUNT,
 * a file, gets how many there were; of $PRELOAD_FILES_ONLY those functions alone count whose names hold it. With
 * $PRELOAD_NO_LOCKS files are not locked, as on some file systems of clusters. */
#define _GNU_SOURCE /* dladdr, RTLD_NEXT */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ERROR_SEEN = 0x20 }; /* glibc's flag behind ferror */

static atomic_long calls;
static long wanted;
static int error;
static const char *failed = "none", *only;
static _Thread_local bool inside; /* what these functions call themselves is let through */

static bool is_ours(const void *caller)
{
    static const char *const writers[] = {"/duet", "/libduet", "/libjansson", "/libpng"};
    Dl_info about;
    if (dladdr(caller, &about) == 0 || about.dli_fname == NULL) return false;
    const char *name = strrchr(about.dli_fname, '/');
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (strncmp(name == NULL ? about.dli_fname : name, writers[i] + (name == NULL),
                    strlen(writers[i]) - (name == NULL)) == 0)
            return true;
    return false;
}

static bool is_due(const void *caller, const char *name)
{
    if (inside || !is_ours(caller) || (only != NULL && strstr(name, only) == NULL) ||
        atomic_fetch_add(&calls, 1) + 1 != wanted)
        return false;
    failed = name;
    errno = error;
    return true;
}

static void *original(const char *name)
{
    inside = true;
    void *found = dlsym(RTLD_NEXT, name);
    inside = false;
    return found;
}

#define REPLACED(type, name, parameters, arguments, otherwise)                                                         \
    type name parameters                                                                                               \
    {                                                                                                                  \
        static type(*real) parameters;                                                                                 \
        if (real == NULL) *(void **)&real = original(#name);                                                           \
        if (is_due(__builtin_return_address(0), #name)) return otherwise;                                              \
        return real arguments;                                                                                         \
    }

REPLACED(FILE *, fopen64, (const char *path, const char *mode), (path, mode), NULL)
REPLACED(FILE *, fdopen, (int file, const char *mode), (file, mode), NULL)
REPLACED(int, fflush, (FILE * file), (file), EOF)
REPLACED(int, fsync, (int file), (file), -1)
REPLACED(int, rename, (const char *from, const char *to), (from, to), -1)
REPLACED(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
REPLACED(int, ftruncate64, (int file, off64_t length), (file, length), -1)
REPLACED(int, stat64, (const char *path, struct stat64 *about), (path, about), -1)
REPLACED(int, lstat64, (const char *path, struct stat64 *about), (path, about), -1)
REPLACED(int, fstat64, (int file, struct stat64 *about), (file, about), -1)
REPLACED(DIR *, opendir, (const char *path), (path), NULL)
REPLACED(struct dirent64 *, readdir64, (DIR * folder), (folder), NULL)
REPLACED(ssize_t, write, (int file, const void *bytes, size_t count), (file, bytes, count), -1)

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file)
{
    static size_t (*real)(const void *, size_t, size_t, FILE *);
    if (real == NULL) *(void **)&real = original("fwrite");
    if (!is_due(__builtin_return_address(0), "fwrite")) return real(bytes, size, count, file);
    count = real(bytes, size, count / 2, file);
    file->_flags |= ERROR_SEEN;
    errno = error;
    return count;
}

int fclose(FILE *file)
{
    static int (*real)(FILE *);
    if (real == NULL) *(void **)&real = original("fclose");
    bool due = is_due(__builtin_return_address(0), "fclose");
    int result = real(file);
    if (!due) return result;
    errno = error;
    return EOF;
}

int open64(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    if (real == NULL) *(void **)&real = original("open64");
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? (mode_t)va_arg(more, int) : 0;
    va_end(more);
    return is_due(__builtin_return_address(0), "open64") ? -1 : real(path, flags, mode);
}

int flock(int descriptor, int operation)
{
    int (*real)(int, int);
    *(void **)&real = original("flock");
    errno = ENOSYS;
    return getenv("PRELOAD_NO_LOCKS") != NULL ? -1 : real(descriptor, operation);
}

__attribute__((constructor)) static void begin(void)
{
    const char *words = getenv("PRELOAD_FILES");
    only = getenv("PRELOAD_FILES_ONLY");
    if (words != NULL && sscanf(words, "%ld %d", &wanted, &error) != 2) _exit(125);
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("PRELOAD_FILES_COUNT");
    inside = true;
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file == NULL) return;
    (void)fprintf(file, "%ld %s\n", atomic_load(&calls), failed);
    (void)fclose(file);
}
