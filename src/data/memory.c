/* SPDX-License-Identifier: MIT */
/* Rows in memory, shared between those that read them. */
#include "data/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

typedef struct block {
    unsigned char *values;
    bool owned;
    size_t users;
} block;

static duet_status memory_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    const block *it = rows->state;
    (void)error;
    memcpy(destination, it->values + first * duet_rows_row_bytes(rows), count * duet_rows_row_bytes(rows));
    return DUET_OK;
}

/* Rows are opened, shared and closed by one thread. */
static duet_status memory_share(duet_rows *to, const duet_rows *from, duet_error *error)
{
    block *it = from->state;
    (void)error;
    it->users++;
    to->state = it;
    return DUET_OK;
}

static void memory_close(duet_rows *rows)
{
    block *it = rows->state;
    if (--it->users > 0) return;
    if (it->owned) free(it->values);
    free(it);
}

static const duet_row_source memory_source = {memory_read, NULL, NULL, memory_share, memory_close, NULL};

duet_status duet_rows_lie_in_memory(duet_rows *rows, void *values, bool owned, duet_error *error)
{
    block *it = malloc(sizeof *it);
    if (it == NULL) {
        if (owned) free(values);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", rows->path);
    }
    *it = (block){values, owned, 1};
    rows->state = it;
    rows->source = &memory_source;
    return DUET_OK;
}

const void *duet_rows_memory(const duet_rows *rows)
{
    const block *it = rows->state;
    return rows->source == &memory_source ? it->values : NULL;
}
