/* SPDX-License-Identifier: MIT */
/* Preloaded, makes one allocation fail of those that Duet makes itself: $PRELOAD_MEMORY, "N ERRNO", names the N-th of
 * the calls below, and the error (ENOMEM, whatever is asked for). Those of the C library, of drivers and of other
 * libraries go through: their authors answer for them. But what a library gives Duet then, Duet answers for:
 * $PRELOAD_MEMORY_OF, such as "jansson", has the calls of libjansson fail in place of Duet's.
 * $PRELOAD_MEMORY_COUNT, a file, gets how many there were. */
#define _GNU_SOURCE /* dl_iterate_phdr, RTLD_NEXT */
#include <dlfcn.h>
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
} code[16];            /* of the program and the library, or of the library that was named */
static const char *of; /* NULL: Duet */
static void *(*jansson_allocate)(size_t bytes);
static _Thread_local bool by_jansson;
static size_t code_count;
static atomic_long calls;
static long wanted;
static const char *failed = "none";
static atomic_bool ready;

static bool is_wanted(const char *path)
{
    const char *name = strrchr(path, '/'), *library = of == NULL ? "duet" : of;
    if (of == NULL && path[0] == '\0') return true; /* the program */
    size_t length = strlen(library);
    if (name == NULL || strncmp(name, "/lib", 4) != 0 || strncmp(name + 4, library, length) != 0) return false;
    return of == NULL || name[4 + length] == '.'; /* libz is not libzstd */
}

static int note_code(struct dl_phdr_info *about, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    if (!is_wanted(about->dlpi_name)) return 0;
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
    of = getenv("PRELOAD_MEMORY_OF");
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
    if (by_jansson) ours = of != NULL && strcmp(of, "jansson") == 0;
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

/* The program gives jansson a function of its own, so that jansson's calls would look like the program's; with
 * $PRELOAD_MEMORY_BARE it is not passed on, as in other programs that use the library. */

static void *allocate_for_jansson(size_t bytes)
{
    by_jansson = true;
    void *memory = jansson_allocate(bytes);
    by_jansson = false;
    return memory;
}

void json_set_alloc_funcs(void *(*allocate)(size_t bytes), void (*release)(void *memory));
void json_set_alloc_funcs(void *(*allocate)(size_t bytes), void (*release)(void *memory))
{
    void (*set)(void *(*)(size_t), void (*)(void *)) = NULL;
    if (getenv("PRELOAD_MEMORY_BARE") != NULL) return;
    *(void **)&set = dlsym(RTLD_NEXT, "json_set_alloc_funcs");
    jansson_allocate = allocate;
    set(allocate_for_jansson, release);
}
