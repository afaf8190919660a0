/* SPDX-License-Identifier: MIT */
/* What a training says, collected. */
#ifndef DUET_TESTS_HEARD_H
#define DUET_TESTS_HEARD_H

#include <stdio.h>
#include <string.h>

#include "test.h"

typedef struct heard {
    char text[4096];
    const char *again; /* a run to train into while this one is under way */
    duet_status status;
} heard;

static inline void listen(void *context, const char *line)
{
    heard *all = context;
    size_t used = strlen(all->text);
    (void)snprintf(all->text + used, sizeof all->text - used, "%s\n", line);
}

static inline void assert_heard(const heard *all, const char *piece)
{
    if (strstr(all->text, piece) == NULL) fail_msg("\"%s\" is missing from \"%s\"", piece, all->text);
}

#endif
