/* SPDX-License-Identifier: MIT */
/* Preloaded, makes one allocation fail of those that Duet makes itself: $PRELOAD_MEMORY, "N ERRNO", names the N-th of
 * the calls below, and the error (ENOMEM, whatever is asked for). Those of the C library, of drivers and of other
 * libraries go through: their authors answer for them. $PRELOAD_MEMORY_COUNT, a file, gets how many there were. */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* glibc's own, which a preload may build on. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);

static struct {
    uintptr_t first, end;
} code[16]; /* of the program and the library */
static size_t code_count;
static atomic_long calls;
static long wanted;
static const char *failed = "none";
static atomic_bool ready;

static int note_code(struct dl_phdr_info *about, size_t bytes, void *context)
{
    const char *name = strrchr(about->dlpi_name, '/');
    (void)bytes;
    (void)context;
    if (about->dlpi_name[0] != '\0' && (name == NULL || strncmp(name, "/libduet", 8) != 0)) return 0;
    for (size_t i = 0; i < about->dlpi_phnum && code_count < sizeof code / sizeof *code; i++) {
        if (about->dlpi_phdr[i].p_type != PT_LOAD || (about->dlpi_phdr[i].p_flags & PF_X) == 0) continue;
        code[code_count].first = about->dlpi_addr + about->dlpi_phdr[i].p_vaddr;
        code[code_count].end = code[code_count].first + about->dlpi_phdr[i].p_memsz;
        code_count++;
    }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *asked = getenv("PRELOAD_MEMORY");
    if (asked != NULL) wanted = strtol(asked, NULL, 10);
    (void)dl_iterate_phdr(note_code, NULL);
    atomic_store(&ready, true);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("PRELOAD_MEMORY_COUNT");
    atomic_store(&ready, false);
    FILE *file = path == NULL ? NULL : fopen(path, "w");
    if (file == NULL) return;
    (void)fprintf(file, "%ld %s\n", atomic_load(&calls), failed);
    (void)fclose(file);
}

static bool is_due(const void *caller, const char *name)
{
    uintptr_t from = (uintptr_t)caller;
    bool ours = false;
    if (!atomic_load(&ready)) return false;
    for (size_t i = 0; i < code_count; i++) ours |= from >= code[i].first && from < code[i].end;
    if (!ours || atomic_fetch_add(&calls, 1) + 1 != wanted) return false;
    failed = name;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return is_due(__builtin_return_address(0), "malloc") ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return is_due(__builtin_return_address(0), "calloc") ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return is_due(__builtin_return_address(0), "realloc") ? NULL : __libc_realloc(old, bytes);
}

char *strdup(const char *text)
{
    if (is_due(__builtin_return_address(0), "strdup")) return NULL;
    size_t bytes = strlen(text) + 1;
    char *copy = __libc_malloc(bytes);
    return copy == NULL ? NULL : memcpy(copy, text, bytes);
}
