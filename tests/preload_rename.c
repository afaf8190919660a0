/* SPDX-License-Identifier: MIT */
/* Preloaded, lets something else happen to the files just before one gets its name: $PRELOAD_RENAME, "NAME FROM TO",
 * names the file by the end of its path, and which file takes another's place then, as by another program. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int rename(const char *old, const char *new)
{
    static int (*real)(const char *, const char *);
    char wanted[256], from[1024], to[1024];
    const char *words = getenv("PRELOAD_RENAME");
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "rename");
    if (words != NULL && sscanf(words, "%255s %1023s %1023s", wanted, from, to) == 3 && strlen(new) >= strlen(wanted) &&
        strcmp(new + strlen(new) - strlen(wanted), wanted) == 0)
        (void)real(from, to);
    return real(old, new);
}
