/* SPDX-License-Identifier: MIT */
/* Preloaded, makes reads of one file fail with EIO, as a disk or a network file system does: $PRELOAD_READS, "NAME N
 * COUNT", names the file by the end of its path, the first of the reads that fail, from 1, and how many do. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long reads;
static char wanted[256];
static long first, count;

static bool is_of_wanted(int file)
{
    char link[64], path[4096];
    if (wanted[0] == '\0') return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    const size_t end = strlen(wanted);
    return length >= (ssize_t)end && strncmp(path + length - end, wanted, end) == 0;
}

static bool is_due(int file)
{
    if (!is_of_wanted(file)) return false;
    const long number = atomic_fetch_add(&reads, 1) + 1;
    if (number < first || number - first >= count) return false;
    errno = EIO;
    return true;
}

#define REPLACED(name, parameters, arguments)                                                                          \
    ssize_t name parameters                                                                                            \
    {                                                                                                                  \
        static ssize_t(*real) parameters;                                                                              \
        if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                   \
        return is_due(file) ? -1 : real arguments;                                                                     \
    }

REPLACED(read, (int file, void *bytes, size_t size), (file, bytes, size))
REPLACED(pread64, (int file, void *bytes, size_t size, off64_t at), (file, bytes, size, at))

__attribute__((constructor)) static void begin(void)
{
    const char *words = getenv("PRELOAD_READS");
    if (words != NULL && sscanf(words, "%255s %ld %ld", wanted, &first, &count) != 3) _exit(125);
}
